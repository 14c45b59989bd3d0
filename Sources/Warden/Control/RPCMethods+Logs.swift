import WardenCore
import WardenWire

extension RPCScope {
    /// Reads a log as `readLog` does.
    /// - Throws: NO_FILE, BAD_ARGUMENTS and FAILED as supervisord.
    func readLog(_ path: String, _ offset: Int64, _ length: Int64) async throws(RPCFailure) -> XMLRPCValue {
        do throws(LogFailure) {
            return .lossyText(try await logs.read(path, offset: offset, length: length))
        } catch {
            switch error {
            case .absent: throw .fault(.noFile, path)
            case .badArguments: throw .fault(.badArguments)
            case .failed(let reason): throw .fault(.failed, reason)
            }
        }
    }

    fileprivate func readWorkerLog(
        _ arguments: RPCArguments, _ stream: OutputStream
    ) async throws(RPCFailure) -> XMLRPCValue {
        let (name, offset, length) = (try arguments.text(0), try arguments.number(1), try arguments.number(2))
        let worker = try await worker(name)
        guard case .file(let path) = await backend.logPath(worker.name, stream) else { throw .fault(.noFile) }
        return try await readLog(path, offset, length)
    }

    /// A log that is not there is an empty one here, as it is for supervisord.
    fileprivate func tailWorkerLog(
        _ arguments: RPCArguments, _ stream: OutputStream
    ) async throws(RPCFailure) -> XMLRPCValue {
        let (name, offset, length) = (try arguments.text(0), try arguments.number(1), try arguments.number(2))
        let worker = try await worker(name)
        guard case .file(let path) = await backend.logPath(worker.name, stream) else {
            return .array([.string(""), .int(0), .bool(false)])
        }
        do throws(LogFailure) {
            let tail = try await logs.tail(path, offset: offset, length: length)
            return .array([.lossyText(tail.bytes), .int(tail.end), .bool(tail.overflow)])
        } catch {
            switch error {
            case .absent: return .array([.string(""), .int(0), .bool(false)])
            case .badArguments, .failed: return .array([.string(""), .int(offset), .bool(false)])
            }
        }
    }
}

extension RPCMethod {
    private static func reading(_ name: String, _ stream: OutputStream) -> RPCMethod {
        RPCMethod(
            name: name, signature: ["string", "string", "int", "int"],
            help: "Reads from a worker's \(stream.rawValue) log: offset and length in bytes."
        ) { (scope, arguments) async throws(RPCFailure) in try await scope.readWorkerLog(arguments, stream) }
    }

    private static func tailing(_ name: String, _ stream: OutputStream) -> RPCMethod {
        RPCMethod(
            name: name, signature: ["array", "string", "int", "int"],
            help: "The last bytes of a worker's \(stream.rawValue) log, its end, and whether some were left out."
        ) { (scope, arguments) async throws(RPCFailure) in try await scope.tailWorkerLog(arguments, stream) }
    }

    /// Reading workers' logs.
    static let logReadMethods: [RPCMethod] = [
        reading("supervisor.readProcessStdoutLog", .stdout),
        reading("supervisor.readProcessLog", .stdout),
        reading("supervisor.readProcessStderrLog", .stderr),
        tailing("supervisor.tailProcessStdoutLog", .stdout),
        tailing("supervisor.tailProcessLog", .stdout),
        tailing("supervisor.tailProcessStderrLog", .stderr),
    ]

    private static let clearLogs = RPCMethod(
        name: "supervisor.clearProcessLogs", signature: ["boolean", "string"], help: "Empties both logs of a worker.",
        isChange: true
    ) { (scope, arguments) async throws(RPCFailure) in
        let name = try arguments.text(0)
        let selection = Selection(namespec: name)
        guard case .slot = selection else { throw .fault(.badName, name) }
        do throws(RPCFailure) {
            _ = try RPCScope.checked(await scope.backend.clearLog(.workers(selection)))
        } catch {
            throw error.naming(name)
        }
        return .bool(true)
    }

    /// Emptying workers' logs.
    static let logClearMethods: [RPCMethod] = [
        clearLogs,
        clearLogs.alias("supervisor.clearProcessLog"),
        RPCMethod(
            name: "supervisor.clearAllProcessLogs", signature: ["array"], help: "Empties the logs of every worker.",
            isChange: true
        ) { (scope, _) async throws(RPCFailure) in
            guard case .outcomes(let outcomes) = try RPCScope.checked(await scope.backend.clearLog(.workers(.all)))
            else { return .array([]) }
            return .array(outcomes.map(\.xmlRPC))
        },
    ]
}
