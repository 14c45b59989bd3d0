import WardenCore

/// Reads one `[program:x]`, `[fcgi-program:x]` or `[eventlistener:x]` into its slots.
struct ProgramReader {
    enum Flavor {
        case program, fastCGI, listener
    }

    let program: String
    let group: String
    let flavor: Flavor
    var view: SectionView

    init(program: String, group: String, flavor: Flavor, view: SectionView) {
        self.program = program
        self.group = group
        self.flavor = flavor
        self.view = view
    }

    mutating func programs(_ loading: inout Loading) -> [ProgramSpec] {
        view.scope["program_name"] = .text(program)
        view.scope["group_name"] = .text(group)
        view.scope["host_node_name"] = .text(loading.host.hostNodeName)
        var supervision = supervision(&loading)
        supervision.isNamedByHealthSection = loading.health.names(program) || loading.health.names(group)
        let count = processCount(&loading)
        let first = loading.read("numprocs_start", view, default: 0, Values.integer)
        if view.entry("command") == nil {
            loading.diagnostics.error(view.place, "[\(view.name)] has no command; add command=/path/to/program")
        }
        var health = loading.health.spec(program: program, group: group)
        // A listener is silent as long as nothing happens: that is no sign of anything unless a section says so.
        if flavor == .listener, !supervision.isNamedByHealthSection { health.heartbeat = .none }
        let user = identity(&loading)
        let socket = flavor == .fastCGI ? loading.sharedSocket(view, user: user) : nil
        let umask = loading.readOptional("umask", view, Values.octal)
        let serverURL = serverURL(&loading)
        let redirects = loading.read("redirect_stderr", view, default: false, Values.boolean) && flavor != .listener
        let limit = loading.readOptional("rlimit_nofile", view, Values.descriptorLimit)
        if let limit, !loading.host.isRoot, limit.hard > loading.host.descriptorHardLimit {
            loading.warn("rlimit_nofile", view, "only root can raise the hard limit; the program will not start")
        }
        let ceilings = ceilings(&loading)
        let standing = view.scope
        var result: [ProgramSpec] = []
        for offset in 0..<count {
            // Each slot's own names are known only here, which is why the options above cannot use process_num.
            view.scope = standing
            view.scope["process_num"] = .number(first &+ offset)
            view.scope["numprocs"] = .number(count)
            let launch = launch(&loading)
            var output = loading.logSpec("stdout", view)
            if flavor == .listener {
                // It is the protocol: supervisord neither captures it nor makes events of it.
                output.captureBytes = 0
                output.emitsEvents = false
                output.writesSyslog = false
                output.prefix = nil
            }
            let errors = errorLog(redirects: redirects, &loading)
            supervision.stopCommand = loading.readOptional("stop_command", view, Values.command)
            let name = processName(&loading)
            guard var launch, let name, loading.countSlot(view) else { break }
            launch.user = user
            launch.umask = umask
            launch.serverURL = serverURL
            launch.hasOwnServerURL = serverURL != loading.serverURL
            launch.descriptorLimit = limit
            launch.ceilings = ceilings
            launch.socket = socket
            launch.isListener = flavor == .listener
            result.append(
                ProgramSpec(
                    name: SlotName(group: group, process: name), program: program, supervision: supervision,
                    launch: launch, standardOutput: output, standardError: errors, health: health))
        }
        view.scope = standing
        return result
    }

    private func errorLog(redirects: Bool, _ loading: inout Loading) -> LogSpec? {
        let log = loading.logSpec("stderr", view)
        guard redirects else { return log }
        if case .file = log.destination {
            loading.warn("stderr_logfile", view, "it is ignored, because redirect_stderr is true")
        }
        return nil
    }

    private func processName(_ loading: inout Loading) -> String? {
        guard let entry = view.entry("process_name") else { return program }
        do {
            _ = try Values.name(entry.value)
        } catch {
            loading.error("process_name", view, error.message)
            return nil
        }
        return loading.readOptional("process_name", view, Values.expandedName)
    }

