/// `depends_on`: a slot starts when what it depends on is ready, and stops before it.
///
/// A start that waits changes no process state: supervisord has none for it. The slot's machine keeps the start and
/// begins it when nothing holds the slot any more.
extension Supervisor {
    /// Looks at the slots anew, after some came or went.
    mutating func refreshDependencies(at now: Moment) {
        guard areDependenciesStale else { return }
        areDependenciesStale = false
        let former = dependencies
        let known = order.compactMap { id in slots.position(of: id).map { (id, slots.entries[$0].spec) } }
        dependencies = DependencyGraph(known)
        readyNames = Set(dependencies.dependents.keys.filter { isReady(name: $0) })
        for id in Set(dependencies.needs.keys).union(former.needs.keys).sorted() { hold(id, at: now) }
    }

    /// Whether every slot of this name is ready; a name that no active slot has is not.
    private func isReady(name: String) -> Bool {
        guard let members = dependencies.members[name] else { return false }
        return members.allSatisfy { id in slots.position(of: id).map { slots.entries[$0].isReady } ?? false }
    }

    /// Tells a slot what holds it now.
    private mutating func hold(_ id: SlotID, at now: Moment) {
        guard let position = slots.position(of: id) else { return }
        let names = (dependencies.needs[id] ?? []).filter { !readyNames.contains($0) }
        guard names != slots.entries[position].machine.heldBy else { return }
        isStatusStale = true
        let isHeldNow = mood != .running
        let orders = withSlot(id) { slot in
            if isHeldNow { slot.machine.dropAwaitedStart() }
            return slot.machine.held(by: names, at: now)
        }
        apply(orders ?? [], to: id, at: now)
    }

    /// A slot has changed: those that depend on it may start now, or may not any more.
    mutating func readinessMoved(_ id: SlotID, at now: Moment) {
        for name in dependencies.names[id] ?? [] {
            let isReady = isReady(name: name)
            guard isReady != readyNames.contains(name) else { continue }
            if isReady { readyNames.insert(name) } else { readyNames.remove(name) }
            for dependent in dependencies.dependents[name] ?? [] { hold(dependent, at: now) }
        }
        settleHopeless(after: id)
        proceedWithStops(at: now)
    }

    // MARK: - Starting

    /// What the slots depend on and is down starts first. A person's command starts whatever it needs; a start by
    /// itself only what was never started, for somebody may have stopped the others on purpose.
    mutating func startPrerequisites(of ids: [SlotID], reason: RestartReason?, at now: Moment) {
        guard !dependencies.isEmpty else { return }
        for id in dependencies.prerequisites(of: ids) {
            guard let slot = slots[id], slot.isDown, !slot.isReady, slot.machine.awaitedStart == nil else { continue }
            if reason == nil, slot.machine.generation != Generation(0) { continue }
            if reason != nil { commanded(id, to: .start, at: now) }
            apply(withSlot(id) { $0.machine.start(reason: reason, at: now) } ?? [], to: id, at: now)
        }
    }

    /// Clients wait for a start only as long as it can still come about.
    private mutating func settleHopeless(after id: SlotID) {
        guard !requests.isEmpty, !dependencies.isEmpty else { return }
        for other in dependencies.withDependents([id]).sorted() where other != id {
            settleHopelessWaiters(of: other)
        }
    }

    /// Answers those who wait for the start of a slot that waits for what will not start.
    mutating func settleHopelessWaiters(of id: SlotID) {
        guard let slot = slots[id], !slot.waiters.isEmpty, slot.machine.awaitedStart != nil else { return }
        var seen: Set<SlotID> = []
        guard !mayBecomeReady(id, &seen) else { return }
        let waiting = slot.waiters.filter { $0.awaited != .stopped }
        _ = withSlot(id) { $0.waiters.removeAll { $0.awaited != .stopped } }
        for waiter in waiting {
            settle(waiter.request, id, refusal: .abnormalTermination(slot.spec.name.qualified))
        }
    }

