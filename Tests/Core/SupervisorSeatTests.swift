import Testing
import WardenCore

/// Goal: `max_unavailable` workers at a time, those who waited longest first, and never by a clock that spins.
@Suite struct SupervisorSeatTests {
    func world(_ maximum: Share = .count(1), count: Int = 3) -> World {
        var world = World([
            group("ami", (0..<count).map { "w\($0)" }, maximumUnavailable: maximum) {
                $0.health.progressPattern = "Batch"
                $0.health.actions[.leaking(.fds)] = HealthAction.none
            }
        ])
        world.boot()
        return world
    }

    func generations(_ world: World) -> [UInt32] {
        (0..<world.children.count).map { world.worker($0).generation.number }
    }

    @Test("Three dark workers are restarted one after the other, the one that waited longest first")
    func oneAtATime() {
        var world = world()
        world.darken(2)
        world.pass(1)
        world.darken(1)
        world.pass(1)
        world.darken(0)
        #expect(generations(world) == [1, 1, 2])
        #expect(
            world.snapshots().map(\.pendingAction) == [
                "waiting for max_unavailable", "waiting for max_unavailable", "restarted, outcome pending",
            ])
        world.log(2, progress(1, world.now))
        #expect(generations(world) == [1, 2, 2])
        world.log(1, progress(1, world.now))
        #expect(generations(world) == [2, 2, 2])
        #expect(world.objections.isEmpty)
    }

    @Test("Who waits for a seat has no deadline: no clock gives a seat, and the loop must not spin")
    func waitingForASeatIsNotADeadline() {
        var world = world()
        world.darken(0, 1)
        let outcomeDue = world.now + 180
        #expect(world.supervisor.nextDeadline().map { $0 <= instant(outcomeDue) && $0 > instant(world.now) } == true)
        world.pass(2)
        #expect(world.supervisor.nextDeadline() == instant(outcomeDue))
    }

    @Test("A worker whose restart did not help does not take the seat again from those who wait")
    func unhelpedGoesToTheEnd() {
        var world = world()
        world.darken(0, 1)
        #expect(generations(world) == [2, 1, 1])
        world.darken(0)
        #expect(generations(world) == [2, 2, 1], "w1 waited, w0 had its turn")
        world.log(1, progress(1, world.now))
        #expect(generations(world) == [3, 2, 1])
    }

    @Test(
        "Percentages round down, and at least one may go",
        arguments: [(Share.percent(50), 5, 2), (.percent(10), 5, 1), (.percent(100), 4, 4), (.count(3), 5, 3)])
    func shares(share: Share, count: Int, expected: Int) {
        var world = world(share, count: count)
        for _ in 0..<3 {
            world.pass(5)
            for position in 0..<count { world.sample(position, tree(fds: 255)) }
        }
        for position in 0..<count { world.log(position, failure(1, world.now, emfile: true)) }
        #expect(generations(world).filter { $0 == 2 }.count == expected)
    }

    @Test("A person's stop of the worker that is restarting gives the seat to the next")
    func stopFreesTheSeat() {
        var world = world()
        world.forensics = nil
        world.darken(0, 1)
        world.ask(.stop(.slot(group: "ami", process: "w0"), wait: true))
        #expect(world.snapshots()[1].pendingAction == "collecting forensics")
    }

    @Test("A worker that is well again while it waits is left alone")
    func wellWhileWaiting() {
        var world = world()
        world.darken(0, 1)
        world.log(1, progress(2_000_000, world.now))
        for _ in 0..<5 {
            world.pass(5)
            world.sample(1)
        }
        world.log(0, progress(1, world.now))
        #expect(generations(world) == [2, 1, 1])
        #expect(world.snapshots()[1].pendingAction == nil)
    }

    @Test("A worker that exits while it waits starts with a clean sheet")
    func exitWhileWaiting() {
        var world = world()
        world.darken(0, 1)
        _ = world.exits(1, .code(1))
        #expect(world.snapshots()[1].pendingAction == nil)
        world.log(0, progress(1, world.now))
        #expect(generations(world) == [2, 2, 1])
        #expect(world.snapshots()[1].lastRestart?.reason == .exit)
    }

    @Test("The second restart for a cause waits for its backoff, and wakes by itself")
    func backoffWakes() {
        var world = World([
            group {
                $0.health.progressPattern = "Batch"
                $0.health.backoffFirst = .seconds(120)
                $0.health.actions[.leaking(.fds)] = HealthAction.none
            }
        ])
        world.boot()
        world.darken(0)
        let first = world.now
        world.pass(2)
        world.log(0, progress(1, world.now))
        world.darken(0)
        #expect(world.worker(0).generation == Generation(2))
        #expect(world.snapshots().first?.pendingAction?.hasPrefix("restart in 1m") == true)
        guard let due = world.supervisor.nextDeadline() else {
            Issue.record("the backoff has no deadline")
            return
        }
        let waited = due - instant(first)
        #expect(waited >= .seconds(120) && waited <= .seconds(150), "at most a quarter longer")
        world.pass(200)
        #expect(world.worker(0).generation == Generation(3))
    }
}
