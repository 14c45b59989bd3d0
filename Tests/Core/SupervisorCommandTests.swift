import Testing
import WardenCore

/// Goal: what clients ask, what they are answered and when, with every refusal of supervisord.
@Suite struct SupervisorCommandTests {
    static let w0 = Selection.slot(group: "ami", process: "w0")

    func world(_ names: [String] = ["w0"], _ change: (inout ProgramSpec) -> Void = { _ in }) -> World {
        World([group("ami", names, change)])
    }

    func replies(_ directives: [Directive]) -> [Reply] {
        directives.compactMap { if case .reply(_, let reply) = $0 { reply } else { nil } }
    }

    @Test("Every command on a name that is not there is refused with the name")
    func badNames() {
        var world = world()
        let nobody = Selection.slot(group: "ami", process: "w9")
        let commands: [Command] = [
            .start(nobody, wait: true), .stop(nobody, wait: false), .signal(nobody, Signal(1)), .snapshot(nobody),
            .pauseHealth(nobody), .resumeHealth(nobody), .explain(nobody),
        ]
        for command in commands { #expect(replies(world.ask(command)) == [.refused(.badName("ami:w9"))]) }
        #expect(replies(world.ask(.start(.group("zoo"), wait: true))) == [.refused(.badName("zoo"))])
        #expect(replies(world.ask(.addGroup("zoo"))) == [.refused(.badName("zoo"))])
        #expect(replies(world.ask(.removeGroup("zoo"))) == [.refused(.badName("zoo"))])
    }

    @Test("start with wait answers at RUNNING; without wait at the spawn")
    func startWaits() {
        var world = world { $0.supervision.autostart = false }
        #expect(replies(world.ask(.start(Self.w0, wait: true))).isEmpty)
        #expect(words(world.pass(1)) == ["w0 RUNNING", "reply 1 done"])
        world.ask(.stop(Self.w0, wait: true))
        #expect(replies(world.ask(.start(Self.w0, wait: false))) == [.done])
        #expect(world.snapshots().first?.state == .starting)
        #expect(world.snapshots().first?.lastRestart?.reason == .user)
    }

    @Test("A start that fails is answered with supervisord's fault for it", arguments: [true, false])
    func startFails(wait: Bool) {
        func answer(_ failure: SpawnFailure) -> [Reply] {
            var world = world { $0.supervision.autostart = false }
            let asked = world.supervisor.handle(
                .requested(RequestID(1), .start(Self.w0, wait: wait)), at: at(0), dice: &world.dice)
            #expect(replies(asked).isEmpty)
            let worker = WorkerID(slot: SlotID(1), generation: Generation(1))
            return replies(
                world.supervisor.handle(.worker(worker, .spawnFailed(failure)), at: at(0), dice: &world.dice))
        }
        func failure(_ stage: SpawnFailure.Stage, _ errno: Int32) -> SpawnFailure {
            SpawnFailure(stage: stage, errorNumber: errno, subject: "/x", explanation: "why")
        }
        #expect(answer(failure(.lookUp, 2)) == [.refused(.noFile("can't find command '/x'"))])
        #expect(answer(failure(.lookUp, 13)) == [.refused(.notExecutable("command at '/x' is not executable"))])
        #expect(answer(failure(.lookUp, 21)) == [.refused(.notExecutable("command at '/x' is a directory"))])
        #expect(answer(failure(.clone, 11)) == [.refused(.spawnError("ami:w0"))])
    }

    @Test("A command that is not there is refused before anything is done, whatever the state of its slot")
    func missingCommand() {
        var world = world { $0.supervision.autostart = false }
        let missing = [SlotName(group: "ami", process: "w0"): Refusal.noFile("x")]
        let single = world.supervisor.handle(
            .requested(RequestID(1), .start(Self.w0, wait: true, missing: missing)), at: at(0), dice: &world.dice)
        #expect(deeds(single) == [.reply(RequestID(1), .refused(.noFile("x")))])
        let group = world.supervisor.handle(
            .requested(RequestID(2), .start(.group("ami"), wait: false, missing: missing)), at: at(0),
            dice: &world.dice)
        #expect(!words(group).contains { $0.hasPrefix("spawn w0") })
        let snapshot = world.supervisor.handle(
            .requested(RequestID(3), .snapshot(Self.w0)), at: at(0), dice: &world.dice)
        guard case .snapshots(let found)? = replies(snapshot).first else {
            Issue.record("no snapshot")
            return
        }
        #expect(found.map(\.state) == [.stopped])
    }

    @Test("Input goes to a process that runs, and to no other")
    func input() {
        var world = world { $0.supervision.autostart = false }
        let write = Event.requested(RequestID(7), .writeInput(SlotName(group: "ami", process: "w0"), [1]))
        let early = world.supervisor.handle(write, at: at(0), dice: &world.dice)
        #expect(deeds(early) == [.reply(RequestID(7), .refused(.notRunning("ami:w0")))])
        _ = world.supervisor.handle(
            .requested(RequestID(1), .start(Self.w0, wait: true)), at: at(0), dice: &world.dice)
        let worker = WorkerID(slot: SlotID(1), generation: Generation(1))
        _ = world.supervisor.handle(.worker(worker, .spawned(pid: 5)), at: at(0), dice: &world.dice)
        let late = world.supervisor.handle(write, at: at(0), dice: &world.dice)
        #expect(deeds(late) == [.writeInput(worker, [1], for: RequestID(7))])
    }

    @Test("start with wait that leaves STARTING without running is refused")
    func abnormalTermination() {
        var world = world { $0.supervision.autostart = false }
        world.ask(.start(Self.w0, wait: true))
        world.pass(0.5)
        #expect(replies(world.exits(0, .code(1))) == [.refused(.spawnError("ami:w0"))])
        world.ask(.stop(Self.w0, wait: true))
        world.ask(.start(Self.w0, wait: true))
        let stopped = replies(world.ask(.stop(Self.w0, wait: true)))
        #expect(stopped == [.refused(.abnormalTermination("ami:w0")), .done])
    }

    @Test("ALREADY_STARTED in STARTING, RUNNING, BACKOFF; FAILED in UNKNOWN; none of them is started twice")
    func alreadyStarted() {
        var world = world()
        world.settle(.ready)
        let refusal = Reply.refused(.alreadyStarted("ami:w0"))
        #expect(replies(world.ask(.start(Self.w0, wait: true))) == [refusal])
        world.pass(2)
        #expect(replies(world.ask(.start(Self.w0, wait: false))) == [refusal])
        _ = world.exits(0, .code(1))
        _ = world.exits(0, .code(1))
        #expect(world.snapshots().first?.state == .backoff)
        #expect(replies(world.ask(.start(Self.w0, wait: true))) == [refusal])
        world.childrenObey = false
        world.pass(3)
        world.ask(.stop(Self.w0, wait: false))
        world.settle(.worker(world.worker(0), .signalFailed(1)))
        #expect(
            replies(world.ask(.start(Self.w0, wait: true)))
                == [.refused(.failed("ami:w0 is in an unknown process state"))])
        #expect(replies(world.ask(.stop(Self.w0, wait: true))) == [.refused(.notRunning("ami:w0"))])
        #expect(world.objections.isEmpty)
    }

