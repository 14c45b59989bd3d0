package import WardenCore
package import WardenWire

/// `[alert:NAME]`: where alerts go, and which.
package struct AlertDestination: Hashable, Sendable {
    /// The events that are sent where `events` says nothing.
    package static let defaultEvents: Set<String> = [
        "dark", "hung", "bloated", "leaking", "recovered", "unhelped", "gave-up",
    ]

    /// NAME.
    package var name: String
    /// `url`, http or https.
    ///
    /// A secret: `address` is what may be shown of it.
    package var url: String
    /// `format`.
    package var format: WebhookFormat
    /// `events`: classes of opened and outcomes of closed incidents; empty means all.
    package var events: Set<String>
    /// `timeout` of one attempt, at most `OutboundLimits.timeoutMaximum`.
    package var timeout: Duration
    /// `retry_for`: how long delivery is tried.
    package var retryFor: Duration
    /// `include_log`: the body may quote the worker's log.
    package var includeLog: Bool
    /// `secret`: the key that signs the body (json, slack), a bearer token (alertmanager), or the routing key
    /// (pagerduty).
    ///
    /// Never shown.
    package var secret: String?

    /// A destination with the defaults: json, the default events, 10 s for an attempt, an hour of attempts, no log.
    ///
    /// - Parameters:
    ///   - name: NAME of `[alert:NAME]`.
    ///   - url: http or https.
    package init(name: String, url: String) {
        self.name = name
        self.url = url
        format = .json
        events = Self.defaultEvents
        timeout = .seconds(10)
        retryFor = .seconds(3600)
        includeLog = false
    }

    /// Whether this alert goes here: by its class when the incident was opened, by its outcome when it was closed.
    ///
    /// A receiver that keeps alerts open is told the end of each whose beginning it was told, whatever the outcome.
    package func wants(_ alert: Alert) -> Bool {
        if events.isEmpty || events.contains(alert.eventName) { return true }
        return format.isStateful && alert.phase != .opened
            && events.contains(alert.incident.verdict.condition.className)
    }

    /// Scheme and host of `url`: all that may be shown of it.
    package var address: String { Self.address(of: url) }

    static func address(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "an invalid url" }
        let afterScheme = url[scheme.upperBound...]
        let authority = afterScheme.prefix { !"/?#\\".contains($0) }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
        guard !name.isEmpty else { return "an invalid url" }
        return "\(url[..<scheme.lowerBound])://\(name)"
    }
}

extension AlertDestination: CustomStringConvertible, CustomDebugStringConvertible {
    /// The name and the address: a destination that is printed by mistake tells no secret.
    package var description: String { "alert:\(name) (\(address))" }

    /// As `description`.
    package var debugDescription: String { description }
}
