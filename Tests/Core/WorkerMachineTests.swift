import Testing
import WardenCore

/// Goal: the numbers of supervisord's machine: startsecs, startretries, backoff, exit codes, stop sequences.
@Suite struct WorkerMachineTests {
    typealias Order = WorkerMachine.Order

    func machine(_ change: (inout SupervisionSpec) -> Void = { _ in }) -> WorkerMachine {
        var spec = SupervisionSpec()
        change(&spec)
        return WorkerMachine(name: "w0", spec: spec)
    }

    func running(_ change: (inout SupervisionSpec) -> Void = { _ in }) -> WorkerMachine {
        var machine = machine(change)
        _ = machine.start(reason: nil, at: at(0))
        _ = machine.spawned(pid: 77, at: at(0))
        _ = machine.timeReached(at: at(10))
        return machine
    }

    @Test(
        "The clock decides whether an exit was too quick, whichever of exit and deadline is told first",
        arguments: [(0.999, ProcessState.backoff), (1.0, .exited), (1.001, .exited)])
    func exitAroundStartSeconds(seconds: Double, expected: ProcessState) {
        var told = machine { $0.autorestart = .never }
        _ = told.start(reason: nil, at: at(0))
        _ = told.spawned(pid: 77, at: at(0.1))
        var asked = told
        _ = asked.timeReached(at: at(seconds))
        _ = told.exited(.code(0), at: at(seconds))
        _ = asked.exited(.code(0), at: at(seconds))
        #expect(told.processState == expected)
        #expect(asked.processState == expected)
        #expect(told.exitStatus == .code(0))
    }

