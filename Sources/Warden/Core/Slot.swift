/// One slot inside the supervisor: its configuration and its machines.
struct Slot: Codable, Sendable {
    /// A client that waits for this slot.
    struct Waiter: Hashable, Codable, Sendable {
        /// What it waits for.
        enum Awaited: Hashable, Codable, Sendable {
            /// The process to be spawned, or to have failed.
            case spawned
            /// RUNNING, or any state that says it will not be.
            case running
            /// Any state but STOPPING.
            case stopped
        }

        var request: RequestID
        var awaited: Awaited
    }

    let id: SlotID
    /// Shared, because a slot is copied often and its spec seldom changes.
    var sharedSpec: Shared<ProgramSpec>
    var machine: WorkerMachine
    var policy = RestartPolicy()
    /// `nil` while no process is up, and where nothing is watched.
    var tracker: HealthTracker?
    /// What former generations looked like by age, the latest first.
    var formerLives: [TrendWitness] = []
    var isHealthPaused = false
    /// When the pause ends by itself; `nil`: only by a person.
    var healthPausedUntil: Instant?
    /// Starts of this slot before this life of the daemon.
    var earlierStarts: Int
    var lastRestart: RestartRecord?
    /// Newest first.
    var incidents: [Incident] = []
    /// Incidents that were closed and are not over: whoever was told of them is told when they are. One for a
    /// condition, without forensics; optional for the states of former versions.
    var leftOpen: [Incident]?
    var chronicle = Chronicle()
    /// What is recorded of it; `nil` where nothing is.
    var recorder: RecordWriter?
    /// Of the settings under which its process was started.
    var observationMark: UInt64 = 0
    /// The hold that was recorded last.
    var recordedHold: String?
    var observed = Observed()
    var waiters: [Waiter] = []
    var lastSpawnFailure: SpawnFailure?
    var demandDueAt: Instant?
    /// The last answer about demand in this generation.
    var demand: DemandReading?
    /// When a worker with `ready = probe` is to be asked next.
    var readinessDueAt: Instant?
    /// When the life-long probe is to be asked next; `nil` where there is none, and while it does not run.
    var probeDueAt: Instant?
    var probeAskedAt: Instant?
    /// The generation whose descriptor limit was raised.
    var aidedGeneration: Generation?

    init(id: SlotID, spec: ProgramSpec, earlierStarts: Int) {
        self.id = id
        sharedSpec = Shared(spec)
        self.earlierStarts = earlierStarts
        machine = WorkerMachine(name: spec.name.process, spec: spec.supervision)
    }

    var spec: ProgramSpec {
        _read { yield sharedSpec.value }
    }

    var worker: WorkerID { WorkerID(slot: id, generation: machine.generation) }

    /// Starts after the first, across the daemon's own restarts.
    var restartCount: Int { max(0, earlierStarts + Int(machine.generation.number) - 1) }

    /// The next instant at which something is due.
    var deadline: Instant? {
        var earliest = machine.deadline
        if let due = policy.deadline { earliest = earliest.map { min($0, due) } ?? due }
        if let due = readinessDueAt { earliest = earliest.map { min($0, due) } ?? due }
        if let due = probeDueAt { earliest = earliest.map { min($0, due) } ?? due }
        if let due = healthPausedUntil { earliest = earliest.map { min($0, due) } ?? due }
        return earliest
    }

    /// Whether those that depend on it may start: it is RUNNING, or has done its work and ended as expected.
    var isReady: Bool {
        switch machine.state {
        case .running: true
        case .exited: machine.awaitedStart == nil && machine.hasExitedAsExpected
        case .stopped, .starting, .backoff, .stopping, .fatal, .unknown: false
        }
    }

    /// Whether `demand` is to be asked again.
    func isDemandDue(at now: Instant) -> Bool {
        guard tracker != nil, spec.health.demand != .none else { return false }
        return demandDueAt.map { now >= $0 } ?? true
    }

    /// Whether nothing of it runs or will run by itself.
    var isDown: Bool {
        switch machine.processState {
        case .stopped, .exited, .fatal: true
        case .starting, .running, .backoff, .stopping, .unknown: false
        }
    }

    /// Keeps an incident for `why`, in the place of its earlier self if it is there.
    mutating func remember(_ incident: Incident) {
        if let index = incidents.firstIndex(where: { $0.id == incident.id }) {
            incidents[index] = incident
            return
        }
        incidents.insert(incident, at: 0)
        if incidents.count > Limits.rememberedIncidents { incidents.removeLast() }
    }

    /// Keeps a closed incident that is not over; one that is takes the earlier one of its condition with it.
    mutating func keepOpen(_ incident: Incident) {
        var left = (leftOpen ?? []).filter { $0.verdict.condition != incident.verdict.condition }
        switch incident.outcome {
        case .unhelped?, .gaveUp?: left.append(incident.withoutForensics)
        case .recovered?, .superseded?, nil: break
        }
        leftOpen = left.isEmpty ? nil : left
    }

    func snapshot(at now: Moment) -> WorkerSnapshot {
        var snapshot = WorkerSnapshot(spec: spec, slot: id, takenAt: now)
        snapshot.state = machine.processState
        snapshot.pid = machine.run?.pid
        snapshot.exitStatus = machine.exitStatus
        snapshot.generation = machine.generation
        snapshot.startedAt = machine.startedAt
        snapshot.stoppedAt = machine.stoppedAt
        snapshot.spawnError = machine.spawnError
        snapshot.restartCount = restartCount
        snapshot.lastRestart = lastRestart
        snapshot.isHealthPaused = isHealthPaused
        snapshot.healthPausedFor = healthPausedUntil.map { $0 - now.instant }
        snapshot.waitingFor = machine.awaitedStart == nil ? [] : machine.heldBy
        snapshot.pendingAction = policy.pendingAction(at: now.instant)
        if let tracker, machine.run != nil {
            snapshot.verdict = tracker.verdict
            snapshot.readings = tracker.window.readings
            snapshot.descriptorTrend = tracker.window.readings?.tightest.flatMap {
                tracker.trends.descriptorTrend($0, at: now.instant)
            }
            snapshot.memoryTimeToLimit = spec.health.rssLimitBytes.flatMap {
                tracker.trends.memoryForecast(limit: $0).map { max(.zero, $0.reachesAt - now.instant) }
            }
            snapshot.hasGivenUp = policy.hasGivenUp(on: tracker.verdict.condition)
            snapshot.lastHeartbeat = tracker.window.hasHeartbeat ? tracker.window.lastHeartbeat : nil
            snapshot.lastLine = tracker.window.lastLine
            if spec.health.probe != .none {
                snapshot.probe = ProbeReport(standing: tracker.probe, failuresNeeded: spec.health.probeFailures)
            }
            if spec.health.demand != .none {
                snapshot.demand = demand ?? DemandReading(answer: .unknown(reason: "not asked yet"), at: nil)
            }
        }
        return snapshot
    }
}

/// One active group inside the supervisor.
struct Group: Hashable, Codable, Sendable {
    var spec: GroupSpec
    /// Its slots, in the order of the configuration.
    var slots: [SlotID]
}

/// A client's command that is answered when its slots have got somewhere.
struct PendingRequest: Hashable, Codable, Sendable {
    /// True when the command was about one slot, and the answer is not a list.
    var isSingle: Bool
    /// The slots that it still waits for.
    var awaited: Set<SlotID>
    /// The answers so far, in the order of the command.
    var outcomes: [SlotOutcome]
    /// The slot of each outcome.
    var slots: [SlotID]
}
