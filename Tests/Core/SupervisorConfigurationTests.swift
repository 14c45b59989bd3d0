import Testing
import WardenCore

/// Goal: reread, add, remove and restart touch what they must, and a bad configuration touches nothing.
@Suite struct SupervisorConfigurationTests {
    func changed(_ program: inout ProgramSpec) { program.launch.arguments = ["/usr/bin/other"] }

    func world() -> World {
        var world = World([group("a", ["a0"]), group("b", ["b0"])])
        world.boot()
        return world
    }

    @Test("reread tells what is new, changed and gone, and changes nothing that runs")
    func reread() {
        var world = world()
        #expect(words(world.ask(.reread)) == ["load"])
        let loaded = Event.configurationLoaded(
            RequestID(1), .success([group("b", ["b0"], changed), group("c", ["c0"])]))
        #expect(words(world.settle(loaded)) == [#"reply 1 added ["c"] changed ["b"] removed ["a"]"#])
        #expect(world.snapshots().map(\.generation.number) == [1, 1])
    }

    @Test("A bad configuration is refused with its text, and the last good one stays")
    func badReread() {
        var world = world()
        world.ask(.reread)
        let refusal = ConfigurationRefusal(text: "/etc/warden.conf:3: no command")
        let told = world.settle(.configurationLoaded(RequestID(1), .failure(refusal)))
        #expect(words(told) == [#"reply 1 refused cannotReread("/etc/warden.conf:3: no command")"#])
        #expect(world.settle(.configurationLoaded(nil, .success([]))).isEmpty, "a signal's reread has no client")
    }

