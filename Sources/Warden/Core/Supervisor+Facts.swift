extension Supervisor {
    /// A fact about the present generation of a slot.
    mutating func received(_ fact: WorkerFact, of id: SlotID, at now: Moment, dice: inout Dice) {
        if isRecording { record(fact, of: id, at: now) }
        switch fact {
        case .spawned(let pid): spawned(id, pid: pid, at: now)
        case .spawnFailed(let failure):
            let orders = withSlot(id) { slot in
                slot.lastSpawnFailure = failure
                return slot.machine.spawnFailed(failure, at: now)
            }
            apply(orders ?? [], to: id, at: now)
        case .exited(let status): exited(id, status, at: now)
        case .signalFailed(let errorNumber): signalFailed(id, errorNumber, at: now)
        case .sampled(let sample): sampled(sample, of: id, at: now, dice: &dice)
        case .logged(let facts):
            var block: RecordBlock?
            let (isDoubtful, offset) = (!localHealth.doubts.isEmpty, utcOffsetSeconds)
            let changed =
                withSlot(id) { slot in
                    slot.observe(facts)
                    block = slot.record(facts, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
                    return slot.tracker?.logged(facts, at: now) ?? false
                } ?? false
            if let block { directives.append(.storeRecord(block)) }
            if facts.saysReady { apply(withSlot(id) { $0.machine.becameReady() } ?? [], to: id, at: now) }
            if facts.lastProgress != nil { quietMomentCame(id, at: now) }
            if changed || facts.lastProgress != nil { healthMoved(id, isChanged: changed, at: now, dice: &dice) }
        case .descriptorLimitRaised(let raise): firstAidEnded(raise, of: id, at: now)
        case .becameReady: apply(withSlot(id) { $0.machine.becameReady() } ?? [], to: id, at: now)
        case .beat: _ = withSlot(id) { $0.tracker?.beat(at: now.instant) }
        case .forensicsCollected(let forensics): forensicsCollected(forensics, of: id, at: now)
        case .hookEnded(let hook, let result): hookEnded(hook, result, of: id, at: now, dice: &dice)
        case .said(let words):
            if let worker = slots[id]?.worker { listenerSaid(words, worker) }
        case .inputClosed:
            if let worker = slots[id]?.worker { listenerInputClosed(worker) }
        case .censusTaken(let kinds): _ = withSlot(id) { $0.tracker?.counted(kinds) }
        case .waitsRead(let report): waitsRead(report, of: id, at: now, dice: &dice)
        case .descriptorLimitLowered(let answer): lateLowering(answer, of: id)
        case .respawnPrepared(let report): respawnPrepared(report, of: id, at: now, dice: &dice)
        }
    }

    private mutating func spawned(_ id: SlotID, pid: Int32, at now: Moment) {
        let orders = withSlot(id) { slot in
            slot.policy.restarted(slot.spec.health, at: now.instant)
            let orders = slot.machine.spawned(pid: pid, at: now)
            slot.readinessDueAt = slot.spec.supervision.readiness == .probe ? now.instant : nil
            return orders
        }
        settleWaiters(of: id, spawned: true)
        apply(orders ?? [], to: id, at: now)
        askForReadiness(id, at: now)
        isStatusStale = true
    }

    private mutating func exited(_ id: SlotID, _ status: ExitStatus, at now: Moment) {
        tellIfAiding(id)
        // An exit while Warden was looking the worker over, or had asked it to finish, completes what was begun.
        if let slot = slots[id], slot.policy.expectsExit, let incident = slot.policy.incident {
            let reason = RestartReason.health(incident.verdict.condition)
            let orders = withSlot(id) { slot in
                slot.policy.endingBegan()
                return slot.machine.stop(.startAgain(reason), isByRequest: false, force: .none, at: now)
            }
            apply(orders ?? [], to: id, at: now)
        }
        if !quarantines.isEmpty { endQuarantine(id, isWell: true, at: now) }
        let blockedStart = slots[id].map { $0.machine.isLeftOver && $0.machine.processState == .unknown } ?? false
        let orders = withSlot(id) { slot in
            slot.endLife(at: now.instant)
            if !slot.spec.health.respawn.isOff { slot.machine.preparation = .due }
            return slot.machine.exited(status, at: now)
        }
        apply(orders ?? [], to: id, at: now)
        if blockedStart { leftOverEnded(id, at: now) }
    }

    private mutating func signalFailed(_ id: SlotID, _ errorNumber: Int32, at now: Moment) {
        // A drain signal that the worker does not catch: go on as if it had not drained.
        if case .draining? = slots[id]?.policy.phase {
            stopForIncident(id, at: now)
            return
        }
        // ENOTSUP is only ever the answer to a drain signal; somebody's stop was quicker than it.
        if errorNumber == 95 { return }
        let orders = withSlot(id) { $0.machine.signalFailed(errorNumber) }
        apply(orders ?? [], to: id, at: now)
    }

    // MARK: - Orders of the slot's machine

    /// Turns the machine's orders into directives, and tells everyone who waits for the change.
    mutating func apply(_ orders: [WorkerMachine.Order], to id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        for order in orders {
            switch order {
            case .spawn(let generation, let reason):
                spawn(id, generation, reason, at: now)
            case .prepare: prepareRespawn(id, at: now)
            case .signal(let generation, let signal, let reach):
                directives.append(.signal(WorkerID(slot: id, generation: generation), signal, reach))
            case .runStopCommand(let generation):
                let supervision = slot.spec.supervision
                guard let command = supervision.stopCommand else { continue }
                let worker = WorkerID(slot: id, generation: generation)
                directives.append(
                    .runHook(worker, .stop, command: command, timeout: slot.machine.stopCommandTimeout))
            case .release(let generation):
                let worker = WorkerID(slot: id, generation: generation)
                directives.append(.release(worker, sweep: slot.spec.supervision.endsTree))
                listenerEnded(id)
                released(id, at: now)
            case .changed(let from, let to, let pid, let tries, let isExpected):
                announce(
                    .processState(slot.spec.name, to, from: from, pid: pid, tries: tries, isExpected: isExpected))
                listenerChanged(id, to: to)
                changed(id, to: to, at: now)
            case .log(let level, let text):
                directives.append(.log(LogRecord(level, text, fields: ["WARDEN_WORKER": slot.spec.name.qualified])))
            case .violated(let what):
                directives.append(.reportInvariant(what))
            }
        }
        if orders.isEmpty { return }
        if !dependencies.isEmpty { readinessMoved(id, at: now) }
        endIfEssential(id, orders, at: now)
    }

    /// The probe of a worker that is starting was answered.
    mutating func readinessAnswered(_ result: HookResult, of id: SlotID, at now: Moment) {
        guard let slot = slots[id], case .starting = slot.machine.state, slot.readinessDueAt != nil else { return }
        guard case .exited(code: 0, _) = result else {
            _ = withSlot(id) { $0.readinessDueAt = now.instant + Limits.readinessInterval }
            return
        }
        let orders = withSlot(id) { slot in
            slot.readinessDueAt = nil
            return slot.machine.becameReady()
        }
        apply(orders ?? [], to: id, at: now)
    }

    /// Asks a worker with `ready = probe` whether it is ready, when it is time to.
    mutating func askForReadiness(_ id: SlotID, at now: Moment) {
        guard let position = slots.position(of: id), let due = slots.entries[position].readinessDueAt,
            due <= now.instant, let slot = slots[id]
        else { return }
        let timeout = slot.spec.health.probeTimeout
        guard case .starting = slot.machine.state else {
            _ = withSlot(id) { $0.readinessDueAt = nil }
            return
        }
        // Due again when the answer is there, or when it can no longer come.
        _ = withSlot(id) { $0.readinessDueAt = now.instant + timeout * 2 + Limits.readinessInterval }
        directives.append(.probe(slot.worker, slot.spec.health.probe, timeout: timeout))
    }

    private mutating func spawn(_ id: SlotID, _ generation: Generation, _ reason: RestartReason?, at now: Moment) {
        let restartCount = withSlot(id) { slot in
            slot.lastSpawnFailure = nil
            slot.observed.began(generation, at: now.instant)
            let cause = reason.map { ", because of \($0.name)" } ?? ""
            slot.chronicle.note(.start, "generation \(generation.number) is started\(cause)", at: now)
            if let reason { slot.lastRestart = RestartRecord(at: now.wall, reason: reason, outcome: nil) }
            slot.demandDueAt = nil
            slot.demand = nil
            slot.readinessDueAt = nil
            slot.probeDueAt = nil
            slot.probeAskedAt = nil
            let health = slot.spec.health
            slot.tracker =
                health.enabled
                ? HealthTracker(spec: health, startedAt: now, formerLives: slot.formerLives) : nil
            return slot.restartCount
        }
        recordStart(of: id, because: reason, at: now)
        guard let slot = slots[id] else { return }
        let worker = WorkerID(slot: id, generation: generation)
        listenerStarted(worker)
        directives.append(.spawn(worker, slot.spec, restartCount: restartCount ?? 0, reason: reason))
    }

    private mutating func changed(_ id: SlotID, to state: ProcessState, at now: Moment) {
        isStatusStale = true
        settleWaiters(of: id, spawned: false)
        switch state {
        case .fatal, .unknown:
            // A restart of ours that ends here has not helped; nothing else is tried, and others may have the seat.
            guard slots[id]?.policy.holdsSeat == true else { return }
            let incident = withSlot(id) { $0.policy.unhelped() } ?? nil
            if let incident { close(incident, of: id, at: now) }
        case .backoff:
            // Whoever fails to start while the daemon ends is not tried again, even if its tier's turn is yet to come.
            guard case .ending = mood else { return }
            apply(withSlot(id) { $0.machine.abandonRetry() } ?? [], to: id, at: now)
        case .running: beginProbing(id, at: now)
        case .stopped, .starting, .stopping, .exited: break
        }
    }

    /// The generation is gone, and what was believed of it with it.
    private mutating func released(_ id: SlotID, at now: Moment) {
        if slots[id]?.policy.incident == nil { correlation.left(id) }
        tellings.left(id)
        let told = withSlot(id) { slot in
            slot.endLife(at: now.instant)
            slot.policy.generationEnded()
            return slot.policy.closeAlert(isWell: false, elapsed: .zero)
        }
        if let told = told ?? nil { record(told, of: id, alert: .closed) }
        if case .ending = mood { resolve(id) }
    }

    // MARK: - Clients who wait

    /// Answers those who wait for what the slot has become.
    mutating func settleWaiters(of id: SlotID, spawned: Bool) {
        guard let slot = slots[id], !slot.waiters.isEmpty else { return }
        var remaining: [Slot.Waiter] = []
        for waiter in slot.waiters {
            switch verdict(for: waiter.awaited, of: slot, spawned: spawned) {
            case .wait: remaining.append(waiter)
            case .done: settle(waiter.request, id, refusal: nil)
            case .failed(let refusal): settle(waiter.request, id, refusal: refusal)
            }
        }
        _ = withSlot(id) { $0.waiters = remaining }
    }

    private enum Settlement {
        case wait, done
        case failed(Refusal)
    }

    private func verdict(for awaited: Slot.Waiter.Awaited, of slot: Slot, spawned: Bool) -> Settlement {
        // Its stop, or its start, waits for others.
        if awaited == .stopped ? stopsWaiting.contains(slot.id) : slot.machine.awaitedStart != nil { return .wait }
        return switch (awaited, slot.machine.processState) {
        case (.stopped, .stopping): .wait
        case (.stopped, _): .done
        case (.running, .running), (.spawned, .running): .done
        case (.spawned, .starting): spawned ? .done : .wait
        case (.running, .starting), (.running, .stopping), (.spawned, .stopping): .wait
        case (.running, _), (.spawned, _): startFailure(of: slot)
        }
    }

    private func startFailure(of slot: Slot) -> Settlement {
        let name = slot.spec.name.qualified
        // A stop that starts again passes through STOPPED on its way.
        if slot.machine.processState == .stopped, slot.machine.spawnError.isEmpty, slot.lastSpawnFailure == nil {
            return .failed(.abnormalTermination(name))
        }
        if let failure = slot.lastSpawnFailure, failure.stage == .lookUp {
            return .failed(Refusal(missing: failure))
        }
        return .failed(slot.machine.spawnError.isEmpty ? .abnormalTermination(name) : .spawnError(name))
    }

    /// One slot of a waiting command has got where it should, or never will.
    mutating func settle(_ request: RequestID, _ id: SlotID, refusal: Refusal?) {
        guard var pending = requests[request] else { return }
        if let position = pending.slots.firstIndex(of: id) { pending.outcomes[position].refusal = refusal }
        pending.awaited.remove(id)
        if pending.awaited.isEmpty {
            requests[request] = nil
            reply(to: request, with: pending)
        } else {
            requests[request] = pending
        }
    }

    /// The final answer of a command about slots.
    mutating func reply(to request: RequestID, with pending: PendingRequest) {
        if pending.isSingle, let only = pending.outcomes.first {
            directives.append(.reply(request, only.refusal.map(Reply.refused) ?? .done))
        } else {
            directives.append(.reply(request, .outcomes(pending.outcomes)))
        }
    }

    /// A client went away.
    mutating func abandon(_ request: RequestID) {
        guard let pending = requests.removeValue(forKey: request) else { return }
        for id in pending.awaited { _ = withSlot(id) { $0.waiters.removeAll { $0.request == request } } }
    }
}
