import Testing
import WardenCore

/// Goal: the end: the highest priority first, each tier when the one before is down, and nothing starts again.
@Suite struct SupervisorEndingTests {
    @Test("Tiers by priority; groups of the same priority together; STOPPING=1 first, the end last")
    func tiers() {
        var world = World([
            group("db", ["db0"], priority: 1), group("web", ["web0"], priority: 50),
            group("api", ["api0"], priority: 50),
            group("last", ["l0", "l1"], priority: 999) { $0.supervision.stopWait = .seconds(30) },
        ])
        world.childrenObey = false
        world.boot()
        let begun = words(world.settle(.endRequested(.shutdown)))
        #expect(
            begun == [
                "supervisor stopping", "stopping", "l1 STOPPING", "SIGTERM tree 5.1", "l0 STOPPING", "SIGTERM tree 4.1",
                "extend 45s",
            ])
        #expect(world.lastStatus?.hasPrefix("stopping; ") == true)
        #expect(words(world.exits(4, .code(0))) == ["release 5.1 sweep", "l1 STOPPED"])
        #expect(
            words(world.exits(3, .code(0))) == [
                "release 4.1 sweep", "l0 STOPPED", "web0 STOPPING", "SIGTERM tree 2.1", "api0 STOPPING",
                "SIGTERM tree 3.1", "extend 25s",
            ])
        _ = world.exits(1, .code(0))
        #expect(words(world.exits(2, .code(0))).suffix(3) == ["db0 STOPPING", "SIGTERM tree 1.1", "extend 25s"])
        #expect(words(world.exits(0, .code(0))).last == "finish shutdown")
        #expect(world.settle(.timeReached).isEmpty, "the end is told once")
        #expect(world.supervisor.nextDeadline() == nil)
        #expect(world.objections.isEmpty)
    }

    @Test("An upgrade stops nothing: the successor is tried, and only then is the end told")
    func upgrade() {
        var world = World([group("a", ["a0"])])
        world.boot()
        #expect(words(world.settle(.requested(RequestID(7), .end(.upgrade)))) == ["examine successor for 7"])
        #expect(
            words(world.settle(.requested(RequestID(8), .end(.upgrade)))) == [
                "reply 8 refused failed(\"an upgrade is under way\")"
            ])
        let refused = words(world.settle(.successorExamined(RequestID(7), refusal: "it is broken")))
        #expect(refused.contains("reply 7 refused failed(\"it is broken\")") && !refused.contains("finish upgrade"))
        _ = world.settle(.endRequested(.upgrade))
        #expect(words(world.settle(.successorExamined(nil, refusal: nil))) == ["finish upgrade"])
        #expect(world.supervisor.daemonMood == .running)
        #expect(world.snapshots().first?.state == .running)
    }

    @Test("A shutdown that was asked for while the successor was tried is meant")
    func shutdownBesideUpgrade() {
        var world = World([group("a", ["a0"])])
        world.boot()
        _ = world.settle(.endRequested(.upgrade))
        #expect(words(world.settle(.endRequested(.shutdown))).last == "finish shutdown")
        #expect(!words(world.settle(.successorExamined(nil, refusal: nil))).contains("finish upgrade"))
    }

    @Test("A worker that does not hear is killed, and the end goes on")
    func stubborn() {
        var world = World([group("a", ["a0", "a1"])])
        world.childrenObey = false
        world.boot()
        world.settle(.endRequested(.shutdown))
        let done = words(world.pass(10))
        #expect(done.filter { $0.hasPrefix("SIGKILL") }.count == 2)
        #expect(done.last == "finish shutdown")
    }

    @Test("Nothing starts again: not by autorestart, not from BACKOFF, not by a client, not by a restart of Warden's")
    func nothingStarts() {
        var world = World([
            group("low", ["low0"], priority: 1) { $0.supervision.autorestart = .always },
            group("mid", ["mid0"], priority: 2), group("high", ["high0"], priority: 3),
        ])
        world.childrenObey = false
        world.boot()
        world.darken(2)
        _ = world.exits(1, .code(1))
        _ = world.exits(1, .code(1))
        #expect(world.snapshots()[1].state == .backoff)
        let begun = words(world.settle(.endRequested(.shutdown)))
        #expect(begun.contains("mid0 FATAL"), "BACKOFF becomes FATAL, as supervisord does")
        #expect(begun.contains("alert closed high0 superseded"))
        #expect(words(world.exits(0, .code(0))).contains { $0.hasPrefix("spawn") } == false)
        #expect(words(world.ask(.start(.all, wait: true))).first?.hasSuffix("refused shuttingDown") == true)
        let done = words(world.pass(20))
        #expect(done.last == "finish shutdown")
        #expect(!done.contains { $0.hasPrefix("spawn") })
    }

    @Test("A worker of a later tier that fails to start meanwhile is not tried again")
    func failsToStartMeanwhile() {
        var world = World([
            group("low", ["low0"], priority: 1) { $0.supervision.startSeconds = .seconds(60) },
            group("high", ["high0"], priority: 3) { $0.supervision.stopWait = .seconds(30) },
        ])
        world.childrenObey = false
        world.boot()
        world.settle(.endRequested(.shutdown))
        #expect(words(world.exits(0, .code(1))) == ["release 1.1 sweep", "low0 BACKOFF", "low0 FATAL"])
        let done = words(world.pass(60))
        #expect(!done.contains { $0.hasPrefix("spawn") })
        #expect(done.last == "finish shutdown")
    }

    @Test("Questions are answered to the end; commands are refused")
    func questions() {
        var world = World([group()])
        world.childrenObey = false
        world.boot()
        world.settle(.endRequested(.shutdown))
        #expect(world.snapshots().first?.state == .stopping)
        #expect(words(world.ask(.daemonState)) == ["reply 2 shuttingDown"])
        for command in [Command.reread, .addGroup("x"), .removeGroup("ami"), .end(.restart), .stop(.all, wait: true)] {
            #expect(words(world.ask(command)).first?.hasSuffix("refused shuttingDown") == true)
        }
    }

    @Test("Who asks for the shutdown while a restart is under way means it")
    func shutdownDuringRestart() {
        var world = World([group()])
        world.childrenObey = false
        world.boot()
        world.settle(.endRequested(.restart))
        world.settle(.configurationLoaded(nil, .success([])))
        #expect(words(world.settle(.endRequested(.shutdown))) == ["stopping"])
        #expect(world.settle(.endRequested(.restart)).isEmpty)
        #expect(words(world.pass(20)).last == "finish shutdown")
    }

    @Test("With nothing running the end is at once; with an unkillable worker it does not wait for ever")
    func atOnce() {
        var empty = World([])
        #expect(
            words(empty.settle(.endRequested(.shutdown))) == ["supervisor stopping", "stopping", "finish shutdown"])
        var stuck = World([group()])
        stuck.childrenObey = false
        stuck.boot()
        stuck.settle(.endRequested(.shutdown))
        #expect(words(stuck.settle(.worker(stuck.worker(0), .signalFailed(1)))).last == "finish shutdown")
    }

    @Test("A client that waits for a stop is answered though the daemon ends meanwhile")
    func waitingClient() {
        var world = World([group()])
        world.childrenObey = false
        world.boot()
        world.ask(.stop(.all, wait: true))
        world.settle(.endRequested(.shutdown))
        #expect(words(world.pass(20)).contains("reply 1 w0"))
    }
}
