import Testing
import WardenCore

/// One worker as it was measured.
struct Recording {
    struct Reading {
        var second: Double
        var descriptors: Int
        var cpuTicks: Int
        var ioBytes: UInt64
        var treeRSSMiB: Int64
        var isDescendantStopped: Bool
    }

    struct Line {
        var second: Double
        var kind: Character
    }

    let limit: Int
    let readings: [Reading]
    let lines: [Line]

    init(limit: Int, readings: String, log: String) {
        self.limit = limit
        self.readings = readings.split(separator: ";").compactMap { text in
            let words = text.split(whereSeparator: \.isWhitespace)
            let numbers = words.compactMap { Double($0) }
            guard numbers.count == 5 else { return nil }
            return Reading(
                second: numbers[0], descriptors: Int(numbers[1]), cpuTicks: Int(numbers[2]),
                ioBytes: UInt64(numbers[3]),
                treeRSSMiB: Int64(numbers[4]), isDescendantStopped: words.last == "T")
        }
        lines = log.split(whereSeparator: \.isWhitespace).compactMap { word in
            guard let kind = word.first, let second = Double(word.dropFirst()) else { return nil }
            return Line(second: second, kind: kind)
        }
    }

    /// The reading that goes on after the end of the recording: the last step again and again.
    func reading(after last: Reading, by seconds: Double) -> Reading {
        var next = last
        guard readings.count > 1 else { return next }
        let before = readings[readings.count - 2]
        next.second += seconds
        next.cpuTicks += Int(Double(last.cpuTicks - before.cpuTicks) * seconds / (last.second - before.second))
        return next
    }
}

/// Goal: the rules give the verdicts that people gave the recorded workers, with times compressed 12 times.
@Suite struct RecordingTests {
    static func spec(_ change: (inout HealthSpec) -> Void) -> HealthSpec {
        var spec = HealthSpec()
        spec.grace = .seconds(5)
        spec.heartbeatTimeout = .seconds(25)
        spec.progressTimeout = .seconds(10)
        spec.progressPattern = "Batch"
        spec.errorPattern = "error"
        spec.rssLimitBytes = 1 << 30
        spec.errorBurst = .init(count: 5, within: .seconds(30))
        change(&spec)
        return spec
    }

    /// Replays a recording, and goes on for so many seconds after its end.
    ///
    /// - Returns: every condition that the verdict passed through.
    static func replay(
        _ recording: Recording, goingOnFor seconds: Double = 0, demand: Double? = nil,
        _ change: (inout HealthSpec) -> Void = { _ in }
    ) -> [String] {
        var tracker = HealthTracker(spec: spec(change), startedAt: at(0))
        tracker.demandRead(demand, at: instant(0))
        var seen: [String] = []
        var lines = recording.lines[...]
        var lineNumber: UInt64 = 0
        func look(_ reading: Recording.Reading) {
            while let line = lines.first, line.second <= reading.second {
                lines.removeFirst()
                lineNumber += 1
                let facts: LogFacts =
                    switch line.kind {
                    case "p": progress(lineNumber, line.second)
                    case "e":
                        failure(lineNumber, line.second, emfile: recording.limit < 256 || reading.descriptors > 200)
                    default: alive(lineNumber, line.second)
                    }
                _ = tracker.logged(facts, at: at(line.second))
            }
            _ = tracker.logged(drained(reading.second), at: at(reading.second))
            _ = tracker.sampled(sample(reading, recording.limit), isDoubtful: false, at: at(reading.second))
            let name = tracker.verdict.condition.name
            if seen.last != name { seen.append(name) }
        }
        for reading in recording.readings { look(reading) }
        guard var last = recording.readings.last else { return [] }
        for _ in 0..<Int(seconds / 2) {
            last = recording.reading(after: last, by: 2)
            look(last)
        }
        return seen
    }

    private static func sample(_ reading: Recording.Reading, _ limit: Int) -> Sample {
        var readings = tree(
            fds: reading.descriptors, limit: limit, rss: reading.treeRSSMiB << 20, rootRSS: 256 << 20,
            io: reading.ioBytes,
            cpu: .milliseconds(reading.cpuTicks * 10), stoppedDescendants: reading.isDescendantStopped ? 1 : 0)
        readings.tightest?.pid = 100
        return Sample(takenAt: instant(reading.second), readings: .tree(readings))
    }

    @Test("The recordings are read whole")
    func fixtures() {
        #expect(Recordings.leakSsl.readings.count == 22)
        #expect(Recordings.leakSsl.lines.filter { $0.kind == "e" }.count == 13)
        #expect(Recordings.deadSigstop.readings.filter(\.isDescendantStopped).count == 9)
        #expect(Recordings.liveSpin.readings.last?.cpuTicks == 1798)
    }

    @Test("An idle worker that polls is healthy; so is a busy one, one in a long batch, one whose API is slow")
    func healthy() {
        #expect(Self.replay(Recordings.healthyIdle) == ["starting", "healthy"])
        #expect(Self.replay(Recordings.healthyBusy) == ["starting", "healthy"])
        #expect(Self.replay(Recordings.healthyLongbatch) == ["starting", "healthy"])
        #expect(Self.replay(Recordings.healthySlowapi) == ["starting", "healthy"])
    }

    @Test("The descriptor leak: leaking on the way, then dark/emfile")
    func leak() {
        let seen = Self.replay(Recordings.leakSsl)
        #expect(seen == ["starting", "healthy", "leaking/fds", "dark/emfile"])
    }

    @Test("Half dark: polls work, every job fails, four descriptors are free: dark/emfile")
    func halfDark() {
        #expect(Self.replay(Recordings.leakHalf).last == "dark/emfile")
        #expect(Self.replay(Recordings.leakHalf).contains("dark/errors") == false)
    }

    @Test("The seed's hang: the parent polls its queue for ever, the tree stands still: hung/silent")
    func hung() {
        #expect(Self.replay(Recordings.deadShm) == ["starting", "healthy", "hung/silent"])
        #expect(Self.replay(Recordings.deadSigstop, goingOnFor: 20) == ["starting", "healthy", "hung/silent"])
    }

    @Test("A token that is refused is dark/errors, never dark/emfile, and by default not restarted")
    func refusedToken() {
        #expect(Self.replay(Recordings.dark401) == ["starting", "healthy", "dark/errors"])
        #expect(HealthSpec().actions[.dark(.errors)] == .alert)
    }

    @Test("A loop that spins is hung/livelock, and never called silent first")
    func spin() {
        #expect(Self.replay(Recordings.liveSpin, goingOnFor: 60) == ["starting", "healthy", "hung/livelock"])
    }

    @Test("A chatty worker without progress is hung/no-progress where work waits, else healthy")
    func chatty() {
        #expect(Self.replay(Recordings.liveChatty, demand: 4) == ["starting", "healthy", "hung/no-progress"])
        #expect(Self.replay(Recordings.liveChatty) == ["starting", "healthy"])
        #expect(Self.replay(Recordings.liveChatty, demand: 0) == ["starting", "healthy"])
    }

    @Test("A child that eats memory is bloated/rss by the tree; a watch of the main process alone is blind to it")
    func hog() {
        #expect(Self.replay(Recordings.hogChild) == ["starting", "healthy", "bloated/rss"])
        let alone = Self.replay(Recordings.hogChild) { $0.rssScope = .process }
        #expect(alone == ["starting", "healthy"])
    }
}
