/// What was spent on one condition of one slot: the budget, the backoff, and whether it has ever helped.
package struct RestartLedger: Hashable, Codable, Sendable {
    /// Restarts inside the budget's window, oldest first, at most `Limits.budgetRestarts`.
    package private(set) var restarts: [Instant] = []
    /// Restarts since the backoff was last reset.
    package private(set) var inARow = 0
    /// Restarts in a row that did not help.
    package private(set) var unhelpedInARow = 0
    /// Warden has stopped restarting for this condition, until a person's command.
    package private(set) var isExhausted = false
    private var allowedAt = Instant(nanoseconds: .min)

    /// Nothing spent.
    package init() {}

    /// When the next restart may begin: at once the first time, then after the backoff.
    package var nextAllowedAt: Instant { allowedAt }

    /// Whether the budget's window has room for one more.
    package func hasBudget(_ budget: HealthSpec.Budget, at now: Instant) -> Bool {
        spent(budget, at: now) < budget.count
    }

    /// Restarts inside the window that ends now.
    package func spent(_ budget: HealthSpec.Budget, at now: Instant) -> Int {
        restarts.count { now - $0 < budget.within }
    }

    /// A restart begins.
    package mutating func charge(_ spec: HealthSpec, at now: Instant, dice: inout Dice) {
        restarts.removeAll { now - $0 >= spec.restartBudget.within }
        if restarts.count >= Limits.budgetRestarts { restarts.removeFirst() }
        restarts.append(now)
        // FIRST, twice that, four times that … MAX; up to a quarter longer, so that workers that fell together do not
        // rise together.
        let doubled = spec.backoffFirst * (1 << min(inARow, 30))
        let delay = min(doubled, spec.backoffMaximum)
        allowedAt = now + delay + delay * (0.25 * dice.fraction())
        inARow += 1
    }

    /// The worker was well for long enough: the next restart begins at once.
    package mutating func resetBackoff() {
        inARow = 0
        allowedAt = Instant(nanoseconds: .min)
    }

    /// A restart helped.
    package mutating func helped() {
        unhelpedInARow = 0
    }

    /// A restart did not help.
    ///
    /// - Returns: true when that was once too often: Warden stops trying.
    package mutating func failedToHelp() -> Bool {
        unhelpedInARow += 1
        if unhelpedInARow >= Limits.unhelpedInARow { isExhausted = true }
        return isExhausted
    }

    /// The budget is spent.
    package mutating func exhaust() {
        isExhausted = true
    }
}
