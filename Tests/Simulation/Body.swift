import WardenCore

/// A worker of the simulation: what it does with its life, which is the ground truth, and what the sampler and the pump
/// would see of it.
struct Body {
    /// Its character. The first six are well, whatever they look like.
    enum Kind: CaseIterable {
        /// Works, and says so.
        case steady
        /// Says nothing until long after its start.
        case slowStart
        /// Is silent for almost twice the time-out now and then, and works meanwhile.
        case longBatch
        /// Errors come in threes, and then it goes on; some of them say EMFILE, as inotify does.
        case bursty
        /// Is over its memory limit for one sample now and then.
        case spiky
        /// Grows for its first hour, and then no more.
        case warming
        /// Two descriptors a job until the table is full; then every call fails.
        case full
        /// Stands still for ever, in a wait with a time-out.
        case silent
        /// Stands still for ever, in a wait that is closed.
        case deadlocked
        /// Burns a core and says nothing.
        case spinning
        /// Grows beyond its memory limit.
        case bloated
        /// Grows slowly beyond its memory limit.
        case swelling
        /// Its port does not answer.
        case unanswering
        /// Alive, and does nothing, though there is work.
        case lazy
        /// In state D, where no signal reaches it.
        case inKernel
        /// Every call is refused; no restart helps.
        case unauthorised
        /// Ends by itself, badly or well.
        case crashing, finishing
        /// Ends before startsecs.
        case stillborn
    }

    static let well: [Kind] = [.steady, .slowStart, .longBatch, .bursty, .spiky, .warming]
    static let ill: [Kind] = [
        .full, .silent, .deadlocked, .spinning, .bloated, .swelling, .unanswering, .lazy, .inKernel, .unauthorised,
        .crashing, .finishing, .stillborn,
    ]
    /// What several workers can have at once.
    static let contagious: [Kind] = [.full, .silent, .deadlocked, .bloated, .unanswering, .spinning]

    private(set) var kind: Kind
    let startedAt: Instant
    /// When its trouble begins; of those that grow, when they have grown.
    private(set) var turnsAt: Instant
    /// State D ends some day.
    let kernelWaitEndsAt: Instant
    let ignoresStopSignal: Bool
    let interval: Duration
    let timeout: Duration
    private(set) var softLimit: Int
    private(set) var stoppedSince: Instant?
    /// A sample that showed it stopped was handed over at this time.
    var shownStoppedAt: Instant?
    /// Samples in a row that showed it in state D.
    var shownInKernel = 0
    /// When it last said something; the start before that.
    private(set) var lastLineAt: Instant
    private(set) var lastProgressAt: Instant
    private(set) var hasProgressed = false
    private var grewAtOnce = false
    private var line: UInt64 = 0
    private var io: UInt64 = 1000
    private var cpu: Duration = .zero
    private var seenAt: Instant
    private var noise: UInt64
    private var samples = 0

    init(_ kind: Kind, _ health: HealthSpec, startedAt: Instant, turnsAfter: Duration, dice: inout Dice) {
        self.kind = kind
        self.startedAt = startedAt
        turnsAt = startedAt + turnsAfter
        interval = health.interval
        timeout = health.heartbeatTimeout ?? .seconds(600)
        kernelWaitEndsAt = startedAt + turnsAfter + .seconds(600 + 7200 * dice.fraction())
        ignoresStopSignal = dice.fraction() < 0.1
        softLimit = [256, 1024, 4096][Int(dice.next() % 3)]
        lastLineAt = startedAt
        lastProgressAt = startedAt
        seenAt = startedAt
        noise = dice.next()
    }

    mutating func turn(_ kind: Kind, at now: Instant) {
        self.kind = kind
        turnsAt = now
        grewAtOnce = true
    }

    mutating func setStopped(_ isStopped: Bool, at now: Instant) { stoppedSince = isStopped ? now : nil }
    mutating func raiseLimit(to limit: Int) { softLimit = limit }

    // MARK: - Ground truth

    func isIll(at now: Instant) -> Bool { now >= turnsAt && Body.ill.contains(kind) }

    func isMute(at now: Instant) -> Bool {
        if stoppedSince != nil { return true }
        guard now >= turnsAt else { return false }
        switch kind {
        case .silent, .deadlocked, .spinning: return true
        case .inKernel: return now < kernelWaitEndsAt
        default: return false
        }
    }

    func isInKernel(at now: Instant) -> Bool { kind == .inKernel && now >= turnsAt && now < kernelWaitEndsAt }

    func answersProbe(at now: Instant) -> Bool { !isMute(at: now) && !(kind == .unanswering && now >= turnsAt) }

    func descriptorCount(at now: Instant) -> Int {
        guard kind == .full else { return 12 + Int(line % 5) }
        if now >= turnsAt { return softLimit == 65536 ? 5000 : softLimit - 1 }
        if grewAtOnce { return 12 }
        return 12 + Int(Double(softLimit - 14) * share(at: now))
    }

    private func share(at now: Instant) -> Double {
        min(1, (now - startedAt).inSeconds / max(1, (turnsAt - startedAt).inSeconds))
    }

    func residentBytes(at now: Instant, limit: Int64) -> Int64 {
        let base = limit / 4
        switch kind {
        case .bloated: return now >= turnsAt ? limit * 2 : base
        case .swelling:
            return base + Int64(Double(limit - base) * share(at: now)) + (now >= turnsAt ? limit / 50 : 0)
        case .spiky: return samples % 10 == 9 ? limit * 2 : base
        case .warming:
            let part = min(1, (now - startedAt).inSeconds / 3600)
            return base + Int64(Double(limit / 5) * part * (2 - part))
        default: return base + Int64(noise % 16) << 20
        }
    }

