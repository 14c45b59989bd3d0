internal import WardenWire

/// What a destination's secret adds to an alert when it is sent, and not before: it is never stored beside the alert.
///
/// - json, slack: the headers of Standard Webhooks, signed with the secret.
/// - alertmanager: the secret is a bearer token.
/// - pagerduty: the secret is the routing key.
struct Envelope: Sendable {
    private let destination: AlertDestination
    private let sign: AlertSender.Signer

    init(_ destination: AlertDestination, sign: @escaping AlertSender.Signer) {
        self.destination = destination
        self.sign = sign
    }

    /// What is posted.
    func body(of alert: OutboundAlert) -> [UInt8] {
        guard destination.format == .pagerduty, let key = destination.secret, alert.body.first == UInt8(ascii: "{")
        else { return alert.body }
        return Array("{\"routing_key\":".utf8) + JSONValue.string(key).encoded() + [UInt8(ascii: ",")]
            + alert.body.dropFirst()
    }

    /// The headers beside the content's own. The id is the same for every attempt; the time is the attempt's own.
    func headers(of alert: OutboundAlert, _ body: [UInt8], at epochSeconds: Int64) -> [(String, String)] {
        let identity = [("webhook-id", alert.messageID), ("webhook-timestamp", String(epochSeconds))]
        guard let secret = destination.secret else { return identity }
        switch destination.format {
        case .json, .slack:
            let message = Array("\(alert.messageID).\(epochSeconds).".utf8) + body
            return identity + [("webhook-signature", sign(message, secret))]
        case .alertmanager: return identity + [("Authorization", "Bearer \(secret)")]
        case .pagerduty: return identity
        }
    }
}
