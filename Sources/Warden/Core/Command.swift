/// Which slots a command is about.
package enum Selection: Hashable, Sendable {
    /// One, by `group:name` or bare name.
    case slot(group: String, process: String)
    /// `group:*`.
    case group(String)
    /// `all`.
    case all
}

/// What a client can ask of the core. Reads of files and sockets are not here: they never need the shell.
package enum Command: Hashable, Sendable {
    /// Start; with `wait`, the answer comes when it runs or has failed. The slots of `missing` have a command that
    /// cannot be executed: they are refused as they are, whatever their state.
    case start(Selection, wait: Bool, missing: [SlotName: Refusal] = [:])
    /// Stop; with `wait`, the answer comes when it has stopped.
    case stop(Selection, wait: Bool)
    /// Send a signal to the main process.
    case signal(Selection, Signal)
    /// What is known of the selected slots.
    case snapshot(Selection)
    /// Read the configuration anew and say what differs; nothing running is touched.
    case reread
    /// Make the named group of the newest configuration active.
    case addGroup(String)
    /// Remove a group that has stopped.
    case removeGroup(String)
    /// Stop, of a group, what the newest configuration changes or no longer has; the answer comes when it has stopped.
    case stopOutdated(String)
    /// Make an active group what the newest configuration says. Workers whose specification is the same stay as they
    /// are; the others must be down.
    case updateGroup(String)
    /// Verdicts are shown but not acted on until resumed.
    case pauseHealth(Selection)
    /// Verdicts are acted on again.
    case resumeHealth(Selection)
    /// The recent incidents of a slot, newest first.
    case explain(Selection)
    /// Stop everything and exit, or start anew.
    case end(End)
    /// What the daemon is doing as a whole.
    case daemonState
    /// Write to a worker's standard input.
    case writeInput(SlotName, [UInt8])
    /// A REMOTE_COMMUNICATION event for the listeners.
    case tellListeners(type: String, data: String)
    /// Verdicts are shown but not acted on until resumed, or until so long from now.
    case pauseHealthFor(Selection, Duration)
    /// Prove a slot's policy by a drill.
    case startDrill(Selection, DrillOrder)
    /// End a slot's drill.
    case stopDrill(Selection)
    /// How a slot's drill goes; its lease begins anew.
    case watchDrill(Selection)
    /// Store what was recorded of the selected slots up to now; the answer comes after it.
    case storeRecords(Selection)
}

/// The answer to a command.
package enum Reply: Hashable, Sendable {
    /// Done.
    case done
    /// Not done, and why.
    case refused(Refusal)
    /// Done for some, not for others, in supervisord's order.
    case outcomes([SlotOutcome])
    /// What is known.
    case snapshots([WorkerSnapshot])
    /// What is known, with the last incidents.
    case explanations([Explanation])
    /// What a reread found.
    case differences(added: [String], changed: [String], removed: [String])
    /// A group was updated; these of its workers were not touched.
    case updated(kept: [SlotName])
    /// The daemon's mood and the configuration's groups.
    case daemonState(DaemonMood)
    /// How a drill goes.
    case drill(DrillReport)
}

/// The daemon's mood, in supervisord's words.
package enum DaemonMood: Hashable, Sendable {
    /// RUNNING, 1.
    case running
    /// RESTARTING, 0.
    case restarting
    /// SHUTDOWN, -1.
    case shuttingDown
}

/// Why a command was refused. Wire turns each into supervisord's fault.
package enum Refusal: Error, Hashable, Codable, Sendable {
    /// BAD_NAME: no such process or group.
    case badName(String)
    /// ALREADY_STARTED.
    case alreadyStarted(String)
    /// NOT_RUNNING.
    case notRunning(String)
    /// NO_FILE: the command does not exist.
    case noFile(String)
    /// NOT_EXECUTABLE: the command is there but cannot be executed.
    case notExecutable(String)
    /// SPAWN_ERROR: it could not be started.
    case spawnError(String)
    /// ABNORMAL_TERMINATION: it left STARTING without running.
    case abnormalTermination(String)
    /// FAILED.
    case failed(String)
    /// BAD_SIGNAL.
    case badSignal(String)
    /// ALREADY_ADDED.
    case alreadyAdded(String)
    /// STILL_RUNNING.
    case stillRunning(String)
    /// CANT_REREAD, with every problem of the configuration.
    case cannotReread(String)
    /// SHUTDOWN_STATE.
    case shuttingDown
    /// Too many requests wait.
    case overloaded
}

