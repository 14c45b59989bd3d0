import HTTPTypes
import Hummingbird
import WardenWire

/// /api/v1/events: what happens, as server-sent events.
struct EventRoutes {
    let backend: any ControlBackend
    private let followers = Gauge()

    init(backend: any ControlBackend) {
        self.backend = backend
    }

    func add(to api: inout APIRouter) {
        let operation = APIOperation(
            method: .get, path: "/api/v1/events", id: "followEvents",
            summary: "What happens, as server-sent events: states, verdicts, incidents, groups.",
            parameters: [
                APIParameter(
                    name: "last", place: .query, about: "So many that have happened already come first; 0 otherwise.",
                    schema: .integer(0...ControlLimits.rememberedEvents)),
                APIParameter(
                    name: "after", place: .query,
                    about: "The id of the last event that is known, as the header Last-Event-ID: those after it come "
                        + "first.", schema: .name),
                APIParameter(
                    name: "follow", place: .query,
                    about: "no: the stream ends with what has happened already; yes otherwise.",
                    schema: .choice(["yes", "no"])),
            ], mediaType: "text/event-stream", answer: .string, problems: [400, 503])
        api.add(operation) { request, _ in try respond(to: request) }
    }

    private func respond(to request: Request) throws -> Response {
        let fields = try QueryFields(request.uri.query)
        let count = try fields.number("last", in: 0...Int64(ControlLimits.rememberedEvents)) ?? 0
        let follows = try fields.choice("follow", of: ["yes", "no"]) != "no"
        let after = try fields.name("after") ?? request.headers[EventRoutes.lastEventID]
        // Followers keep their connection for ever: without a limit they would take every place that there is.
        guard let place = GaugePlace(followers, limit: ControlLimits.eventFollowers) else {
            throw Problem(
                status: 503, title: "Service Unavailable",
                detail: "\(ControlLimits.eventFollowers) clients follow events already")
        }
        let hub = backend.eventHub
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", EventRoutes.buffering: "no",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody { [place] writer in
                defer { _ = place }
                let subscription = hub.subscribe(after: after, last: Int(count))
                if subscription.isIncomplete { try await writer.write(EventRoutes.lost) }
                for event in subscription.past {
                    if let bytes = event.bytes(life: hub.life) { try await writer.write(ByteBuffer(bytes: bytes)) }
                }
                if follows {
                    try await writer.write(ByteBuffer(string: ": what happens from here on\n\n"))
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await EventRoutes.pulse(subscription) }
                        for await event in subscription.future {
                            let bytes = event.map { $0.bytes(life: hub.life) ?? [] } ?? EventRoutes.nothing
                            if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
                        }
                        group.cancelAll()
                    }
                }
                try await writer.finish(nil)
            })
    }

    /// Has a comment written now and then, by which each side notices that the other is gone.
    private static func pulse(_ subscription: EventHub.Subscription) async throws {
        while true {
            try await Task.sleep(for: ControlLimits.eventPause)
            subscription.pulse()
        }
    }

    private static let nothing = Array(": nothing has happened\n\n".utf8)
    private static let lost = ByteBuffer(string: "event: lost\ndata: {\"type\":\"lost\"}\n\n")
    private static let lastEventID = fieldName("Last-Event-ID")
    /// Tells nginx not to hold the text back.
    private static let buffering = fieldName("X-Accel-Buffering")

    private static func fieldName(_ text: String) -> HTTPField.Name { HTTPField.Name(text) ?? .cacheControl }
}
