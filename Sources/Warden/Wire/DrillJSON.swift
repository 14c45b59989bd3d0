package import WardenCore

extension DrillReport {
    /// How a drill goes, or went: `end` is `null` while it goes on.
    package var json: JSONValue {
        .object([
            "worker": .string(worker.qualified),
            "kind": .string(kind.rawValue),
            "act": .bool(acts),
            "started_at": .string(startedAt.rfc3339),
            "limit_seconds": .number(limit.inSeconds),
            "means": .string(means),
            "class": JSONValue(verdict?.condition.className),
            "cause": JSONValue(verdict?.condition.causeName),
            "grade": JSONValue(verdict?.grade.rawValue),
            "reason": JSONValue(verdict?.reason),
            "detected_after_seconds": JSONValue(detectedAfter?.inSeconds),
            "decision": JSONValue(decision),
            "incident": JSONValue(incident),
            "outcome": JSONValue(outcome?.name),
            "recovered_seconds": JSONValue(outcome?.recoveredSeconds),
            "end": JSONValue(end),
        ])
    }
}
