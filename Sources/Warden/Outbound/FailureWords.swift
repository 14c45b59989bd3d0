/// Plain words for the errors of the layers below the HTTP client.
///
/// They are told by their texts: their types belong to modules that nothing else here needs. A text that is not known
/// is quoted, so that a change below costs clarity and nothing else.
enum FailureWords {
    /// - Returns: what a person can act on, or `nil` when the text is not known.
    static func words(for text: String) -> String? {
        if let number = errorNumber(in: text) { return errorNumbers[number] ?? "connection failed (errno \(number))" }
        return known.first { text.contains($0.text) }?.words
    }

    /// Whether a failure is the other side's: it refused, hung up, or cannot be reached. What this host lacks (a
    /// descriptor, an address, trust in a certificate) is not.
    static func isAnswer(_ text: String) -> Bool {
        guard let number = errorNumber(in: text) else { return false }
        return [32, 104, 110, 111, 112, 113].contains(number)
    }

    private static let known: [(text: String, words: String)] = [
        ("CERTIFICATE_VERIFY_FAILED", "TLS: the server's certificate is not trusted"),
        ("failedToValidateHostname", "TLS: the server's certificate is for another host"),
        ("WRONG_VERSION_NUMBER", "TLS: the server does not speak it"),
        ("handshakeFailed", "TLS: the handshake failed"),
        ("DNS error", "the host's name cannot be resolved"),
        ("UnknownHost", "the host's name cannot be resolved"),
    ]

    private static let errorNumbers: [Int: String] = [
        24: "too many open files", 32: "broken pipe", 101: "network is unreachable", 104: "connection reset by peer",
        110: "connection timed out", 111: "connection refused", 112: "host is down", 113: "no route to host",
    ]

    /// The last `(errno: N)` of a text: a name with several addresses failed once for each.
    private static func errorNumber(in text: String) -> Int? {
        let mark = "(errno: "
        guard let range = text.ranges(of: mark).last else { return nil }
        return Int(text[range.upperBound...].prefix { $0.isNumber })
    }
}
