import Testing
import WardenCore

/// Goal: whole directive lists of the main paths of Warden's own decisions.
@Suite struct SupervisorIncidentTests {
    /// On the way to dark/emfile a worker is leaking/fds; nobody is told of that here.
    func world(_ names: [String] = ["w0"], _ change: (inout ProgramSpec) -> Void = { _ in }) -> World {
        World([
            group("ami", names) {
                $0.health.actions[.leaking(.fds)] = HealthAction.none
                change(&$0)
            }
        ])
    }

    @Test("Ready: the autostart workers start in the order of group priority, group name and configuration")
    func bootOrder() {
        let groups = [
            group("z", ["z1", "z0"], priority: 5), group("b", ["b0"], priority: 10), group("a", ["a0"], priority: 10),
            group("m", ["m0"], priority: 1) { $0.supervision.autostart = false },
        ]
        var world = World(groups)
        #expect(
            words(world.tell(.ready)) == [
                "running", "z1 STARTING", "spawn z1.1 restarts 0", "z0 STARTING", "spawn z0.1 restarts 0",
                "a0 STARTING", "spawn a0.1 restarts 0", "b0 STARTING", "spawn b0.1 restarts 0", "ready",
            ])
        #expect(world.lastStatus == "5 workers: 4 starting, 1 stopped")
        world.settle()
        world.pass(0.999)
        #expect(world.snapshots().filter { $0.state == .running }.isEmpty)
        #expect(words(world.pass(0.001)) == ["z1 RUNNING", "z0 RUNNING", "a0 RUNNING", "b0 RUNNING"])
        #expect(world.objections.isEmpty)
    }

    @Test("A dark worker: incident and forensics in one turn, stop, start, and the outcome")
    func darkWorker() throws {
        var world = world(["ami-antenna-worker_00", "ami-antenna-worker_01", "ami-antenna-worker_02"])
        world.forensics = nil
        world.boot()
        world.pass(70)
        for position in 0..<3 { world.sample(position) }
        #expect(world.lastStatus == "3 workers: 3 healthy")
        let begun = world.darken(1)
        let name = "ami-antenna-worker_01"
        #expect(
            words(begun) == [
                "\(name) is dark/emfile proven", "record \(name) dark/emfile restart", "alert opened \(name) dark",
                "forensics 2.1",
            ])
        #expect(world.lastStatus == "3 workers: 2 healthy, 1 dark (\(name) emfile, collecting forensics)")
        var found = Forensics()
        found.descriptorKinds = [.init(kind: "pipe", count: 252)]
        let stop = world.tell(.worker(world.worker(1), .forensicsCollected(found)))
        #expect(
            words(stop) == ["record \(name) dark/emfile restart", "\(name) STOPPING", "SIGTERM tree 2.1"])
        #expect(world.lastStatus == "3 workers: 2 healthy, 1 dark (\(name) emfile, restarting)")
        #expect(
            words(world.settle()) == [
                "release 2.1 sweep", "\(name) STOPPED", "\(name) STARTING", "spawn \(name).2 restarts 1",
            ])
        world.pass(1)
        #expect(world.lastStatus == "3 workers: 2 healthy, 1 starting (\(name), restarted, outcome pending)")
        world.pass(2)
        let recovered = world.log(1, progress(1, world.now))
        #expect(
            words(recovered) == [
                "\(name) is healthy proven", "record \(name) dark/emfile restart recovered",
                "alert closed \(name) recovered",
            ])
        let ending = "last: ami:\(name) dark/emfile restart: recovered in 3s"
        #expect(world.lastStatus == "3 workers: 3 healthy; \(ending)")
        let snapshot = try #require(world.snapshots().dropFirst().first)
        #expect(snapshot.restartCount == 1)
        #expect(snapshot.lastRestart?.reason == .health(.dark(.emfile)))
        #expect(snapshot.lastRestart?.outcome == .recovered(after: .seconds(3)))
        #expect(world.objections.isEmpty)
    }

    @Test("Without a progress pattern, a whole confirm window of healthy samples after the grace is recovery")
    func recoveryBySamples() {
        var world = world()
        world.boot()
        world.darken(0)
        world.pass(61)
        for round in 1...4 {
            world.pass(5)
            #expect(!words(world.sample(0)).contains { $0.contains("recovered") }, "round \(round)")
        }
        world.pass(5)
        #expect(words(world.sample(0)).contains("alert closed w0 recovered"))
    }

    @Test("The same condition again is unhelped, and the second and third failure restart like the first")
    func rearm() {
        var world = world { $0.health.progressPattern = "Batch" }
        world.boot()
        for round in 1...3 {
            let begun = words(world.darken(0))
            #expect(begun.filter { $0.hasPrefix("alert opened") } == ["alert opened w0 dark"], "round \(round)")
            #expect(world.worker(0).generation == Generation(UInt32(round) + 1))
            world.pass(2)
            #expect(words(world.log(0, progress(1, world.now))).contains("alert closed w0 recovered"))
            world.pass(60)
        }
    }

    @Test("Unhelped three times in a row: gave-up once, and the worker is kept as it is until a person's command")
    func unhelpedThreeTimes() {
        var world = world()
        world.boot()
        var closed: [String] = []
        for _ in 1...8 {
            closed += words(world.darken(0)).filter { $0.hasPrefix("alert closed") }
            world.pass(5)
        }
        #expect(closed == ["alert closed w0 unhelped", "alert closed w0 unhelped", "alert closed w0 gave-up"])
        #expect(world.worker(0).generation == Generation(4))
        #expect(world.lastStatus?.contains("gave up (restarts did not help); kept as it is") == true)
        #expect(resolved(world.ask(.stop(.all, wait: true))) == ["alert resolved w0 recovered"])
        #expect(resolved(world.ask(.start(.all, wait: true))).isEmpty)
        world.pass(2)
        world.darken(0)
        #expect(world.worker(0).generation == Generation(6), "the breaker is closed")
        #expect(world.objections.isEmpty)
    }

    private func resolved(_ directives: [Directive]) -> [String] {
        words(directives).filter { $0.hasPrefix("alert resolved") }
    }

    @Test("What was given up is told to be over when the worker is well again without help, once")
    func resolvedByItself() {
        var world = world { $0.health.restartBudget = .init(count: 0, within: .seconds(3600)) }
        world.boot()
        #expect(words(world.darken(0)).contains("alert closed w0 gave-up"))
        #expect(resolved(world.mend(0) + world.mend(0)) == ["alert resolved w0 recovered"])
        #expect(resolved(world.mend(0)).isEmpty)
        #expect(world.objections.isEmpty)
    }

    @Test("A restart that did not help and one that did are one trouble: its end is told once")
    func resolvedByTheNext() {
        var world = world { $0.health.progressPattern = "Batch" }
        world.boot()
        var told = words(world.darken(0)) + words(world.darken(0))
        world.pass(2)
        told += words(world.log(0, progress(1, world.now)))
        for _ in 1...12 {
            world.pass(5)
            told += words(world.sample(0))
        }
        #expect(
            told.filter { $0.hasPrefix("alert") } == [
                "alert opened w0 dark", "alert closed w0 unhelped", "alert opened w0 dark", "alert closed w0 recovered",
            ])
    }

    @Test("A spent budget: one alert, gave-up, and nothing more")
    func budget() {
        var world = world {
            $0.health.progressPattern = "Batch"
            $0.health.restartBudget = .init(count: 2, within: .seconds(3600))
        }
        world.boot()
        var closed: [String] = []
        for _ in 1...4 {
            closed += words(world.darken(0)).filter { $0.hasPrefix("alert closed") }
            world.pass(2)
            closed += words(world.log(0, progress(1, world.now))).filter { $0.hasPrefix("alert closed") }
            world.pass(30)
        }
        #expect(
            closed == ["alert closed w0 recovered", "alert closed w0 recovered", "alert closed w0 gave-up"])
        #expect(world.worker(0).generation == Generation(3))
        #expect(world.lastStatus?.contains("restart_budget is spent") == true)
    }

    @Test("No outcome by the end of grace and recover_within is unhelped")
    func noOutcome() {
        var world = world { $0.health.progressPattern = "Batch" }
        world.boot()
        world.darken(0)
        let restarted = world.now
        world.pass(179.9)
        #expect(world.supervisor.nextDeadline() == instant(restarted + 180))
        #expect(words(world.pass(0.2)) == ["record w0 dark/emfile restart unhelped", "alert closed w0 unhelped"])
    }

    @Test("Forensics that never answer are given up a second after their budget")
    func forensicsTimeOut() {
        var world = world()
        world.forensics = nil
        world.boot()
        world.darken(0)
        #expect(world.pass(3.9).isEmpty)
        #expect(words(world.pass(0.1)).first == "w0 STOPPING")
        #expect(world.worker(0).generation == Generation(2))
        let late = world.tell(.worker(world.worker(0), .forensicsCollected(Forensics())))
        #expect(late.isEmpty)
    }

    @Test("While the worker is looked over, verdicts are on hold: a debugger's stop is not told")
    func verdictsOnHold() {
        var world = world()
        world.forensics = nil
        world.boot()
        world.darken(0)
        #expect(world.sample(0, tree(fds: 255, state: .traced)).isEmpty)
    }

    @Test("forensics = false stops in the same turn")
    func noForensics() {
        var world = world { $0.health.forensics = false }
        world.boot()
        #expect(
            words(world.darken(0)) == [
                "w0 is dark/emfile proven", "record w0 dark/emfile restart", "alert opened w0 dark", "w0 STOPPING",
                "SIGTERM tree 1.1", "release 1.1 sweep", "w0 STOPPED", "w0 STARTING", "spawn w0.2 restarts 1",
            ])
    }

    @Test("kill sends SIGKILL, without the stop signal")
    func kill() {
        var world = world { $0.health.actions[.dark(.emfile)] = .kill }
        world.boot()
        let done = words(world.darken(0))
        #expect(done.contains("SIGKILL tree 1.1"))
        #expect(!done.contains { $0.hasPrefix("SIGTERM") })
        #expect(done.last == "spawn w0.2 restarts 1")
    }

    @Test(
        "An exit during forensics or drain completes what was begun, whatever autorestart and the exit code say",
        arguments: [WardenCore.ExitStatus.code(0), .code(1), .signal(11, coreDumped: true)], [false, true])
    func exitCompletes(status: WardenCore.ExitStatus, isDraining: Bool) {
        var world = world {
            $0.supervision.autorestart = .never
            $0.health.actions[.dark(.emfile)] = isDraining ? .drain : .restart
            $0.health.drainSignal = Signal(10)
        }
        if !isDraining { world.forensics = nil }
        world.boot()
        world.darken(0)
        let ended = words(world.exits(0, status))
        #expect(
            ended == [
                "w0 STOPPING", "release 1.1 sweep", "w0 STOPPED", "w0 STARTING", "spawn w0.2 restarts 1",
            ])
        #expect(world.snapshots().first?.lastRestart?.reason == .health(.dark(.emfile)))
        #expect(world.objections.isEmpty)
    }

    @Test("A restart that ends in FATAL has not helped, and frees the seat")
    func restartIntoFatal() {
        var world = world(["w0", "w1"]) { $0.supervision.startRetries = 0 }
        world.boot()
        world.startFailure = 2
        let done = words(world.darken(0))
        #expect(done.suffix(3) == ["w0 FATAL", "record w0 dark/emfile restart unhelped", "alert closed w0 unhelped"])
        world.startFailure = nil
        world.darken(1)
        #expect(world.worker(1).generation == Generation(2), "the seat is free again")
    }

    @Test("A worker that cannot be signalled gives its seat back, and is not waited for")
    func unkillable() {
        var world = world(["w0", "w1"])
        world.childrenObey = false
        world.boot()
        world.darken(0)
        let failed = words(world.settle(.worker(world.worker(0), .signalFailed(1))))
        #expect(failed == ["w0 UNKNOWN", "record w0 dark/emfile restart unhelped", "alert closed w0 unhelped"])
        world.darken(1)
        #expect(world.snapshots().last?.state == .stopping)
    }
}