    @Test("An exit after startsecs that comes before the loop's turn passes through RUNNING, as listeners expect")
    func exitBeforeTheTurn() {
        var machine = machine { $0.autorestart = .never }
        _ = machine.start(reason: nil, at: at(0))
        _ = machine.spawned(pid: 77, at: at(0))
        let orders = machine.exited(.code(0), at: at(2))
        #expect(
            orders == [
                .changed(from: .starting, to: .running, pid: 77, tries: 0, isExpected: true),
                .log(
                    .info, "success: w0 entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)"),
                .log(.info, "exited: w0 (exit status 0; expected)"), .release(Generation(1)),
                .changed(from: .running, to: .exited, pid: 77, tries: 0, isExpected: true),
            ])
    }

    @Test("startsecs = 0 is RUNNING with the spawn, and no exit is too quick")
    func startSecondsZero() {
        var machine = machine { $0.startSeconds = .zero }
        _ = machine.start(reason: nil, at: at(0))
        #expect(machine.deadline == nil, "nothing is due before execve")
        _ = machine.spawned(pid: 77, at: at(0))
        #expect(machine.processState == .running)
        _ = machine.exited(.code(0), at: at(0))
        #expect(machine.processState == .exited)
    }

    @Test("RUNNING is due at startsecs after the order, and not one nanosecond before")
    func runningIsDue() {
        var machine = machine()
        _ = machine.start(reason: nil, at: at(5))
        _ = machine.spawned(pid: 77, at: at(5.5))
        #expect(machine.deadline == instant(6))
        #expect(machine.timeReached(at: at(5.999_999_999)).isEmpty)
        #expect(machine.processState == .starting)
        #expect(!machine.timeReached(at: at(6)).isEmpty)
        #expect(machine.processState == .running)
    }

    @Test("Failed starts wait 1, 2, 3 s, and listeners hear tries 1, 2, 3, 4; then FATAL, which resets the tries")
    func backoffThenFatal() {
        var machine = machine()
        var now = 0.0
        for failures in 1...4 {
            _ = failures == 1 ? machine.start(reason: nil, at: at(now)) : machine.timeReached(at: at(now))
            #expect(machine.generation == Generation(UInt32(failures)))
            let orders = machine.spawnFailed(WorkerMachineTableTests.failure, at: at(now))
            #expect(
                orders.contains(
                    .changed(from: .starting, to: .backoff, pid: nil, tries: failures, isExpected: false)))
            guard failures < 4 else { break }
            #expect(machine.deadline == instant(now + Double(failures)))
            #expect(machine.timeReached(at: at(now + Double(failures) - 0.001)).isEmpty)
            now += Double(failures)
        }
        #expect(machine.state == .fatal)
        #expect(machine.tries == 0)
        #expect(machine.spawnError == "can't find command '/usr/bin/worker'")
        #expect(machine.deadline == nil)
    }

    @Test("Too few descriptors, processes or memory for a start: it is tried until there are, and costs no retries")
    func shortageCostsNoRetries() {
        var machine = machine { $0.startRetries = 0 }
        let failure = SpawnFailure(stage: .clone, errorNumber: 11, subject: "", explanation: "no more processes")
        var now = 0.0
        _ = machine.start(reason: nil, at: at(now))
        for failures in 1...20 {
            let orders = machine.spawnFailed(failure, at: at(now))
            #expect(machine.processState == .backoff)
            #expect(orders.contains(.log(.error, "spawnerr: w0: cannot clone: no more processes (errno 11)")))
            now += Double(min(failures, 5))
            #expect(machine.deadline == instant(now))
            _ = machine.timeReached(at: at(now))
        }
        // What is the program's own fault still counts.
        _ = machine.spawnFailed(WorkerMachineTableTests.failure, at: at(now))
        #expect(machine.state == .fatal)
    }

    @Test("startretries = 0 is FATAL at the first failure")
    func noRetries() {
        var machine = machine { $0.startRetries = 0 }
        _ = machine.start(reason: nil, at: at(0))
        let orders = machine.spawnFailed(WorkerMachineTableTests.failure, at: at(0))
        #expect(machine.state == .fatal)
        #expect(
            orders.suffix(3) == [
                .changed(from: .starting, to: .backoff, pid: nil, tries: 1, isExpected: false),
                .changed(from: .backoff, to: .fatal, pid: nil, tries: 0, isExpected: false),
                .log(.info, "gave up: w0 entered FATAL state, too many start retries too quickly"),
            ])
    }

    @Test("startretries = infinite never gives up, and never waits longer than a minute")
    func infiniteRetries() {
        var machine = machine { $0.startRetries = nil }
        _ = machine.start(reason: nil, at: at(0))
        var now = 0.0
        for failures in 1...200 {
            _ = machine.spawnFailed(WorkerMachineTableTests.failure, at: at(now))
            #expect(machine.deadline == instant(now + Double(min(failures, 60))))
            now += Double(min(failures, 60))
            _ = machine.timeReached(at: at(now))
        }
        #expect(machine.processState == .starting)
    }

    @Test("A stop in BACKOFF keeps the count of tries, as supervisord does; a start that succeeds resets it")
    func triesAreKept() {
        var machine = machine()
        _ = machine.start(reason: nil, at: at(0))
        _ = machine.exited(.code(1), at: at(0.5))
        _ = machine.stop(.stay, isByRequest: true, at: at(0.6))
        #expect(machine.state == .stopped)
        #expect(machine.tries == 1)
        _ = machine.start(reason: .user, at: at(1))
        _ = machine.spawned(pid: 78, at: at(1))
        _ = machine.timeReached(at: at(2))
        #expect(machine.tries == 0)
    }

    @Test(
        "autorestart and exitcodes decide what an exit of a running process leads to",
        arguments: [
            (SupervisionSpec.AutoRestart.never, WardenCore.ExitStatus.code(1), ProcessState.exited, "Bad exit code 1"),
            (.unexpected, .code(0), .exited, ""), (.unexpected, .code(2), .exited, ""),
            (.unexpected, .code(1), .starting, ""), (.unexpected, .signal(15, coreDumped: false), .starting, ""),
            (.unexpected, .unknown, .starting, ""), (.always, .code(0), .starting, ""),
            (.never, .signal(11, coreDumped: true), .exited, "Bad exit code -1"),
        ])
    func autorestart(
        mode: SupervisionSpec.AutoRestart, status: WardenCore.ExitStatus, expected: ProcessState, spawnError: String
    ) {
        var machine = running {
            $0.autorestart = mode
            $0.exitCodes = [0, 2]
        }
        _ = machine.exited(status, at: at(20))
        #expect(machine.processState == expected)
        #expect(machine.spawnError == spawnError)
        #expect(machine.stoppedAt == at(20).wall)
        #expect(machine.generation == Generation(expected == .starting ? 2 : 1))
    }

    @Test("SIGKILL follows stopwaitsecs, again and again, until the exit")
    func killIsRepeated() {
        var machine = running { $0.stopWait = .seconds(3) }
        _ = machine.stop(.stay, isByRequest: true, at: at(20))
        for round in 1...3 {
            let now = 20 + Double(round) * 3
            #expect(machine.deadline == instant(now))
            #expect(machine.timeReached(at: at(now - 0.001)).isEmpty)
            #expect(
                machine.timeReached(at: at(now)) == [
                    .log(.warn, "killing 'w0' (77) with SIGKILL"), .signal(Generation(1), .kill, .process),
                ])
        }
        _ = machine.exited(.signal(9, coreDumped: false), at: at(30))
        #expect(machine.state == .stopped)
        #expect(machine.deadline == nil)
    }

    @Test("stopwaitsecs = 0 kills at once, but repeats at most once a second")
    func killIsNotSpun() {
        var machine = running { $0.stopWait = .zero }
        _ = machine.stop(.stay, isByRequest: true, at: at(20))
        #expect(machine.deadline == instant(20))
        _ = machine.timeReached(at: at(20))
        #expect(machine.deadline == instant(21))
    }

    @Test(
        "Stop signal and SIGKILL reach what stopasgroup, killasgroup and kill_tree say",
        arguments: [
            (false, false, SupervisionSpec.KillTree.automatic, false, Reach.process, Reach.process),
            (true, false, .automatic, false, .group, .process), (false, true, .automatic, false, .process, .group),
            (true, true, .no, true, .group, .group), (false, false, .no, true, .process, .process),
            (false, false, .automatic, true, .tree, .tree), (true, true, .yes, false, .tree, .tree),
        ])
    func reach(
        stopAsGroup: Bool, killAsGroup: Bool, killTree: SupervisionSpec.KillTree, isNamed: Bool, stop: Reach,
        kill: Reach
    ) {
        var machine = running {
            $0.stopSignal = Signal(2)
            $0.stopAsGroup = stopAsGroup
            $0.killAsGroup = killAsGroup
            $0.killTree = killTree
            $0.isNamedByHealthSection = isNamed
        }
        #expect(
            machine.stop(.stay, isByRequest: true, at: at(20)).last == .signal(Generation(1), Signal(2), stop))
        #expect(machine.timeReached(at: at(30)).last == .signal(Generation(1), .kill, kill))
    }

    @Test("A person's stop turns Warden's restart into a stop; Warden's decision never turns it back")
    func personsStopWins() {
        var machine = running()
        _ = machine.stop(.startAgain(.health(.dark(.emfile))), isByRequest: false, at: at(20))
        _ = machine.stop(.stay, isByRequest: true, at: at(21))
        _ = machine.stop(.startAgain(.health(.dark(.emfile))), isByRequest: false, force: .kill, at: at(22))
        _ = machine.exited(.signal(9, coreDumped: false), at: at(23))
        #expect(machine.state == .stopped)
    }

    @Test("A person's start during a stop starts again after it")
    func startDuringStop() {
        var machine = running()
        _ = machine.stop(.stay, isByRequest: true, at: at(20))
        #expect(machine.start(reason: .user, at: at(21)).isEmpty, "two processes must never run in one slot")
        let orders = machine.exited(.code(0), at: at(22))
        #expect(orders.last == .spawn(Generation(2), .user))
    }

    @Test("A stop that is ordered before execve waits for the spawn's answer, whichever it is")
    func stopBeforeSpawned() {
        var machine = machine()
        _ = machine.start(reason: nil, at: at(0))
        let orders = machine.stop(.stay, isByRequest: true, at: at(0.1))
        #expect(
            orders == [
                .changed(from: .starting, to: .stopping, pid: nil, tries: 0, isExpected: true),
                .signal(Generation(1), .terminate, .process),
            ])
        var failed = machine
        _ = failed.spawnFailed(WorkerMachineTableTests.failure, at: at(0.2))
        #expect(failed.state == .stopped)
        #expect(failed.tries == 0, "a stop is not a failed start")
        _ = machine.spawned(pid: 77, at: at(0.2))
        #expect(machine.run?.pid == 77)
        #expect(machine.processState == .stopping)
    }

    @Test("A broken slot is FATAL when its process is gone, and a person may start it again")
    func brokenSlotHeals() {
        var machine = running()
        _ = machine.spawned(pid: 78, at: at(20))
        #expect(machine.spawnError == "internal: spawned while RUNNING")
        _ = machine.exited(.signal(9, coreDumped: false), at: at(20.1))
        #expect(machine.state == .fatal)
        #expect(machine.start(reason: .user, at: at(21)).last == .spawn(Generation(2), .user))
        #expect(machine.spawnError.isEmpty)
    }

    @Test(
        "Failures to start are told with their stage and errno",
        arguments: [
            (SpawnFailure.Stage.lookUp, Int32(2), "/x", "can't find command '/x'"),
            (.lookUp, 13, "/x", "command at '/x' is not executable"),
            (.stuck, 0, "set user", "spawn stuck at stage 'set user'"),
            (.openLog, 28, "/l", "cannot open log '/l': No space (errno 28)"),
            (.clone, 11, "", "cannot clone: No space (errno 11)"),
        ])
    func explanations(stage: SpawnFailure.Stage, errno: Int32, subject: String, expected: String) {
        let failure = SpawnFailure(stage: stage, errorNumber: errno, subject: subject, explanation: "No space")
        #expect(WorkerMachine.explain(failure) == expected)
    }

    @Test(
        "Exits are told in supervisord's words",
        arguments: [
            (WardenCore.ExitStatus.code(3), "exit status 3"),
            (.signal(11, coreDumped: true), "terminated by SIGSEGV (core dumped)"),
            (.signal(40, coreDumped: false), "terminated by signal 40"), (.unknown, "exit status unknown"),
        ])
    func descriptions(status: WardenCore.ExitStatus, expected: String) {
        #expect(WorkerMachine.describe(status) == expected)
    }
}
