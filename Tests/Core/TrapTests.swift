import Testing
import WardenCore

/// Goal: what other process managers fell for. Each test is named after its trap; `Tests/traps.md` lists them all,
/// with those that are tested elsewhere.
@Suite struct TrapTests {
    private func world(_ names: [String] = ["w0"], _ change: (inout ProgramSpec) -> Void = { _ in }) -> World {
        World([group("ami", names, change)])
    }

    @Test("Trap: a manual start with an open breaker starts, and closes it")
    func manualStartWithOpenBreaker() {
        var world = world { $0.health.restartBudget = HealthSpec.Budget(count: 1, within: .seconds(3600)) }
        world.boot()
        world.darken(0)
        world.mend(0)
        world.darken(0)
        #expect(words(world.record).contains { $0.hasPrefix("record w0 dark/emfile") && $0.hasSuffix("gave-up") })
        let before = world.worker(0)
        world.ask(.stop(.slot(group: "ami", process: "w0"), wait: true))
        world.ask(.start(.slot(group: "ami", process: "w0"), wait: false))
        #expect(world.worker(0).generation > before.generation)
        world.mend(0)
        let after = words(world.darken(0))
        #expect(after.contains { $0.hasPrefix("forensics") }, "the breaker is closed: \(after)")
        #expect(world.objections.isEmpty)
    }

    @Test("Trap: a cap without steps is not ignored: max_backoff alone bounds supervisord's delays")
    func capWithoutSteps() {
        var spec = SupervisionSpec()
        spec.startRetries = nil
        spec.maximumBackoff = .seconds(2)
        var world = world { $0.supervision = spec }
        world.startFailure = 2
        world.settle(.ready)
        var delays: [Double] = []
        for _ in 0..<5 {
            let began = world.now
            guard let due = world.supervisor.nextDeadline() else { break }
            world.pass(Double(due.nanoseconds) / 1e9 - world.now)
            delays.append(world.now - began)
        }
        #expect(delays == [1, 2, 2, 2, 2])
    }

    @Test("Trap: two restarts at the same time, a person's within Warden's, give one process")
    func concurrentRestarts() {
        var world = world { $0.health.forensics = false }
        world.boot()
        world.childrenObey = false
        world.mend(0)
        world.childrenObey = true
        let one = Selection.slot(group: "ami", process: "w0")
        for _ in 0..<3 {
            world.pass(5)
            world.tell(
                .worker(
                    world.worker(0), .sampled(Sample(takenAt: world.moment.instant, readings: .tree(tree(fds: 255))))))
        }
        world.tell(.worker(world.worker(0), .logged(failure(1_000_000, world.now, emfile: true))))
        // The stop of Warden's restart is on its way; two people restart it, too, before anything is answered.
        for number in UInt64(900)..<902 {
            world.tell(.requested(RequestID(number), .stop(one, wait: true)))
            world.tell(.requested(RequestID(number + 10), .start(one, wait: true)))
        }
        world.settle()
        world.pass(30)
        #expect(world.children.count == 1)
        #expect(world.snapshots().first?.state == .running)
        #expect(world.objections.isEmpty)
    }

    @Test("Trap: the old process is still alive: no second copy, however long it takes to die")
    func oldProcessStillAlive() {
        var world = world { $0.supervision.stopWait = .seconds(30) }
        world.childrenObey = false
        world.boot()
        let first = world.worker(0)
        world.darken(0)
        world.pass(29)
        #expect(Array(world.children.keys) == [first])
        #expect(world.snapshots().first?.state == .stopping)
        world.pass(2)
        #expect(world.worker(0).generation.number == first.generation.number + 1, "SIGKILL, and then a start")
        #expect(world.objections.isEmpty, "the world objects to a second child in a slot")
    }

