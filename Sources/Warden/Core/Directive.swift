/// An order from the core to the shell. Carried out in the order given; what comes of it returns as events.
package enum Directive: Hashable, Sendable {
    /// Start a worker; the reason is `nil` for the first start of a slot. Answers: `.spawned` or `.spawnFailed`.
    case spawn(WorkerID, ProgramSpec, restartCount: Int, reason: RestartReason?)
    /// Send a signal. Answers only when it fails with something other than ESRCH.
    case signal(WorkerID, Signal, Reach)
    /// The worker is gone for good: end what is left of its tree, if told to, and forget it.
    case release(WorkerID, sweep: Bool)
    /// Look a worker over before it is ended. Answers: `.forensicsCollected`, at the latest after the budget.
    case collectForensics(WorkerID, budget: Duration, command: String?)
    /// Run a command for a worker. Answers: `.hookEnded`.
    case runHook(WorkerID, Hook, command: String, timeout: Duration)
    /// Ask a worker's `probe` once. Answers: `.hookEnded` of `Hook.probe`.
    case probe(WorkerID, HealthSpec.Probe, timeout: Duration)
    /// Read the configuration anew. Answers: `.configurationLoaded`.
    case loadConfiguration(RequestID?)
    /// Answer a client.
    case reply(RequestID, Reply)
    /// Write to the daemon's log and the journal.
    case log(LogRecord)
    /// Tell event listeners and the log of a change of state.
    case announce(Announcement)
    /// Write an event to a listener's standard input. Answers `.inputClosed` when nobody can read it any more.
    case send(WorkerID, PoolEvent)
    /// Write to a worker's standard input, and answer the client.
    case writeInput(WorkerID, [UInt8], for: RequestID)
    /// A listener broke the protocol: what it writes from now on is not listened to.
    case disregardOutput(WorkerID)
    /// Store an incident, new or with its outcome.
    case recordIncident(Incident)
    /// Tell people of an incident.
    case alert(Alert)
    /// What systemd shows beside the service.
    case setStatus(String)
    /// Every group has started what it starts: READY=1.
    case declareReady
    /// Stopping has begun: STOPPING=1. Never said before a restart in place.
    case declareStopping
    /// Stopping goes on and will take at least so much longer.
    case extendTimeout(Duration)
    /// Everything has stopped: the daemon may end.
    case finish(End)
    /// A fact that cannot be. The slot is FATAL with reason `internal`, and the daemon goes on.
    case reportInvariant(String)
    /// Count a worker's descriptors by kind, when there is time for it. Answers: `.censusTaken`, or nothing.
    case takeCensus(WorkerID)
    /// Read what every thread of a worker's tree waits for. Answers: `.waitsRead`, unless the reading is stuck.
    case readWaits(WorkerID)
    /// Fetch `demand = http(s)://…#/pointer`. Answers: `.hookEnded` of `Hook.demand`.
    case queryDemand(WorkerID, url: String, timeout: Duration)
    /// Raise the soft limit of descriptors of one process of a worker's tree. Answers: `.descriptorLimitRaised`.
    case raiseDescriptorLimit(WorkerID, pid: Int32)
    /// Lower the soft limit of descriptors of one process of a worker's tree to what it has open. Answers:
    /// `.descriptorLimitLowered`.
    case lowerDescriptorLimit(WorkerID, pid: Int32)
    /// Give it back what it had, and to those of its tree that were started with what it was lowered to.
    case restoreDescriptorLimit(WorkerID, pid: Int32, from: Int, to: Int)
    /// Look at what is left of a worker that has ended, and sweep it, before its slot starts again. Answers:
    /// `.respawnPrepared`, unless the look is stuck.
    case prepareRespawn(WorkerID, RespawnSpec, LaunchSpec)
    /// Look a worker over to which nothing is done, without sending it anything. Answers: `.forensicsCollected`.
    case examine(WorkerID, budget: Duration, command: String?)
    /// Try the binary that is to take over: can it read what it will be told?
    case examineSuccessor(RequestID?)
    /// Store what was recorded of a worker. May be dropped.
    case storeRecord(RecordBlock)
    /// Wait for the end of a process that a former daemon started. Answers: `.exited`.
    case holdLeftOver(WorkerID, ProgramSpec, pid: Int32)
}

