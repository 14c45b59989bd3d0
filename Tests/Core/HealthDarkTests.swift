import Testing
import WardenCore

/// Goal: dark and leaking, by the count first and the text second, with every boundary of the rules.
@Suite struct HealthDarkTests {
    /// Past the grace, with one healthy sample.
    func watched(_ change: (inout HealthSpec) -> Void = { _ in }) -> Watched {
        var watched = Watched(change)
        watched.sample(60)
        return watched
    }

    @Test("Full in N of M samples and an error since: proven, at the very line")
    func provenByTheLine() {
        var watched = watched()
        for second in [65.0, 70, 75] { watched.sample(second, tree(fds: 250)) }
        #expect(watched.said == "leaking/fds (strong)", "full without an error line")
        watched.failed(76)
        #expect(watched.said == "dark/emfile (proven)")
        #expect(watched.tracker.verdict.evidence.map(\.rule) == ["free_descriptors", "error_since_full"])
        #expect(watched.tracker.verdict.reason == "250 of 256 descriptors used (pid 100), 1 error since, no progress")
        #expect(watched.tracker.verdict.since == at(76))
    }

    @Test("The error may come first: proven at the sample that confirms")
    func provenByTheSample() {
        var watched = watched()
        watched.sample(65, tree(fds: 250))
        watched.failed(66)
        watched.sample(70, tree(fds: 250))
        #expect(watched.condition == .healthy)
        watched.sample(75, tree(fds: 250))
        #expect(watched.said == "dark/emfile (proven)")
    }

    @Test("Errors before the last sample that was not full do not count; those after it do", arguments: [59.0, 61])
    func errorsSince(second: Double) {
        var watched = Watched { $0.grace = .zero }
        watched.sample(55)
        if second < 60 { watched.failed(second) }
        watched.sample(60)
        if second > 60 { watched.failed(second) }
        for next in [65.0, 70, 75] { watched.sample(next, tree(fds: 255)) }
        #expect(watched.condition == (second > 60 ? .dark(.emfile) : .leaking(.fds)))
    }

    @Test("Progress since the error refutes it; an error after the progress proves it again")
    func progressRefutes() {
        var watched = watched()
        for second in [65.0, 70, 75] { watched.sample(second, tree(fds: 255)) }
        watched.progressed(74)
        #expect(watched.condition == .leaking(.fds))
        watched.failed(76)
        #expect(watched.condition == .dark(.emfile))
        watched.progressed(77)
        #expect(!watched.tracker.holds(.dark(.emfile)), "remembered, but nobody is restarted for it")
    }

    @Test(
        "Full is at most max(8, 1 %) free, at small and at huge limits",
        arguments: [
            (247, 256, false), (248, 256, true), (256, 256, true), (300, 256, true), (989, 1000, false),
            (990, 1000, true),
            (64_880, 65_536, false), (64_881, 65_536, true), (0, 8, true), (1, 16, false), (8, 16, true),
            (1_000_000, Int.max, false),
        ])
    func fullness(count: Int, limit: Int, isFull: Bool) {
        var watched = watched()
        for second in [65.0, 70, 75] { watched.sample(second, tree(fds: count, limit: limit)) }
        watched.failed(76)
        #expect((watched.condition == .dark(.emfile)) == isFull)
    }

    @Test("Descriptors that came back speak for the worker")
    func descriptorsCameBack() {
        var watched = watched()
        for second in [65.0, 70, 75] { watched.sample(second, tree(fds: 255)) }
        watched.sample(80, tree(fds: 20))
        watched.failed(81)
        #expect(watched.condition != .dark(.emfile))
    }

    @Test("Flapping 1-0-1-0: 3 of 5 confirm, 2 of 5 do not")
    func flapping() {
        var three = watched()
        var two = watched()
        three.failed(61)
        two.failed(61)
        for (index, second) in stride(from: 65.0, through: 85, by: 5).enumerated() {
            three.sample(second, tree(fds: index.isMultiple(of: 2) ? 255 : 20))
            two.sample(second, tree(fds: index == 0 || index == 4 ? 255 : 20))
        }
        #expect(three.condition == .dark(.emfile))
        #expect(two.condition == .healthy)
    }

    @Test("A missed sample counts as neither")
    func missedSamples() {
        var watched = watched()
        watched.failed(61)
        watched.sample(65, tree(fds: 255))
        watched.missed(70, errno: 3)
        watched.sample(75, tree(fds: 255))
        watched.missed(80, errno: 3)
        #expect(watched.condition == .healthy)
        watched.sample(85, tree(fds: 255))
        #expect(watched.condition == .dark(.emfile))
    }

    @Test("Strong by a burst of EMFILE lines over a table that is at least half full", arguments: [127, 128])
    func strongByBurst(fds: Int) {
        var watched = watched()
        watched.sample(65, tree(fds: fds))
        for second in [70.0, 75, 80, 85] { watched.failed(second, emfile: true) }
        #expect(watched.condition == .healthy, "four are not a burst")
        watched.failed(90, emfile: true)
        #expect(watched.said == (fds == 128 ? "dark/emfile (strong)" : "dark/errors (strong)"))
    }

    @Test("A burst skips confirm, and ends with a progress line")
    func burstEnds() {
        var watched = watched()
        watched.sample(65, tree(fds: 200))
        for second in [70.0, 71, 72, 73, 74] { watched.failed(second, emfile: true) }
        #expect(watched.said == "dark/emfile (strong)")
        watched.progressed(75)
        #expect(!watched.tracker.holds(.dark(.emfile)))
    }

