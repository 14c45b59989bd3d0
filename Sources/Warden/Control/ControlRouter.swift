import HTTPTypes
import Hummingbird
import WardenWire

/// Every path that is served.
struct ControlRouter {
    let backend: any ControlBackend
    let settings: ControlSettings
    let logs: LogReader
    let passwords: PasswordCheck

    func responder() -> RouterResponder<ControlContext> {
        let api = api()
        let router = Router(context: ControlContext.self)
        router.add(middleware: ErrorMiddleware(methods: api.methods))
        router.add(middleware: AccessMiddleware(settings: settings, passwords: passwords))
        addXMLRPC(to: router)
        PageRoutes(endpoint: RPCEndpoint(backend: backend, settings: settings, logs: logs)).add(to: router)
        LogRoutes(backend: backend, logs: logs).add(to: router)
        LivenessRoutes(backend: backend).add(to: router)
        api.register(on: router)
        return router.buildResponder()
    }

    /// What the OpenAPI document describes.
    private func api() -> APIRouter {
        var api = APIRouter()
        LivenessRoutes(backend: backend).add(to: &api)
        WorkerRoutes(backend: backend).add(to: &api)
        DaemonRoutes(backend: backend).add(to: &api)
        AlertRoutes(backend: backend).add(to: &api)
        EventRoutes(backend: backend).add(to: &api)
        IncidentRoutes(backend: backend).add(to: &api)
        if settings.servesMetrics { MetricsRoutes(backend: backend).add(to: &api) }
        api.addDocument(backend)
        return api
    }

    /// supervisord takes every path that begins with /RPC2, and answers anything but POST with 400.
    private func addXMLRPC(to router: Router<ControlContext>) {
        let endpoint = RPCEndpoint(backend: backend, settings: settings, logs: logs)
        let paths: [RouterPath] = ["RPC2{rest}", "RPC2{rest}/**"]
        for path in paths {
            router.on(path, method: .post) { try await endpoint.answer($0, $1) }
            for method in [HTTPRequest.Method.get, .head, .put, .delete, .patch, .options] {
                router.on(path, method: method) { _, _ -> Response in
                    throw Problem(status: 400, title: "Bad Request", detail: "XML-RPC wants POST")
                }
            }
        }
    }
}

extension ControlContext {
    /// - Throws: 403 for those who may only look.
    func requireOperator() throws(Problem) {
        guard case .operator = role else {
            complaints.note(.reader, from: peer.name)
            throw Problem(status: 403, title: "Forbidden", detail: ControlContext.readerText)
        }
    }

    /// What those who may only look are told.
    static let readerText = "this client may look, but change nothing"
}

extension Request {
    /// The whole body.
    /// - Throws: 413 when it is too long; when it has not come in time `RequestGuard` closes the connection, and
    ///   reading fails.
    func collectedBody(_ context: ControlContext) async throws -> [UInt8] {
        let buffer = try await body.collect(upTo: ControlLimits.bodyBytes)
        return Array(buffer.readableBytesView)
    }
}
