/// A reading of CLOCK_MONOTONIC. It decides; wall time is only shown.
///
/// Nanoseconds since an arbitrary origin that is fixed for the life of the host. Arithmetic saturates, so that an
/// absurd duration in a configuration cannot trap.
package struct Instant: Hashable, Codable, Comparable, Sendable {
    /// Nanoseconds since the clock's origin.
    package let nanoseconds: Int64

    /// - Parameter nanoseconds: nanoseconds since the clock's origin.
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The clock's origin: the time of the first event of a simulation.
    package static let origin = Instant(nanoseconds: 0)
    /// Later than every deadline: "never".
    package static let distantFuture = Instant(nanoseconds: .max)

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `duration` after this one, saturating.
    package static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.inNanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The instant `duration` before this one, saturating.
    package static func - (instant: Instant, duration: Duration) -> Instant {
        let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(duration.inNanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .max : .min) : difference)
    }

    /// The time from `right` to `left`, negative when `left` is the earlier one.
    package static func - (left: Instant, right: Instant) -> Duration {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        return .nanoseconds(overflow ? (left > right ? Int64.max : Int64.min) : difference)
    }
}

/// A reading of the wall clock, to be shown to people and programs and never to decide anything.
package struct WallTime: Hashable, Codable, Comparable, Sendable {
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    package let microseconds: Int64

    /// - Parameter microseconds: microseconds since the epoch.
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Whole seconds since the epoch, rounded down.
    package var seconds: Int64 { microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000 }

    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// "Now" as it is handed to the core: the clock that decides and the clock that is shown, read together.
package struct Moment: Hashable, Codable, Sendable {
    /// CLOCK_MONOTONIC.
    package var instant: Instant
    /// CLOCK_REALTIME.
    package var wall: WallTime

    /// - Parameters:
    ///   - instant: the monotonic reading.
    ///   - wall: the wall-clock reading taken with it.
    package init(instant: Instant, wall: WallTime) {
        self.instant = instant
        self.wall = wall
    }
}

extension Duration {
    /// This duration in nanoseconds, saturating at the range of `Int64` (292 years).
    package var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    /// This duration in seconds, for showing and for ratios.
    package var inSeconds: Double { Double(inNanoseconds) / 1e9 }

    /// As a person says it: `850ms`, `12s`, `4m 10s`, `3h 5m`, `6d 2h`.
    package var spoken: String {
        let total = inNanoseconds
        if total < 0 { return "-" + Duration.nanoseconds(total == .min ? .max : -total).spoken }
        if total < 1_000_000_000 { return "\(total / 1_000_000)ms" }
        let seconds = total / 1_000_000_000
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds / 60)m \(seconds % 60)s"
        case ..<86400:
            return seconds % 3600 < 60 ? "\(seconds / 3600)h" : "\(seconds / 3600)h \(seconds % 3600 / 60)m"
        default:
            return seconds % 86400 < 3600 ? "\(seconds / 86400)d" : "\(seconds / 86400)d \(seconds % 86400 / 3600)h"
        }
    }
}
