import Testing
import WardenCore
import WardenRuntime

/// Goal: nothing that must never happen happens, in any of many lives. Method: the production shell on a simulated
/// machine, one seed and one trace, with a checker that keeps its own books.
@Suite struct SimulationTests {
    struct Life {
        var digest: UInt64
        var violations: [String]
        var spawns: Int
        var samples: Int
        var actions: [String: Int]
        var outcomes: [String: Int]
        var workerHours: Double
        var dependentSpawns: Int
    }

    /// What others depend on: one program that is always tried again, and becomes ready in one of the ways there are.
    private static func base(_ dice: inout Dice) -> GroupSpec {
        var supervision = SupervisionSpec()
        supervision.autorestart = .always
        supervision.startRetries = nil
        supervision.readiness = [.startSeconds, .notify, .probe][Int(dice.next() % 3)]
        supervision.startSeconds = .seconds(supervision.readiness == .startSeconds ? 1 : 10)
        supervision.restartDelay = dice.fraction() < 0.5 ? .seconds(2) : nil
        supervision.stopCommand = dice.fraction() < 0.5 ? "/bin/stop" : nil
        let program = ProgramSpec(
            name: SlotName(group: "base", process: "base"), program: "base", supervision: supervision,
            launch: LaunchSpec(arguments: ["/bin/base"]), standardOutput: LogSpec(), standardError: nil,
            health: HealthSpec())
        return GroupSpec(name: "base", priority: Int(dice.next() % 3), programs: [program])
    }

    private static func groups(seed: UInt64) -> [GroupSpec] {
        var dice = Dice(seed: seed)
        let intervals: [Duration] = [.seconds(5), .seconds(15), .seconds(30)]
        return [base(&dice)]
            + (0..<3).map { number in
                var health = HealthSpec()
                health.interval = intervals[Int(dice.next() % 3)]
                health.heartbeatTimeout = .seconds(300)
                health.progressPattern = "Batch"
                health.rssLimitBytes = 1 << 30
                health.restartBudget = HealthSpec.Budget(count: Int(dice.next() % 5) + 1, within: .seconds(3600))
                if dice.fraction() < 0.5 { health.demand = .command("backlog") }
                if dice.fraction() < 0.5 { health.forensics = false }
                if dice.fraction() < 0.3 { health.actions[.dark(.emfile)] = .kill }
                if dice.fraction() < 0.3 {
                    health.actions[.dark(.emfile)] = .drain
                    health.drainCommand = "drain"
                }
                let name = "group\(number)"
                var supervision = SupervisionSpec()
                supervision.autorestart = [.never, .unexpected, .always][Int(dice.next() % 3)]
                supervision.isNamedByHealthSection = dice.fraction() < 0.5
                if number > 0, dice.fraction() < 0.7 { supervision.dependsOn = ["base"] }
                if dice.fraction() < 0.3 { supervision.stopCommand = "/bin/stop" }
                supervision.startRetries = dice.fraction() < 0.3 ? nil : 3
                let programs = (0..<4).map { process in
                    ProgramSpec(
                        name: SlotName(group: name, process: "worker_\(process)"), program: name,
                        supervision: supervision, launch: LaunchSpec(arguments: ["/bin/worker"]),
                        standardOutput: LogSpec(), standardError: nil, health: health)
                }
                return GroupSpec(
                    name: name, priority: Int(dice.next() % 3), programs: programs,
                    maximumUnavailable: dice.fraction() < 0.5 ? .count(1) : .percent(50))
            }
    }

    static func live(seed: UInt64, hours: Int) -> Life {
        let groups = groups(seed: seed)
        let duration = Duration.seconds(hours * 3600)
        let machine = SimulatedMachine(seed: seed, groups: groups, duration: duration)
        var shell = Shell(
            supervisor: Supervisor(groups: groups), machine: machine, dice: Dice(seed: seed), invariants: .trap)
        while shell.step() == nil {}
        var checker = shell.machine.checker
        checker.finish()
        let slots = groups.reduce(0) { $0 + $1.programs.count }
        return Life(
            digest: shell.machine.digest, violations: checker.violations, spawns: checker.spawns,
            samples: shell.machine.samplesTaken, actions: checker.actions, outcomes: checker.outcomes,
            workerHours: Double(hours * slots), dependentSpawns: checker.dependentSpawns)
    }

    @Test func tenThousandWorkerHoursBreakNoInvariant() {
        var hours = 0.0
        var samples = 0
        var actions: [String: Int] = [:]
        var outcomes: [String: Int] = [:]
        var dependentSpawns = 0
        for seed in UInt64(1)...12 {
            let life = Self.live(seed: seed, hours: 72)
            #expect(life.violations.isEmpty, "seed \(seed): \(life.violations.prefix(5))")
            hours += life.workerHours
            dependentSpawns += life.dependentSpawns
            samples += life.samples
            actions.merge(life.actions, uniquingKeysWith: +)
            outcomes.merge(life.outcomes, uniquingKeysWith: +)
        }
        print("simulated \(Int(hours)) worker-hours, \(samples) samples, acted on \(actions), outcomes \(outcomes)")
        #expect(hours >= 10_000)
        #expect(dependentSpawns > 100, "hardly anybody depended on anything")
        // A simulation in which nothing goes wrong proves nothing.
        for condition in ["dark/emfile", "hung/deadlock", "hung/silent", "hung/livelock", "bloated/rss"] {
            #expect(actions[condition, default: 0] > 10, "\(condition) was hardly met")
        }
        for outcome in ["recovered", "unhelped", "gave-up", "superseded"] {
            #expect(outcomes[outcome, default: 0] > 0, "no \(outcome) in the whole run")
        }
    }

    @Test func oneSeedGivesOneTrace() {
        let first = Self.live(seed: 42, hours: 24)
        let second = Self.live(seed: 42, hours: 24)
        let other = Self.live(seed: 43, hours: 24)
        #expect(first.digest == second.digest)
        #expect(first.digest != other.digest)
    }
}
