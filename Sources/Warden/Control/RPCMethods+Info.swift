import WardenCore
import WardenWire

extension RPCScope {
    /// The 14 fields of supervisord for one worker.
    func info(_ worker: WorkerSnapshot) async -> XMLRPCValue {
        var paths: [OutputStream: String] = [:]
        for stream in OutputStream.allCases where worker.isAutomatic(stream) {
            if case .file(let path) = await backend.logPath(worker.name, stream) { paths[stream] = path }
        }
        return worker.processInfo(localTime: settings.localTime) { _, stream in paths[stream] ?? "" }
    }
}

extension WorkerSnapshot {
    /// Whether the daemon named the stream's file itself.
    fileprivate func isAutomatic(_ stream: OutputStream) -> Bool {
        switch stream {
        case .stdout: standardOutput.destination == .automatic
        case .stderr: standardError?.destination == .automatic
        }
    }
}

extension RPCMethod {
    /// What is known of workers and programs.
    static let infoMethods: [RPCMethod] = [
        RPCMethod(
            name: "supervisor.getProcessInfo", signature: ["struct", "string"], help: "What is known of one worker."
        ) { (scope, arguments) async throws(RPCFailure) in
            await scope.info(try await scope.worker(arguments.text(0)))
        },
        RPCMethod(
            name: "supervisor.getAllProcessInfo", signature: ["array"],
            help: "What is known of every worker, by group and name."
        ) { (scope, _) async throws(RPCFailure) in
            var infos: [XMLRPCValue] = []
            for worker in try await scope.snapshots(.all) { infos.append(await scope.info(worker)) }
            return .array(infos)
        },
        RPCMethod(
            name: "supervisor.getAllConfigInfo", signature: ["array"],
            help: "Every program of the newest configuration, by name."
        ) { (scope, _) async throws(RPCFailure) in
            guard let programs = await scope.backend.configuration() else {
                throw .fault(.failed, "the configuration is not known")
            }
            // Sorted as supervisord sorts: by the process's name alone, in the order of the configuration where equal.
            let ordered = programs.enumerated().sorted {
                ($0.element.spec.name.process, $0.offset) < ($1.element.spec.name.process, $1.offset)
            }
            return .array(ordered.map(\.element.xmlRPC))
        },
    ]
}

extension ConfiguredProgram {
    /// The 29 fields of `getAllConfigInfo`.
    ///
    /// Capture, events and syslog are not part of a specification: 0 and false.
    fileprivate var xmlRPC: XMLRPCValue {
        let (supervision, launch) = (spec.supervision, spec.launch)
        let fields: [XMLRPCValue.Member] = [
            .init("autostart", .bool(supervision.autostart)),
            .init("directory", .string(launch.directory ?? "none")),
            .init("uid", launch.user.map { .int(Int64($0.userID)) } ?? .string("none")),
            .init("command", .string(launch.arguments.map(ConfiguredProgram.quoted).joined(separator: " "))),
            .init("exitcodes", .array(supervision.exitCodes.sorted().map { .int(Int64($0)) })),
            .init("group", .string(spec.name.group)),
            .init("group_prio", .int(Int64(groupPriority))),
            .init("inuse", .bool(isInUse)),
            .init("killasgroup", .bool(supervision.killAsGroup)),
            .init("name", .string(spec.name.process)),
            .init("process_prio", .int(Int64(supervision.priority))),
            .init("redirect_stderr", .bool(spec.standardError == nil)),
            .init("startretries", .int(Int64(supervision.startRetries ?? Int(Int32.max)))),
            .init("startsecs", .int(supervision.startSeconds.components.seconds)),
            .init("stopsignal", .int(Int64(supervision.stopSignal.number))),
            .init("stopwaitsecs", .int(supervision.stopWait.components.seconds)),
            .init("serverurl", .string(launch.serverURL ?? "none")),
        ]
        return .structure(
            fields + ConfiguredProgram.fields(spec.standardOutput, "stdout")
                + ConfiguredProgram.fields(spec.standardError, "stderr"))
    }

    private static func fields(_ log: LogSpec?, _ prefix: String) -> [XMLRPCValue.Member] {
        let file =
            switch log?.destination {
            case nil, .none?: "none"
            case .automatic?: "auto"
            case .file(let path)?: path
            }
        let defaults = LogSpec()
        return [
            .init("\(prefix)_capture_maxbytes", .int(0)),
            .init("\(prefix)_events_enabled", .bool(false)),
            .init("\(prefix)_logfile", .string(file)),
            .init("\(prefix)_logfile_backups", .int(Int64((log ?? defaults).backupCount))),
            .init("\(prefix)_logfile_maxbytes", .int((log ?? defaults).maximumBytes)),
            .init("\(prefix)_syslog", .bool(false)),
        ]
    }

    /// An argument as a shell would take it.
    private static func quoted(_ argument: String) -> String {
        let isPlain = argument.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "_@%+=:,./-".utf8.contains(byte)
            }
        }
        if isPlain && !argument.isEmpty { return argument }
        let parts = argument.split(separator: "'", omittingEmptySubsequences: false)
        return "'\(parts.joined(separator: "'\"'\"'"))'"
    }
}
