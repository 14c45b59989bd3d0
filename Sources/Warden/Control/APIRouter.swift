import HTTPTypes
import Hummingbird
import WardenWire

/// The routes of the JSON interface, each with its operation: what is not documented cannot be routed.
struct APIRouter {
    typealias Handler = @Sendable (Request, ControlContext) async throws -> Response
    /// Gets the body that the operation has read.
    typealias Change = @Sendable (JSONValue, ControlContext) async throws -> Response

    private var routes: [(operation: APIOperation, handler: Handler)] = []

    /// A route that takes no body.
    mutating func add(_ operation: APIOperation, _ handler: @escaping Handler) {
        guard !operation.isOpen else {
            // Whoever asks whether we live may add what others' probes want.
            routes.append((operation, handler))
            return
        }
        let names = operation.parameters.filter { $0.place == .query }.map(\.name)
        routes.append(
            (
                operation,
                { request, context in
                    try QueryFields(request.uri.query).admit(only: names)
                    return try await handler(request, context)
                }
            ))
    }

    /// A route that changes something: only operators get so far that their body is read.
    mutating func addChange(_ operation: APIOperation, _ change: @escaping Change) {
        let body = operation.body ?? .empty
        add(operation) { request, context in
            try context.requireOperator()
            return try await change(try await body.read(request.collectedJSON(context)), context)
        }
    }

    /// Serves the document of all routes that were added; to be called last.
    mutating func addDocument(_ backend: any ControlBackend) {
        let operation = APIOperation(
            method: .get, path: APIDocument.path, id: "getDocument", summary: "This document.",
            answer: .record([("openapi", .string)], required: ["openapi"], isClosed: false))
        let document = APIDocument(operations: routes.map(\.operation) + [operation])
        add(operation) { _, context in
            let isGuarded = context.peer.listener.credentials != nil
            return Response(document.json(version: backend.daemonIdentity().version, isGuarded: isGuarded))
        }
    }

    var methods: APIMethods { APIMethods(operations: routes.map(\.operation)) }

    /// GET answers HEAD, too.
    func register(on router: Router<ControlContext>) {
        for (operation, handler) in routes {
            let path = RouterPath(stringLiteral: operation.path)
            router.on(path, method: operation.method) { try await handler($0, $1) }
            guard operation.method == .get else { continue }
            router.on(path, method: .head) { try await handler($0, $1).createHeadResponse() }
        }
    }
}

/// Which methods the paths of the JSON interface have, for those who ask for others.
struct APIMethods: Sendable {
    private let methods: [(parts: [Substring], method: HTTPRequest.Method)]

    init(operations: [APIOperation]) {
        methods = operations.map { ($0.path.split(separator: "/"), $0.method) }
    }

    /// The value of Allow; `nil` when there is no such path.
    func allowed(at path: String) -> String? {
        let parts = path.split(separator: "/")
        let found = methods.filter { known in
            known.parts.count == parts.count
                && zip(known.parts, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        if found.isEmpty { return nil }
        var words = found.map(\.method.rawValue)
        if words.contains("GET") { words.append("HEAD") }
        return (words + ["OPTIONS"]).joined(separator: ", ")
    }
}

extension Request {
    /// The whole body, whose type must be JSON where one is named.
    ///
    /// - Throws: 415 for another type, which is also what a form of another site's page sends.
    fileprivate func collectedJSON(_ context: ControlContext) async throws -> [UInt8] {
        let bytes = try await collectedBody(context)
        guard !bytes.isEmpty, let type = headers[.contentType] else { return bytes }
        let essence = type.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        guard essence.lowercased() == "application/json" else {
            throw Problem(
                status: 415, title: "Unsupported Media Type", detail: "the body has to be application/json")
        }
        return bytes
    }
}
