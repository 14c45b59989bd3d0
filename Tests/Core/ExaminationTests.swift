import Testing
import WardenCore

/// Goal: whoever is only told of a worker finds in the incident what was found in it, and nobody pays much for that.
@Suite struct ExaminationTests {
    static func forensics(_ line: String) -> Forensics {
        var forensics = Forensics()
        forensics.lastLines = [line]
        return forensics
    }

    func world(_ names: [String] = ["w0"], _ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group("ami", names) {
                $0.health.actions[.dark(.emfile)] = .alert
                $0.health.actions[.leaking(.fds)] = HealthAction.none
                change(&$0)
            }
        ])
        world.forensics = Self.forensics("[Errno 24]")
        world.boot()
        return world
    }

    func incidents(_ world: World) -> [Incident] {
        world.record.compactMap { if case .recordIncident(let incident) = $0 { incident } else { nil } }
    }

    @Test("The alert goes out first; what was found is added to the same incident, once, and nothing ends")
    func added() {
        var world = world()
        let said = words(world.darken(0))
        #expect(
            said.suffix(5) == [
                "w0 is dark/emfile proven", "record w0 dark/emfile alert", "alert opened w0 dark", "examine 1.1",
                "record w0 dark/emfile alert",
            ])
        #expect(incidents(world).map { $0.forensics?.lastLines } == [nil, ["[Errno 24]"]])
        #expect(Set(incidents(world).map(\.id)).count == 1)
        for _ in 0..<5 {
            world.pass(5)
            #expect(!words(world.sample(0, tree(fds: 255))).contains { $0.hasPrefix("examine") })
        }
        #expect(world.worker(0).generation == Generation(1))
        #expect(world.objections.isEmpty)
    }

    @Test("What comes when the incident is closed, or the worker gone, is dropped")
    func late() {
        var world = world()
        world.forensics = nil
        let worker = world.worker(0)
        world.darken(0)
        world.ask(.stop(.all, wait: true))
        let before = incidents(world).count
        world.settle(.worker(worker, .forensicsCollected(Self.forensics("x"))))
        #expect(incidents(world).count == before)
        #expect(world.objections.isEmpty)
    }

    @Test("Two at a time, and those that are not answered do not keep others from it for ever")
    func bounded() {
        var world = world(["w0", "w1", "w2"])
        world.forensics = nil
        #expect(words(world.darken(0, 1, 2)).filter { $0.hasPrefix("examine") } == ["examine 1.1", "examine 2.1"])
        world.mend(0, 1, 2, progress: true)
        for position in 0..<3 { world.log(position, progress(2_000_000, world.now)) }
        world.mend(0, 1, 2)
        for position in 0..<3 { world.sample(position, tree(fds: 255)) }
        for _ in 0..<2 {
            world.pass(5)
            for position in 0..<3 { world.sample(position, tree(fds: 255)) }
        }
        #expect(words(world.log(2, failure(3_000_000, world.now, emfile: true))).contains("examine 3.1"))
    }

    @Test("Not in shadow, not while we doubt ourselves, and not where forensics are off", arguments: [0, 1, 2])
    func excused(_ reason: Int) {
        var world = World(
            [
                group {
                    $0.health.actions[.dark(.emfile)] = .alert
                    $0.health.forensics = reason != 2
                }
            ], isShadow: reason == 0)
        world.boot()
        if reason == 1 { world.settle(.localHealth(LocalHealth(doubts: ["host pressed"]))) }
        let said = words(world.darken(0))
        #expect(said.contains("alert opened w0 dark"))
        #expect(!said.contains { $0.hasPrefix("examine") })
    }

    @Test("A worker that leaks is looked over once in a generation, however often that is told")
    func leaks() {
        var world = world {
            $0.health.actions[.leaking(.fds)] = .alert
            $0.health.leakHorizon = .seconds(1)
        }
        world.pass(61)
        var said: [String] = []
        for _ in 0..<3 {
            for _ in 0..<6 {
                said += words(world.pass(5))
                said += words(world.sample(0, tree(fds: 220)))
            }
            for _ in 0..<8 {
                said += words(world.pass(5))
                said += words(world.sample(0, tree(fds: 20)))
            }
        }
        #expect(said.filter { $0 == "alert opened w0 leaking" }.count == 3)
        #expect(said.filter { $0.hasPrefix("examine") }.count == 1)
    }
}
