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

    /// A number or a name with or without `SIG`; supervisord takes 0 as well.
    static func signal(_ text: String) throws(ValueError) -> Signal {
        let name = text.trimmed.uppercased()
        if let signal = Signal(parsing: name) { return signal }
        if Int32(name) != nil { throw ValueError("\(quoted(text)) is not a signal's number") }
        let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
        let hint = Spelling.suggestion(for: short, among: Signal.knownNames.sorted())
        throw ValueError("\(quoted(text)) is not a signal's name\(hint)")
    }

    /// `none` is `nil`.
    static func optionalSignal(_ text: String) throws(ValueError) -> Signal? {
        text.lowercased() == "none" ? nil : try signal(text)
    }
}
