/// A start that is being prepared: the old tree's GPU memory, its files in /dev/shm, its processes.
struct RespawnPreparation: Hashable, Codable, Sendable {
    /// When the first look was ordered.
    var startedAt: Instant
    /// When the next look is due, or the answer to the last one overdue.
    var dueAt: Instant
    /// A look is under way.
    var isAsked = true
    /// Until the next look.
    var pause = Limits.respawnPauseFirst
    /// What is waited for, in words; empty while the first look is under way.
    var awaited = ""
    /// People can read that it waits.
    var isTold = false
    /// Files that were removed so far, and the bytes that they held.
    var sweptFiles = 0
    var sweptBytes: Int64 = 0
    /// Said when it starts.
    var remarks: [String] = []
}

/// A slot that is held, because starting it again cannot help.
struct QuarantinedSlot: Hashable, Codable, Sendable {
    var cause: RespawnDecision.Quarantine
    var since: Instant
    /// What people were told.
    var incident: Incident
    /// In words, for the status.
    var text: String
}

/// What must be true before a worker that ran is started again, and what is done where it cannot become true.
extension Supervisor {
    /// The next instant at which a preparation has something to do.
    var respawnDeadline: Instant? { respawns.values.map(\.dueAt).min() }

    /// The machine wants to start and must not yet.
    mutating func prepareRespawn(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        if slot.spec.health.respawn.isOff { return respawnIsReady(id, remark: nil, at: now) }
        respawns[id] = RespawnPreparation(startedAt: now.instant, dueAt: now.instant)
        look(id, at: now)
    }

    private mutating func look(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        respawns[id]?.isAsked = true
        respawns[id]?.dueAt = now.instant + Limits.respawnAnswer
        directives.append(.prepareRespawn(slot.worker, slot.spec.health.respawn, slot.spec.launch))
    }

    /// The old tree was looked at.
    mutating func respawnPrepared(_ report: RespawnReport, of id: SlotID, at now: Moment, dice: inout Dice) {
        guard let preparation = respawns[id], preparation.isAsked else { return }
        decideRespawn(report, of: id, at: now, dice: &dice)
    }

    /// Looks that are due, and answers that are overdue.
    mutating func respawnTimeReached(at now: Moment, dice: inout Dice) {
        for id in respawns.keys.sorted() {
            guard let preparation = respawns[id], preparation.dueAt <= now.instant else { continue }
            if preparation.isAsked { decideRespawn(nil, of: id, at: now, dice: &dice) } else { look(id, at: now) }
        }
    }

    private mutating func decideRespawn(_ report: RespawnReport?, of id: SlotID, at now: Moment, dice: inout Dice) {
        guard let slot = slots[id], var preparation = respawns[id] else { return }
        preparation.isAsked = false
        preparation.sweptFiles += report?.sweptFiles ?? 0
        preparation.sweptBytes += report?.sweptBytes ?? 0
        preparation.remarks = report?.remarks ?? preparation.remarks
        let decision = slot.spec.health.respawn.decide(
            report, waited: now.instant - preparation.startedAt, quarantine: quarantines[id]?.cause,
            isByPerson: slot.machine.awaitedStart?.reason == .user, endsTree: slot.spec.supervision.endsTree)
        switch decision {
        case .start(let remark):
            respawns[id] = preparation
            respawnIsReady(id, remark: remark, at: now)
        case .lookAgain(let awaited):
            if now.instant - preparation.startedAt >= Limits.respawnTold, !preparation.isTold {
                preparation.isTold = true
                say(.info, "waits for \(awaited) before it starts again", of: id)
                note(.hold, "the start waits for \(awaited)", of: id, at: now)
            }
            isStatusStale = isStatusStale || preparation.awaited != awaited
            preparation.awaited = awaited
            preparation.dueAt = now.instant + preparation.pause
            preparation.pause = min(preparation.pause * 2, Limits.respawnPauseLongest)
            respawns[id] = preparation
        case .hold(let cause, let text):
            preparation.dueAt = now.instant + Limits.quarantineLook
            respawns[id] = preparation
            guard let text, quarantines[id]?.cause != cause else { return }
            let limit = cause == .device ? nil : slot.spec.health.respawn.quarantineAfter
            quarantine(id, cause, text, after: limit, at: now, dice: &dice)
            apply(withSlot(id) { $0.machine.quarantined(text) } ?? [], to: id, at: now)
        }
    }

    private mutating func respawnIsReady(_ id: SlotID, remark: String?, at now: Moment) {
        let preparation = respawns.removeValue(forKey: id)
        if let preparation, preparation.sweptFiles > 0 {
            let size = "\((preparation.sweptBytes + 1_048_575) / 1_048_576) MiB"
            say(.info, "removed \(preparation.sweptFiles) files (\(size)) of its old tree from /dev/shm", of: id)
        }
        for text in preparation?.remarks ?? [] { say(.info, text, of: id) }
        if let remark {
            say(.warn, remark, of: id)
            note(.hold, remark, of: id, at: now)
            let waited = (preparation.map { now.instant - $0.startedAt } ?? .zero).inSeconds
            let piece = Evidence(rule: "respawn", value: .text(remark), threshold: .number(waited))
            if let incident = withSlot(id, { $0.policy.amend(piece, reason: "; \(remark)") }) ?? nil {
                record(incident, of: id, alert: nil)
            }
        }
        endQuarantine(id, isWell: true, at: now)
        isStatusStale = true
        apply(withSlot(id) { $0.machine.prepared(at: now) } ?? [], to: id, at: now)
    }

