import WardenCore

/// The time so many seconds after the origin of a test; the wall clock starts on a round date.
func at(_ seconds: Double) -> Moment {
    Moment(
        instant: Instant(nanoseconds: Int64(seconds * 1e9)),
        wall: WallTime(microseconds: 1_800_000_000_000_000 + Int64(seconds * 1e6)))
}

/// The monotonic half of `at`.
func instant(_ seconds: Double) -> Instant { at(seconds).instant }

/// A program with supervisord's defaults and a health section that names it, changed as a test needs.
func program(
    _ name: String, group: String = "ami", _ change: (inout ProgramSpec) -> Void = { _ in }
) -> ProgramSpec {
    var supervision = SupervisionSpec()
    supervision.isNamedByHealthSection = true
    var program = ProgramSpec(
        name: SlotName(group: group, process: name), program: group, supervision: supervision,
        launch: LaunchSpec(arguments: ["/usr/bin/worker"]), standardOutput: LogSpec(), standardError: nil,
        health: HealthSpec())
    change(&program)
    return program
}

/// A group of programs that are all alike.
func group(
    _ name: String = "ami", _ programs: [String] = ["w0"], priority: Int = 999, maximumUnavailable: Share = .count(1),
    _ change: (inout ProgramSpec) -> Void = { _ in }
) -> GroupSpec {
    GroupSpec(
        name: name, priority: priority, programs: programs.map { program($0, group: name, change) },
        maximumUnavailable: maximumUnavailable)
}

/// The readings of a worker that polls and is well: counters that move, little CPU.
func tree(
    fds: Int = 10, limit: Int = 256, rss: Int64 = 400 << 20, rootRSS: Int64? = nil, io: UInt64? = nil,
    cpu: Duration = .zero,
    state: KernelState = .sleeping, stoppedDescendants: Int = 0, isFrozen: Bool = false, mark: UInt64? = nil
) -> TreeReadings {
    TreeReadings(
        processCount: 2, tightest: DescriptorReading(pid: 100, count: fds, softLimit: limit, hardLimit: .max),
        rootRSSBytes: rootRSS ?? rss, treeRSSBytes: rss,
        io: io.map { IOReading(readBytes: $0, writtenBytes: $0, readCalls: $0, writeCalls: $0) }, cpuTime: cpu,
        threadCount: 2, rootState: state, stoppedDescendantCount: stoppedDescendants, isFrozen: isFrozen,
        heartbeatFileMark: mark)
}

/// What the pump publishes when nothing was written: the pipe was empty at this time.
func drained(_ seconds: Double) -> LogFacts { LogFacts(drainedAt: instant(seconds)) }

/// A line that is alive and nothing else.
func alive(_ line: UInt64, _ seconds: Double) -> LogFacts {
    LogFacts(lastAlive: .init(line: line, at: instant(seconds)), lastLine: "polling", drainedAt: instant(seconds))
}

/// A progress line.
func progress(_ line: UInt64, _ seconds: Double) -> LogFacts {
    LogFacts(
        lastAlive: .init(line: line, at: instant(seconds)), lastProgress: .init(line: line, at: instant(seconds)),
        progressLineCount: 1, lastLine: "Batch 1: 0.50s/image", drainedAt: instant(seconds))
}

/// An error line; with `emfile`, one that says that descriptors are exhausted.
func failure(_ line: UInt64, _ seconds: Double, emfile: Bool = false, text: String? = nil) -> LogFacts {
    let text = text ?? (emfile ? "[Errno 24] Too many open files" : "401 Client Error: Unauthorized")
    return LogFacts(
        lastAlive: .init(line: line, at: instant(seconds)),
        episodes: [
            .init(mark: .init(line: line, at: instant(seconds)), saysDescriptorsExhausted: emfile, text: text)
        ], errorLineCount: 1, lastLine: text, drainedAt: instant(seconds))
}

/// A tracker that is told things in order, with the time that each is told at.
struct Watched {
    var tracker: HealthTracker
    var lines: UInt64 = 0
    private var io: UInt64 = 0

    init(_ change: (inout HealthSpec) -> Void = { _ in }) {
        var spec = HealthSpec()
        spec.progressPattern = "Batch"
        change(&spec)
        tracker = HealthTracker(spec: spec, startedAt: at(0))
    }

    var condition: Condition { tracker.verdict.condition }
    var grade: Grade { tracker.verdict.grade }
    /// `class/cause (grade)`.
    var said: String { "\(condition.name) (\(grade.rawValue))" }

    /// A sample of a tree whose I/O moves, unless the readings say otherwise.
    mutating func sample(_ seconds: Double, _ readings: TreeReadings = tree(), isDoubtful: Bool = false) {
        var readings = readings
        if readings.io == nil {
            io += 1
            readings.io = IOReading(readBytes: io, writtenBytes: io, readCalls: io, writeCalls: io)
        }
        _ = tracker.sampled(
            Sample(takenAt: instant(seconds), readings: .tree(readings)), isDoubtful: isDoubtful, at: at(seconds))
    }

    /// A sample of a tree whose I/O and CPU stand still.
    mutating func still(_ seconds: Double, _ readings: TreeReadings = tree(), isDoubtful: Bool = false) {
        var readings = readings
        readings.io = IOReading(readBytes: 1_000_000, writtenBytes: 1, readCalls: 1, writeCalls: 1)
        sample(seconds, readings, isDoubtful: isDoubtful)
    }

    mutating func missed(_ seconds: Double, errno: Int32) {
        _ = tracker.sampled(
            Sample(takenAt: instant(seconds), readings: .failure(errno)), isDoubtful: false, at: at(seconds))
    }

    mutating func log(_ facts: LogFacts, at seconds: Double? = nil) {
        _ = tracker.logged(facts, at: at(seconds ?? Double(facts.drainedAt.nanoseconds) / 1e9))
    }

    mutating func progressed(_ seconds: Double) {
        lines += 1
        log(progress(lines, seconds))
    }

    mutating func failed(_ seconds: Double, emfile: Bool = false) {
        lines += 1
        log(failure(lines, seconds, emfile: emfile))
    }

    mutating func wrote(_ seconds: Double) {
        lines += 1
        log(alive(lines, seconds))
    }
}
