import WardenCore

/// `[eventlistener:x]` and `[fcgi-program:x]`: a group each, unless a `[group:x]` lists the fcgi-program.
extension Loading {
    mutating func listenerGroup(_ section: Section) -> GroupSpec? {
        let before = diagnostics.errorCount
        let name = section.argument ?? ""
        let view = view(of: section)
        let priority = read("priority", view, default: -1, Values.integer)
        let bufferSize = read("buffer_size", view, default: 10, Values.positive)
        let lengthUnit: PoolSpec.LengthUnit = read("event_length", view, default: .characters, Values.choice)
        let handler = "supervisor.dispatchers:default_handler"
        if read("result_handler", view, default: handler, Values.text) != handler {
            warn("result_handler", view, "a Python handler cannot be loaded; the default one stays")
        }
        let events = readRequired("events", view, Values.eventTypes)
        if read("redirect_stderr", view, default: false, Values.boolean) {
            error("redirect_stderr", view, "cannot be true: it would mix errors into the listener's protocol")
        }
        refuse(name, since: before)
        var group = GroupSpec(
            name: name, priority: priority, programs: programs(section, group: name, flavor: .listener))
        guard let events else { return nil }
        group.pool = PoolSpec(events: events, bufferSize: bufferSize, lengthUnit: lengthUnit)
        return group
    }

    /// The socket of an `[fcgi-program:x]`.
    ///
    /// - Parameters:
    ///   - view: the section, with its own names in scope.
    ///   - user: whom the program runs as: the owner of a Unix socket without `socket_owner`.
    mutating func sharedSocket(_ view: SectionView, user: LaunchSpec.Identity?) -> SharedSocketSpec? {
        let backlog = readOptional("socket_backlog", view, Values.backlog)
        let owner = readOptional("socket_owner", view, Values.owner)
        let mode = readOptional("socket_mode", view, Values.octal)
        guard let address = readRequired("socket", view, Values.fastCGISocket) else { return nil }
        if case .tcp = address, owner != nil || mode != nil {
            error(owner != nil ? "socket_owner" : "socket_mode", view, "only Unix sockets have an owner and a mode")
        }
        return SharedSocketSpec(
            address: address, ownerID: owner?.user ?? user?.userID,
            groupID: owner == nil ? user?.groupID : owner?.group, mode: mode ?? 0o700, backlog: backlog)
    }
}

extension Values {
    static func positive(_ text: String) throws(ValueError) -> Int {
        let number = try integer(text)
        guard number >= 1 else { throw ValueError("\(number) must be at least 1") }
        return number
    }

    static func backlog(_ text: String) throws(ValueError) -> Int32 {
        let number = try integer(text)
        guard (1...65535).contains(number) else { throw ValueError("\(number) is not between 1 and 65535") }
        return Int32(number)
    }

    static func eventTypes(_ text: String) throws(ValueError) -> Set<EventType> {
        let names = try list(text).map { $0.uppercased() }
        guard !names.isEmpty else { throw ValueError("no event is named") }
        var types: Set<EventType> = []
        for name in names {
            guard let type = EventType(rawValue: name) else {
                let hint = Spelling.suggestion(for: name, among: EventType.allCases.map(\.rawValue).sorted())
                throw ValueError("there is no event type \(quoted(name))\(hint)")
            }
            types.insert(type)
        }
        return types
    }

    static func fastCGISocket(
        _ text: String, _ host: ConfigurationHost
    ) throws(ValueError) -> SharedSocketSpec.Address {
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            guard path.hasPrefix("/") else { throw ValueError("\(quoted(path)) is not an absolute path") }
            return .unix(path: normalizedPath(path, host))
        }
        if text.hasPrefix("tcp://") {
            let address = String(text.dropFirst("tcp://".count))
            let (host, port) = try inetAddress(address)
            if !host.isEmpty { return .tcp(host: host, port: UInt16(clamping: port)) }
        }
        throw ValueError("\(quoted(text)) is not tcp://HOST:PORT or unix:///PATH")
    }
}
