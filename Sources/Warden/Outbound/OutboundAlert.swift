internal import WardenCore

/// An alert on its way to one destination.
package struct OutboundAlert: Hashable, Sendable {
    /// The number by which reports speak of it: the outbox's.
    package var id: Int64
    /// NAME of its `[alert:NAME]`.
    package var destination: String
    /// The same for every attempt and for this alert alone, so that the receiver can drop one that comes twice.
    package var key: String
    /// `key` without the destination and as one word: the header `webhook-id`.
    var messageID: String {
        let own = key.hasPrefix(destination + " ") ? String(key.dropFirst(destination.count + 1)) : key
        return own.replacing(" ", with: "-")
    }
    /// The media type of `body`.
    package var contentType: String
    /// What is posted, but for what the destination's secret adds.
    package var body: [UInt8]
    /// How long attempts go on from the moment of submission; at least one is made.
    package var retryFor: Duration

    /// - Parameters: as the properties of the same names.
    package init(
        id: Int64, destination: String, key: String, contentType: String = "application/json", body: [UInt8],
        retryFor: Duration
    ) {
        self.id = id
        self.destination = destination
        self.key = key
        self.contentType = contentType
        self.body = body
        self.retryFor = retryFor
    }
}

/// What became of a submission.
package enum Submission: Hashable, Sendable {
    /// It will be sent, and reports will follow.
    case queued
    /// This number is queued already; nothing was done.
    case alreadyQueued
    /// The destination holds `OutboundLimits.queuedAlerts`. It was counted; submit it again later.
    case full
    /// There is no such destination (any more).
    case noDestination
    /// The sender has finished.
    case closed
}

/// What happened to an alert in one attempt.
package struct DeliveryReport: Hashable, Sendable {
    /// How it stands now.
    package enum Result: Hashable, Sendable {
        /// It has arrived. The last report.
        case delivered
        /// It has not; the next attempt comes after the pause.
        case retrying(after: Duration, reason: String)
        /// It has not, and it is not tried again. The last report.
        case gaveUp(reason: String)
    }

    /// The alert's number.
    package var id: Int64
    /// NAME of its `[alert:NAME]`.
    package var destination: String
    /// Scheme and host, for the log.
    package var address: String
    /// Attempts so far, from 1.
    package var attempts: Int
    /// How it stands now.
    package var result: Result

    /// - Parameters: as the properties of the same names.
    package init(id: Int64, destination: String, address: String, attempts: Int, result: Result) {
        self.id = id
        self.destination = destination
        self.address = address
        self.attempts = attempts
        self.result = result
    }
}

extension DeliveryReport: CustomStringConvertible {
    /// The report in one line for the log.
    package var description: String {
        let place = "alert \(id) to \(destination) (\(address))"
        switch result {
        case .delivered:
            return "\(place) delivered in attempt \(attempts)"
        case .retrying(let pause, let reason):
            return "\(place) not delivered in attempt \(attempts), next in \(pause.spoken): \(reason)"
        case .gaveUp(let reason):
            return "cannot deliver \(place); check url in [alert:\(destination)]: \(reason)"
        }
    }
}
