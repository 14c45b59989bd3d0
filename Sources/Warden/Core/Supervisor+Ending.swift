extension Supervisor {
    /// The daemon shall end. A restart reads the configuration first: a bad one never stops anything.
    mutating func endRequested(_ end: End, by request: RequestID?, at now: Moment) {
        switch (mood, end) {
        case (.running, .shutdown):
            if let request { directives.append(.reply(request, .done)) }
            beginEnding(.shutdown, at: now)
        case (.running, .restart):
            restartsToValidate.append(request)
            directives.append(.loadConfiguration(request))
        case (.ending(.restart, let tier), .shutdown):
            // Whoever asks for the end while a restart is under way means it.
            mood = .ending(.shutdown, tier: tier)
            directives.append(.declareStopping)
        case (.ending, _), (.ended, _):
            break
        }
    }

    /// Every slot stops and stays down: the highest priority first.
    mutating func beginEnding(_ end: End, at now: Moment) {
        mood = .ending(end, tier: nil)
        isStatusStale = true
        announce(.supervisorStopping)
        if end == .shutdown { directives.append(.declareStopping) }
        for id in order {
            commanded(id, at: now)
            let orders = withSlot(id) { slot in
                var supervision = slot.spec.supervision
                supervision.autorestart = .never
                slot.machine.adopt(supervision)
                if case .stopping = slot.machine.state {
                    return slot.machine.stop(.stay, isByRequest: true, at: now)
                }
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
        var patience: Duration = .zero
        for id in order.reversed() {
            guard let slot = slots[id], groups[slot.spec.name.group]?.spec.priority == highest else { continue }
            patience = max(patience, slot.spec.supervision.stopWait)
            let orders = withSlot(id) { $0.machine.stop(.stay, isByRequest: true, at: now) }
            apply(orders ?? [], to: id, at: now)
        }
        directives.append(.extendTimeout(patience + Limits.stopMargin))
    }
}
