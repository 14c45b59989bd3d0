/// Growth towards a ceiling.
package struct TrendForecast: Hashable, Sendable {
    /// Growth per hour, in the series' unit.
    package var perHour: Double
    /// The time that was observed.
    package var observed: Duration
    /// When the ceiling is reached if it goes on like this.
    package var reachesAt: Instant
}

/// The floors of a series over a generation, on three scales of time, and whether they grow towards a ceiling.
///
/// Peaks are work; what never comes back is a leak. So only the lowest value of each bucket counts. Each scale keeps
/// the last `capacity` buckets: with samples every 5 s that is 5 minutes for 2 hours, 30 minutes for 12 hours, 2 hours
/// for 48 hours. A sample costs a comparison; slopes are looked at when a bucket closes.
package struct TrendSeries: Hashable, Codable, Sendable {
    /// What is known of one scale: its open bucket, its place in the rings, and the growth that was found.
    private struct Scale: Hashable, Codable, Sendable {
        var floor = TrendSeries.gap
        var filled: UInt8 = 0
        var next: UInt8 = 0
        /// Evaluations in a row without growth, since there was some.
        var misses: UInt8 = 0
        /// The highest floor that has left the ring.
        var formerPeak: UInt32 = 0
        var growth: TrendGrowth?
    }

    /// Buckets that a scale remembers.
    package static let capacity = 24
    /// Buckets without which a scale says nothing.
    package static let minimumBuckets = 6
    /// A bucket of each scale, in buckets of the first.
    private static let ratios: [Int64] = [1, 6, 24]
    /// Evaluations in a row that may fail before growth that was seen is over.
    private static let patience = 3
    private static let gap = UInt32.max

    private let width: Int64
    private let unit: Int64
    private var closesAt: Int64 = .min
    private var bucket: Int64 = 0
    private var scales: [Scale] = []
    /// The height of the floors, in steps of a tenth, and when it was last raised.
    private var mark: UInt32 = 0
    private var markedAt: Int64 = 0
    /// The rings of all scales behind each other; empty until the first bucket closes.
    private var floors: [UInt32] = []

    /// - Parameters:
    ///   - interval: time between samples.
    ///   - unit: the values' resolution, in the series' unit, from 1.
    package init(interval: Duration, unit: Int64 = 1) {
        width = TrendSeries.width(at: interval).inNanoseconds
        self.unit = max(1, unit)
    }

    /// The first scale's bucket: 5 minutes; less where samples come faster than by default, more where only one would
    /// fall into it.
    package static func width(at interval: Duration) -> Duration {
        let interval = max(interval, .milliseconds(1))
        return max(min(interval * 60, .seconds(300)), interval * 2)
    }

    /// A value was read.
    ///
    /// - Parameters:
    ///   - value: in the series' unit.
    ///   - instant: when; not before the value before.
    ///   - ceiling: what it must not reach; `nil` when there is nothing.
    package mutating func record(_ value: Int64, at instant: Instant, ceiling: Int64?) {
        let stored = UInt32(clamping: min(value / unit, Int64(TrendSeries.gap) - 1))
        if instant.nanoseconds < closesAt {
            if stored < scales[0].floor { scales[0].floor = stored }
            return
        }
        // After so long a gap nothing is left to compare with.
        if closesAt == .min || (instant.nanoseconds - closesAt) / width > Int64(TrendSeries.capacity) * 24 {
            begin(at: instant)
        }
        // The end of time closes no bucket: there is none after it.
        while instant.nanoseconds >= closesAt, closesAt < .max { closeBucket(ceiling) }
        scales[0].floor = min(scales[0].floor, stored)
    }

    /// Whether growth towards the ceiling was found.
    package var isGrowing: Bool { scales.contains { $0.growth != nil } }

    /// When it will reach a ceiling, if it grows: by the scale on which that is soonest.
    package func forecast(ceiling: Int64) -> TrendForecast? {
        var soonest: TrendForecast?
        for index in scales.indices {
            guard let growth = scales[index].growth else { continue }
            let seconds = max(0, Double(ceiling) / Double(unit) - growth.level) / growth.perSecond
            let reachesAt = growth.at + .nanoseconds(Int64(min(seconds, 9e9) * 1e9))
            guard reachesAt < soonest?.reachesAt ?? .distantFuture else { continue }
            soonest = TrendForecast(
                perHour: growth.perSecond * 3600 * Double(unit), observed: growth.observed, reachesAt: reachesAt)
        }
        return soonest
    }

    /// How high the floors have stood, within a tenth, and when they last rose to that.
    package var height: (level: Int64, reachedAt: Instant)? {
        mark == 0 ? nil : (Int64(mark) * unit, Instant(nanoseconds: markedAt))
    }

    /// How it moves, whether that counts or not: the middle slope on the widest scale that can say it.
    ///
    /// - Returns: growth per hour, and the time that was observed; `nil` with less than two buckets.
    package var movement: (perHour: Double, observed: Duration)? {
        guard !floors.isEmpty else { return nil }
        let index = scales.lastIndex { $0.filled >= TrendSeries.minimumBuckets } ?? 0
        let points = points(index)
        guard let slope = TrendStatistics.slope(points[...], .likely), let newest = points.last,
            let oldest = points.first
        else { return nil }
        let seconds = Double(width) * Double(TrendSeries.ratios[index]) / 1e9
        return (slope.middle / seconds * 3600 * Double(unit), .seconds((newest.x - oldest.x + 1) * seconds))
    }

    // MARK: - Buckets

    private mutating func begin(at instant: Instant) {
        bucket = 0
        closesAt = (instant + .nanoseconds(width)).nanoseconds
        scales = TrendSeries.ratios.map { _ in Scale() }
        floors = []
    }

    private mutating func closeBucket(_ ceiling: Int64?) {
        let end = Instant(nanoseconds: closesAt)
        bucket += 1
        closesAt = (end + .nanoseconds(width)).nanoseconds
        if floors.isEmpty {
            floors = Array(repeating: TrendSeries.gap, count: TrendSeries.capacity * TrendSeries.ratios.count)
        }
        for index in scales.indices {
            guard bucket.isMultiple(of: TrendSeries.ratios[index]) else { break }
            let floor = scales[index].floor
            if index + 1 < scales.count { scales[index + 1].floor = min(scales[index + 1].floor, floor) }
            scales[index].floor = TrendSeries.gap
            if index == 0 { raiseMark(to: floor, at: end) }
            push(floor, index)
            evaluate(index, ceiling, at: end)
        }
    }

    private mutating func raiseMark(to floor: UInt32, at end: Instant) {
        guard floor != TrendSeries.gap, Double(floor) > Double(mark) * 1.1 else { return }
        mark = floor
        markedAt = end.nanoseconds
    }

    private mutating func push(_ floor: UInt32, _ index: Int) {
        let place = index * TrendSeries.capacity + Int(scales[index].next)
        if Int(scales[index].filled) < TrendSeries.capacity {
            scales[index].filled += 1
        } else if floors[place] != TrendSeries.gap {
            scales[index].formerPeak = max(scales[index].formerPeak, floors[place])
        }
        floors[place] = floor
        scales[index].next = (scales[index].next + 1) % UInt8(TrendSeries.capacity)
    }

    private func points(_ index: Int) -> [TrendPoint] {
        let (filled, next) = (Int(scales[index].filled), Int(scales[index].next))
        var points: [TrendPoint] = []
        points.reserveCapacity(filled)
        for age in 0..<filled {
            let place = (next - filled + age + TrendSeries.capacity) % TrendSeries.capacity
            let floor = floors[index * TrendSeries.capacity + place]
            // No sample fell into it: an hour of unreadable files, a host that stood still.
            if floor != TrendSeries.gap { points.append(TrendPoint(x: Double(age), y: Double(floor))) }
        }
        return points
    }

    private mutating func evaluate(_ index: Int, _ ceiling: Int64?, at end: Instant) {
        let found = ceiling.flatMap { ceiling in
            TrendRule.scales[index].growth(
                points(index), ceiling: Double(ceiling) / Double(unit), formerPeak: Double(scales[index].formerPeak),
                bucketSeconds: Double(width) * Double(TrendSeries.ratios[index]) / 1e9, at: end)
        }
        if let found {
            scales[index].growth = found
            scales[index].misses = 0
        } else if scales[index].growth != nil {
            scales[index].misses += 1
            if scales[index].misses >= TrendSeries.patience { scales[index].growth = nil }
        }
    }
}