/// What a command did to one slot of a selection.
package struct SlotOutcome: Hashable, Codable, Sendable {
    /// The slot.
    package var name: SlotName
    /// `nil`: done.
    package var refusal: Refusal?

    /// - Parameters:
    ///   - name: the slot.
    ///   - refusal: `nil` when it was done.
    package init(name: SlotName, refusal: Refusal?) {
        self.name = name
        self.refusal = refusal
    }
}

/// supervisord's process states, by its words and numbers.
package enum ProcessState: Int, Hashable, Codable, Sendable, CaseIterable {
    case stopped = 0
    case starting = 10
    case running = 20
    case backoff = 30
    case stopping = 40
    case exited = 100
    case fatal = 200
    case unknown = 1000

    /// supervisord's word.
    package var word: String {
        switch self {
        case .stopped: "STOPPED"
        case .starting: "STARTING"
        case .running: "RUNNING"
        case .backoff: "BACKOFF"
        case .stopping: "STOPPING"
        case .exited: "EXITED"
        case .fatal: "FATAL"
        case .unknown: "UNKNOWN"
        }
    }
}

/// Why a slot was last started again.
package enum RestartReason: Hashable, Codable, Sendable {
    /// Warden's own decision about this condition.
    case health(Condition)
    /// Its process had exited.
    case exit
    /// A person asked.
    case user
    /// Its configuration changed.
    case configuration

    /// As programs read it: a class/cause, `exit`, `user` or `config`.
    package var name: String {
        switch self {
        case .health(let condition): condition.name
        case .exit: "exit"
        case .user: "user"
        case .configuration: "config"
        }
    }
}

/// Whether a restart helped.
package enum Outcome: Hashable, Codable, Sendable {
    /// It did, after so long from the restart.
    case recovered(after: Duration)
    /// It did not.
    case unhelped
    /// Warden stopped trying.
    case gaveUp
    /// The verdict ended, or a person or an exit came first, so nothing can be said.
    case superseded

    /// As programs read it.
    package var name: String {
        switch self {
        case .recovered: "recovered"
        case .unhelped: "unhelped"
        case .gaveUp: "gave-up"
        case .superseded: "superseded"
        }
    }

    /// Whole and fractional seconds to the recovery, if there was one.
    package var recoveredSeconds: Double? {
        switch self {
        case .recovered(let after): after.inSeconds
        case .unhelped, .gaveUp, .superseded: nil
        }
    }
}

/// The last restart of a slot.
package struct RestartRecord: Hashable, Codable, Sendable {
    /// When it began.
    package var at: WallTime
    /// Why.
    package var reason: RestartReason
    /// Whether it helped; `nil` while that is open, and for restarts that were not Warden's own.
    package var outcome: Outcome?

    /// - Parameters: as the properties of the same names.
    package init(at: WallTime, reason: RestartReason, outcome: Outcome?) {
        self.at = at
        self.reason = reason
        self.outcome = outcome
    }
}

/// Everything that is known of a slot, at one moment. Status, JSON, XML-RPC and the page are made from it.
package struct WorkerSnapshot: Hashable, Sendable {
    /// The slot's name.
    package var name: SlotName
    /// The slot's number.
    package var slot: SlotID
    /// supervisord's state.
    package var state: ProcessState
    /// The main process; `nil` when down.
    package var pid: Int32?
    /// How it last ended; `nil` before that, and while a newer one runs.
    package var exitStatus: ExitStatus?
    /// Which start this is; 0 before the first.
    package var generation: Generation
    /// When it was last started.
    package var startedAt: Moment?
    /// When it last stopped.
    package var stoppedAt: WallTime?
    /// The snapshot's own time.
    package var takenAt: Moment
    /// Why it could not start or exited badly; empty when there is nothing to say.
    package var spawnError: String
    /// What we believe; `nil` when it does not run or is not watched.
    package var verdict: Verdict?
    /// The last tree readings of this generation.
    package var readings: TreeReadings?
    /// How the descriptor count of the tightest process has moved in this generation; `nil` with too few samples.
    package var descriptorTrend: DescriptorTrend?
    /// Until `rss_limit` is reached at the present growth; `nil` without a limit, and when it does not grow.
    package var memoryTimeToLimit: Duration?
    /// Nothing more is done about the verdict: the budget is spent, or restarts did not help.
    package var hasGivenUp = false
    /// When life last showed.
    package var lastHeartbeat: Instant?
    /// The last line of its log.
    package var lastLine: String?
    /// Starts after the first.
    package var restartCount: Int
    /// The last restart.
    package var lastRestart: RestartRecord?
    /// What the policy is doing or waiting for, in words for the status line; `nil` when nothing.
    package var pendingAction: String?
    /// Verdicts are not acted on, because a person said so.
    package var isHealthPaused: Bool
    /// How long that lasts; `nil`: until a person ends it.
    package var healthPausedFor: Duration?
    /// What it depends on and is not ready, while its start waits for that; else empty.
    package var waitingFor: [String] = []
    /// What its probe says; `nil` where none is configured, and while it is down.
    package var probe: ProbeReport?
    /// How much work waits for it; `nil` where `demand` is not configured, and while it is down.
    package var demand: DemandReading?
    /// Its drill that is under way, or the last one.
    package var drill: DrillReport?
    /// The program's name in its section.
    package var program: String
    /// What it executes.
    package var launch: LaunchSpec
    /// Standard output's destination.
    package var standardOutput: LogSpec
    /// Standard error's destination; `nil` when it goes into standard output.
    package var standardError: LogSpec?

    /// A snapshot of a slot that was never started.
    package init(spec: ProgramSpec, slot: SlotID, takenAt: Moment) {
        name = spec.name
        program = spec.program
        launch = spec.launch
        self.slot = slot
        self.takenAt = takenAt
        state = .stopped
        generation = Generation(0)
        spawnError = ""
        restartCount = 0
        isHealthPaused = false
        standardOutput = spec.standardOutput
        standardError = spec.standardError
    }
}

