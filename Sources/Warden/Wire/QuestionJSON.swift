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
