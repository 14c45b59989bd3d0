/// Why a value is not one of its kind.
struct ValueError: Error, CustomStringConvertible {
    let message: String

    var description: String { message }

    init(_ message: String) {
        self.message = message
    }
}

/// From text to values, by the rules of supervisord 4.3.0.
enum Values {
    static func text(_ text: String) throws(ValueError) -> String { text }

    static func integer(_ text: String) throws(ValueError) -> Int {
        try integer(text, radix: 10, kind: "a whole number")
    }

    /// Python's `int`: a sign, and single underscores between digits.
    private static func integer(_ text: String, radix: Int, kind: String) throws(ValueError) -> Int {
        var digits = text.trimmed[...]
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        if radix == 8, digits.hasPrefix("0o") || digits.hasPrefix("0O") { digits = digits.dropFirst(2) }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && Int($0) < 0x30 + radix } }) else {
            throw ValueError("\(quoted(text)) is not \(kind)")
        }
        guard let value = Int((isNegative ? "-" : "") + groups.joined(), radix: radix) else {
            throw ValueError("\(quoted(text)) is too large")
        }
        return value
    }

    static func boolean(_ text: String) throws(ValueError) -> Bool {
        switch text.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default: throw ValueError("\(quoted(text)) is not a boolean; write true or false")
        }
    }

    /// A count of bytes, `KB`, `MB` or `GB` of 1024; what is negative means 0 to supervisord.
    static func byteSize(_ text: String) throws(ValueError) -> Int64 {
        let lowered = text.lowercased()
        let scales: [(String, Int64)] = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)]
        let scale = scales.first { lowered.hasSuffix($0.0) }
        let number: Int
        do {
            number = try integer(scale == nil ? text : String(lowered.dropLast(2)))
        } catch {
            throw ValueError("\(quoted(text)) is not a size; write bytes, or a number with KB, MB or GB")
        }
        let (product, overflow) = Int64(number).multipliedReportingOverflow(by: scale?.1 ?? 1)
        guard !overflow else { throw ValueError("\(quoted(text)) is too large") }
        return max(0, product)
    }

    static func octal(_ text: String) throws(ValueError) -> UInt32 {
        let number = try integer(text, radix: 8, kind: "an octal number")
        guard (0...0o7777).contains(number) else {
            throw ValueError("\(quoted(text)) is out of range; file modes go from 0 to 07777")
        }
        return UInt32(number)
    }

    static func exitCodes(_ text: String) throws(ValueError) -> Set<Int32> {
        guard !text.isEmpty else { return [] }
        var codes: Set<Int32> = []
        for part in text.split(at: ",") {
            let code = try integer(part)
            guard (0...255).contains(code) else { throw ValueError("exit code \(code) is not between 0 and 255") }
            codes.insert(Int32(code))
        }
        return codes
    }

    /// A list between commas; nothing at all is the empty list.
    static func list(_ text: String) throws(ValueError) -> [String] {
        text.isEmpty ? [] : text.split(at: ",")
    }

    /// A list between commas with something in it.
    static func nonemptyList(_ text: String) throws(ValueError) -> [String] {
        try list(nonempty(text))
    }

    /// A name of a program or a group, or of a process before its expansion.
    static func name(_ text: String) throws(ValueError) -> String {
        if text.trimmed.unicodeScalars.contains(" ") {
            throw ValueError("the name \(quoted(text)) must not contain ' '")
        }
        return try expandedName(text)
    }

    /// A name of a process after its expansion.
    ///
    /// supervisord does not look at it again, so `%3d` may put spaces into it; what would break `group:name`, log files
    /// and lists is refused here.
    static func expandedName(_ text: String) throws(ValueError) -> String {
        let name = text.trimmed
        guard !name.isEmpty else { throw ValueError("the name is empty") }
        for scalar in name.unicodeScalars {
            if scalar == ":" || scalar == "/" {
                throw ValueError("the name \(quoted(text)) must not contain \(quoted(String(scalar)))")
            }
            if scalar.value < 0x20 || scalar.value == 0x7F {
                throw ValueError("the name \(quoted(text)) must not contain a control character")
            }
        }
        return name
    }

    /// `KEY="value",KEY2=value2`.
    static func environment(_ text: String) throws(ValueError) -> [String: String] {
        let tokens = try ShellWords.tokens(text)
        var result: [String: String] = [:]
        // supervisord steps over the token after each value without looking at it; it should be a comma.
        for start in stride(from: 0, to: tokens.count, by: 4) {
            guard start + 2 < tokens.count, tokens[start + 1] == "=" else {
                // The text itself may be a secret; the key before the fault is enough to find it.
                let last = start == 0 ? "the first" : "what follows \(quoted(tokens[start - 4]))"
                throw ValueError("expected KEY=\"value\" pairs with commas between; \(last) is not one")
            }
            let value = Array(tokens[start + 2].unicodeScalars)[...]
            let isQuote: (Unicode.Scalar) -> Bool = { $0 == "'" || $0 == "\"" }
            let end = value.lastIndex { !isQuote($0) }.map { $0 + 1 } ?? 0
            result[tokens[start]] = value[..<end].drop(while: isQuote).string
        }
        return result
    }

    /// `[host:]port`, without the brackets around an IPv6 address; an empty host is every address.
    static func inetAddress(_ text: String) throws(ValueError) -> (host: String, port: Int) {
        let scalars = Array(text.unicodeScalars)
        let colon = scalars.lastIndex(of: ":")
        let number = try integer(scalars[(colon.map { $0 + 1 } ?? 0)...].string)
        guard (1...65535).contains(number) else { throw ValueError("port \(number) is not between 1 and 65535") }
        var host = scalars[..<(colon ?? 0)].string.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host == "*" ? "" : host, number)
    }

    /// One of the raw values of an enum.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(_ text: String) throws(ValueError) -> Choice {
        if let choice = Choice(rawValue: text.lowercased()) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let hint = Spelling.suggestion(for: text.lowercased(), among: names)
        throw ValueError("\(quoted(text)) is not one of \(names.joined(separator: ", "))\(hint)")
    }
}

extension Values {
    /// What is negative means 0 to supervisord.
    static func count(_ text: String) throws(ValueError) -> Int {
        max(0, try integer(text))
    }

    /// Seconds as a whole number; what is negative means 0 to supervisord.
    static func seconds(_ text: String) throws(ValueError) -> Duration {
        let seconds = max(0, try integer(text))
        guard .seconds(Int64(seconds)) <= ConfigLimits.longestDuration else {
            throw ValueError("\(quoted(text)) is too long; at most \(ConfigLimits.longestDuration.components.seconds)")
        }
        return .seconds(Int64(seconds))
    }
}
