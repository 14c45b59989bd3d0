import Glibc
import Testing
import WardenCore

/// Goal: nothing that must never happen happens, in any of many worlds. Method: the production shell on a simulated
/// machine, one seed and one trace, with a checker that keeps its own books.
@Suite struct SimulationTests {
    /// Worlds in which something once went wrong. They are always lived through again.
    static let regressions: [UInt64] = [
        // An alert that was followed by an action was never closed.
        4, 5, 21, 41, 55, 94,
        // A stop of Warden's own in state D, whose incident a person ended.
        24, 43,
        // Act_between, first aid and a shared cause at once.
        33, 52, 63, 93, 96,
        // The canary of a shared cause had spent its budget, and nobody went in its place.
        2,
        // State D: silence that nobody could break, and a probe that failed meanwhile.
        455, 2310, 2318, 2581,
        // A witness that is only told, and an outcome from before the suspicion.
        875, 1147, 2739,
        // A suspicion that was held for ever.
        1491, 1700,
        // An update that left alone what had been given up on.
        179, 365,
        // A restart that began seconds before the end, a SIGSTOP that no sample has shown, a start that waits for one
        // that a person stopped: none of them wrong.
        613, 1035, 1596, 2186,
        // Two were begun with before anything was suspected, and the first of them recovered.
        2744,
    ]

    /// Figures of many lives.
    private struct Tally {
        var days = 0.0
        var samples = 0
        var spawns = 0
        var dependentSpawns = 0
        var seeds = 0
        var actions: [String: Int] = [:]
        var outcomes: [String: Int] = [:]

        mutating func add(_ life: Life) {
            days += life.workerDays
            samples += life.samples
            spawns += life.checker.spawns
            dependentSpawns += life.checker.dependentSpawns
            seeds += 1
            actions.merge(life.checker.actions, uniquingKeysWith: +)
            outcomes.merge(life.checker.outcomes, uniquingKeysWith: +)
        }
    }

    /// Worker-days of the whole suite: 10,000, or what `WARDEN_SIMULATION_DAYS` says (`make simulate`).
    private static let wantedDays = getenv("WARDEN_SIMULATION_DAYS").flatMap { Double(String(cString: $0)) } ?? 10_000
    private static let shards = UInt64(2)

    @Test(arguments: 0..<shards) func noInvariantBreaksInThousandsOfWorkerDays(shard: UInt64) {
        var tally = Tally()
        var seed = shard + 1
        let clock = ContinuousClock()
        let began = clock.now
        while tally.days < Self.wantedDays / Double(Self.shards) {
            let life = Life(seed: seed)
            if !life.violations.isEmpty { Issue.record(Comment(rawValue: life.report)) }
            tally.add(life)
            seed += Self.shards
        }
        print(
            "simulated \(Int(tally.days)) worker-days in \(tally.seeds) worlds, \(tally.samples) samples, "
                + "\(tally.spawns) starts, in \(clock.now - began); "
                + "acted on \(tally.actions.sorted { $0.key < $1.key }), "
                + "outcomes \(tally.outcomes.sorted { $0.key < $1.key })")
        #expect(tally.dependentSpawns > 100, "hardly anybody depended on anything")
        // A simulation in which nothing goes wrong proves nothing.
        for condition in [
            "dark/emfile", "dark/probe", "hung/deadlock", "hung/silent", "hung/livelock", "hung/no-progress",
            "bloated/rss",
            "leaking/fds", "leaking/rss",
        ] {
            #expect(tally.actions[condition, default: 0] > 5, "\(condition) was hardly met")
        }
        for outcome in ["recovered", "unhelped", "gave-up", "superseded"] {
            #expect(tally.outcomes[outcome, default: 0] > 5, "hardly any \(outcome) in the whole run")
        }
    }

    @Test(arguments: regressions) func whatOnceWentWrongGoesWell(seed: UInt64) {
        let life = Life(seed: seed)
        #expect(life.violations.isEmpty, Comment(rawValue: life.violations.isEmpty ? "" : life.report))
    }

    @Test(arguments: UInt64(40)...45) func oneSeedGivesOneTrace(seed: UInt64) {
        let first = Life(seed: seed, days: 1)
        let second = Life(seed: seed, days: 1, keeps: 100)
        let other = Life(seed: seed + 1000, days: 1)
        #expect(first.digest == second.digest)
        #expect(first.digest != other.digest)
        #expect(!second.tail.isEmpty)
    }

    /// Goal: a binary that takes over knows everything. Method: the same world once with one supervisor, and once with
    /// one that is told to a successor over and over; the successor decides to the byte as the first would have.
    @Test(arguments: UInt64(50)...61) func aSuccessorGoesOnAsItsPredecessorWould(seed: UInt64) {
        let one = Life(seed: seed, days: 0.75)
        let many = Life(seed: seed, days: 0.75, handsOverEvery: 101)
        #expect(many.violations == one.violations)
        #expect(many.digest == one.digest)
    }

    /// Goal: a daemon that is killed is followed by one that goes on. Method: whole worlds in which that happens over
    /// and over, with the same books; each state is written and read again as it would be.
    @Test(arguments: UInt64(50)...61) func aDaemonThatIsKilledIsFollowedByOneThatGoesOn(seed: UInt64) {
        let life = Life(seed: seed, days: 0.75, crashesEvery: 101)
        #expect(life.crashes > 10, "the daemon was killed \(life.crashes) times")
        #expect(life.violations == [], "\(life.report)")
    }

    /// The core, broken in one rule at a time, is found out: else the checker checks nothing.
    @Test(arguments: Mutation.allCases) func aBrokenCoreIsCaught(mutation: Mutation) {
        var seeds = 0
        var caught: String?
        for seed in UInt64(1)...300 where caught == nil {
            seeds += 1
            caught = Life(seed: seed, mutation: mutation).violations.first
        }
        print("\(mutation) was caught in world \(seeds): \(caught ?? "never")")
        #expect(caught != nil, "\(mutation) was not noticed in \(seeds) worlds")
    }
}
