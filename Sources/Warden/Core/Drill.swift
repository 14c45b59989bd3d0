/// What a drill makes of a worker, for the core alone or, with `emfile`, in earnest.
package enum DrillKind: String, Hashable, Codable, Sendable, CaseIterable {
    /// Its soft limit of descriptors is lowered to what it has open, and restored.
    case emfile
    /// Its tree seems to stand still, without a line.
    case hang
    /// It seems to burn a core without I/O and without a line.
    case spin
    /// It seems to write nothing.
    case silence
    /// It seems to be larger than its `rss_limit`.
    case memory

    /// Whether a verdict is what the drill is for.
    package func isMet(by condition: Condition) -> Bool {
        switch (self, condition) {
        case (.emfile, .dark), (.hang, .hung), (.spin, .hung), (.silence, .hung), (.memory, .bloated): true
        default: false
        }
    }

    /// Whether its lines are withheld.
    var isSilent: Bool {
        switch self {
        case .hang, .spin, .silence: true
        case .emfile, .memory: false
        }
    }
}

/// A drill as it is ordered.
package struct DrillOrder: Hashable, Codable, Sendable {
    /// What is drilled.
    package var kind: DrillKind
    /// The action is real.
    package var acts: Bool
    /// It ends by itself after so long; `nil`: after twice as long as its rule needs, at least two minutes.
    package var duration: Duration?
    /// It ends when nobody has asked for it for so long; `nil`: nobody needs to.
    package var lease: Duration?

    /// - Parameters: as the properties of the same names.
    package init(_ kind: DrillKind, acts: Bool = false, duration: Duration? = nil, lease: Duration? = nil) {
        self.kind = kind
        self.acts = acts
        self.duration = duration
        self.lease = lease
    }
}

/// How a drill goes, or went.
package struct DrillReport: Hashable, Codable, Sendable {
    /// The slot.
    package var worker: SlotName
    /// What is drilled.
    package var kind: DrillKind
    /// The action is real.
    package var acts: Bool
    /// When it began.
    package var startedAt: WallTime
    /// When it ends at the latest, seen from its start.
    package var limit: Duration
    /// What is done to the worker or to its readings, in words.
    package var means: String
    /// What its rules make of it; `nil` before they found anything.
    package var verdict: Verdict?
    /// From the start to the verdict that the drill is for; `nil` before that.
    package var detectedAfter: Duration?
    /// What the policy does or would do about it; `nil` before the verdict.
    package var decision: String?
    /// The incident that it opened.
    package var incident: String?
    /// What came of the action, with `acts`.
    package var outcome: Outcome?
    /// Why it is over; `nil` while it goes on.
    package var end: String?

    /// A drill that begins.
    ///
    /// - Parameters:
    ///   - worker: the slot.
    ///   - order: what is drilled.
    ///   - startedAt: now.
    ///   - limit: how long it lasts at the most.
    ///   - means: what is done to the worker or to its readings, in words.
    package init(
        worker: SlotName, _ order: DrillOrder, at startedAt: WallTime, limit: Duration = Limits.drillShortest,
        means: String = ""
    ) {
        self.worker = worker
        kind = order.kind
        acts = order.acts
        self.startedAt = startedAt
        self.limit = limit
        self.means = means
    }
}

/// What came of lowering a process's limit for a drill.
package enum LimitLowering: Hashable, Sendable {
    /// The soft limit of this process was lowered.
    case lowered(pid: Int32, from: Int, to: Int)
    /// It was not, in words for a person.
    case refused(reason: String)
}

/// A drill under way: a second opinion of the worker that is shown what the drill pretends, beside the true one.
///
/// The tracker is a copy: what was pretended leaves no trace in what is believed of the worker, neither a clock nor a
/// trend nor a lesson. Of `emfile`, which is real, the true one is shown what there would be without it.
struct Drill: Codable, Sendable {
    /// A soft limit of descriptors that was lowered.
    struct Lowered: Codable, Sendable {
        var pid: Int32
        var from: Int
        var to: Int
    }

    let order: DrillOrder
    let generation: Generation
    let startedAt: Moment
    let endsAt: Instant
    /// Until when somebody has asked for it.
    var leaseEndsAt: Instant?
    var tracker: HealthTracker
    var report: DrillReport
    /// The process whose limit is lowered, what it was, and what it is.
    var lowered: Lowered?
    /// The first tree that it saw.
    private let base: TreeReadings

    init(
        _ order: DrillOrder, of name: SlotName, _ generation: Generation, _ tracker: HealthTracker,
        _ base: TreeReadings, _ spec: HealthSpec, at now: Moment
    ) {
        self.order = order
        self.generation = generation
        self.tracker = tracker
        self.base = base
        startedAt = now
        let limit = min(order.duration ?? Drill.duration(of: order.kind, spec), Limits.drillLongest)
        endsAt = now.instant + limit
        leaseEndsAt = order.lease.map { now.instant + $0 }
        report = DrillReport(
            worker: name, order, at: now.wall, limit: limit, means: Drill.means(order.kind, base, spec))
    }

