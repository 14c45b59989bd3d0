import Testing
import WardenCore

/// Goal: silence alone proves no hang, and every witness and every excuse is heard.
@Suite struct HealthSilenceTests {
    static let timeout = 60.0

    /// Past its grace, with a line, a progress line and a sample at 100.
    func watched(_ change: (inout HealthSpec) -> Void = { _ in }) -> Watched {
        var watched = Watched {
            $0.heartbeatTimeout = .seconds(Self.timeout)
            change(&$0)
        }
        watched.sample(95)
        watched.progressed(100)
        watched.still(100)
        return watched
    }

    /// The first second, in steps of 5, at which the verdict is the hang, if there is one by the end.
    func firstHang(_ watched: inout Watched, until end: Double, _ step: (inout Watched, Double) -> Void) -> Double? {
        for second in stride(from: 105.0, through: end, by: 5) {
            watched.log(drained(second))
            step(&watched, second)
            if case .hung = watched.condition { return second }
        }
        return nil
    }

    @Test("Silent and still for heartbeat_timeout: hung/silent, weak where demand is unknown")
    func still() {
        var watched = watched()
        #expect(firstHang(&watched, until: 300) { $0.still($1) } == 160)
        #expect(watched.said == "hung/silent (weak)")
        #expect(watched.tracker.verdict.evidence.map(\.rule) == ["heartbeat_timeout", "tree_stands_still"])
        #expect(watched.tracker.verdict.reason.hasPrefix("no heartbeat for 1m"))
    }

    @Test("Silent, but with I/O: twice that")
    func withIO() {
        var watched = watched()
        #expect(firstHang(&watched, until: 300) { $0.sample($1) } == 220)
        #expect(watched.condition == .hung(.silent))
        #expect(watched.tracker.verdict.reason.contains("twice heartbeat_timeout"))
    }

