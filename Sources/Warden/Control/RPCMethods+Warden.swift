import WardenCore
import WardenWire

extension RPCMethod {
    /// What supervisord has no word for.
    static let wardenMethods: [RPCMethod] = [
        RPCMethod(
            name: "warden.getMaxUnavailable", signature: ["int", "string"],
            help: "How many workers of a group may be away at once, as its max_unavailable says."
        ) { (scope, arguments) async throws(RPCFailure) in
            let group = try arguments.text(0)
            let members = await (scope.backend.configuration() ?? []).filter { $0.spec.name.group == group }
            guard let first = members.first else { throw .fault(.badName, group) }
            return .int(Int64(first.spec.health.maximumUnavailable.of(members.count)))
        }
    ]
}
