/// `why`: how a verdict stands, computed only when it is asked for.
extension Supervisor {
    /// Everything that `why` tells of a slot.
    func explanation(of slot: Slot, at now: Moment) -> Explanation {
        var explanation = Explanation(
            snapshot: snapshot(of: slot, at: now), incidents: slot.incidents,
            budgets: slot.policy.budgets(slot.spec.health, at: now.instant))
        var standing = Standing()
        standing.timeline = slot.chronicle.entries
        if let tracker = slot.tracker, slot.machine.run != nil {
            let action = slot.spec.health.actions.action(for: tracker.verdict)
            standing.decision = decision(slot, tracker.verdict, action, at: now)
            standing.heldBackBy = obstacles(slot, tracker, action, at: now)
            standing.unconfirmed = tracker.unconfirmed
            standing.outlook =
                Supervisor.waits(slot, at: now) + (tracker.recovery.map { [Outlook($0)] } ?? [])
                + tracker.forecast(at: now)
        }
        explainRespawn(of: slot, &standing, at: now)
        explanation.standing = standing
        explanation.observed = slot.observed
        return explanation
    }

    private func decision(_ slot: Slot, _ verdict: Verdict, _ action: HealthAction, at now: Moment) -> String {
        if let pending = slot.policy.pendingAction(at: now.instant) { return pending }
        switch verdict.condition {
        case .healthy, .starting: return "nothing to do"
        case .paused, .unknown: return "nothing: Warden never acts on \(verdict.condition.className)"
        case .leaking, .dark, .hung, .bloated: break
        }
        if action == .none { return "nothing, as configured" }
        let told = slot.policy.openAlert?.verdict.condition == verdict.condition
        return action == .alert || told ? "alert\(told ? ", sent" : "")" : action.rawValue
    }

    /// Why nothing more is done.
    private func obstacles(
        _ slot: Slot, _ tracker: HealthTracker, _ action: HealthAction, at now: Moment
    ) -> [String] {
        let verdict = tracker.verdict
        switch verdict.condition {
        case .healthy, .starting, .paused, .unknown: return []
        case .leaking, .dark, .hung, .bloated: break
        }
        let key = "on_\(verdict.condition.className)"
        switch action {
        case .none, .alert:
            return [verdict.isAdvisory ? "what was learned is only told" : "\(key) says \(action.rawValue)"]
        case .restart, .drain, .kill: break
        }
        var reasons: [String] = []
        if !tracker.holds(verdict.condition) {
            reasons.append("the rule does not hold any more; the verdict ends after quiet samples (confirm)")
        }
        switch hold(on: verdict, slot, at: now) {
        case .localHealth?: reasons.append("warden doubts itself: " + localHealth.doubts.joined(separator: ", "))
        case let hold?: reasons.append(hold.rawValue)
        case nil: break
        }
        for use in slot.policy.budgets(slot.spec.health, at: now.instant)
        where use.condition == verdict.condition && use.isExhausted {
            reasons.append(
                "given up: \(use.spent) of \(use.allowed) restarts used within "
                    + "\(slot.spec.health.restartBudget.within.spoken), or they did not help; a restart by a person "
                    + "begins anew")
        }
        if case .waiting = slot.policy.phase, let pending = slot.policy.pendingAction(at: now.instant) {
            reasons.append(pending)
        }
        return reasons
    }

    /// What the policy waits for, with its time.
    private static func waits(_ slot: Slot, at now: Moment) -> [Outlook] {
        var waits: [Outlook] = []
        if let due = slot.policy.deadline {
            let text: String =
                switch slot.policy.phase {
                case .idle, .ending: ""
                case .waiting: "restarts when the backoff ends"
                case .collecting: "forensics end at the latest"
                case .draining: "restarts if it has not ended by itself"
                case .observing: "unhelped if it has not recovered"
                case .aiding: "first aid is answered at the latest"
                case .easing: "drains if no quiet moment comes"
                }
            waits.append(Outlook(text, at: now.wall(of: due)))
        }
        if let end = slot.healthPausedUntil { waits.append(Outlook("the pause ends", at: now.wall(of: end))) }
        return waits
    }

