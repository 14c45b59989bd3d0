extension Supervisor {
    /// A worker stands still: what its threads wait for is asked.
    mutating func askForWaits(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        _ = withSlot(id) { $0.tracker?.waitsAsked(at: now.instant) }
        directives.append(.readWaits(slot.worker))
    }

    /// What a worker's threads wait for was read.
    mutating func waitsRead(_ report: WaitReport, of id: SlotID, at now: Moment, dice: inout Dice) {
        let news = withSlot(id) { slot -> (isChanged: Bool, hasBlocked: Bool)? in
            // Verdicts are on hold while the worker is looked over.
            if case .collecting = slot.policy.phase { return nil }
            return slot.tracker?.waitsRead(report, at: now)
        }
        guard case .some(.some(let news)) = news, let slot = slots[id] else { return }
        if news.hasBlocked {
            let name = slot.spec.name.qualified
            let text =
                "\(name) waits for its output to be taken: warden, or what the output is written to, does not keep up; "
                + "the worker is not to blame, and its silence does not count"
            directives.append(.log(LogRecord(.warn, text, fields: ["WARDEN_WORKER": name])))
        }
        healthMoved(id, isChanged: news.isChanged, at: now, dice: &dice)
    }
}
