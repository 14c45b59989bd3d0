import WardenCore

/// Users, groups and signals.
extension Values {
    static func user(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> LaunchSpec.Identity {
        guard let identity = host.user(text) else {
            throw ValueError("the host has no user \(quoted(text)); create it or correct the name")
        }
        return identity
    }

    /// `user` or `user:group`.
    static func owner(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> (user: UInt32, group: UInt32?) {
        guard let (name, group) = text.halves(around: ":") else { return (try user(text, host).userID, nil) }
        let userID = try user(name, host).userID
        guard let groupID = host.group(group) else { throw ValueError("the host has no group \(quoted(group))") }
        return (userID, groupID)
    }

    /// signal(7) on Linux, by the names that Python has.
    private static let signalNumbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CLD": 17,
        "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26,
        "PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31, "RTMIN": 34, "RTMAX": 64,
    ]

    /// A number or a name with or without `SIG`; supervisord takes 0 as well.
    static func signal(_ text: String) throws(ValueError) -> Signal {
        let name = text.trimmed.uppercased()
        if let number = Int32(name) {
            guard number == 0 || (1...31).contains(number) || (34...64).contains(number) else {
                throw ValueError("\(quoted(text)) is not a signal's number")
            }
            return Signal(number)
        }
        let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
        guard let number = signalNumbers[short] else {
            let hint = Spelling.suggestion(for: short, among: signalNumbers.keys.sorted())
            throw ValueError("\(quoted(text)) is not a signal's name\(hint)")
        }
        return Signal(number)
    }

    /// `none` is `nil`.
    static func optionalSignal(_ text: String) throws(ValueError) -> Signal? {
        text.lowercased() == "none" ? nil : try signal(text)
    }
}
