internal import WardenCore
package import WardenWire

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

    /// An incident of a worker that is known: time, verdict, action and outcome, and below it the reason.
    static func short(_ incident: JSONValue) -> [String] {
        ["\(HealthText.time(incident["at"]?.string))  \(what(incident))"] + reason(incident)
    }

    /// All that is kept of an incident, as one reads it after the worker has gone.
    ///
    /// - Parameter incident: the document of `/api/v1/incidents/ID`.
    /// - Returns: lines without line ends.
    package static func report(_ incident: JSONValue) -> [String] {
        let generation = incident["generation"]?.integer.map { ", generation \($0)" } ?? ""
        let head = "\(incident["worker"]?.string ?? "?")\(generation)  \(HealthText.time(incident["at"]?.string))"
        var lines = [head, what(incident)] + reason(incident) + recurrence(incident)
        lines += HealthText.section("evidence", HealthText.evidence(incident["evidence"]))
        guard let found = incident["forensics"], found != .null else { return lines }
        lines += HealthText.section("descriptors before the end", CensusText.kinds(found["kinds"]))
        lines += HealthText.section("processes (pid, command, state, waiting in)", texts(found["processes"]))
        lines += HealthText.section("threads (id, name, state, call: waiting for)", texts(found["threads"]))
        lines += HealthText.section("Python stacks", texts(found["python_stacks"]))
        lines += HealthText.section("kernel stacks (innermost first)", texts(found["stacks"]))
        lines += HealthText.section("limits", texts(found["limits"]))
        lines += HealthText.section("pressure", texts(found["pressure"]))
        lines += HealthText.section("last lines of the log", texts(found["last_lines"]))
        let output = found["command_output"]?.string ?? ""
        lines += HealthText.section(
            "forensics_command", output.split(separator: "\n").map { String($0) })
        return lines + HealthText.section("not found out", texts(found["gaps"]))
    }

    private static func reason(_ incident: JSONValue) -> [String] {
        guard let reason = incident["reason"]?.string, !reason.isEmpty else { return [] }
        return ["  \(reason)"]
    }

    private static func recurrence(_ incident: JSONValue) -> [String] {
        guard let earlier = incident["recurrence"]?["same_as"]?.string,
            let count = incident["recurrence"]?["time"]?.integer
        else { return [] }
        return ["  " + Recurrence(earlierID: earlier, count: Int(clamping: count)).spoken]
    }

    private static func texts(_ list: JSONValue?) -> [String] {
        (list?.array ?? []).compactMap(\.string)
    }

    private static func what(_ incident: JSONValue) -> String {
        let action = incident["action"]?.string ?? "?"
        let held = incident["held_back_by"]?.string.map { " (held back by \($0))" } ?? ""
        let after = HealthText.spoken(incident["recovered_seconds"]?.double).map { " after \($0)" } ?? ""
        let outcome = incident["outcome"]?.string ?? "open"
        return "\(HealthText.condition(incident)): \(action)\(held), \(outcome)\(after)"
    }
}