    @Test("Silent, with some CPU: twice that; one tick of CPU in a while is still standing still")
    func withCPU() {
        var some = watched()
        #expect(firstHang(&some, until: 300) { $0.still($1, tree(cpu: .milliseconds(Int($1 * 100)))) } == 220)
        #expect(some.condition == .hung(.silent))
        var ticks = watched()
        #expect(
            firstHang(&ticks, until: 300) { $0.still($1, tree(cpu: .milliseconds(Int($1 / 10) * 10 - 100))) } == 160)
    }

    @Test("CPU pegged without I/O for twice that: hung/livelock, and never first called silent")
    func livelock() {
        var watched = watched()
        let when = firstHang(&watched, until: 400) { $0.still($1, tree(cpu: .seconds($1))) }
        #expect(when == 220)
        #expect(watched.condition == .hung(.livelock))
        var late = self.watched()
        // The spinning begins between two samples: its clock is a sample behind the silence.
        let later = firstHang(&late, until: 400) { watched, second in
            watched.still(second, tree(cpu: .seconds(max(0, second - 103))))
        }
        #expect(later == 225)
        #expect(late.condition == .hung(.livelock))
    }

    @Test("A spinning worker that must share its core now and then is livelock still; one that idles in between is not")
    func livelockOnBusyHost() {
        /// The condition after `end` seconds of a worker that gets `share` of its core in every fifth sample.
        func condition(sharing share: Double, until end: Double) -> Condition? {
            var watched = watched()
            _ = firstHang(&watched, until: end) { watched, second in
                let fifths = ((second - 100) / 25).rounded(.down)
                watched.still(second, tree(cpu: .seconds(second - fifths * 5 * (1 - share))))
            }
            return watched.condition
        }
        #expect(condition(sharing: 0.7, until: 400) == .hung(.livelock))
        #expect(condition(sharing: 0.2, until: 400) == .hung(.silent))
    }

    @Test("CPU pegged, but I/O that may not be read: not called livelock")
    func peggedWithoutKnowledge() {
        var watched = watched()
        for second in stride(from: 105.0, through: 250, by: 5) {
            watched.log(drained(second))
            var readings = tree(cpu: .seconds(second))
            readings.io = nil
            _ = watched.tracker.sampled(
                Sample(takenAt: instant(second), readings: .tree(readings)), isDoubtful: false, at: at(second))
        }
        #expect(watched.condition == .hung(.silent))
    }

    @Test("Demand: zero is never hung, some is strong, unreadable is unknown and weak")
    func demand() {
        var zero = watched()
        zero.tracker.demandRead(0, at: instant(101))
        #expect(firstHang(&zero, until: 2000) { $0.still($1) } == nil)
        var some = watched()
        some.tracker.demandRead(7, at: instant(101))
        #expect(firstHang(&some, until: 300) { $0.still($1) } == 160)
        #expect(some.grade == .strong)
        var lost = watched()
        lost.tracker.demandRead(7, at: instant(101))
        lost.tracker.demandRead(nil, at: instant(102))
        _ = firstHang(&lost, until: 300) { $0.still($1) }
        #expect(lost.grade == .weak)
    }

    @Test("Without heartbeat_timeout, and with heartbeat = none, silence says nothing")
    func notWatched() {
        var unset = watched { $0.heartbeatTimeout = nil }
        #expect(firstHang(&unset, until: 5000) { $0.still($1) } == nil)
        var none = watched { $0.heartbeat = .none }
        #expect(firstHang(&none, until: 5000) { $0.still($1) } == nil)
    }

    @Test("Silence counts only up to when the pump had drained the pipe")
    func drainedAt() {
        var watched = watched()
        for second in stride(from: 105.0, through: 400, by: 5) {
            watched.log(drained(min(second, 150)))
            watched.still(second)
        }
        #expect(watched.condition == .healthy)
        watched.log(drained(400))
        watched.still(405)
        #expect(watched.condition == .hung(.silent))
    }

    @Test("SIGSTOP: paused, clocks held; after SIGCONT silence starts anew")
    func pause() {
        var watched = watched()
        for second in stride(from: 105.0, through: 500, by: 5) {
            watched.log(drained(second))
            watched.still(second, tree(state: .stopped))
            #expect(watched.said == "paused/stopped (proven)")
        }
        watched.log(drained(505))
        watched.still(505)
        #expect(watched.condition == .healthy)
        for second in stride(from: 510.0, through: 555, by: 5) {
            watched.log(drained(second))
            watched.still(second)
            #expect(watched.condition == .healthy, "at \(second)")
        }
        watched.log(drained(560))
        watched.still(560)
        #expect(watched.condition == .hung(.silent))
    }

    @Test(
        "Whoever holds the root process still is named; a frozen cgroup comes first",
        arguments: [
            (KernelState.stopped, false, Condition.paused(.stopped)), (.traced, false, .paused(.traced)),
            (.stopped, true, .paused(.frozen)), (.sleeping, true, .paused(.frozen)),
            (.uninterruptible, false, .healthy),
            (.zombie, false, .healthy),
        ])
    func pauses(state: KernelState, isFrozen: Bool, expected: Condition) {
        var watched = watched()
        watched.still(105, tree(state: state, isFrozen: isFrozen))
        #expect(watched.condition == expected)
    }

    @Test("A stopped descendant is evidence of hung, not a pause")
    func stoppedDescendant() {
        var watched = watched()
        _ = firstHang(&watched, until: 300) { $0.still($1, tree(stoppedDescendants: 1)) }
        #expect(watched.condition == .hung(.silent))
        #expect(watched.tracker.verdict.evidence.map(\.rule).last == "stopped_descendants")
        #expect(watched.tracker.verdict.reason.hasSuffix("1 child stopped"))
    }

    @Test("While we doubt ourselves the clocks hold")
    func doubt() {
        var watched = watched()
        for second in stride(from: 105.0, through: 500, by: 5) {
            watched.log(drained(second))
            watched.still(second, isDoubtful: true)
        }
        #expect(watched.condition == .healthy)
        for second in stride(from: 505.0, through: 560, by: 5) {
            watched.log(drained(second))
            watched.still(second)
        }
        #expect(watched.condition == .hung(.silent))
    }

    @Test("heartbeat = file: growth is life, and a first look is not; what cannot be looked at is not silence")
    func fileHeartbeat() {
        var watched = Watched {
            $0.heartbeat = .file("/run/beat")
            $0.heartbeatTimeout = .seconds(Self.timeout)
            $0.grace = .zero
        }
        watched.still(5, tree(mark: 1))
        #expect(!watched.tracker.window.hasHeartbeat)
        watched.still(10, tree(mark: 2))
        #expect(watched.tracker.window.lastHeartbeat == instant(10))
        for second in stride(from: 15.0, through: 65, by: 5) { watched.still(second, tree(mark: 2)) }
        #expect(watched.condition == .healthy)
        var blind = watched
        blind.missed(200, errno: 3)
        #expect(blind.condition == .healthy)
        watched.still(70, tree(mark: 2))
        #expect(watched.condition == .hung(.silent))
    }

    @Test("heartbeat = notify: only WATCHDOG=1 counts, lines do not")
    func notifyHeartbeat() {
        var watched = Watched {
            $0.heartbeat = .notify
            $0.heartbeatTimeout = .seconds(Self.timeout)
            $0.grace = .zero
        }
        for second in stride(from: 5.0, through: 100, by: 5) {
            watched.wrote(second)
            if second <= 30 { watched.tracker.beat(at: instant(second)) }
            watched.still(second)
            if second == 85 { #expect(watched.condition == .healthy) }
        }
        #expect(watched.condition == .hung(.silent))
        #expect(watched.tracker.window.lastHeartbeat == instant(30))
    }

    @Test("The silence clock starts at spawn: a worker that never wrote a line is hung after its grace")
    func neverALine() {
        var watched = Watched { $0.heartbeatTimeout = .seconds(Self.timeout) }
        for second in stride(from: 5.0, through: 60, by: 5) {
            watched.log(drained(second))
            watched.still(second)
            if second < 60 { #expect(watched.condition == .starting) }
        }
        watched.log(drained(65))
        watched.still(65)
        #expect(watched.condition == .hung(.silent))
    }

    @Test("no-progress needs demand that says some, for progress_timeout, and the pipe drained")
    func noProgress() {
        func stuck(demand: Double?, since: Double = 101, drainedUntil: Double = 400) -> Condition {
            var watched = watched { $0.progressTimeout = .seconds(120) }
            watched.tracker.demandRead(demand, at: instant(since))
            for second in stride(from: 105.0, through: 220, by: 5) {
                watched.lines += 1
                watched.log(alive(watched.lines, min(second, drainedUntil)), at: second)
                watched.sample(second)
            }
            return watched.condition
        }
        #expect(stuck(demand: 3, since: 100) == .hung(.noProgress))
        #expect(stuck(demand: 3, since: 101) == .healthy, "the work has waited for 119 s only")
        #expect(stuck(demand: 0) == .healthy)
        #expect(stuck(demand: nil) == .healthy)
        #expect(stuck(demand: 3, since: 100, drainedUntil: 200) == .healthy, "a progress line may be in the pipe")
    }

    @Test("A progress line ends no-progress; without a progress pattern the rule does not exist")
    func noProgressEnds() {
        var watched = watched { $0.progressTimeout = .seconds(120) }
        watched.tracker.demandRead(3, at: instant(100))
        for second in stride(from: 105.0, through: 220, by: 5) {
            watched.wrote(second)
            watched.sample(second)
        }
        #expect(watched.said == "hung/no-progress (strong)")
        #expect(watched.tracker.verdict.reason == "3 waiting, no progress for 2m")
        watched.progressed(221)
        #expect(!watched.tracker.holds(.hung(.noProgress)))
        var unnamed = self.watched {
            $0.progressTimeout = .seconds(120)
            $0.progressPattern = nil
        }
        unnamed.tracker.demandRead(3, at: instant(100))
        unnamed.wrote(400)
        unnamed.sample(400)
        #expect(unnamed.condition == .healthy)
    }
}
