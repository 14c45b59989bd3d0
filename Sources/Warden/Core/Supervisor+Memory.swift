extension Supervisor {
    /// What has changed since the last call, for the daemon that may come after this one. It is to be kept before the
    /// directives of the same event are carried out: whoever finds it knows at least of everything that was begun.
    ///
    /// - Returns: empty after an event that led to nothing.
    package mutating func takeMemories() -> [SupervisorMemory] {
        guard
            memory.isEverythingNew || memory.isLayoutNew || directives.contains(where: \.isNoteworthy)
                || !memory.slots.isEmpty && directives.contains(where: \.isAnswer)
        else {
            memory.slots.removeAll(keepingCapacity: true)
            return []
        }
        // What is owed comes first: told twice is better than not at all.
        var parts: [SupervisorMemory] = directives.compactMap(\.owed)
        parts.append(.standing(standing))
        if memory.isEverythingNew || memory.isLayoutNew {
            let names = Set(newest.map(\.name)).union(groups.keys)
            for name in names.sorted() { parts.append(.group(name, remembered(group: name))) }
            for name in memory.groups.subtracting(names).sorted() { parts.append(.group(name, nil)) }
            memory.groups = names
        }
        let ids = memory.isEverythingNew ? slots.entries.map(\.id) : memory.slots
        for id in ids { parts.append(.slot(id, slots.position(of: id).map { remembered(slots.entries[$0]) })) }
        memory.forget()
        return parts
    }

    private var standing: StandingMemory {
        StandingMemory(
            newest: newest.map(\.name), mood: mood, earlierStarts: earlierStarts, nextSlotNumber: nextSlotNumber,
            hall: hall, stopsWaiting: stopsWaiting, refused: refused, endReason: endReason, lastOutcome: lastOutcome,
            quietIncidents: quietIncidents, correlation: correlation, tellings: tellings, drills: drills,
            drillReports: drillReports, respawns: respawns, leaksExamined: leaksExamined, quarantines: quarantines,
            utcOffsetSeconds: utcOffsetSeconds)
    }

    private func remembered(group name: String) -> GroupMemory {
        let configured = newest.first { $0.name == name }
        let active = groups[name]
        return GroupMemory(
            newest: configured, active: active.flatMap { $0.spec == configured ? nil : $0.spec }, slots: active?.slots)
    }

    private func remembered(_ slot: Slot) -> SlotMemory {
        let configured = groups[slot.spec.name.group]?.spec.programs.first { $0.name == slot.spec.name }
        return SlotMemory(
            name: slot.spec.name, spec: configured == slot.spec ? nil : slot.spec, machine: slot.machine,
            policy: slot.policy, isHealthPaused: slot.isHealthPaused, healthPausedUntil: slot.healthPausedUntil,
            earlierStarts: slot.earlierStarts, lastRestart: slot.lastRestart,
            incidents: slot.incidents.map(\.withoutForensics), chronicle: slot.chronicle,
            lastSpawnFailure: slot.lastSpawnFailure, aidedGeneration: slot.aidedGeneration, leftOpen: slot.leftOpen)
    }

    /// Goes on where a daemon was killed. Nothing happens before `.inherited`.
    ///
    /// - Parameters:
    ///   - remembered: what it had kept.
    ///   - isShadow: as for a new one.
    ///   - sharedCauseWindow: as for a new one.
    ///   - isRecording: as for a new one.
    package init(
        remembering remembered: RememberedSupervisor, isShadow: Bool,
        sharedCauseWindow: Duration? = Limits.sharedCauseWindow, isRecording: Bool = false
    ) {
        let standing = remembered.standing
        self.init(
            groups: [], isShadow: isShadow, earlierStarts: standing.earlierStarts, refused: standing.refused,
            sharedCauseWindow: sharedCauseWindow, isRecording: isRecording)
        newest = standing.newest.compactMap { remembered.groups[$0]?.newest }
        nextSlotNumber = standing.nextSlotNumber
        restore(remembered)
        (mood, hall, stopsWaiting) = (standing.mood, standing.hall, standing.stopsWaiting)
        (endReason, lastOutcome, quietIncidents) = (standing.endReason, standing.lastOutcome, standing.quietIncidents)
        (correlation, tellings) = (standing.correlation, standing.tellings)
        (correlation.window, tellings.window) = (sharedCauseWindow, sharedCauseWindow)
        (drills, drillReports, respawns) = (standing.drills, standing.drillReports, standing.respawns)
        (leaksExamined, quarantines) = (standing.leaksExamined, standing.quarantines)
        utcOffsetSeconds = standing.utcOffsetSeconds
    }

    private mutating func restore(_ remembered: RememberedSupervisor) {
        for (id, memory) in remembered.slots.sorted(by: { $0.key < $1.key }) {
            guard let spec = remembered.spec(of: id) else { continue }
            var slot = Slot(id: id, spec: spec, earlierStarts: memory.earlierStarts)
            (slot.machine, slot.policy) = (memory.machine, memory.policy)
            (slot.isHealthPaused, slot.healthPausedUntil) = (memory.isHealthPaused, memory.healthPausedUntil)
            (slot.lastRestart, slot.incidents) = (memory.lastRestart, memory.incidents)
            (slot.chronicle, slot.lastSpawnFailure) = (memory.chronicle, memory.lastSpawnFailure)
            slot.aidedGeneration = memory.aidedGeneration
            slot.leftOpen = memory.leftOpen
            slots.append(slot)
            index[spec.name] = id
        }
        for (name, group) in remembered.groups {
            guard let spec = group.active ?? group.newest, let ids = group.slots else { continue }
            groups[name] = Group(spec: spec, slots: ids.filter { slots.position(of: $0) != nil })
        }
        reorder()
    }

    /// What a killed daemon had is ours now: its workers are watched from here on, and what it had begun goes on.
    mutating func inherited(_ inheritance: Inheritance, at now: Moment) {
        for id in order {
            guard let slot = slots[id], let run = slot.machine.run else { continue }
            if inheritance.workers.contains(slot.worker) {
                watchAnew(id, at: now)
            } else if run.pid == nil, case .starting = slot.machine.state {
                // Its gate was never opened, so nothing has run: the same start is made again.
                watchAnew(id, at: now)
                directives.append(.spawn(slot.worker, slot.spec, restartCount: slot.restartCount, reason: nil))
            } else {
                let line = "\(slot.spec.name.qualified) ended while no daemon looked; how is not known"
                directives.append(.log(LogRecord(.warn, line, fields: ["WARDEN_WORKER": slot.spec.name.qualified])))
                let orders = withSlot(id) { $0.machine.exited(.unknown, at: now) }
                apply(orders ?? [], to: id, at: now)
            }
        }
        sendAgain(inheritance.delivered)
        isStatusStale = true
        if mood == .running { directives.append(.declareReady) } else { directives.append(.declareStopping) }
    }

    /// What was believed of a process went with the daemon that believed it.
    private mutating func watchAnew(_ id: SlotID, at now: Moment) {
        _ = withSlot(id) { slot in
            let health = slot.spec.health
            slot.tracker = health.enabled ? HealthTracker(spec: health, startedAt: now) : nil
            slot.observed.began(slot.machine.generation, at: now.instant)
            if case .starting = slot.machine.state, slot.spec.supervision.readiness == .probe {
                slot.readinessDueAt = now.instant
            }
            slot.chronicle.note(.start, "taken over by a new daemon", at: now)
        }
        recordStart(of: id, because: nil, at: now)
        if case .running? = slots[id]?.machine.state { beginProbing(id, at: now) }
    }

    /// Events that a listener was to get, and of which nobody knows whether it did.
    private mutating func sendAgain(_ delivered: [SlotID: UInt64]) {
        for pool in hall.pools.values {
            for listener in pool.listeners where listener.isRunning {
                guard case .busy(let event) = listener.phase, delivered[listener.slot] != event.serial else { continue }
                let worker = WorkerID(slot: listener.slot, generation: listener.generation)
                directives.append(.send(worker, event))
            }
        }
    }
}

