import Glibc

/// The lines that were typed, kept in `history_file` from one shell to the next.
struct LineHistory {
    private(set) var lines: [String] = []
    private let path: String?

    /// A file that cannot be read is an empty one, as it is before the first use.
    init(path: String?) {
        self.path = path
        guard let path, case .success(let bytes) = ClientFiles.read(path) else { return }
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        trim()
    }

    /// Empty lines and repetitions are not kept.
    mutating func append(_ line: String) {
        guard !line.trimmed.isEmpty, line != lines.last else { return }
        lines.append(line)
        trim()
        save()
    }

    private mutating func trim() {
        lines.removeFirst(max(0, lines.count - CtlLimits.historyLines))
    }

    /// A history that cannot be written is no reason to disturb anybody. Passwords may have been typed: for the owner.
    private func save() {
        guard let path else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
