import WardenCore

/// `log_prefix`.
extension Values {
    /// `true`, `false`, or a text with fields in braces; `nil` is none.
    ///
    /// A space follows the text, because the file's syntax cuts off any at the end of a value.
    static func linePrefix(_ text: String) throws(ValueError) -> LinePrefix? {
        switch text.lowercased() {
        case "", "false", "no", "off", "none", "0": return nil
        case "true", "yes", "on", "1": return .usual
        default: break
        }
        guard text.utf8.count <= ConfigLimits.linePrefixBytes else {
            throw ValueError("it has more than \(ConfigLimits.linePrefixBytes) bytes")
        }
        var pieces: [LinePrefix.Piece] = []
        var plain = ""
        var rest = text[...]
        while let next = rest.first {
            rest.removeFirst()
            guard next == "{" || next == "}" else {
                plain.append(next)
                continue
            }
            if rest.first == next {
                rest.removeFirst()
                plain.append(next)
                continue
            }
            guard next == "{", let end = rest.firstIndex(of: "}") else {
                throw ValueError("a brace has no partner; a brace itself is written twice")
            }
            let field = try linePrefixField(String(rest[..<end]))
            if !plain.isEmpty { pieces.append(.text(plain)) }
            plain = ""
            pieces.append(.field(field))
            rest = rest[rest.index(after: end)...]
        }
        pieces.append(.text(plain + " "))
        return LinePrefix(pieces)
    }

    private static func linePrefixField(_ name: String) throws(ValueError) -> LinePrefix.Field {
        if let field = LinePrefix.Field(rawValue: name) { return field }
        let known = LinePrefix.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
        throw ValueError("there is no field \(quoted(name)); there are \(known)")
    }
}
