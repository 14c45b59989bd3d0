/// The extremes that were seen of a slot while it was well, over all its generations since the daemon began: what
/// thresholds can be proposed from. Of fixed size, whatever the time.
package struct Observed: Hashable, Codable, Sendable {
    /// How long it was watched while it was well.
    package private(set) var watched: Duration = .zero
    /// Generations that were watched.
    package private(set) var generations = 0
    /// Times at which lines came; lines that come together count once.
    package private(set) var lineTimes = 0
    /// The longest time without a line that one ended; from the start, too.
    package private(set) var longestSilence: Duration = .zero
    /// Times at which progress lines came.
    package private(set) var progressTimes = 0
    /// The longest time between two progress lines through which work was waiting.
    package private(set) var longestProgressGap: Duration?
    /// The longest time from a start to the first progress line.
    package private(set) var longestFirstProgress: Duration?
    /// The most descriptors that the tightest process had open.
    package private(set) var descriptorCount = 0
    /// The limit that it had then.
    package private(set) var descriptorLimit = 0
    /// The most resident memory, in bytes, of what `rss_scope` adds up.
    package private(set) var rssBytes: Int64 = 0

    private var generation = Generation(0)
    private var startedAt = Instant.origin
    private var lastSampleAt: Instant?
    private var lastLineAt: Instant?
    private var lastProgressAt: Instant?

    /// Nothing seen yet.
    package init() {}

    /// A sample of a worker that is well.
    mutating func sampled(_ sample: Sample, scope: HealthSpec.MemoryScope, interval: Duration) {
        guard case .tree(let tree) = sample.readings else { return }
        if let last = lastSampleAt { watched += min(max(.zero, sample.takenAt - last), interval * 2) }
        lastSampleAt = sample.takenAt
        rssBytes = max(rssBytes, scope == .tree ? tree.treeRSSBytes : tree.rootRSSBytes)
        if let tightest = tree.tightest, tightest.count > descriptorCount {
            (descriptorCount, descriptorLimit) = (tightest.count, tightest.softLimit)
        }
    }

    /// Lines of a worker that is well.
    ///
    /// - Parameter demandSince: since when work has waited; `nil` where none does, or nobody knows.
    mutating func logged(_ facts: LogFacts, demandSince: Instant?) {
        if let alive = facts.lastAlive {
            longestSilence = max(longestSilence, alive.at - (lastLineAt ?? startedAt))
            lastLineAt = alive.at
            lineTimes += 1
        }
        guard let progress = facts.lastProgress else { return }
        progressTimes += 1
        if let last = lastProgressAt {
            if let since = demandSince {
                longestProgressGap = max(longestProgressGap ?? .zero, progress.at - max(last, since))
            }
        } else {
            longestFirstProgress = max(longestFirstProgress ?? .zero, progress.at - startedAt)
        }
        lastProgressAt = progress.at
    }

    /// A generation begins: gaps do not reach across its start.
    mutating func began(_ next: Generation, at now: Instant) {
        guard next != generation else { return }
        generation = next
        generations += 1
        startedAt = now
        (lastSampleAt, lastLineAt, lastProgressAt) = (nil, nil, nil)
    }
}

extension Slot {
    /// Whether what it shows now is an example to go by.
    private var isExemplary: Bool {
        switch tracker?.verdict.condition {
        case .healthy, .starting: true
        case .leaking, .dark, .hung, .bloated, .paused, .unknown, nil: false
        }
    }

    mutating func observe(_ sample: Sample) {
        guard isExemplary else { return }
        observed.sampled(sample, scope: spec.health.rssScope, interval: spec.health.interval)
    }

    mutating func observe(_ facts: LogFacts) {
        // Nearly all that the pump says is how far it has read.
        guard facts.lastAlive != nil || facts.lastProgress != nil, isExemplary, let tracker else { return }
        var since: Instant?
        if case .some(_, let begin) = tracker.window.demand { since = begin }
        observed.logged(facts, demandSince: since)
    }
}