/// Which processes a signal reaches.
package enum Reach: Hashable, Sendable {
    /// The main process, by its pidfd.
    case process
    /// The main process, if it catches the signal (SigCgt); otherwise the answer is `.signalFailed(ENOTSUP)`, because
    /// the signal would end it.
    case processIfCaught
    /// Its process group.
    case group
    /// The whole tree, what is stopped being woken first.
    case tree
}

/// A line for the daemon's own log.
package struct LogRecord: Hashable, Sendable {
    /// supervisord's levels.
    package enum Level: Int, Hashable, Sendable, Comparable {
        case blather = 3, trace = 5, debug = 10, info = 20, warn = 30, error = 40, critical = 50

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// How much it matters.
    package var level: Level
    /// The text, one line.
    package var message: String
    /// Journal fields beside it, such as WARDEN_WORKER; names in upper case.
    package var fields: [String: String]

    /// - Parameters: as the properties of the same names.
    package init(_ level: Level, _ message: String, fields: [String: String] = [:]) {
        self.level = level
        self.message = message
        self.fields = fields
    }
}

/// A change that event listeners hear of.
package enum Announcement: Hashable, Codable, Sendable {
    /// PROCESS_STATE_…: the new state, the old one, and what the payload needs.
    case processState(SlotName, ProcessState, from: ProcessState, pid: Int32?, tries: Int, isExpected: Bool)
    /// PROCESS_GROUP_ADDED.
    case groupAdded(String)
    /// PROCESS_GROUP_REMOVED.
    case groupRemoved(String)
    /// SUPERVISOR_STATE_CHANGE_RUNNING.
    case supervisorRunning
    /// SUPERVISOR_STATE_CHANGE_STOPPING.
    case supervisorStopping
    /// WARDEN_HEALTH: a verdict began or ended.
    case health(SlotName, Verdict)
    /// WARDEN_ACTION: Warden acted, alerted, or knows the outcome. Listeners only.
    case action(Alert)
    /// TICK_…: the wall clock passed this multiple of the period, in seconds since the epoch. Listeners only.
    case tick(TickPeriod, when: Int64)
    /// REMOTE_COMMUNICATION: a client's own event. Listeners only.
    case remote(type: String, data: String)
    /// PROCESS_LOG_… and PROCESS_COMMUNICATION_…: what a process wrote. Listeners only.
    case output(SlotName, pid: Int32, OutputChannel, WorkerOutput.Kind, String)
}

/// A message for people, about one incident.
package struct Alert: Hashable, Codable, Sendable {
    /// What happened to the incident.
    package enum Phase: String, Hashable, Codable, Sendable {
        /// It was opened.
        case opened
        /// Its outcome is known.
        case closed
        /// It was closed and not over, `unhelped` or `gave-up`, and is over now: the worker is well again, or a person
        /// or the end of the daemon stopped it.
        case resolved
    }

    /// What happened to it.
    package var phase: Phase
    /// The incident as it is now.
    package var incident: Incident

    /// The name that `[alert:NAME] events=` selects by: the class when opened, the outcome when closed,
    /// `recovered` when resolved.
    package var eventName: String {
        switch phase {
        case .opened: incident.verdict.condition.className
        case .closed: incident.outcome?.name ?? "superseded"
        case .resolved: "recovered"
        }
    }

    /// Whether it is over, for receivers that keep alerts until they are closed.
    package var isOver: Bool {
        switch (phase, incident.outcome) {
        case (.opened, _), (.closed, .unhelped?), (.closed, .gaveUp?): false
        case (.closed, _), (.resolved, _): true
        }
    }

    /// - Parameters:
    ///   - phase: what happened to the incident.
    ///   - incident: the incident as it is now.
    package init(phase: Phase, incident: Incident) {
        self.phase = phase
        self.incident = incident
    }
}
