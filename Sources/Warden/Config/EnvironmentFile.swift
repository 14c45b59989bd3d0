/// `env_file`: variables, one `KEY=VALUE` a line, in the way that `.env` files are written.
///
/// - Blank lines, and lines that begin with `#` or `;`, are skipped; `export ` in front of a key is too.
/// - Without quotes a value is trimmed and ends at ` #`. In single quotes everything is literal. In double quotes `\n`,
///   `\t`, `\r`, `\"`, `\\` and `\$` are replaced. A quoted value may go over several lines.
/// - Nothing else is replaced: `$X` and `%` are literal.
struct EnvironmentFile {
    /// What is wrong, and in which line. Never with a value in it, which may be a secret.
    struct Failure: Error, Hashable {
        var line: Int
        var message: String
    }

    private var text: ArraySlice<Unicode.Scalar>
    private var line = 1
    private var variables: [String: String] = [:]

    private init(_ bytes: [UInt8]) {
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
        text = Array(scalars.first == "\u{FEFF}" ? scalars.dropFirst() : scalars[...])[...]
    }

    /// - Parameter bytes: the file's.
    /// - Returns: its variables; the last of a name wins.
    /// - Throws: at the first line that is not understood.
    static func parse(_ bytes: [UInt8]) throws(Failure) -> [String: String] {
        if bytes.contains(0) { throw Failure(line: 1, message: "the file has NUL bytes in it; it is not a text") }
        var file = EnvironmentFile(bytes)
        while file.skipToEntry() { try file.readEntry() }
        return file.variables
    }

    private mutating func next() -> Unicode.Scalar? {
        let scalar = text.popFirst()
        if scalar == "\n" { line += 1 }
        return scalar
    }

    private mutating func skipBlanks() {
        while let scalar = text.first, scalar == " " || scalar == "\t" || scalar == "\r" { _ = next() }
    }

    private mutating func skipLine() {
        while let scalar = next(), scalar != "\n" {}
    }

    /// - Returns: false at the end.
    private mutating func skipToEntry() -> Bool {
        while let scalar = text.first {
            if scalar == "#" || scalar == ";" {
                skipLine()
            } else if scalar.isPythonSpace {
                _ = next()
            } else {
                return true
            }
        }
        return false
    }

    private mutating func readEntry() throws(Failure) {
        var key = readKey()
        skipBlanks()
        if key == "export", text.first != "=" {
            key = readKey()
            skipBlanks()
        }
        guard !key.isEmpty, text.first == "=" else {
            throw Failure(line: line, message: "expected KEY=VALUE, with a key of letters, digits and _")
        }
        _ = next()
        skipBlanks()
        let value: String
        switch text.first {
        case "'": value = try readQuoted("'")
        case "\"": value = try readQuoted("\"")
        default: value = readPlain()
        }
        guard value.utf8.count + key.utf8.count + 1 < ConfigLimits.argumentBytes else {
            throw Failure(
                line: line, message: "\(key) is too long; the kernel takes \(ConfigLimits.argumentBytes) bytes")
        }
        variables[key] = value
    }

    private mutating func readKey() -> String {
        var key = ""
        while let scalar = text.first, scalar.isASCII,
            scalar == "_" || scalar.properties.isAlphabetic
                || !key.isEmpty
                    && ("0"..."9").contains(scalar)
        {
            key.unicodeScalars.append(scalar)
            _ = next()
        }
        return key
    }

    private mutating func readPlain() -> String {
        var value: [Unicode.Scalar] = []
        while let scalar = text.first, scalar != "\n" {
            if scalar == "#", value.last?.isPythonSpace ?? true { break }
            value.append(scalar)
            _ = next()
        }
        skipLine()
        return value[...].trimmed.string
    }

    private mutating func readQuoted(_ quote: Unicode.Scalar) throws(Failure) -> String {
        let start = line
        _ = next()
        var value = String.UnicodeScalarView()
        while let scalar = next() {
            if scalar == quote {
                try endLine()
                return String(value)
            }
            guard scalar == "\\", quote == "\"", let escaped = next() else {
                value.append(scalar)
                continue
            }
            switch escaped {
            case "n": value.append("\n")
            case "t": value.append("\t")
            case "r": value.append("\r")
            case "\"", "\\", "$": value.append(escaped)
            default:
                value.append("\\")
                value.append(escaped)
            }
        }
        throw Failure(line: start, message: "the quotation that begins here has no end")
    }

    /// After a closing quote only a comment may follow.
    private mutating func endLine() throws(Failure) {
        skipBlanks()
        switch text.first {
        case nil, "\n", "#": skipLine()
        default: throw Failure(line: line, message: "there is more after the closing quote")
        }
    }
}
