import WardenCore

/// A worker of the simulation: what it does with its life, and what the sampler and the pump would see of it.
struct SimulatedWorker {
    /// Its character; drawn anew at each start, so that a slot meets every kind.
    enum Character: CaseIterable {
        /// Works and logs progress.
        case well
        /// Polls and finds nothing to do.
        case idle
        /// Two descriptors per job until the table is full; then every call fails.
        case leaking
        /// Works, then stands still for ever: half of them in a wait that is closed, half with a time-out.
        case deadlocking
        /// Works, then burns a core and says nothing.
        case spinning
        /// Grows beyond its memory limit.
        case hogging
        /// Ends by itself after a while.
        case crashing
        /// Ends before startsecs.
        case stillborn
        /// Every call is refused; nothing that a restart could help.
        case unauthorised
    }

    let character: Character
    let startedAt: Instant
    /// When its trouble begins.
    let turnsAt: Instant
    let ignoresStopSignal: Bool
    /// Whether its last wait is one that only itself could end.
    let waitsClosed: Bool
    private(set) var isStopped = false
    private var line: UInt64 = 0
    private var lastPublished: Instant
    private var io: UInt64 = 1000

    static let limit = 256

    init(_ character: Character, startedAt: Instant, dice: inout Dice) {
        self.character = character
        self.startedAt = startedAt
        lastPublished = startedAt
        turnsAt = startedAt + .seconds(300 + 5400 * dice.fraction())
        ignoresStopSignal = dice.fraction() < 0.1
        waitsClosed = dice.fraction() < 0.5
    }

    mutating func setStopped(_ isStopped: Bool) { self.isStopped = isStopped }

    func isInTrouble(at now: Instant) -> Bool { now >= turnsAt }

    private func descriptorCount(at now: Instant) -> Int {
        guard character == .leaking else { return 12 }
        let share = (now - startedAt).inSeconds / max(1, (turnsAt - startedAt).inSeconds)
        return min(SimulatedWorker.limit - 1, 12 + Int(Double(SimulatedWorker.limit) * share))
    }

    /// What the sampler reads.
    mutating func sample(at now: Instant) -> Sample {
        let troubled = isInTrouble(at: now)
        let isStill = isStopped || (troubled && (character == .deadlocking || character == .spinning))
        if !isStill { io += 100 }
        let lived = (now - startedAt).inSeconds
        let isSpinning = troubled && character == .spinning
        let cpu = isSpinning ? (now - turnsAt).inSeconds + 1 : min(lived, (turnsAt - startedAt).inSeconds) * 0.01
        let rss: Int64 = character == .hogging && troubled ? 4 << 30 : 300 << 20
        return Sample(
            takenAt: now,
            readings: .tree(
                TreeReadings(
                    processCount: 2,
                    tightest: DescriptorReading(
                        pid: 1, count: descriptorCount(at: now), softLimit: SimulatedWorker.limit, hardLimit: 4096),
                    rootRSSBytes: rss / 2, treeRSSBytes: rss,
                    io: IOReading(readBytes: io, writtenBytes: io, readCalls: io, writeCalls: io),
                    cpuTime: .milliseconds(Int64(cpu * 1000)), threadCount: 3,
                    rootState: isStopped ? .stopped : isSpinning ? .running : .sleeping)))
    }

    /// What a reading of its threads' waits finds.
    func waits(at now: Instant) -> WaitReport {
        let isLocked = isInTrouble(at: now) && character == .deadlocking && waitsClosed && !isStopped
        let wait: WaitReport.Wait = isStopped ? .held : isLocked ? .futex : .timeout
        return WaitReport(
            takenAt: now,
            threads: (1...3).map { WaitReport.ThreadWait(pid: 1, tid: $0, switches: io, wait: wait) })
    }

    /// What the pump publishes since it last did.
    mutating func facts(at now: Instant) -> LogFacts {
        var facts = LogFacts(drainedAt: now)
        let troubled = isInTrouble(at: now)
        let isMute = isStopped || (troubled && (character == .deadlocking || character == .spinning))
        defer { lastPublished = now }
        guard !isMute else { return facts }
        line += 3
        facts.lastAlive = LogFacts.Mark(line: line, at: now)
        switch character {
        case .unauthorised: facts.episodes = [episode("401 Client Error", exhausted: false, at: now)]
        case .leaking where descriptorCount(at: now) >= SimulatedWorker.limit - 2:
            facts.episodes = [episode("OSError(24, 'Too many open files')", exhausted: true, at: now)]
        case .idle: break
        case .well, .leaking, .deadlocking, .spinning, .hogging, .crashing, .stillborn:
            facts.lastProgress = LogFacts.Mark(line: line - 1, at: now)
            facts.progressLineCount = 1
        }
        facts.errorLineCount = UInt64(facts.episodes.count)
        return facts
    }

    private func episode(_ text: String, exhausted: Bool, at now: Instant) -> LogFacts.Episode {
        LogFacts.Episode(
            mark: LogFacts.Mark(line: line - 1, at: now), saysDescriptorsExhausted: exhausted, text: text)
    }

    /// When it ends by itself, if it does.
    func endsByItselfAt(dice: inout Dice) -> (at: Instant, status: ExitStatus)? {
        switch character {
        case .crashing: (turnsAt, dice.fraction() < 0.5 ? .code(1) : .signal(11, coreDumped: false))
        case .stillborn: (startedAt + .milliseconds(200), .code(0))
        case .well, .idle, .leaking, .deadlocking, .spinning, .hogging, .unauthorised: nil
        }
    }
}