    /// Something happened that `why` tells.
    mutating func note(_ kind: Chronicle.Kind, _ text: String, of id: SlotID, at now: Moment) {
        _ = withSlot(id) { $0.chronicle.note(kind, text, at: now) }
        recordNote(kind, text, of: id, at: now)
    }

    /// What was decided about a verdict, or why it was not.
    mutating func note(_ step: RestartPolicy.Step?, _ verdict: Verdict, of id: SlotID, at now: Moment) {
        let name = verdict.condition.name
        switch step {
        case .alert(let hold)?:
            note(
                .decision, "\(name): alert" + (hold.map { "; no more, because \($0.rawValue)" } ?? ""), of: id, at: now)
        case .begin(let action)?: note(.decision, "\(name): \(action.rawValue)", of: id, at: now)
        case .giveUp?: note(.decision, "\(name): gave up, restart_budget is spent", of: id, at: now)
        case .nothing?, nil:
            guard let policy = slots[id]?.policy, case .waiting = policy.phase else { return }
            // Without the seconds that are left, which would be news each time.
            note(.hold, "\(name): \(policy.pendingAction(at: nil) ?? "waiting")", of: id, at: now)
        }
    }
}

extension Moment {
    /// The wall time of an instant, as the clocks are now.
    func wall(of instant: Instant) -> WallTime {
        WallTime(microseconds: wall.microseconds + (instant - self.instant).inNanoseconds / 1000)
    }
}

extension HealthTracker {
    /// What would end the verdict; `nil` when nothing is wrong.
    var recovery: String? {
        let quiet = "no such sample in \(spec.confirm.window) in a row"
        switch verdict.condition {
        case .healthy, .starting: return nil
        case .dark(.emfile): return "ends with a progress line, or with descriptors given back and \(quiet)"
        case .dark(.errors): return "ends with a progress line, or when the errors cease"
        case .dark(.probe): return "ends with the first good answer of the probe"
        case .hung(.noProgress): return "ends with a progress line, or with demand zero"
        case .hung(.uninterruptible): return "ends when no process of it is in state D: \(quiet)"
        case .hung(.deadlock): return "ends when a thread of it moves"
        case .hung(.silent), .hung(.livelock): return "ends with a line (heartbeat), after \(quiet)"
        case .bloated: return "ends with memory below rss_limit: \(quiet)"
        case .leaking(.fds): return "ends with fewer descriptors, or none gained: \(quiet)"
        case .leaking(.rss): return "ends with less memory, or none gained: \(quiet)"
        case .paused: return "ends when whoever holds it lets go (SIGCONT, the debugger, the freezer)"
        case .unknown: return "ends when its files can be read again"
        }
    }

    /// What would be believed next, and when, if nothing else comes.
    func forecast(at now: Moment) -> [Outlook] {
        var outlook: [Outlook] = []
        if verdict.condition == .starting {
            outlook.append(
                Outlook("grace ends, or earlier with the first progress line", at: now.wall(of: graceEndsAt)))
        }
        if case .hung = verdict.condition { return outlook }
        let clocks = max(window.lastHeartbeat, window.clocksHeldUntil)
        if spec.heartbeat != .none, let timeout = spec.heartbeatTimeout {
            if window.demand == .zero {
                outlook.append(Outlook("silence does not count while demand is zero"))
            } else {
                outlook += [
                    Outlook(
                        "would be hung/silent if no heartbeat comes and its tree stands still",
                        at: now.wall(of: max(clocks, window.lastActivity) + timeout)),
                    Outlook(
                        "would be hung if no heartbeat comes, though its tree moves",
                        at: now.wall(of: clocks + timeout * 2)),
                ]
            }
        }
        if let timeout = spec.progressTimeout, spec.progressPattern != nil,
            case .some(_, let since) = window.demand
        {
            let last = max(window.lastProgress?.at ?? window.startedAt, since, window.clocksHeldUntil)
            outlook.append(
                Outlook("would be hung/no-progress if no progress line comes", at: now.wall(of: last + timeout)))
        }
        return outlook
    }
}
