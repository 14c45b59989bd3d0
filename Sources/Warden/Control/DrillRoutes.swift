import Hummingbird
import WardenCore
import WardenWire

extension WorkerRoutes {
    /// `drill`, `drill/watch` and `drill/stop` under a worker. Each answers with how the drill goes.
    func addDrills(to api: inout APIRouter) {
        let longest = Limits.drillLongest.inSeconds
        let order = APIBody(fields: [
            APIField(
                name: "kind", kind: .choice(DrillKind.allCases.map(\.rawValue)), about: "What to feign.",
                isRequired: true),
            APIField(name: "act", kind: .flag, about: "Whether the policy's action is really done; otherwise not."),
            APIField(name: "for_seconds", kind: .seconds(upTo: longest), about: "At most so long."),
            APIField(
                name: "lease_seconds", kind: .seconds(upTo: longest),
                about: "It ends when nobody has watched it for so long."),
        ])
        let drill = APISchema.named("Drill")
        api.addChange(WorkerRoutes.change("drill", "Proves a worker's policy by a drill.", order, drill)) {
            try await change($0, $1) { .startDrill($0, DrillOrder($1)) }
        }
        api.addChange(WorkerRoutes.change("drill/watch", "How a drill goes; its lease begins anew.", .empty, drill)) {
            try await change($0, $1) { selection, _ in .watchDrill(selection) }
        }
        api.addChange(WorkerRoutes.change("drill/stop", "Ends a drill.", .empty, drill)) {
            try await change($0, $1) { selection, _ in .stopDrill(selection) }
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
    fileprivate init(_ body: JSONValue) {
        self.init(
            body["kind"]?.string.flatMap(DrillKind.init) ?? .emfile, acts: body["act"]?.bool ?? false,
            duration: body.duration("for_seconds"), lease: body.duration("lease_seconds"))
    }
}

extension JSONValue {
    /// A number of seconds, in whole milliseconds and at least one.
    func duration(_ name: String) -> Duration? {
        self[name]?.double.map { .milliseconds(max(1, Int64($0 * 1000))) }
    }
}
