import Testing
import WardenCore

/// Goal: what a look at an old tree leads to: certain things hold a slot, uncertain ones delay it at most.
@Suite struct RespawnDecisionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var gpu: RespawnReport.GPU? = .free
        var leftOvers: [RespawnReport.LeftOver] = []
        var waited = 0.0
        var quarantine: RespawnDecision.Quarantine?
        var isByPerson = false
        var endsTree = true
        var change: @Sendable (inout RespawnSpec) -> Void = { _ in }
        var expected: RespawnDecision
    }

    static let dying = RespawnReport.LeftOver(pid: 8, state: .running)
    static let stuck = RespawnReport.LeftOver(pid: 7, state: .uninterruptible)

    static let cases = [
        Case(testDescription: "nothing is left", expected: .start(remark: nil)),
        Case(testDescription: "no NVML", gpu: .absent(reason: "none"), expected: .start(remark: nil)),
        Case(testDescription: "no device is wanted", gpu: .notAsked, expected: .start(remark: nil)),
        Case(
            testDescription: "memory is held", gpu: .held([4, 5]), waited: 9.9,
            expected: .lookAgain("the GPU memory of pids 4, 5")),
        Case(
            testDescription: "held for too long", gpu: .held([4, 5, 6, 7, 8]), waited: 10,
            expected: .start(
                remark: "GPU memory of pids 4, 5, 6 and 2 more is not free after 10s (gpu_wait); started anyway")),
        Case(
            testDescription: "held, and nobody waits for that", gpu: .held([4]), change: { $0.gpuWait = nil },
            expected: .start(remark: nil)),
        Case(
            testDescription: "NVML hangs", gpu: nil, waited: 9, expected: .lookAgain("the GPU (NVML does not answer)")),
        Case(
            testDescription: "NVML hangs for ever", gpu: nil, waited: 10,
            expected: .start(remark: "NVML does not answer; started anyway")),
        Case(
            testDescription: "NVML hangs, and only quarantine asks", gpu: .unanswered(reason: "busy"), waited: 5,
            change: { $0.gpuWait = nil }, expected: .start(remark: "busy; started anyway")),
        Case(
            testDescription: "sweeping alone does not wait for NVML", gpu: nil,
            change: {
                $0 = RespawnSpec()
                $0.sweepsSharedMemory = true
            }, expected: .start(remark: "the old tree was not looked at in time")),
        Case(
            testDescription: "sweeping waits a moment for what is dying", leftOvers: [dying], waited: 0.9,
            change: {
                $0 = RespawnSpec()
                $0.sweepsSharedMemory = true
            }, expected: .lookAgain("the end of pid 8")),
        Case(
            testDescription: "and no longer", leftOvers: [dying], waited: 1,
            change: {
                $0 = RespawnSpec()
                $0.sweepsSharedMemory = true
            }, expected: .start(remark: nil)),
        Case(testDescription: "lost", gpu: .lost("GPU 0"), expected: .hold(.device, "GPU 0")),
        Case(
            testDescription: "lost, a person starts it", gpu: .lost("GPU 0"), isByPerson: true,
            expected: .start(remark: "GPU 0")),
        Case(
            testDescription: "lost, no quarantine", gpu: .lost("GPU 0"), change: { $0.quarantineAfter = nil },
            expected: .start(remark: "GPU 0")),
        Case(
            testDescription: "lost, and the driver is gone meanwhile", gpu: .absent(reason: "unloaded"),
            quarantine: .device, expected: .hold(.device, nil)),
        Case(
            testDescription: "lost, and NVML hangs meanwhile", gpu: nil, quarantine: .device,
            expected: .hold(.device, nil)),
        Case(testDescription: "it answers again", quarantine: .device, expected: .start(remark: nil)),
        Case(
            testDescription: "a child in state D", leftOvers: [stuck], waited: 29,
            expected: .lookAgain("the end of pid 7 (state D)")),
        Case(
            testDescription: "for too long", leftOvers: [stuck], waited: 30,
            expected: .hold(.processes, "SIGKILL does not end pid 7 (state D)")),
        Case(
            testDescription: "still", leftOvers: [stuck], waited: 4, quarantine: .processes,
            expected: .hold(.processes, "SIGKILL does not end pid 7 (state D)")),
        Case(
            testDescription: "one that could end, and was only not killed", leftOvers: [dying], waited: 30,
            expected: .start(remark: "pid 8 of its old tree lives on; started anyway")),
        Case(
            testDescription: "it is not in state D any more", leftOvers: [dying], waited: 400, quarantine: .processes,
            expected: .start(remark: nil)),
        Case(testDescription: "gone", waited: 400, quarantine: .processes, expected: .start(remark: nil)),
        Case(
            testDescription: "a child that nobody has killed", leftOvers: [stuck], waited: 30, endsTree: false,
            expected: .start(remark: nil)),
        Case(
            testDescription: "a child in state D, a person starts it", leftOvers: [stuck], isByPerson: true,
            expected: .start(remark: nil)),
        Case(
            testDescription: "a person's start waits for memory, too", gpu: .held([4]), isByPerson: true,
            expected: .lookAgain("the GPU memory of pid 4")),
    ]

    @Test(arguments: cases)
    func decides(_ row: Case) {
        var spec = RespawnSpec()
        spec.gpuWait = .seconds(10)
        spec.quarantineAfter = .seconds(30)
        row.change(&spec)
        var report = RespawnReport()
        report.gpu = row.gpu ?? .notAsked
        report.leftOvers = row.leftOvers
        let decision = spec.decide(
            row.gpu == nil ? nil : report, waited: .nanoseconds(Int64(row.waited * 1e9)), quarantine: row.quarantine,
            isByPerson: row.isByPerson, endsTree: row.endsTree)
        #expect(decision == row.expected)
    }
}

