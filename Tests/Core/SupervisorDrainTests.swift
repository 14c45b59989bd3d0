import Testing
import WardenCore

/// Goal: a drain asks first and ends the worker only when it must.
@Suite struct SupervisorDrainTests {
    func world(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group {
                $0.health.actions[.leaking(.fds)] = HealthAction.none
                $0.health.actions[.dark(.emfile)] = .drain
                change(&$0)
            }
        ])
        world.boot()
        return world
    }

    @Test("By command: its success leaves the worker its time, and the worker's exit completes the drain")
    func byCommand() {
        var world = world {
            $0.health.drainCommand = "/usr/bin/drain"
            $0.health.drainSignal = Signal(10)
        }
        #expect(words(world.darken(0)).last == "hook drain 1 /usr/bin/drain", "the command comes before the signal")
        #expect(world.lastStatus == "1 worker: 1 dark (w0 emfile, draining)")
        #expect(world.settle(.worker(world.worker(0), .hookEnded(.drain, .exited(code: 0, output: "")))).isEmpty)
        #expect(world.pass(30).isEmpty)
        #expect(
            words(world.exits(0, .code(0))) == [
                "w0 STOPPING", "release 1.1 sweep", "w0 STOPPED", "w0 STARTING", "spawn w0.2 restarts 1",
            ])
    }

    @Test(
        "A drain command that fails stops the worker at once",
        arguments: [HookResult.exited(code: 3, output: ""), .failed(reason: "timed out")])
    func commandFails(result: HookResult) {
        var world = world { $0.health.drainCommand = "/usr/bin/drain" }
        world.darken(0)
        let done = words(world.settle(.worker(world.worker(0), .hookEnded(.drain, result))))
        #expect(done.prefix(2) == ["w0 STOPPING", "SIGTERM tree 1.1"])
        #expect(done.last == "spawn w0.2 restarts 1")
    }

    @Test("By signal: only if it is caught, and to the main process")
    func bySignal() {
        var world = world { $0.health.drainSignal = Signal(10) }
        #expect(words(world.darken(0)).last == "SIGUSR1 processIfCaught 1.1")
    }

    @Test("A worker that does not catch the signal is stopped instead")
    func notCaught() {
        var world = world { $0.health.drainSignal = Signal(10) }
        world.darken(0)
        let done = words(world.settle(.worker(world.worker(0), .signalFailed(95))))
        #expect(done.prefix(2) == ["w0 STOPPING", "SIGTERM tree 1.1"])
    }

    @Test("The answer to a drain signal that comes after a person's stop does not break the stop")
    func notCaughtAfterStop() {
        var world = world { $0.health.drainSignal = Signal(10) }
        world.childrenObey = false
        world.settle(.worker(world.worker(0), .exited(.code(1))))
        world = self.world { $0.health.drainSignal = Signal(10) }
        world.darken(0)
        let worker = world.worker(0)
        world.ask(.stop(.all, wait: true), settles: false)
        #expect(world.tell(.worker(worker, .signalFailed(95))).isEmpty)
        world.settle()
        #expect(world.snapshots().first?.state == .stopped)
    }

    @Test("drain_timeout stops the worker")
    func timeout() {
        var world = world {
            $0.health.drainSignal = Signal(10)
            $0.health.drainTimeout = .seconds(20)
        }
        world.darken(0)
        #expect(world.pass(19.9).isEmpty)
        #expect(words(world.pass(0.1)).prefix(2) == ["w0 STOPPING", "SIGTERM tree 1.1"])
    }

    @Test("Without a command or a signal, drain is restart")
    func nothingToDrainWith() {
        var world = world()
        #expect(words(world.darken(0)).contains("SIGTERM tree 1.1"))
    }

    @Test("A hung worker is not drained: it would not hear")
    func hungIsNotDrained() {
        var world = world {
            $0.health.heartbeatTimeout = .seconds(30)
            $0.health.grace = .seconds(10)
            $0.health.actions[.hung(.silent)] = .drain
            $0.health.drainSignal = Signal(10)
        }
        var done: [String] = []
        for _ in 0..<9 where done.isEmpty {
            world.pass(5)
            world.log(0, drained(world.now))
            done = words(world.sample(0, tree(io: 5))).filter { $0.hasPrefix("SIG") }
        }
        #expect(done == ["SIGTERM tree 1.1"])
    }
}
