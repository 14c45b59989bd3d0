import Glibc
import Testing
import WardenCore

/// Goal: how early a leak is told, and what is called one that is none, on six days of synthetic counts. The very code
/// that samples go through is measured, beside monit's 90 % line and Prometheus's `predict_linear` on the same series.
@Suite(.serialized) struct ForecastTests {
    /// What came of the series of one shape.
    struct Row {
        var name: String
        var alarms: [Alarms]

        func falseAlarms(_ rule: KeyPath<Alarms, Double?>) -> Int { alarms.count { $0[keyPath: rule] != nil } }

        /// Hours from the first alarm to the full table, shortest first; none where it came too late.
        func leads(_ rule: KeyPath<Alarms, Double?>) -> [Double] {
            alarms.compactMap { alarms in
                guard let alarm = alarms[keyPath: rule] else { return nil }
                let full = alarms.full ?? Shape.days * 24
                return alarm < full ? full - alarm : nil
            }.sorted()
        }
    }

    static func rows(_ shapes: [Shape], count: Int, stepMinutes: Double, seed: UInt64) -> [Row] {
        shapes.enumerated().map { position, shape in
            let alarms = (0..<count).map { number in
                let series = shape.series(
                    stepMinutes: stepMinutes, seed: seed &+ UInt64(position * 1000 + number))
                return Alarms.of(series, stepMinutes: stepMinutes).alarms
            }
            return Row(name: shape.name, alarms: alarms)
        }
    }

    static var rules: [(String, KeyPath<Alarms, Double?>)] {
        [
            ("warden, horizon 6d", \.warden), ("warden, default 24h", \.wardenByDefault),
            ("monit 90 %", \.ninetyPercent), ("predict_linear 6h->24h", \.predictLinear),
        ]
    }

    static func printHealthy(_ rows: [Row]) {
        line("healthy: false alarms", rules.map(\.0))
        for row in rows { line(row.name, rules.map { "\(row.falseAlarms($0.1))/\(row.alarms.count)" }) }
    }

    static func printLeaking(_ rows: [Row]) {
        line("leaking: found, lead hours median / least", rules.map(\.0))
        for row in rows {
            line(
                row.name,
                rules.map { rule in
                    let leads = row.leads(rule.1)
                    return "\(leads.count)/\(row.alarms.count) \(tenths(median(leads))) / \(tenths(leads.first ?? 0))"
                })
        }
    }

