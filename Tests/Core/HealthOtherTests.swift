import Testing
import WardenCore

/// Goal: memory, blindness, precedence, recovery, and what a tracker remembers.
@Suite struct HealthOtherTests {
    static let gigabyte: Int64 = 1 << 30

    func watched(_ change: (inout HealthSpec) -> Void = { _ in }) -> Watched {
        var watched = Watched {
            $0.grace = .zero
            change(&$0)
        }
        watched.sample(5)
        return watched
    }

    @Test("bloated above rss_limit, not at it, in N of M samples")
    func bloatLine() {
        var watched = watched { $0.rssLimitBytes = Self.gigabyte }
        for second in [10.0, 15, 20] { watched.sample(second, tree(rss: Self.gigabyte)) }
        #expect(watched.condition == .healthy)
        for second in [25.0, 30] { watched.sample(second, tree(rss: Self.gigabyte + 1)) }
        #expect(watched.condition == .healthy)
        watched.sample(35, tree(rss: Self.gigabyte + 1))
        #expect(watched.said == "bloated/rss (strong)")
        #expect(watched.tracker.verdict.reason == "1 GiB resident, limit 1 GiB")
    }

    @Test("rss_scope: the tree, or the main process alone", arguments: [HealthSpec.MemoryScope.tree, .process])
    func scope(scope: HealthSpec.MemoryScope) {
        var watched = watched {
            $0.rssLimitBytes = Self.gigabyte
            $0.rssScope = scope
        }
        for second in [10.0, 15, 20] { watched.sample(second, tree(rss: 2 * Self.gigabyte, rootRSS: 1 << 20)) }
        #expect(watched.condition == (scope == .tree ? .bloated(.rss) : .healthy))
    }

    @Test("rss_warning is leaking/rss, weak; without keys nothing is said of any size")
    func memoryWarning() {
        var warned = watched { $0.rssWarningBytes = Self.gigabyte }
        for second in [10.0, 15, 20] { warned.sample(second, tree(rss: 3 * Self.gigabyte / 2 + (100 << 20))) }
        #expect(warned.said == "leaking/rss (weak)")
        #expect(warned.tracker.verdict.reason == "1.6 GiB resident, warning at 1 GiB")
        var unset = watched()
        for second in [10.0, 15, 20] { unset.sample(second, tree(rss: 1 << 50)) }
        #expect(unset.condition == .healthy)
    }

    @Test("Flapping around rss_limit is remembered, but acted on only while it is over")
    func bloatFlaps() {
        var watched = watched { $0.rssLimitBytes = Self.gigabyte }
        for (index, second) in stride(from: 10.0, through: 30, by: 5).enumerated() {
            watched.sample(second, tree(rss: index.isMultiple(of: 2) ? 2 * Self.gigabyte : 1))
        }
        #expect(watched.condition == .bloated(.rss))
        #expect(watched.tracker.holds(.bloated(.rss)))
        watched.sample(35, tree(rss: 1))
        #expect(watched.condition == .bloated(.rss))
        #expect(!watched.tracker.holds(.bloated(.rss)))
    }

    @Test("Unreadable in N of M samples is unknown/unreadable; a process that is gone is not")
    func blindness() {
        var watched = watched()
        for second in [10.0, 15] { watched.missed(second, errno: 13) }
        #expect(watched.condition == .healthy)
        watched.missed(20, errno: 3)
        #expect(watched.condition == .healthy)
        watched.missed(25, errno: 13)
        #expect(watched.said == "unknown/unreadable (proven)")
        #expect(watched.tracker.verdict.reason.contains("errno 13"))
        watched.missed(30, errno: 3)
        #expect(watched.tracker.verdict.reason.contains("errno 13"), "the errno that says something stays")
        for second in [35.0, 40, 45, 50] { watched.sample(second) }
        #expect(watched.condition == .unknown(.unreadable))
        for second in [55.0, 60, 65, 70, 75] { watched.sample(second) }
        #expect(watched.condition == .healthy)
    }