    private func mayBecomeReady(_ id: SlotID, _ seen: inout Set<SlotID>) -> Bool {
        guard seen.insert(id).inserted else { return true }
        guard let slot = slots[id] else { return false }
        if slot.isReady { return true }
        guard slot.machine.awaitedStart != nil else {
            switch slot.machine.state {
            case .starting, .running, .backoff: return true
            case .stopping(_, let stop): return stop.purpose != .stay
            case .stopped, .exited, .fatal, .unknown: return false
            }
        }
        return slot.machine.heldBy.allSatisfy { name in
            (dependencies.members[name] ?? []).allSatisfy { mayBecomeReady($0, &seen) }
                && dependencies.members[name] != nil
        }
    }

    // MARK: - Stopping

    /// Stops slots, each after those among them that depend on it have stopped.
    mutating func stopInOrder(_ ids: [SlotID], at now: Moment) {
        if dependencies.isEmpty {
            for id in ids { stopNow(id, at: now) }
            return
        }
        stopsWaiting.formUnion(ids)
        var blocked: [String: Bool] = [:]
        for id in ids where !isStopBlocked(id, &blocked) { stopNow(id, at: now) }
    }

    private mutating func stopNow(_ id: SlotID, at now: Moment) {
        stopsWaiting.remove(id)
        let orders = withSlot(id) { $0.machine.stop(.stay, isByRequest: true, at: now) }
        apply(orders ?? [], to: id, at: now)
        settleWaiters(of: id, spawned: false)
    }

    /// Something has stopped, perhaps: what waited for it to stop may stop now.
    mutating func proceedWithStops(at now: Moment) {
        guard !stopsWaiting.isEmpty else { return }
        var blocked: [String: Bool] = [:]
        for id in stopsWaiting.sorted().reversed() where !isStopBlocked(id, &blocked) {
            // The stop of one before it may have led to this one's.
            guard stopsWaiting.contains(id) else { continue }
            stopNow(id, at: now)
            if case .ending = mood { extendPatience(for: [id]) }
        }
    }

    private func isStopBlocked(_ id: SlotID, _ known: inout [String: Bool]) -> Bool {
        for name in dependencies.names[id] ?? [] {
            let isBlocked = known[name] ?? (dependencies.dependents[name] ?? []).contains { isStillStopping($0) }
            known[name] = isBlocked
            if isBlocked { return true }
        }
        return false
    }

    /// Alive, and about to stop for good. What cannot be signalled is not waited for.
    private func isStillStopping(_ id: SlotID) -> Bool {
        guard let position = slots.position(of: id) else { return false }
        switch slots.entries[position].machine.state {
        case .starting, .running, .backoff: return stopsWaiting.contains(id)
        case .stopping(_, let stop): return stopsWaiting.contains(id) || stop.purpose == .stay
        case .stopped, .exited, .fatal, .unknown: return false
        }
    }

    // MARK: - Essential programs

    /// An essential program that is down for good ends the daemon, so that a container ends with it.
    mutating func endIfEssential(_ id: SlotID, _ orders: [WorkerMachine.Order], at now: Moment) {
        // Looked up in place: this is asked after every change of every slot, and a slot is large.
        guard mood == .running, let position = slots.position(of: id),
            slots.entries[position].spec.supervision.isEssential, let slot = slots[id]
        else { return }
        let what: String?
        switch slot.machine.state {
        case .fatal: what = "has gone FATAL"
        case .exited where slot.machine.awaitedStart == nil && orders.contains(where: \.isUnexpectedExit):
            what = "has exited unexpectedly and is not restarted (autorestart)"
        case .exited, .stopped, .starting, .running, .backoff, .stopping, .unknown: what = nil
        }
        guard let what else { return }
        let name = slot.spec.name.qualified
        endReason = "essential \(name) \(what)"
        let text = "essential program \(name) \(what): stopping everything, to exit with code 1"
        directives.append(.log(LogRecord(.critical, text, fields: ["WARDEN_WORKER": name])))
        beginEnding(.failure, at: now)
    }
}

extension WorkerMachine.Order {
    fileprivate var isUnexpectedExit: Bool {
        if case .changed(_, to: .exited, _, _, isExpected: false) = self { true } else { false }
    }
}