    private func processCount(_ loading: inout Loading) -> Int {
        let count = loading.read("numprocs", view, default: 1, Values.count)
        guard count <= Limits.slots else {
            loading.error("numprocs", view, "\(count) is more than the \(Limits.slots) processes that one daemon runs")
            return 1
        }
        let name = view.entry("process_name")
        if count > 1, name?.value.halves(around: "%(process_num)") == nil {
            loading.error(
                name == nil ? "numprocs" : "process_name", view,
                "%(process_num) must be present within process_name when numprocs > 1; "
                    + "write process_name=%(program_name)s_%(process_num)02d")
            return 1
        }
        return count
    }

    private mutating func supervision(_ loading: inout Loading) -> SupervisionSpec {
        var spec = SupervisionSpec()
        spec.priority = loading.read("priority", view, default: 999, Values.integer)
        spec.autostart = loading.read("autostart", view, default: true, Values.boolean)
        spec.autorestart = loading.read("autorestart", view, default: .unexpected, Values.autoRestart)
        spec.startSeconds = loading.read("startsecs", view, default: spec.startSeconds, Values.seconds)
        spec.startRetries = loading.read("startretries", view, default: spec.startRetries, Values.startRetries)
        if view.entry("startretries")?.value.hasPrefix("-") == true {
            loading.warn("startretries", view, "a negative number counts as 0; write infinite to try for ever")
        }
        spec.exitCodes = loading.read("exitcodes", view, default: spec.exitCodes, Values.exitCodes)
        spec.stopSignal = loading.read("stopsignal", view, default: spec.stopSignal, Values.signal)
        spec.stopWait = loading.read("stopwaitsecs", view, default: spec.stopWait, Values.seconds)
        spec.stopAsGroup = loading.read("stopasgroup", view, default: false, Values.boolean)
        spec.killAsGroup = loading.read("killasgroup", view, default: spec.stopAsGroup, Values.boolean)
        readOwnKeys(into: &spec, &loading)
        spec.killTree = loading.read("kill_tree", view, default: .automatic, Values.killTree)
        if spec.stopAsGroup, !spec.killAsGroup {
            loading.error(
                "killasgroup", view,
                "cannot be false while stopasgroup is true: what the stop signal reaches, SIGKILL must reach")
        }
        return spec
    }

    /// Whether they can be held is known only where the daemon runs; what the whole host lacks is said here.
    private func ceilings(_ loading: inout Loading) -> ResourceCeilings? {
        let ceilings = ResourceCeilings(
            memoryBytes: loading.read("memory_max", view, default: nil, Values.optionalByteSize),
            tasks: loading.read("tasks_max", view, default: nil, Values.taskLimit))
        let missing = Set(ceilings.controllers).subtracting(loading.host.controlGroupControllers())
        for (key, controller) in [("memory_max", "memory"), ("tasks_max", "pids")] where missing.contains(controller) {
            loading.warn(key, view, "this host's cgroup v2 has no \(controller) controller, so nothing holds it")
        }
        return ceilings.controllers.isEmpty ? nil : ceilings
    }

    private func identity(_ loading: inout Loading) -> LaunchSpec.Identity? {
        let host = loading.host
        let user = loading.readOptional("user", view, Values.user)
        if let user, !host.isRoot, user.userID != host.userID {
            loading.warn("user", view, "only root can run a program as \(quoted(user.name)); it will not start")
        }
        return user
    }

    private func serverURL(_ loading: inout Loading) -> String? {
        let text = loading.read("serverurl", view, default: "AUTO", Values.text)
        if text.trimmed.uppercased() == "AUTO" { return loading.serverURL }
        return text.isEmpty ? nil : text
    }
}

extension Loading {
    /// - Returns: `false` when there are more slots than one daemon supervises.
    fileprivate mutating func countSlot(_ view: SectionView) -> Bool {
        slotCount += 1
        guard slotCount > Limits.slots else { return true }
        error("numprocs", view, "the configuration has more than \(Limits.slots) processes")
        return false
    }
}
