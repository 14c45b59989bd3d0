import WardenCore

/// Ways in which the core is broken on purpose, to see that the checker finds each.
///
/// The core is a value: events go in, directives come out. So a core that is broken in one rule cannot be told from a
/// whole one that is lied to in just that rule: by its configuration, by its events, or about what became of its
/// directives. The lie stands at the core's own edge; the checker sees the world and the real configuration. That way
/// no line of the production code knows that it is tested.
enum Mutation: CaseIterable {
    /// Old news is believed: facts of former generations are stamped with the present one.
    case believesOldNews
    /// `max_unavailable` does not bind it.
    case ignoresSeats
    /// `restart_budget` does not bind it.
    case ignoresBudget
    /// It acts while it doubts itself.
    case ignoresDoubts
    /// It does not wait until a worker was looked over.
    case doesNotWaitForForensics
    /// It takes a worker under SIGSTOP for a silent one.
    case ignoresPauses
    /// It restarts everybody at once.
    case suspectsNoSharedCause
    /// `act_between` does not bind it.
    case ignoresHours
    /// One bad sample is enough.
    case needsNoConfirmation
    /// It forgets to say how an incident ended.
    case forgetsOutcomes
    /// It starts again what a person has stopped.
    case undoesStops
    /// Now and then it starts twice.
    case startsTwice
    /// It does not act at all.
    case neverActs

    /// The configuration that the core is given.
    func configuration(_ groups: [GroupSpec]) -> [GroupSpec] {
        groups.map { group in
            var group = group
            if self == .ignoresSeats { group.maximumUnavailable = .count(1000) }
            for index in group.programs.indices { distort(&group.programs[index].health) }
            return group
        }
    }

    private func distort(_ health: inout HealthSpec) {
        switch self {
        case .ignoresBudget: health.restartBudget = HealthSpec.Budget(count: 100, within: .seconds(1))
        case .ignoresHours: health.actBetween = []
        case .needsNoConfirmation: health.confirm = HealthSpec.Confirmation(needed: 1, window: 1)
        case .neverActs:
            for condition in Condition.precedence { health.actions[condition] = .alert }
        case .believesOldNews, .ignoresSeats, .ignoresDoubts, .doesNotWaitForForensics, .ignoresPauses,
            .suspectsNoSharedCause, .forgetsOutcomes, .undoesStops, .startsTwice:
            break
        }
    }

    /// `shared_cause` as the core knows it.
    var sharedCauseWindow: Duration? { self == .suspectsNoSharedCause ? nil : Limits.sharedCauseWindow }

    /// An event on its way into the core; `nil`: it does not hear of it.
    func event(_ event: Event, present: (SlotID) -> WorkerID?) -> Event? {
        switch (self, event) {
        case (.believesOldNews, .worker(let worker, let fact)): return .worker(present(worker.slot) ?? worker, fact)
        case (.ignoresDoubts, .localHealth): return nil
        case (.ignoresPauses, .worker(let worker, .sampled(let sample))):
            guard case .tree(var tree) = sample.readings else { return event }
            if tree.rootState == .stopped { tree.rootState = .sleeping }
            return .worker(worker, .sampled(Sample(takenAt: sample.takenAt, readings: .tree(tree))))
        default: return event
        }
    }
}
