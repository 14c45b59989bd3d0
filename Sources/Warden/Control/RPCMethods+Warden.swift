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
        },
        RPCMethod(
            name: "warden.getIdentity", signature: ["struct"],
            help: "Which binary serves: its version, its process id, and since when."
        ) { scope, _ in
            let identity = scope.backend.daemonIdentity()
            return .structure([
                .init("version", .string(identity.version)),
                .init("pid", .int(Int64(identity.pid))),
                .init("since", .string(identity.startedAt.wall.rfc3339)),
            ])
        },
        RPCMethod(
            name: "warden.upgrade", signature: ["boolean"],
            help:
                "Lets the binary that lies where this one was started from take over in place, with every worker. The "
                + "answer comes when it has shown that it can.", isChange: true
        ) { (scope, _) async throws(RPCFailure) in
            _ = try await scope.order(.end(.upgrade))
            return .bool(true)
        },
        RPCMethod(
            name: "warden.startDrill", signature: ["boolean", "string", "string", "boolean"], optionalCount: 1,
            help:
                "Proves a worker's policy: emfile, hang, spin, silence or memory. With true, what is decided is done.",
            isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let name = try arguments.text(0)
            guard let kind = DrillKind(rawValue: try arguments.text(1)) else { throw .fault(.incorrectParameters) }
            let order = DrillOrder(kind, acts: arguments.flag(2))
            return try await scope.one(.startDrill(Selection(namespec: name), order), about: name)
        },
        RPCMethod(
            name: "warden.stopDrill", signature: ["boolean", "string"], help: "Ends a worker's drill.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let name = try arguments.text(0)
            return try await scope.one(.stopDrill(Selection(namespec: name)), about: name)
        },
        RPCMethod(
            name: "warden.updateProcessGroup", signature: ["struct", "string"],
            help: "Makes a group what the configuration that was read last says. Only the workers that it changes are "
                + "stopped and started; the answer names those that were stopped and those that were left alone.",
            isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let group = try arguments.word(0)
            do throws(RPCFailure) {
                var stopped: [SlotName] = []
                if case .outcomes(let outcomes) = try await scope.order(.stopOutdated(group)) {
                    stopped = outcomes.map(\.name)
                }
                guard case .updated(let kept) = try await scope.order(.updateGroup(group)) else {
                    throw .fault(.failed, "the daemon did not say what it kept")
                }
                return .structure([
                    .init("stopped", .array(stopped.map { .string($0.qualified) })),
                    .init("kept", .array(kept.map { .string($0.qualified) })),
                ])
            } catch {
                throw error.naming(group)
            }
        },
    ]
}
