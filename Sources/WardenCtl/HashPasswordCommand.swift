import Glibc
import WardenSecrets

/// `hash-password`: the stored form of a password, for `password` of a server's section. Asks no daemon.
///
/// The password comes from standard input and never from the command line, which every user of the host can read.
struct HashPasswordCommand {
    private let tell: (CommandOutput) -> Void
    private let ask: (_ question: String, _ isSecret: Bool) -> String?

    init(tell: @escaping (CommandOutput) -> Void, ask: @escaping (_ question: String, _ isSecret: Bool) -> String?) {
        self.tell = tell
        self.ask = ask
    }

    /// - Returns: the exit code.
    func run(_ words: [String]) -> Int32 {
        guard words.isEmpty else {
            tell(.error("Error: hash-password takes no arguments; it reads the password from standard input"))
            return ExitCode.usage
        }
        let isTerminal = isatty(STDIN_FILENO) == 1
        guard let password = ask(isTerminal ? "Password: " : "", true), !password.isEmpty else {
            tell(.error("Error: there is no password on standard input"))
            return ExitCode.usage
        }
        if isTerminal, ask("Once more: ", true) != password {
            tell(.error("Error: these are two passwords"))
            return ExitCode.usage
        }
        guard let stored = StoredPassword(hashing: Array(password.utf8)) else {
            tell(.error("Error: cannot hash the password"))
            return ExitCode.failure
        }
        tell(.line(stored.text))
        return ExitCode.success
    }
}
