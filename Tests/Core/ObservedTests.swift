import Testing
import WardenCore

/// Goal: thresholds are proposed from what a worker showed while it was well, and from nothing else.
@Suite struct ObservedTests {
    private func observed(_ world: inout World) -> Observed {
        for case .reply(_, .explanations(let found)) in world.ask(.explain(.all)) {
            return found.first?.observed ?? Observed()
        }
        return Observed()
    }

    private func world() -> World {
        var world = World([
            group {
                $0.health.progressPattern = "Batch"
                $0.health.demand = .command("count")
            }
        ])
        world.settle(.ready)
        return world
    }

    @Test("Gaps, first progress, descriptors and memory at their most")
    func extremes() {
        var world = world()
        world.pass(20)
        world.log(0, progress(1, world.now))
        world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 0, output: "3"))))
        for (gap, fds) in [(5.0, 30), (45, 90), (5, 40)] {
            world.pass(gap)
            world.log(0, progress(UInt64(world.now), world.now))
            world.sample(0, tree(fds: fds, rss: Int64(fds) << 20))
        }
        let seen = observed(&world)
        #expect(seen.longestSilence == .seconds(45) && seen.longestProgressGap == .seconds(45))
        #expect(seen.longestFirstProgress == .seconds(20))
        #expect(seen.descriptorCount == 90 && seen.descriptorLimit == 256 && seen.rssBytes == 90 << 20)
        #expect(seen.lineTimes == 4 && seen.progressTimes == 4 && seen.generations == 1)
        // A sample after a long time without one does not stand for all of that time.
        #expect(seen.watched == .seconds(15))
    }

    @Test("What an ill worker shows is no example, and no gap reaches across a start")
    func illness() {
        var world = world()
        world.log(0, progress(1, world.now))
        for _ in 0..<5 {
            world.pass(5)
            world.sample(0)
        }
        let before = observed(&world)
        // The first samples of a full table are not known to be ill yet; then it is restarted.
        world.darken(0)
        let after = observed(&world)
        #expect(after.generations == 2)
        #expect(after.longestSilence == before.longestSilence)
        world.pass(3)
        world.log(0, alive(1, world.now))
        #expect(observed(&world).longestSilence == .seconds(3))
    }

    @Test("Without demand no time between progress lines counts")
    func withoutDemand() {
        var world = world()
        for line in 1...5 {
            world.pass(60)
            world.log(0, progress(UInt64(line), world.now))
        }
        #expect(observed(&world).longestProgressGap == nil)
    }
}
