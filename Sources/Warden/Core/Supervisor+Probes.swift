/// The life-long probe: asked while the worker is RUNNING, at once and then every `probe_interval`.
extension Supervisor {
    /// The worker is RUNNING now.
    mutating func beginProbing(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id], slot.tracker != nil, slot.spec.health.probe != .none else { return }
        // `ready = probe` has just been answered.
        let pause: Duration = slot.spec.supervision.readiness == .probe ? slot.spec.health.probeInterval : .zero
        _ = withSlot(id) { $0.probeDueAt = now.instant + pause }
    }

    /// Asks, when it is time to.
    mutating func askProbe(_ id: SlotID, at now: Moment) {
        guard let position = slots.position(of: id), let due = slots.entries[position].probeDueAt,
            due <= now.instant, let slot = slots[id]
        else { return }
        guard case .running = slot.machine.state, slot.tracker != nil else {
            _ = withSlot(id) { $0.probeDueAt = nil }
            return
        }
        let health = slot.spec.health
        // Whoever is being looked over may well not answer: that would be our doing.
        guard !slot.policy.isLookingOver else {
            _ = withSlot(id) { $0.probeDueAt = now.instant + health.probeInterval }
            return
        }
        _ = withSlot(id) { slot in
            slot.probeAskedAt = now.instant
            // Due again when the answer is there, or when it can no longer come.
            slot.probeDueAt = now.instant + health.probeTimeout * 2 + health.probeInterval
        }
        directives.append(.probe(slot.worker, health.probe, timeout: health.probeTimeout))
    }

    /// The probe was answered.
    mutating func probeAnswered(_ result: HookResult, of id: SlotID, at now: Moment, dice: inout Dice) {
        guard let slot = slots[id], let askedAt = slot.probeAskedAt, case .running = slot.machine.state else { return }
        let next = max(now.instant, askedAt + slot.spec.health.probeInterval)
        let isReady = slot.spec.supervision.readiness != .startSeconds
        let isDoubtful = !localHealth.doubts.isEmpty
        let isLookedOver = slot.policy.isLookingOver
        let isChanged =
            withSlot(id) { slot -> Bool in
                slot.probeDueAt = next
                slot.probeAskedAt = nil
                if isLookedOver { return false }
                return slot.tracker?.probed(result, isReady: isReady, isDoubtful: isDoubtful, at: now) ?? false
            } ?? false
        if case .couldNotRun(let reason) = result { tellNotAsked(slot, reason) }
        if isChanged { healthMoved(id, isChanged: true, at: now, dice: &dice) }
    }

    /// Once, until it can be asked again: it is the operator's to mend, not the worker's.
    private mutating func tellNotAsked(_ slot: Slot, _ reason: String) {
        if case .notAsked? = slot.tracker?.probe.answer { return }
        let name = slot.spec.name.qualified
        directives.append(
            .log(
                LogRecord(
                    .warn, "the probe of \(name) cannot be asked, which counts as unknown: \(reason)",
                    fields: ["WARDEN_WORKER": name])))
    }
}
