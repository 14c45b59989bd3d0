extension Supervisor {
    /// A client asks.
    mutating func perform(_ command: Command, for request: RequestID, at now: Moment, dice: inout Dice) {
        switch command {
        case .snapshot(let selection):
            answer(request, selection) { core, slots in .snapshots(slots.map { core.snapshot(of: $0, at: now) }) }
        case .explain(let selection):
            answer(request, selection) { core, slots in
                .explanations(slots.map { core.explanation(of: $0, at: now) })
            }
        case .storeRecords(let selection): storeRecords(selection, for: request)
        case .writeInput(let name, let bytes):
            guard admit(request) else { return }
            writeInput(name, bytes, for: request)
        case .tellListeners(let type, let data):
            // Also while the daemon stops, as supervisord.
            tellListeners(.remote(type: type, data: data))
            directives.append(.reply(request, .done))
        case .daemonState: directives.append(.reply(request, .daemonState(daemonMood)))
        case .start(let selection, let wait, let missing):
            guard admit(request) else { return }
            start(selection, wait: wait, missing: missing, for: request, at: now)
        case .stop(let selection, let wait):
            guard admit(request) else { return }
            stop(selection, wait: wait, for: request, at: now)
        case .signal(let selection, let number):
            guard admit(request) else { return }
            signal(selection, number, for: request)
        case .pauseHealth(let selection):
            guard admit(request) else { return }
            setHealthPaused(true, selection, for: request, at: now)
        case .pauseHealthFor(let selection, let duration):
            guard admit(request) else { return }
            setHealthPaused(true, until: now.instant + duration, selection, for: request, at: now)
        case .resumeHealth(let selection):
            guard admit(request) else { return }
            setHealthPaused(false, selection, for: request, at: now)
        case .startDrill(let selection, _), .stopDrill(let selection), .watchDrill(let selection):
            guard admit(request) else { return }
            drill(command, selection, for: request, at: now)
        case .reread:
            guard admit(request) else { return }
            directives.append(.loadConfiguration(request))
        case .addGroup(let name):
            guard admit(request) else { return }
            addGroup(name, for: request, at: now)
        case .removeGroup(let name):
            guard admit(request) else { return }
            removeGroup(name, for: request)
        case .stopOutdated(let name):
            guard admit(request) else { return }
            guard let group = groups[name] else {
                directives.append(.reply(request, .refused(.badName(name))))
                return
            }
            stop(outdated(group).filter { slots[$0].map(isStoppable) ?? false }, isSingle: false, for: request, at: now)
        case .updateGroup(let name):
            guard admit(request) else { return }
            updateGroup(name, for: request, at: now)
        case .end(let end):
            guard admit(request) else { return }
            endRequested(end, by: request, at: now)
        }
    }

    /// The daemon's mood in supervisord's words.
    package var daemonMood: DaemonMood {
        switch mood {
        case .running: .running
        case .ending(.restart, _), .ended(.restart): .restarting
        case .ending, .ended: .shuttingDown
        }
    }

    /// While the daemon ends, only questions are answered.
    private mutating func admit(_ request: RequestID) -> Bool {
        guard mood == .running else {
            directives.append(.reply(request, .refused(.shuttingDown)))
            return false
        }
        guard requests.count < Limits.waitingRequests else {
            directives.append(.reply(request, .refused(.overloaded)))
            return false
        }
        return true
    }

    private mutating func answer(
        _ request: RequestID, _ selection: Selection, with body: (borrowing Supervisor, [Slot]) -> Reply
    ) {
        switch resolve(selection) {
        case .success(let ids): directives.append(.reply(request, body(self, ids.compactMap { slots[$0] })))
        case .failure(let refusal): directives.append(.reply(request, .refused(refusal)))
        }
    }

    private func resolve(_ selection: Selection) -> Result<[SlotID], Refusal> {
        switch selection {
        case .slot(let group, let process):
            let name = SlotName(group: group, process: process)
            return index[name].map { .success([$0]) } ?? .failure(.badName(name.qualified))
        case .group(let name):
            return groups[name].map { .success($0.slots) } ?? .failure(.badName(name))
        case .all:
            return .success(order)
        }
    }

    /// Resolves for a command that acts; a selection of one answers alone, others with a list.
    mutating func targets(_ selection: Selection, for request: RequestID) -> [SlotID]? {
        switch resolve(selection) {
        case .success(let ids): return ids
        case .failure(let refusal):
            directives.append(.reply(request, .refused(refusal)))
            return nil
        }
    }

    private func isSingle(_ selection: Selection) -> Bool {
        if case .slot = selection { true } else { false }
    }

    // MARK: - Start and stop

    private mutating func start(
        _ selection: Selection, wait: Bool, missing: [SlotName: Refusal], for request: RequestID, at now: Moment
    ) {
        guard let ids = targets(selection, for: request) else { return }
        var startable: [SlotID] = []
        var refusals: [SlotID: Refusal] = [:]
        for id in ids {
            guard let slot = slots[id] else { continue }
            // supervisord looks at the file first, and at the state afterwards.
            if isSingle(selection), let refusal = missing[slot.spec.name] {
                directives.append(.reply(request, .refused(refusal)))
                return
            }
            switch slot.machine.processState {
            case .stopped, .exited, .fatal, .stopping:
                startable.append(id)
                refusals[id] = missing[slot.spec.name]
            case .backoff where quarantines[id] != nil || respawns[id] != nil:
                // Held by us: a person's start always works.
                startable.append(id)
                refusals[id] = missing[slot.spec.name]
            case .starting, .running, .backoff:
                // Its own stop may still wait for others to stop first: that is over now.
                stopsWaiting.remove(id)
                guard isSingle(selection) else { continue }
                directives.append(.reply(request, .refused(.alreadyStarted(slot.spec.name.qualified))))
                return
            case .unknown:
                guard isSingle(selection) else { continue }
                let text = "\(slot.spec.name.qualified) is in an unknown process state"
                directives.append(.reply(request, .refused(.failed(text))))
                return
            }
        }
        enroll(wait ? .running : .spawned, startable, isSingle: isSingle(selection), for: request)
        startPrerequisites(of: startable.filter { refusals[$0] == nil }, reason: .user, at: now)
        for id in startable {
            stopsWaiting.remove(id)
            if let refusal = refusals[id] {
                forgetWaiter(request, of: id)
                settle(request, id, refusal: refusal)
                continue
            }
            commanded(id, to: .start, at: now)
            let orders = withSlot(id) { $0.machine.start(reason: .user, at: now) }
            apply(orders ?? [], to: id, at: now)
            settleHopelessWaiters(of: id)
        }
        proceedWithStops(at: now)
    }

    private mutating func forgetWaiter(_ request: RequestID, of id: SlotID) {
        _ = withSlot(id) { $0.waiters.removeAll { $0.request == request } }
    }

    private mutating func stop(_ selection: Selection, wait: Bool, for request: RequestID, at now: Moment) {
        guard let ids = targets(selection, for: request) else { return }
        var stoppable: [SlotID] = []
        for id in ids {
            guard let slot = slots[id] else { continue }
            if isStoppable(slot) {
                stoppable.append(id)
            } else if isSingle(selection) {
                directives.append(.reply(request, .refused(.notRunning(slot.spec.name.qualified))))
                return
            }
        }
        if wait {
            stop(stoppable, isSingle: isSingle(selection), for: request, at: now)
            return
        }
        for id in stoppable { commanded(id, to: .stop, at: now) }
        stopInOrder(stoppable, at: now)
        reply(to: request, with: allDone(stoppable, isSingle: isSingle(selection)))
    }

    /// Stops what can be stopped, and answers when it has.
    private mutating func stop(_ ids: [SlotID], isSingle: Bool, for request: RequestID, at now: Moment) {
        enroll(.stopped, ids, isSingle: isSingle, for: request)
        for id in ids { commanded(id, to: .stop, at: now) }
        stopInOrder(ids, at: now)
    }

    /// RUNNING, STARTING, BACKOFF; a stop under way that would start again, which a person's stop undoes; and a start
    /// that waits for what the slot depends on.
    private func isStoppable(_ slot: Slot) -> Bool {
        switch slot.machine.state {
        case .starting, .running, .backoff: return true
        case .stopping(_, let stop): return stop.purpose != .stay
        case .unknown where slot.machine.isLeftOver: return true
        case .stopped, .exited, .fatal, .unknown: return slot.machine.awaitedStart != nil
        }
    }

    private func allDone(_ ids: [SlotID], isSingle: Bool) -> PendingRequest {
        let outcomes = ids.compactMap { slots[$0].map { SlotOutcome(name: $0.spec.name, refusal: nil) } }
        return PendingRequest(isSingle: isSingle, awaited: [], outcomes: outcomes, slots: ids)
    }

    /// Registers the client before anything happens, so that an answer that comes at once finds it.
    private mutating func enroll(
        _ awaited: Slot.Waiter.Awaited, _ ids: [SlotID], isSingle: Bool, for request: RequestID
    ) {
        var pending = allDone(ids, isSingle: isSingle)
        guard !ids.isEmpty else {
            reply(to: request, with: pending)
            return
        }
        pending.awaited = Set(ids)
        requests[request] = pending
        for id in ids { _ = withSlot(id) { $0.waiters.append(Slot.Waiter(request: request, awaited: awaited)) } }
    }

    // MARK: - Signals, pauses and drills

    private mutating func drill(_ command: Command, _ selection: Selection, for request: RequestID, at now: Moment) {
        guard let ids = targets(selection, for: request) else { return }
        guard case .slot = selection, let id = ids.first else {
            directives.append(.reply(request, .refused(.failed("a drill is of one worker"))))
            return
        }
        switch command {
        case .startDrill(_, let order): startDrill(order, id, for: request, at: now)
        case .stopDrill: stopDrill(id, for: request, at: now)
        default: watchDrill(id, for: request, at: now)
        }
    }

    private mutating func signal(_ selection: Selection, _ signal: Signal, for request: RequestID) {
        guard let ids = targets(selection, for: request) else { return }
        var outcomes: [SlotOutcome] = []
        for id in ids {
            guard let slot = slots[id] else { continue }
            switch slot.machine.processState {
            case .starting, .running, .stopping:
                directives.append(.signal(slot.worker, signal, .process))
                outcomes.append(SlotOutcome(name: slot.spec.name, refusal: nil))
            case .stopped, .backoff, .exited, .fatal, .unknown:
                guard isSingle(selection) else { continue }
                outcomes.append(
                    SlotOutcome(name: slot.spec.name, refusal: .notRunning(slot.spec.name.qualified)))
            }
        }
        reply(
            to: request,
            with: PendingRequest(isSingle: isSingle(selection), awaited: [], outcomes: outcomes, slots: ids))
    }

    /// The time of a `pause-health --for` is over.
    mutating func endPause(_ id: SlotID, at now: Moment) {
        guard let end = slots[id]?.healthPausedUntil, end <= now.instant else { return }
        _ = withSlot(id) { slot in
            slot.isHealthPaused = false
            slot.healthPausedUntil = nil
        }
        note(.order, "the pause is over", of: id, at: now)
        note(.ordered(.resumeHealth), of: id, at: now)
        tellPause(id, "the pause is over, verdicts are acted on again")
        isStatusStale = true
    }

    private mutating func tellPause(_ id: SlotID, _ text: String) {
        guard let name = slots[id]?.spec.name.qualified else { return }
        directives.append(.log(LogRecord(.info, "health of \(name): \(text)", fields: ["WARDEN_WORKER": name])))
    }

    private mutating func setHealthPaused(
        _ isPaused: Bool, until end: Instant? = nil, _ selection: Selection, for request: RequestID, at now: Moment
    ) {
        guard let ids = targets(selection, for: request) else { return }
        for id in ids {
            _ = withSlot(id) { slot in
                slot.isHealthPaused = isPaused
                slot.healthPausedUntil = end
            }
            note(.order, isPaused ? "health paused" : "health resumed", of: id, at: now)
            note(.ordered(isPaused ? .pauseHealth : .resumeHealth), of: id, at: now)
            let expiry = end.map { ", for \(($0 - now.instant).spoken)" } ?? ""
            tellPause(
                id, isPaused ? "verdicts are shown and alerted, not acted on\(expiry)" : "verdicts are acted on again")
        }
        isStatusStale = true
        reply(to: request, with: allDone(ids, isSingle: isSingle(selection)))
    }
}
