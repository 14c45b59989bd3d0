/// Keeps a webhook's secret out of texts that others wrote: servers like to quote the path in their answers.
struct Redaction {
    private let secrets: [Substring]

    /// - Parameter url: every longer part of its user, path and query is a secret.
    init(url: String) {
        let tail = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = tail.prefix { !"/?#".contains($0) }
        let user = authority.split(separator: "@", omittingEmptySubsequences: false).dropLast()
        let rest = tail.dropFirst(authority.count).split { "/?#&=".contains($0) }
        let parts = user.flatMap { $0.split(separator: ":") } + rest
        secrets = parts.filter { $0.utf8.count >= OutboundLimits.secretPartBytes }
    }

    /// A text in one line of at most `OutboundLimits.quotedBytes`; empty when a part of the url is in it.
    func safe(_ text: String) -> String {
        let folded = text.lowercased()
        guard !secrets.contains(where: { folded.contains($0.lowercased()) }) else { return "" }
        let words = text.split { $0.isWhitespace || $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } }
        let line = words.joined(separator: " ")
        guard line.utf8.count > OutboundLimits.quotedBytes else { return line }
        return String(decoding: line.utf8.prefix(OutboundLimits.quotedBytes), as: UTF8.self) + "…"
    }
}
