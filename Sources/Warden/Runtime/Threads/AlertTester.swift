import WardenControl
import WardenCore
import WardenLinux
import WardenOutbound
import WardenWire

/// Sends an alert of which nothing is true, so that a person sees it arrive before a true one has to.
struct AlertTester: Sendable {
    let sender: AlertSender
    let destinations: [AlertDestination]
    /// This daemon's name in messages.
    let source: String

    /// What is configured, in its order.
    var described: [AlertDescription] {
        destinations.map {
            AlertDescription(
                name: $0.name, format: $0.format, address: $0.address, events: $0.events.sorted(),
                isSigned: $0.secret != nil)
        }
    }

    /// Sends the opening and the end of an incident that never was.
    ///
    /// - Parameter name: NAME of `[alert:NAME]`.
    /// - Returns: what came of it; `nil` when there is no such destination.
    func test(_ name: String) async -> AlertTest? {
        guard let destination = destinations.first(where: { $0.name == name }) else { return nil }
        let now = WallClock.now()
        let alerts = Self.alerts(at: now).map { alert in
            let webhook = Webhook(alert: alert, source: source, at: now, includesLog: destination.includeLog)
            return OutboundAlert(
                id: 0, destination: name, key: "\(name) \(alert.incident.id) \(alert.phase.rawValue)",
                contentType: destination.format.mediaType, body: webhook.encoded(as: destination.format),
                retryFor: .zero)
        }
        guard let report = await sender.post(alerts, to: name) else { return nil }
        let failure: String? =
            switch report.result {
            case .delivered: nil
            case .retrying(_, let reason), .gaveUp(let reason): reason
            }
        return AlertTest(name: name, address: report.address, failure: failure)
    }

    private static func alerts(at now: WallTime) -> [Alert] {
        let since = Moment(instant: .origin, wall: now)
        let verdict = Verdict(
            condition: .leaking(.fds), grade: .weak, since: since,
            evidence: [Evidence(rule: "test", value: .number(1), threshold: .number(1))],
            reason: "a person asked for a test of this alert; nothing is wrong")
        var incident = Incident(
            id: "test-\(now.microseconds)", worker: SlotName(group: "test", process: "nothing-is-wrong"),
            generation: Generation(1), at: now, verdict: verdict, action: .alert)
        let opened = Alert(phase: .opened, incident: incident)
        incident.outcome = .recovered(after: .zero)
        return [opened, Alert(phase: .closed, incident: incident)]
    }
}

extension ControlBridge {
    func alerts() -> [AlertDescription] { tester.described }

    func testAlert(_ name: String) async -> AlertTest? { await tester.test(name) }
}
