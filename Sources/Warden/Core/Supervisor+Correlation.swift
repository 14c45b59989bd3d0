/// What the guard against mass restarts means for each slot.
extension Supervisor {
    /// Whether a verdict may be acted on now. If not, the slot waits, and nobody is told: the canary's alert speaks for
    /// all.
    mutating func mayBeActedOn(_ id: SlotID, _ verdict: Verdict, at now: Moment) -> Bool {
        guard let slot = slots[id], slot.policy.incident == nil else { return true }
        let before = correlation.suspicions[verdict.condition]
        var rule = correlation
        let permission = ask(&rule, slot, verdict, at: now)
        correlation = rule
        if before == nil, let suspicion = correlation.suspicions[verdict.condition] {
            tellSuspicion(suspicion, verdict, at: now)
        }
        guard permission == .wait else { return true }
        _ = withSlot(id) { $0.policy.waitsForCanary(verdict.condition, at: now.instant) }
        isStatusStale = true
        return false
    }

    /// Whether another of the same cause has told people already.
    mutating func isToldByAnother(_ id: SlotID, _ verdict: Verdict, at now: Moment) -> Bool {
        guard let slot = slots[id] else { return false }
        var rule = tellings
        defer { tellings = rule }
        return ask(&rule, slot, verdict, at: now) == .wait
    }

    private func ask(
        _ rule: inout CorrelationGuard, _ slot: Slot, _ verdict: Verdict, at now: Moment
    ) -> CorrelationGuard.Permission {
        rule.permission(
            of: slot.id, group: slot.spec.name.group, groupSize: witnesses(in: slot.spec.name.group),
            for: verdict.condition, since: verdict.since.instant, at: now.instant)
    }

    /// How many of a group can tell whether it is ill as a whole: who is down, held still from outside or not visible
    /// says nothing, unless Warden is just restarting it.
    private func witnesses(in name: String) -> Int {
        groups[name]?.slots.count { id in
            guard let position = slots.position(of: id) else { return false }
            if slots.entries[position].policy.incident != nil { return true }
            guard slots.entries[position].machine.run != nil, let tracker = slots.entries[position].tracker else {
                return false
            }
            return switch tracker.verdict.condition {
            case .paused, .unknown: false
            case .starting, .healthy, .leaking, .dark, .hung, .bloated: true
            }
        } ?? 1
    }

    /// Whether it goes because a canary has recovered before it.
    func isFollower(_ id: SlotID, _ condition: Condition) -> Bool {
        guard let suspicion = correlation.suspicions[condition] else { return false }
        return suspicion.stage == .proceeding && suspicion.canary != id
    }

    /// People are not told of an incident whose cause another has told, unless it ends badly.
    func isQuiet(_ incident: Incident) -> Bool {
        guard quietIncidents.contains(incident.id) else { return false }
        return switch incident.outcome {
        case nil, .recovered?, .superseded?: true
        case .unhelped?, .gaveUp?: false
        }
    }

    /// A verdict changed: whoever is well, or ill in another way, is not of the suspicion any more.
    mutating func correlationMoved(_ id: SlotID, _ verdict: Verdict, at now: Moment) {
        switch verdict.condition {
        case .dark, .hung, .bloated, .leaking: correlationFell(id, verdict, at: now)
        case .healthy, .starting, .paused, .unknown: break
        }
        if correlation.isIdle, tellings.isIdle { return }
        for (condition, suspicion) in tellings.suspicions
        where suspicion.members.contains(id) && verdict.condition != condition {
            tellings.left(id)
        }
        for (condition, suspicion) in correlation.suspicions
        where suspicion.members.contains(id) && verdict.condition != condition {
            // By itself it comes back by way of `starting` when it is still in its grace.
            let isBack = verdict.condition == .healthy || verdict.condition == .starting
            correlation.left(id, followsFrom: isBack ? lookedAtAnew(id, from: now) : nil)
        }
    }

    /// When each of those beside a worker has been looked at and asked again.
    private func lookedAtAnew(_ id: SlotID, from now: Moment) -> Instant {
        guard let health = slots[id]?.spec.health else { return now.instant }
        let look = max(health.interval * health.confirm.window, health.probeInterval + health.probeTimeout)
        return now.instant + look
    }

