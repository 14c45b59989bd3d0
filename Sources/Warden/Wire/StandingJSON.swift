import WardenCore

extension Standing {
    /// The keys of `GET /api/v1/workers/{name}/why` about what is decided, what is in the way and what would change it.
    var json: JSONObject {
        [
            "decision": .string(decision),
            "held_back_by": .array(heldBackBy.map { .string($0) }),
            "unconfirmed": .array(unconfirmed.map { .string($0) }),
            "outlook": .array(
                outlook.map { .object(["text": .string($0.text), "at": JSONValue($0.at?.rfc3339)]) }),
            "timeline": .array(
                timeline.map {
                    .object([
                        "at": .string($0.at.rfc3339), "kind": .string($0.kind.rawValue), "text": .string($0.text),
                    ])
                }),
        ]
    }
}
