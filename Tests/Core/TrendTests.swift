import Testing
import WardenCore

/// Goal: growth is told where it is one, with its slope and its time; in bounded size; and nothing else is.
@Suite struct TrendTests {
    static func series(
        days: Double, every seconds: Double = 5, ceiling: Int64? = 65_536, from start: Double = 0,
        _ count: (Double) -> Double
    ) -> TrendSeries {
        var series = TrendSeries(interval: .seconds(seconds))
        for second in stride(from: start, through: days * 86_400, by: seconds) {
            series.record(Int64(count(second)), at: instant(second), ceiling: ceiling)
        }
        return series
    }

    @Test("Ten thousand descriptors a day: the slope and the time that is left", arguments: [2.0, 3, 5])
    func leak(days: Double) throws {
        let series = Self.series(days: days, every: 60) { 40 + $0 / 86_400 * 10_000 }
        let forecast = try #require(series.forecast(ceiling: 65_536))
        #expect(abs(forecast.perHour - 10_000 / 24) < 10)
        #expect(forecast.observed >= .seconds(36 * 3600))
        let left = (forecast.reachesAt - instant(days * 86_400)).inSeconds
        #expect(abs(left - (65_536 - 40 - days * 10_000) / 10_000 * 86_400) < 3 * 3600)
    }

    @Test("With less than a day of data it says nothing that reaches days ahead; movement is known after two buckets")
    func span() throws {
        let early = Self.series(days: 0.9, every: 60) { 40 + $0 / 86_400 * 10_000 }
        #expect(early.forecast(ceiling: 65_536) == nil)
        let movement = try #require(early.movement)
        #expect(abs(movement.perHour - 10_000 / 24) < 10)
        #expect(TrendSeries(interval: .seconds(5)).movement == nil)
        #expect(Self.series(days: 590 / 86_400.0) { _ in 10 }.movement == nil)
        #expect(Self.series(days: 600 / 86_400.0) { _ in 10 }.movement?.perHour == 0)
    }

    @Test("A table that fills in three hours, in twenty minutes, in two at 200 ms: told before it is full")
    func fast() throws {
        for (seconds, interval) in [(10_800.0, 5.0), (1200, 0.2), (150, 0.2)] {
            var series = TrendSeries(interval: .seconds(interval))
            var told: Double?
            for second in stride(from: 0, through: seconds, by: interval) where told == nil {
                series.record(Int64(40 + second / seconds * 984), at: instant(second), ceiling: 921)
                if series.isGrowing { told = second }
            }
            #expect(try #require(told) < seconds * 0.85, "\(seconds) s")
        }
    }

    @Test("No ceiling, no growth: an unlimited table is never full")
    func unlimited() {
        #expect(!Self.series(days: 3, every: 60, ceiling: nil) { $0 / 8 }.isGrowing)
    }

    @Test("Peaks are work, and what is given back is no leak")
    func healthy() {
        #expect(!Self.series(days: 3, every: 60) { 10 + $0.truncatingRemainder(dividingBy: 3600) * 10 }.isGrowing)
        #expect(!Self.series(days: 3, every: 60) { 60_000 - $0 / 10 }.isGrowing)
        #expect(!Self.series(days: 3, every: 60) { $0 < 129_600 ? 100 : 40_000 }.isGrowing)
    }

    @Test("Growth that has ended is forgotten after three buckets")
    func ended() {
        let grown = 2.5 * 86_400
        #expect(Self.series(days: 2.5, every: 60) { 40 + $0 / 5 }.isGrowing)
        let after = Self.series(days: 4.5, every: 60) { 40 + min($0, grown) / 5 }
        #expect(!after.isGrowing)
    }

    @Test("Samples that are missing for hours or weeks neither trap nor grow")
    func gaps() {
        var series = Self.series(days: 2.5, every: 60) { 40 + $0 / 5 }
        #expect(series.isGrowing)
        series.record(100, at: instant(2.7 * 86_400), ceiling: 65_536)
        series.record(100, at: instant(90 * 86_400), ceiling: 65_536)
        #expect(!series.isGrowing)
        series.record(.max, at: instant(91 * 86_400), ceiling: 65_536)
        series.record(-5, at: Instant(nanoseconds: .max), ceiling: 0)
        var absurd = TrendSeries(interval: .seconds(1 << 40), unit: 0)
        absurd.record(1, at: instant(0), ceiling: 1)
        absurd.record(1, at: Instant(nanoseconds: .max), ceiling: 1)
    }

    @Test(
        "Buckets: 60 samples, at most 5 minutes, at least 2 samples",
        arguments: [
            (0.2, 12.0), (1, 60), (5, 300), (60, 300), (300, 600), (0, 0.06),
        ])
    func width(interval: Double, width: Double) {
        #expect(TrendSeries.width(at: .seconds(interval)) == .milliseconds(Int64(width * 1000)))
    }
}

/// Goal: what a worker's verdict makes of growth, beside its other lives.
@Suite struct LeakVerdictTests {
    /// A worker whose count is told every minute, from the start.
    static func watch(
        hours: Double, lives: [TrendWitness] = [], _ change: (inout HealthSpec) -> Void = { _ in },
        _ readings: (Double) -> TreeReadings
    ) -> HealthTracker {
        var spec = HealthSpec()
        spec.interval = .seconds(300)
        change(&spec)
        var tracker = HealthTracker(spec: spec, startedAt: at(0), formerLives: lives)
        for minute in stride(from: 5, through: Int(hours * 60), by: 5) {
            let seconds = Double(minute) * 60
            var tree = readings(seconds / 3600)
            tree.io = IOReading(readBytes: UInt64(minute), writtenBytes: 1, readCalls: 1, writeCalls: 1)
            _ = tracker.sampled(
                Sample(takenAt: instant(seconds), readings: .tree(tree)), isDoubtful: false, at: at(seconds))
        }
        return tracker
    }

