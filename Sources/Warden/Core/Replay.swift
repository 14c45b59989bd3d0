/// Recorded facts of one worker through a configuration: which verdicts it gives, and what would have been done.
///
/// The rules are the daemon's own: a `HealthTracker` and a `RestartPolicy` with its ledgers are fed what was recorded.
/// What a restart that never was would have led to, no record can show. Therefore one that is decided here counts once
/// against the budget, and then nothing more is decided until the recorded worker was started again, by whomever, or
/// was healthy again. That start is taken for its own, and shows whether a restart helped; without one its outcome
/// stays open. Other workers are not looked at: `max_unavailable` always has room, and a shared cause is never
/// suspected.
package struct Replay: Sendable {
    /// A verdict that began.
    package struct Change: Hashable, Sendable {
        /// When.
        package var at: Moment
        /// In which generation.
        package var generation: Generation
        /// Class and cause.
        package var condition: Condition
        /// How sure.
        package var grade: Grade
        /// Why, in a line; empty for what was recorded as the verdict then.
        package var reason: String
    }

    /// Something that would have been done.
    package struct Action: Hashable, Sendable {
        /// When it would have begun.
        package var at: WallTime
        /// In which generation.
        package var generation: Generation
        /// What; `alert` is telling and no more.
        package var action: HealthAction
        /// The budget is spent, or restarts do not help: this is the alert that says so.
        package var isGivingUp: Bool
        /// What was believed.
        package var verdict: Verdict
        /// Why it is less than what is configured, if it is.
        package var heldBackBy: String?
        /// The same was done then.
        package var wasDone: Bool
        /// What came of it, as far as the record shows; `nil` while nothing is known.
        package var end: String?
    }

    /// Something that was done or ordered then.
    package struct Deed: Hashable, Sendable {
        /// When.
        package var at: WallTime
        /// In which generation.
        package var generation: Generation
        /// What, in words.
        package var text: String
    }

    /// The verdicts under the given configuration.
    package private(set) var changes: [Change] = []
    /// The verdicts as they were.
    package private(set) var recordedChanges: [Change] = []
    /// What would have been done, oldest first.
    package internal(set) var actions: [Action] = []
    /// What was done, oldest first.
    package private(set) var deeds: [Deed] = []
    /// Where the record is not whole, and what follows from that.
    package private(set) var gaps: [String] = []
    /// Samples in it.
    package private(set) var sampleCount = 0
    /// Generations of which something was recorded.
    package private(set) var generationCount = 0
    /// Its first and its last fact.
    package private(set) var span: (from: WallTime, to: WallTime)?
    /// What was seen of the worker while it was well, one for each life of the daemon.
    package private(set) var observed: [Observed] = []
    /// Some of it was seen under other patterns, questions or intervals than those of the configuration.
    package private(set) var wasSeenOtherwise = false

    let program: ProgramSpec
    var slot: Slot
    var dice = Dice(seed: 0)
    var isDoubtful = false
    var utcOffsetSeconds = 0
    var generation = Generation(0)
    /// A person or the daemon ends the worker.
    private var isStopping = false
    /// The place in `actions` of what is under way.
    var openAction: Int?
    private var header: RecordHeader?
    private var lastEnd: WallTime?
    /// The record began in the middle of a life: until the verdict is the recorded one, it is not compared.
    private var settlesAs: Condition?
    private var settlingSamples = 0

    /// - Parameter program: the worker's specification, whose health is tried.
    package init(_ program: ProgramSpec) {
        self.program = program
        slot = Slot(id: SlotID(1), spec: program, earlierStarts: 0)
    }

    /// The rules' settings.
    var health: HealthSpec { program.health }

    /// A block that follows those before it.
    package mutating func add(_ contents: RecordContents) {
        begin(contents.header)
        for entry in contents.entries {
            span = (span?.from ?? entry.at.wall, entry.at.wall)
            passDeadlines(until: entry.at)
            apply(entry)
        }
        lastEnd = contents.entries.last?.at.wall ?? contents.header.start.wall
    }

    /// Something is missing here, and why.
    package mutating func skip(_ reason: String) { gaps.append(reason) }

    /// The record ends.
    package mutating func finish() {
        if let openAction, actions[openAction].end == nil {
            actions[openAction].end = "the record ends before anything can be said of its outcome"
        }
        if slot.observed.generations > 0 { observed.append(slot.observed) }
    }

    // MARK: - Blocks

    private mutating func begin(_ next: RecordHeader) {
        defer { header = next }
        if next.observationMark != health.observationMark { wasSeenOtherwise = true }
        utcOffsetSeconds = next.utcOffsetSeconds
        isDoubtful = next.isDoubtful
        slot.isHealthPaused = next.isHealthPaused
        let isNext = header.map { $0.life == next.life && $0.sequence &+ 1 == next.sequence } ?? (next.sequence == 0)
        if isNext { return }
        if let header, header.life != next.life {
            // Another life of the daemon: what it had spent and learned began anew.
            beginLife()
            if next.sequence == 0 { return }
        }
        if header != nil, let lastEnd {
            let missing = Duration.microseconds(max(0, next.start.wall.microseconds - lastEnd.microseconds))
            gaps.append("\(missing.spoken) are missing; what was confirmed or learned in them is not known")
        } else {
            gaps.append("the record begins in the middle of a life: what was learned before is not known")
        }
        guard next.isUp else { return end(at: next.start) }
        if next.generation != generation || slot.tracker?.window.startedAt != next.generationStartedAt {
            end(at: next.start)
            start(
                next.generation,
                at: Moment(
                    instant: next.generationStartedAt, wall: next.start.wall(of: next.generationStartedAt)), lives: [])
            settlesAs = next.condition
            settlingSamples = 0
        }
        resume(next)
    }

    /// The worker as it stood at the beginning of a block whose predecessor is not there.
    private mutating func resume(_ header: RecordHeader) {
        guard let window = slot.tracker?.window else { return }
        var facts = LogFacts(drainedAt: header.drainedAt)
        if let beat = header.lastHeartbeat, beat > window.lastHeartbeat || !window.hasHeartbeat {
            facts.lastAlive = LogFacts.Mark(line: 0, at: beat)
        }
        if let progress = header.lastProgress, progress != window.lastProgress { facts.lastProgress = progress }
        facts.progressLineCount = header.progressLineCount &- min(window.progressLineCount, header.progressLineCount)
        slot.tracker?.doubted(at: header.clocksHeldUntil)
        _ = slot.tracker?.logged(facts, at: header.start)
    }

    private mutating func beginLife() {
        if let openAction, actions[openAction].end == nil {
            actions[openAction].end = "the daemon ended before anything can be said of its outcome"
        }
        openAction = nil
        if slot.observed.generations > 0 { observed.append(slot.observed) }
        slot = Slot(id: SlotID(1), spec: program, earlierStarts: 0)
        generation = Generation(0)
        isStopping = false
        settlesAs = nil
    }

    // MARK: - Facts

    private mutating func apply(_ entry: RecordedEntry) {
        let now = entry.at
        switch entry.fact {
        case .started(let next, let reason, let lives): started(next, because: reason, lives, at: now)
        case .sampled(let sample):
            guard slot.tracker != nil else { return }
            sampleCount += 1
            slot.observe(sample)
            let isChanged = slot.tracker?.sampled(sample, isDoubtful: isDoubtful, at: now) ?? false
            settle(isChanged: isChanged, at: now)
        case .logged(let facts):
            slot.observe(facts)
            let isChanged = slot.tracker?.logged(facts, at: now) ?? false
            if isChanged || facts.lastProgress != nil { moved(isChanged: isChanged, at: now) }
        case .beat: slot.tracker?.beat(at: now.instant)
        case .demand(let amount): slot.tracker?.demandRead(amount, at: now.instant)
        case .probed(let result, let isReady):
            let isChanged =
                slot.tracker?.probed(result, isReady: isReady, isDoubtful: isDoubtful, at: now) ?? false
            if isChanged { moved(isChanged: true, at: now) }
        case .waits(let report):
            guard let news = slot.tracker?.waitsRead(report, at: now) else { return }
            moved(isChanged: news.isChanged, at: now)
        case .siblings(let witnesses): slot.tracker?.compare(with: witnesses)
        case .aided(let pid, let from, let to):
            let given = FirstAidGiven(pid: pid, from: from, to: to)
            slot.tracker?.aided(given.evidence, reason: given.reason)
        case .doubted(let doubts, _):
            isDoubtful = doubts
            slot.tracker?.doubted(at: now.instant)
        case .exited(let status):
            deed("the worker ended: \(status.spoken)", at: now)
            end(at: now)
        case .ordered(let order): ordered(order, at: now)
        case .judged(let condition, let grade):
            recordedChanges.append(
                Change(at: now, generation: generation, condition: condition, grade: grade, reason: ""))
        case .began(_, let condition):
            guard let openAction, case .ending = slot.policy.phase, actions[openAction].verdict.condition == condition
            else { return }
            actions[openAction].wasDone = true
        case .noted(_, let text): deed(text, at: now)
        case .retuned: deed("thresholds or actions were changed", at: now)
        }
    }

    private mutating func started(
        _ next: Generation, because reason: String, _ lives: [TrendWitness], at now: Moment
    ) {
        end(at: now)
        generation = next
        deed("generation \(next.number) was started" + (reason.isEmpty ? "" : ", because of \(reason)"), at: now)
        if case .ending = slot.policy.phase {
            slot.policy.restarted(health, at: now.instant)
            if let openAction, !actions[openAction].wasDone {
                actions[openAction].end = "the worker was next started \(Replay.after(now, actions[openAction].at))"
            }
        }
        start(next, at: now, lives: lives)
    }

    private mutating func start(_ next: Generation, at now: Moment, lives: [TrendWitness]) {
        generation = next
        generationCount += 1
        isStopping = false
        settlesAs = nil
        slot.observed.began(next, at: now.instant)
        slot.tracker = HealthTracker(spec: health, startedAt: now, formerLives: lives)
    }

    private mutating func end(at now: Moment) {
        guard slot.tracker != nil else { return }
        slot.endLife(at: now.instant)
        slot.policy.generationEnded()
        _ = slot.policy.closeAlert(isWell: false, elapsed: .zero)
    }

    private mutating func ordered(_ order: RecordedFact.Order, at now: Moment) {
        switch order {
        case .pauseHealth: slot.isHealthPaused = true
        case .resumeHealth: slot.isHealthPaused = false
        case .start, .stop, .end:
            deed(order == .end ? "the daemon ends" : "a person orders a \(order)", at: now)
            isStopping = slot.tracker != nil
            slot.policy.commanded()
            _ = slot.policy.closeAlert(isWell: false, elapsed: .zero)
            if slot.policy.superseded() != nil {
                closeAction(order == .end ? "the daemon ended first" : "a person's command came first")
            }
        }
    }

    private mutating func deed(_ text: String, at now: Moment) {
        deeds.append(Deed(at: now.wall, generation: generation, text: text))
    }

    // MARK: - Verdicts

    /// In the middle of a life rules need some samples to see what was known before.
    private mutating func settle(isChanged: Bool, at now: Moment) {
        guard let condition = settlesAs else { return moved(isChanged: isChanged, at: now) }
        settlingSamples += 1
        let isKnown = slot.tracker?.verdict.condition == condition
        if isKnown || settlingSamples > health.confirm.window { settlesAs = nil }
        // What was believed when the record began is no change.
        moved(isChanged: !isKnown, at: now)
    }

    /// What is believed may have changed: as the supervisor does, tell, close what is over, and decide.
    private mutating func moved(isChanged: Bool, at now: Moment) {
        guard let tracker = slot.tracker else { return }
        let verdict = tracker.verdict
        if isChanged, settlesAs == nil {
            changes.append(
                Change(
                    at: now, generation: generation, condition: verdict.condition, grade: verdict.grade,
                    reason: verdict.reason))
        }
        let isWell = verdict.condition == .healthy
        isWell ? slot.policy.wasWell(at: now.instant) : slot.policy.wasUnwell()
        if let open = slot.policy.openAlert, open.verdict.condition != verdict.condition {
            _ = slot.policy.closeAlert(isWell: isWell, elapsed: now.instant - open.verdict.since.instant)
        }
        observeOutcome(tracker, at: now)
        if isWell, settlesAs == nil { releaseHold(at: now) }
        if !isStopping { consider(at: now) }
    }
}

extension ExitStatus {
    fileprivate var spoken: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number, _): "signal \(number)"
        case .unknown: "unknown how"
        }
    }
}
