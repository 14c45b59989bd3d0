/// One word or mark of Swift source, outside comments and string literals.
struct Token: Equatable {
    /// What it is written as; a string literal is the one mark `"`.
    let text: String
    /// Counted from 1.
    let line: Int
    /// Whether white space, a comment or the start of the file comes before it.
    let followsSpace: Bool

    /// True for identifiers, keywords and numbers.
    var isWord: Bool {
        guard let first = text.utf8.first else { return false }
        return Tokenizer.isWordByte(first)
    }
}

/// Cuts Swift source into tokens, so that rules see neither comments nor text in quotes.
///
/// It knows line comments, nested block comments, string literals of one and of several lines, raw strings with any
/// number of `#`, and interpolations, whose inside is source again. Regex literals are not used in this project.
struct Tokenizer {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var followsSpace = true
    private(set) var tokens: [Token] = []

    /// - Parameter source: a whole file.
    init(_ source: String) {
        bytes = Array(source.utf8)
        while position < bytes.count { step() }
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    private func starts(with text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { text.utf8Start[$0] == bytes[position + $0] }
    }

    private mutating func advance() {
        if bytes[position] == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    private mutating func emit(_ text: String, at line: Int) {
        tokens.append(Token(text: text, line: line, followsSpace: followsSpace))
        followsSpace = false
    }

    private mutating func step() {
        let byte = bytes[position]
        if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") {
            advance()
            followsSpace = true
        } else if starts(with: "//") {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { advance() }
            followsSpace = true
        } else if starts(with: "/*") {
            skipBlockComment()
            followsSpace = true
        } else if let hashes = hashesBeforeQuote() {
            readString(hashes: hashes)
        } else if Self.isWordByte(byte) {
            readWord()
        } else {
            emit(String(UnicodeScalar(byte)), at: line)
            advance()
        }
    }

    private mutating func readWord() {
        let start = position
        while position < bytes.count, Self.isWordByte(bytes[position]) { advance() }
        emit(String(decoding: bytes[start..<position], as: UTF8.self), at: line)
    }

    private mutating func skipBlockComment() {
        var depth = 0
        while position < bytes.count {
            if starts(with: "/*") {
                depth += 1
                position += 2
            } else if starts(with: "*/") {
                depth -= 1
                position += 2
                if depth == 0 { return }
            } else {
                advance()
            }
        }
    }

    /// How many `#` stand before a quote that begins here; `nil` when no string literal begins here.
    private func hashesBeforeQuote() -> Int? {
        var ahead = position
        while ahead < bytes.count, bytes[ahead] == UInt8(ascii: "#") { ahead += 1 }
        guard ahead < bytes.count, bytes[ahead] == UInt8(ascii: "\"") else { return nil }
        return ahead - position
    }

    private mutating func readString(hashes: Int) {
        emit("\"", at: line)
        position += hashes
        let isLong = starts(with: "\"\"\"")
        position += isLong ? 3 : 1
        while position < bytes.count {
            if isAtStringEnd(isLong: isLong, hashes: hashes) {
                position += (isLong ? 3 : 1) + hashes
                return
            }
            if bytes[position] == UInt8(ascii: "\\"), hashesFollow(position + 1, hashes) {
                position += 1 + hashes
                guard position < bytes.count else { return }
                if bytes[position] == UInt8(ascii: "(") {
                    readInterpolation()
                    continue
                }
            } else if !isLong, bytes[position] == UInt8(ascii: "\n") {
                // An unfinished literal: the compiler's business. The rest of the file is still looked at.
                return
            }
            advance()
        }
    }

    private func hashesFollow(_ start: Int, _ count: Int) -> Bool {
        guard start + count <= bytes.count else { return false }
        return bytes[start..<start + count].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    private func isAtStringEnd(isLong: Bool, hashes: Int) -> Bool {
        guard isLong ? starts(with: "\"\"\"") : bytes[position] == UInt8(ascii: "\"") else { return false }
        return hashesFollow(position + (isLong ? 3 : 1), hashes)
    }

    /// The inside of `\(...)` is source: tokens of it count, and strings in it may hold parentheses.
    private mutating func readInterpolation() {
        var depth = 0
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "(") { depth += 1 }
            if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
            step()
            if depth == 0 { return }
        }
    }
}
