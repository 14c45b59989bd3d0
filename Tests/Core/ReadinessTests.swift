import Testing
import WardenCore

/// Goal: the machine of one slot with the keys that Warden adds: other signs of readiness, other delays, a command that
/// stops.
@Suite struct ReadinessTests {
    typealias Order = WorkerMachine.Order

    static func machine(_ change: (inout SupervisionSpec) -> Void) -> WorkerMachine {
        var spec = SupervisionSpec()
        change(&spec)
        return WorkerMachine(name: "w0", spec: spec)
    }

    private static func started(_ change: (inout SupervisionSpec) -> Void) -> WorkerMachine {
        var machine = machine(change)
        _ = machine.start(reason: nil, at: at(0))
        _ = machine.spawned(pid: 77, at: at(0))
        return machine
    }

    // MARK: - Ready

    @Test(arguments: [SupervisionSpec.Readiness.notify, .line("up"), .probe])
    func runningOnlyWhenReady(readiness: SupervisionSpec.Readiness) {
        var machine = Self.started {
            $0.readiness = readiness
            $0.startSeconds = .seconds(60)
        }
        #expect(machine.timeReached(at: at(59)).isEmpty)
        #expect(machine.processState == .starting)
        let orders = machine.becameReady()
        #expect(orders.first == .changed(from: .starting, to: .running, pid: 77, tries: 0, isExpected: true))
        #expect(machine.processState == .running)
        #expect(machine.deadline == nil)
        #expect(machine.becameReady().isEmpty)
    }

    @Test func readyBeforeExecIsKnown() {
        var machine = Self.machine { $0.readiness = .notify }
        _ = machine.start(reason: nil, at: at(0))
        #expect(machine.becameReady().isEmpty)
        _ = machine.spawned(pid: 77, at: at(0))
        #expect(machine.processState == .running)
    }

    /// Goal: READY=1 of a program that did not ask for it changes nothing.
    @Test func readyWithoutBeingAsked() {
        var machine = Self.started { _ in }
        #expect(machine.becameReady().isEmpty)
        #expect(machine.processState == .starting)
    }

    @Test func notReadyInTime() {
        var machine = Self.started {
            $0.readiness = .notify
            $0.startSeconds = .seconds(5)
            $0.startRetries = 0
        }
        #expect(machine.deadline == instant(5))
        #expect(machine.timeReached(at: at(5)).contains(.signal(Generation(1), .terminate, .process)))
        #expect(machine.processState == .stopping)
        let orders = machine.exited(.code(0), at: at(6))
        #expect(orders.contains(.changed(from: .stopping, to: .backoff, pid: nil, tries: 1, isExpected: false)))
        #expect(machine.processState == .fatal)
        #expect(machine.spawnError == "Not ready within 5 seconds (ready=notify)")
    }

    /// Goal: a person's stop during that end wins.
    @Test func stoppedWhileEndedForNotBeingReady() {
        var machine = Self.started {
            $0.readiness = .notify
            $0.startSeconds = .seconds(5)
        }
        _ = machine.timeReached(at: at(5))
        _ = machine.stop(.stay, isByRequest: true, at: at(5.5))
        _ = machine.exited(.code(0), at: at(6))
        #expect(machine.processState == .stopped)
    }

    @Test func zeroWaitsForEver() {
        let machine = Self.started {
            $0.readiness = .notify
            $0.startSeconds = .zero
        }
        #expect(machine.deadline == nil)
        #expect(machine.processState == .starting)
    }

    @Test func exitBeforeReadyIsAFailedStart() {
        var machine = Self.started {
            $0.readiness = .notify
            $0.startSeconds = .seconds(5)
        }
        _ = machine.exited(.code(0), at: at(100))
        #expect(machine.processState == .backoff)
        #expect(machine.spawnError == "Exited before it was ready (process log may have details)")
    }

    // MARK: - Delays

    static let delays: [(first: Duration?, longest: Duration?, expected: [Double])] = [
        (nil, nil, [1, 2, 3, 4, 5, 6]),
        (nil, .seconds(3), [1, 2, 3, 3, 3, 3]),
        (.milliseconds(500), .seconds(3), [0.5, 1, 2, 3, 3, 3]),
        (.seconds(2), nil, [2, 4, 8, 16, 32, 64]),
        (.seconds(200), nil, [200, 300, 300, 300, 300, 300]),
        (.seconds(5), .seconds(1), [5, 5, 5, 5, 5, 5]),
    ]

    @Test(arguments: delays.indices)
    func failedStarts(index: Int) {
        let (first, longest, expected) = Self.delays[index]
        var machine = Self.machine {
            $0.restartDelay = first
            $0.maximumBackoff = longest
            $0.startRetries = nil
        }
        var seconds = 0.0
        _ = machine.start(reason: nil, at: at(0))
        var found: [Double] = []
        for _ in expected {
            _ = machine.exited(.code(1), at: at(seconds))
            guard case .backoff(let retryAt) = machine.state else {
                Issue.record("\(machine.state)")
                return
            }
            found.append((retryAt - instant(seconds)).inSeconds)
            seconds += found.last ?? 0
            _ = machine.timeReached(at: at(seconds))
        }
        #expect(found == expected)
    }

    @Test func infiniteIsNeverFatal() {
        var machine = Self.machine { $0.startRetries = nil }
        _ = machine.start(reason: nil, at: at(0))
        for turn in 1...1000 {
            let now = Double(turn) * 100
            _ = machine.spawnFailed(Self.failure, at: at(now))
            #expect(machine.processState == .backoff)
            guard let due = machine.deadline else { return }
            #expect((due - instant(now)).inSeconds <= 60)
            _ = machine.timeReached(at: at(now + 60))
        }
    }

