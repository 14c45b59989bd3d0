package import WardenWire

/// `fds` for a person: count, limits, kinds and trend, as one would collect them by hand from /proc.
package enum CensusText {
    /// - Parameter census: the document of `/api/v1/workers/NAME/descriptors`.
    /// - Returns: lines without line ends.
    package static func lines(_ census: JSONValue) -> [String] {
        let count = census["fds"]?.double ?? 0
        let limit = census["fd_limit"]?.double
        let percent = HealthText.percent(count, of: limit).map { " (\($0))" } ?? ""
        var lines = [
            "\(census["worker"]?.string ?? "?")  pid \(census["pid"]?.integer ?? 0)",
            "open descriptors  \(HealthText.decimal(count, places: 0))\(percent)",
            "soft limit        \(text(limit))",
            "hard limit        \(text(census["fd_hard_limit"]?.double))",
        ]
        if let trend = HealthText.trend(census["trend"]) {
            lines.append("trend             \(trend)")
        } else {
            lines.append("trend             not watched for long enough")
        }
        lines.append("")
        for entry in census["kinds"]?.array ?? [] {
            let number = String(entry["count"]?.integer ?? 0)
            let space = String(repeating: " ", count: max(0, 8 - number.count))
            lines.append("\(space)\(number)  \(entry["kind"]?.string ?? "?")")
        }
        return lines
    }

    private static func text(_ limit: Double?) -> String {
        limit.map { HealthText.decimal($0, places: 0) } ?? "none"
    }
}

/// `incidents` for a person.
package enum IncidentText {
    /// - Parameter incidents: the incidents, newest first.
    /// - Returns: a line for each, in columns, without line ends.
    package static func lines(_ incidents: [JSONValue]) -> [String] {
        guard !incidents.isEmpty else { return ["No incidents"] }
        let width = incidents.compactMap { $0["worker"]?.string?.unicodeScalars.count }.max() ?? 0
        return incidents.map { incident in
            let worker = (incident["worker"]?.string ?? "?").padded(to: width)
            let id = incident["id"]?.string ?? ""
            return
                "\(HealthText.time(incident["at"]?.string))  \(worker)  \(what(incident))  \(id)"
        }
    }

    /// An incident of a worker that is known: time, verdict, action and outcome.
    static func shortLine(_ incident: JSONValue) -> String {
        "\(HealthText.time(incident["at"]?.string))  \(what(incident))"
    }

    private static func what(_ incident: JSONValue) -> String {
        let action = incident["action"]?.string ?? "?"
        let held = incident["held_back_by"]?.string.map { " (held back by \($0))" } ?? ""
        let after = HealthText.spoken(incident["recovered_seconds"]?.double).map { " after \($0)" } ?? ""
        let outcome = incident["outcome"]?.string ?? "open"
        return "\(HealthText.condition(incident)): \(action)\(held), \(outcome)\(after)"
    }
}
