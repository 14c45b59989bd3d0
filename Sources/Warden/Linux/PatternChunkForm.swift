/// Rewrites an expression so that it can be looked for in many lines at once: one search through a chunk finds the
/// first line that matches, several times as fast as one match per line.
///
/// The rewritten form must match in the chunk exactly where the original matches in a line. So nothing in it may
/// consume the end of a line, and anchors must mean lines (PCRE2_MULTILINE). Whatever is not surely so is refused; the
/// expression is then matched line by line.
internal struct PatternChunkForm {
    private var input: ArraySlice<UInt8>
    private var output: [UInt8] = []

    /// - Returns: `nil` when there is no such form.
    internal static func rewrite(_ expression: String) -> [UInt8]? {
        var form = PatternChunkForm(input: Array(expression.utf8)[...])
        while let byte = form.take() {
            guard form.rewrite(byte) else { return nil }
        }
        // Whatever PCRE2 was built for: an LF ends a line here.
        return Array("(*LF)".utf8) + form.output
    }

    private mutating func take() -> UInt8? { input.popFirst() }

    private mutating func rewrite(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\\"): return rewriteEscape()
        case UInt8(ascii: "["): return rewriteClass()
        case UInt8(ascii: "("): return rewriteGroup()
        // A line's end in the expression could match across lines; other control characters are too odd to bother.
        case ..<0x20: return false
        default:
            output.append(byte)
            return true
        }
    }

    // Spaces of any kind, but no line ends: a line has none in it.
    private static let space = Array(#" \t\f\x0b"#.utf8)
    private static let lineEnds = Array(#"\n\r"#.utf8)

    private mutating func rewriteEscape() -> Bool {
        guard let letter = take() else { return false }
        switch letter {
        case UInt8(ascii: "s"): append("[", Self.space, "]")
        case UInt8(ascii: "W"): append(#"[^\w"#, Self.lineEnds, "]")
        case UInt8(ascii: "D"): append(#"[^\d"#, Self.lineEnds, "]")
        default:
            // Not \A, \z, \Q, \R, \x0a, back references.
            guard Self.isPunctuation(letter) || "dwSbBt".utf8.contains(letter) else { return false }
            output += [UInt8(ascii: "\\"), letter]
        }
        return true
    }

    private mutating func rewriteGroup() -> Bool {
        output.append(UInt8(ascii: "("))
        switch input.first {
        // Verbs, such as (*UTF).
        case UInt8(ascii: "*"): return false
        case UInt8(ascii: "?"): break
        default: return true
        }
        for kind in ["?:", "?=", "?!", "?>", "?<=", "?<!", "?i)", "?i:"] where input.starts(with: kind.utf8) {
            input = input.dropFirst(kind.utf8.count)
            output += Array(kind.utf8)
            return true
        }
        return false
    }

    private mutating func rewriteClass() -> Bool {
        output.append(UInt8(ascii: "["))
        if input.first == UInt8(ascii: "^") {
            input = input.dropFirst()
            output.append(UInt8(ascii: "^"))
            output += Self.lineEnds
        }
        // A bracket in the first place is a member, not the end; rare enough to refuse.
        if input.first == UInt8(ascii: "]") { return false }
        while let byte = take() {
            switch byte {
            case UInt8(ascii: "]"):
                output.append(byte)
                return true
            case UInt8(ascii: "\\"):
                guard let letter = take() else { return false }
                if letter == UInt8(ascii: "s") {
                    // Its last member would become the beginning of a range.
                    if input.first == UInt8(ascii: "-") { return false }
                    output += Self.space
                } else {
                    guard Self.isPunctuation(letter) || letter == UInt8(ascii: "d") || letter == UInt8(ascii: "w")
                    else { return false }
                    output += [byte, letter]
                }
            // [:space:] and its kin.
            case UInt8(ascii: "["), ..<0x20: return false
            default: output.append(byte)
            }
        }
        return false
    }

    private mutating func append(_ before: StaticString, _ middle: [UInt8], _ after: StaticString) {
        before.withUTF8Buffer { output += $0 }
        output += middle
        after.withUTF8Buffer { output += $0 }
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }
}
