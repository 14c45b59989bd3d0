/// What would have been decided, by the policy itself.
extension Replay {
    /// Did the restart help that the recorded start is taken for?
    mutating func observeOutcome(_ tracker: HealthTracker, at now: Moment) {
        guard case .observing(let incident, _, _) = slot.policy.phase else { return }
        if tracker.verdict.condition == incident.verdict.condition {
            if let closed = slot.policy.unhelped() { tellOutcome(closed) }
        } else if tracker.hasRecovered {
            if let closed = slot.policy.recovered(at: now.instant) { tellOutcome(closed) }
        }
    }

    /// The worker is well again, though the restart that was decided here never was.
    mutating func releaseHold(at now: Moment) {
        guard let openAction, !actions[openAction].wasDone, case .ending = slot.policy.phase else { return }
        _ = slot.policy.superseded()
        closeAction("the recorded worker was healthy again \(Replay.after(now, actions[openAction].at)), without it")
    }

    /// Deadlines of the policy that came before a fact.
    mutating func passDeadlines(until now: Moment) {
        // Each of them leaves its phase, or its deadline, behind.
        for _ in 0..<4 {
            guard let due = slot.policy.deadline, due <= now.instant else { return }
            let then = Moment(instant: due, wall: now.wall(of: due))
            switch slot.policy.phase {
            case .waiting:
                slot.policy.woke()
                consider(at: then)
            case .observing: if let closed = slot.policy.unhelped() { tellOutcome(closed) }
            case .idle, .ending, .collecting, .draining, .aiding, .easing: return
            }
        }
    }

    /// Decides about the present verdict, as the supervisor does.
    mutating func consider(at now: Moment) {
        // A remembered verdict is shown, but nobody is restarted for what is over.
        guard let tracker = slot.tracker, tracker.holds(tracker.verdict.condition) else { return }
        let verdict = tracker.verdict
        let hold = hold(on: verdict, at: now)
        switch health.actions.action(for: verdict) {
        case .none, .alert: break
        case .restart, .drain, .kill:
            guard hold == nil, let latest = slot.latestTimeForPlannedRestart(at: now.instant) else { break }
            let known: Instant? = latest == .distantFuture ? nil : latest
            if slot.policy.planned(verdict, latest: known, at: now.instant) {
                alert(verdict, heldBackBy: "planned for an idle moment", at: now)
            }
            return
        }
        switch slot.policy.decide(verdict, health, hasSeat: true, hold: hold, at: now.instant) {
        case .nothing: break
        case .alert(let hold): alert(verdict, heldBackBy: hold?.rawValue, at: now)
        case .giveUp: add(.alert, verdict, isGivingUp: true, heldBackBy: "restart_budget is spent", at: now)
        case .begin(let action):
            _ = slot.policy.closeAlert(isWell: false, elapsed: .zero)
            slot.policy.began(incident(action, verdict, at: now), health, at: now.instant, dice: &dice)
            // Nobody is looked over or drained here: from now on the record is waited for.
            slot.policy.collected(nil)
            openAction = actions.count
            add(action, verdict, isGivingUp: false, heldBackBy: nil, at: now)
        }
    }

    private func hold(on verdict: Verdict, at now: Moment) -> RestartPolicy.Hold? {
        if slot.isHealthPaused { return .paused }
        if isDoubtful { return .localHealth }
        if verdict.grade < .proven, !health.actsNow(at: now.wall, utcOffsetSeconds: utcOffsetSeconds) { return .hours }
        return nil
    }

    private mutating func alert(_ verdict: Verdict, heldBackBy hold: String?, at now: Moment) {
        slot.policy.alerted(incident(.alert, verdict, at: now))
        add(.alert, verdict, isGivingUp: false, heldBackBy: hold, at: now)
    }

    private func incident(_ action: HealthAction, _ verdict: Verdict, at now: Moment) -> Incident {
        Incident(
            id: "replay", worker: program.name, generation: generation, at: now.wall, verdict: verdict, action: action)
    }

    private mutating func add(
        _ action: HealthAction, _ verdict: Verdict, isGivingUp: Bool, heldBackBy hold: String?, at now: Moment
    ) {
        actions.append(
            Action(
                at: now.wall, generation: generation, action: action, isGivingUp: isGivingUp, verdict: verdict,
                heldBackBy: hold, wasDone: false, end: nil))
    }

    private mutating func tellOutcome(_ incident: Incident) {
        let text: String =
            switch incident.outcome {
            case .recovered(let after)?: "recovered in \(after.spoken)"
            case .unhelped?: "unhelped"
            case .gaveUp?: "gave up: restarts did not help"
            case .superseded?, nil: "superseded"
            }
        closeAction(text)
    }

    mutating func closeAction(_ text: String) {
        guard let index = openAction else { return }
        actions[index].end = [actions[index].end, text].compactMap { $0 }.joined(separator: "; ")
        openAction = nil
    }

    static func after(_ now: Moment, _ start: WallTime) -> String {
        let elapsed = Duration.microseconds(max(0, now.wall.microseconds - start.microseconds))
        return elapsed < .seconds(1) ? "at once" : "\(elapsed.spoken) later"
    }
}

/// How far a replay gives the verdicts that were recorded.
package struct ReplayAgreement: Hashable, Sendable {
    /// Verdicts that were recorded.
    package var recorded = 0
    /// Those of them that the replay gives, too, at the same time.
    package var same = 0
    /// The first recorded verdict that the replay does not give; `nil` when it gives all.
    package var firstMissing: Replay.Change?
    /// The first verdict of the replay that was not recorded.
    package var firstNew: Replay.Change?

    /// Whether the two are the same.
    package var isWhole: Bool { firstMissing == nil && firstNew == nil }
}

extension Replay {
    /// How far the verdicts are those that were recorded.
    package var agreement: ReplayAgreement {
        var agreement = ReplayAgreement(recorded: recordedChanges.count)
        func key(_ change: Change) -> [Int64] {
            [
                change.at.wall.microseconds, Int64(RecordFormat.conditions.firstIndex(of: change.condition) ?? -1),
                Int64(RecordFormat.grades.firstIndex(of: change.grade) ?? -1),
            ]
        }
        let given = Set(changes.map(key))
        let then = Set(recordedChanges.map(key))
        agreement.same = recordedChanges.count { given.contains(key($0)) }
        agreement.firstMissing = recordedChanges.first { !given.contains(key($0)) }
        agreement.firstNew = changes.first { !then.contains(key($0)) }
        return agreement
    }
}
