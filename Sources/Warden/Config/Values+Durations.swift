/// The kinds of value that Warden's own sections add.
extension Values {
    /// `500ms 5s 10m 24h 6d`; 0 needs no unit.
    static func duration(_ text: String) throws(ValueError) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = String(text.dropFirst(digits.count)).trimmed
        guard let number = Int64(digits) else {
            throw ValueError("\(quoted(text)) is not a duration; write a number and ms, s, m, h or d")
        }
        let milliseconds: Int64
        switch unit.lowercased() {
        case "ms": milliseconds = 1
        case "s": milliseconds = 1000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        case "d": milliseconds = 86_400_000
        case "" where number == 0: return .zero
        case "": throw ValueError("\(quoted(text)) has no unit; did you mean \(text)s?")
        default: throw ValueError("\(quoted(text)) has an unknown unit; the units are ms, s, m, h and d")
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: milliseconds)
        guard !overflow, .milliseconds(product) <= ConfigLimits.longestDuration else {
            throw ValueError(
                "\(quoted(text)) is too long; at most \(ConfigLimits.longestDuration.components.seconds / 86400)d")
        }
        return .milliseconds(product)
    }

    static func positiveDuration(_ text: String) throws(ValueError) -> Duration {
        let duration = try duration(text)
        guard duration > .zero else { throw ValueError("\(quoted(text)) must be more than 0") }
        return duration
    }

    /// The time between two samples or probes.
    static func interval(_ text: String) throws(ValueError) -> Duration {
        let duration = try duration(text)
        guard duration >= ConfigLimits.shortestInterval else {
            throw ValueError("\(quoted(text)) is too short; at least 100ms")
        }
        return duration
    }

    /// `none` is `nil`.
    static func optionalDuration(_ text: String) throws(ValueError) -> Duration? {
        text.lowercased() == "none" ? nil : try positiveDuration(text)
    }

    /// `none` is `nil`.
    static func optionalByteSize(_ text: String) throws(ValueError) -> Int64? {
        guard text.lowercased() != "none" else { return nil }
        let bytes = try byteSize(text)
        guard bytes > 0 else { throw ValueError("\(quoted(text)) must be more than 0; write none for no limit") }
        return bytes
    }

    /// `N WORD M`, such as `3 of 5`.
    static func pair(_ text: String, _ word: String) -> (String, String)? {
        let words = text.words
        return words.count == 3 && words[1].lowercased() == word ? (words[0], words[2]) : nil
    }

    /// `N in DURATION`, N from 1 to `limit`.
    static func rate(_ text: String, limit: Int) throws(ValueError) -> (count: Int, within: Duration) {
        guard let (count, within) = pair(text, "in") else {
            throw ValueError("\(quoted(text)) is not N in DURATION, such as 5 in 60s")
        }
        let number = try integer(count)
        guard (1...limit).contains(number) else { throw ValueError("\(number) is not between 1 and \(limit)") }
        return (number, try positiveDuration(within))
    }

    /// `FIRST..MAX`.
    static func range(_ text: String) throws(ValueError) -> (first: Duration, last: Duration) {
        guard let (first, last) = text.halves(around: "..") else {
            throw ValueError("\(quoted(text)) is not FIRST..MAX, such as 1s..5m")
        }
        let range = (try duration(first), try duration(last))
        guard range.0 <= range.1 else { throw ValueError("\(quoted(text)): the first is longer than the last") }
        return range
    }

    /// A shell-like command; only its quoting is looked at.
    static func command(_ text: String) throws(ValueError) -> String {
        guard try !ShellWords.split(text).isEmpty else { throw ValueError("the command is empty") }
        return text
    }

    /// `none` or nothing is `nil`.
    static func optionalCommand(_ text: String) throws(ValueError) -> String? {
        text.isEmpty || text.lowercased() == "none" ? nil : try command(text)
    }

    /// `http://` or `https://` with a host; the value may be a secret and is not quoted.
    static func webURL(_ text: String) throws(ValueError) -> String {
        let lowered = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lowered.hasPrefix($0) }) else {
            throw ValueError("the URL does not begin with http:// or https://")
        }
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !host.isEmpty, !host.hasPrefix(":") else { throw ValueError("the URL has no host") }
        guard !text.unicodeScalars.contains(where: { $0.isPythonSpace || $0.value < 0x20 }) else {
            throw ValueError("the URL contains whitespace")
        }
        return text
    }
}
