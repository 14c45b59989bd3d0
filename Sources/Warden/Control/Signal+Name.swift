import WardenCore

extension Signal {
    /// signal(7) by name, on x86-64 and on ARM.
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CLD": 17,
        "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26,
        "PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31, "RTMIN": 34, "RTMAX": 64,
    ]

    /// A signal as clients give it: a number or a name, with or without SIG, in any case.
    ///
    /// As for supervisord, the numbers are 0 and those that have names.
    init?(name: String) {
        if let number = Int32(name) {
            guard number == 0 || Signal.numbers.values.contains(number) else { return nil }
            self.init(number)
            return
        }
        let upper = name.uppercased()
        guard let number = Signal.numbers[upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper] else {
            return nil
        }
        self.init(number)
    }
}
