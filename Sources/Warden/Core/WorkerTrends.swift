/// The trends of one generation: descriptors and memory, what it looked like at each age, and what its descriptors are.
package struct WorkerTrends: Hashable, Codable, Sendable {
    private var descriptors: TrendSeries
    private var memory: TrendSeries
    /// Its floors by age.
    package private(set) var profile: TrendProfile
    /// Former lives of its slot.
    let formerLives: [TrendWitness]
    /// Its siblings, as they were when growth was last looked at.
    private(set) var siblings: [TrendWitness] = []
    /// Its descriptors by kind, then and now.
    package private(set) var fingerprint = LeakFingerprint()
    private var isCensusDue = false
    /// Ages that had passed when siblings were last looked at.
    private var comparedAge = -1
    private let startedAt: Instant
    private let beginsAt: Instant

    /// - Parameters:
    ///   - spec: the interval.
    ///   - startedAt: when the generation was started.
    ///   - beginsAt: the end of its grace: what comes before is its start.
    ///   - formerLives: of the same slot.
    package init(
        _ spec: HealthSpec, startedAt: Instant, beginsAt: Instant, formerLives: [TrendWitness] = []
    ) {
        descriptors = TrendSeries(interval: spec.interval)
        // Pages: in 32 bits that is 16 TiB.
        memory = TrendSeries(interval: spec.interval, unit: 4096)
        profile = TrendProfile(interval: spec.interval, startedAt: startedAt)
        self.formerLives = formerLives
        self.startedAt = startedAt
        self.beginsAt = beginsAt
    }

    /// A sample was read.
    mutating func record(_ tree: TreeReadings, _ spec: HealthSpec, at instant: Instant) {
        let resident = Classifier.memory(tree, spec)
        let isPassed = profile.record(descriptors: tree.tightest?.count, memoryBytes: resident, at: instant)
        guard instant >= beginsAt else { return }
        // One census when the start is over. It may be refused by a host that is busy: then at the next age.
        if isPassed, !fingerprint.hasBaseline { isCensusDue = true }
        if let tightest = tree.tightest {
            descriptors.record(Int64(tightest.count), at: instant, ceiling: WorkerTrends.ceiling(of: tightest))
        }
        memory.record(resident, at: instant, ceiling: spec.rssLimitBytes)
    }

    /// The descriptors were counted by kind.
    mutating func counted(_ kinds: [Forensics.KindCount], progressLines: UInt64) {
        fingerprint.counted(kinds, progressLines: progressLines)
    }

    /// Whether a census is due; asked once.
    mutating func takesCensus() -> Bool {
        defer { isCensusDue = false }
        return isCensusDue
    }

    /// Whether something grows towards its ceiling.
    var isGrowing: Bool { descriptors.isGrowing || memory.isGrowing }

    /// Whether siblings are to be looked at: at first sight of growth, and once at each age; asked once.
    mutating func takesComparison() -> Bool {
        guard isGrowing, comparedAge != profile.closed.count else { return false }
        comparedAge = profile.closed.count
        return true
    }

    /// Growth was seen: these are the siblings to compare with.
    mutating func compare(with siblings: [TrendWitness]) {
        self.siblings = siblings
    }

    /// When the descriptors of a process will be used up; `nil` when they do not grow, or not that soon.
    package func descriptorForecast(_ reading: DescriptorReading) -> TrendForecast? {
        guard reading.softLimit != .max else { return nil }
        return descriptors.forecast(ceiling: Int64(reading.softLimit))
    }

    /// When memory will reach a limit.
    package func memoryForecast(limit: Int64) -> TrendForecast? {
        memory.forecast(ceiling: limit)
    }

    /// What other lives say of the growth of one series.
    func comparison(of leak: Condition.Leak, level: Int64, at now: Instant) -> TrendComparison {
        TrendComparison(of: leak, own: witness("", at: now), level: level, beside: formerLives + siblings)
    }

    /// This life, for others to be compared with.
    package func witness(_ name: String, at now: Instant) -> TrendWitness {
        func height(_ series: TrendSeries) -> TrendWitness.Height? {
            series.height.map { TrendWitness.Height(level: $0.level, age: $0.reachedAt - startedAt) }
        }
        return TrendWitness(
            name: name, age: now - startedAt, profile: profile, descriptors: height(descriptors),
            memory: height(memory))
    }

    /// How the descriptor count moves, for people.
    package func descriptorTrend(_ reading: DescriptorReading, at now: Instant) -> DescriptorTrend? {
        if let forecast = descriptorForecast(reading) {
            return DescriptorTrend(
                perHour: forecast.perHour, observed: forecast.observed,
                timeToLimit: max(.zero, forecast.reachesAt - now))
        }
        return descriptors.movement.map {
            DescriptorTrend(perHour: $0.perHour, observed: $0.observed, timeToLimit: nil)
        }
    }

    /// 90 % of the limit: what is left above serves no one who opens two at a time.
    private static func ceiling(of reading: DescriptorReading) -> Int64? {
        reading.softLimit == .max ? nil : Int64(reading.softLimit / 10 * 9 + reading.softLimit % 10 * 9 / 10)
    }
}