    @Test("Trap: a clock jump. The wall clock is only shown: a day forth or back trips no silence and skips none")
    func clockJump() {
        func verdicts(jumps: Bool) -> [String] {
            var spec = HealthSpec()
            spec.heartbeatTimeout = .seconds(60)
            spec.grace = .zero
            var tracker = HealthTracker(spec: spec, startedAt: at(0))
            var said: [String] = []
            var wall = WallTime(microseconds: 1_800_000_000_000_000)
            for step in 1...40 {
                let now = instant(Double(step) * 5)
                if jumps {
                    wall = WallTime(microseconds: wall.microseconds + (step % 2 == 0 ? 1 : -1) * 86_400_000_000)
                }
                let moment = Moment(instant: now, wall: wall)
                if step <= 20 { _ = tracker.logged(alive(UInt64(step), Double(step) * 5), at: moment) }
                _ = tracker.logged(drained(Double(step) * 5), at: moment)
                var readings = tree()
                readings.io = IOReading(readBytes: 1, writtenBytes: 1, readCalls: 1, writeCalls: 1)
                _ = tracker.sampled(
                    Sample(takenAt: now, readings: .tree(readings)), isDoubtful: false, at: moment)
                said.append(tracker.verdict.condition.name)
            }
            return said
        }
        let calm = verdicts(jumps: false)
        #expect(calm.prefix(31).allSatisfy { $0 == "healthy" } && calm.last == "hung/silent")
        #expect(verdicts(jumps: true) == calm)
    }

    @Test("Trap: the daemon's own log is not flooded by a worker that fails or flaps all day")
    func ownLogCannotFlood() {
        var world = world { $0.health.actions[.dark(.emfile)] = .alert }
        world.boot()
        world.mend(0)
        func lines(_ directives: [Directive]) -> Int {
            directives.count { if case .log = $0 { true } else { false } }
        }
        var failing = 0
        for number in UInt64(1)...36_000 {
            failing += lines(world.pass(0.1))
            failing += lines(world.log(0, failure(number * 100, world.now)))
        }
        #expect(failing <= 4, "an hour of a hundred error lines a second: \(failing) lines")
        var flapping = 0
        for number in 0..<720 {
            flapping += lines(world.pass(5))
            flapping += lines(world.sample(0, tree(fds: number.isMultiple(of: 2) ? 255 : 10)))
        }
        #expect(flapping <= 24, "an hour of 1-0-1-0: \(flapping) lines")
    }

    @Test("Trap: a stop of 300 workers is parallel: every SIGTERM goes out in the same turn")
    func stopIsParallel() {
        var world = world((0..<300).map { "w\($0)" })
        world.childrenObey = false
        world.boot()
        #expect(world.children.count == 300)
        let turn = world.tell(.endRequested(.shutdown))
        #expect(words(turn).count { $0.hasPrefix("SIGTERM tree") } == 300)
        let client = world.objections
        world.pass(11)
        #expect(world.children.isEmpty, "and so does every SIGKILL, stopwaitsecs later")
        #expect(client.isEmpty && world.objections.isEmpty)
    }

    @Test("Trap: a file that is a worker's heartbeat is truncated, rotated or replaced: neither silence nor a jump")
    func rotatedHeartbeatFile() {
        var watched = Watched {
            $0.heartbeat = .file("/run/beat")
            $0.heartbeatTimeout = .seconds(60)
            $0.grace = .zero
        }
        var second = 0.0
        for mark: UInt64 in [100_000, 200_000, 0, 50, 0, 70, .max, 3] {
            second += 55
            watched.still(second, tree(mark: mark))
            #expect(watched.condition == .healthy, "mark \(mark)")
        }
        watched.still(second + 61, tree(mark: 3))
        #expect(watched.condition == .hung(.silent), "and real silence still counts")
    }

    @Test("Trap: flapping 1-0-1-0 at the line of rss_limit never restarts by 3 of 5 when it holds in 2 of 5")
    func flappingAtTheLine() {
        var world = world {
            $0.health.rssLimitBytes = 1 << 30
            $0.health.confirm = HealthSpec.Confirmation(needed: 3, window: 5)
        }
        world.boot()
        world.mend(0)
        for number in 0..<720 {
            world.pass(5)
            world.sample(0, tree(rss: [0, 3].contains(number % 5) ? 2 << 30 : 400 << 20))
        }
        #expect(!words(world.record).contains { $0.hasPrefix("forensics") || $0.hasPrefix("record") })
    }

    @Test("Trap: the silence of a slow start is not told when the first progress line ends the grace")
    func slowStart() {
        var watched = Watched {
            $0.heartbeatTimeout = .seconds(60)
            $0.grace = .seconds(300)
        }
        var second = 5.0
        while second <= 200 {
            watched.log(drained(second))
            watched.still(second)
            #expect(watched.said == "starting (proven)")
            second += 5
        }
        watched.progressed(second)
        #expect(watched.said == "healthy (proven)")
        for _ in 0..<20 {
            second += 5
            watched.progressed(second)
            watched.sample(second)
            #expect(watched.said == "healthy (proven)")
        }
    }
}
