import Glibc
import WardenConfig

/// `check`: what Warden makes of a configuration. Asks no daemon.
struct CheckCommand {
    /// What is checked.
    enum Subject: Hashable {
        /// A configuration for Warden, by the daemon's own reader.
        case own(path: String?)
        /// A configuration that was written for supervisord.
        case supervisor(path: String)
    }

    private let tell: (CommandOutput) -> Void

    init(tell: @escaping (CommandOutput) -> Void) {
        self.tell = tell
    }

    /// - Returns: the exit code: 0 when it can be used, 2 when not or when the command line is wrong.
    func run(_ words: [String]) -> Int32 {
        guard let subject = CheckCommand.subject(words) else {
            tell(.line("Error: check takes a file, or --from-supervisor and a file"))
            for line in CommandName.check.help { tell(.line(line)) }
            return ExitCode.usage
        }
        switch subject {
        case .supervisor(let path): return migrate(path)
        case .own(let path): return checkOwn(path)
        }
    }

    static func subject(_ words: [String]) -> Subject? {
        switch words.count {
        case 0: .own(path: nil)
        case 1 where words[0].hasPrefix("--from-supervisor="):
            .supervisor(path: String(words[0].dropFirst("--from-supervisor=".count)))
        case 1 where !words[0].hasPrefix("-"): .own(path: words[0])
        case 2 where words[0] == "--from-supervisor": .supervisor(path: words[1])
        default: nil
        }
    }

    private func migrate(_ path: String) -> Int32 {
        let findings = ConfigurationLoader.migration(path: path, host: .client())
        for finding in findings { tell(.line(finding.description)) }
        let counts = MigrationFinding.Kind.allCases.map { kind in
            "\(findings.count { $0.kind == kind }) \(kind.rawValue)"
        }
        tell(.line(counts.joined(separator: ", ")))
        guard findings.contains(where: { $0.kind == .refused }) else {
            tell(.line("Warden can take over this configuration: stop supervisord, then start warden -c \(path)"))
            return ExitCode.success
        }
        return ExitCode.usage
    }

    /// The daemon checks its own configuration, with everything that it can know; it lies beside this program, or in
    /// PATH.
    private func checkOwn(_ path: String?) -> Int32 {
        let arguments = ["warden", "--check"] + (path.map { ["-c", $0] } ?? [])
        let own = CommandLine.arguments.first ?? ""
        let beside = own.contains("/") ? String(own[...(own.lastIndex(of: "/") ?? own.startIndex)]) + "warden" : nil
        var pointers = arguments.map { strdup($0) } + [nil]
        if let beside, access(beside, X_OK) == 0 { execv(beside, &pointers) }
        execvp("warden", &pointers)
        tell(.error("wardenctl: cannot execute warden: \(strerror(errno).map { String(cString: $0) } ?? "error")"))
        return ExitCode.failure
    }
}
