import Testing
import WardenCore

/// Goal: what a snapshot says beside the readings themselves, which is what /metrics and its alerts go by.
@Suite struct SnapshotTests {
    /// Every worker only has alerts, so that nothing restarts what is being watched.
    private func world(_ change: (inout ProgramSpec) -> Void) -> World {
        var world = World([
            group("ami", ["w0"]) {
                for leak in Condition.Leak.allCases { $0.health.actions[.leaking(leak)] = HealthAction.none }
                change(&$0)
            }
        ])
        world.boot()
        return world
    }

    @Test("Given up is said while the verdict stands for which nothing more is done, and no longer")
    func hasGivenUp() {
        var world = world {
            $0.health.progressPattern = "Batch"
            $0.health.restartBudget = .init(count: 1, within: .seconds(3600))
        }
        #expect(world.snapshots().map(\.hasGivenUp) == [false])
        world.darken(0)
        #expect(world.worker(0).generation == Generation(2))
        world.pass(2)
        world.log(0, progress(1, world.now))
        world.pass(60)
        world.darken(0)
        #expect(world.worker(0).generation == Generation(2), "the budget is spent")
        #expect(world.snapshots().map(\.hasGivenUp) == [true])
        world.ask(.stop(.all, wait: true))
        #expect(world.snapshots().map(\.hasGivenUp) == [false], "who is down has no verdict")
    }

    @Test("Memory that grows towards rss_limit has a time; without a limit there is none", arguments: [true, false])
    func memoryTimeToLimit(isLimited: Bool) throws {
        var world = world {
            $0.health.interval = .seconds(600)
            $0.health.rssLimitBytes = isLimited ? 1 << 30 : nil
        }
        // 400 MiB at first, and ten more every hour.
        for step in Int64(0)..<360 {
            world.pass(600)
            world.sample(0, tree(rss: (400 + step * 10 / 6) << 20))
        }
        let left = world.snapshots()[0].memoryTimeToLimit
        #expect((left != nil) == isLimited)
        if let left { #expect(abs(left.inSeconds - 2.4 * 3600) < 3600, "\(left)") }
    }
}
