/// A bucket's number and its floor.
struct TrendPoint {
    /// Buckets since the first that is remembered.
    var x: Double
    /// The floor, in stored units.
    var y: Double
}

/// Sen's slope and its lower bound, for the few floors that a trend remembers. Plain arithmetic: this room links no C
/// mathematics.
enum TrendStatistics {
    /// How sure a lower bound is: the squared quantile of the normal distribution.
    enum Confidence: Double {
        /// 68 %.
        case likely = 1.0
        /// 95 %.
        case sure = 3.8416
    }

    /// The slope of some points, in units per bucket.
    ///
    /// - Parameters:
    ///   - points: at most `TrendSeries.capacity`.
    ///   - confidence: of the lower bound.
    /// - Returns: the median of the slopes between all pairs, and what the slope is at least; `nil` with fewer than two
    ///   points.
    static func slope(
        _ points: ArraySlice<TrendPoint>, _ confidence: Confidence
    ) -> (middle: Double, lower: Double)? {
        let count = points.count
        guard count >= 2 else { return nil }
        let pairs = count * (count - 1) / 2
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: pairs) { space in
            var slopes = space
            var filled = 0
            for later in points.indices.dropFirst() {
                for earlier in points.startIndex..<later {
                    let run = points[later].x - points[earlier].x
                    slopes.initializeElement(at: filled, to: (points[later].y - points[earlier].y) / run)
                    filled += 1
                }
            }
            slopes.sort()
            let middle =
                pairs.isMultiple(of: 2) ? (slopes[pairs / 2 - 1] + slopes[pairs / 2]) / 2 : slopes[pairs / 2]
            return (middle, slopes[lowerRank(of: count, pairs: pairs, confidence)])
        }
    }

    /// The rank of the lower bound among the sorted slopes, from 0: (pairs - z * deviation) / 2, rounded down, where
    /// the variance of Kendall's statistic is n(n-1)(2n+5)/18.
    private static func lowerRank(of count: Int, pairs: Int, _ confidence: Confidence) -> Int {
        let variance = Double(count * (count - 1) * (2 * count + 5)) / 18
        return max(0, Int((Double(pairs) - root(variance * confidence.rawValue)) / 2) - 1)
    }

    /// The square root, by Newton's steps from above.
    static func root(_ square: Double) -> Double {
        guard square > 0 else { return 0 }
        var guess = max(square, 1)
        while true {
            let next = (guess + square / guess) / 2
            guard next < guess else { return guess }
            guess = next
        }
    }

    /// The middle of some points' floors; 0 without any.
    static func median(_ points: ArraySlice<TrendPoint>) -> Double {
        let sorted = points.map(\.y).sorted()
        guard let last = sorted.last else { return 0 }
        let half = sorted.count / 2
        if sorted.count == 1 { return last }
        return sorted.count.isMultiple(of: 2) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[half]
    }
}
