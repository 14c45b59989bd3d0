import WardenCore
import WardenWire

extension RPCMethod {
    /// The interface's version that supervisorctl wants; it refuses every other.
    private static let interfaceVersion = "3.0"
    /// The supervisord that Warden stands in for.
    private static let supervisorVersion = "4.3.0"

    private static let apiVersion = RPCMethod(
        name: "supervisor.getAPIVersion", signature: ["string"], help: "The version of this interface."
    ) { _, _ in .string(interfaceVersion) }

    private static let readLog = RPCMethod(
        name: "supervisor.readLog", signature: ["string", "int", "int"],
        help: "Reads from the daemon's own log: offset and length in bytes."
    ) { (scope, arguments) async throws(RPCFailure) in
        let (offset, length) = (try arguments.number(0), try arguments.number(1))
        guard let path = scope.backend.daemonIdentity().logPath else { throw .fault(.noFile) }
        return try await scope.readLog(path, offset, length)
    }

    /// The daemon itself: what it is, its log, its end.
    static let daemonMethods: [RPCMethod] = [
        apiVersion,
        apiVersion.alias("supervisor.getVersion"),
        RPCMethod(
            name: "supervisor.getSupervisorVersion", signature: ["string"],
            help: "The version of supervisord whose interface this is."
        ) { _, _ in .string(supervisorVersion) },
        RPCMethod(
            name: "supervisor.getIdentification", signature: ["string"], help: "The daemon's identifier."
        ) { scope, _ in .string(scope.backend.daemonIdentity().identifier) },
        RPCMethod(
            name: "supervisor.getState", signature: ["struct"], help: "What the daemon is doing: code and name."
        ) { scope, _ in scope.backend.daemonIdentity().mood.xmlRPC },
        RPCMethod(
            name: "supervisor.getPID", signature: ["int"], help: "The daemon's process id."
        ) { scope, _ in .int(Int64(scope.backend.daemonIdentity().pid)) },
        readLog,
        readLog.alias("supervisor.readMainLog"),
        RPCMethod(
            name: "supervisor.clearLog", signature: ["boolean"], help: "Empties the daemon's own log.", isChange: true
        ) { (scope, _) async throws(RPCFailure) in
            guard scope.backend.daemonIdentity().logPath != nil else { throw .fault(.noFile) }
            _ = try RPCScope.checked(await scope.backend.clearLog(.daemon))
            return .bool(true)
        },
        RPCMethod(
            name: "supervisor.shutdown", signature: ["boolean"], help: "Stops every worker and ends the daemon.",
            isChange: true
        ) { (scope, _) async throws(RPCFailure) in
            _ = try await scope.order(.end(.shutdown))
            return .bool(true)
        },
        RPCMethod(
            name: "supervisor.restart", signature: ["boolean"],
            help: "Stops every worker and starts anew with the configuration read again.", isChange: true
        ) { (scope, _) async throws(RPCFailure) in
            _ = try await scope.order(.end(.restart))
            return .bool(true)
        },
    ]

    /// The configuration and its groups.
    static let groupMethods: [RPCMethod] = [
        RPCMethod(
            name: "supervisor.reloadConfig", signature: ["array"],
            help: "Reads the configuration and lists the groups that were added, changed and removed.", isChange: true
        ) { (scope, _) async throws(RPCFailure) in
            guard case .differences(let added, let changed, let removed) = try await scope.order(.reread) else {
                throw .fault(.failed, "the daemon gave no differences")
            }
            let lists = [added, changed, removed].map { XMLRPCValue.array($0.map { .string($0) }) }
            return .array([.array(lists)])
        },
        RPCMethod(
            name: "supervisor.addProcessGroup", signature: ["boolean", "string"],
            help: "Makes a group of the newest configuration active.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let name = try arguments.word(0)
            return try await scope.one(.addGroup(name), about: name)
        },
        RPCMethod(
            name: "supervisor.removeProcessGroup", signature: ["boolean", "string"],
            help: "Removes a group whose workers have all stopped.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let name = try arguments.word(0)
            return try await scope.one(.removeGroup(name), about: name)
        },
    ]
}