    @Test("The first of the order of precedence that holds is told")
    func precedence() {
        var watched = Watched {
            $0.grace = .zero
            $0.heartbeatTimeout = .seconds(60)
            $0.rssLimitBytes = Self.gigabyte
            $0.rssWarningBytes = 1
        }
        var now = 0.0
        func look(_ readings: TreeReadings, times: Int = 14) {
            for _ in 0..<times {
                now += 5
                watched.log(drained(now))
                watched.still(now, readings)
            }
        }
        look(tree(rss: 0))
        #expect(watched.condition == .hung(.silent))
        look(tree(rss: 2 * Self.gigabyte), times: 3)
        #expect(watched.condition == .bloated(.rss))
        look(tree(fds: 255, rss: 2 * Self.gigabyte), times: 3)
        #expect(watched.condition == .bloated(.rss))
        watched.failed(now)
        #expect(watched.condition == .dark(.emfile))
        look(tree(fds: 255, rss: 2 * Self.gigabyte, state: .traced), times: 1)
        #expect(watched.condition == .paused(.traced))
        for _ in 0..<3 {
            now += 5
            watched.missed(now, errno: 13)
        }
        #expect(watched.condition == .unknown(.unreadable))
    }

    @Test("leaking/fds before leaking/rss, dark/errors before both")
    func lowerPrecedence() {
        var watched = watched { $0.rssWarningBytes = 1 }
        for second in [10.0, 15, 20] { watched.sample(second) }
        #expect(watched.condition == .leaking(.rss))
        for second in [25.0, 30, 35] { watched.sample(second, tree(fds: 210)) }
        #expect(watched.condition == .leaking(.fds))
        for second in [40.0, 41, 42, 43, 44] { watched.failed(second) }
        #expect(watched.condition == .dark(.errors))
    }

    @Test("Every pair of the order of precedence has a name that reads back")
    func names() {
        for condition in Condition.precedence {
            #expect(Condition(className: condition.className, causeName: condition.causeName) == condition)
        }
        #expect(Condition(className: "dark", causeName: nil) == nil)
        #expect(Condition(className: "healthy", causeName: "rss") == nil)
        #expect(Set(Condition.precedence).count == Condition.precedence.count)
    }

    @Test("Recovered: by a progress line; by a confirm window of health where progress cannot be expected")
    func recovery() {
        var byLine = watched()
        #expect(!byLine.tracker.hasRecovered)
        byLine.progressed(6)
        #expect(byLine.tracker.hasRecovered)
        var waiting = watched()
        waiting.tracker.demandRead(2, at: instant(5))
        for second in stride(from: 10.0, through: 60, by: 5) { waiting.sample(second) }
        #expect(!waiting.tracker.hasRecovered, "work waits, so progress is to be seen")
        waiting.tracker.demandRead(0, at: instant(60))
        #expect(waiting.tracker.hasRecovered)
        var bad = watched()
        bad.progressed(6)
        for second in [10.0, 15, 20] { bad.sample(second, tree(fds: 255)) }
        bad.failed(21)
        #expect(!bad.tracker.hasRecovered)
    }

    @Test("Nothing is lost or doubled when facts come late, empty or in one piece")
    func oneFact() {
        var watched = watched()
        let facts = LogFacts(
            lastAlive: .init(line: 9, at: instant(8)), lastProgress: .init(line: 5, at: instant(6)),
            episodes: [
                .init(mark: .init(line: 3, at: instant(5.5)), saysDescriptorsExhausted: false, text: "before"),
                .init(mark: .init(line: 7, at: instant(7)), saysDescriptorsExhausted: true, text: "after"),
            ], errorLineCount: 40, progressLineCount: 2, lastLine: "last", drainedAt: instant(9))
        watched.log(facts)
        watched.log(LogFacts(drainedAt: instant(4)))
        #expect(watched.tracker.window.episodes.map(\.text) == ["after"], "errors before the last progress are past")
        #expect(watched.tracker.window.progressLineCount == 2)
        #expect(watched.tracker.window.lastHeartbeat == instant(8))
        #expect(watched.tracker.window.drainedAt == instant(9), "what was drained stays drained")
        #expect(watched.tracker.window.lastLine == "last")
    }
}
