import Testing
import WardenCore

/// What three threads that wait for ever look like, unless the test changes it.
func locked(
    _ seconds: Double, threads: Int32 = 3, switches: UInt64 = 7, wait: WaitReport.Wait = .futex,
    _ change: (inout WaitReport) -> Void = { _ in }
) -> WaitReport {
    var report = WaitReport(
        takenAt: instant(seconds),
        threads: (0..<threads).map { .init(pid: 100, tid: 100 + $0, switches: switches, wait: wait) })
    change(&report)
    return report
}

/// Goal: a deadlock is proven by two looks at threads that nothing outside can wake, and by nothing less.
@Suite struct HealthHangTests {
    /// Past its grace and standing still, with a report whenever it is asked for one; when it was asked.
    func watch(
        _ watched: inout Watched, from start: Double = 105, until end: Double,
        _ report: (Double) -> WaitReport?
    ) -> [Double] {
        var asked: [Double] = []
        for second in stride(from: start, through: end, by: 5) {
            watched.log(drained(second))
            watched.still(second)
            guard watched.tracker.isWaitReadingDue(at: instant(second)) else { continue }
            asked.append(second)
            watched.tracker.waitsAsked(at: instant(second))
            if let report = report(second) { _ = watched.tracker.waitsRead(report, at: at(second)) }
        }
        return asked
    }

    func watched(_ change: (inout HealthSpec) -> Void = { _ in }) -> Watched {
        var watched = Watched(change)
        watched.sample(95)
        watched.progressed(100)
        watched.still(100)
        return watched
    }

