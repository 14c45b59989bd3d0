import Testing
import WardenCore

/// Goal: doubts are raised at once, cleared with hysteresis, and never for ever.
@Suite struct SelfWatchTests {
    struct Watch {
        var watch = SelfWatch(pressurePercent: 50)
        var clock = 0.0
        var suspended: Duration = .seconds(100)
        var cpu = 0.0
        var memory = 0.0
        var hasPressure = true

        /// A look after so many seconds, so many of them late.
        mutating func look(after seconds: Double = 1, late: Double = 0) -> [String] {
            clock += seconds
            let pressure = hasPressure ? HostPressure(cpuSomePercent: cpu, memoryFullPercent: memory) : nil
            return watch.turned(
                at: instant(clock), dueAt: instant(clock - late), suspended: suspended, pressure: pressure)
        }
    }

    @Test func allIsWell() {
        var watch = Watch()
        for _ in 0..<100 { #expect(watch.look().isEmpty) }
    }

    @Test("A late turn of our own, for ten seconds after the last")
    func late() {
        var watch = Watch()
        #expect(watch.look(after: 3, late: 1.9).isEmpty)
        #expect(watch.look(after: 4, late: 3) == ["warden's own loop was late by 3s"])
        #expect(watch.look(after: 9).count == 1)
        #expect(watch.look(after: 1).isEmpty)
    }

    @Test("A daemon that is started again and again doubts itself for a while: it may be what it does that ends it")
    func restless() {
        var watch = Watch()
        watch.watch.started(3, at: instant(0))
        #expect(watch.look().isEmpty)
        watch.watch.started(4, at: instant(watch.clock))
        #expect(watch.look() == ["warden was started 4 times within a minute"])
        #expect(watch.look(after: 590).count == 1)
        #expect(watch.look(after: 20).isEmpty)
    }

    @Test("A suspended host, known by its clocks; what it slept before we looked is none of ours")
    func suspended() {
        var watch = Watch()
        #expect(watch.look().isEmpty)
        watch.suspended += .seconds(3720)
        #expect(watch.look() == ["the host was suspended for 1h 2m"])
        #expect(watch.look(after: 29).count == 1)
        #expect(watch.look(after: 1).isEmpty)
    }

    @Test("Pressure: raised above the line, kept down to four fifths of it and for ten seconds below")
    func pressure() {
        var watch = Watch()
        watch.cpu = 50
        #expect(watch.look().isEmpty)
        watch.cpu = 61
        #expect(watch.look() == ["the host is short of CPU (something waited 61 % of the time)"])
        watch.cpu = 42
        for _ in 0..<60 { #expect(watch.look().count == 1) }
        watch.cpu = 39
        for _ in 0..<9 { #expect(watch.look().count == 1, "its words stay, and so does it") }
        #expect(watch.look().isEmpty)
        watch.memory = 30
        #expect(watch.look() == ["the host is short of memory (everything stood still 30 % of the time)"])
    }

    @Test("A host that is always pressed is not doubted for ever, and again only after it was at ease")
    func always() {
        var watch = Watch()
        watch.cpu = 90
        for _ in 0..<900 { #expect(watch.look().count == 1) }
        for _ in 0..<1000 { #expect(watch.look().isEmpty) }
        watch.cpu = 0
        for _ in 0..<20 { _ = watch.look() }
        watch.cpu = 90
        #expect(watch.look().count == 1)
    }

    @Test("No reading, or none wanted: no doubt")
    func blind() {
        var watch = Watch()
        (watch.cpu, watch.hasPressure) = (99, false)
        #expect(watch.look().isEmpty)
        watch = Watch(watch: SelfWatch(pressurePercent: nil), cpu: 99, memory: 99)
        #expect(watch.look().isEmpty)
    }

    @Test("While raised, restarts decay to alerts, and when it is over they happen")
    func effect() {
        var world = World([group { $0.health.actions[.leaking(.fds)] = HealthAction.none }])
        world.boot()
        world.settle(.localHealth(LocalHealth(doubts: ["the host was suspended for 1h"])))
        #expect(!words(world.darken(0)).contains { $0.hasPrefix("spawn") })
        #expect(world.snapshots().first?.verdict?.condition == .dark(.emfile))
        world.settle(.localHealth(LocalHealth()))
        world.pass(5)
        world.log(0, failure(2_000_000, world.now, emfile: true))
        #expect(words(world.sample(0, tree(fds: 255))).contains("spawn w0.2 restarts 1"))
        let lines = world.record.compactMap { if case .log(let line) = $0 { line.message } else { nil } }
        #expect(lines.contains("warden doubts its own eyes, restarts become alerts: the host was suspended for 1h"))
        #expect(lines.contains("warden trusts its own eyes again"))
    }
}

/// Goal: outside the hours of `act_between` Warden waits and tells, unless it is sure.
@Suite struct ActBetweenTests {
    @Test(arguments: [
        (0, true), (359, true), (360, false), (719, false), (720, true), (779, true), (780, false), (1319, false),
        (1320, true), (1439, true),
    ])
    func hours(_ minute: Int, _ expected: Bool) {
        var spec = HealthSpec()
        spec.actBetween = [DailyWindow(from: 1320, to: 360), DailyWindow(from: 720, to: 780)]
        let day = WallTime(microseconds: 1_800_000_000_000_000 / 86_400_000_000 * 86_400_000_000)
        for offset in [0, 7200, -18_000] {
            let time = WallTime(microseconds: day.microseconds + Int64(minute * 60 - offset) * 1_000_000)
            #expect(spec.actsNow(at: time, utcOffsetSeconds: offset) == expected, "\(offset)")
        }
    }

    /// The origin of the tests' wall clock is 08:00 UTC.
    func world(_ hours: DailyWindow) -> World {
        var world = World([
            group {
                $0.health.actBetween = [hours]
                $0.health.rssLimitBytes = 1 << 30
                $0.health.actions[.leaking(.fds)] = HealthAction.none
            }
        ])
        world.boot()
        world.pass(120)
        return world
    }

    func bloat(_ world: inout World, samples: Int = 5) -> [String] {
        var done: [String] = []
        for _ in 0..<samples {
            done += words(world.pass(5))
            done += words(world.sample(0, tree(rss: 2 << 30)))
        }
        return done
    }

    @Test("A sampled verdict is told and waits; when the hours come it is acted on")
    func waits() {
        var world = world(DailyWindow(from: 10 * 60, to: 11 * 60))
        let done = bloat(&world)
        #expect(done.contains("alert opened w0 bloated") && !done.contains { $0.hasPrefix("spawn") })
        #expect(world.snapshots().first?.pendingAction == "waiting for act_between")
        world.settle(.localTimeMoved(utcOffsetSeconds: 7200))
        #expect(bloat(&world).contains("spawn w0.2 restarts 1"))
    }

    @Test("A proven verdict does not wait")
    func proven() {
        var world = world(DailyWindow(from: 10 * 60, to: 11 * 60))
        #expect(words(world.darken(0)).contains("spawn w0.2 restarts 1"))
    }
}
