/// What verdicts are computed from is recorded, block by block.
extension Supervisor {
    /// A fact is about to be looked at. Those that come often are recorded where they are.
    mutating func record(_ fact: WorkerFact, of id: SlotID, at now: Moment) {
        switch fact {
        case .sampled, .logged: return
        default: break
        }
        guard let position = slots.position(of: id) else { return }
        let (isDoubtful, offset) = (!localHealth.doubts.isEmpty, utcOffsetSeconds)
        let block = slots.change(at: position) { slot in
            slot.record(fact, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
        }
        if let block { directives.append(.storeRecord(block)) }
    }

    /// A fact that is none of the worker's own: what was made of it, or what a person ordered.
    mutating func note(_ fact: RecordedFact, of id: SlotID, at now: Moment) {
        guard isRecording, let position = slots.position(of: id) else { return }
        let (isDoubtful, offset) = (!localHealth.doubts.isEmpty, utcOffsetSeconds)
        slots.change(at: position) { slot in
            slot.put(fact, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
        }
    }

    /// What was told of it, where that is not recorded in another way.
    mutating func recordNote(_ kind: Chronicle.Kind, _ text: String, of id: SlotID, at now: Moment) {
        guard isRecording, let position = slots.position(of: id) else { return }
        switch kind {
        case .start, .verdict: return
        case .hold:
            // A hold that is told again is not news.
            let isNews = slots.change(at: position) { slot in
                defer { slot.recordedHold = text }
                return slot.recordedHold != text
            }
            guard isNews else { return }
        case .decision, .outcome, .order: slots.change(at: position) { $0.recordedHold = nil }
        }
        note(.noted(kind, text), of: id, at: now)
    }

    /// A generation begins.
    mutating func recordStart(of id: SlotID, because reason: RestartReason?, at now: Moment) {
        guard isRecording, let position = slots.position(of: id) else { return }
        slots.change(at: position) { slot in
            guard slot.tracker != nil else { return }
            slot.observationMark = slot.spec.health.observationMark
            if slot.recorder == nil {
                slot.recorder = RecordWriter(
                    of: slot.spec.name, life: UInt64(max(0, now.wall.microseconds)))
            }
        }
        guard let slot = slots[id], slot.tracker != nil else { return }
        note(
            .started(slot.machine.generation, because: reason?.name ?? "", formerLives: slot.formerLives), of: id,
            at: now)
    }

    /// Doubts hold the clocks of every worker.
    mutating func recordDoubts(isNews: Bool, at now: Moment) {
        let doubts = localHealth.doubts
        for id in order { note(.doubted(!doubts.isEmpty, isNews ? doubts : []), of: id, at: now) }
    }

    /// Hands out what was recorded up to now.
    mutating func storeRecords(_ selection: Selection, for request: RequestID) {
        guard let ids = targets(selection, for: request) else { return }
        for id in ids {
            let block = withSlot(id) { $0.recorder?.take() } ?? nil
            if let block { directives.append(.storeRecord(block)) }
        }
        directives.append(.reply(request, .done))
    }
}

extension Slot {
    /// Records a sample that is about to be judged.
    ///
    /// - Returns: a block that is full with it.
    mutating func record(
        _ sample: Sample, isDoubtful: Bool, utcOffsetSeconds offset: Int, at now: Moment
    ) -> RecordBlock? {
        guard recorder != nil else { return nil }
        openRecord(isUp: true, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
        recorder?.sampled(sample, at: now)
        return recorder?.takeIfFull(at: now.instant)
    }

    /// Records what the pump has read.
    ///
    /// - Returns: a block that is full with it.
    mutating func record(
        _ facts: LogFacts, isDoubtful: Bool, utcOffsetSeconds offset: Int, at now: Moment
    ) -> RecordBlock? {
        guard recorder != nil else { return nil }
        openRecord(isUp: true, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
        recorder?.logged(facts, at: now)
        return recorder?.takeIfFull(at: now.instant)
    }

    /// Records another fact, if it is one that verdicts depend on.
    ///
    /// - Returns: a block that is full with it, or ends with the worker.
    fileprivate mutating func record(
        _ fact: WorkerFact, isDoubtful: Bool, utcOffsetSeconds offset: Int, at now: Moment
    ) -> RecordBlock? {
        guard recorder != nil, tracker != nil else { return nil }
        if case .beat = fact {
            openRecord(isUp: true, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
            recorder?.beat(at: now)
            return recorder?.takeIfFull(at: now.instant)
        }
        guard let other = recorded(fact) else { return nil }
        put(other, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
        if case .exited = other { return recorder?.take() }
        return recorder?.takeIfFull(at: now.instant)
    }

    /// What a fact that comes seldom is recorded as; `nil` when no verdict depends on it.
    private func recorded(_ fact: WorkerFact) -> RecordedFact? {
        switch fact {
        case .hookEnded(.demand, let result): return .demand(DemandAnswer(result).amount)
        case .hookEnded(.probe, let result):
            guard readinessDueAt == nil, probeAskedAt != nil, case .running = machine.state, !policy.isLookingOver
            else { return nil }
            return .probed(result, isReady: spec.supervision.readiness != .startSeconds)
        case .waitsRead(let report): return policy.isLookingOver ? nil : .waits(report)
        case .descriptorLimitRaised(.raised(let pid, let from, let to)):
            guard case .aiding = policy.phase else { return nil }
            return .aided(pid: pid, from: from, to: to)
        case .exited(let status): return .exited(status)
        case .spawned, .spawnFailed, .signalFailed, .sampled, .logged, .beat, .becameReady, .forensicsCollected,
            .hookEnded, .said, .inputClosed, .censusTaken, .descriptorLimitRaised, .descriptorLimitLowered,
            .respawnPrepared:
            return nil
        }
    }

    fileprivate mutating func put(
        _ fact: RecordedFact, isDoubtful: Bool, utcOffsetSeconds offset: Int, at now: Moment
    ) {
        guard recorder != nil else { return }
        let isStart = if case .started = fact { true } else { false }
        openRecord(isUp: tracker != nil && !isStart, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
        recorder?.put(fact, at: now)
    }

    /// Begins a block where there is none.
    private mutating func openRecord(isUp: Bool, isDoubtful: Bool, utcOffsetSeconds offset: Int, at now: Moment) {
        guard let writer = recorder, !writer.isOpen else { return }
        var header = RecordHeader()
        header.start = now
        header.utcOffsetSeconds = offset
        header.generation = machine.generation
        header.isDoubtful = isDoubtful
        header.isHealthPaused = isHealthPaused
        header.observationMark = observationMark
        if isUp, let tracker {
            header.isUp = true
            header.generationStartedAt = tracker.window.startedAt
            header.condition = tracker.verdict.condition
            header.grade = tracker.verdict.grade
            header.lastHeartbeat = tracker.window.hasHeartbeat ? tracker.window.lastHeartbeat : nil
            header.lastProgress = tracker.window.lastProgress
            header.progressLineCount = tracker.window.progressLineCount
            header.drainedAt = tracker.window.drainedAt
            header.clocksHeldUntil = tracker.window.clocksHeldUntil
        }
        recorder?.open(header)
    }
}