    private mutating func correlationFell(_ id: SlotID, _ verdict: Verdict, at now: Moment) {
        guard !verdict.isDrill, let group = slots[id]?.spec.name.group else { return }
        correlation.fell(
            id, group: group, groupSize: witnesses(in: group), for: verdict.condition,
            since: verdict.since.instant, at: now.instant)
    }

    /// It may not be acted on for a reason of its own, such as a budget that is spent: another goes first.
    mutating func canaryCannotGo(_ id: SlotID) {
        // One that has gone and has not recovered stays the canary: it has said what there is to say.
        let isWaitedFor = correlation.suspicions.values.contains {
            $0.stage == .testing && $0.canary == id && !$0.acting.contains(id)
        }
        guard isWaitedFor else { return }
        correlation.left(id)
    }

    /// The canary's outcome, or that of one behind it.
    ///
    /// - Returns: the incident; where it spoke of a shared cause, with everybody whom that was about in the end.
    mutating func settleSuspicion(_ closed: Incident, of id: SlotID, at now: Moment) -> Incident {
        guard let outcome = closed.outcome else { return closed }
        var incident = closed
        let condition = incident.verdict.condition
        let before = correlation.suspicions[condition]
        if let before, let index = incident.verdict.evidence.firstIndex(where: { $0.rule == "shared_cause" }) {
            incident.verdict.evidence[index].value = .number(Double(before.members.count))
            incident.verdict.reason += " of \(names(before.members))"
        }
        if incident.action == .alert {
            // Its budget was spent before, so nothing was tried: another goes first.
            correlation.left(id)
        } else {
            correlation.ended(id, condition, outcome, followsFrom: lookedAtAnew(id, from: now), at: now.instant)
        }
        tellStage(incident, of: id, before: before?.stage)
        return incident
    }

    private mutating func tellStage(_ incident: Incident, of id: SlotID, before: CorrelationGuard.Stage?) {
        let condition = incident.verdict.condition
        guard let suspicion = correlation.suspicions[condition], suspicion.stage != before else { return }
        let others = names(suspicion.members.filter { $0 != id })
        guard !others.isEmpty else { return }
        switch suspicion.stage {
        case .testing: break
        case .proceeding: log(.info, "\(condition.name): \(incident.worker.qualified) has recovered; now \(others)")
        case .held:
            log(.warn, "\(condition.name): \(incident.worker.qualified) has not recovered; left as they are: \(others)")
        }
    }

    /// People learn of it from the canary's incident, which holds it from now on.
    private mutating func tellSuspicion(_ suspicion: CorrelationGuard.Suspicion, _ verdict: Verdict, at now: Moment) {
        let all = names(suspicion.members)
        let first = suspicion.canary.flatMap { slots[$0]?.spec.name.qualified } ?? "?"
        log(.warn, "shared cause suspected: \(all) turned \(verdict.condition.name) together; \(first) goes first")
        let piece = Evidence(
            rule: "shared_cause", value: .number(Double(suspicion.members.count)), threshold: .number(2))
        guard let canary = suspicion.canary else { return }
        let reason = "; shared cause suspected"
        let incident = withSlot(canary) { $0.policy.amend(piece, reason: reason) } ?? nil
        if let incident { record(incident, of: canary, alert: nil) }
    }

    private func names(_ ids: some Collection<SlotID>) -> String {
        let names = ids.compactMap { slots[$0]?.spec.name.qualified }.sorted()
        let more = names.count - Limits.statusNames
        return names.prefix(Limits.statusNames).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private mutating func log(_ level: LogRecord.Level, _ text: String) {
        directives.append(.log(LogRecord(level, text)))
    }
}

extension RestartPolicy {
    /// What is learnt of the incident under way goes into its verdict.
    ///
    /// - Returns: the incident as it is now; `nil` when none is under way.
    mutating func amend(_ piece: Evidence, reason: String) -> Incident? {
        guard var incident else { return nil }
        incident.verdict.evidence.append(piece)
        incident.verdict.reason += reason
        switch phase {
        case .idle, .waiting: return nil
        case .collecting(_, let deadline): phase = .collecting(incident, deadline: deadline)
        case .draining(_, let deadline): phase = .draining(incident, deadline: deadline)
        case .ending: phase = .ending(incident)
        case .observing(_, let since, let deadline):
            phase = .observing(incident, restartedAt: since, deadline: deadline)
        case .aiding(_, let deadline): phase = .aiding(incident, deadline: deadline)
        case .easing(_, let deadline): phase = .easing(incident, deadline: deadline)
        }
        return incident
    }
}
