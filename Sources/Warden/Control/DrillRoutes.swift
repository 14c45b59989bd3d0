import Hummingbird
import WardenCore
import WardenWire

extension WorkerRoutes {
    /// `drill`, `drill/watch` and `drill/stop` under a worker. Each answers with how the drill goes.
    func addDrills(to workers: RouterGroup<ControlContext>) {
        workers.post(":name/drill") { request, context in
            try await change(request, context) { (selection, body) throws(Problem) in
                .startDrill(selection, try DrillOrder(body))
            }
        }
        workers.post(":name/drill/watch") { request, context in
            try await change(request, context) { selection, _ in .watchDrill(selection) }
        }
        workers.post(":name/drill/stop") { request, context in
            try await change(request, context) { selection, _ in .stopDrill(selection) }
        }
    }
}

extension Command {
    /// Whether it begins, watches or ends a drill.
    var isAboutDrill: Bool {
        switch self {
        case .startDrill, .watchDrill, .stopDrill: true
        default: false
        }
    }
}

extension DrillOrder {
    /// `{"kind":"emfile","act":false,"for_seconds":120,"lease_seconds":15}`; all but the kind may be left out.
    fileprivate init(_ body: JSONValue) throws(Problem) {
        guard let kind = body["kind"]?.string.flatMap(DrillKind.init) else {
            throw Problem(
                status: 400, title: "Bad Request",
                detail: "kind is none of " + DrillKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.init(
            kind, acts: body["act"]?.bool ?? false, duration: try Self.seconds("for_seconds", body),
            lease: try Self.seconds("lease_seconds", body))
    }

    private static func seconds(_ key: String, _ body: JSONValue) throws(Problem) -> Duration? {
        guard let wish = body[key], wish != .null else { return nil }
        guard let seconds = wish.double, seconds > 0, seconds <= Limits.drillLongest.inSeconds else {
            throw Problem(status: 400, title: "Bad Request", detail: "\(key) is not a number from 0 to an hour")
        }
        return .milliseconds(Int64(seconds * 1000))
    }
}
