import Testing
import WardenCore

/// Goal: `why` tells what is decided, what is in the way, what would change it and when, and how it came to this.
@Suite struct SupervisorOutlookTests {
    private func standing(_ world: inout World) -> Standing {
        for case .reply(_, .explanations(let found)) in world.ask(.explain(.all)) {
            return found.first?.standing ?? Standing()
        }
        return Standing()
    }

    private func world(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group {
                $0.health.progressPattern = "Batch"
                change(&$0)
            }
        ])
        world.boot()
        return world
    }

    /// Wall seconds since the origin of an outlook.
    private func seconds(_ outlook: Outlook) -> Double? {
        outlook.at.map { Double($0.microseconds - 1_800_000_000_000_000) / 1e6 }
    }

    @Test("A healthy worker: when its silence would count")
    func silence() {
        var world = world { $0.health.heartbeatTimeout = .seconds(300) }
        world.pass(8)
        world.sample(0)
        world.log(0, progress(1, world.now))
        world.pass(5)
        world.sample(0)
        let standing = standing(&world)
        #expect(standing.decision == "nothing to do" && standing.heldBackBy.isEmpty)
        #expect(standing.outlook.map(\.text).allSatisfy { $0.hasPrefix("would be hung") })
        #expect(standing.outlook.map(seconds) == [315, 610])
        #expect(standing.timeline.map(\.kind) == [.start, .verdict])
        #expect(standing.timeline.first?.text == "generation 1 is started")
    }

    @Test("What is held back says by what", arguments: ["pause", "shadow", "doubt", "alert"])
    func held(_ by: String) {
        var world = World(
            [group { if by == "alert" { $0.health.actions[.dark(.emfile)] = .alert } }], isShadow: by == "shadow")
        world.boot()
        if by == "pause" { world.ask(.pauseHealthFor(.all, .seconds(600))) }
        if by == "doubt" { world.settle(.localHealth(LocalHealth(doubts: ["late ticks"]))) }
        world.darken(0)
        let standing = standing(&world)
        let expected = [
            "pause": "health is paused", "shadow": "shadow", "doubt": "warden doubts itself: late ticks",
            "alert": "on_dark says alert",
        ]
        #expect(standing.heldBackBy == [expected[by]])
        #expect(standing.decision == "alert, sent")
        #expect(standing.outlook.first?.text.contains("ends with a progress line") == (by != "pause"))
        #expect(standing.timeline.contains { $0.kind == .decision && $0.text.hasPrefix("dark/emfile: alert") })
    }

    @Test("Samples that are not enough yet are counted")
    func unconfirmed() {
        var world = world()
        for fds in [10, 10, 210, 210] {
            world.pass(5)
            world.sample(0, tree(fds: fds))
        }
        #expect(standing(&world).unconfirmed == ["fd_warning in 2 of the last 5 samples, 3 are needed"])
    }

    @Test("A second restart waits for its backoff, with the time, and the line tells how it came to this")
    func backoff() {
        var world = world { $0.health.backoffFirst = .seconds(200) }
        world.darken(0)
        world.mend(0)
        world.darken(0)
        let standing = standing(&world)
        #expect(standing.heldBackBy.count == 1 && standing.heldBackBy[0].hasPrefix("restart in "))
        #expect(standing.outlook.first?.text == "restarts when the backoff ends")
        #expect((standing.outlook.first.flatMap(seconds) ?? 0) > world.now)
        let kinds = standing.timeline.map(\.kind)
        let acts = standing.timeline.filter { $0.kind == .decision && $0.text == "dark/emfile: restart" }
        #expect(acts.count == 1 && kinds.last == .hold)
        #expect(kinds.contains(.outcome))
    }

    @Test("The time line is bounded")
    func bounded() {
        var world = world()
        for _ in 0..<40 {
            world.ask(.pauseHealth(.all))
            world.ask(.resumeHealth(.all))
        }
        #expect(standing(&world).timeline.count == Limits.chronicleEntries)
        #expect(standing(&world).timeline.last?.text == "health resumed")
    }
}
