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
            var infos: [XMLRPCValue] = []
            for program in ordered.map(\.element) { infos.append(await scope.configInfo(program)) }
            return .array(infos)
        },
    ]
}

extension RPCScope {
    /// An `AUTO` log is shown by its file's name once there is one.
    fileprivate func configInfo(_ program: ConfiguredProgram) async -> XMLRPCValue {
        var paths: [OutputStream: String] = [:]
        for stream in OutputStream.allCases where program.isInUse {
            if case .file(let path) = await backend.logPath(program.spec.name, stream) { paths[stream] = path }
        }
        return program.xmlRPC(automatic: paths)
    }
}

extension ConfiguredProgram {
    /// The 29 fields of `getAllConfigInfo`, in supervisord's order.
    fileprivate func xmlRPC(automatic paths: [OutputStream: String]) -> XMLRPCValue {
        let (supervision, launch) = (spec.supervision, spec.launch)
        let serverURL = launch.hasOwnServerURL ? launch.serverURL : nil
        let fields: [XMLRPCValue.Member] = [
            .init("autostart", .bool(supervision.autostart)),
            .init("directory", .string(launch.directory ?? "none")),
            .init("uid", launch.user.map { .int(Int64($0.userID)) } ?? .string("none")),
            .init("command", .string(launch.commandText)),
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
        ]
        let stopping: [XMLRPCValue.Member] = [
            .init("stopsignal", .int(Int64(supervision.stopSignal.number))),
            .init("stopwaitsecs", .int(supervision.stopWait.components.seconds)),
        ]
        return .structure(
            fields + ConfiguredProgram.fields(spec.standardOutput, .stdout, paths[.stdout]) + stopping
                + ConfiguredProgram.fields(spec.standardError, .stderr, paths[.stderr])
                + [.init("serverurl", .string(serverURL ?? "none"))])
    }

    private static func fields(
        _ log: LogSpec?, _ stream: OutputStream, _ automaticPath: String?
    ) -> [XMLRPCValue.Member] {
        let file =
            switch log?.destination {
            case nil, .none?: "none"
            case .automatic?: automaticPath ?? "auto"
            case .file(let path)?: path
            }
        let (log, prefix) = (log ?? LogSpec(), stream.rawValue)
        return [
            .init("\(prefix)_capture_maxbytes", .int(log.captureBytes)),
            .init("\(prefix)_events_enabled", .bool(log.emitsEvents)),
            .init("\(prefix)_logfile", .string(file)),
            .init("\(prefix)_logfile_backups", .int(Int64(log.backupCount))),
            .init("\(prefix)_logfile_maxbytes", .int(log.maximumBytes)),
            .init("\(prefix)_syslog", .bool(log.writesSyslog)),
        ]
    }
}
