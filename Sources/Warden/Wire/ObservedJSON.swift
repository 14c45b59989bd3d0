import WardenCore

extension Observed {
    /// `observed` of `GET /api/v1/workers/{name}/why`; what was not seen is `null`.
    func json(of worker: WorkerSnapshot) -> JSONValue { json(program: worker.program) }

    /// The same of a program, whoever has seen it.
    package func json(program: String) -> JSONValue {
        .object([
            "program": .string(program),
            "watched_seconds": .number(watched.inSeconds),
            "generations": .integer(Int64(generations)),
            "line_times": .integer(Int64(lineTimes)),
            "longest_silence_seconds": JSONValue(lineTimes > 0 ? longestSilence.inSeconds : nil),
            "progress_times": .integer(Int64(progressTimes)),
            "longest_progress_gap_seconds": JSONValue(longestProgressGap?.inSeconds),
            "longest_first_progress_seconds": JSONValue(longestFirstProgress?.inSeconds),
            "fds": .integer(Int64(descriptorCount)),
            "fd_limit": .limit(descriptorLimit),
            "rss_bytes": .integer(rssBytes),
        ])
    }
}