/// How a descriptor count moves: the slope over what was observed, and how long the rest of the table lasts at that.
package struct DescriptorTrend: Hashable, Sendable {
    /// Descriptors gained per hour; negative when they are given back.
    package var perHour: Double
    /// The time that was observed.
    package var observed: Duration
    /// Until the soft limit at that slope; `nil` when the count does not grow, or when the answer would reach further
    /// than three times what was observed.
    package var timeToLimit: Duration?

    /// - Parameters: as the properties of the same names.
    package init(perHour: Double, observed: Duration, timeToLimit: Duration?) {
        self.perHour = perHour
        self.observed = observed
        self.timeToLimit = timeToLimit
    }
}

/// A verdict that was acted on or alerted.
package struct Incident: Hashable, Codable, Sendable {
    /// Never reused: the wall clock and a throw of the dice.
    package var id: String
    /// The slot.
    package var worker: SlotName
    /// Which start of it.
    package var generation: Generation
    /// When the action or the alert began.
    package var at: WallTime
    /// What was believed.
    package var verdict: Verdict
    /// What was done.
    package var action: HealthAction
    /// Why the action is less than what the configuration names, if it is: `max_unavailable`, `budget`, `local health`.
    package var heldBackBy: String?
    /// What was found before the worker was ended.
    package var forensics: Forensics?
    /// The same for the same hang, whatever the pids and addresses; `nil` where there is nothing to tell it by.
    package var fingerprint: String?
    /// How often the same was seen before; from the history, `nil` where that was not asked or knows of none.
    package var recurrence: Recurrence?
    /// Whether it helped; `nil` while that is open.
    package var outcome: Outcome?

    /// - Parameters: as the properties of the same names.
    package init(
        id: String, worker: SlotName, generation: Generation, at: WallTime, verdict: Verdict, action: HealthAction
    ) {
        self.id = id
        self.worker = worker
        self.generation = generation
        self.at = at
        self.verdict = verdict
        self.action = action
    }
}

/// The answer to `why`: what is believed, on which evidence, and what happened lately.
package struct Explanation: Hashable, Sendable {
    /// The slot now.
    package var snapshot: WorkerSnapshot
    /// Its last incidents, newest first, at most `Limits.rememberedIncidents`.
    package var incidents: [Incident]
    /// Budgets in use: condition, restarts spent, restarts allowed.
    package var budgets: [BudgetUse]
    /// How its verdict stands.
    package var standing = Standing()
    /// What was seen of it while it was well.
    package var observed = Observed()

    /// - Parameters: as the properties of the same names.
    package init(snapshot: WorkerSnapshot, incidents: [Incident], budgets: [BudgetUse]) {
        self.snapshot = snapshot
        self.incidents = incidents
        self.budgets = budgets
    }
}

/// How much of a restart budget is spent.
package struct BudgetUse: Hashable, Sendable {
    /// The condition it is for.
    package var condition: Condition
    /// Restarts inside the window.
    package var spent: Int
    /// Restarts that the window allows.
    package var allowed: Int
    /// True when Warden stopped restarting for this condition.
    package var isExhausted: Bool

    /// - Parameters: as the properties of the same names.
    package init(condition: Condition, spent: Int, allowed: Int, isExhausted: Bool) {
        self.condition = condition
        self.spent = spent
        self.allowed = allowed
        self.isExhausted = isExhausted
    }
}
