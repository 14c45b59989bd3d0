import WardenCore

extension DemandReading {
    /// `demand` of `GET /api/v1/workers/{name}/why`: `amount` is `null` when it is unknown, and `reason` says why.
    var json: JSONValue {
        let reason: String? = if case .unknown(let reason) = answer { reason } else { nil }
        return .object([
            "amount": JSONValue(answer.amount),
            "reason": JSONValue(reason),
            "asked_at": JSONValue(at?.wall.rfc3339),
        ])
    }
}

extension ProbeReport {
    /// `probe` of `GET /api/v1/workers/{name}/why`: `answer` is good, bad, not-asked, or `null` before the first.
    var json: JSONValue {
        let word: String?
        let reason: String?
        switch standing.answer {
        case .good?: (word, reason) = ("good", nil)
        case .bad(let why)?: (word, reason) = ("bad", why)
        case .notAsked(let why)?: (word, reason) = ("not-asked", why)
        case nil: (word, reason) = (nil, nil)
        }
        return .object([
            "answer": JSONValue(word),
            "reason": JSONValue(reason),
            "failures": .integer(Int64(standing.failuresInARow)),
            "failures_needed": .integer(Int64(failuresNeeded)),
            "asked_at": JSONValue(standing.answeredAt?.wall.rfc3339),
        ])
    }
}
