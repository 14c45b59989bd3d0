/// What is remembered of one generation: the recent samples' traces and log facts, in bounded size.
package struct HealthWindow: Hashable, Codable, Sendable {
    /// When the process was started: every clock starts here.
    package let startedAt: Instant
    /// The last tree that could be read.
    package private(set) var readings: TreeReadings?
    /// When that was.
    package private(set) var lastSampleAt: Instant?
    /// The last errno of a sample that failed for another reason than that the process is gone.
    package private(set) var lastFailure: Int32?
    /// When life last showed, by the configured heartbeat; the start before that.
    package private(set) var lastHeartbeat: Instant
    /// A heartbeat has shown in this generation.
    package private(set) var hasHeartbeat = false
    /// The last progress line.
    package private(set) var lastProgress: LogFacts.Mark?
    /// Progress lines of this generation.
    package private(set) var progressLineCount: UInt64 = 0
    /// Error episodes since the last progress line, oldest first, at most `Limits.errorEpisodes`.
    package private(set) var episodes: [LogFacts.Episode] = []
    /// The last line of the log.
    package private(set) var lastLine: String?
    /// Every pipe of the worker was empty at this instant: until here silence is known.
    package private(set) var drainedAt: Instant
    /// Last sample at which the tree's I/O counters moved or it used noticeable CPU.
    package private(set) var lastActivity: Instant
    /// Since when the tree has burnt a core without I/O.
    package private(set) var lastNotPegged: Instant
    /// Its CPU time at `lastNotPegged`: what it burnt is averaged from there, because on a busy host a single sample of
    /// a spinning worker may well be below the line.
    private var cpuTimeNotPegged: Duration = .zero
    /// Since when the tightest process's table is full; until `fullnessEnded`.
    package private(set) var fullSince: Instant?
    /// How much work waits, and since when some does.
    package private(set) var demand: Demand = .unknown
    /// Clocks of silence do not run before this: the end of the last pause or doubt.
    package private(set) var clocksHeldUntil: Instant
    /// What its lines teach about its silences.
    package private(set) var learning = SilenceLearning()
    /// Since when the process that is in state D now was found so; until `uninterruptibleEnded`.
    package private(set) var uninterruptibleSince: Instant?
    private var uninterruptible: Int32?
    /// Until here nobody expects a line of it: it was stuck in the kernel.
    private var excusedUntil: Instant
    /// The I/O counters when they could last be read.
    private var lastIO: IOReading?
    private var fileMark: UInt64?
    private let heartbeat: HealthSpec.Heartbeat

    /// How much work waits.
    package enum Demand: Hashable, Codable, Sendable {
        /// Not configured, or not readable.
        case unknown
        /// Nothing waits.
        case zero
        /// So much waits, and something has waited since.
        case some(Double, since: Instant)
    }

    /// - Parameters:
    ///   - startedAt: when the process was started.
    ///   - heartbeat: where its life shows.
    package init(startedAt: Instant, heartbeat: HealthSpec.Heartbeat) {
        self.startedAt = startedAt
        self.heartbeat = heartbeat
        lastHeartbeat = startedAt
        lastActivity = startedAt
        lastNotPegged = startedAt
        clocksHeldUntil = startedAt
        excusedUntil = startedAt
        drainedAt = startedAt
    }

    /// A sample arrived.
    package mutating func sampled(_ sample: Sample) {
        guard case .tree(let tree) = sample.readings else {
            if case .failure(let errorNumber) = sample.readings, errorNumber != 3 { lastFailure = errorNumber }
            return
        }
        lastFailure = nil
        noteActivity(tree, at: sample.takenAt)
        noteFullness(tree)
        if let pid = tree.uninterruptible, pid != uninterruptible {
            uninterruptible = pid
            uninterruptibleSince = sample.takenAt
        }
        if case .file = heartbeat, let mark = tree.heartbeatFileMark, mark != fileMark {
            if fileMark != nil { beat(at: sample.takenAt) }
            fileMark = mark
        }
        readings = tree
        lastIO = tree.io ?? lastIO
        lastSampleAt = sample.takenAt
    }

    /// The pump published what it read.
    package mutating func logged(_ facts: LogFacts) {
        drainedAt = max(drainedAt, facts.drainedAt)
        if let line = facts.lastLine { lastLine = line }
        if let alive = facts.lastAlive, heartbeat == .log { beat(at: alive.at) }
        progressLineCount &+= facts.progressLineCount
        episodes.append(contentsOf: facts.episodes)
        if let progress = facts.lastProgress {
            lastProgress = progress
            episodes.removeAll { $0.mark.line < progress.line }
        }
        if episodes.count > Limits.errorEpisodes { episodes.removeFirst(episodes.count - Limits.errorEpisodes) }
    }

    /// Life showed.
    package mutating func beat(at instant: Instant) {
        learning.beat(
            age: instant - startedAt, gap: hasHeartbeat ? instant - max(lastHeartbeat, clocksHeldUntil) : nil)
        hasHeartbeat = true
        lastHeartbeat = max(lastHeartbeat, instant)
    }

    /// Demand was read.
    package mutating func demandRead(_ amount: Double?, at instant: Instant) {
        switch (amount, demand) {
        case (nil, _): demand = .unknown
        case (.some(let amount), _) where amount <= 0: demand = .zero
        case (.some(let amount), .some(_, let since)): demand = .some(amount, since: since)
        case (.some(let amount), .unknown), (.some(let amount), .zero): demand = .some(amount, since: instant)
        }
    }

    /// Somebody holds the worker still, or we doubt ourselves: silence does not count up to now.
    package mutating func holdClocks(until instant: Instant) {
        clocksHeldUntil = max(clocksHeldUntil, instant)
    }

    /// Nothing in state D can write a line, so its silence does not count up to now. Its stillness does.
    package mutating func excuseSilence(until instant: Instant) {
        excusedUntil = max(excusedUntil, instant)
    }

    /// Silence that is known to us: up to when the pump had drained the pipe or the file was looked at, and not across
    /// a pause or a wait in state D.
    package func silence(at now: Instant) -> Duration {
        let known: Instant =
            switch heartbeat {
            case .log: drainedAt
            case .file: lastSampleAt ?? startedAt
            case .notify, .none: now
            }
        return max(.zero, known - max(lastHeartbeat, clocksHeldUntil, excusedUntil))
    }

    /// How long the tree has stood still.
    package func stillness(at now: Instant) -> Duration {
        max(.zero, (lastSampleAt ?? now) - max(lastActivity, clocksHeldUntil))
    }

    /// How long it has burnt a core without I/O.
    package func pegged(at now: Instant) -> Duration {
        max(.zero, (lastSampleAt ?? now) - max(lastNotPegged, clocksHeldUntil))
    }

    private mutating func noteActivity(_ tree: TreeReadings, at instant: Instant) {
        guard let before = readings, let then = lastSampleAt, instant > then else {
            lastActivity = instant
            startPegClock(tree, at: instant)
            return
        }
        let elapsed = instant - then
        // One tick of 10 ms is the resolution: a hung tree that wakes every 5 s still shows one now and then.
        let used = tree.cpuTime - before.cpuTime
        // One reading that failed says nothing; two in a row mean that they may not be read.
        let movesIO = tree.io.map { $0 != lastIO } ?? (before.io == nil)
        if movesIO || used > max(.milliseconds(10), elapsed * 0.005) || used < .zero { lastActivity = instant }
        // I/O that may not be read is not "no I/O".
        let isBusy = used.inSeconds >= elapsed.inSeconds * 0.5 && tree.io != nil && tree.io == lastIO
        let burnt = (tree.cpuTime - cpuTimeNotPegged).inSeconds
        if !isBusy || burnt < (instant - lastNotPegged).inSeconds * 0.9 { startPegClock(tree, at: instant) }
    }

    private mutating func startPegClock(_ tree: TreeReadings, at instant: Instant) {
        lastNotPegged = instant
        cpuTimeNotPegged = tree.cpuTime
    }

    private mutating func noteFullness(_ tree: TreeReadings) {
        guard let tightest = tree.tightest else { return }
        // Errors between the last sample that was not full and this one count as "since".
        if tightest.isFull, fullSince == nil { fullSince = lastSampleAt ?? startedAt }
    }

    /// No process was in state D in any of the last M samples.
    package mutating func uninterruptibleEnded() {
        uninterruptibleSince = nil
        uninterruptible = nil
    }

    /// No sample of the last M was full: what was seen before does not count any more.
    package mutating func fullnessEnded() {
        fullSince = nil
    }
}