    /// When it is to be looked at; `nil` once its action is under way, whose outcome comes by itself.
    var deadline: Instant? {
        guard report.incident == nil || !order.acts else { return nil }
        return leaseEndsAt.map { min($0, endsAt) } ?? endsAt
    }

    /// Whether it still shows what is not: until its verdict.
    var isPretending: Bool { report.detectedAfter == nil }

    /// What its rule needs at the most, twice; the worker may have written its last line a moment before.
    static func duration(of kind: DrillKind, _ spec: HealthSpec) -> Duration {
        let sampled = spec.interval * (spec.confirm.window + 2)
        let needed: Duration =
            switch kind {
            case .emfile, .memory: sampled
            case .hang, .silence, .spin: (spec.heartbeatTimeout ?? Limits.drillLongest) * 2 + sampled
            }
        return max(needed * 2, Limits.drillShortest)
    }

    private static func means(_ kind: DrillKind, _ tree: TreeReadings, _ spec: HealthSpec) -> String {
        switch kind {
        case .emfile: "lowering the soft limit of descriptors of pid \(tree.tightest?.pid ?? 0) to what it has open"
        case .hang: "pretending that it writes nothing and that its tree stands still"
        case .spin: "pretending that it writes nothing and burns a core without I/O"
        case .silence: "pretending that it writes nothing"
        case .memory: "pretending that it is larger than rss_limit, \(Classifier.bytes(spec.rssLimitBytes ?? 0))"
        }
    }

    /// What keeps a drill from proving anything; `nil` when nothing does.
    static func obstacle(_ kind: DrillKind, _ tracker: HealthTracker, _ spec: HealthSpec) -> String? {
        switch kind {
        case .emfile:
            return tracker.window.readings?.tightest == nil ? "its descriptors cannot be read" : nil
        case .memory:
            return spec.rssLimitBytes == nil ? "rss_limit is not set" : nil
        case .hang, .spin, .silence:
            if spec.heartbeat == .none { return "heartbeat = none: no silence counts" }
            if spec.heartbeatTimeout == nil { return "heartbeat_timeout is not set: silence is at most told" }
            return tracker.window.demand == .zero ? "demand is zero: a worker without work is never hung" : nil
        }
    }

    // MARK: - What it shows

    /// What the drill's own tracker sees of a sample.
    func pretended(_ sample: Sample, _ spec: HealthSpec) -> Sample {
        guard case .tree(var tree) = sample.readings, isPretending else { return sample }
        if order.kind.isSilent { tree.heartbeatFileMark = base.heartbeatFileMark }
        switch order.kind {
        case .emfile, .silence: break
        case .hang:
            (tree.io, tree.cpuTime) = (base.io, base.cpuTime)
        case .spin:
            tree.io = base.io ?? IOReading(readBytes: 0, writtenBytes: 0, readCalls: 0, writeCalls: 0)
            tree.cpuTime = base.cpuTime + max(.zero, sample.takenAt - startedAt.instant)
        case .memory:
            let limit = spec.rssLimitBytes ?? 0
            let above = limit + limit / 10 + 1
            (tree.rootRSSBytes, tree.treeRSSBytes) = (max(tree.rootRSSBytes, above), max(tree.treeRSSBytes, above))
        }
        return Sample(takenAt: sample.takenAt, readings: .tree(tree))
    }

    /// What the drill's own tracker sees of the log.
    func pretended(_ facts: LogFacts) -> LogFacts {
        order.kind.isSilent && isPretending ? LogFacts(drainedAt: facts.drainedAt) : facts
    }

    /// What the true tracker sees of a sample: not the limit that the drill has lowered.
    func undone(_ sample: Sample) -> Sample {
        guard let lowered, case .tree(var tree) = sample.readings, let tightest = tree.tightest,
            tightest.softLimit <= lowered.to
        else { return sample }
        tree.tightest?.softLimit = lowered.from
        return Sample(takenAt: sample.takenAt, readings: .tree(tree))
    }

    /// What the true tracker sees of the log: not the errors that the drill has caused.
    func undone(_ facts: LogFacts) -> LogFacts {
        guard order.kind == .emfile else { return facts }
        var facts = facts
        facts.episodes = []
        return facts
    }
}

extension Verdict {
    /// It is of a drill.
    package var isDrill: Bool { evidence.contains { $0.rule == "drill" } }

    /// Marked as a drill's, in its evidence and in its reason.
    func marked(as order: DrillOrder) -> Verdict {
        var marked = self
        marked.evidence.append(
            Evidence(
                rule: "drill", value: .text(order.kind.rawValue),
                threshold: .text(order.acts ? "acted on" : "told only"))
        )
        marked.reason = "drill: \(reason)"
        return marked
    }
}
