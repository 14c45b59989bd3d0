/// The limits of what is sent to others.
///
/// Every queue, answer and retry has its maximum here.
package enum OutboundLimits {
    /// Alerts that one destination holds: the one being sent and those behind it.
    ///
    /// More are refused and counted; they wait in the outbox, not in memory.
    package static let queuedAlerts = 64
    /// Attempts to deliver one alert, whatever `retry_for` says.
    package static let attempts = 1000
    /// The pause after the first failed attempt; it doubles with each one.
    package static let backoffFirst: Duration = .seconds(1)
    /// The longest pause between two attempts that the daemon chooses itself.
    package static let backoffMaximum: Duration = .seconds(300)
    /// The longest time for one attempt, whatever `timeout` says.
    package static let timeoutMaximum: Duration = .seconds(600)
    /// Probes over http that wait to be asked.
    package static let probesWaiting = 1024
    /// Bytes of a JSON document that demand is read from; NATS' /jsz of a few hundred consumers fits.
    package static let demandBytes = 1024 * 1024
    /// Values in it.
    package static let demandValues = 65_536
    /// Bytes of an answer that are looked at; the rest is never read.
    package static let answerBytes = 4096
    /// Bytes of an answer or an error that are quoted in a reason.
    package static let quotedBytes = 200
    /// Parts of a url's path and query shorter than this are no secret worth hiding: `v1`, `api`.
    package static let secretPartBytes = 4
}
