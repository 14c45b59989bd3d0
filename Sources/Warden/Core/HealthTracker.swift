/// What is believed of one generation: its window, the rules' memories, and the verdict that they give.
package struct HealthTracker: Hashable, Codable, Sendable {
    /// A rule's standing: whether it holds, and what it said last.
    private struct Candidate: Hashable, Codable, Sendable {
        var latch = Latch()
        var finding: Classifier.Finding?
        var holds = false
        /// It stays until the generation ends.
        var isKept = false

        /// The finding, while the rule holds or has not yet been quiet for M samples.
        mutating func judge(_ found: Classifier.Finding?, window: Int, bySample: Bool) -> Classifier.Finding? {
            if isKept { return finding }
            holds = found != nil
            if let found { finding = found }
            // Between samples a rule can begin to hold, but its silence counts in samples alone.
            guard bySample || holds else { return finding }
            if !latch.judge(holds, window: window) { finding = nil }
            return finding
        }

        /// Within the grace only what is proven counts, so only that is remembered: the silence of a slow start would
        /// be told at its first progress line, which ends the grace and the silence alike.
        mutating func forgetUnlessProven() {
            guard let finding, finding.grade < .proven, !isKept else { return }
            self = Candidate()
        }

        mutating func keep(_ evidence: Evidence, reason: String) {
            guard finding != nil else { return }
            finding?.evidence.append(evidence)
            finding?.reason += reason
            isKept = true
        }
    }

    /// The facts of this generation.
    package private(set) var window: HealthWindow
    /// How its descriptors and its memory move.
    package private(set) var trends: WorkerTrends
    /// What is believed.
    package private(set) var verdict: Verdict
    /// What the life-long probe has said.
    package private(set) var probe = ProbeStanding()
    /// Samples in a row whose verdict was healthy.
    package private(set) var healthySamplesInARow = 0
    /// When grace ends at the latest.
    package let graceEndsAt: Instant
    /// Shared, because a tracker is copied often and its settings seldom change.
    private var sharedSpec: Shared<HealthSpec>
    private var full = RuleHistory()
    private var pastDark = RuleHistory()
    private var pastWarning = RuleHistory()
    private var overLimit = RuleHistory()
    private var overWarning = RuleHistory()
    private var blind = RuleHistory()
    private var growing = RuleHistory()
    private var uninterruptible = RuleHistory()
    private var waits = WaitWatch()

    private var blindness = Candidate()
    private var pause = Candidate()
    private var emfile = Candidate()
    private var bloat = Candidate()
    private var silence = Candidate()
    private var noProgress = Candidate()
    private var errors = Candidate()
    private var deadlock = Candidate()
    private var stuckInKernel = Candidate()
    private var descriptorLeak = Candidate()
    private var memoryLeak = Candidate()

    /// - Parameters:
    ///   - spec: the rules' settings.
    ///   - startedAt: when the generation was started.
    ///   - formerLives: earlier generations of the same slot, to compare with.
    package init(spec: HealthSpec, startedAt: Moment, formerLives: [TrendWitness] = []) {
        sharedSpec = Shared(spec)
        window = HealthWindow(startedAt: startedAt.instant, heartbeat: spec.heartbeat)
        graceEndsAt = startedAt.instant + spec.grace
        trends = WorkerTrends(
            spec, startedAt: startedAt.instant, beginsAt: startedAt.instant + spec.grace, formerLives: formerLives)
        verdict = Verdict(condition: .starting, grade: .proven, since: startedAt, evidence: [], reason: "")
    }

    /// A sample arrived.
    ///
    /// - Parameters:
    ///   - sample: the readings.
    ///   - isDoubtful: we doubt ourselves, so silence does not count now.
    ///   - now: the time.
    /// - Returns: true when the verdict's condition or grade changed.
    package mutating func sampled(_ sample: Sample, isDoubtful: Bool, at now: Moment) -> Bool {
        if case .tree(let tree) = sample.readings { waits.sampled(tree, before: window.readings) }
        let wasKeptInKernel = isKeptInKernel
        window.sampled(sample)
        // Back from a wait that nobody could end: the next answers say whether it is well.
        if wasKeptInKernel, !isInKernel { probe.excused() }
        switch sample.readings {
        case .failure(let errorNumber):
            // The process is on its way out (ESRCH): its exit will say more.
            if errorNumber != 3 { blind.record(true) }
        case .tree(let tree):
            blind.record(false)
            record(tree)
            trends.record(tree, sharedSpec.value, at: sample.takenAt)
            growing.record(trends.isGrowing)
        }
        if isDoubtful { window.holdClocks(until: now.instant) }
        let changed = evaluate(bySample: true, at: now)
        healthySamplesInARow = verdict.condition == .healthy ? healthySamplesInARow + 1 : 0
        return changed
    }

    /// The pump published what it read.
    ///
    /// - Returns: true when the verdict's condition or grade changed.
    package mutating func logged(_ facts: LogFacts, at now: Moment) -> Bool {
        window.logged(facts)
        // Alive lines alone wait for the next sample; errors and progress count at once.
        guard !facts.episodes.isEmpty || facts.lastProgress != nil else { return false }
        return evaluate(bySample: false, at: now)
    }

    /// `WATCHDOG=1` arrived.
    package mutating func beat(at now: Instant) {
        if sharedSpec.value.heartbeat == .notify { window.beat(at: now) }
    }

    /// We began or ceased to doubt ourselves: silence does not count up to now.
    package mutating func doubted(at now: Instant) {
        window.holdClocks(until: now)
    }

    /// The rules go on with other thresholds; what was seen stays.
    mutating func retune(_ spec: HealthSpec) { sharedSpec = Shared(spec) }

    /// Demand was read; `nil` when it could not be.
    package mutating func demandRead(_ amount: Double?, at now: Instant) {
        window.demandRead(amount, at: now)
    }

    /// The descriptors were counted by kind.
    package mutating func counted(_ kinds: [Forensics.KindCount]) {
        trends.counted(kinds, progressLines: window.progressLineCount)
    }

    /// Whether a census is due; asked once.
    package mutating func takesCensus() -> Bool { trends.takesCensus() }

    /// Whether siblings are to be looked at, because something grows; asked once.
    package mutating func takesComparison() -> Bool { trends.takesComparison() }

    /// These are the siblings to compare growth with.
    package mutating func compare(with siblings: [TrendWitness]) { trends.compare(with: siblings) }

    /// Whether the waits of its threads are to be read now: it stands still, and there may be work.
    package func isWaitReadingDue(at now: Instant) -> Bool { waits.isDue(at: now) && window.demand != .zero }

    /// The waits were asked for.
    package mutating func waitsAsked(at now: Instant) { waits.asked(at: now) }

    /// The waits were read.
    ///
    /// - Returns: whether the verdict's condition or grade changed, and whether the worker has begun to wait for its
    ///   own output.
    package mutating func waitsRead(
        _ report: WaitReport, at now: Moment
    ) -> (isChanged: Bool, hasBlocked: Bool) {
        let wasBlocked = waits.isBlockedOnOutput
        waits.read(report, at: now.instant)
        // Not its fault, so its silence does not count.
        if waits.isBlockedOnOutput { window.holdClocks(until: now.instant) }
        return (evaluate(bySample: false, at: now), waits.isBlockedOnOutput && !wasBlocked)
    }

    /// The life-long probe was answered.
    ///
    /// - Parameters:
    ///   - result: how it ended.
    ///   - isReady: the worker has said that it is ready, so nothing excuses it any more.
    ///   - isDoubtful: we doubt ourselves, so a failure does not count now.
    ///   - now: the time.
    /// - Returns: true when the verdict's condition or grade changed.
    package mutating func probed(_ result: HookResult, isReady: Bool, isDoubtful: Bool, at now: Moment) -> Bool {
        // As with the startup probe of Kubernetes: until the first success, or the end of the grace, it is starting.
        let isGateOpen = isReady || probe.hasSucceeded || now.instant >= graceEndsAt
        probe.answered(result, counts: isGateOpen && !isDoubtful && !pause.holds, at: now)
        return evaluate(bySample: false, at: now)
    }

    /// Its descriptor limit was raised: what was wrong with it is treated, not over, until the generation ends.
    package mutating func aided(_ evidence: Evidence, reason: String) {
        emfile.keep(evidence, reason: reason)
        if verdict.condition == .dark(.emfile) {
            verdict.evidence.append(evidence)
            verdict.reason += reason
        }
    }

    /// Whether a condition holds now, and is not merely remembered.
    package func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .dark(.emfile): emfile.holds
        case .dark(.errors): errors.holds
        case .hung(.noProgress): noProgress.holds
        case .hung(.deadlock): deadlock.holds
        case .hung(.uninterruptible): stuckInKernel.holds
        case .hung: silence.holds
        case .bloated: bloat.holds
        case .leaking(.fds): descriptorLeak.holds
        case .leaking(.rss): memoryLeak.holds
        case .paused: pause.holds
        case .unknown: blindness.holds
        case .dark(.probe): probe.failuresInARow >= sharedSpec.value.probeFailures
        case .starting, .healthy: verdict.condition == condition
        }
    }

    /// Whether the worker is known to be well again: its first progress line; or, where progress cannot be expected,
    /// healthy for one confirm window.
    package var hasRecovered: Bool {
        if sharedSpec.value.probe != .none, !probe.isContent { return false }
        if window.progressLineCount > 0, !isBad { return true }
        if sharedSpec.value.progressPattern != nil, case .some = window.demand { return false }
        return healthySamplesInARow >= sharedSpec.value.confirm.window
    }

    /// The last sample found a process of the tree in state D, where no signal reaches it.
    var isInKernel: Bool { window.readings?.uninterruptible != nil }

    /// So did N of the last M: this is not a disk that was busy for a moment.
    var isKeptInKernel: Bool { isInKernel && uninterruptible.isConfirmed(by: spec.confirm) }

    private var isBad: Bool {
        switch verdict.condition {
        case .starting, .healthy, .paused, .unknown, .leaking: false
        case .dark, .hung, .bloated: true
        }
    }

    /// The rules' settings.
    var spec: HealthSpec {
        _read { yield sharedSpec.value }
    }

    /// Rules that hold in some of the last samples, and not in enough of them.
    var unconfirmed: [String] {
        let rules = [
            ("full table of descriptors", full), ("fd_dark", pastDark), ("fd_warning", pastWarning),
            ("rss_limit", overLimit), ("rss_warning", overWarning), ("unreadable", blind), ("growth", growing),
            ("state D", uninterruptible),
        ]
        let confirm = spec.confirm
        return rules.compactMap { name, history in
            let held = history.held(within: confirm.window)
            guard held > 0, held < confirm.needed else { return nil }
            return "\(name) in \(held) of the last \(confirm.window) samples, \(confirm.needed) are needed"
        }
    }

    private mutating func record(_ tree: TreeReadings) {
        let shared = sharedSpec
        if let tightest = tree.tightest {
            full.record(tightest.isFull)
            let (count, limit) = (tightest.count, tightest.softLimit)
            pastDark.record(shared.value.descriptorDark.isReached(count: count, limit: limit))
            pastWarning.record(shared.value.descriptorWarning.isReached(count: count, limit: limit))
            if full.isRefuted(by: shared.value.confirm) { window.fullnessEnded() }
        }
        uninterruptible.record(tree.uninterruptible != nil)
        if uninterruptible.isRefuted(by: shared.value.confirm) { window.uninterruptibleEnded() }
        overLimit.record(Classifier.bloat(tree, shared.value) != nil)
        overWarning.record(Classifier.isPastMemoryWarning(tree, shared.value))
    }

    private mutating func evaluate(bySample: Bool, at now: Moment) -> Bool {
        let found = strongest(bySample: bySample, at: now)
        let isGraceful = now.instant < graceEndsAt && window.progressLineCount == 0
        if isGraceful { forgetUnlessProven() }
        // The probe has a gate of its own, which its first success opens.
        let isTooEarly = isGraceful && (found.map { $0.grade < .proven && $0.condition != .dark(.probe) } ?? false)
        let next = isTooEarly ? nil : found
        let condition = next?.condition ?? (isGraceful ? .starting : .healthy)
        let grade = next?.grade ?? .proven
        let isChanged = condition != verdict.condition || grade != verdict.grade
        verdict = Verdict(
            condition: condition, grade: grade, since: condition == verdict.condition ? verdict.since : now,
            evidence: next?.evidence ?? [], reason: next?.reason ?? "")
        verdict.isAdvisory = next?.isAdvisory ?? false
        return isChanged
    }

    private mutating func forgetUnlessProven() {
        emfile.forgetUnlessProven()
        bloat.forgetUnlessProven()
        deadlock.forgetUnlessProven()
        stuckInKernel.forgetUnlessProven()
        silence.forgetUnlessProven()
        noProgress.forgetUnlessProven()
        errors.forgetUnlessProven()
        descriptorLeak.forgetUnlessProven()
        memoryLeak.forgetUnlessProven()
    }

    /// The first condition of the order of precedence that holds or is remembered. Every rule is asked each time, so
    /// that each keeps its own memory.
    private mutating func strongest(bySample: Bool, at now: Moment) -> Classifier.Finding? {
        let shared = sharedSpec
        let confirm = shared.value.confirm
        let memory = confirm.window
        let tree = window.readings
        let held = blindness.judge(
            blind.isConfirmed(by: confirm) ? window.lastFailure.map(Classifier.blindness) : nil, window: memory,
            bySample: bySample)
        let paused = pause.judge(tree.flatMap(Classifier.pause), window: 1, bySample: bySample)
        if paused != nil { probe.excused() }
        if paused != nil || waits.isBlockedOnOutput { window.holdClocks(until: now.instant) }
        let dark = emfile.judge(
            Classifier.descriptorDarkness(
                window, shared.value, isFullConfirmed: full.isConfirmed(by: confirm), at: now.instant),
            window: memory, bySample: bySample)
        let bloated = bloat.judge(
            overLimit.isConfirmed(by: confirm) ? tree.flatMap { Classifier.bloat($0, shared.value) } : nil,
            window: memory,
            bySample: bySample)
        let locked = deadlock.judge(
            Classifier.deadlock(window, shared.value, waits), window: memory, bySample: bySample)
        let sunk = stuckInKernel.judge(
            Classifier.uninterruptible(
                window, waits, isConfirmed: uninterruptible.isConfirmed(by: confirm), at: now.instant),
            window: memory, bySample: bySample)
        if sunk != nil { window.excuseSilence(until: now.instant) }
        let unanswering = Classifier.probeFailure(
            probe, shared.value, sampledAt: window.lastSampleAt, at: now.instant)
        let hung = silence.judge(
            Classifier.silence(window, shared.value, at: now.instant), window: memory, bySample: bySample)
        let stuck = noProgress.judge(
            Classifier.noProgress(window, shared.value, at: now.instant), window: memory, bySample: bySample)
        // The EMFILE burst of a full table is not told twice: dark/emfile stands above dark/errors.
        let failing = errors.judge(
            Classifier.errors(window, shared.value, at: now.instant), window: memory, bySample: bySample)
        let counted = growing.isConfirmed(by: confirm) ? trends : nil
        let leaking = descriptorLeak.judge(
            Classifier.descriptorLeak(
                window, shared.value, isDarkConfirmed: pastDark.isConfirmed(by: confirm),
                isWarningConfirmed: pastWarning.isConfirmed(by: confirm), trends: counted, at: now.instant),
            window: memory, bySample: bySample)
        let isWarned = overWarning.isConfirmed(by: confirm)
        let swelling = memoryLeak.judge(
            tree.flatMap {
                Classifier.memoryLeak($0, shared.value, isWarningConfirmed: isWarned, trends: counted, at: now.instant)
            }, window: memory, bySample: bySample)
        let worst = held ?? paused ?? dark ?? locked ?? bloated ?? unanswering
        return worst ?? sunk ?? hung ?? stuck ?? failing ?? leaking ?? swelling
    }
}
