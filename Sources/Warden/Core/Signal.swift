/// A signal's number, with the name that people know it by.
package struct Signal: Hashable, Codable, Sendable {
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

    /// Linux's signals 1 to 31 on x86-64 and AArch64, in order, without SIG.
    private static let ordered = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
    /// Second names, and the ends of the real-time range, as Python's signal module has them.
    private static let others: [String: Int32] = ["IOT": 6, "CLD": 17, "POLL": 29, "RTMIN": 34, "RTMAX": 64]

    /// Every name that `init(parsing:)` knows, without SIG, for suggestions.
    package static let knownNames: [String] = ordered + others.keys.sorted()

    /// `SIGTERM`; `signal 42` for those without a name.
    package var name: String {
        number >= 1 && number <= Signal.ordered.count ? "SIG" + Signal.ordered[Int(number) - 1] : "signal \(number)"
    }

    /// A number, or a name with or without `SIG`, in any case. As for supervisord, the numbers are 0 and those that
    /// have names; `nil` for anything else.
    package init?(parsing text: String) {
        if let number = Int32(text) {
            let isNamed = (0...31).contains(number) || Signal.others.values.contains(number)
            guard isNamed else { return nil }
            self.number = number
            return
        }
        let upper = text.uppercased()
        let short = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let index = Signal.ordered.firstIndex(of: short) {
            number = Int32(index) + 1
        } else if let other = Signal.others[short] {
            number = other
        } else {
            return nil
        }
    }
}
