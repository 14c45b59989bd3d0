import WardenWire

/// A schema, as OpenAPI 3.1 has them: JSON Schema 2020-12.
struct APISchema: Sendable {
    var json: JSONValue

    // MARK: Simple ones

    static let string = APISchema(type: "string")
    static let flag = APISchema(type: "boolean")
    static let number = APISchema(type: "number")
    static let integer = APISchema(type: "integer")
    /// A number that is not negative.
    static let amount = object([("type", .string("number")), ("minimum", .integer(0))])
    /// An amount, too.
    static let seconds = amount
    /// A whole number that is not negative.
    static let count = object([("type", .string("integer")), ("minimum", .integer(0))])
    /// A process.
    static let pid = object([("type", .string("integer")), ("minimum", .integer(1))])
    /// A text that is not empty.
    static let name = object([("type", .string("string")), ("minLength", .integer(1))])
    /// RFC 3339 in UTC.
    static let time = object([("type", .string("string")), ("format", .string("date-time"))])

    /// One of these words.
    static func choice(_ words: [String]) -> APISchema {
        object([("type", .string("string")), ("enum", .array(words.map { .string($0) }))])
    }

    /// As it stands.
    static func object(_ members: [(String, JSONValue)]) -> APISchema {
        APISchema(json: .object(JSONObject(members: members.map { JSONObject.Member(name: $0.0, value: $0.1) })))
    }

    /// A whole number in a range.
    static func integer(_ range: ClosedRange<Int>) -> APISchema {
        object([
            ("type", .string("integer")), ("minimum", .integer(Int64(range.lowerBound))),
            ("maximum", .integer(Int64(range.upperBound))),
        ])
    }

    /// One of the named ones.
    static func named(_ name: String) -> APISchema {
        object([("$ref", .string("#/components/schemas/\(name)"))])
    }

    // MARK: Composed ones

    static func list(_ element: APISchema) -> APISchema {
        object([("type", .string("array")), ("items", element.json)])
    }

    /// That, or `null`.
    static func orNull(_ schema: APISchema) -> APISchema {
        object([("anyOf", .array([schema.json, .object(["type": .string("null")])]))])
    }

    static func either(_ schemas: [APISchema]) -> APISchema { object([("oneOf", .array(schemas.map(\.json)))]) }

    /// An object of an answer: every member is always there.
    ///
    /// It may get members more in time, so nothing is said of others.
    static func members(_ members: [(String, APISchema)]) -> APISchema {
        record(members, required: members.map(\.0), isClosed: false)
    }

    /// An object with these members, of which some must be there; a closed one takes no others.
    static func record(_ members: [(String, APISchema)], required: [String], isClosed: Bool) -> APISchema {
        let properties = JSONObject(members: members.map { JSONObject.Member(name: $0.0, value: $0.1.json) })
        var object: JSONObject = ["type": .string("object"), "properties": .object(properties)]
        if !required.isEmpty { object["required"] = .array(required.map { .string($0) }) }
        if isClosed { object["additionalProperties"] = .bool(false) }
        return APISchema(json: .object(object))
    }

    /// With a sentence for a reader.
    func about(_ text: String) -> APISchema {
        guard case .object(var object) = json else { return self }
        object["description"] = .string(text)
        return APISchema(json: .object(object))
    }
}

extension APISchema {
    private init(type: String) {
        json = .object(["type": .string(type)])
    }
}
