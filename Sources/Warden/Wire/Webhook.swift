package import WardenCore

/// How a webhook's body is written.
package enum WebhookFormat: String, Hashable, Sendable, CaseIterable {
    /// A CloudEvents 1.0 envelope with the incident as its data.
    case json
    /// Slack's incoming webhook; Mattermost and Rocket.Chat read it too.
    case slack
    /// Prometheus's Alertmanager, API v2.
    case alertmanager
    /// PagerDuty's Events API v2. The body lacks the routing key, which is added when it is sent.
    case pagerduty

    /// The media type of the body.
    package var mediaType: String {
        switch self {
        case .json: "application/cloudevents+json"
        case .slack, .alertmanager, .pagerduty: "application/json"
        }
    }

    /// Whether the receiver keeps an alert open until it is told that it is over.
    package var isStateful: Bool {
        switch self {
        case .json, .slack: false
        case .alertmanager, .pagerduty: true
        }
    }
}

/// The body of one webhook.
package struct Webhook: Hashable, Sendable {
    /// The event.
    package var alert: Alert
    /// Who tells it, as a URI reference: `/warden/HOST`.
    package var source: String
    /// When the event happened: the incident's own time when it opens, the outcome's when it closes.
    package var at: WallTime
    /// `include_log`: whether text that may quote the worker's log is told.
    package var includesLog: Bool

    /// - Parameters: as the properties of the same names.
    package init(alert: Alert, source: String, at: WallTime, includesLog: Bool) {
        self.alert = alert
        self.source = source
        self.at = at
        self.includesLog = includesLog
    }

    /// The body, UTF-8.
    /// - Parameter format: how it is written.
    /// - Returns: the bytes to send.
    package func encoded(as format: WebhookFormat) -> [UInt8] {
        switch format {
        case .json: cloudEvent.encoded()
        case .slack: slackMessage.encoded()
        case .alertmanager: postableAlerts.encoded()
        case .pagerduty: pagerDutyEvent.encoded()
        }
    }

    /// One line for a person, unescaped: `group:worker_01 is dark/emfile (proven): free_descriptors 3; restarting it`.
    package var line: String {
        let incident = alert.incident
        let what = "\(incident.verdict.condition.name) (\(incident.verdict.grade.rawValue))"
        let line: String
        switch alert.phase {
        case .opened:
            let why = reason.isEmpty ? "" : ": \(reason)"
            line = "\(incident.worker.qualified) is \(what)\(why); \(actionText)"
        case .resolved:
            let before = incident.outcome == .gaveUp ? "Warden gave up on it" : outcomeText
            line = "\(incident.worker.qualified) is no longer \(what): it is over, although \(before)"
        case .closed:
            let again = incident.recurrence.map { " (\($0.spoken))" } ?? ""
            line = "\(incident.worker.qualified) was \(what): \(outcomeText)\(again)"
        }
        return line.prefix(utf8Bytes: WireLimits.alertTextBytes)
    }

    /// The verdict's own words, or, where log text is not told, its numbers.
    var reason: String {
        let verdict = alert.incident.verdict
        if includesLog { return verdict.reason }
        return verdict.evidence.filter(\.value.isNumber).prefix(WireLimits.alertEvidence)
            .map { "\($0.rule) \($0.value.json.text)" }.joined(separator: ", ")
    }

    private var actionText: String {
        let incident = alert.incident
        let heldBack = incident.heldBackBy.map { " (held back: \($0))" } ?? ""
        return switch incident.action {
        case .none, .alert: "not restarted\(heldBack)"
        case .restart: "restarting it\(heldBack)"
        case .drain: "draining it, then restarting\(heldBack)"
        case .kill: "killing and restarting it\(heldBack)"
        }
    }

    private var outcomeText: String {
        let action = alert.incident.action
        return switch alert.incident.outcome {
        case .recovered(let after)?: "recovered after \(after.spoken)"
        case .unhelped?: "\(action.rawValue) did not help"
        case .gaveUp?: "gave up, a person is needed"
        case .superseded?, nil: "ended"
        }
    }

    private var cloudEvent: JSONValue {
        let incident = alert.incident
        return .object([
            "specversion": .string("1.0"),
            "id": .string("\(incident.id)-\(alert.phase.rawValue)"),
            "source": .string(source),
            "type": .string("warden.incident.\(alert.phase.rawValue)"),
            "subject": .string(incident.worker.qualified),
            "time": .string(at.rfc3339),
            "datacontenttype": .string("application/json"),
            "data": incident.json(includesLog ? .full : .withoutLog),
        ])
    }

    /// `text` is for notifications, the block for the channel.
    private var slackMessage: JSONValue {
        let text = line.escapedForSlack
        let incident = alert.incident
        var details = "\(source) · incident \(incident.id) · generation \(incident.generation.number)"
        if includesLog, let quoted = incident.forensics?.lastLines.last {
            details += " · last line: \(quoted.prefix(utf8Bytes: Limits.quotedLineBytes))"
        }
        return .object([
            "text": .string(text),
            "blocks": .array([
                .object([
                    "type": .string("section"),
                    // Plain text: a worker's name with * or _ in it is not markup.
                    "text": .object(["type": .string("plain_text"), "text": .string(text)]),
                ]),
                .object([
                    "type": .string("context"),
                    "elements": .array([
                        .object(["type": .string("plain_text"), "text": .string(details.escapedForSlack)])
                    ]),
                ]),
            ]),
        ])
    }
}

extension String {
    /// Slack's three: without this, text from a log could mention `<!channel>` or hide a link.
    package var escapedForSlack: String {
        var escaped = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// The beginning of the text that has at most so many bytes, cut between characters.
    func prefix(utf8Bytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: Swift.max(0, limit - 3))
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end]) + "…"
    }
}
