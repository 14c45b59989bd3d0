import Testing
import WardenCore

/// Goal: a full worker that is to be drained gets descriptors first, and ends at a moment that costs nothing.
@Suite struct SupervisorFirstAidTests {
    func world(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group {
                $0.health.actions[.leaking(.fds)] = HealthAction.none
                $0.health.actions[.dark(.emfile)] = .drain
                $0.health.drainSignal = Signal(10)
                $0.health.firstAid = .force
                change(&$0)
            }
        ])
        world.boot()
        return world
    }

    /// Three samples of a table of `limit` that is full, then an EMFILE line.
    func darken(_ world: inout World, limit: Int) -> [String] {
        for _ in 0..<3 {
            world.pass(5)
            world.sample(0, tree(fds: limit - 1, limit: limit))
        }
        return words(world.log(0, failure(1_000_000, world.now, emfile: true)))
    }

    @Test("Aid first, then people are told of it, then the worker is looked over, and nothing ends it")
    func order() {
        var world = world()
        #expect(
            words(world.darken(0)).suffix(8)
                == [
                    "w0 is dark/emfile proven", "aid 1.1 pid 100", "record w0 dark/emfile drain",
                    "alert opened w0 dark", "forensics 1.1", "record w0 dark/emfile drain",
                ].suffix(8))
        #expect(world.lastStatus == "1 worker: 1 dark (w0 emfile, limit raised to 8192; drains at a quiet moment)")
        for case .alert(let alert) in world.record {
            #expect(
                alert.incident.verdict.reason.hasSuffix("first aid: soft limit of pid 100 raised from 2048 to 8192"))
            #expect(alert.incident.verdict.evidence.last?.rule == "first_aid")
        }
        #expect(world.objections.isEmpty)
    }

    @Test("The verdict stays while the worker works again; the next progress line drains it")
    func atProgress() {
        var world = world()
        world.darken(0)
        for _ in 0..<7 {
            world.pass(5)
            #expect(!words(world.sample(0, tree(fds: 255, limit: 8192))).contains { $0.contains("healthy") })
        }
        #expect(world.snapshots().first?.verdict?.condition == .dark(.emfile))
        #expect(world.snapshots().first?.verdict?.evidence.last?.rule == "first_aid")
        #expect(words(world.log(0, progress(2_000_000, world.now))) == ["SIGUSR1 processIfCaught 1.1"])
        #expect(world.lastStatus == "1 worker: 1 dark (w0 emfile, draining)")
        #expect(words(world.exits(0, .code(0))).last == "spawn w0.2 restarts 1")
        #expect(world.snapshots().first?.verdict?.condition == .starting)
    }

    @Test("Demand zero is a quiet moment, too; demand is not")
    func atDemandZero() {
        var world = world { $0.health.demand = .command("count") }
        world.darken(0)
        let worker = world.worker(0)
        #expect(words(world.settle(.worker(worker, .hookEnded(.demand, .exited(code: 0, output: "3"))))).isEmpty)
        #expect(
            words(world.settle(.worker(worker, .hookEnded(.demand, .exited(code: 0, output: "0"))))) == [
                "SIGUSR1 processIfCaught 1.1"
            ])
    }

    @Test("At the latest after drain_timeout")
    func atDeadline() {
        var world = world { $0.health.drainTimeout = .seconds(20) }
        world.darken(0)
        #expect(world.pass(19.9).isEmpty)
        #expect(words(world.pass(0.1)) == ["SIGUSR1 processIfCaught 1.1"])
        #expect(words(world.pass(20)).prefix(2) == ["w0 STOPPING", "SIGTERM tree 1.1"])
    }

    @Test("Without anything to drain with, the worker is restarted at the quiet moment")
    func withoutDrain() {
        var world = world { $0.health.drainSignal = nil }
        world.darken(0)
        #expect(words(world.log(0, progress(2_000_000, world.now))).contains("SIGTERM tree 1.1"))
    }

    @Test("What cannot be helped is drained at once, as before")
    func refused() {
        var world = world()
        world.firstAid = { _ in .refused(reason: "EPERM") }
        #expect(words(world.darken(0)).last == "SIGUSR1 processIfCaught 1.1")
        #expect(words(world.record).filter { $0 == "alert opened w0 dark" }.count == 1)
    }

    @Test("Aid that is never answered holds nothing up, and people are told")
    func unanswered() {
        var world = world()
        world.firstAid = nil
        #expect(words(world.darken(0)).last == "aid 1.1 pid 100")
        let done = words(world.pass(1))
        #expect(done.contains("alert opened w0 dark") && done.last == "SIGUSR1 processIfCaught 1.1")
    }

    @Test("A worker that ends before the answer starts again, and people were told")
    func endsMeanwhile() {
        var world = world()
        world.firstAid = nil
        world.darken(0)
        let done = words(world.exits(0, .code(1)))
        #expect(done.first { $0.hasPrefix("alert") } == "alert opened w0 dark")
        #expect(done.last == "spawn w0.2 restarts 1")
        #expect(world.objections.isEmpty)
    }

    @Test("A person's stop wins, in the middle of it")
    func stopped() {
        var world = world()
        world.darken(0)
        world.ask(.stop(.all, wait: true))
        world.pass(4000)
        #expect(world.snapshots().first?.state == .stopped)
        #expect(world.objections.isEmpty)
    }

    @Test(
        "Only above 1024, unless forced; never beyond the hard limit; never when told not to; only when draining",
        arguments: [
            (HealthSpec.FirstAid.yes, 1024, HealthAction.drain, false), (.yes, 2048, .drain, true),
            (.force, 256, .drain, true), (.no, 2048, .drain, false), (.yes, 2048, .restart, false),
            (.force, Limits.aidedDescriptors, .drain, false),
        ])
    func conditions(_ aid: HealthSpec.FirstAid, _ limit: Int, _ action: HealthAction, _ isGiven: Bool) {
        var world = world {
            $0.health.firstAid = aid
            $0.health.actions[.dark(.emfile)] = action
        }
        #expect(darken(&world, limit: limit).contains("aid 1.1 pid 100") == isGiven)
    }
}