/// Goal: nothing starts before what has to be true is true or its time is over, and nobody waits who does not have to.
@Suite struct RespawnTests {
    func world(_ names: [String] = ["w0"], _ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group("ami", names) {
                $0.supervision.autorestart = .always
                $0.health.respawn.gpuWait = .seconds(10)
                $0.health.respawn.quarantineAfter = .seconds(30)
                $0.supervision.isNamedByHealthSection = true
                change(&$0)
            }
        ])
        world.boot()
        return world
    }

    static func gpu(_ gpu: RespawnReport.GPU) -> (World) -> RespawnReport {
        { _ in
            var report = RespawnReport()
            report.gpu = gpu
            return report
        }
    }

    static func leftOver(_ pid: Int32?) -> (World) -> RespawnReport {
        { _ in
            var report = RespawnReport()
            report.leftOvers = pid.map { [.init(pid: $0, state: .uninterruptible)] } ?? []
            return report
        }
    }

    func status(_ world: inout World) -> ProcessState? { world.snapshots().first?.state }

    @Test("Without the keys a respawn is ordered in the turn of the exit")
    func withoutKeys() {
        var world = world { $0.health.respawn = RespawnSpec() }
        #expect(
            words(world.exits(0, .code(1))) == [
                "release 1.1 sweep", "w0 EXITED", "w0 STARTING", "spawn w0.2 restarts 1",
            ])
        #expect(world.objections.isEmpty)
    }

    @Test("With them it is prepared first, and nothing of that is seen when nothing is left")
    func prepared() {
        var world = world()
        #expect(
            words(world.exits(0, .code(1)))
                == ["release 1.1 sweep", "w0 EXITED", "prepare 1.1", "w0 STARTING", "spawn w0.2 restarts 1"])
        #expect(world.objections.isEmpty)
    }

    @Test("The first start has no old tree")
    func firstStart() {
        let world = world()
        #expect(!words(world.record).contains { $0.hasPrefix("prepare") })
    }

    @Test("It waits for the memory, says for what, and starts when that is free")
    func waits() {
        var world = world()
        world.oldTree = Self.gpu(.held([1001]))
        #expect(words(world.exits(0, .code(1))).last == "prepare 1.1")
        #expect(!words(world.pass(4)).contains { $0.hasPrefix("spawn") })
        #expect(world.lastStatus == "1 worker: 1 waiting (w0 for the GPU memory of pid 1001)")
        #expect(world.snapshots().first?.waitingFor == ["the GPU memory of pid 1001"])
        world.oldTree = Self.gpu(.free)
        #expect(words(world.pass(1.1)).last == "spawn w0.2 restarts 1")
        #expect(world.snapshots().first?.waitingFor == [])
        #expect(world.objections.isEmpty)
    }

    @Test("After gpu_wait it starts anyway, at most one pause late, and the log says so")
    func startsAnyway() {
        var world = world()
        world.oldTree = Self.gpu(.held([1001]))
        _ = world.exits(0, .code(1))
        let before = world.now
        #expect(!words(world.pass(9.9)).contains { $0.hasPrefix("spawn") })
        #expect(words(world.pass(1.1)).last == "spawn w0.2 restarts 1")
        #expect(world.now - before <= 11)
        let said = world.record.contains {
            if case .log(let record) = $0 {
                record.level == .warn && record.message.contains("started anyway")
            } else {
                false
            }
        }
        #expect(said)
    }

    @Test("Looks that nobody answers delay the start, and do not prevent it")
    func unanswered() {
        var world = world()
        world.oldTree = nil
        _ = world.exits(0, .code(1))
        #expect(!words(world.pass(9)).contains { $0.hasPrefix("spawn") })
        #expect(words(world.pass(7)).contains("spawn w0.2 restarts 1"))
        #expect(world.objections.isEmpty)
    }

    @Test("What is found of the memory is told in the incident of the restart")
    func inIncident() {
        var world = world()
        world.oldTree = Self.gpu(.held([1001]))
        world.darken(0)
        world.pass(12)
        let incident = world.record.reversed().lazy.compactMap {
            if case .recordIncident(let incident) = $0 { incident } else { nil }
        }.first
        #expect(incident?.verdict.evidence.last?.rule == "respawn")
        #expect(incident?.verdict.reason.hasSuffix("is not free after 10s (gpu_wait); started anyway") == true)
    }

    @Test("A person's stop wins over a preparation, and the next start is prepared anew")
    func stopWins() {
        var world = world()
        world.oldTree = Self.gpu(.held([1001]))
        _ = world.exits(0, .code(1))
        world.pass(1)
        #expect(words(world.ask(.stop(.all, wait: true))).last == "reply 1 w0")
        #expect(!words(world.pass(100)).contains { $0.hasPrefix("spawn") })
        world.oldTree = Self.gpu(.free)
        #expect(words(world.ask(.start(.all, wait: false))).contains("prepare 1.1"))
        #expect(world.children.count == 1)
        #expect(world.objections.isEmpty)
    }

    @Test("A person's start while a start is being prepared does not wait any longer")
    func startTwice() {
        var world = world()
        world.oldTree = Self.gpu(.held([1001]))
        _ = world.exits(0, .code(1))
        world.pass(1)
        #expect(words(world.ask(.start(.all, wait: false))).contains("spawn w0.2 restarts 1"))
        #expect(!words(world.pass(100)).contains { $0.hasPrefix("spawn") || $0.hasPrefix("prepare") })
        #expect(world.objections.isEmpty)
    }

    @Test("The end of the daemon does not wait for a preparation")
    func ends() {
        var world = world()
        world.oldTree = Self.gpu(.held([1001]))
        _ = world.exits(0, .code(1))
        world.pass(1)
        #expect(words(world.settle(.endRequested(.shutdown))).last == "finish shutdown")
    }

    @Test("A lost device: one incident, one alert, no start until it answers again")
    func lostDevice() {
        var world = world()
        world.oldTree = Self.gpu(.lost("GPU 0: GPU is lost"))
        let said = words(world.exits(0, .code(1)))
        #expect(said.filter { $0.hasPrefix("alert") } == ["alert opened w0 hung"])
        #expect(said.last == "w0 BACKOFF")
        #expect(status(&world) == .backoff)
        #expect(world.snapshots().first?.spawnError == "Quarantined: GPU 0: GPU is lost")
        #expect(world.lastStatus == "1 worker: 1 quarantined (w0, GPU 0: GPU is lost)")
        for case .reply(_, .explanations(let told)) in world.ask(.explain(.all)) {
            #expect(told.first?.standing.decision == "nothing: quarantined, GPU 0: GPU is lost")
        }
        let quiet = words(world.pass(3600))
        #expect(quiet.allSatisfy { $0 == "prepare 1.1" })
        #expect(quiet.count == 360)
        world.oldTree = Self.gpu(.free)
        let over = words(world.pass(10))
        #expect(over.contains("alert closed w0 recovered"))
        #expect(over.last == "spawn w0.2 restarts 1")
        #expect(world.objections.isEmpty)
    }

    @Test("A person's start ends a quarantine, whatever the device says")
    func personStarts() {
        var world = world()
        world.oldTree = Self.gpu(.lost("GPU 0"))
        _ = world.exits(0, .code(1))
        let said = words(world.ask(.start(.slot(group: "ami", process: "w0"), wait: false)))
        #expect(said.contains("alert closed w0 superseded"))
        #expect(said.contains("spawn w0.2 restarts 1"))
        // After a stop, the start is prepared again, and the device still lost: it starts.
        world.ask(.stop(.all, wait: true))
        #expect(words(world.ask(.start(.all, wait: false))).contains("spawn w0.3 restarts 2"))
        #expect(world.objections.isEmpty)
    }

    @Test("A person's stop ends a quarantine: the slot is STOPPED and stays so")
    func personStops() {
        var world = world()
        world.oldTree = Self.gpu(.lost("GPU 0"))
        _ = world.exits(0, .code(1))
        #expect(words(world.ask(.stop(.slot(group: "ami", process: "w0"), wait: true))).contains("w0 STOPPED"))
        world.oldTree = Self.gpu(.free)
        #expect(!words(world.pass(100)).contains { $0.hasPrefix("spawn") })
        #expect(status(&world) == .stopped)
    }

    @Test("A child that does not die holds the slot after its time, and frees the seat of the restart")
    func childInD() {
        var world = world(["w0", "w1"])
        world.oldTree = Self.leftOver(4711)
        world.darken(0)
        world.pass(5)
        #expect(world.snapshots().first?.waitingFor == ["the end of pid 4711 (state D)"])
        let held = words(world.pass(30))
        #expect(held.contains("alert closed w0 unhelped"))
        #expect(held.filter { $0 == "alert opened w0 hung" }.count == 1)
        #expect(status(&world) == .backoff)
        // The seat is free: the other one may be restarted, and is not held back by the first.
        #expect(words(world.darken(1)).contains("forensics 2.1"))
        world.oldTree = Self.leftOver(nil)
        #expect(words(world.pass(11)).contains("alert closed w0 recovered"))
        #expect(world.objections.isEmpty)
    }

    @Test("An essential program in quarantine is not down for good")
    func essential() {
        var world = world { $0.supervision.isEssential = true }
        world.oldTree = Self.gpu(.lost("GPU 0"))
        _ = world.exits(0, .code(1))
        #expect(!words(world.pass(60)).contains { $0.hasPrefix("finish") })
    }

    @Test("A main process that SIGKILL does not end: STOPPING, one alert, few SIGKILLs; released by its exit")
    func mainInD() throws {
        var world = world { $0.supervision.stopWait = .seconds(5) }
        let worker = world.worker(0)
        world.sample(0, tree(state: .uninterruptible))
        // It is the world's habit to end whoever is signalled, so the directives are not carried out.
        let stop = Event.requested(RequestID(900), .stop(.all, wait: false))
        _ = world.supervisor.handle(stop, at: world.moment, dice: &world.dice)
        var said: [Directive] = []
        while world.now < 600, let due = world.supervisor.nextDeadline() {
            world.skip(to: due)
            said += world.supervisor.handle(.timeReached, at: world.moment, dice: &world.dice)
        }
        #expect(words(said).filter { $0.hasPrefix("SIGKILL") }.count < 20)
        #expect(words(said).filter { $0 == "alert opened w0 hung" }.count == 1)
        #expect(status(&world) == .stopping)
        #expect(
            world.snapshots().first?.pendingAction
                == "quarantined: SIGKILL does not end pid 1001 (state D)")
        #expect(
            words(world.settle(.worker(worker, .exited(.signal(9, coreDumped: false))))).contains(
                "alert closed w0 recovered"))
        #expect(status(&world) == .stopped)
    }

    @Test("What was swept is said once, with its size")
    func swept() {
        var world = world { $0.health.respawn.sweepsSharedMemory = true }
        world.oldTree = { _ in
            var report = RespawnReport()
            (report.sweptFiles, report.sweptBytes) = (9, 13 << 20)
            return report
        }
        let lines = world.exits(0, .code(1)).compactMap {
            if case .log(let record) = $0 { record.message } else { nil }
        }
        #expect(lines.contains("ami:w0: removed 9 files (13 MiB) of its old tree from /dev/shm"))
    }
}
