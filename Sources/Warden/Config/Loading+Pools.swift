import WardenCore

/// `[eventlistener:x]` and `[fcgi-program:x]`: validated now, run by a later version.
extension Loading {
    mutating func listenerPools() -> [ListenerPool] {
        document.sections("eventlistener:").compactMap { section in
            let view = view(of: section)
            notRunYet(section, "event listeners are")
            let priority = read("priority", view, default: -1, Values.integer)
            let bufferSize = read("buffer_size", view, default: 10, Values.positive)
            let handler = "supervisor.dispatchers:default_handler"
            if read("result_handler", view, default: handler, Values.text) != handler {
                warn("result_handler", view, "a Python handler cannot be loaded; the default one stays")
            }
            let events = readRequired("events", view, Values.eventTypes)
            if read("redirect_stderr", view, default: false, Values.boolean) {
                error("redirect_stderr", view, "cannot be true: it would mix errors into the listener's protocol")
            }
            let name = section.argument ?? ""
            let programs = programs(section, group: name, flavor: .listener)
            guard let events else { return nil }
            let group = GroupSpec(name: name, priority: priority, programs: programs)
            return ListenerPool(group: group, events: events, bufferSize: bufferSize)
        }
    }

    private mutating func notRunYet(_ section: Section, _ what: String) {
        diagnostics.warn(section.place, "[\(section.name)] \(what) not run by this version yet")
    }

    mutating func fastCGIPrograms() -> [FastCGIProgram] {
        document.sections("fcgi-program:").compactMap { section in
            guard let name = sectionName(section) else { return nil }
            var view = view(of: section)
            view.scope["program_name"] = .text(name)
            notRunYet(section, "fcgi-programs are")
            let priority = read("priority", view, default: 999, Values.integer)
            let backlog = readOptional("socket_backlog", view, Values.backlog)
            let owner = readOptional("socket_owner", view, Values.owner)
            let mode = readOptional("socket_mode", view, Values.octal)
            let socket = readRequired("socket", view, Values.fastCGISocket)
            if let socket, socket.hasPrefix("tcp://"), owner != nil || mode != nil {
                error(owner != nil ? "socket_owner" : "socket_mode", view, "only Unix sockets have an owner and a mode")
            }
            let programs = programs(section, group: name, flavor: .fastCGI)
            guard let socket else { return nil }
            let user = programs.first?.launch.user
            return FastCGIProgram(
                group: GroupSpec(name: name, priority: priority, programs: programs), socket: socket,
                ownerID: owner?.user ?? user?.userID, groupID: owner?.group ?? user?.groupID, mode: mode ?? 0o700,
                backlog: backlog)
        }
    }
}

extension Values {
    static func positive(_ text: String) throws(ValueError) -> Int {
        let number = try integer(text)
        guard number >= 1 else { throw ValueError("\(number) must be at least 1") }
        return number
    }

    static func backlog(_ text: String) throws(ValueError) -> Int {
        let number = try integer(text)
        guard (1...65535).contains(number) else { throw ValueError("\(number) is not between 1 and 65535") }
        return number
    }

    private static let knownEvents: Set<String> = [
        "EVENT", "PROCESS_STATE", "PROCESS_STATE_STOPPED", "PROCESS_STATE_EXITED", "PROCESS_STATE_STARTING",
        "PROCESS_STATE_STOPPING", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL", "PROCESS_STATE_RUNNING",
        "PROCESS_STATE_UNKNOWN", "PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION_STDOUT",
        "PROCESS_COMMUNICATION_STDERR", "PROCESS_LOG", "PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR",
        "REMOTE_COMMUNICATION", "SUPERVISOR_STATE_CHANGE", "SUPERVISOR_STATE_CHANGE_RUNNING",
        "SUPERVISOR_STATE_CHANGE_STOPPING", "TICK", "TICK_5", "TICK_60", "TICK_3600", "PROCESS_GROUP",
        "PROCESS_GROUP_ADDED", "PROCESS_GROUP_REMOVED", "WARDEN_HEALTH", "WARDEN_ACTION",
    ]

    static func eventTypes(_ text: String) throws(ValueError) -> Set<String> {
        let names = try list(text).map { $0.uppercased() }
        guard !names.isEmpty else { throw ValueError("no event is named") }
        for name in names where !knownEvents.contains(name) {
            let hint = Spelling.suggestion(for: name, among: knownEvents.sorted())
            throw ValueError("there is no event type \(quoted(name))\(hint)")
        }
        return Set(names)
    }

    static func fastCGISocket(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            guard path.hasPrefix("/") else { throw ValueError("\(quoted(path)) is not an absolute path") }
            return "unix://" + normalizedPath(path, host)
        }
        if text.hasPrefix("tcp://") {
            let address = String(text.dropFirst("tcp://".count))
            let (host, port) = try inetAddress(address)
            if !host.isEmpty { return "tcp://\(host):\(port)" }
        }
        throw ValueError("\(quoted(text)) is not tcp://HOST:PORT or unix:///PATH")
    }
}
