import WardenOutbound
package import WardenWire

extension CommandRunner {
    /// `status [NAME…|all] [--json]`.
    mutating func status(_ words: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else {
            exitCode = ExitCode.statusUnknown
            return
        }
        let names = words.filter { $0 != "--json" }
        let isJSON = wantsJSON || names.count < words.count
        let infos = (try await server.call("supervisor.getAllProcessInfo", []).array ?? []).map(ProcessEntry.init)
        let workers = await workers()
        let selection = StatusSelection(names: names, entries: infos)
        // In JSON mode standard output is for the program that reads it.
        for message in selection.messages { isJSON ? complain(message) : say(message) }
        if isJSON {
            let rows = selection.entries.map { workers?[$0.name] ?? $0.json }
            say(JSONValue.array(rows).text)
        } else {
            let rows = selection.entries.map { entry in
                StatusRow(
                    name: entry.name, state: entry.stateName, description: entry.description,
                    health: workers?[entry.name].flatMap(HealthText.status))
            }
            for line in StatusTable.lines(rows) { say(line) }
        }
        for line in await troubles() { complain(line) }
        exitCode = selection.exitCode ?? exitCode
    }

    /// What the JSON interface says of each worker; `nil` when the server has none, as supervisord has not.
    private func workers() async -> [String: JSONValue]? {
        let answer: ControlAnswer
        do {
            answer = try await server.get("/api/v1/workers")
        } catch {
            // Health is an extra column: what was asked for is there without it.
            return nil
        }
        guard answer.status == 200, let list = HealthDocument.value(answer.body)?.array else { return nil }
        var workers: [String: JSONValue] = [:]
        for worker in list {
            if let name = worker["name"]?.string { workers[name] = worker }
        }
        return workers
    }

    /// What the daemon has too little of, and why it doubts what it sees: for the person, not for the table's readers.
    private func troubles() async -> [String] {
        guard let answer = try? await server.get("/api/v1/daemon"), answer.status == 200,
            let daemon = HealthDocument.value(answer.body)
        else { return [] }  // supervisord has no such thing, and the table is there without it.
        func words(_ key: String) -> [String] { (daemon[key]?.array ?? []).compactMap(\.string) }
        return words("shortages").map { "warden is short: \($0)" } + words("doubts").map { "warden is degraded: \($0)" }
    }

    /// `pid [NAME…|all]`.
    mutating func pid(_ names: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        if names.isEmpty {
            say(String(try await server.call("supervisor.getPID", []).int ?? 0))
        } else if names.contains("all") {
            for info in try await server.call("supervisor.getAllProcessInfo", []).array ?? [] {
                say(String(ProcessEntry(info).pid))
            }
        } else {
            for name in names { try await pid(of: name) }
        }
    }

    private mutating func pid(of name: String) async throws(ServerFailure) {
        do {
            let pid = ProcessEntry(try await server.call("supervisor.getProcessInfo", [.string(name)])).pid
            say(String(pid))
            if pid == 0 { exitCode = ExitCode.notRunning }
        } catch .fault(let fault) where fault.kind == .badName {
            say("No such process \(name)")
            exitCode = ExitCode.failure
        }
    }
}

/// What `getProcessInfo` says of a process.
package struct ProcessEntry: Hashable, Sendable {
    /// The group's name.
    package var group: String
    /// The process's own name.
    package var process: String
    /// supervisord's number of the state.
    package var state: Int64
    /// supervisord's word for the state.
    package var stateName: String
    /// What stands behind the state.
    package var description: String
    /// The process's id, 0 when it is down.
    package var pid: Int64
    private let exitStatus: Int64
    private let uptimeSeconds: Int64?

    /// - Parameter info: the structure; what it lacks is empty.
    package init(_ info: XMLRPCValue) {
        group = info["group"]?.string ?? ""
        process = info["name"]?.string ?? ""
        state = info["state"]?.int ?? 1000
        stateName = info["statename"]?.string ?? "UNKNOWN"
        description = info["description"]?.string ?? ""
        pid = info["pid"]?.int ?? 0
        exitStatus = info["exitstatus"]?.int ?? 0
        if pid != 0, let now = info["now"]?.int, let start = info["start"]?.int {
            uptimeSeconds = max(0, now - start)
        } else {
            uptimeSeconds = nil
        }
    }

    /// `group:process`, or the bare name when both are equal.
    package var name: String { Namespec.text(group: group, process: process) }

    /// RUNNING.
    package var isRunning: Bool { state == 20 }

    /// STOPPED, EXITED, FATAL and UNKNOWN.
    package var isStopped: Bool { [0, 100, 200, 1000].contains(state) }

    /// What a real supervisord can say of the fields that Warden's interface has.
    package var json: JSONValue {
        // supervisord's -1 stands for any signal, and 0 for "never exited" too.
        let exit: JSONValue = stateName == "EXITED" && exitStatus >= 0 ? .integer(exitStatus) : .null
        return .object([
            "name": .string(name), "group": .string(group), "state": .string(stateName),
            "pid": pid == 0 ? .null : .integer(pid), "exit_status": exit, "generation": .null,
            "uptime_seconds": JSONValue(uptimeSeconds), "health": .null, "fds": .null, "fd_limit": .null,
            "fd_pid": .null, "rss_bytes": .null, "heartbeat_age_seconds": .null, "restarts": .null,
            "last_restart": .null,
        ])
    }
}

/// The processes that `status` lists for the names it was given.
package struct StatusSelection: Hashable, Sendable {
    /// What is listed, in the order of the names.
    package private(set) var entries: [ProcessEntry] = []
    /// A line for each name that is not known.
    package private(set) var messages: [String] = []

    /// - Parameters:
    ///   - names: what was asked for; empty, or with `all` in it, everything.
    ///   - entries: every process.
    package init(names: [String], entries: [ProcessEntry]) {
        if names.isEmpty || names.contains("all") {
            self.entries = entries
            return
        }
        for name in names {
            let wanted = Namespec(name)
            let matches = entries.filter {
                $0.group == wanted.group && (wanted.process == nil || $0.process == wanted.process)
            }
            self.entries += matches
            guard matches.isEmpty else { continue }
            let isGroup = wanted.process == nil
            messages.append(
                isGroup ? "\(wanted.group): ERROR (no such group)" : "\(name): ERROR (no such process)")
        }
    }

    /// 3 when one of them does not run, 4 when a name is not known, the former first; `nil` when all is well.
    package var exitCode: Int32? {
        if entries.contains(where: \.isStopped) { return ExitCode.statusNotRunning }
        return messages.isEmpty ? nil : ExitCode.statusUnknown
    }
}