    /// What it would be called by somebody who knows everything.
    func deserves(_ condition: Condition, _ health: HealthSpec, at now: Instant) -> Bool {
        let isTurned = now >= turnsAt
        switch condition {
        case .dark(.emfile): return kind == .full && isTurned
        case .hung(.deadlock): return kind == .deadlocked && now - turnsAt >= Limits.waitProofSpan
        case .hung(.silent), .hung(.livelock): return isTurned && isMute(at: now)
        case .hung(.noProgress): return isIll(at: now)
        case .bloated: return residentBytes(at: now, limit: health.rssLimitBytes ?? .max) > health.rssLimitBytes ?? .max
        case .dark(.probe): return !answersProbe(at: now)
        case .leaking(.fds): return kind == .full
        case .leaking(.rss): return kind == .swelling || kind == .bloated && isTurned
        case .dark(.errors), .hung(.uninterruptible), .paused, .unknown, .starting, .healthy: return false
        }
    }

    // MARK: - What can be seen

    /// What the pump publishes since it last did.
    mutating func facts(at now: Instant, hasWork: Bool) -> LogFacts {
        var facts = LogFacts(drainedAt: now)
        let isMute = isMute(at: now)
        guard !isMute, !isQuiet(at: now) else { return facts }
        if now - lastLineAt < interval * 2, kind != .bursty { return facts }
        line += 3
        lastLineAt = now
        facts.lastAlive = LogFacts.Mark(line: line, at: now)
        let isTurned = now >= turnsAt
        if kind == .unauthorised, isTurned { facts.episodes = [episode("401 Client Error", false, at: now)] }
        if kind == .full, isTurned, softLimit != 65536 {
            facts.episodes = [episode("OSError(24, 'Too many open files')", true, at: now)]
        }
        if kind == .bursty, line % 7 == 0 {
            facts.episodes = [episode("inotify: Too many open files", true, at: now)]
        }
        facts.errorLineCount = UInt64(facts.episodes.count)
        let isLazy = kind == .lazy && isTurned
        if facts.episodes.isEmpty, hasWork, !isLazy {
            lastProgressAt = now
            hasProgressed = true
            facts.lastProgress = LogFacts.Mark(line: line - 1, at: now)
            facts.progressLineCount = 1
        }
        return facts
    }

    /// What it wrote while nobody read counts from when it is read.
    mutating func readLate(_ facts: inout LogFacts, at now: Instant, _ unread: (alive: Bool, progress: Bool)) {
        guard unread.alive else { return }
        lastLineAt = now
        line += 3
        facts.lastAlive = LogFacts.Mark(line: line, at: now)
        guard unread.progress, facts.episodes.isEmpty else { return }
        facts.lastProgress = LogFacts.Mark(line: line - 1, at: now)
        facts.progressLineCount += 1
    }

    private func episode(_ text: String, _ isExhausted: Bool, at now: Instant) -> LogFacts.Episode {
        LogFacts.Episode(
            mark: LogFacts.Mark(line: line - 1, at: now), saysDescriptorsExhausted: isExhausted, text: text)
    }

    /// Well, and silent for a while.
    private func isQuiet(at now: Instant) -> Bool {
        switch kind {
        case .slowStart: return now - startedAt < timeout * 1.4
        case .longBatch:
            return (now - startedAt).inNanoseconds % 7_200_000_000_000 < (timeout * 1.4).inNanoseconds
        default: return false
        }
    }

    /// What the sampler reads.
    mutating func sample(at now: Instant, limit: Int64) -> Sample {
        let isMute = isMute(at: now)
        let isSpinning = isMute && stoppedSince == nil && kind == .spinning
        let elapsed = max(.zero, now - seenAt)
        seenAt = now
        samples += 1
        if isSpinning {
            cpu += elapsed
        } else if !isMute {
            cpu += elapsed * 0.02
            if kind != .lazy { io += 100 }
        }
        noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let rss = residentBytes(at: now, limit: limit)
        let state: KernelState =
            stoppedSince != nil
            ? .stopped : isInKernel(at: now) ? .uninterruptible : isSpinning ? .running : .sleeping
        var tree = TreeReadings(
            processCount: 2,
            tightest: DescriptorReading(
                pid: 1, count: descriptorCount(at: now), softLimit: softLimit, hardLimit: 65536),
            rootRSSBytes: rss / 2, treeRSSBytes: rss,
            io: IOReading(readBytes: io, writtenBytes: io, readCalls: io, writeCalls: io),
            cpuTime: cpu, threadCount: 3, rootState: state)
        if isInKernel(at: now) {
            tree.uninterruptibleCount = 1
            tree.uninterruptible = 1
        }
        return Sample(takenAt: now, readings: .tree(tree))
    }

    /// What a reading of its threads' waits finds.
    func waits(at now: Instant) -> WaitReport {
        let isLocked = kind == .deadlocked && now >= turnsAt && stoppedSince == nil
        let wait: WaitReport.Wait =
            stoppedSince != nil ? .held : isLocked ? .futex : isInKernel(at: now) ? .kernel : .timeout
        return WaitReport(
            takenAt: now,
            threads: (1...3).map { WaitReport.ThreadWait(pid: 1, tid: $0, switches: io, wait: wait) })
    }
}
