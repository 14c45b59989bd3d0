internal import WardenCore

/// An alert with the time of its submission, from which `retry_for` counts.
struct QueuedAlert: Sendable {
    var alert: OutboundAlert
    var submittedAt: Instant
}

/// Delivers alerts to webhooks: each destination in order and on its own, so that one that never answers delays no
/// other.
///
/// It stores nothing. Whoever submits keeps the alert until a last report has come, and submits it again in the next
/// life of the daemon; `OutboundAlert.key` lets the receiver tell the second copy.
package final class AlertSender: Sendable {
    /// Signs a message with a destination's secret: the value of the header `webhook-signature`.
    package typealias Signer = @Sendable (_ message: [UInt8], _ secret: String) -> String

    private let lanes: [String: AlertLane]
    private let clock: OutboundClock
    private let seed: UInt64
    private let sign: Signer
    private let report: @Sendable (DeliveryReport) -> Void

    /// - Parameters:
    ///   - destinations: where to, by name; of two with one name the first counts.
    ///   - clock: for pauses and for `retry_for`; the time-out of an attempt is always the real one.
    ///   - seed: for the jitter.
    ///   - sign: asked for destinations that have a secret.
    ///   - report: called after every attempt, on any thread; it must not block.
    package init(
        destinations: [AlertDestination], clock: OutboundClock,
        seed: UInt64 = .random(in: .min ... .max), sign: @escaping Signer,
        report: @escaping @Sendable (DeliveryReport) -> Void
    ) {
        let numbered = destinations.enumerated().map { ($1.name, AlertLane($1, number: UInt64($0))) }
        lanes = Dictionary(numbered) { first, _ in first }
        self.clock = clock
        self.seed = seed
        self.sign = sign
        self.report = report
    }

    /// Alerts that were refused because their destination held too many, in all.
    package var refusedCount: UInt64 { lanes.values.reduce(0) { $0 + $1.refusedCount } }

    /// How many alerts each destination holds: those that are neither delivered nor given up.
    package var waitingCounts: [String: Int] { lanes.mapValues(\.heldCount) }

    /// Takes an alert.
    ///
    /// Never blocks; callable from any thread, before `run()` too.
    ///
    /// - Parameter alert: what is to be sent.
    /// - Returns: whether it will be sent; reports follow only for `.queued`.
    package func submit(_ alert: OutboundAlert) -> Submission {
        guard let lane = lanes[alert.destination] else { return .noDestination }
        return lane.submit(QueuedAlert(alert: alert, submittedAt: clock.now()))
    }

    /// Posts to a destination now, beside whatever waits for it: for a person who wants to see it arrive.
    ///
    /// - Parameters:
    ///   - alerts: one after the other, each in one attempt; what follows one that did not arrive is not sent.
    ///   - name: NAME of the destination.
    /// - Returns: what came of the last that was sent; `nil` when there is no such destination.
    package func post(_ alerts: [OutboundAlert], to name: String) async -> DeliveryReport? {
        guard let destination = lanes[name]?.destination else { return nil }
        let envelope = Envelope(destination, sign: sign)
        var last: DeliveryReport?
        await WebhookClient.with(destination) { client in
            var dice = Dice(seed: seed)
            for alert in alerts {
                let body = envelope.body(of: alert)
                let headers = envelope.headers(of: alert, body, at: clock.epochSeconds())
                let answer = await client.post(body, as: alert.contentType, headers: headers)
                var delivery = Delivery(began: clock.now(), retryFor: .zero)
                let result = delivery.tried(answer, at: clock.now(), dice: &dice)
                last = DeliveryReport(
                    id: alert.id, destination: name, address: destination.address, attempts: delivery.attempts,
                    result: result)
                guard result == .delivered else { return }
            }
        }
        return last
    }

    /// Takes nothing more.
    ///
    /// `run()` returns when what is queued was delivered or given up.
    package func finish() {
        for lane in lanes.values { lane.close() }
    }

    /// Delivers, until `finish()` or until its task is cancelled.
    ///
    /// To be called once.
    ///
    /// After a cancellation nothing more is reported: what had no last report is still the submitter's.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for lane in lanes.values {
                group.addTask { await self.serve(lane) }
            }
        }
    }

    private func serve(_ lane: AlertLane) async {
        // Every destination throws its own dice, so that their retries do not fall together.
        var dice = Dice(seed: seed &+ lane.number)
        await WebhookClient.with(lane.destination) { client in
            for await queued in lane.alerts {
                await deliver(queued, lane: lane, client: client, dice: &dice)
                lane.forget(queued.alert.id)
            }
        }
    }

    private func deliver(_ queued: QueuedAlert, lane: AlertLane, client: WebhookClient, dice: inout Dice) async {
        let alert = queued.alert
        let envelope = Envelope(lane.destination, sign: sign)
        let body = envelope.body(of: alert)
        var delivery = Delivery(began: queued.submittedAt, retryFor: alert.retryFor)
        while true {
            let headers = envelope.headers(of: alert, body, at: clock.epochSeconds())
            let answer = await client.post(body, as: alert.contentType, headers: headers)
            let result = delivery.tried(answer, at: clock.now(), dice: &dice)
            // An attempt that the cancellation itself cut short says nothing about the receiver.
            guard !Task.isCancelled || result == .delivered else { return }
            report(
                DeliveryReport(
                    id: alert.id, destination: alert.destination, address: lane.destination.address,
                    attempts: delivery.attempts, result: result))
            guard case .retrying(let pause, _) = result else { return }
            do {
                try await clock.sleep(pause)
            } catch {
                return
            }
        }
    }
}
