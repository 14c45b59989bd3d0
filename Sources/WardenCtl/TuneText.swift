import WardenCore
package import WardenWire

/// Thresholds from what was seen of a worker, or of several of one program, as a section that is ready to be used.
package struct TuneText {
    private var seen: JSONValue
    private let span: Duration?
    private let name: String

    /// - Parameters:
    ///   - name: the program or group that the section is for.
    ///   - documents: `observed` of each of its workers, or of each life of the daemon in their records.
    ///   - span: how far the records reach back; `nil` where there are none.
    package init(_ name: String, _ documents: [JSONValue], span: Duration? = nil) {
        self.name = name
        self.span = span
        var merged: JSONObject = [:]
        for document in documents {
            for key in ["watched_seconds", "generations", "line_times", "progress_times"] {
                merged[key] = .number((merged[key]?.double ?? 0) + (document[key]?.double ?? 0))
            }
            for key in Self.extremes {
                guard let value = document[key]?.double else { continue }
                merged[key] = .number(max(value, merged[key]?.double ?? 0))
            }
            // The limit belongs to the count that is nearest to it.
            guard let count = document["fds"]?.double, let limit = document["fd_limit"]?.double, limit > 0 else {
                continue
            }
            merged["fd_share"] = .number(max(count / limit, merged["fd_share"]?.double ?? 0))
        }
        seen = .object(merged)
    }

    private static let extremes = [
        "longest_silence_seconds", "longest_progress_gap_seconds", "longest_first_progress_seconds", "rss_bytes", "fds",
    ]

    /// Why nothing can be proposed yet; `nil` when there is enough.
    ///
    /// - Parameter least: seconds for which the workers must have been watched, together.
    package func refusal(least: Double) -> String? {
        let watched = seen["watched_seconds"]?.double ?? 0
        guard watched < least else { return nil }
        return "\(name): seen well for \(HealthText.spoken(watched) ?? "0s") so far, which is too little to go by; "
            + "ask again after \(HealthText.spoken(least) ?? "?"), or with --least"
    }

    /// The section.
    package var lines: [String] {
        let watched = HealthText.spoken(seen["watched_seconds"]?.double) ?? "?"
        let generations = HealthText.decimal(seen["generations"]?.double ?? 0, places: 0)
        let source = span.map { "in the records of \($0.spoken)" } ?? "since the daemon began"
        return ["; seen well for \(watched) over \(generations) start(s), \(source)", "[health:\(name)]"]
            + silence + progress + grace + memory + descriptors
    }

    private var silence: [String] {
        guard let gap = seen["longest_silence_seconds"]?.double, let times = seen["line_times"]?.double, times >= 20
        else { return ["; heartbeat_timeout: too few lines were seen"] }
        return [
            "; longest time without a line: \(spoken(gap)), in \(HealthText.decimal(times, places: 0)) lines; "
                + "four times that",
            "heartbeat_timeout = \(seconds(max(30, gap * 4)))",
        ]
    }

    private var progress: [String] {
        guard let gap = seen["longest_progress_gap_seconds"]?.double, let times = seen["progress_times"]?.double,
            times >= 20
        else { return ["; progress_timeout: needs progress_pattern, demand, and twenty progress lines under demand"] }
        return [
            "; longest time without progress while work was waiting: \(spoken(gap)); four times that",
            "progress_timeout = \(seconds(max(30, gap * 4)))",
        ]
    }

    private var grace: [String] {
        guard let first = seen["longest_first_progress_seconds"]?.double else {
            return ["; grace: no start up to a first progress line was seen"]
        }
        return [
            "; longest start up to the first progress line: \(spoken(first)); twice that",
            "grace = \(seconds(max(5, first * 2)))",
        ]
    }

    private var memory: [String] {
        guard let bytes = seen["rss_bytes"]?.double, bytes > 0 else { return ["; rss_limit: no memory was read"] }
        return [
            "; most memory: \(HealthText.bytes(bytes)); a quarter above it, and half",
            "rss_warning = \(megabytes(bytes * 1.25))", "rss_limit = \(megabytes(bytes * 1.5))",
        ]
    }

    private var descriptors: [String] {
        guard let count = seen["fds"]?.double, let share = seen["fd_share"]?.double else {
            return ["; fd_warning, fd_dark: no limit of descriptors was read"]
        }
        let percent = share * 100
        let text =
            "; most descriptors: \(HealthText.decimal(count, places: 0)), \(HealthText.decimal(percent, places: 1)) %"
            + " of the limit"
        // Half-way from what is usual to the end, and never below the default.
        let warning = max(80, min(97, (percent + 100) / 2))
        let lines = [
            text, "fd_warning = \(HealthText.decimal(warning, places: 0))%",
            "fd_dark = \(HealthText.decimal(max(95, min(99, (warning + 100) / 2)), places: 0))%",
        ]
        guard percent > 50 else { return lines }
        return lines + [
            "; more than half is in use: in the program's section, rlimit_nofile = \(Int64(count / share * 4))"
        ]
    }

    private func spoken(_ seconds: Double) -> String { HealthText.spoken(seconds) ?? "?" }

    /// Rounded up to what a person would write.
    private func seconds(_ value: Double) -> String {
        let steps: [(until: Double, step: Double)] = [(60, 5), (600, 30), (7200, 300)]
        let step = steps.first { value <= $0.until }?.step ?? 1800
        let rounded = Int64((value / step).rounded(.up) * step)
        if rounded % 3600 == 0 { return "\(rounded / 3600)h" }
        return rounded % 60 == 0 ? "\(rounded / 60)m" : "\(rounded)s"
    }

    private func megabytes(_ bytes: Double) -> String { "\(Int64((bytes / 1_048_576).rounded(.up)))MB" }
}
