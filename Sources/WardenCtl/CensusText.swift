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
        return lines + kinds(census["kinds"])
    }

    /// A line for each kind of descriptor, the numbers under each other.
    static func kinds(_ kinds: JSONValue?) -> [String] {
        (kinds?.array ?? []).map { entry in
            let number = String(entry["count"]?.integer ?? 0)
            let space = String(repeating: " ", count: max(0, 8 - number.count))
            return "\(space)\(number)  \(entry["kind"]?.string ?? "?")"
        }
    }

    private static func text(_ limit: Double?) -> String {
        limit.map { HealthText.decimal($0, places: 0) } ?? "none"
    }
}
