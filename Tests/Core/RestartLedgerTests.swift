import Testing
import WardenCore

/// Goal: budget, backoff and breaker of one condition of one slot.
@Suite struct RestartLedgerTests {
    var spec: HealthSpec {
        var spec = HealthSpec()
        spec.backoffFirst = .seconds(1)
        spec.backoffMaximum = .seconds(20)
        spec.restartBudget = .init(count: 3, within: .seconds(100))
        return spec
    }

    @Test("The first is at once; then 1, 2, 4 … MAX, at most a quarter longer", arguments: [UInt64(1), 2, 3, 99])
    func backoff(seed: UInt64) {
        var dice = Dice(seed: seed)
        var ledger = RestartLedger()
        #expect(ledger.nextAllowedAt < instant(-1e6))
        var delays: [Duration] = []
        for round in 0..<40 {
            let now = instant(Double(round) * 1000)
            ledger.charge(spec, at: now, dice: &dice)
            delays.append(ledger.nextAllowedAt - now)
        }
        for (delay, plain) in zip(delays, [1.0, 2, 4, 8, 16, 20, 20] + Array(repeating: 20, count: 33)) {
            #expect(delay >= .seconds(plain) && delay <= .seconds(plain * 1.25))
        }
        #expect(Set(delays.suffix(10)).count > 5, "jittered")
    }

    @Test("The same seed gives the same delays")
    func deterministic() {
        func delays() -> [Instant] {
            var dice = Dice(seed: 5)
            var ledger = RestartLedger()
            return (0..<10).map {
                ledger.charge(spec, at: instant(Double($0)), dice: &dice)
                return ledger.nextAllowedAt
            }
        }
        #expect(delays() == delays())
    }

    @Test("The window of the budget: N inside it, and one is free again when the oldest leaves it")
    func budget() {
        var dice = Dice(seed: 1)
        var ledger = RestartLedger()
        for second in [0.0, 10, 20] {
            #expect(ledger.hasBudget(spec.restartBudget, at: instant(second)))
            ledger.charge(spec, at: instant(second), dice: &dice)
        }
        #expect(!ledger.hasBudget(spec.restartBudget, at: instant(99.9)))
        #expect(ledger.spent(spec.restartBudget, at: instant(99.9)) == 3)
        #expect(ledger.hasBudget(spec.restartBudget, at: instant(100)))
        ledger.charge(spec, at: instant(105), dice: &dice)
        #expect(ledger.restarts == [instant(10), instant(20), instant(105)])
    }

    @Test("The memory of restarts is bounded")
    func bounded() {
        var dice = Dice(seed: 1)
        var ledger = RestartLedger()
        var long = spec
        long.restartBudget = .init(count: Limits.budgetRestarts, within: .seconds(1e9))
        for second in 0..<1000 { ledger.charge(long, at: instant(Double(second)), dice: &dice) }
        #expect(ledger.restarts.count == Limits.budgetRestarts)
        #expect(!ledger.hasBudget(long.restartBudget, at: instant(1000)))
    }

    @Test("A reset starts the backoff anew, and leaves the budget as it is")
    func reset() {
        var dice = Dice(seed: 1)
        var ledger = RestartLedger()
        for second in 0..<3 { ledger.charge(spec, at: instant(Double(second)), dice: &dice) }
        ledger.resetBackoff()
        #expect(ledger.nextAllowedAt <= instant(3))
        #expect(!ledger.hasBudget(spec.restartBudget, at: instant(3)))
        ledger.charge(spec, at: instant(200), dice: &dice)
        #expect(ledger.nextAllowedAt <= instant(201.25))
    }

    @Test("Unhelped three times in a row exhausts; one that helps in between does not")
    func breaker() {
        var ledger = RestartLedger()
        #expect(ledger.failedToHelp() == false)
        #expect(ledger.failedToHelp() == false)
        ledger.helped()
        #expect(ledger.failedToHelp() == false)
        #expect(ledger.failedToHelp() == false)
        #expect(ledger.failedToHelp() == true)
        #expect(ledger.isExhausted)
    }
}
