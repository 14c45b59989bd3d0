import Hummingbird
import WardenCore
import WardenWire

/// /livez, /readyz and supervisord's /ok.html.
struct LivenessRoutes {
    let backend: any ControlBackend

    func add(to router: Router<ControlContext>) {
        router.get("ok.html") { _, _ in Response(text: "OK", mediaType: "text/plain") }
        router.post("ok.html") { _, _ in Response(text: "OK", mediaType: "text/plain") }
    }

    func add(to api: inout APIRouter) {
        api.add(LivenessRoutes.operation("livez", "Whether the daemon lives.")) { _, _ in
            guard await answers() else { throw LivenessRoutes.trouble("the supervising thread does not answer") }
            return Response(text: "ok\n")
        }
        api.add(LivenessRoutes.operation("readyz", "Whether the daemon takes orders.")) { _, _ in
            let mood = backend.daemonIdentity().mood
            guard mood == .running else { throw LivenessRoutes.trouble("the daemon is \(mood.word)") }
            return Response(text: "ok\n")
        }
    }

    private static func operation(_ name: String, _ summary: String) -> APIOperation {
        APIOperation(
            method: .get, path: "/\(name)", id: name, summary: summary, mediaType: "text/plain",
            answer: .object([("type", .string("string")), ("const", .string("ok\n"))]), problems: [503], isOpen: true)
    }

    /// Whether the shell answers in time.
    ///
    /// A refusal is an answer.
    private func answers() async -> Bool {
        await withTaskGroup(of: Bool.self) { tasks in
            tasks.addTask { [backend] in
                _ = await backend.perform(.daemonState)
                return true
            }
            tasks.addTask {
                // Cancelled means that the shell has answered first.
                try? await Task.sleep(for: ControlLimits.livenessTimeout)
                return false
            }
            defer { tasks.cancelAll() }
            return await tasks.next() ?? false
        }
    }

    private static func trouble(_ detail: String) -> Problem {
        Problem(status: 503, title: "Service Unavailable", detail: detail)
    }
}
