import WardenCore
package import WardenWire

/// `why` for a person: the verdict first, then what it rests on, then what was and will be done.
package enum WhyText {
    /// - Parameter explanation: the document of `/api/v1/workers/NAME/why`.
    /// - Returns: lines without line ends.
    package static func lines(_ explanation: JSONValue) -> [String] {
        let worker = explanation["worker"] ?? .null
        var lines = [headline(worker), verdict(explanation, worker)]
        if let reason = explanation["reason"]?.string, !reason.isEmpty { lines.append("  \(reason)") }
        if let error = explanation["spawn_error"]?.string { lines.append("  \(error)") }
        lines += HealthText.section("evidence", HealthText.evidence(worker["health"]?["evidence"]))
        lines += HealthText.section("readings", readings(explanation, worker))
        lines += HealthText.section("containment", containment(explanation["containment"]))
        lines += HealthText.section("last log line", explanation["last_line"]?.string.map { [$0] } ?? [])
        lines += HealthText.section("Warden", actions(explanation, worker))
        lines += HealthText.section("why nothing more is done", texts(explanation["held_back_by"]))
        lines += HealthText.section("not yet confirmed", texts(explanation["unconfirmed"]))
        lines += HealthText.section("what would change it", outlook(explanation))
        lines += HealthText.section("time line", timeline(explanation))
        let incidents = (explanation["incidents"]?.array ?? []).prefix(CtlLimits.listedIncidents)
        lines += HealthText.section("incidents", incidents.flatMap(IncidentText.short))
        return lines
    }

    private static func texts(_ list: JSONValue?) -> [String] { list?.array?.compactMap(\.string) ?? [] }

    /// `12:03:10 UTC (in 40s)  would be hung/silent if no line comes`.
    private static func outlook(_ explanation: JSONValue) -> [String] {
        (explanation["outlook"]?.array ?? []).map { entry in
            let text = entry["text"]?.string ?? "?"
            guard let at = entry["at"]?.string else { return text }
            let rest = HealthText.age(explanation["taken_at"]?.string, before: at).map { " (in \($0))" } ?? ""
            return "\(HealthText.time(at).dropFirst(11))\(rest)  \(text)"
        }
    }

    /// `2026-03-04 05:06:47 UTC  verdict   dark/emfile (proven): 255 of 256 descriptors used`.
    private static func timeline(_ explanation: JSONValue) -> [String] {
        (explanation["timeline"]?.array ?? []).map { entry in
            let kind = (entry["kind"]?.string ?? "?").padded(to: 8)
            return "\(HealthText.time(entry["at"]?.string))  \(kind)  \(entry["text"]?.string ?? "")"
        }
    }

    /// `group:name  RUNNING  pid 4242, up 6d 2h, generation 3`.
    private static func headline(_ worker: JSONValue) -> String {
        var facts: [String] = []
        if let pid = worker["pid"]?.integer { facts.append("pid \(pid)") }
        if let uptime = HealthText.spoken(worker["uptime_seconds"]?.double) { facts.append("up \(uptime)") }
        if let exit = worker["exit_status"]?.integer {
            facts.append(exit < 0 ? "ended by signal \(-exit)" : "exit code \(exit)")
        }
        if let generation = worker["generation"]?.integer { facts.append("generation \(generation)") }
        return "\(worker["name"]?.string ?? "?")  \(worker["state"]?.string ?? "?")  \(facts.joined(separator: ", "))"
    }

    private static func verdict(_ explanation: JSONValue, _ worker: JSONValue) -> String {
        guard let health = worker["health"], let className = health["class"]?.string else {
            return "no verdict: it does not run, or is not watched"
        }
        let condition = HealthText.condition(health)
        let since = health["since"]?.string
        let age = HealthText.age(since, before: explanation["taken_at"]?.string).map { " (\($0) ago)" } ?? ""
        let meaning = meanings[className].map { ": \($0)" } ?? ""
        return "\(condition)\(meaning), since \(HealthText.time(since))\(age)"
    }

    private static let meanings = [
        "starting": "within its grace", "healthy": "nothing is wrong", "leaking": "works now, but will run out",
        "dark": "alive, but failing", "hung": "does not move", "bloated": "uses too much memory",
        "paused": "held still from outside, left alone", "unknown": "cannot be seen, left alone",
    ]

    private static func readings(_ explanation: JSONValue, _ worker: JSONValue) -> [String] {
        var lines: [String] = []
        if let count = worker["fds"]?.double {
            let limit = worker["fd_limit"]?.double
            let of = limit.map { " of \(HealthText.decimal($0, places: 0))" } ?? " (no limit)"
            let percent = HealthText.percent(count, of: limit).map { " (\($0))" } ?? ""
            let process = worker["fd_pid"]?.integer.map { " in pid \($0)" } ?? ""
            lines.append("descriptors  \(HealthText.decimal(count, places: 0))\(of)\(percent)\(process)")
        }
        if let trend = HealthText.trend(explanation["trend"]) { lines.append("trend        \(trend)") }
        if let bytes = worker["rss_bytes"]?.double { lines.append("memory       \(HealthText.bytes(bytes)) resident") }
        if let age = HealthText.spoken(worker["heartbeat_age_seconds"]?.double) {
            lines.append("heartbeat    \(age) ago")
        }
        if let probe = probe(explanation) { lines.append("probe        \(probe)") }
        if let demand = demand(explanation) { lines.append("demand       \(demand)") }
        return lines
    }

    /// `good (4s ago)`, `failed 2 of 3 times: status 503 (4s ago)`, or why nobody could ask.
    private static func probe(_ explanation: JSONValue) -> String? {
        guard let probe = explanation["probe"], probe != .null else { return nil }
        let age = HealthText.age(probe["asked_at"]?.string, before: explanation["taken_at"]?.string)
        let ago = age.map { " (\($0) ago)" } ?? ""
        let reason = probe["reason"]?.string ?? "?"
        switch probe["answer"]?.string {
        case "good"?: return "good\(ago)"
        case "bad"?:
            let count = "\(probe["failures"]?.integer ?? 0) of \(probe["failures_needed"]?.integer ?? 0)"
            return "failed, \(count) that count: \(reason)\(ago)"
        case .some: return "cannot be asked, which counts as unknown: \(reason)\(ago)"
        case nil: return "not asked yet"
        }
    }

    /// `3 waiting (4s ago)`, or why it is unknown.
    private static func demand(_ explanation: JSONValue) -> String? {
        guard let demand = explanation["demand"], demand != .null else { return nil }
        let age = HealthText.age(demand["asked_at"]?.string, before: explanation["taken_at"]?.string)
        let ago = age.map { " (\($0) ago)" } ?? ""
        guard let amount = demand["amount"]?.double else {
            return "unknown: \(demand["reason"]?.string ?? "?")\(ago)"
        }
        return amount > 0 ? "\(HealthText.decimal(amount, places: 2)) waiting\(ago)" : "nothing waits\(ago)"
    }

    /// What holds its tree together; without a group told only where a stop means the tree.
    private static func containment(_ report: JSONValue?) -> [String] {
        guard let report, report != .null else { return [] }
        let trouble = report["no_limits_because"]?.string.map { ["memory_max and tasks_max do not hold: \($0)"] } ?? []
        guard let group = report["cgroup"]?.string else {
            guard report["kill_tree"]?.bool == true, let reason = report["no_cgroup_because"]?.string else {
                return trouble
            }
            return trouble + [
                "no cgroup of its own: \(reason)",
                "a process that leaves its parents, its group and its environment behind outlives kill_tree",
            ]
        }
        var facts = [report["processes"]?.integer.map { $0 == 1 ? "1 process" : "\($0) processes" }]
        if let maximum = report["memory_max_bytes"]?.double {
            let now = HealthText.bytes(report["memory_bytes"]?.double ?? 0)
            facts.append("memory \(now) of \(HealthText.bytes(maximum))")
        }
        if let maximum = report["tasks_max"]?.integer {
            facts.append("\(report["tasks"]?.integer ?? 0) of \(maximum) tasks")
        }
        if let kills = report["memory_kills"]?.integer, kills > 0 { facts.append("\(kills) killed at memory_max") }
        if let refused = report["refused_tasks"]?.integer, refused > 0 {
            facts.append("\(refused) forks refused at tasks_max")
        }
        for (name, key) in [("CPU", "cpu"), ("memory", "memory"), ("disk", "io")] {
            guard let share = report["\(key)_pressure_percent"]?.double, share > 0 else { continue }
            facts.append("\(HealthText.decimal(share, places: 1)) % of 10 s waiting for \(name)")
        }
        return ["cgroup \(group)", facts.compactMap { $0 }.joined(separator: ", ")] + trouble
    }

    private static func actions(_ explanation: JSONValue, _ worker: JSONValue) -> [String] {
        var lines: [String] = []
        if explanation["health_paused"]?.bool == true {
            let rest =
                HealthText.spoken(explanation["health_paused_seconds"]?.double).map { "; it ends in \($0)" } ?? ""
            lines.append("health is paused: verdicts are shown and not acted on (resume-health ends that)\(rest)")
        }
        if let pending = explanation["pending_action"]?.string {
            lines.append("now: \(pending)")
        } else if let decision = explanation["decision"]?.string, !decision.isEmpty {
            lines.append("decided: \(decision)")
        }
        if let last = worker["last_restart"], last != .null {
            let outcome = last["outcome"]?.string.map { ", \($0)" } ?? ""
            let after = HealthText.spoken(last["recovered_seconds"]?.double).map { " after \($0)" } ?? ""
            let time = HealthText.time(last["at"]?.string)
            lines.append("last restart: \(time), because of \(last["reason"]?.string ?? "?")\(outcome)\(after)")
        }
        if let restarts = worker["restarts"]?.integer { lines.append("restarts: \(restarts) in all") }
        for budget in explanation["budgets"]?.array ?? [] {
            let condition = [budget["class"]?.string, budget["cause"]?.string].compactMap { $0 }.joined(separator: "/")
            let spent = "\(budget["spent"]?.integer ?? 0) of \(budget["allowed"]?.integer ?? 0) restarts used"
            let end = budget["exhausted"]?.bool == true ? "; spent, Warden restarts it no more for this" : ""
            lines.append("budget for \(condition): \(spent)\(end)")
        }
        return lines
    }
}
