import Testing
import WardenCore

/// Goal: what keeps Warden from acting: a person, shadow, doubts about itself, old news, and a person's stop.
@Suite struct SupervisorHoldTests {
    func world(isShadow: Bool = false, _ change: (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World(
            [
                group {
                    $0.health.actions[.leaking(.fds)] = HealthAction.none
                    change(&$0)
                }
            ], isShadow: isShadow)
        world.boot()
        return world
    }

    @Test("Shadow decides, records and tells once, and does nothing")
    func shadow() {
        var world = world(isShadow: true)
        #expect(
            words(world.darken(0)) == [
                "w0 is dark/emfile proven", "record w0 dark/emfile alert", "alert opened w0 dark",
            ])
        world.pass(5)
        #expect(words(world.sample(0, tree(fds: 255))).isEmpty)
        #expect(world.lastStatus?.hasSuffix("shadow: nothing is acted on") == true)
        let incident = world.record.compactMap { if case .recordIncident(let incident) = $0 { incident } else { nil } }
        #expect(incident.first?.heldBackBy == "shadow")
    }

    @Test("Paused health shows and tells, and acts when it is resumed")
    func paused() {
        var world = world()
        world.ask(.pauseHealth(.all))
        #expect(words(world.darken(0)).contains("alert opened w0 dark"))
        #expect(world.lastStatus == "1 worker: 1 dark (w0 emfile, health paused)")
        world.ask(.resumeHealth(.all))
        world.pass(5)
        #expect(words(world.sample(0, tree(fds: 255))).contains("SIGTERM tree 1.1"))
    }

    @Test("A pause with an end ends by itself, and a later one replaces it")
    func pausedForATime() {
        var world = world()
        world.ask(.pauseHealthFor(.all, .seconds(600)))
        world.darken(0)
        #expect(world.snapshots().first?.isHealthPaused == true)
        world.ask(.pauseHealthFor(.all, .seconds(1200)))
        world.pass(1199)
        #expect(world.snapshots().first?.isHealthPaused == true)
        #expect(world.snapshots().first?.healthPausedFor == .seconds(1))
        world.pass(1)
        #expect(world.snapshots().first?.isHealthPaused == false)
        #expect(world.lastStatus == "1 worker: 1 dark (w0 emfile)")
        world.ask(.pauseHealthFor(.all, .seconds(10)))
        world.ask(.pauseHealth(.all))
        world.pass(4000)
        #expect(world.snapshots().first?.isHealthPaused == true, "without an end only a person ends it")
    }

