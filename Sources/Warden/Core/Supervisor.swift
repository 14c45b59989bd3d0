/// The whole of supervision as one value: every slot, every decision, no clock, no randomness, no I/O.
///
/// `handle` is told what happened and says what to do. It routes each event to the slot's machines and flattens their
/// orders into directives, in order. Everything that decides anything is in here, so a run can be replayed from its
/// events, simulated and fuzzed.
package struct Supervisor: Codable, Sendable {
    /// What the daemon as a whole is doing.
    enum Mood: Hashable, Codable, Sendable {
        /// Supervising.
        case running
        /// Stopping everything, the highest priority first; `tier` is the one that is being stopped.
        case ending(End, tier: Int?)
        /// Everything has stopped.
        case ended(End)
    }

    var slots = SlotTable()
    var groups: [String: Group] = [:]
    /// Active slots in the order of starting: by the group's priority and name, then as configured.
    var order: [SlotID] = []
    var index: [SlotName: SlotID] = [:]
    /// The groups of the newest configuration that was read; `addGroup` takes from here.
    var newest: [GroupSpec] { didSet { memory.isLayoutNew = true } }
    var mood: Mood = .running
    var requests: [RequestID: PendingRequest] = [:]
    /// Clients that wait for a restart of the daemon to be validated; `nil` stands for a signal.
    var restartsToValidate: [RequestID?] = []
    /// A binary that is to take over is being tried.
    var isUpgrading = false
    var localHealth = LocalHealth()
    /// Local time less UTC.
    var utcOffsetSeconds = 0
    let isShadow: Bool
    /// What verdicts are computed from is recorded.
    let isRecording: Bool
    /// Starts of slots that are not there: from earlier lives of the daemon, and of groups that were removed.
    var earlierStarts: [SlotName: Int]
    var nextSlotNumber: UInt32 = 1

    /// Collects what one event leads to.
    var directives: [Directive] = []
    var isStatusStale = true
    var lastStatus = ""
    /// The last outcome of a restart, for the status line.
    var lastOutcome: String?
    /// Slots to which a seat of their group was offered; decided at the end of the event.
    var seatOffers: [SlotID] = []
    /// The pools of event listeners.
    var hall = ListenerHall()
    /// `depends_on` of the active slots.
    var dependencies = DependencyGraph()
    var areDependenciesStale = true
    /// Names that others depend on, all of whose slots are ready.
    var readyNames: Set<String> = []
    /// Slots that shall stop once those that depend on them have.
    var stopsWaiting: Set<SlotID> = []
    /// Programs that were left out at the start, because their own sections have errors.
    var refused: [String]
    /// Why the daemon ends by itself.
    var endReason: String?
    /// Incidents of which people are not told, because another of the same cause told them.
    var quietIncidents: Set<String> = []
    /// Several workers that turn bad alike.
    var correlation: CorrelationGuard
    /// The same for those of which people are only told.
    var tellings: CorrelationGuard
    /// The drills under way.
    var drills: [SlotID: Drill] = [:]
    /// How the last drill of a slot went.
    var drillReports: [SlotID: DrillReport] = [:]
    /// The starts that are being prepared.
    var respawns: [SlotID: RespawnPreparation] = [:]
    /// The workers that are looked over because people are told of them.
    var examinations: [SlotID: Examination] = [:]
    /// The last generation of a slot that was looked over because it leaks.
    var leaksExamined: [SlotID: Generation] = [:]
    /// The slots that are held.
    var quarantines: [SlotID: QuarantinedSlot] = [:]
    /// What the next daemon does not know yet.
    var memory = MemoryMarks()
    private var earliest: Instant?
    private var isEarliestStale = true

    /// What one daemon tells the next: all but what is computed anew.
    private enum CodingKeys: String, CodingKey {
        case slots, groups, order, index, newest, mood, requests, restartsToValidate, isUpgrading, localHealth
        case utcOffsetSeconds, isShadow, earlierStarts
        case nextSlotNumber, lastStatus, lastOutcome, hall, dependencies, areDependenciesStale, readyNames, stopsWaiting
        case refused, endReason, quietIncidents, correlation, tellings, drills, drillReports
        case respawns, examinations, leaksExamined, quarantines, isRecording
    }

    /// - Parameters:
    ///   - groups: the groups of the configuration, all of which become active.
    ///   - isShadow: decide, record and tell, but do nothing (`--shadow`).
    ///   - earlierStarts: how often each slot was started in earlier lives of the daemon.
    ///   - refused: programs that are left out, because their own sections have errors; for the status line.
    ///   - sharedCauseWindow: `shared_cause`; `nil`: workers that turn bad alike are not suspected to share a cause.
    ///   - isRecording: what verdicts are computed from is recorded (`record_samples`).
    package init(
        groups: [GroupSpec], isShadow: Bool = false, earlierStarts: [SlotName: Int] = [:], refused: [String] = [],
        sharedCauseWindow: Duration? = Limits.sharedCauseWindow, isRecording: Bool = false
    ) {
        correlation = CorrelationGuard(window: sharedCauseWindow)
        tellings = CorrelationGuard(window: sharedCauseWindow, isFirstCanary: true)
        newest = groups
        self.refused = refused
        self.isShadow = isShadow
        self.isRecording = isRecording
        self.earlierStarts = earlierStarts
        for group in groups { activate(group) }
    }

    /// The groups of the newest configuration that was read.
    package var newestGroups: [GroupSpec] { newest }

    /// Another binary goes on with what this one was told: the clients that waited are gone.
    package mutating func takeOver() {
        requests = [:]
        restartsToValidate = []
        isUpgrading = false
        isStatusStale = true
        for position in slots.entries.indices { slots.change(at: position) { $0.waiters = [] } }
    }

    /// The next instant at which `.timeReached` has something to do; `nil` when nothing is due.
    package mutating func nextDeadline() -> Instant? {
        if isEarliestStale {
            earliest = nil
            for position in slots.entries.indices {
                guard let due = slots.change(at: position, { $0.deadline }) else { continue }
                earliest = earliest.map { min($0, due) } ?? due
            }
            isEarliestStale = false
        }
        if hall.deadline == nil, drills.isEmpty, respawns.isEmpty { return earliest }
        return [earliest, hall.deadline, drillDeadline, respawnDeadline].compactMap { $0 }.min()
    }

    /// Something happened.
    ///
    /// - Parameters:
    ///   - event: what.
    ///   - now: when it is handled; never earlier than for the event before.
    ///   - dice: the only source of chance.
    /// - Returns: what to do, in order.
    package mutating func handle(_ event: Event, at now: Moment, dice: inout Dice) -> [Directive] {
        directives.removeAll(keepingCapacity: true)
        memory.slots.removeAll(keepingCapacity: true)
        refreshDependencies(at: now)
        switch event {
        case .worker(let worker, let fact):
            // The one place where old news is dropped: an event of a generation that is over says nothing of this one.
            guard let position = slots.position(of: worker.slot),
                slots.change(at: position, { $0.machine.generation == worker.generation })
            else { break }
            if drills.isEmpty {
                received(fact, of: worker.slot, at: now, dice: &dice)
            } else {
                let honest = drilled(fact, of: worker.slot, at: now)
                received(honest, of: worker.slot, at: now, dice: &dice)
                drillMoved(fact, of: worker.slot, at: now, dice: &dice)
            }
        case .wrote(let output): wrote(output)
        case .timeReached: timeReached(at: now, dice: &dice)
        case .ready: becomeReady(at: now)
        case .requested(let request, let command): perform(command, for: request, at: now, dice: &dice)
        case .abandoned(let request): abandon(request)
        case .configurationLoaded(let request, let result): configurationLoaded(result, for: request, at: now)
        case .endRequested(let end): endRequested(end, by: nil, at: now)
        case .localHealth(let health):
            doubted(health, at: now)
        case .localTimeMoved(let offset): utcOffsetSeconds = offset
        case .successorExamined(let request, let refusal): successorExamined(refusal, for: request)
        case .leftOversFound(let found): leftOversFound(found, at: now)
        case .inherited(let inheritance): inherited(inheritance, at: now)
        }
        if !drills.isEmpty { endDrills(at: now) }
        if isTickDue(at: now) { tick(at: now) }
        while let id = seatOffers.popLast() { consider(id, at: now, dice: &dice) }
        refreshDependencies(at: now)
        if case .ending = mood { continueEnding(at: now) }
        if isStatusStale { refreshStatus() }
        return directives
    }

    // MARK: - Slots

    /// Changes a slot in place and keeps the cached deadline true.
    mutating func withSlot<Result>(_ id: SlotID, _ body: (inout Slot) -> Result) -> Result? {
        guard let position = slots.position(of: id) else { return nil }
        memory.touch(id)
        let (before, result, after) = slots.change(at: position) { slot in
            let before = slot.deadline
            let result = body(&slot)
            return (before, result, slot.deadline)
        }
        if before != after, !isEarliestStale {
            if before == earliest, before != nil {
                isEarliestStale = true
            } else if let after {
                earliest = min(earliest ?? after, after)
            }
        }
        return result
    }

    /// Makes a group active. Slots that it has already stay as they are; new ones are stopped.
    ///
    /// - Parameter kept: its slots that stay.
    mutating func activate(_ group: GroupSpec, keeping kept: [SlotName: SlotID] = [:]) {
        var ids: [SlotID] = []
        for program in group.programs {
            if let id = kept[program.name] {
                ids.append(id)
                continue
            }
            guard slots.count < Limits.slots else { continue }
            let id = SlotID(nextSlotNumber)
            nextSlotNumber += 1
            slots.append(
                Slot(id: id, spec: program, earlierStarts: earlierStarts.removeValue(forKey: program.name) ?? 0))
            index[program.name] = id
            memory.touch(id)
            ids.append(id)
        }
        let active = Group(spec: group, slots: ids)
        groups[group.name] = active
        openPool(of: active)
        reorder()
    }

    /// Forgets a group, whose slots are all down but for those that stay.
    mutating func deactivate(_ name: String, keeping kept: [SlotName: SlotID] = [:]) {
        guard let group = groups.removeValue(forKey: name) else { return }
        closePool(name)
        for id in group.slots {
            if let position = slots.position(of: id), kept[slots.entries[position].spec.name] == id { continue }
            guard let slot = slots.remove(id) else { continue }
            memory.touch(id)
            stopsWaiting.remove(id)
            index[slot.spec.name] = nil
            (drills[id], drillReports[id], respawns[id], quarantines[id]) = (nil, nil, nil, nil)
            (examinations[id], leaksExamined[id]) = (nil, nil)
            let starts = slot.earlierStarts + Int(slot.machine.generation.number)
            if starts > 0 { earlierStarts[slot.spec.name] = starts }
        }
        reorder()
    }

    mutating func reorder() {
        memory.isLayoutNew = true
        let sorted = groups.values.sorted {
            ($0.spec.priority, $0.spec.name) < ($1.spec.priority, $1.spec.name)
        }
        order = sorted.flatMap(\.slots)
        isEarliestStale = true
        isStatusStale = true
        areDependenciesStale = true
    }

    private mutating func becomeReady(at now: Moment) {
        let byStart = groups.values.sorted { ($0.spec.priority, $0.spec.name) < ($1.spec.priority, $1.spec.name) }
        for group in byStart { tellListeners(.groupAdded(group.spec.name)) }
        announce(.supervisorRunning)
        for id in order { autostart(id, at: now) }
        directives.append(.declareReady)
        isStatusStale = true
    }

    /// Starts a slot that was never started, if it starts by itself.
    mutating func autostart(_ id: SlotID, reason: RestartReason? = nil, at now: Moment) {
        guard mood == .running, let slot = slots[id], slot.spec.supervision.autostart,
            slot.machine.generation == Generation(0)
        else { return }
        refreshDependencies(at: now)
        startPrerequisites(of: [id], reason: nil, at: now)
        let orders = withSlot(id) { $0.machine.start(reason: reason, at: now) }
        apply(orders ?? [], to: id, at: now)
    }

    /// Our trust in ourselves has changed.
    private mutating func doubted(_ health: LocalHealth, at now: Moment) {
        guard health != localHealth else { return }
        tellDoubts(health)
        let wereDoubts = localHealth.doubts
        localHealth = health
        isStatusStale = true
        guard health.doubts != wereDoubts else { return }
        for id in order { _ = withSlot(id) { $0.tracker?.doubted(at: now.instant) } }
        if isRecording { recordDoubts(isNews: health.doubts.isEmpty != wereDoubts.isEmpty, at: now) }
    }

    /// When doubts begin and when they end; their words may change with every second.
    private mutating func tellDoubts(_ health: LocalHealth) {
        guard health.doubts.isEmpty != localHealth.doubts.isEmpty else { return }
        let text =
            health.doubts.isEmpty
            ? "warden trusts its own eyes again"
            : "warden doubts its own eyes, restarts become alerts: \(health.doubts.joined(separator: ", "))"
        directives.append(.log(LogRecord(health.doubts.isEmpty ? .info : .warn, text)))
    }

    private mutating func timeReached(at now: Moment, dice: inout Dice) {
        for id in order {
            guard let position = slots.position(of: id), let due = slots.change(at: position, { $0.deadline }),
                due <= now.instant
            else { continue }
            let orders = withSlot(id) { $0.machine.timeReached(at: now) } ?? []
            apply(orders, to: id, at: now)
            quarantineIfUndying(id, at: now, dice: &dice)
            policyTimeReached(id, at: now, dice: &dice)
            askForReadiness(id, at: now)
            askProbe(id, at: now)
            endPause(id, at: now)
        }
        if !respawns.isEmpty { respawnTimeReached(at: now, dice: &dice) }
    }
}