    // MARK: - Quarantine

    /// A worker that is being ended was sent SIGKILL long ago, and lives.
    mutating func quarantineIfUndying(_ id: SlotID, at now: Moment, dice: inout Dice) {
        guard let position = slots.position(of: id),
            let limit = slots.entries[position].spec.health.respawn.quarantineAfter,
            let slot = slots[id], case .stopping(let run, _) = slot.machine.state,
            let since = slot.machine.killedSince, now.instant - since >= limit, quarantines[id] == nil,
            !slot.machine.isUndying
        else { return }
        let isStuck = slot.tracker?.window.readings?.rootState == .uninterruptible
        let text = "SIGKILL does not end pid \(run.pid ?? 0)" + (isStuck ? " (state D)" : "")
        _ = withSlot(id) { $0.machine.isUndying = true }
        quarantine(id, .processes, text, after: limit, at: now, dice: &dice)
    }

    /// Nothing of the slot is tried until it has passed: one incident, one alert.
    private mutating func quarantine(
        _ id: SlotID, _ cause: RespawnDecision.Quarantine, _ text: String, after limit: Duration?, at now: Moment,
        dice: inout Dice
    ) {
        endQuarantine(id, isWell: false, at: now)
        // What Warden had begun has come to nothing, and others may have the seat.
        if let begun = withSlot(id, { $0.policy.unhelped() }) ?? nil { close(begun, of: id, at: now) }
        let threshold: EvidenceValue = limit.map { .number($0.inSeconds) } ?? .text("a GPU that works")
        let verdict = Verdict(
            condition: .hung(.uninterruptible), grade: .proven, since: now,
            evidence: [Evidence(rule: "quarantine", value: .text(text), threshold: threshold)],
            reason: "quarantined: \(text)")
        guard let incident = newIncident(id, verdict, .alert, at: now, dice: &dice) else { return }
        quarantines[id] = QuarantinedSlot(cause: cause, since: now.instant, incident: incident, text: text)
        say(.error, "quarantined, \(text); it is held until that has passed, or a person starts it", of: id)
        note(.decision, "quarantined: \(text)", of: id, at: now)
        record(incident, of: id, alert: .opened)
        isStatusStale = true
    }

    /// What held the slot has passed, or a person has decided.
    mutating func endQuarantine(_ id: SlotID, isWell: Bool, at now: Moment) {
        guard let held = quarantines.removeValue(forKey: id) else { return }
        var incident = held.incident
        incident.outcome = isWell ? .recovered(after: now.instant - held.since) : .superseded
        close(incident, of: id, at: now)
    }

    /// A person's command, or the end: neither a preparation nor a quarantine stands in its way.
    mutating func dropRespawn(_ id: SlotID, at now: Moment) {
        respawns[id] = nil
        if !quarantines.isEmpty { endQuarantine(id, isWell: false, at: now) }
    }

    /// What the status line says of a slot that does not start yet; `nil` where nothing is in its way.
    func respawnWord(_ id: SlotID) -> (String, String?)? {
        if respawns.isEmpty, quarantines.isEmpty { return nil }
        guard let name = slots[id]?.spec.name.process else { return nil }
        if let held = quarantines[id] { return ("quarantined", "\(name), \(held.text)") }
        guard let awaited = respawns[id]?.awaited, !awaited.isEmpty else { return nil }
        return ("waiting", "\(name) for \(awaited)")
    }

    /// The same for everything that is made from a snapshot.
    func addRespawn(to snapshot: inout WorkerSnapshot) {
        if let held = quarantines[snapshot.slot] {
            snapshot.pendingAction = "quarantined: \(held.text)"
        } else if let awaited = respawns[snapshot.slot]?.awaited, !awaited.isEmpty {
            snapshot.waitingFor.append(awaited)
        }
    }

    /// The same for `why`.
    func explainRespawn(of slot: Slot, _ standing: inout Standing, at now: Moment) {
        if let held = quarantines[slot.id] {
            standing.decision = "nothing: quarantined, \(held.text)"
            standing.outlook = [Outlook("goes on by itself when that has passed; a start by a person always works")]
            if let due = respawns[slot.id]?.dueAt {
                standing.outlook += [Outlook("is looked at", at: now.wall(of: due))]
            }
        } else if let preparation = respawns[slot.id], !preparation.awaited.isEmpty {
            standing.decision = "start, after \(preparation.awaited)"
            if let wait = slot.spec.health.respawn.gpuWait {
                standing.outlook = [Outlook("starts anyway", at: now.wall(of: preparation.startedAt + wait))]
            }
        }
    }

    private mutating func say(_ level: LogRecord.Level, _ text: String, of id: SlotID) {
        guard let name = slots[id]?.spec.name.qualified else { return }
        directives.append(.log(LogRecord(level, "\(name): \(text)", fields: ["WARDEN_WORKER": name])))
    }
}
