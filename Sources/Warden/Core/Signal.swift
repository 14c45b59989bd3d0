/// A signal's number, with the name that people know it by.
package struct Signal: Hashable, Sendable {
    /// The number, as in signal(7).
    package let number: Int32

    /// - Parameter number: the number, as in signal(7); 0 tests for existence.
    package init(_ number: Int32) {
        self.number = number
    }

    /// SIGTERM.
    package static let terminate = Signal(15)
    /// SIGKILL.
    package static let kill = Signal(9)
    /// SIGCONT.
    package static let resume = Signal(18)

    /// The names of Linux's signals 1 to 31 on x86-64 and AArch64, in order.
    private static let names = [
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
        "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",
        "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
        "SIGPWR", "SIGSYS",
    ]

    /// `SIGTERM`; `signal 42` for those without a name.
    package var name: String {
        number >= 1 && number <= Signal.names.count ? Signal.names[Int(number) - 1] : "signal \(number)"
    }

    /// A number, or a name with or without `SIG`, in any case. `nil` for anything else.
    package init?(parsing text: String) {
        if let number = Int32(text) {
            guard (0...64).contains(number) else { return nil }
            self.number = number
            return
        }
        let upper = text.uppercased()
        let wanted = upper.hasPrefix("SIG") ? upper : "SIG" + upper
        let aliases = ["SIGPOLL": "SIGIO", "SIGIOT": "SIGABRT", "SIGCLD": "SIGCHLD"]
        guard let index = Signal.names.firstIndex(of: aliases[wanted] ?? wanted) else { return nil }
        number = Int32(index) + 1
    }
}