    @Test("ENFILE, 401, 503, a failed look-up with few descriptors open is dark/errors, never dark/emfile")
    func errorsWithFewDescriptors() {
        var watched = watched()
        for round in 0..<12 {
            watched.sample(65 + Double(round) * 5, tree(fds: 3))
            watched.failed(66 + Double(round) * 5, emfile: round.isMultiple(of: 2))
        }
        #expect(watched.said == "dark/errors (strong)")
        #expect(
            watched.tracker.verdict.reason == "12 errors without progress, last: [Errno 24] Too many open files"
                || watched.tracker.verdict.reason == "12 errors without progress, last: 401 Client Error: Unauthorized")
    }

    @Test("N errors within the duration, or not", arguments: [(15.0, true), (15.001, false)])
    func burstSpan(gap: Double, isBurst: Bool) {
        var watched = watched { $0.progressPattern = nil }
        for round in 0..<5 { watched.failed(70 + Double(round) * gap) }
        #expect((watched.condition == .dark(.errors)) == isBurst)
    }

    @Test("Slower than the duration, but three error cycles in a row and no progress: a burst as well")
    func errorCycles() {
        var watched = watched()
        for round in 0..<5 { watched.failed(100 + Double(round) * 40) }
        #expect(watched.condition == .dark(.errors))
        #expect(watched.tracker.verdict.evidence.first?.rule == "error_cycles")
        var uneven = self.watched()
        for second in [100.0, 101, 200, 210, 400] { uneven.failed(second) }
        #expect(uneven.condition == .healthy)
    }

    @Test("dark/errors ends when the errors stay away, though an idle worker writes no progress line")
    func errorsEnd() {
        var watched = watched()
        for second in [70.0, 75, 80, 85, 90] { watched.failed(second) }
        #expect(watched.condition == .dark(.errors))
        var now = 95.0
        while watched.condition == .dark(.errors), now < 1000 {
            watched.wrote(now)
            watched.sample(now)
            now += 5
        }
        #expect(now <= 90 + 60 + 6 * 5, "the duration of a burst, and M samples")
        #expect(watched.condition == .healthy)
    }

    @Test("Thousands of error lines are remembered in bounded size, and the newest count")
    func boundedEpisodes() {
        var watched = watched()
        for round in 0..<5000 { watched.failed(70 + Double(round)) }
        #expect(watched.tracker.window.episodes.count == Limits.errorEpisodes)
        #expect(watched.tracker.window.episodes.last?.mark.line == 5000)
        #expect(watched.condition == .dark(.errors))
    }

    @Test(
        "fd_warning and fd_dark, in percent and in free descriptors",
        arguments: [
            (
                HealthSpec.DescriptorThreshold.percentUsed(80), HealthSpec.DescriptorThreshold.percentUsed(95), 204,
                "healthy (proven)"
            ),
            (.percentUsed(80), .percentUsed(95), 205, "leaking/fds (weak)"),
            (.percentUsed(80), .percentUsed(95), 243, "leaking/fds (weak)"),
            (.percentUsed(80), .percentUsed(95), 244, "leaking/fds (strong)"),
            (.free(50), .free(20), 205, "healthy (proven)"), (.free(50), .free(20), 206, "leaking/fds (weak)"),
            (.free(50), .free(20), 236, "leaking/fds (strong)"),
        ])
    func thresholds(
        warning: HealthSpec.DescriptorThreshold, dark: HealthSpec.DescriptorThreshold, count: Int, said: String
    ) {
        var watched = watched {
            $0.descriptorWarning = warning
            $0.descriptorDark = dark
        }
        for second in [65.0, 70, 75] { watched.sample(second, tree(fds: count)) }
        #expect(watched.said == said)
    }

    @Test("A verdict ends after M quiet samples, not one before; its since stays while it lasts")
    func verdictEnds() {
        var watched = watched()
        for second in [65.0, 70, 75] { watched.sample(second, tree(fds: 255)) }
        watched.failed(76)
        for second in [80.0, 85] { watched.sample(second, tree(fds: 255)) }
        #expect(watched.tracker.verdict.since == at(76))
        for second in [90.0, 95, 100, 105] {
            watched.sample(second)
            #expect(watched.condition == .dark(.emfile), "at \(second)")
        }
        #expect(watched.tracker.verdict.since == at(76))
        watched.sample(110)
        #expect(watched.said == "healthy (proven)")
        #expect(watched.tracker.verdict.since == at(110))
        #expect(watched.tracker.verdict.evidence.isEmpty)
    }

    @Test("Grace hides what is not proven, and lets through what is")
    func grace() {
        var weak = Watched { $0.grace = .seconds(600) }
        for second in [5.0, 10, 15] { weak.sample(second, tree(fds: 255)) }
        #expect(weak.said == "starting (proven)")
        for second in [20.0, 21, 22, 23, 24] { weak.failed(second, emfile: true) }
        #expect(weak.said == "dark/emfile (proven)")
        var early = Watched { $0.grace = .seconds(600) }
        for second in [5.0, 10, 15] { early.sample(second, tree(fds: 200)) }
        for second in [20.0, 21, 22, 23, 24] { early.failed(second, emfile: true) }
        #expect(early.condition == .starting, "a burst alone is strong, not proven")
    }

    @Test("Grace ends at the first progress line, and at its end")
    func graceEnds() {
        var early = Watched()
        early.sample(5)
        early.progressed(6)
        #expect(early.condition == .healthy)
        var late = Watched()
        late.sample(59.999)
        #expect(late.condition == .starting)
        late.sample(60)
        #expect(late.condition == .healthy)
    }
}