    @Test("Two equal closed reports ten seconds apart: proven, without heartbeat_timeout")
    func proof() {
        var watched = watched()
        #expect(watch(&watched, until: 115) { locked($0) } == [115])
        #expect(watched.condition == .healthy)
        #expect(watch(&watched, from: 120, until: 125) { locked($0) } == [125])
        #expect(watched.said == "hung/deadlock (proven)")
        #expect(
            watched.tracker.verdict.reason == "3 of 3 threads wait for ever (3 on private futexes), unmoved for 10s; "
                + "nothing outside can wake it")
        #expect(watched.tracker.verdict.evidence.map(\.rule) == ["threads_waiting_for_ever", "waits_unmoved"])
        #expect(!watched.tracker.verdict.isAdvisory)
        #expect(watched.tracker.holds(.hung(.deadlock)))
    }

    @Test("Proven counts within grace, too")
    func grace() {
        var watched = Watched { $0.grace = .seconds(10_000) }
        _ = watch(&watched, until: 140) { locked($0) }
        #expect(watched.said == "hung/deadlock (proven)")
    }

    @Test("A worker that moves is never asked about; one whose standstill is open is asked less and less")
    func cost() {
        var moving = watched()
        for second in stride(from: 105.0, through: 2000, by: 5) {
            moving.sample(second)
            #expect(!moving.tracker.isWaitReadingDue(at: instant(second)))
        }
        var idle = watched()
        let asked = watch(&idle, until: 7200) { locked($0, wait: .poll) }
        #expect(asked.prefix(6) == [115, 145, 205, 325, 565, 1045])
        #expect(asked.count < 20)
        #expect(idle.condition == .healthy)
    }

    @Test("A question that is not answered is asked again later")
    func unanswered() {
        var watched = watched()
        #expect(watch(&watched, until: 300) { _ in nil } == [115, 175, 235, 295])
        #expect(watched.condition == .healthy)
    }

    /// What keeps a standstill from being a deadlock.
    static let excuses: [(name: String, change: @Sendable (inout WaitReport) -> Void)] = [
        ("one thread polls", { $0.threads[1].wait = .poll }),
        ("one thread sleeps", { $0.threads[1].wait = .timeout }),
        ("one thread runs", { $0.threads[1].wait = .running }),
        ("a shared futex", { $0.threads[1].wait = .sharedFutex }),
        ("an unknown system call", { $0.threads[1].wait = .unknown }),
        ("a timer", { $0.hasTimer = true }),
        ("something could not be read", { $0.gaps = ["waits: Permission denied"] }),
        ("no thread was found", { $0.threads = [] }),
        ("switch counts move", { $0.threads[2].switches = UInt64($0.takenAt.nanoseconds) }),
        ("threads come and go", { $0.threads[2].tid = Int32($0.takenAt.nanoseconds / 1_000_000_000) }),
    ]

    @Test(arguments: excuses.indices) func anExcuseIsHeard(_ index: Int) {
        var watched = watched()
        _ = watch(&watched, until: 1000) { locked($0, Self.excuses[index].change) }
        #expect(watched.condition == .healthy, "\(Self.excuses[index].name)")
    }

    @Test("With demand zero it is not asked, and nothing is said")
    func demandZero() {
        var watched = watched()
        watched.tracker.demandRead(0, at: instant(101))
        #expect(watch(&watched, until: 1000) { locked($0) } == [])
        #expect(watched.condition == .healthy)
    }

    @Test("A caught signal could wake it: strong; acted on only where silence may act or work waits")
    func caughtSignals() {
        func catching(_ seconds: Double) -> WaitReport { locked(seconds) { $0.caughtSignals = ["SIGUSR1"] } }
        var plain = watched()
        _ = watch(&plain, until: 200, catching)
        #expect(plain.said == "hung/deadlock (strong)")
        #expect(plain.tracker.verdict.isAdvisory)
        #expect(HealthSpec().actions.action(for: plain.tracker.verdict) == .alert)
        var timed = watched { $0.heartbeatTimeout = .seconds(3000) }
        _ = watch(&timed, until: 200, catching)
        #expect(HealthSpec().actions.action(for: timed.tracker.verdict) == .restart)
        var wanted = watched()
        wanted.tracker.demandRead(3, at: instant(101))
        _ = watch(&wanted, until: 200, catching)
        #expect(HealthSpec().actions.action(for: wanted.tracker.verdict) == .restart)
        var graceful = Watched { $0.grace = .seconds(10_000) }
        _ = watch(&graceful, until: 200, catching)
        #expect(graceful.condition == .starting)
    }

    @Test("It moves again: the verdict ends when the rule has not held for M samples")
    func end() {
        var watched = watched()
        _ = watch(&watched, until: 130) { locked($0) }
        #expect(watched.condition == .hung(.deadlock))
        watched.sample(135)
        #expect(!watched.tracker.holds(.hung(.deadlock)))
        for second in stride(from: 140.0, through: 160, by: 5) { watched.sample(second) }
        #expect(watched.condition == .healthy)
    }

    @Test("Blocked on its own output: never hung, whatever heartbeat_timeout says, and said once")
    func ownOutput() {
        var watched = watched { $0.heartbeatTimeout = .seconds(60) }
        var said = 0
        for second in stride(from: 105.0, through: 2000, by: 5) {
            watched.log(drained(second))
            watched.still(second)
            if watched.tracker.isWaitReadingDue(at: instant(second)) {
                watched.tracker.waitsAsked(at: instant(second))
                let report = locked(second) { $0.threads[0].wait = .ownOutput }
                said += watched.tracker.waitsRead(report, at: at(second)).hasBlocked ? 1 : 0
            }
            #expect(watched.condition == .healthy)
        }
        #expect(said == 1)
    }

    // MARK: - State D

    func inKernel(_ pid: Int32? = 100) -> TreeReadings {
        var readings = tree(state: .uninterruptible)
        readings.uninterruptible = pid
        return readings
    }

    @Test("The same process in state D for two minutes, standing still: hung/uninterruptible, alert by default")
    func uninterruptible() {
        var watched = watched()
        var since: Double?
        for second in stride(from: 105.0, through: 400, by: 5) {
            watched.log(drained(second))
            watched.still(second, inKernel())
            if since == nil, watched.condition == .hung(.uninterruptible) { since = second }
        }
        #expect(since == 225)
        #expect(watched.grade == .strong)
        #expect(watched.tracker.verdict.reason.hasPrefix("pid 100 is stuck in the kernel (state D) for "))
        #expect(HealthSpec().actions.action(for: watched.tracker.verdict) == .alert)
        for second in stride(from: 405.0, through: 450, by: 5) { watched.sample(second) }
        #expect(watched.condition == .healthy)
    }

    @Test("Back from state D it is not called silent for the time in which it could not speak")
    func backFromKernel() {
        var watched = watched { $0.heartbeatTimeout = .seconds(300) }
        for second in stride(from: 105.0, through: 2000, by: 5) {
            watched.log(drained(second))
            // Half of its files could be read now and then, which is no movement.
            var readings = inKernel()
            if second.truncatingRemainder(dividingBy: 100) == 0 { readings.io = nil }
            watched.still(second, readings)
            if second > 225 { #expect(watched.condition == .hung(.uninterruptible), "at \(second)") }
        }
        // The pump is late with what it writes from here on.
        for second in stride(from: 2005.0, through: 2300, by: 5) {
            watched.sample(second)
            if second > 2030 { #expect(watched.condition == .healthy, "at \(second)") }
        }
    }

    @Test("A thread beside the main one in state D, from report to report: the same")
    func threadInKernel() {
        var watched = watched()
        let asked = watch(&watched, until: 500) { locked($0) { $0.threads[2].wait = .kernel } }
        #expect(asked == [115, 145, 205, 325])
        #expect(watched.said == "hung/uninterruptible (strong)")
        #expect(watched.tracker.verdict.reason.hasPrefix("thread 102 of pid 100 is stuck in the kernel"))
        var moving = self.watched()
        _ = watch(&moving, until: 500) { second in
            locked(second) {
                $0.threads[2].wait = .kernel
                $0.threads[2].switches = UInt64(second)
            }
        }
        #expect(moving.condition == .healthy)
    }

    @Test("State D with I/O, of ever other processes, or now and then is a busy disk")
    func busyDisk() {
        var moving = watched()
        var others = watched()
        var rarely = watched()
        for second in stride(from: 105.0, through: 1000, by: 5) {
            moving.sample(second, inKernel())
            others.still(second, inKernel(Int32(second)))
            rarely.still(second, second.truncatingRemainder(dividingBy: 25) == 0 ? inKernel() : tree())
            #expect(moving.condition == .healthy)
            #expect(others.condition == .healthy)
            #expect(rarely.condition == .healthy)
        }
    }
}

/// Goal: without `heartbeat_timeout` silence is judged by what the worker's own lines taught, and only told.
@Suite struct LearnedSilenceTests {
    /// Lines every `period` seconds until `end`, then silence; the second of the first verdict that is not healthy.
    func firstVerdict(
        every period: Double, until end: Double, then later: Double, _ change: (inout HealthSpec) -> Void = { _ in },
        _ step: (inout Watched, Double) -> Void = { $0.still($1) }
    ) -> (second: Double?, watched: Watched) {
        var watched = Watched(change)
        var next = 10.0
        for second in stride(from: 5.0, through: later, by: 5) {
            if second >= next, second <= end {
                watched.wrote(second)
                next += period
            }
            watched.log(drained(second))
            if second <= end { watched.sample(second) } else { step(&watched, second) }
            if watched.condition != .healthy, watched.condition != .starting { return (second, watched) }
        }
        return (nil, watched)
    }

    @Test("Three windows with lines arm it; a silence of ten minutes, or thrice the longest gap, is told as learned")
    func learned() {
        let quick = firstVerdict(every: 30, until: 1000, then: 5000)
        #expect(quick.second == 1605)
        #expect(quick.watched.said == "hung/silent (weak)")
        #expect(quick.watched.tracker.verdict.isAdvisory)
        #expect(quick.watched.tracker.verdict.evidence.first?.rule == "learned_silence")
        #expect(quick.watched.tracker.verdict.reason.contains("was learned"))
        #expect(HealthSpec().actions.action(for: quick.watched.tracker.verdict) == .alert)
        let slow = firstVerdict(every: 290, until: 3000, then: 9000)
        // From the first sample that stands still.
        #expect(slow.second == 3005.0 + 3 * 290)
    }

    @Test("Too few windows, gaps between them, demand zero, or movement: nothing")
    func unarmed() {
        #expect(firstVerdict(every: 30, until: 550, then: 20_000).second == nil)
        #expect(firstVerdict(every: 700, until: 7000, then: 50_000).second == nil)
        #expect(firstVerdict(every: 30, until: 1000, then: 20_000) { $0.heartbeat = .none }.second == nil)
        let idle = firstVerdict(every: 30, until: 1000, then: 20_000, { _ in }) { watched, second in
            watched.tracker.demandRead(0, at: instant(second))
            watched.still(second)
        }
        #expect(idle.second == nil)
    }

    @Test("heartbeat_timeout, where it is set, is what counts")
    func configured() {
        let told = firstVerdict(every: 30, until: 1000, then: 20_000) { $0.heartbeatTimeout = .seconds(3600) }
        #expect(told.second == 4605)
        #expect(!told.watched.tracker.verdict.isAdvisory)
    }
}
