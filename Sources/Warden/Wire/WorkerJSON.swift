package import WardenCore

extension WorkerSnapshot {
    /// One element of `GET /api/v1/workers`.
    ///
    /// A reading that is not there is `null`, never left out.
    ///
    /// `exit_status` is the exit code, or the signal's number with a minus: -9 for SIGKILL. (XML-RPC has supervisord's
    /// -1 for every signal.) Limits are `null` when there is none.
    package var json: JSONValue {
        let tightest = pid == nil ? nil : readings?.tightest
        return .object([
            "name": .string(name.qualified),
            "group": .string(name.group),
            "state": .string(state.word),
            "pid": JSONValue(pid),
            "exit_status": exitStatus?.json ?? .null,
            "generation": .integer(Int64(generation.number)),
            "uptime_seconds": JSONValue(pid == nil ? nil : startedAt.map { takenAt.instant.secondsSince($0.instant) }),
            "health": verdict?.json ?? .null,
            "fds": JSONValue(tightest?.count),
            "fd_limit": JSONValue.limit(tightest?.softLimit),
            "fd_pid": JSONValue(tightest?.pid),
            "rss_bytes": JSONValue(pid == nil ? nil : readings?.treeRSSBytes),
            "heartbeat_age_seconds": JSONValue(
                pid == nil ? nil : lastHeartbeat.map { takenAt.instant.secondsSince($0) }),
            "restarts": .integer(Int64(restartCount)),
            "last_restart": lastRestart?.json ?? .null,
        ])
    }
}

extension Verdict {
    /// `health` of a worker; `cause` is `null` for starting and healthy.
    package var json: JSONValue {
        .object([
            "class": .string(condition.className),
            "cause": JSONValue(condition.causeName),
            "grade": .string(grade.rawValue),
            "since": .string(since.wall.rfc3339),
            "evidence": .array(evidence.map { $0.json(withText: true) }),
        ])
    }
}

extension Evidence {
    /// - Parameter withText: whether a value that is a text, which may quote the worker's log, is shown.
    /// - Returns: the object.
    func json(withText: Bool) -> JSONValue {
        .object([
            "rule": .string(rule),
            "value": withText || value.isNumber ? value.json : .string("(withheld)"),
            "threshold": threshold.json,
        ])
    }
}

extension EvidenceValue {
    var isNumber: Bool {
        switch self {
        case .number: true
        case .text: false
        }
    }

    var json: JSONValue {
        switch self {
        case .number(let number): .number(number)
        case .text(let text): .string(text)
        }
    }
}

extension ExitStatus {
    /// The code, minus the signal's number, or `null` when nobody saw it.
    var json: JSONValue {
        switch self {
        case .code(let code): .integer(Int64(code))
        case .signal(let number, coreDumped: _): .integer(-Int64(number))
        case .unknown: .null
        }
    }
}

extension RestartRecord {
    var json: JSONValue {
        .object([
            "at": .string(at.rfc3339),
            "reason": .string(reason.name),
            "outcome": JSONValue(outcome?.name),
            "recovered_seconds": JSONValue(outcome?.recoveredSeconds?.inMilliseconds),
        ])
    }
}

extension DescriptorTrend {
    var json: JSONValue {
        .object([
            "per_hour": .number(perHour.inMilliseconds),
            "seconds_to_limit": JSONValue(timeToLimit?.inSeconds.inMilliseconds),
            "observed_seconds": .number(observed.inSeconds.inMilliseconds),
        ])
    }
}

extension JSONValue {
    /// A limit, or `null` when there is none.
    static func limit(_ limit: Int?) -> JSONValue {
        JSONValue(limit == .max ? nil : limit)
    }
}

extension Instant {
    /// Seconds since `earlier`, to the millisecond; never negative.
    func secondsSince(_ earlier: Instant) -> Double {
        max(0, (self - earlier).inSeconds.inMilliseconds)
    }
}

extension Double {
    /// Rounded to three decimals: readings are not better than that.
    var inMilliseconds: Double {
        guard magnitude < 1e12 else { return self }
        return Double(Int64(self * 1000 + (self < 0 ? -0.5 : 0.5))) / 1000
    }

    /// The same number as an integer; `nil` with decimals and beyond 53 bits.
    ///
    /// Here and above no rounding function is used: those are the C library's, which this room does not import.
    var wholeNumber: Int64? {
        guard magnitude < 0x1p53 else { return nil }
        let whole = Int64(self)
        return Double(whole) == self ? whole : nil
    }
}