    @Test("While Warden doubts itself restarts decay to alerts; when the doubt is gone it acts")
    func localHealth() {
        var world = world()
        world.settle(.localHealth(LocalHealth(doubts: ["log disk stuck 40s"])))
        #expect(world.lastStatus == "1 worker: 1 starting; degraded: log disk stuck 40s")
        #expect(words(world.darken(0)).last == "alert opened w0 dark")
        world.settle(.localHealth(LocalHealth()))
        world.pass(5)
        let done = words(world.sample(0, tree(fds: 255)))
        #expect(
            done.prefix(4) == [
                "record w0 dark/emfile alert superseded", "alert closed w0 superseded", "record w0 dark/emfile restart",
                "alert opened w0 dark",
            ])
    }

    @Test("Silence counts from the moment that the doubt is gone, even if no sample came while it lasted")
    func doubtHoldsClocks() {
        var world = world {
            $0.health.heartbeatTimeout = .seconds(30)
            $0.health.grace = .zero
        }
        func look() -> Condition? {
            world.log(0, drained(world.now))
            world.sample(0, tree(io: 5))
            return world.snapshots().first?.verdict?.condition
        }
        world.pass(3)
        #expect(look() == .healthy)
        world.settle(.localHealth(LocalHealth(doubts: ["host suspended"])))
        world.pass(600)
        world.settle(.localHealth(LocalHealth()))
        #expect(look() == .healthy)
        world.pass(29)
        #expect(look() == .healthy)
        world.pass(1)
        world.forensics = nil
        #expect(look() == .hung(.silent))
    }

    @Test("alert-only: told once, closed when the worker is well again")
    func alertOnly() {
        var world = world { $0.health.actions[.dark(.emfile)] = .alert }
        world.darken(0)
        world.pass(5)
        #expect(words(world.sample(0, tree(fds: 255))).isEmpty)
        world.pass(60)
        world.log(0, progress(2_000_000, world.now))
        var told: [String] = []
        for _ in 0..<6 {
            world.pass(5)
            told += words(world.sample(0))
        }
        #expect(told == ["w0 is healthy proven", "record w0 dark/emfile alert recovered", "alert closed w0 recovered"])
    }

    @Test("An alert ends with its generation, also when nothing starts again")
    func alertEndsWithTheGeneration() {
        var world = world {
            $0.health.actions[.dark(.emfile)] = .alert
            $0.supervision.autorestart = .never
        }
        world.darken(0)
        let done = words(world.exits(0, .code(1)))
        #expect(done.contains("alert closed w0 superseded"))
    }

    @Test("A slot that is not running has no health")
    func noHealthWhenDown() {
        var world = world()
        #expect(world.snapshots().first?.verdict != nil)
        world.ask(.stop(.all, wait: true))
        #expect(world.snapshots().first?.verdict == nil)
        #expect(world.snapshots().first?.readings == nil)
    }

    @Test("Old news is dropped: whatever is told of a generation that is over changes nothing")
    func staleGenerations() {
        var world = world()
        let old = world.worker(0)
        world.ask(.stop(.all, wait: true))
        world.ask(.start(.all, wait: true))
        let facts: [WorkerFact] = [
            .spawned(pid: 1), .spawnFailed(WorkerMachineTableTests.failure), .exited(.code(1)), .signalFailed(1),
            .sampled(Sample(takenAt: instant(1), readings: .failure(13))), .logged(failure(1, 1)), .beat,
            .forensicsCollected(Forensics()), .hookEnded(.drain, .failed(reason: "")),
        ]
        let before = world.snapshots()
        for fact in facts { #expect(world.tell(.worker(old, fact)).isEmpty, "\(fact)") }
        #expect(world.tell(.worker(WorkerID(slot: SlotID(99), generation: Generation(1)), .beat)).isEmpty)
        #expect(world.snapshots() == before)
        #expect(world.objections.isEmpty)
    }

    enum Phase: CaseIterable { case waiting, collecting, draining, stopping, observing }

    @Test("A person's stop in any phase of a restart wins, and is never undone", arguments: Phase.allCases)
    func personsStopWins(phase: Phase) {
        var world = World([
            group("ami", ["w0", "w1"]) {
                $0.health.actions[.leaking(.fds)] = HealthAction.none
                $0.health.actions[.dark(.emfile)] = phase == .draining ? .drain : .restart
                $0.health.drainSignal = Signal(10)
            }
        ])
        world.childrenObey = phase != .stopping
        world.boot()
        if phase == .waiting { world.darken(1) }
        if phase == .collecting { world.forensics = nil }
        world.darken(0)
        let stopped = words(world.ask(.stop(.slot(group: "ami", process: "w0"), wait: true)))
        world.pass(30)
        world.forensics = Forensics()
        #expect(world.snapshots().first?.state == .stopped)
        world.pass(4000)
        #expect(world.snapshots().first?.state == .stopped)
        #expect(world.snapshots().first?.pendingAction == nil)
        #expect(world.objections.isEmpty)
        #expect(stopped.contains("alert closed w0 superseded") == (phase != .waiting))
    }

    @Test("A restart of a person's after a stop that Warden had begun is a person's restart")
    func startDuringWardensStop() {
        var world = World([group()])
        world.childrenObey = false
        world.boot()
        world.darken(0)
        world.ask(.start(.all, wait: true))
        world.pass(11)
        #expect(world.snapshots().first?.lastRestart?.reason == .user)
        #expect(world.objections.isEmpty)
    }

    @Test("A paused worker is told and never acted on")
    func pausedWorker() {
        var world = world { $0.health.heartbeatTimeout = .seconds(30) }
        world.pass(60)
        for _ in 0..<100 {
            world.pass(5)
            world.log(0, drained(world.now))
            world.sample(0, tree(io: 5, state: .stopped))
        }
        #expect(world.snapshots().first?.verdict?.condition == .paused(.stopped))
        #expect(world.worker(0).generation == Generation(1))
        #expect(!words(world.record).contains { $0.hasPrefix("alert") })
    }
}
