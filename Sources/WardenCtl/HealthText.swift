import WardenCore
import WardenWire

/// Pieces that the texts about health share.
enum HealthText {
    /// `class/cause (grade)` of a worker for the status line, and `drill` when that is pretended.
    ///
    /// `nil` when it has no health.
    static func status(_ worker: JSONValue) -> String? {
        guard let health = worker["health"], let className = health["class"]?.string else { return nil }
        let isDrill = health["evidence"]?.array?.contains { $0["rule"]?.string == "drill" } ?? false
        return StatusTable.health(
            className: className, cause: health["cause"]?.string, grade: health["grade"]?.string ?? "")
            + (isDrill ? " drill" : "")
    }

    /// `class/cause (grade)` of an object that has the three itself.
    static func condition(_ object: JSONValue) -> String {
        let className = object["class"]?.string ?? "?"
        return StatusTable.health(
            className: className, cause: object["cause"]?.string, grade: object["grade"]?.string ?? "")
    }

    /// A title with its lines indented; nothing when there are none.
    static func section(_ title: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : ["", "\(title):"] + lines.map { "  \($0)" }
    }

    /// A line for each piece of evidence: the rule, its value, and the line it has crossed.
    static func evidence(_ list: JSONValue?) -> [String] {
        let pieces = list?.array ?? []
        let width = pieces.compactMap { $0["rule"]?.string?.count }.max() ?? 0
        return pieces.map { piece in
            let rule = (piece["rule"]?.string ?? "?").padded(to: width)
            return "\(rule)  \(value(piece["value"]))  (line: \(value(piece["threshold"])))"
        }
    }

    /// A number or text of evidence, as a person writes it.
    static func value(_ value: JSONValue?) -> String {
        guard let value else { return "?" }
        if let text = value.string { return text }
        guard let number = value.double else { return value.text }
        return decimal(number, places: 2)
    }

    /// A number with at most so many decimals, without zeros at its end.
    static func decimal(_ number: Double, places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (number.magnitude * scale).rounded()
        guard scaled.isFinite, scaled < 1e15 else { return String(number) }
        let whole = Int64(scaled) / Int64(scale)
        var decimals = String(Int64(scaled) % Int64(scale))
        decimals = String(repeating: "0", count: max(0, places - decimals.count)) + decimals
        while decimals.hasSuffix("0") { decimals.removeLast() }
        let sign = number < 0 && scaled > 0 ? "-" : ""
        return decimals.isEmpty || places == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(decimals)"
    }

    /// `4 GiB`, `512 KiB`.
    static func bytes(_ count: Double) -> String {
        var (value, index) = (count, 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, index < units.count - 1 { (value, index) = (value / 1024, index + 1) }
        return "\(decimal(value, places: 1)) \(units[index])"
    }

    /// `99.9 %`, rounded down: 100 % is said only of a full table.
    ///
    /// `nil` without a limit.
    static func percent(_ count: Double, of limit: Double?) -> String? {
        guard let limit, limit > 0 else { return nil }
        return "\(decimal((count / limit * 1000).rounded(.down) / 10, places: 1)) %"
    }

    /// `4m 10s`, from seconds.
    static func spoken(_ seconds: Double?) -> String? {
        guard let seconds, seconds.magnitude < 1e9 else { return nil }
        return Duration.milliseconds(Int64(seconds * 1000)).spoken
    }

    /// `2026-03-04 05:06:47 UTC`: the time to the second.
    static func time(_ text: String?) -> String {
        guard let text, let time = WallTime(rfc3339: text) else { return text ?? "?" }
        let stamp = time.rfc3339
        return "\(stamp.prefix(10)) \(stamp.dropFirst(11).prefix(8)) UTC"
    }

    /// How long before `now` a time was, both as the daemon has written them.
    static func age(_ text: String?, before now: String?) -> String? {
        guard let text, let now, let time = WallTime(rfc3339: text), let end = WallTime(rfc3339: now) else {
            return nil
        }
        return Duration.microseconds(max(0, end.microseconds - time.microseconds)).spoken
    }

    /// `grows by 417 an hour (watched for 2h); full in 2h 5m`.
    static func trend(_ trend: JSONValue?) -> String? {
        guard let trend, let perHour = trend["per_hour"]?.double else { return nil }
        let watched = spoken(trend["observed_seconds"]?.double).map { " (watched for \($0))" } ?? ""
        guard perHour > 0 else { return "does not grow\(watched)" }
        let end = spoken(trend["seconds_to_limit"]?.double).map { "; full in \($0)" } ?? ""
        return "grows by \(decimal(perHour, places: perHour < 10 ? 1 : 0)) an hour\(watched)\(end)"
    }
}
