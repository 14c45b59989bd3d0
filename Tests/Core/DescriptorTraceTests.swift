import Testing
import WardenCore

/// Goal: days of descriptor counts in bounded size, and an estimate only where it can be believed.
@Suite struct DescriptorTraceTests {
    func trace(
        days: Double, every seconds: Double = 5, limit: Int = 65_536, _ count: (Double) -> Int
    ) -> DescriptorTrace {
        var trace = DescriptorTrace()
        for second in stride(from: 0.0, through: days * 86_400, by: seconds) {
            trace.record(
                DescriptorReading(pid: 1, count: count(second), softLimit: limit, hardLimit: limit), at: instant(second)
            )
        }
        return trace
    }

    @Test("Too few samples: no trend")
    func tooFew() {
        #expect(DescriptorTrace().trend == nil)
        #expect(trace(days: 4 * 5 / 86_400.0) { _ in 10 }.trend == nil)
        #expect(trace(days: 5 * 5 / 86_400.0) { _ in 10 }.trend != nil)
    }

    @Test(
        "Ten thousand descriptors a day, seen for 3 of 6 days: the slope and the rest of the time",
        arguments: [1.0, 3, 5])
    func leak(days: Double) throws {
        let trend = try #require(trace(days: days) { 40 + Int($0 / 86_400 * 10_000) }.trend)
        #expect(abs(trend.perHour - 10_000 / 24) < 10)
        #expect(trend.observed > .seconds(days * 86_400 * 0.9), "the first hours are not forgotten")
        let rest = (65_536 - 40 - days * 10_000) / 10_000 * 86_400
        if rest <= trend.observed.inSeconds * 3 {
            let time = try #require(trend.timeToLimit)
            #expect(abs(time.inSeconds - rest) < rest * 0.05)
        } else {
            #expect(trend.timeToLimit == nil, "an answer that reaches further than three times the observed span")
        }
    }

    @Test("Peaks are work: a sawtooth over a flat floor does not grow")
    func sawtooth() throws {
        let trend = try #require(trace(days: 1) { 10 + Int($0) % 60 / 5 * 8 }.trend)
        #expect(trend.timeToLimit == nil)
    }

    @Test("Descriptors that are given back have no estimate")
    func shrinking() throws {
        let trend = try #require(trace(days: 1) { 20_000 - Int($0 / 10) }.trend)
        #expect(trend.perHour < 0)
        #expect(trend.timeToLimit == nil)
    }

    @Test("An unlimited table is never full")
    func unlimited() throws {
        let trend = try #require(trace(days: 1, limit: .max) { 40 + Int($0 / 8) }.trend)
        #expect(trend.timeToLimit == nil)
    }

    @Test("A week costs what a minute does")
    func bounded() {
        // A trace has no size to ask for: its description is what can be measured from outside.
        let week = String(describing: trace(days: 7, every: 60) { Int($0) }).count
        let minutes = String(describing: trace(days: 0.002, every: 5) { Int($0) }).count
        #expect(week < minutes * 3)
    }
}