    @Test("add: starts what starts by itself; refused when it is active, or nowhere")
    func add() {
        var world = world()
        world.settle(.configurationLoaded(nil, .success([group("c", ["c0", "c1"])])))
        #expect(
            words(world.ask(.addGroup("c"), settles: false)) == [
                "added c", "reply 1 done", "c0 STARTING", "spawn c0.1 restarts 0", "c1 STARTING",
                "spawn c1.1 restarts 0",
            ])
        #expect(words(world.ask(.addGroup("a"))) == [#"reply 2 refused alreadyAdded("a")"#])
    }

    @Test("remove: only what is down, and its name is gone")
    func remove() {
        var world = world()
        #expect(words(world.ask(.removeGroup("a"))) == [#"reply 1 refused stillRunning("a")"#])
        world.ask(.stop(.group("a"), wait: true))
        #expect(words(world.ask(.removeGroup("a"))) == ["removed a", "reply 3 done"])
        #expect(world.snapshots().map(\.name.qualified) == ["b:b0"])
        #expect(
            words(world.ask(.start(.slot(group: "a", process: "a0"), wait: true))).first?.contains("badName") == true)
        world.pass(100)
        #expect(world.objections.isEmpty)
    }

    @Test("A changed group that is stopped, removed and added starts anew, and its restarts count on")
    func update() throws {
        var world = world()
        let old = world.worker(0)
        _ = world.exits(0, .code(1))
        world.pass(2)
        world.settle(.configurationLoaded(nil, .success([group("a", ["a0"], changed), group("b", ["b0"])])))
        world.ask(.stop(.group("a"), wait: true))
        world.ask(.removeGroup("a"))
        #expect(words(world.ask(.addGroup("a"), settles: false)).last == "spawn a0.1 restarts 2")
        world.settle()
        let snapshot = try #require(world.snapshots().first)
        #expect(snapshot.restartCount == 2)
        #expect(snapshot.lastRestart?.reason == .configuration)
        #expect(snapshot.slot != old.slot, "numbers are never used again, so old news cannot hit the new slot")
        #expect(world.tell(.worker(old, .exited(.code(0)))).isEmpty)
    }

    @Test("update: a change of numprocs starts or stops the difference, and what is the same is not touched")
    func updateDifference() {
        var world = World([group("a", ["a0", "a1"]), group("b", ["b0"])])
        world.boot()
        world.settle(.configurationLoaded(nil, .success([group("a", ["a0", "a1", "a2"]), group("b", ["b0"])])))
        #expect(words(world.ask(.stopOutdated("a"))) == ["reply 1 "])
        #expect(
            words(world.ask(.updateGroup("a"), settles: false)) == [
                #"reply 2 updated, kept ["a:a0", "a:a1"]"#, "a2 STARTING", "spawn a2.1 restarts 0",
            ])
        world.settle()
        world.settle(.configurationLoaded(nil, .success([group("a", ["a1", "a2"]), group("b", ["b0"])])))
        #expect(words(world.ask(.updateGroup("a"))) == [#"reply 3 refused stillRunning("a")"#], "a0 runs")
        world.ask(.stopOutdated("a"))
        #expect(words(world.ask(.updateGroup("a"))) == [#"reply 5 updated, kept ["a:a1", "a:a2"]"#])
        #expect(world.snapshots().map(\.name.qualified) == ["a:a1", "a:a2", "b:b0"])
        #expect(world.snapshots().map(\.generation.number) == [1, 1, 1])
        #expect(words(world.ask(.updateGroup("x"))) == [#"reply 8 refused badName("x")"#])
        world.pass(100)
        #expect(world.objections.isEmpty)
    }

    @Test("update: a program that differs is started anew with its new specification, its neighbours go on")
    func updateOne() throws {
        var world = World([group("a", ["a0", "a1"])])
        world.boot()
        var newer = group("a", ["a0", "a1"])
        changed(&newer.programs[1])
        world.settle(.configurationLoaded(nil, .success([newer])))
        let old = world.worker(0)
        #expect(words(world.ask(.stopOutdated("a"))).last == "reply 1 a1")
        world.ask(.updateGroup("a"))
        #expect(world.worker(0) == old)
        let snapshot = try #require(world.snapshots().last)
        #expect(snapshot.lastRestart?.reason == .configuration)
        #expect(words(world.ask(.stopOutdated("a"))) == ["reply 4 "])
        #expect(words(world.ask(.updateGroup("a"))) == [#"reply 5 updated, kept ["a:a0", "a:a1"]"#])
    }

    @Test("update: other thresholds and actions hold at once, and nobody is restarted for them")
    func updateHealth() {
        var world = World([group("a", ["a0", "a1"])])
        world.boot()
        let workers = [world.worker(0), world.worker(1)]
        let full = tree(fds: 60, limit: 100)
        world.pass(60)
        for _ in 0..<8 {
            world.pass(5)
            world.sample(0, full)
        }
        #expect(world.snapshots()[0].verdict?.condition == .healthy)
        world.settle(
            .configurationLoaded(
                nil,
                .success([
                    group("a", ["a0", "a1"]) {
                        $0.health.descriptorWarning = .percentUsed(50)
                        $0.health.restartBudget.count = 2
                    }
                ])))
        #expect(words(world.ask(.stopOutdated("a"))) == ["reply 2 "])
        #expect(words(world.ask(.updateGroup("a"))) == [#"reply 3 updated, kept ["a:a0", "a:a1"]"#])
        for _ in 0..<8 {
            world.pass(5)
            world.sample(0, full)
        }
        #expect(world.snapshots()[0].verdict?.condition == .leaking(.fds))
        #expect([world.worker(0), world.worker(1)] == workers)
        // What was set up with the process needs a new one.
        world.settle(
            .configurationLoaded(nil, .success([group("a", ["a0", "a1"]) { $0.health.interval = .seconds(1) }])))
        #expect(words(world.ask(.stopOutdated("a"))).last == "reply 5 a0, a1")
    }

    @Test("Starts of earlier lives of the daemon count")
    func earlierStarts() {
        var dice = Dice(seed: 1)
        var supervisor = Supervisor(
            groups: [group("a", ["a0"])], earlierStarts: [SlotName(group: "a", process: "a0"): 3])
        #expect(words(supervisor.handle(.ready, at: at(0), dice: &dice))[2] == "spawn a0.1 restarts 3")
    }

    @Test("restart reads the configuration first; a bad one is refused and everything stays as it is")
    func restartRefused() {
        var world = world()
        #expect(words(world.ask(.end(.restart))) == ["load"])
        #expect(world.supervisor.daemonMood == .running)
        let told = world.settle(.configurationLoaded(RequestID(1), .failure(ConfigurationRefusal(text: "bad"))))
        #expect(words(told) == [#"reply 1 refused cannotReread("bad")"#])
        #expect(world.snapshots().map(\.state) == [.running, .running])
        #expect(world.supervisor.daemonMood == .running)
    }

    @Test("restart with a good one stops everything, without STOPPING=1, and starts anew")
    func restart() {
        var world = world()
        world.ask(.end(.restart))
        let done = words(world.settle(.configurationLoaded(RequestID(1), .success([]))))
        #expect(done.prefix(2) == ["reply 1 done", "supervisor stopping"])
        #expect(done.last == "finish restart")
        #expect(!done.contains("stopping"))
        #expect(world.supervisor.daemonMood == .restarting)
    }

    @Test("A restart by signal is validated as well; a reread that is under way is not taken for its answer")
    func restartBySignal() {
        var world = world()
        world.ask(.reread)
        #expect(words(world.settle(.endRequested(.restart))) == ["load"])
        world.settle(.configurationLoaded(RequestID(1), .success([])))
        #expect(world.supervisor.daemonMood == .running)
        world.settle(.configurationLoaded(nil, .success([])))
        #expect(world.supervisor.daemonMood == .restarting)
    }

    @Test("A shutdown that comes while a restart is validated stays a shutdown")
    func shutdownDuringValidation() {
        var world = world()
        world.childrenObey = false
        world = World([group("a", ["a0"])])
        world.childrenObey = false
        world.boot()
        world.ask(.end(.restart))
        world.settle(.endRequested(.shutdown))
        let told = words(world.settle(.configurationLoaded(RequestID(1), .success([]))))
        #expect(told == ["reply 1 refused shuttingDown"])
        #expect(world.supervisor.daemonMood == .shuttingDown)
        #expect(words(world.pass(20)).last == "finish shutdown")
    }
}
