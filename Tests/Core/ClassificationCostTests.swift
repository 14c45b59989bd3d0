import Testing
import WardenCore

/// Goal: what can be counted of the cost of judging a worker stays what it is. Time is measured by `make bench`.
@Suite struct ClassificationCostTests {
    /// Elements of all arrays and sets in a value, however deep.
    private static func elements(of value: Any) -> Int {
        let mirror = Mirror(reflecting: value)
        let own = [.collection, .set, .dictionary].contains(mirror.displayStyle) ? mirror.children.count : 0
        return mirror.children.reduce(own) { $0 + elements(of: $1.value) }
    }

    /// A tracker after so many days at the given interval, of a worker that leaks and fails now and then.
    private static func tracker(days: Double, interval: Double) -> HealthTracker {
        var watched = Watched {
            $0.interval = .seconds(interval)
            $0.rssLimitBytes = 8 << 30
            $0.grace = .zero
        }
        var second = 0.0
        var number = 0
        while second < days * 86400 {
            second += interval
            number += 1
            if number % 3 == 0 { watched.progressed(second) }
            if number % 7 == 0 { watched.failed(second) }
            watched.sample(
                second, tree(fds: 20 + number / 100, limit: 65536, rss: Int64(400 << 20) + Int64(number) << 10))
        }
        return watched.tracker
    }

    @Test("A healthy worker's sample and line lead to no directive at all")
    func healthySamplesAreSilent() {
        var world = World([group("ami", ["w0", "w1"])])
        world.census = []
        world.boot()
        world.mend(0, 1)
        var directives: [Directive] = []
        for number in UInt64(1)...1500 {
            world.pass(5)
            directives += world.log(0, progress(number, world.now))
            directives += world.sample(0)
            directives += world.sample(1)
        }
        #expect(directives.allSatisfy { if case .takeCensus = $0 { true } else { false } })
        #expect(directives.count <= 2, "one census when the start is over: \(directives)")
    }

    @Test("Who has been told of is not told of again: an ill worker's further samples lead to no directive")
    func illSamplesAreSilentOnceTold() {
        var world = World([group("ami", ["w0"]) { $0.health.actions[.dark(.emfile)] = .alert }])
        world.census = []
        world.boot()
        world.darken(0)
        _ = world.sample(0, tree(fds: 255))
        var directives: [Directive] = []
        for number in UInt64(2_000_001)...2_001_000 {
            world.pass(5)
            directives += world.log(0, failure(number, world.now, emfile: true))
            directives += world.sample(0, tree(fds: 255))
        }
        #expect(directives.allSatisfy { if case .takeCensus = $0 { true } else { false } })
        #expect(directives.count <= 2, "\(directives)")
    }

    @Test("What is remembered of a worker does not grow: six days hold no more than two", arguments: [1.0, 5, 30])
    func memoryIsBounded(interval: Double) {
        let two = Self.elements(of: Self.tracker(days: interval < 5 ? 0.5 : 2, interval: interval))
        let six = Self.elements(of: Self.tracker(days: interval < 5 ? 1 : 6, interval: interval))
        #expect(six <= two + 2 * TrendSeries.capacity)
        #expect(six <= 300)
        #expect(MemoryLayout<HealthTracker>.size <= 2048)
    }
}