/// What has changed since memories were taken.
struct MemoryMarks: Sendable {
    /// All of it, at the beginning.
    var isEverythingNew = true
    /// Groups came, went, or were configured anew.
    var isLayoutNew = true
    /// Slots that were touched, in no order.
    var slots: [SlotID] = []
    /// The groups that are remembered.
    var groups: Set<String> = []

    mutating func touch(_ id: SlotID) {
        if slots.last != id, !slots.contains(id) { slots.append(id) }
    }

    mutating func forget() {
        (isEverythingNew, isLayoutNew) = (false, false)
        slots.removeAll(keepingCapacity: true)
    }
}

extension Directive {
    /// Whether something of consequence was decided.
    fileprivate var isNoteworthy: Bool {
        switch self {
        case .storeRecord, .takeCensus, .readWaits, .setStatus, .queryDemand, .probe, .reply: false
        default: true
        }
    }

    /// What somebody is owed by it.
    fileprivate var owed: SupervisorMemory? {
        switch self {
        case .recordIncident(let incident): .incident(incident)
        case .alert(let alert): .alert(alert)
        default: nil
        }
    }

    /// Whether a client is answered: of consequence if its command has touched a slot.
    fileprivate var isAnswer: Bool {
        if case .reply = self { true } else { false }
    }
}
