package import WardenCore

/// Everything below the shell: kernel, clock, files, clients. Tests replace it whole.
///
/// The machine owns every descriptor and knows a child by slot and generation. No verb waits for anything; what comes
/// of an order returns as an event, in the order in which it happened.
package protocol Machine: ~Copyable {
    /// Both clocks, now.
    mutating func now() -> Moment

    /// Waits for something to happen.
    ///
    /// - Parameters:
    ///   - deadline: returns then at the latest; `nil` waits for ever.
    ///   - events: what happened is appended, at most `ShellLimits.eventsPerTurn`.
    mutating func waitForEvents(until deadline: Instant?, into events: inout [Event])

    /// Starts a worker; the reason is `nil` for the first start of a slot. Event: `.spawned` or `.spawnFailed`.
    mutating func spawn(_ worker: WorkerID, _ spec: ProgramSpec, restartCount: Int, reason: RestartReason?)
    /// Signals a worker. Event: `.signalFailed`, unless it went well or the worker is gone.
    mutating func signal(_ worker: WorkerID, _ signal: Signal, _ reach: Reach)
    /// Forgets a worker that has ended, and ends what is left of its tree when `sweep` says so.
    mutating func release(_ worker: WorkerID, sweep: Bool)
    /// Looks a worker over. Event: `.forensicsCollected`.
    mutating func collectForensics(_ worker: WorkerID, budget: Duration, command: String?)
    /// Looks over a worker to which nothing is done, without sending it anything. Event: `.forensicsCollected`.
    mutating func examine(_ worker: WorkerID, budget: Duration, command: String?)
    /// Counts a worker's descriptors by kind. Event: `.censusTaken`, or none when there is nobody to do it.
    mutating func takeCensus(of worker: WorkerID)
    /// Reads what a worker's threads wait for. Event: `.waitsRead`, unless the reading is stuck.
    mutating func readWaits(_ worker: WorkerID)
    /// Runs a command for a worker. Event: `.hookEnded`.
    mutating func runHook(_ worker: WorkerID, _ hook: Hook, command: String, timeout: Duration)
    /// Asks a worker's probe once. Event: `.hookEnded` of `Hook.probe`.
    mutating func probe(_ worker: WorkerID, _ probe: HealthSpec.Probe, timeout: Duration)
    /// Fetches the demand that a URL holds. Event: `.hookEnded` of `Hook.demand`.
    mutating func queryDemand(_ worker: WorkerID, url: String, timeout: Duration)
    /// Raises the soft limit of descriptors of one process of a worker's tree. Event: `.descriptorLimitRaised`.
    mutating func raiseDescriptorLimit(of worker: WorkerID, pid: Int32)
    /// Lowers it to what the process has open, for a drill. Event: `.descriptorLimitLowered`.
    mutating func lowerDescriptorLimit(of worker: WorkerID, pid: Int32)
    /// Gives back what a drill has lowered.
    mutating func restoreDescriptorLimit(of worker: WorkerID, pid: Int32, from lowered: Int, to soft: Int)
    /// Looks at what is left of a worker that has ended, and sweeps it. Event: `.respawnPrepared`, unless it is stuck.
    mutating func prepareRespawn(_ worker: WorkerID, _ spec: RespawnSpec, launch: LaunchSpec)
    /// Waits for the end of a process that a former daemon started. Event: `.exited`.
    mutating func holdLeftOver(_ worker: WorkerID, _ spec: ProgramSpec, pid: Int32)
    /// Reads the configuration anew. Event: `.configurationLoaded`.
    mutating func loadConfiguration(for request: RequestID?)

    /// Lets the binary that is to take over read what it would be told. Event: `.successorExamined`.
    mutating func examineSuccessor(of supervisor: Supervisor, for request: RequestID?)

    /// Whether there is a memory that outlives this process.
    var remembers: Bool { get }
    /// Keeps what has changed, for the daemon that comes after a sudden end of this one.
    mutating func remember(_ memories: [SupervisorMemory])

    /// Answers a client.
    mutating func reply(_ request: RequestID, _ reply: Reply)
    /// Writes to the daemon's log and the journal.
    mutating func log(_ record: LogRecord)
    /// Tells event listeners.
    mutating func announce(_ announcement: Announcement)
    /// Writes an event to a listener's standard input. Event: `.inputClosed` when nobody can read it.
    mutating func send(_ event: PoolEvent, to worker: WorkerID)
    /// Listens no longer to what a listener writes.
    mutating func disregardOutput(of worker: WorkerID)
    /// Writes to a worker's standard input, and answers the client: `.noFile` when nobody can read it.
    mutating func writeInput(_ worker: WorkerID, _ bytes: [UInt8], for request: RequestID)
    /// Stores an incident.
    mutating func store(_ incident: Incident)
    /// Stores what was recorded of a worker, where there is room for it.
    mutating func store(_ record: RecordBlock)
    /// Posts an alert.
    mutating func post(_ alert: Alert)
    /// Tells the service manager.
    mutating func notify(_ notice: ServiceNotice)
}

/// What the service manager is told.
package enum ServiceNotice: Hashable, Sendable {
    /// READY=1.
    case ready
    /// STATUS=.
    case status(String)
    /// STOPPING=1.
    case stopping
    /// EXTEND_TIMEOUT_USEC=.
    case extendTimeout(Duration)
}

/// The shell's limits.
package enum ShellLimits {
    /// Events that one turn takes in; more wait for the next, so that a flood cannot keep timers from running.
    package static let eventsPerTurn = 1024
}