    @Test("stop with wait answers when it has stopped, without wait at once; NOT_RUNNING when there is nothing to stop")
    func stop() {
        var world = world()
        world.childrenObey = false
        world.boot()
        #expect(replies(world.ask(.stop(Self.w0, wait: false))) == [.done])
        #expect(replies(world.ask(.stop(Self.w0, wait: true))) == [.refused(.notRunning("ami:w0"))], "STOPPING already")
        world.pass(10)
        #expect(world.snapshots().first?.state == .stopped)
        #expect(replies(world.ask(.stop(Self.w0, wait: true))) == [.refused(.notRunning("ami:w0"))])
        world.ask(.start(Self.w0, wait: false))
        #expect(replies(world.ask(.stop(Self.w0, wait: true))).isEmpty)
        #expect(replies(world.pass(10)) == [.done])
    }

    @Test("A group is answered with a list of those that something was done to, in the order of the configuration")
    func groups() {
        var world = world(["w0", "w1", "w2"])
        world.boot()
        world.ask(.stop(.slot(group: "ami", process: "w1"), wait: true))
        let stopped = world.ask(.stop(.group("ami"), wait: true))
        let names = ["w0", "w2"].map { SlotOutcome(name: SlotName(group: "ami", process: $0), refusal: nil) }
        #expect(replies(stopped) == [.outcomes(names)])
        #expect(replies(world.ask(.stop(.all, wait: true))) == [.outcomes([])])
        #expect(words(world.ask(.start(.all, wait: false), settles: false)).filter { $0.hasPrefix("spawn") }.count == 3)
        world.settle()
        world.pass(1)
        #expect(replies(world.ask(.start(.all, wait: true))) == [.outcomes([])])
    }

