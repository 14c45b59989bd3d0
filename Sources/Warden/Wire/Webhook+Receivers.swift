internal import WardenCore

// The bodies for receivers that keep an alert open until they are told that it is over. What identifies it there, the
// labels or the `dedup_key`, is the worker and its condition: an incident that did not help and the next one for the
// same trouble are one alert.
extension Webhook {
    /// An array of one alert, as `POST /api/v2/alerts` takes it.
    var postableAlerts: JSONValue {
        let incident = alert.incident
        let condition = incident.verdict.condition
        let className = condition.className
        // Alertmanager takes an alert without an end for over after its resolve_timeout, five minutes, unless it is
        // sent again and again. This one ends when Warden says so.
        let end = alert.isOver ? at.microseconds : at.microseconds + WireLimits.openAlertFor.inNanoseconds / 1000
        var labels: JSONObject = [
            "alertname": .string("WardenWorker\(className.prefix(1).uppercased())\(className.dropFirst())"),
            "class": .string(className),
            "group": .string(incident.worker.group),
            "host": .string(host),
            "severity": .string(severity),
            "worker": .string(incident.worker.qualified),
        ]
        if let cause = condition.causeName { labels["cause"] = .string(cause) }
        return .array([
            .object([
                "labels": .object(labels),
                "annotations": .object([
                    "summary": .string(line),
                    "incident": .string(incident.id),
                    "action": .string(incident.action.rawValue),
                    "reason": .string(reason),
                    "outcome": .string(incident.outcome?.name ?? "pending"),
                ]),
                "startsAt": .string(min(incident.at, at).rfc3339),
                "endsAt": .string(WallTime(microseconds: end).rfc3339),
            ])
        ])
    }

    /// An event of PagerDuty's API v2, without its `routing_key`.
    var pagerDutyEvent: JSONValue {
        let incident = alert.incident
        let condition = incident.verdict.condition
        return .object([
            "event_action": .string(alert.isOver ? "resolve" : "trigger"),
            "dedup_key": .string(dedupKey),
            "client": .string("Warden"),
            "payload": .object([
                "summary": .string(line),
                "source": .string(host),
                "severity": .string(severity),
                "timestamp": .string(at.rfc3339),
                "component": .string(incident.worker.qualified),
                "group": .string(incident.worker.group),
                "class": .string(condition.name),
                "custom_details": incident.json(includesLog ? .full : .withoutLog),
            ]),
        ])
    }

    /// At most 255 characters, which is what PagerDuty takes: a longer name is told by its end, where workers differ.
    private var dedupKey: String {
        let key = "\(host) \(alert.incident.worker.qualified) \(alert.incident.verdict.condition.name)"
        return String(key.suffix(WireLimits.dedupKeyCharacters))
    }

    /// What cannot be worked with is critical; what still works is a warning.
    private var severity: String {
        switch alert.incident.verdict.condition {
        case .dark, .hung: "critical"
        case .bloated, .leaking, .paused, .unknown, .starting, .healthy: "warning"
        }
    }

    /// The last part of `source`.
    private var host: String {
        source.split(separator: "/").last.map(String.init) ?? source
    }
}
