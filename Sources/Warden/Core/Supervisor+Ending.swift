extension Supervisor {
    /// The daemon shall end. A restart reads the configuration first: a bad one never stops anything.
    mutating func endRequested(_ end: End, by request: RequestID?, at now: Moment) {
        switch (mood, end) {
        case (.running, .shutdown), (.running, .failure):
            if let request { directives.append(.reply(request, .done)) }
            beginEnding(end, at: now)
        case (.running, .restart):
            restartsToValidate.append(request)
            directives.append(.loadConfiguration(request))
        case (.running, .upgrade):
            guard !isUpgrading else {
                if let request { directives.append(.reply(request, .refused(.failed("an upgrade is under way")))) }
                return
            }
            isUpgrading = true
            directives.append(.examineSuccessor(request))
        case (.ending(.restart, let tier), .shutdown):
            // Whoever asks for the end while a restart is under way means it.
            mood = .ending(.shutdown, tier: tier)
            directives.append(.declareStopping)
        case (.ending, _), (.ended, _):
            break
        }
    }

    /// The binary that is to take over has shown whether it can. Nothing was given up for it yet.
    mutating func successorExamined(_ refusal: String?, for request: RequestID?) {
        isUpgrading = false
        // A shutdown that was asked for meanwhile is meant.
        let refusal = mood == .running ? refusal : "everything stops"
        if let refusal {
            directives.append(.log(LogRecord(.error, "upgrade refused: \(refusal)")))
            if let request { directives.append(.reply(request, .refused(.failed(refusal)))) }
            return
        }
        if let request { directives.append(.reply(request, .done)) }
        directives.append(.finish(.upgrade))
    }

    /// Every slot stops and stays down: the highest priority first.
    mutating func beginEnding(_ end: End, at now: Moment) {
        mood = .ending(end, tier: nil)
        isStatusStale = true
        announce(.supervisorStopping)
        if end != .restart { directives.append(.declareStopping) }
        for id in order {
            commanded(id, to: .end, at: now)
            let orders = withSlot(id) { slot in
                var supervision = slot.spec.supervision
                supervision.autorestart = .never
                slot.machine.adopt(supervision)
                if case .stopping = slot.machine.state {
                    return slot.machine.stop(.stay, isByRequest: true, at: now)
                }
                slot.machine.dropAwaitedStart()
                return slot.machine.abandonRetry()
            }
            apply(orders ?? [], to: id, at: now)
        }
    }

    /// Stops the next tier when the one before it is down. Groups of the same priority stop together.
    mutating func continueEnding(at now: Moment) {
        guard case .ending(let end, let tier) = mood else { return }
        // What cannot be signalled cannot be waited for: systemd, or the next start, deals with it.
        let alive = groups.values.filter { group in
            group.slots.contains { id in
                guard let slot = slots[id] else { return false }
                return !slot.isDown && slot.machine.processState != .unknown
            }
        }
        guard let highest = alive.map(\.spec.priority).max() else {
            mood = .ended(end)
            isStatusStale = true
            directives.append(.finish(end))
            return
        }
        if let tier, alive.contains(where: { $0.spec.priority >= tier }) { return }
        if hearsOut(alive.filter { $0.spec.priority == highest }, at: now) { return }
        mood = .ending(end, tier: highest)
        let tierSlots = order.filter { id in
            slots[id].map { groups[$0.spec.name.group]?.spec.priority == highest } ?? false
        }
        // Whatever depends on them stops first, also when its own priority is lower.
        let all = dependencies.withDependents(tierSlots)
        let stopping = order.reversed().filter { all.contains($0) }
        stopInOrder(stopping, at: now)
        extendPatience(for: stopping)
    }

    /// Tells systemd how long stopping these may take at most; those that wait for others say so in their turn.
    mutating func extendPatience(for ids: [SlotID]) {
        var patience: Duration = .zero
        for case let spec? in ids.map({ slots[$0]?.spec.supervision }) {
            let steps = spec.stopCommand == nil ? spec.stopWait : spec.stopWait + max(spec.stopWait, .seconds(1))
            patience = max(patience, steps)
        }
        directives.append(.extendTimeout(patience + Limits.stopMargin))
    }
}