    @Test("A group start waits for the last, and tells each one's fate")
    func mixedFates() {
        var world = world(["w0", "w1"]) { $0.supervision.autostart = false }
        world.ask(.start(.all, wait: true))
        world.pass(0.5)
        #expect(replies(world.exits(1, .code(1))).isEmpty)
        let answer = replies(world.pass(0.5))
        #expect(
            answer == [
                .outcomes([
                    SlotOutcome(name: SlotName(group: "ami", process: "w0"), refusal: nil),
                    SlotOutcome(name: SlotName(group: "ami", process: "w1"), refusal: .spawnError("ami:w1")),
                ])
            ])
    }

    @Test("signal goes to the main process, in RUNNING, STARTING and STOPPING only")
    func signal() {
        var world = world(["w0", "w1"])
        world.boot()
        #expect(
            words(world.ask(.signal(Self.w0, Signal(10)))) == ["SIGUSR1 process 1.1", "reply 1 done"])
        world.ask(.stop(Self.w0, wait: true))
        #expect(replies(world.ask(.signal(Self.w0, Signal(10)))) == [.refused(.notRunning("ami:w0"))])
        #expect(
            words(world.ask(.signal(.all, Signal(1)))) == ["SIGHUP process 2.1", "reply 4 w1"])
    }

    @Test("Two starts at once give one process; the second is told so")
    func concurrentStarts() {
        var world = world { $0.supervision.autostart = false }
        let first = world.tell(.requested(RequestID(100), .start(Self.w0, wait: true)))
        let second = world.tell(.requested(RequestID(101), .start(Self.w0, wait: true)))
        #expect(words(first) == ["w0 STARTING", "spawn w0.1 restarts 0"])
        #expect(words(second) == ["reply 101 refused alreadyStarted(\"ami:w0\")"])
        #expect(world.objections.isEmpty)
    }

    @Test("Nothing is owed to a client that went away; the others are still answered")
    func abandoned() {
        var world = world { $0.supervision.autostart = false }
        world.settle(.requested(RequestID(100), .start(Self.w0, wait: true)))
        #expect(world.settle(.abandoned(RequestID(100))).isEmpty)
        #expect(world.settle(.abandoned(RequestID(55))).isEmpty)
        #expect(replies(world.pass(5)).isEmpty)
        #expect(world.snapshots().first?.state == .running, "the start itself goes on")
    }

    @Test("Waiting requests have a maximum, and those beyond it are refused; questions are not")
    func overload() {
        var world = world { $0.supervision.autostart = false }
        world.childrenObey = false
        world.settle(.requested(RequestID(1), .start(Self.w0, wait: true)))
        world.pass(2)
        world.ask(.stop(Self.w0, wait: false))
        for number in 0..<UInt64(Limits.waitingRequests) {
            world.tell(.requested(RequestID(100 + number), .start(Self.w0, wait: true)))
        }
        let refused = world.tell(.requested(RequestID(9999), .stop(Self.w0, wait: true)))
        #expect(replies(refused) == [.refused(.overloaded)])
        #expect(world.snapshots().count == 1)
        world.childrenObey = true
        #expect(replies(world.pass(20)).count == Limits.waitingRequests)
    }

    @Test("explain: the snapshot, the newest incidents first and bounded, and the budgets")
    func explain() throws {
        var world = world {
            $0.health.actions[.dark(.emfile)] = .alert
            $0.health.actions[.leaking(.fds)] = HealthAction.none
        }
        world.boot()
        for _ in 0..<(Limits.rememberedIncidents + 4) {
            world.darken(0)
            for _ in 0..<8 {
                world.pass(5)
                world.log(0, progress(2_000_000, world.now))
                world.sample(0)
            }
        }
        let reply = try #require(replies(world.ask(.explain(Self.w0))).first)
        guard case .explanations(let explanations) = reply, let explanation = explanations.first else {
            Issue.record("not an explanation: \(reply)")
            return
        }
        #expect(explanation.incidents.count == Limits.rememberedIncidents)
        #expect(explanation.incidents.map(\.at) == explanation.incidents.map(\.at).sorted(by: >))
        #expect(Set(explanation.incidents.map(\.id)).count == Limits.rememberedIncidents, "ids are never reused")
        #expect(explanation.snapshot.name.process == "w0")
    }

    @Test("A demand command is asked at its interval, and its first number counts; a failure is unknown")
    func demand() {
        var world = world {
            $0.health.demand = .command("/usr/bin/queue")
            $0.health.grace = .zero
            $0.health.progressPattern = "Batch"
            $0.health.progressTimeout = .seconds(20)
        }
        world.boot()
        func ask() -> Bool { words(world.sample(0)).contains("hook demand 1 /usr/bin/queue") }
        #expect(ask())
        world.pass(5)
        #expect(!ask(), "one question at a time")
        world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 0, output: " 7 jobs\n"))))
        world.pass(9)
        #expect(!ask())
        world.pass(1)
        #expect(ask())
        world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 1, output: "9"))))
        world.pass(15)
        world.log(0, drained(world.now))
        _ = ask()
        #expect(world.snapshots().first?.verdict?.condition == .healthy)
    }
}
