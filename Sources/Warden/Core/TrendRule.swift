/// Growth that was found on one scale of a series.
struct TrendGrowth: Hashable, Codable, Sendable {
    /// Units per second: the middle of all slopes.
    var perSecond: Double
    /// The time that was looked at.
    var observed: Duration
    /// The last floor.
    var level: Double
    /// Where the last bucket begins.
    var at: Instant
}

/// When floors that rise are a leak, on one scale.
///
/// Mann-Kendall or a straight line alone call warm-ups, days and steps leaks. So every condition must hold: the slope's
/// lower bound is above zero over all (95 %) and over the recent half (68 %); the recent floor is above the old middle
/// and above all that was ever seen; it does not level off; it did not come in a few steps; and the ceiling is near
/// compared with the time that was observed. Tests/Forecast measures what each is worth.
struct TrendRule {
    /// The ceiling counts when it is at most so many observed spans away at the smaller slope.
    var reach: Double

    /// The rules of `TrendSeries`'s scales. The shorter the view, the more of the room must be gone: a long job, a
    /// morning or a warm-up rises for an hour as straight as a leak does.
    static let scales = [TrendRule(reach: 0.5), TrendRule(reach: 0.6), TrendRule(reach: 3)]

    /// Below this, of the older half's slope, the recent half levels off.
    private static let slowest = 0.6
    /// Growth that slows down is followed to its end: where it would come to rest, times this, must pass the ceiling.
    private static let settlingMargin = 1.5
    /// The largest rise between two buckets, and the three largest, are at most so much of what was gained.
    private static let (largestStep, threeSteps) = (0.5, 0.7)
    /// Less than this part of the ceiling gained says nothing.
    private static let leastGain = 1.0 / 32
    /// With fewer buckets than these the reach is shorter in proportion.
    private static let fullTrustBuckets = 12.0

    /// Looks at a scale whose bucket has closed.
    ///
    /// - Parameters:
    ///   - points: the floors, oldest first.
    ///   - ceiling: what must not be reached.
    ///   - formerPeak: the highest floor before these.
    ///   - bucketSeconds: the length of a bucket.
    ///   - end: the end of the last one.
    func growth(
        _ points: [TrendPoint], ceiling: Double, formerPeak: Double, bucketSeconds: Double, at end: Instant
    ) -> TrendGrowth? {
        guard points.count >= TrendSeries.minimumBuckets, let oldest = points.first, let newest = points.last,
            newest.y > formerPeak, newest.y - oldest.y >= ceiling * TrendRule.leastGain
        else { return nil }
        let (older, recent) = (points[..<(points.count / 2)], points[(points.count / 2)...])
        guard let all = TrendStatistics.slope(points[...], .sure), all.lower > 0,
            let late = TrendStatistics.slope(recent, .likely), late.lower > 0,
            let early = TrendStatistics.slope(older, .likely)
        else { return nil }
        let formerMiddle = TrendStatistics.median(older)
        guard recent.allSatisfy({ $0.y > formerMiddle }) else { return nil }
        let room = ceiling - newest.y
        let span = newest.x - oldest.x + 1
        let trust = reach * min(1, Double(points.count) / TrendRule.fullTrustBuckets)
        guard room <= min(all.lower, late.lower) * span * trust,
            !levelsOff(early: early.middle, late: late.middle, over: span / 2, room: room), !isStepped(points)
        else { return nil }
        return TrendGrowth(
            perSecond: all.middle / bucketSeconds, observed: .nanoseconds(Int64(span * bucketSeconds * 1e9)),
            level: newest.y,
            // What grows has its floor where the bucket begins.
            at: end - .nanoseconds(Int64(bucketSeconds * 1e9)))
    }

    /// Each further half gains as much less as the recent one did against the older: that comes to rest somewhere.
    private func levelsOff(early: Double, late: Double, over half: Double, room: Double) -> Bool {
        guard early > 0, late < early else { return false }
        let ratio = late / early
        let stillToCome = late * half * ratio / (1 - ratio)
        return ratio < TrendRule.slowest || stillToCome * TrendRule.settlingMargin < room
    }

    private func isStepped(_ points: [TrendPoint]) -> Bool {
        guard let oldest = points.first, let newest = points.last else { return false }
        let gained = newest.y - oldest.y
        let rises = zip(points.dropFirst(), points).map { $0.y - $1.y }.sorted(by: >)
        return (rises.first ?? 0) > gained * TrendRule.largestStep
            || rises.prefix(3).reduce(0, +) > gained * TrendRule.threeSteps
    }
}
