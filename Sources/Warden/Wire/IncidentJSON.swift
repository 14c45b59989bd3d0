package import WardenCore

/// How much of an incident is told.
package enum IncidentDetail: Hashable, Sendable {
    /// The contract's fields, as lists have them, with the reason and what held an action back.
    case summary
    /// The forensics too.
    case full
    /// Nothing that may quote the worker's log: for those outside who did not ask for it.
    case withoutLog
}

extension Incident {
    /// The incident as lists, histories and webhooks have it.
    ///
    /// `outcome` is `null` while it is open.
    /// - Parameter detail: how much is told.
    /// - Returns: the object.
    package func json(_ detail: IncidentDetail = .summary) -> JSONValue {
        let isLogTold = detail != .withoutLog
        var object: JSONObject = [
            "id": .string(id),
            "worker": .string(worker.qualified),
            "generation": .integer(Int64(generation.number)),
            "at": .string(at.rfc3339),
            "class": .string(verdict.condition.className),
            "cause": JSONValue(verdict.condition.causeName),
            "grade": .string(verdict.grade.rawValue),
            "evidence": .array(verdict.evidence.map { $0.json(withText: isLogTold) }),
            "action": .string(action.rawValue),
            "outcome": JSONValue(outcome?.name),
            "recovered_seconds": JSONValue(outcome?.recoveredSeconds?.inMilliseconds),
            "since": .string(verdict.since.wall.rfc3339),
            "held_back_by": JSONValue(heldBackBy),
        ]
        object["fingerprint"] = JSONValue(fingerprint)
        object["recurrence"] = recurrence?.json ?? .null
        if isLogTold { object["reason"] = .string(verdict.reason) }
        if detail == .full { object["forensics"] = forensics?.json ?? .null }
        return .object(object)
    }
}

extension Recurrence {
    var json: JSONValue {
        .object(["same_as": .string(earlierID), "time": .integer(Int64(count))])
    }
}

extension Forensics {
    /// What was found before a worker was ended.
    package var json: JSONValue {
        .object([
            "kinds": descriptorKinds.json,
            "processes": .array(processes.map { .string($0) }),
            "last_lines": .array(lastLines.map { .string($0) }),
            "command_output": .string(commandOutput),
            "threads": .array(threads.map { .string($0) }),
            "stacks": .array(stacks.map { .string($0) }),
            "python_stacks": .array(pythonStacks.map { .string($0) }),
            "limits": .array(limits.map { .string($0) }),
            "pressure": .array(pressure.map { .string($0) }),
            "gaps": .array(gaps.map { .string($0) }),
        ])
    }
}

extension [Forensics.KindCount] {
    var json: JSONValue {
        .array(map { .object(["kind": .string($0.kind), "count": .integer(Int64($0.count))]) })
    }
}

extension Explanation {
    /// The body of `GET /api/v1/workers/{name}/why`.
    ///
    /// `taken_at` is the daemon's clock, so that a reader can tell ages.
    package var json: JSONValue { json(with: nil) }

    /// The same.
    ///
    /// - Parameter containment: what holds the worker's tree together, when it runs.
    package func json(with containment: ContainmentReport?) -> JSONValue {
        var object: JSONObject = [
            "worker": snapshot.json,
            "taken_at": .string(snapshot.takenAt.wall.rfc3339),
            "reason": JSONValue(snapshot.verdict?.reason),
            "last_line": JSONValue(snapshot.lastLine),
            "spawn_error": JSONValue(snapshot.spawnError.isEmpty ? nil : snapshot.spawnError),
            "pending_action": JSONValue(snapshot.pendingAction),
            "drill": snapshot.drill?.json ?? .null,
            "health_paused": .bool(snapshot.isHealthPaused),
            "health_paused_seconds": JSONValue(snapshot.healthPausedFor?.inSeconds),
            "trend": snapshot.descriptorTrend?.json ?? .null,
            "probe": snapshot.probe?.json ?? .null,
            "demand": snapshot.demand?.json ?? .null,
            "incidents": .array(incidents.map { $0.json() }),
            "budgets": .array(budgets.map(\.json)),
            "containment": containment?.json ?? .null,
        ]
        object.members += standing.json.members
        object["observed"] = observed.json(of: snapshot)
        return .object(object)
    }
}

extension BudgetUse {
    var json: JSONValue {
        .object([
            "class": .string(condition.className),
            "cause": JSONValue(condition.causeName),
            "spent": .integer(Int64(spent)),
            "allowed": .integer(Int64(allowed)),
            "exhausted": .bool(isExhausted),
        ])
    }
}

/// The descriptors of a worker, counted by kind: the answer to `fds`.
package struct DescriptorCensus: Hashable, Sendable {
    /// The slot.
    package var worker: SlotName
    /// The process with the least headroom, which is the one that was counted.
    package var reading: DescriptorReading
    /// Its descriptors by kind, most frequent first.
    package var kinds: [Forensics.KindCount]
    /// How its count has moved; `nil` with too few samples.
    package var trend: DescriptorTrend?

    /// - Parameters: as the properties of the same names.
    package init(
        worker: SlotName, reading: DescriptorReading, kinds: [Forensics.KindCount], trend: DescriptorTrend?
    ) {
        self.worker = worker
        self.reading = reading
        self.kinds = kinds
        self.trend = trend
    }

    /// The body of `GET /api/v1/workers/{name}/descriptors`.
    ///
    /// A limit is `null` when there is none.
    package var json: JSONValue {
        .object([
            "worker": .string(worker.qualified),
            "pid": .integer(Int64(reading.pid)),
            "fds": .integer(Int64(reading.count)),
            "fd_limit": .limit(reading.softLimit),
            "fd_hard_limit": .limit(reading.hardLimit),
            "kinds": kinds.json,
            "trend": trend?.json ?? .null,
        ])
    }
}

/// An error of the JSON interface, as `application/problem+json` (RFC 9457).
package struct Problem: Error, Hashable, Sendable {
    /// The media type of the body.
    package static let mediaType = "application/problem+json"

    /// The HTTP status.
    package var status: Int
    /// The kind of error, the same text each time: `Not Found`.
    package var title: String
    /// This error: `no worker named x`.
    package var detail: String

    /// - Parameters: as the properties of the same names.
    package init(status: Int, title: String, detail: String) {
        self.status = status
        self.title = title
        self.detail = detail
    }

    /// The problem that answers a refusal.
    package init(_ refusal: Refusal) {
        let (status, title) =
            switch refusal {
            case .badName: (404, "Not Found")
            case .alreadyStarted, .notRunning, .alreadyAdded, .stillRunning: (409, "Conflict")
            case .badSignal: (400, "Bad Request")
            case .cannotReread: (422, "Configuration Refused")
            // Not 500: it is the worker's program that does not work, and not the daemon.
            case .noFile, .notExecutable, .spawnError, .abnormalTermination: (409, "Not Started")
            case .failed: (500, "Failed")
            case .shuttingDown, .overloaded: (503, "Service Unavailable")
            }
        self.init(status: status, title: title, detail: XMLRPCFault(refusal).string)
    }

    /// The body.
    package var json: JSONValue {
        .object([
            "type": .string("about:blank"),
            "title": .string(title),
            "status": .integer(Int64(status)),
            "detail": .string(detail),
        ])
    }
}