    /// Goal: an exit from RUNNING waits, too; who lived long begins with the shortest delay again.
    @Test func exits() {
        var machine = Self.machine {
            $0.restartDelay = .seconds(2)
            $0.maximumBackoff = .seconds(30)
            $0.autorestart = .always
        }
        _ = machine.start(reason: nil, at: at(0))
        var now = 0.0
        for (lived, delay) in [(5.0, 2.0), (5, 4), (5, 8), (31, 2), (5, 4)] {
            _ = machine.spawned(pid: 77, at: at(now))
            _ = machine.timeReached(at: at(now + 1))
            now += lived
            let orders = machine.exited(.code(0), at: at(now))
            #expect(orders.last == .changed(from: .exited, to: .backoff, pid: nil, tries: 0, isExpected: false))
            #expect(machine.deadline == instant(now + delay))
            now += delay
            #expect(machine.timeReached(at: at(now)).last == .spawn(machine.generation, .exit))
        }
    }

    @Test func withoutDelayAtOnce() {
        var machine = Self.started { $0.autorestart = .always }
        _ = machine.timeReached(at: at(1))
        #expect(machine.exited(.code(0), at: at(2)).last == .spawn(Generation(2), .exit))
    }

    // MARK: - Stop command

    private static func stopping() -> WorkerMachine {
        var machine = started {
            $0.stopCommand = "/bin/stop"
            $0.stopWait = .seconds(10)
        }
        _ = machine.timeReached(at: at(1))
        #expect(machine.stop(.stay, isByRequest: true, at: at(20)).last == .runStopCommand(Generation(1)))
        return machine
    }

    @Test func commandThenSignalThenKill() {
        var machine = Self.stopping()
        #expect(machine.stopCommandEnded(.exited(code: 0, output: ""), at: at(21)).isEmpty)
        #expect(machine.deadline == instant(30))
        #expect(machine.timeReached(at: at(30)).last == .signal(Generation(1), .terminate, .process))
        #expect(machine.deadline == instant(40))
        #expect(machine.timeReached(at: at(40)).last == .signal(Generation(1), .kill, .process))
        _ = machine.exited(.signal(9, coreDumped: false), at: at(40))
        #expect(machine.processState == .stopped)
    }

    @Test(arguments: [HookResult.exited(code: 1, output: ""), .failed(reason: "timed out")])
    func failedCommandThenSignalAtOnce(result: HookResult) {
        var machine = Self.stopping()
        let orders = machine.stopCommandEnded(result, at: at(22))
        #expect(orders.last == .signal(Generation(1), .terminate, .process))
        #expect(machine.deadline == instant(32))
        #expect(machine.stopCommandEnded(result, at: at(23)).isEmpty)
    }

    @Test func killSkipsTheCommand() {
        var machine = Self.started { $0.stopCommand = "/bin/stop" }
        let orders = machine.stop(.startAgain(.exit), isByRequest: false, force: .kill, at: at(5))
        #expect(orders.last == .signal(Generation(1), .kill, .process))
    }

    // MARK: - Held

    static let failure = SpawnFailure(stage: .clone, errorNumber: 11, subject: "", explanation: "try again")

    /// Goal: no start gets past a hold, whatever asks for it, and each happens once when the hold ends.
    @Test(arguments: ["start", "exit", "retry", "restart"])
    func held(by what: String) {
        var machine = Self.machine { $0.autorestart = .always }
        if what != "start" {
            _ = machine.start(reason: nil, at: at(0))
            _ = machine.spawned(pid: 77, at: at(0))
            _ = machine.timeReached(at: at(1))
        }
        let before = machine.generation
        #expect(machine.held(by: ["db"], at: at(2)).isEmpty)
        switch what {
        case "start": _ = machine.start(reason: .user, at: at(3))
        case "exit": _ = machine.exited(.code(1), at: at(3))
        case "restart":
            _ = machine.stop(.startAgain(.health(.dark(.emfile))), isByRequest: false, at: at(3))
            _ = machine.exited(.code(0), at: at(4))
        default:
            _ = machine.stop(.stay, isByRequest: true, at: at(3))
            _ = machine.exited(.code(0), at: at(3))
            _ = machine.held(by: [], at: at(3))
            _ = machine.start(reason: .user, at: at(3))
            _ = machine.held(by: ["db"], at: at(3))
            _ = machine.spawnFailed(Self.failure, at: at(3))
            #expect(machine.timeReached(at: at(10)) == [.log(.info, "w0 waits for db")])
            #expect(machine.processState == .backoff)
        }
        #expect(machine.awaitedStart != nil)
        #expect(machine.deadline == nil)
        #expect(machine.timeReached(at: at(1000)).isEmpty)
        let orders = machine.held(by: [], at: at(1001))
        #expect(orders.count == 2, "\(orders)")
        #expect(machine.processState == .starting)
        #expect(machine.generation > before)
        #expect(machine.held(by: [], at: at(1002)).isEmpty)
    }

    @Test func stopEndsTheWait() {
        var machine = Self.machine { _ in }
        _ = machine.held(by: ["db"], at: at(0))
        _ = machine.start(reason: .user, at: at(0))
        #expect(machine.stop(.stay, isByRequest: true, at: at(1)).isEmpty)
        #expect(machine.held(by: [], at: at(2)).isEmpty)
        #expect(machine.processState == .stopped)
    }
}
