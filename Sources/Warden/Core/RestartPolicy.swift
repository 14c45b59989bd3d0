/// What Warden does, or waits to do, about one slot's verdicts. It lives across generations.
///
/// The policy knows one slot. What other slots allow (`max_unavailable`) and what we think of ourselves comes in as an
/// argument.
package struct RestartPolicy: Hashable, Codable, Sendable {
    /// Where it stands.
    package enum Phase: Hashable, Codable, Sendable {
        /// Nothing to do. To: waiting, aiding, collecting.
        case idle
        /// Wants to act, and may not yet. To: aiding, collecting, idle.
        case waiting(Condition, since: Instant)
        /// The worker is looked over first, until the deadline at the latest. To: easing, draining, ending, observing.
        case collecting(Incident, deadline: Instant)
        /// The worker was asked to finish, until the deadline at the latest. To: ending, observing.
        case draining(Incident, deadline: Instant)
        /// The stop sequence runs, or the next generation is starting. To: observing, idle.
        case ending(Incident)
        /// The next generation runs: did it help? To: idle.
        case observing(Incident, restartedAt: Instant, deadline: Instant)
        /// First aid is being given; nobody has been told of the incident yet. To: collecting, ending, idle.
        case aiding(Incident, deadline: Instant)
        /// First aid has helped: a quiet moment is waited for, until the deadline at the latest. To: draining, ending.
        case easing(Incident, deadline: Instant)
    }

    /// Why Warden does not act on a verdict that names an action.
    package enum Hold: String, Hashable, Codable, Sendable {
        case paused = "health is paused"
        case localHealth = "warden doubts itself"
        case shadow = "shadow"
        case hours = "outside act_between"
        case inKernel = "a process of it is in state D, which no signal ends"
    }

    /// What to do next.
    package enum Step: Hashable, Codable, Sendable {
        /// Nothing.
        case nothing
        /// Tell people, and no more.
        case alert(Hold?)
        /// Begin: open an incident for this action.
        case begin(HealthAction)
        /// The budget is spent, or it never helped: say so, once.
        case giveUp
    }

    /// Where it stands.
    package internal(set) var phase: Phase = .idle
    /// An alert that was sent without an action and has not been closed.
    package private(set) var openAlert: Incident?
    private var ledgers: [Condition: RestartLedger] = [:]
    /// While waiting: when the backoff is over. `nil` when only a seat is missing, which no clock gives.
    private var wakesAt: Instant?
    /// While waiting: for a moment at which the worker is idle, rather than for leave.
    private var awaitsIdleness = false
    private var wellSince: Instant?
    /// While waiting: for the canary.
    private var isBehindCanary = false
    /// While waiting: for the hours of `act_between`.
    private var waitsForHours = false

    /// Nothing done yet.
    package init() {}

    /// The incident under way, if there is one.
    package var incident: Incident? {
        switch phase {
        case .idle, .waiting: nil
        case .collecting(let incident, _), .draining(let incident, _), .ending(let incident),
            .observing(let incident, _, _), .aiding(let incident, _), .easing(let incident, _):
            incident
        }
    }

    /// Whether the slot counts against `max_unavailable`: without an outcome because of Warden's own decision.
    package var holdsSeat: Bool { incident != nil }

    /// Whether nothing is under way, awaited or told, so that a healthy worker needs no decision.
    package var isAtRest: Bool { phase == .idle && openAlert == nil }

    /// Whether nothing more is done about a condition: the budget is spent, or restarts did not help.
    package func hasGivenUp(on condition: Condition) -> Bool { ledgers[condition]?.isExhausted ?? false }

    /// Whether an exit completes what Warden began, so that the slot starts again whatever autorestart says.
    package var expectsExit: Bool {
        switch phase {
        case .collecting, .draining, .ending, .aiding, .easing: true
        case .idle, .waiting, .observing: false
        }
    }

    /// Whether the worker is being looked over, which may keep it from answering.
    package var isLookingOver: Bool {
        if case .collecting = phase { true } else { false }
    }

    /// The next instant at which something is due.
    package var deadline: Instant? {
        switch phase {
        case .idle, .ending: nil
        case .waiting: wakesAt
        case .collecting(_, let deadline), .draining(_, let deadline), .observing(_, _, let deadline),
            .aiding(_, let deadline), .easing(_, let deadline):
            deadline
        }
    }

    /// In words for a person; `nil` when there is nothing to say.
    ///
    /// - Parameter now: the time, or `nil` for a text that stays true while time passes.
    package func pendingAction(at now: Instant?) -> String? {
        switch phase {
        case .idle: return nil
        case .waiting where awaitsIdleness: return "planned restart, at an idle moment"
        case .waiting where waitsForHours: return "waiting for act_between"
        case .waiting where isBehindCanary: return "waiting: a shared cause is suspected, another goes first"
        case .waiting(let condition, _):
            guard let now, let allowedAt = ledgers[condition]?.nextAllowedAt else { return "waiting to restart" }
            return allowedAt > now ? "restart in \((allowedAt - now).spoken)" : "waiting for max_unavailable"
        case .collecting: return "collecting forensics"
        case .draining: return "draining"
        case .ending: return "restarting"
        case .observing: return "restarted, outcome pending"
        case .aiding: return "giving first aid"
        case .easing(let incident, _):
            let aid = incident.verdict.firstAid.map { "\($0); " } ?? ""
            return "\(aid)drains at a quiet moment"
        }
    }

    /// How much of each budget is spent, in order of precedence.
    package func budgets(_ spec: HealthSpec, at now: Instant) -> [BudgetUse] {
        Condition.precedence.compactMap { condition in
            guard let ledger = ledgers[condition] else { return nil }
            return BudgetUse(
                condition: condition, spent: ledger.spent(spec.restartBudget, at: now),
                allowed: spec.restartBudget.count, isExhausted: ledger.isExhausted)
        }
    }

    /// Another goes first.
    package mutating func waitsForCanary(_ condition: Condition, at now: Instant) {
        isBehindCanary = true
        wakesAt = nil
        switch phase {
        case .idle: phase = .waiting(condition, since: now)
        case .waiting(let awaited, _): if awaited != condition { phase = .waiting(condition, since: now) }
        case .collecting, .draining, .ending, .observing, .aiding, .easing: break
        }
    }

    // MARK: - Decisions

    /// What to do about a verdict now.
    ///
    /// - Parameters:
    ///   - verdict: what is believed.
    ///   - spec: the actions and budgets.
    ///   - hasSeat: the group allows one more to be unavailable.
    ///   - hold: why Warden does not act at all at present.
    ///   - now: the time.
    package mutating func decide(
        _ verdict: Verdict, _ spec: HealthSpec, hasSeat: Bool, hold: Hold?, at now: Instant
    ) -> Step {
        awaitsIdleness = false
        let condition = verdict.condition
        let action = spec.actions.action(for: verdict)
        isBehindCanary = false
        waitsForHours = false
        switch phase {
        case .collecting, .draining, .ending, .observing, .aiding, .easing: return .nothing
        case .idle: break
        case .waiting(let awaited, _):
            // The verdict that was waited for has gone or changed.
            if awaited != condition || action == .none || action == .alert { phase = .idle }
        }
        switch action {
        case .none: return .nothing
        case .alert: return openAlert?.verdict.condition == condition ? .nothing : .alert(nil)
        case .restart, .drain, .kill: break
        }
        if let hold {
            // The hours come of themselves, and what is wrong with the worker may well be so still.
            phase = hold == .hours ? .waiting(condition, since: now) : .idle
            waitsForHours = hold == .hours
            wakesAt = nil
            return openAlert?.verdict.condition == condition ? .nothing : .alert(hold)
        }
        var ledger = ledgers[condition] ?? RestartLedger()
        if ledger.isExhausted { return .nothing }
        if !ledger.hasBudget(spec.restartBudget, at: now) {
            ledger.exhaust()
            ledgers[condition] = ledger
            phase = .idle
            return .giveUp
        }
        guard ledger.nextAllowedAt <= now, hasSeat else {
            wakesAt = ledger.nextAllowedAt > now ? ledger.nextAllowedAt : nil
            if case .waiting = phase { return .nothing }
            ledgers[condition] = ledger
            phase = .waiting(condition, since: now)
            return .nothing
        }
        return .begin(action)
    }

    /// A restart that can be chosen: it waits for an idle moment of the worker, or for its latest time.
    ///
    /// - Parameters:
    ///   - verdict: what is believed.
    ///   - latest: when it has to be decided at the latest, if that is known.
    ///   - now: the time.
    /// - Returns: whether people are to be told, once.
    package mutating func planned(_ verdict: Verdict, latest: Instant?, at now: Instant) -> Bool {
        let condition = verdict.condition
        switch phase {
        case .collecting, .draining, .ending, .observing, .aiding, .easing: return false
        case .waiting(condition, _): break
        case .idle, .waiting: phase = .waiting(condition, since: now)
        }
        awaitsIdleness = true
        wakesAt = latest.map { max($0, now) }
        return openAlert?.verdict.condition != condition
    }

    /// An action begins: the budget is charged.
    ///
    /// - Parameters:
    ///   - incident: what is begun.
    ///   - spec: for the backoff and the time that looking over may take.
    ///   - isAided: first aid comes before everything else.
    ///   - now: the time.
    ///   - dice: for the backoff.
    package mutating func began(
        _ incident: Incident, _ spec: HealthSpec, isAided: Bool = false, at now: Instant, dice: inout Dice
    ) {
        // What a drill spends is not missing when it is in earnest.
        if !incident.verdict.isDrill {
            ledgers[incident.verdict.condition, default: RestartLedger()].charge(spec, at: now, dice: &dice)
        }
        wellSince = nil
        phase =
            isAided
            ? .aiding(incident, deadline: now + Limits.aidDeadline)
            : .collecting(incident, deadline: now + spec.forensicsBudget + .seconds(1))
    }

    /// The worker was looked over, or there was no time for it.
    ///
    /// - Parameters:
    ///   - forensics: what was found.
    ///   - evidence: what follows from it for the verdict.
    package mutating func collected(_ forensics: Forensics?, adding evidence: [Evidence] = []) {
        guard case .collecting(var incident, _) = phase else { return }
        incident.forensics = forensics
        incident.verdict.evidence += evidence
        incident.fingerprint = forensics?.fingerprint(as: incident.verdict.condition)
        phase = .ending(incident)
    }

    /// The worker was asked to finish.
    package mutating func drainBegan(deadline: Instant) {
        guard case .ending(let incident) = phase else { return }
        phase = .draining(incident, deadline: deadline)
    }

    /// It did not finish, or ended: the rest is the stop sequence's and the start's.
    package mutating func endingBegan() {
        guard let incident else { return }
        phase = .ending(incident)
    }

    /// The next generation runs.
    package mutating func restarted(_ spec: HealthSpec, at now: Instant) {
        guard case .ending(let incident) = phase else { return }
        phase = .observing(incident, restartedAt: now, deadline: now + spec.grace + spec.recoverWithin)
    }

    /// The backoff that was waited for is over.
    package mutating func woke() {
        wakesAt = nil
    }

    /// The worker is gone, and with it the verdict that was waited for. What was begun goes on.
    package mutating func generationEnded() {
        if case .waiting = phase { phase = .idle }
    }

    // MARK: - Outcomes

    /// The restart helped.
    ///
    /// - Returns: the incident with its outcome.
    package mutating func recovered(at now: Instant) -> Incident? {
        guard case .observing(var incident, let restartedAt, _) = phase else { return nil }
        ledgers[incident.verdict.condition]?.helped()
        incident.outcome = .recovered(after: now - restartedAt)
        phase = .idle
        return incident
    }

    /// The restart did not help.
    ///
    /// - Returns: the incident with its outcome: unhelped, or gave-up when that was once too often.
    package mutating func unhelped() -> Incident? {
        guard var incident else { return nil }
        let gaveUp = incident.verdict.isDrill ? false : ledgers[incident.verdict.condition]?.failedToHelp() ?? false
        incident.outcome = gaveUp ? .gaveUp : .unhelped
        phase = .idle
        return incident
    }

    /// A person's command, or an end that was not ours, came first: nothing can be said of the outcome.
    ///
    /// - Returns: the incident with its outcome.
    package mutating func superseded() -> Incident? {
        guard var incident else {
            phase = .idle
            return nil
        }
        incident.outcome = .superseded
        phase = .idle
        return incident
    }

    /// A person's command: the breaker closes, and backoffs begin anew.
    package mutating func commanded() {
        ledgers.removeAll()
    }

    /// The verdict is healthy: after long enough the backoff begins anew.
    package mutating func wasWell(at now: Instant) {
        guard let since = wellSince else {
            wellSince = now
            return
        }
        guard now - since >= Limits.backoffResetAfter else { return }
        for condition in ledgers.keys { ledgers[condition]?.resetBackoff() }
    }

    /// The verdict is not healthy.
    package mutating func wasUnwell() {
        wellSince = nil
    }

    // MARK: - Alerts without an action

    /// People were told.
    package mutating func alerted(_ incident: Incident) {
        openAlert = incident
    }

    /// A worker of which people were told was looked over.
    ///
    /// - Parameters:
    ///   - id: of the incident for which it was.
    ///   - forensics: what was found.
    ///   - evidence: what follows from it for the verdict.
    /// - Returns: the incident as it is now; `nil` when it is closed already.
    mutating func examined(_ id: String, _ forensics: Forensics, adding evidence: [Evidence]) -> Incident? {
        guard var incident = openAlert, incident.id == id, incident.forensics == nil else { return nil }
        incident.forensics = forensics
        incident.verdict.evidence += evidence
        incident.fingerprint = forensics.fingerprint(as: incident.verdict.condition)
        openAlert = incident
        return incident
    }

    /// What people were told of is over.
    ///
    /// - Parameters:
    ///   - isWell: the worker is healthy again in the same generation.
    ///   - elapsed: since the alert.
    /// - Returns: the incident with its outcome.
    package mutating func closeAlert(isWell: Bool, elapsed: Duration) -> Incident? {
        guard var incident = openAlert else { return nil }
        incident.outcome = isWell ? .recovered(after: elapsed) : .superseded
        openAlert = nil
        return incident
    }
}
