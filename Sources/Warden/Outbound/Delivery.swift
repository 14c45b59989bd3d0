package import WardenCore

/// What came of one attempt to post an alert.
package enum PostAnswer: Hashable, Sendable {
    /// The receiver answered.
    ///
    /// - Parameters:
    ///   - status: the status code.
    ///   - retryAfter: what its `Retry-After` asks for.
    ///   - detail: its own words or where it redirects to, as far as they may be shown; empty when there are none.
    case answered(status: Int, retryAfter: Duration?, detail: String)
    /// No answer; another attempt may have one.
    case failed(reason: String)
    /// It cannot be posted, now or later.
    case impossible(reason: String)
}

/// The way of one alert to one destination, as a value: what each answer means, and when the next attempt is due.
///
/// Transitions: `tried` any number of times with `.retrying`, then once with `.delivered` or `.gaveUp`.
package struct Delivery: Hashable, Sendable {
    /// Attempts so far.
    package private(set) var attempts = 0
    private let began: Instant
    private let deadline: Instant

    /// - Parameters:
    ///   - began: when it was submitted.
    ///   - retryFor: how long attempts go on from then.
    package init(began: Instant, retryFor: Duration) {
        self.began = began
        deadline = began + retryFor
    }

    /// An attempt was made.
    ///
    /// - Parameters:
    ///   - answer: what came of it.
    ///   - now: when that was known.
    ///   - dice: for the jitter.
    /// - Returns: how the alert stands.
    package mutating func tried(_ answer: PostAnswer, at now: Instant, dice: inout Dice) -> DeliveryReport.Result {
        attempts += 1
        switch answer {
        case .impossible(let reason):
            return .gaveUp(reason: reason)
        case .failed(let reason):
            return again(reason: reason, wish: nil, at: now, dice: &dice)
        case .answered(let status, let retryAfter, let detail):
            let reason = "answered \(status)" + (detail.isEmpty ? "" : ": \(detail)")
            switch status {
            case 200..<300: return .delivered
            case 429, 503: return again(reason: reason, wish: retryAfter, at: now, dice: &dice)
            case 408, 425, 500...: return again(reason: reason, wish: nil, at: now, dice: &dice)
            case 300..<400: return .gaveUp(reason: "\(reason) (redirects are not followed: correct the url)")
            // The same body will not be liked better later: a revoked webhook, a wrong format.
            default: return .gaveUp(reason: reason)
            }
        }
    }

    private func again(
        reason: String, wish: Duration?, at now: Instant, dice: inout Dice
    ) -> DeliveryReport.Result {
        guard now < deadline, attempts < OutboundLimits.attempts else {
            return .gaveUp(reason: "\(reason) (\(attempts) attempts in \((now - began).spoken))")
        }
        let pause = backoff(&dice)
        guard let wish else {
            // The last attempt falls on the deadline, so that a long backoff does not cut retry_for short.
            return .retrying(after: min(pause, deadline - now), reason: reason)
        }
        guard now + wish <= deadline else {
            return .gaveUp(reason: "\(reason) (asks for \(wish.spoken), which is past retry_for)")
        }
        return .retrying(after: max(wish, pause), reason: reason)
    }

    /// Doubles with each attempt; between half and all of it, so that what failed together is not retried together.
    private func backoff(_ dice: inout Dice) -> Duration {
        let doublings = min(attempts - 1, 30)
        let full = min(OutboundLimits.backoffFirst * (1 << doublings), OutboundLimits.backoffMaximum)
        return .nanoseconds((full * (0.5 + 0.5 * dice.fraction())).inNanoseconds)
    }
}
