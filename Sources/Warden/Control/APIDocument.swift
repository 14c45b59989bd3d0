import HTTPTypes
import WardenWire

/// The OpenAPI document of the JSON interface.
struct APIDocument: Sendable {
    /// Where it is served.
    static let path = "/api/v1/openapi.json"

    let operations: [APIOperation]

    /// - Parameters:
    ///   - version: Warden's.
    ///   - isGuarded: whether the listener wants a password.
    /// - Returns: the document as it holds for that listener.
    func json(version: String, isGuarded: Bool) -> JSONValue {
        var components: JSONObject = ["schemas": Self.object(APISchemas.all.map { ($0.0, $0.1.json) })]
        components["responses"] = Self.object(Self.problems.map { ("\($0.status)", Self.problem($0)) })
        if isGuarded {
            components["securitySchemes"] = .object([
                "password": .object(["type": .string("http"), "scheme": .string("basic")])
            ])
        }
        var paths: JSONObject = [:]
        for operation in operations {
            var item: JSONObject = if case .object(let item)? = paths[operation.path] { item } else { [:] }
            item[operation.method.rawValue.lowercased()] = Self.json(operation, isGuarded: isGuarded)
            paths[operation.path] = .object(item)
        }
        return .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Warden"), "version": .string(version),
                "description": .string(
                    "Changes are POST. Errors are problems (RFC 9457). Answers may get members more in time."),
                "license": .object(["name": .string("Apache-2.0"), "identifier": .string("Apache-2.0")]),
            ]),
            "servers": .array([.object(["url": .string("/")])]),
            "paths": .object(paths),
            "components": .object(components),
        ])
    }

    // MARK: Operations

    private static func json(_ operation: APIOperation, isGuarded: Bool) -> JSONValue {
        var object: JSONObject = [
            "operationId": .string(operation.id), "summary": .string(operation.summary),
        ]
        if isGuarded {
            object["security"] = .array(operation.isOpen ? [] : [.object(["password": .array([])])])
        }
        if !operation.parameters.isEmpty { object["parameters"] = .array(operation.parameters.map(parameter)) }
        if let body = operation.body { object["requestBody"] = self.body(body) }
        let success: JSONObject = [
            "description": .string("Done."),
            "content": .object(
                [
                    operation.mediaType: .object(["schema": operation.answer.json])
                ] as JSONObject),
        ]
        var answers: JSONObject = ["200": .object(success)]
        for status in operation.statuses(isGuarded: isGuarded) {
            answers["\(status)"] = .object(["$ref": .string("#/components/responses/\(status)")])
        }
        object["responses"] = .object(answers)
        return .object(object)
    }

    private static func parameter(_ parameter: APIParameter) -> JSONValue {
        .object([
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": .bool(parameter.place == .path), "description": .string(parameter.about),
            "schema": parameter.schema.json,
        ])
    }

    private static func body(_ body: APIBody) -> JSONValue {
        let schema = APISchema.record(
            body.fields.map { field in
                (field.name, (field.isRequired ? field.kind.schema : .orNull(field.kind.schema)).about(field.about))
            }, required: body.fields.filter(\.isRequired).map(\.name), isClosed: true)
        return .object([
            "required": .bool(body.isRequired),
            "content": .object(["application/json": .object(["schema": schema.json])]),
        ])
    }

    // MARK: Problems

    private struct Known {
        var status: Int
        var about: String
        var header: (name: String, schema: APISchema)?
    }

    private static let problems = [
        Known(status: 400, about: "The request is not what this document says."),
        Known(
            status: 401, about: "The password is missing or wrong.",
            header: ("WWW-Authenticate", .object([("type", .string("string")), ("pattern", .string("^Basic "))]))),
        Known(status: 403, about: "This client may not, or the request comes from a page of another site."),
        Known(status: 404, about: "There is no such worker or incident."),
        Known(status: 409, about: "The worker is not as it would have to be, or its program did not start."),
        Known(status: 413, about: "The body is too long."),
        Known(status: 415, about: "The body is not JSON by its Content-Type."),
        Known(
            status: 429, about: "Too many wrong passwords came from this address.",
            header: ("Retry-After", .integer(1...3600))),
        Known(status: 500, about: "It could not be done."),
        Known(
            status: 503, about: "Too many requests wait, or the daemon stops.",
            header: ("Retry-After", .integer(1...3600))),
    ]

    private static func problem(_ known: Known) -> JSONValue {
        var object: JSONObject = ["description": .string(known.about)]
        if let header = known.header {
            object["headers"] = .object(
                [
                    header.name: .object(["required": .bool(true), "schema": header.schema.json])
                ] as JSONObject)
        }
        object["content"] = .object([
            Problem.mediaType: .object(["schema": APISchema.named("Problem").json])
        ])
        return .object(object)
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(JSONObject(members: members.map { JSONObject.Member(name: $0.0, value: $0.1) }))
    }
}

extension APIOperation {
    /// The problems that it may answer with, in order.
    func statuses(isGuarded: Bool) -> [Int] {
        var statuses = Set(problems)
        if !isOpen { statuses.formUnion(isGuarded ? [400, 401, 403, 429] : [400, 403]) }
        if body != nil { statuses.formUnion([400, 413, 415]) }
        return statuses.sorted()
    }
}
