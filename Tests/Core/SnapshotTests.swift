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
}