    static func line(_ name: String, _ cells: [String]) {
        print(pad(name, 42) + cells.map { pad($0, 24) }.joined())
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    static func tenths(_ number: Double) -> String { String((number * 10).rounded() / 10) }

    static func median(_ sorted: [Double]) -> Double { sorted.isEmpty ? 0 : sorted[sorted.count / 2] }

    @Test("One sample a minute: no healthy worker is called leaking, and a six-day leak is told 85 hours before")
    func sixDays() {
        let healthy = Self.rows(Healthy.shapes, count: 20, stepMinutes: 1, seed: 4_000_000)
        Self.printHealthy(healthy)
        let leaking = Self.rows(Leaking.sixDays, count: 30, stepMinutes: 1, seed: 5_000_000)
        Self.printLeaking(leaking)
        let fast = Self.rows(Leaking.fast, count: 20, stepMinutes: 1, seed: 6_000_000)
        Self.printLeaking(fast)
        #expect(healthy.reduce(0) { $0 + $1.alarms.count } >= 240)
        #expect((leaking + fast).reduce(0) { $0 + $1.alarms.count } >= 160)
        for row in healthy { #expect(row.falseAlarms(\.warden) == 0, "\(row.name): \(row.alarms.map(\.reason))") }
        for row in leaking + fast { #expect(row.leads(\.warden).count == row.alarms.count, "\(row.name)") }
        let leads = leaking.flatMap { $0.leads(\.warden) }.sorted()
        Self.line(
            "all six-day leaks, median lead",
            Self.rules.map { rule in
                Self.tenths(Self.median(leaking.flatMap { $0.leads(rule.1) }.sorted()))
            })
        #expect(Self.median(leads) >= 85)
        // Whatever the horizon: earlier than the plain line beneath.
        for row in fast {
            #expect(Self.median(row.leads(\.warden)) > Self.median(row.leads(\.ninetyPercent)), "\(row.name)")
        }
    }

    @Test("The same at other sampling intervals, on fewer series", arguments: [(5.0 / 60, 2), (0.5, 5), (5.0, 20)])
    func intervals(stepMinutes: Double, count: Int) {
        print("a sample every \(Int(stepMinutes * 60)) s")
        let healthy = Self.rows(Healthy.shapes, count: count, stepMinutes: stepMinutes, seed: 7_000_000)
        Self.printHealthy(healthy)
        let leaking = Self.rows(Leaking.sixDays, count: count, stepMinutes: stepMinutes, seed: 8_000_000)
        Self.printLeaking(leaking)
        for row in healthy { #expect(row.falseAlarms(\.warden) == 0, "\(row.name): \(row.alarms.map(\.reason))") }
        for row in leaking { #expect(row.leads(\.warden).count == row.alarms.count, "\(row.name)") }
        #expect(Self.median(leaking.flatMap { $0.leads(\.warden) }.sorted()) >= 75)
    }

    @Test("What rises straight through most of the room is told once; the slot's next life is not")
    func hardShapes() {
        var firsts = 0
        for (position, shape) in Healthy.hard.enumerated() {
            var (first, second) = (0, 0)
            for number in 0..<10 {
                let seed = 9_000_000 + UInt64(position * 1000 + number)
                let life = Alarms.of(shape.series(stepMinutes: 1, seed: seed), stepMinutes: 1)
                if life.alarms.warden != nil { first += 1 }
                let next = Alarms.of(
                    shape.series(stepMinutes: 1, seed: seed, life: 1), stepMinutes: 1, formerLives: [life.witness])
                if next.alarms.warden != nil { second += 1 }
            }
            Self.line(shape.name, ["first life \(first)/10", "second life \(second)/10"])
            firsts += first
            #expect(second == 0, "\(shape.name)")
        }
        #expect(firsts > 0, "these shapes are here because they are told: move them to the others")
    }

    @Test("What a trend costs: time per sample, bytes per worker")
    func cost() {
        let series = Leaking.straight(days: 6).series(stepMinutes: 1, seed: 1)
        let clock = ContinuousClock()
        var rule = WardenRule(stepMinutes: 1, horizonHours: 24)
        let time = clock.measure {
            for (index, count) in series.enumerated() { _ = rule.sees(min(count, 300), at: Double(index) / 60) }
        }
        var trend = TrendSeries(interval: .seconds(5))
        let samples = 1_000_000
        let alone = clock.measure {
            for index in 0..<samples {
                trend.record(
                    Int64(100 + index / 10_000), at: Instant(nanoseconds: Int64(index) * 5_000_000_000), ceiling: 921)
            }
        }
        let before = residentBytes()
        let trends: [WorkerTrends] = (0..<2000).map { _ in WorkerTrends.refilled() }
        let bytes = Double(residentBytes() - before) / Double(trends.count)
        print(
            "a sample: \(Self.tenths(time / Double(series.count) / .microseconds(1))) us with all rules, ",
            "\(Self.tenths(alone / Double(samples) / .nanoseconds(1))) ns for a trend at 5 s;",
            "a worker's trends (descriptors, memory, profile): \(Int(bytes)) bytes, ",
            "of them inline \(MemoryLayout<WorkerTrends>.stride); tracker inline \(MemoryLayout<HealthTracker>.stride)")
        #expect(bytes < 2048)
    }
}

/// Resident bytes of this process.
private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, 128, file) != nil else { return 0 }
    let words = String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
}

extension WorkerTrends {
    /// The trends of a worker that was watched for three days.
    fileprivate static func refilled() -> WorkerTrends {
        var spec = HealthSpec()
        spec.interval = .seconds(300)
        spec.rssLimitBytes = 1 << 30
        let start = Moment(instant: .origin, wall: WallTime(microseconds: 0))
        var tracker = HealthTracker(spec: spec, startedAt: start)
        for index in 1...864 {
            let now = Moment(instant: .origin + .seconds(index * 300), wall: WallTime(microseconds: 0))
            let reading = DescriptorReading(pid: 1, count: 50 + index, softLimit: 1024, hardLimit: 1024)
            let sample = Sample(
                takenAt: now.instant, readings: .tree(TreeReadings(tightest: reading, treeRSSBytes: 1 << 20)))
            _ = tracker.sampled(sample, isDoubtful: false, at: now)
        }
        return tracker.trends
    }
}
