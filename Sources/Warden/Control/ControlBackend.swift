package import WardenCore
package import WardenWire

/// What the control room asks of the daemon.
///
/// Nothing of it may block: answers come from the shell by mailbox, or from values that other threads published.
package protocol ControlBackend: Sendable {
    /// Hands a command to the shell and returns when the shell has answered. A full mailbox is
    /// `.refused(.overloaded)`. When the task is cancelled the client went away: the request is abandoned, and any
    /// reply may be returned.
    func perform(_ command: Command) async -> Reply
    /// What the daemon is, as it is now; called for every request.
    func daemonIdentity() -> DaemonIdentity
    /// Where a stream of a worker is written to.
    func logPath(_ worker: SlotName, _ stream: OutputStream) async -> LogLocation
    /// Empties log files: removes and opens anew, as supervisord does.
    func clearLog(_ target: LogTarget) async -> Reply
    /// Stored incidents, newest first.
    func incidents(_ query: IncidentQuery) async -> [Incident]
    /// What was recorded of a worker, oldest first.
    func records(_ query: RecordQuery) async -> [StoredRecord]
    /// The open descriptors of a worker by kind; `nil` when it does not run or cannot be read.
    func census(of worker: SlotName) async -> DescriptorCensus?
    /// What holds a worker's tree together; `nil` when it does not run or cannot be looked at.
    func containment(of worker: WorkerSnapshot) async -> ContainmentReport?
    /// Every program of the newest configuration; `nil` when that is not known.
    func configuration() async -> [ConfiguredProgram]?
    /// What the daemon says of itself in numbers, as it is now.
    func readings() -> DaemonReadings
    /// Writes to a worker's standard input. A pipe that its reader has closed is `.refused(.noFile)`.
    func writeInput(_ worker: SlotName, _ bytes: [UInt8]) async -> Reply
    /// Sends a REMOTE_COMMUNICATION event to listeners.
    func sendEvent(type: String, data: String) async -> Reply
    /// What happens.
    var eventHub: EventHub { get }
    /// The destinations of alerts, in the configuration's order.
    func alerts() -> [AlertDescription]
    /// Sends a test to a destination now; `nil` when there is none of that name.
    func testAlert(_ name: String) async -> AlertTest?
}

extension ControlBackend {
    /// Not known.
    package func configuration() async -> [ConfiguredProgram]? { nil }

    /// Not known.
    package func containment(of worker: WorkerSnapshot) async -> ContainmentReport? { nil }

    /// Nothing is known.
    package func readings() -> DaemonReadings { DaemonReadings() }

    /// Nothing is recorded.
    package func records(_ query: RecordQuery) async -> [StoredRecord] { [] }

    /// Not supported.
    package func writeInput(_ worker: SlotName, _ bytes: [UInt8]) async -> Reply {
        .refused(.failed("writing to a worker's standard input is not supported"))
    }

    /// None.
    package func alerts() -> [AlertDescription] { [] }

    /// There is none.
    package func testAlert(_ name: String) async -> AlertTest? { nil }

    /// Nobody listens, and so everybody has been told.
    package func sendEvent(type: String, data: String) async -> Reply { .done }
}

/// What the daemon is.
package struct DaemonIdentity: Hashable, Sendable {
    /// Its process id.
    package var pid: Int32
    /// `identifier` of `[supervisord]`.
    package var identifier: String
    /// Warden's own version.
    package var version: String
    /// The main log; `nil` when there is none.
    package var logPath: String?
    /// When it started.
    package var startedAt: Moment
    /// What it is doing as a whole.
    package var mood: DaemonMood
    /// What is wrong with it, and what it has too little of.
    package var health: LocalHealth

    /// - Parameters: as the properties of the same names.
    package init(
        pid: Int32, identifier: String, version: String, logPath: String?, startedAt: Moment,
        mood: DaemonMood = .running, health: LocalHealth = LocalHealth()
    ) {
        self.pid = pid
        self.identifier = identifier
        self.version = version
        self.logPath = logPath
        self.startedAt = startedAt
        self.mood = mood
        self.health = health
    }
}

/// Where one stream of a worker can be read.
package enum LogLocation: Hashable, Sendable {
    /// Nowhere: `NONE`, redirected into the other stream, or no such worker.
    case none
    /// A file, which need not exist yet.
    case file(String)
}

/// Whose log is to be emptied.
package enum LogTarget: Hashable, Sendable {
    /// The daemon's own.
    case daemon
    /// Both streams of the selected workers. One slot is answered with `.done`, several with `.outcomes`.
    case workers(Selection)
}

/// Which incidents are asked for.
package struct IncidentQuery: Hashable, Sendable {
    /// Only this one.
    package var id: String?
    /// Only of this worker.
    package var worker: SlotName?
    /// At most so many, 1 to `ControlLimits.incidents`.
    package var limit: Int

    /// - Parameters: as the properties of the same names.
    package init(id: String? = nil, worker: SlotName? = nil, limit: Int) {
        self.id = id
        self.worker = worker
        self.limit = limit
    }
}

/// Which recorded samples are asked for.
package struct RecordQuery: Hashable, Sendable {
    /// Of this worker.
    package var worker: SlotName
    /// Not those that ended before.
    package var since: WallTime
    /// Only those after this one: the last of a former answer, or 0.
    package var after: Int64
    /// At most so many.
    package var limit: Int

    /// - Parameters: as the properties of the same names.
    package init(worker: SlotName, since: WallTime, after: Int64, limit: Int) {
        self.worker = worker
        self.since = since
        self.after = after
        self.limit = limit
    }
}

/// A program of the newest configuration, for `getAllConfigInfo`.
package struct ConfiguredProgram: Hashable, Sendable {
    /// Its specification.
    package var spec: ProgramSpec
    /// The priority of its group.
    package var groupPriority: Int
    /// Its group is active.
    package var isInUse: Bool

    /// - Parameters: as the properties of the same names.
    package init(spec: ProgramSpec, groupPriority: Int, isInUse: Bool) {
        self.spec = spec
        self.groupPriority = groupPriority
        self.isInUse = isInUse
    }
}
