import Testing
import WardenCore

/// Goal: what is done about a verdict, when, and how it ends; the policy of one slot, told fact by fact.
@Suite struct RestartPolicyTests {
    static let dark = Condition.dark(.emfile)

    func verdict(_ condition: Condition = dark) -> Verdict {
        Verdict(condition: condition, grade: .proven, since: at(0), evidence: [], reason: "because")
    }

    func incident(_ condition: Condition = dark, _ action: HealthAction = .restart) -> Incident {
        Incident(
            id: "1", worker: SlotName(group: "g", process: "p"), generation: Generation(1), at: at(0).wall,
            verdict: verdict(condition), action: action)
    }

    /// A policy that has begun, ended and started again; it observes since `seconds`.
    func observing(
        _ policy: RestartPolicy = RestartPolicy(), at seconds: Double = 0, _ spec: HealthSpec = HealthSpec()
    ) -> RestartPolicy {
        var policy = policy
        var dice = Dice(seed: 1)
        policy.began(incident(), spec, at: instant(seconds), dice: &dice)
        policy.collected(nil)
        policy.endingBegan()
        policy.restarted(spec, at: instant(seconds))
        return policy
    }

    @Test(
        "Each action's first step",
        arguments: [
            (HealthAction.none, RestartPolicy.Step.nothing), (.alert, .alert(nil)), (.restart, .begin(.restart)),
            (.drain, .begin(.drain)), (.kill, .begin(.kill)),
        ])
    func firstStep(action: HealthAction, step: RestartPolicy.Step) {
        var policy = RestartPolicy()
        var spec = HealthSpec()
        spec.actions[Self.dark] = action
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(0)) == step)
        #expect(policy.phase == .idle)
    }

    @Test(
        "The manual's default actions",
        arguments: [
            (Condition.leaking(.fds), HealthAction.alert), (.leaking(.rss), .alert), (.dark(.emfile), .restart),
            (.dark(.errors), .alert), (.dark(.probe), .restart), (.hung(.silent), .restart),
            (.hung(.noProgress), .restart), (.hung(.deadlock), .restart), (.hung(.livelock), .restart),
            (.hung(.uninterruptible), .alert), (.bloated(.rss), .restart), (.paused(.stopped), .none),
            (.paused(.traced), .none), (.paused(.frozen), .none), (.unknown(.unreadable), .none),
            (.unknown(.leftOver), .none), (.starting, .none), (.healthy, .none),
        ])
    func defaults(condition: Condition, action: HealthAction) {
        #expect(HealthSpec().actions[condition] == action)
    }

    @Test(
        "A hold turns an action into one alert",
        arguments: [RestartPolicy.Hold.paused, .localHealth, .shadow])
    func holds(hold: RestartPolicy.Hold) {
        var policy = RestartPolicy()
        let spec = HealthSpec()
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: hold, at: instant(0)) == .alert(hold))
        policy.alerted(incident(Self.dark, .alert))
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: hold, at: instant(5)) == .nothing)
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(10)) == .begin(.restart))
    }

    @Test("The phases in order, with their deadlines, the seat and whether an exit completes them")
    func phases() {
        var policy = RestartPolicy()
        var dice = Dice(seed: 1)
        let spec = HealthSpec()
        func look() -> [String] {
            [
                policy.deadline.map { "\($0.nanoseconds / 1_000_000_000)" } ?? "-", policy.holdsSeat ? "seat" : "-",
                policy.expectsExit ? "exit" : "-", policy.pendingAction(at: nil) ?? "-",
            ]
        }
        #expect(look() == ["-", "-", "-", "-"])
        policy.began(incident(), spec, at: instant(100), dice: &dice)
        #expect(look() == ["104", "seat", "exit", "collecting forensics"])
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(101)) == .nothing)
        policy.collected(Forensics())
        policy.drainBegan(deadline: instant(160))
        #expect(look() == ["160", "seat", "exit", "draining"])
        policy.endingBegan()
        #expect(look() == ["-", "seat", "exit", "restarting"])
        policy.restarted(spec, at: instant(170))
        #expect(look() == ["350", "seat", "-", "restarted, outcome pending"])
        let closed = policy.recovered(at: instant(200))
        #expect(closed?.outcome == .recovered(after: .seconds(30)))
        #expect(closed?.forensics == Forensics())
        #expect(look() == ["-", "-", "-", "-"])
    }

    @Test("Waiting: for the backoff there is a deadline, for a seat there is none")
    func waiting() {
        var spec = HealthSpec()
        spec.backoffFirst = .seconds(100)
        var policy = observing()
        _ = policy.recovered(at: instant(1))
        policy = observing(policy, at: 2, spec)
        _ = policy.recovered(at: instant(3))
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(10)) == .nothing)
        #expect(policy.phase == .waiting(Self.dark, since: instant(10)))
        #expect(policy.deadline.map { $0 > instant(100) } == true)
        #expect(policy.decide(verdict(), spec, hasSeat: false, hold: nil, at: instant(400)) == .nothing)
        #expect(policy.deadline == nil)
        #expect(policy.phase == .waiting(Self.dark, since: instant(10)), "it keeps its place in the queue")
        #expect(policy.pendingAction(at: instant(400)) == "waiting for max_unavailable")
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(401)) == .begin(.restart))
    }

    @Test("The condition changes while it waits: the old wish is forgotten")
    func conditionChanges() {
        var policy = RestartPolicy()
        let spec = HealthSpec()
        _ = policy.decide(verdict(), spec, hasSeat: false, hold: nil, at: instant(0))
        _ = policy.decide(verdict(.hung(.silent)), spec, hasSeat: false, hold: nil, at: instant(5))
        #expect(policy.phase == .waiting(.hung(.silent), since: instant(5)))
        #expect(policy.decide(verdict(.leaking(.fds)), spec, hasSeat: false, hold: nil, at: instant(6)) == .alert(nil))
        #expect(policy.phase == .idle)
        _ = policy.decide(verdict(), spec, hasSeat: false, hold: nil, at: instant(7))
        _ = policy.decide(verdict(.healthy), spec, hasSeat: false, hold: nil, at: instant(8))
        #expect(policy.phase == .idle)
    }

    @Test("A spent budget gives up once, for that condition alone; a person's command makes it whole")
    func budget() {
        var spec = HealthSpec()
        spec.restartBudget = .init(count: 1, within: .seconds(3600))
        var policy = observing(RestartPolicy(), at: 0, spec)
        _ = policy.recovered(at: instant(1))
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(100)) == .giveUp)
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(105)) == .nothing)
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(9999)) == .nothing)
        #expect(
            policy.budgets(spec, at: instant(105)) == [
                BudgetUse(condition: Self.dark, spent: 1, allowed: 1, isExhausted: true)
            ])
        #expect(
            policy.decide(verdict(.hung(.silent)), spec, hasSeat: true, hold: nil, at: instant(106)) == .begin(.restart)
        )
        policy.commanded()
        #expect(policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(107)) == .begin(.restart))
        #expect(policy.budgets(spec, at: instant(107)).isEmpty)
    }

    @Test("Unhelped, unhelped, gave-up; one recovery in between starts the count anew")
    func outcomes() {
        var policy = RestartPolicy()
        var told: [String] = []
        for round in 0..<6 {
            policy = observing(policy, at: Double(round) * 4000)
            let closed = round == 2 ? policy.recovered(at: instant(Double(round) * 4000 + 9)) : policy.unhelped()
            told.append(closed?.outcome?.name ?? "-")
        }
        #expect(told == ["unhelped", "unhelped", "recovered", "unhelped", "unhelped", "gave-up"])
        #expect(
            policy.decide(verdict(), HealthSpec(), hasSeat: true, hold: nil, at: instant(1e6)) == .nothing)
    }

    @Test("Ten minutes well reset the backoff; an illness in between starts them anew", arguments: [false, true])
    func backoffResets(isInterrupted: Bool) {
        var spec = HealthSpec()
        spec.backoffFirst = .seconds(3000)
        spec.backoffMaximum = .seconds(3000)
        var policy = observing(RestartPolicy(), at: 0, spec)
        _ = policy.recovered(at: instant(1))
        policy.wasWell(at: instant(10))
        if isInterrupted {
            policy.wasUnwell()
            policy.wasWell(at: instant(11))
        }
        policy.wasWell(at: instant(610))
        let step = policy.decide(verdict(), spec, hasSeat: true, hold: nil, at: instant(611))
        #expect(step == (isInterrupted ? .nothing : .begin(.restart)))
    }

    @Test("Superseded: by a command in any phase; idle and waiting have nothing to close")
    func superseded() {
        var policy = RestartPolicy()
        #expect(policy.superseded() == nil)
        _ = policy.decide(verdict(), HealthSpec(), hasSeat: false, hold: nil, at: instant(0))
        #expect(policy.superseded() == nil)
        #expect(policy.phase == .idle)
        policy = observing()
        #expect(policy.superseded()?.outcome == .superseded)
        #expect(policy.phase == .idle)
    }

    @Test("An alert closes once, as recovered or superseded")
    func alerts() {
        var policy = RestartPolicy()
        #expect(policy.closeAlert(isWell: true, elapsed: .zero) == nil)
        policy.alerted(incident(.leaking(.fds), .alert))
        #expect(!policy.holdsSeat, "an alert takes nobody's seat")
        #expect(policy.closeAlert(isWell: true, elapsed: .seconds(7))?.outcome == .recovered(after: .seconds(7)))
        #expect(policy.closeAlert(isWell: true, elapsed: .zero) == nil)
        policy.alerted(incident(.leaking(.fds), .alert))
        #expect(policy.closeAlert(isWell: false, elapsed: .zero)?.outcome == .superseded)
    }

    @Test("Facts out of phase change nothing")
    func outOfPhase() {
        var policy = RestartPolicy()
        policy.collected(nil)
        policy.drainBegan(deadline: instant(1))
        policy.endingBegan()
        policy.restarted(HealthSpec(), at: instant(1))
        policy.generationEnded()
        policy.woke()
        #expect(policy.recovered(at: instant(1)) == nil)
        #expect(policy.unhelped() == nil)
        #expect(policy == RestartPolicy())
    }
}
