import Hummingbird
package import WardenWire

/// `[alert:NAME]` as it may be shown.
package struct AlertDescription: Hashable, Sendable {
    /// NAME.
    package var name: String
    /// `format`.
    package var format: WebhookFormat
    /// Scheme and host of `url`; the rest is a secret.
    package var address: String
    /// `events`, sorted.
    package var events: [String]
    /// Whether there is a `secret`.
    package var isSigned: Bool

    /// - Parameters: as the properties of the same names.
    package init(name: String, format: WebhookFormat, address: String, events: [String], isSigned: Bool) {
        self.name = name
        self.format = format
        self.address = address
        self.events = events
        self.isSigned = isSigned
    }
}

/// What came of a test of a destination.
package struct AlertTest: Hashable, Sendable {
    /// NAME of the destination.
    package var name: String
    /// Scheme and host.
    package var address: String
    /// Why it did not arrive; `nil` when it did.
    package var failure: String?

    /// - Parameters: as the properties of the same names.
    package init(name: String, address: String, failure: String?) {
        self.name = name
        self.address = address
        self.failure = failure
    }
}

/// /api/v1/alerts: whom the daemon tells, and whether it can.
struct AlertRoutes {
    let backend: any ControlBackend

    func add(to api: inout APIRouter) {
        let list = APIOperation(
            method: .get, path: "/api/v1/alerts", id: "listAlerts", summary: "The destinations of alerts.",
            answer: .list(.named("Alert")))
        api.add(list) { _, _ in
            Response(
                .array(
                    backend.alerts().map {
                        .object([
                            "name": .string($0.name), "format": .string($0.format.rawValue),
                            "address": .string($0.address), "events": .array($0.events.map { .string($0) }),
                            "has_secret": .bool($0.isSigned),
                        ])
                    }))
        }
        let test = APIOperation(
            method: .post, path: "/api/v1/alerts/{name}/test", id: "testAlert",
            summary: "Sends the beginning and the end of an incident that never was, now and once.",
            parameters: [
                APIParameter(name: "name", place: .path, about: "NAME of `[alert:NAME]`.", schema: .name)
            ], body: .empty, answer: .named("AlertTest"), problems: [404])
        api.addChange(test) { _, context in
            let name = context.parameters.get("name")?.percentDecoded ?? ""
            guard let test = await backend.testAlert(name) else {
                throw Problem(status: 404, title: "Not Found", detail: "there is no [alert:\(name)]")
            }
            return Response(
                .object([
                    "name": .string(test.name), "address": .string(test.address),
                    "delivered": .bool(test.failure == nil), "reason": JSONValue(test.failure),
                ]))
        }
    }
}