    static func leak(_ hour: Double) -> TreeReadings { tree(fds: Int(40 + hour * 7), limit: 1024) }

    @Test("leaking/fds within leak_horizon, weak by the trend alone, with slope, span and time")
    func horizon() throws {
        let far = Self.watch(hours: 60) { Self.leak($0) }
        #expect(far.verdict.condition == .healthy, "80 hours are left, and the horizon is 24")
        let near = Self.watch(hours: 60, { $0.leakHorizon = .seconds(96 * 3600) }, { Self.leak($0) })
        #expect(near.verdict.condition == .leaking(.fds))
        #expect(near.verdict.grade == .weak)
        #expect(near.verdict.evidence.map(\.rule) == ["leak_horizon", "growth_per_hour", "observed_span"])
        #expect(near.verdict.evidence[1].value == .number(7))
        #expect(near.verdict.reason.contains("+7.0 an hour for 2d 8h, full in about 3d 8h"))
        #expect(near.holds(.leaking(.fds)))
    }

    @Test("leaking/rss needs rss_limit: without one, growth is no verdict whatever its size")
    func memory() throws {
        func grows(_ hour: Double) -> TreeReadings { tree(rss: Int64(400 + hour * 10) << 20) }
        let limited = Self.watch(hours: 48, { $0.rssLimitBytes = 1 << 30 }, grows)
        #expect(limited.verdict.condition == .leaking(.rss))
        #expect(limited.verdict.grade == .weak)
        #expect(limited.verdict.reason.contains("+10 MiB an hour"))
        #expect(limited.verdict.reason.contains("over rss_limit (1 GiB) in about"))
        #expect(Self.watch(hours: 48, { _ in }, grows).verdict.condition == .healthy)
    }

    @Test("A former life that stood as high and lived on makes it a warm-up; one that never stopped makes it strong")
    func formerLives() throws {
        let horizon: (inout HealthSpec) -> Void = { $0.leakHorizon = .seconds(96 * 3600) }
        let warm = Self.watch(hours: 120) { tree(fds: Int(40 + min(70, $0) * 7), limit: 1024) }
        let rested = warm.trends.witness("generation 1", at: instant(120 * 3600))
        #expect(Self.watch(hours: 60, lives: [rested], horizon, { Self.leak($0) }).verdict.condition == .healthy)
        // Past where the former life came to rest it is one all the same.
        let passed = Self.watch(hours: 100, lives: [rested], horizon, { Self.leak($0) })
        #expect(passed.verdict.condition == .leaking(.fds))
        let leaked = Self.watch(hours: 120) { Self.leak($0) }.trends.witness("generation 1", at: instant(120 * 3600))
        let again = Self.watch(hours: 60, lives: [leaked], horizon, { Self.leak($0) })
        #expect(again.verdict.condition == .leaking(.fds))
        #expect(again.verdict.grade == .strong)
        #expect(again.verdict.evidence.last?.rule == "never_levelled_off")
    }

    @Test("A count that stands above all its siblings at the same age is strong")
    func siblings() throws {
        let flat = Self.watch(hours: 64) { _ in tree(fds: 40, limit: 1024) }
            .trends.witness("w1", at: instant(64 * 3600))
        let alone = Self.watch(hours: 60, lives: [flat], { $0.leakHorizon = .seconds(96 * 3600) }, { Self.leak($0) })
        #expect(alone.verdict.grade == .strong)
        #expect(alone.verdict.evidence.last?.rule == "above_others_at_same_age")
        #expect(alone.verdict.evidence.last?.threshold == .text("w1: 40"))
    }

    @Test("The grace is not looked at: a start that rises for ten minutes is no growth")
    func grace() {
        let started = Self.watch(
            hours: 2, { $0.grace = .seconds(3600) },
            {
                tree(fds: Int(40 + min(1, $0) * 600), limit: 1024)
            })
        #expect(started.verdict.condition == .healthy)
        #expect(
            !started.trends.descriptorTrend(
                DescriptorReading(pid: 1, count: 640, softLimit: 1024, hardLimit: 1024), at: instant(7200)
            ).isGrowing)
    }

    @Test("What grows, and how many for each progress line, from two censuses")
    func fingerprint() {
        var print = LeakFingerprint()
        #expect(print.growth.isEmpty)
        print.counted([.init(kind: "pipe", count: 10), .init(kind: "socket", count: 7)], progressLines: 100)
        #expect(print.growth.isEmpty)
        print.counted(
            [.init(kind: "pipe", count: 422), .init(kind: "file", count: 30), .init(kind: "socket", count: 9)],
            progressLines: 306)
        #expect(
            print.growth.map(\.value) == [
                .text("+412 pipe, +2.0 per progress line"), .text("+30 file, +0.15 per progress line"),
            ])
        var idle = LeakFingerprint()
        idle.counted([], progressLines: 3)
        idle.counted([.init(kind: "pipe", count: 8)], progressLines: 3)
        #expect(idle.growth.map(\.value) == [.text("+8 pipe")])
    }
}

extension DescriptorTrend? {
    fileprivate var isGrowing: Bool { self?.timeToLimit != nil }
}
