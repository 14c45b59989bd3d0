internal import CWardenLinux
package import WardenCore

/// The daemon's own environment as its workers may see it, read once at start.
///
/// Kept as bytes: a value need not be UTF-8, and must reach the worker as it is.
package struct BaseEnvironment: Sendable {
    /// One variable: its name, and `NAME=VALUE` as bytes without the ending NUL.
    private var entries: [String: [UInt8]]

    /// Variables that systemd means for the daemon alone. A worker that got them would take over its watchdog, its
    /// readiness, its sockets or its place in the journal.
    private static let withheld: Set<String> = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
        "LISTEN_PIDFDID", "INVOCATION_ID", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY", "SYSTEMD_EXEC_PID",
        "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE", "FDSTORE", "MAINPID", "MANAGERPID", "MANAGERPIDFDID",
    ]

    /// - Parameter variables: names and values; the daemon's own variables are dropped.
    package init(_ variables: [String: String]) {
        entries = [:]
        for (name, value) in variables where Self.isPassedOn(name) { entries[name] = Array("\(name)=\(value)".utf8) }
    }

    /// The environment of this process. Read it before threads start: nothing guards it against setenv(3).
    package static func current() -> BaseEnvironment {
        var environment = BaseEnvironment([:])
        guard var place = warden_environment() else { return environment }
        while let pointer = place.pointee {
            let text = UnsafeRawBufferPointer(start: pointer, count: length(of: pointer))
            let entry = [UInt8](text)
            let name = String(decoding: entry.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            if isPassedOn(name), name.utf8.count < entry.count { environment.entries[name] = entry }
            place += 1
        }
        return environment
    }

    /// The value of a variable, bytes that are not UTF-8 repaired.
    package subscript(name: String) -> String? {
        entries[name].map { String(decoding: $0.dropFirst(name.utf8.count + 1), as: UTF8.self) }
    }

    /// Every `NAME=VALUE`, with `additions` winning, in the order of the names.
    internal func merged(with additions: [String: String]) -> [[UInt8]] {
        var all = entries
        for (name, value) in additions { all[name] = Array("\(name)=\(value)".utf8) }
        return all.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func isPassedOn(_ name: String) -> Bool {
        !withheld.contains(name)
    }

    private static func length(of pointer: UnsafePointer<CChar>) -> Int {
        var count = 0
        while pointer[count] != 0 { count += 1 }
        return count
    }
}

/// Who a worker is, as its environment tells it.
package struct WorkerMark: Hashable, Sendable {
    /// The slot's name.
    package var name: SlotName
    /// Which start of it.
    package var generation: Generation
    /// Starts after the first.
    package var restartCount: Int

    /// - Parameters:
    ///   - name: the slot's name.
    ///   - generation: which start of it.
    ///   - restartCount: starts after the first, from 0.
    package init(name: SlotName, generation: Generation, restartCount: Int) {
        self.name = name
        self.generation = generation
        self.restartCount = restartCount
    }

    /// What the worker's environment gets beside the daemon's: supervisord's variables, then the configured ones, then
    /// Warden's, by which a new daemon recognises the worker. The last of a name wins.
    ///
    /// - Parameters:
    ///   - launch: the configured variables and the server's URL.
    ///   - notifySocket: the path of the worker's own NOTIFY_SOCKET, if it has one.
    /// - Returns: names and values.
    internal func variables(launch: LaunchSpec, notifySocket: String?) -> [String: String] {
        var variables = ["SUPERVISOR_ENABLED": "1"]
        variables["SUPERVISOR_SERVER_URL"] = launch.serverURL
        variables["SUPERVISOR_PROCESS_NAME"] = name.process
        variables["SUPERVISOR_GROUP_NAME"] = name.group
        variables.merge(launch.environment) { _, configured in configured }
        variables["WARDEN_SLOT"] = name.qualified
        variables["WARDEN_GENERATION"] = String(generation.number)
        variables["WARDEN_RESTART_COUNT"] = String(restartCount)
        if let notifySocket { variables["NOTIFY_SOCKET"] = notifySocket }
        return variables
    }
}
