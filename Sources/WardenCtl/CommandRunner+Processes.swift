package import WardenWire

/// The commands that do one thing to several processes, as supervisorctl words their results.
package enum ProcessAction: Hashable, Sendable {
    /// `start`.
    case start
    /// `stop`.
    case stop
    /// `signal`.
    case signal

    /// The fault that is no failure: what was wanted holds already.
    package var ignoredFault: XMLRPCFault.Kind? {
        switch self {
        case .start: .alreadyStarted
        case .stop: .notRunning
        case .signal: nil
        }
    }

    /// The exit code for a group that does not exist.
    fileprivate var badGroupCode: Int32 {
        switch self {
        case .start: ExitCode.usage
        case .stop, .signal: ExitCode.failure
        }
    }

    fileprivate var methodStem: String {
        switch self {
        case .start: "supervisor.start"
        case .stop: "supervisor.stop"
        case .signal: "supervisor.signal"
        }
    }

    /// The line for one process.
    /// - Parameters:
    ///   - name: the process, as in `status`.
    ///   - code: the fault's code, 80 for none.
    ///   - text: the fault's text.
    /// - Returns: such as `cat: started` or `cat: ERROR (already started)`.
    package func line(name: String, code: Int, text: String) -> String {
        let kind = XMLRPCFault.Kind(rawValue: code)
        switch (kind, self) {
        case (.success?, .start): return "\(name): started"
        case (.success?, .stop): return "\(name): stopped"
        case (.success?, .signal): return "\(name): signalled"
        // supervisorctl shows the bare text here, without the name.
        case (.failed?, .stop), (.failed?, .signal): return text
        default: return "\(name): ERROR (\(kind.flatMap(reason) ?? text))"
        }
    }

    private func reason(_ kind: XMLRPCFault.Kind) -> String? {
        switch (kind, self) {
        case (.badName, _): "no such process"
        case (.noFile, .start): "no such file"
        case (.notExecutable, .start): "file is not executable"
        case (.alreadyStarted, .start): "already started"
        case (.spawnError, .start): "spawn error"
        case (.abnormalTermination, .start): "abnormal termination"
        case (.badSignal, .stop), (.badSignal, .signal): "bad signal name"
        case (.notRunning, .stop), (.notRunning, .signal): "not running"
        default: nil
        }
    }
}

extension CommandRunner {
    /// `start NAME…|GROUP:*…|all`.
    mutating func start(_ names: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard !names.isEmpty else {
            return misuse("Error: start requires a process name", of: .start, code: ExitCode.usage)
        }
        try await perform(.start, on: names)
    }

    /// `stop NAME…|GROUP:*…|all`.
    mutating func stop(_ names: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard !names.isEmpty else { return misuse("Error: stop requires a process name", of: .stop) }
        try await perform(.stop, on: names)
    }

    /// `restart NAME…|GROUP:*…|all`: all stop, then all start.
    ///
    /// The configuration is not read again.
    mutating func restart(_ names: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        if names.first?.hasPrefix("--rolling") == true { return try await restartRolling(names) }
        guard !names.isEmpty else { return misuse("Error: restart requires a process name", of: .restart) }
        try await perform(.stop, on: names)
        try await perform(.start, on: names)
    }

    /// `signal SIGNAL NAME…|GROUP:*…|all`.
    mutating func sendSignal(_ words: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard words.count >= 2 else {
            return misuse("Error: signal requires a signal name and a process name", of: .signal)
        }
        try await perform(.signal, on: Array(words.dropFirst()), [.string(words[0])])
    }

    private mutating func perform(
        _ action: ProcessAction, on names: [String], _ further: [XMLRPCValue] = []
    ) async throws(ServerFailure) {
        if names.contains("all") {
            let results = try await server.call("\(action.methodStem)AllProcesses", further)
            return report(results, of: action)
        }
        for name in names {
            let namespec = Namespec(name)
            if let process = namespec.process {
                try await perform(action, name, Namespec.text(group: namespec.group, process: process), further)
            } else {
                try await perform(action, group: namespec.group, further)
            }
        }
    }

    private mutating func perform(
        _ action: ProcessAction, _ name: String, _ shown: String, _ further: [XMLRPCValue]
    ) async throws(ServerFailure) {
        var (code, text) = (XMLRPCFault.Kind.success.rawValue, "OK")
        do {
            _ = try await server.call("\(action.methodStem)Process", [.string(name)] + further)
        } catch .fault(let fault) where fault.kind != .shutdownState && fault.kind != .unknownMethod {
            (code, text) = (fault.code, fault.string)
        }
        say(action.line(name: shown, code: code, text: text))
        note(code, ignoring: action.ignoredFault)
    }

    private mutating func perform(
        _ action: ProcessAction, group: String, _ further: [XMLRPCValue]
    ) async throws(ServerFailure) {
        do {
            let results = try await server.call("\(action.methodStem)ProcessGroup", [.string(group)] + further)
            report(results, of: action)
        } catch .fault(let fault) where fault.kind == .badName {
            say("\(group): ERROR (no such group)")
            exitCode = action.badGroupCode
        }
    }

    private mutating func report(_ results: XMLRPCValue, of action: ProcessAction) {
        for result in results.array ?? [] {
            let status = SlotStatus(result)
            say(action.line(name: status.name, code: status.code, text: status.text))
            note(status.code, ignoring: action.ignoredFault)
        }
    }
}

/// One entry of the arrays that the calls for several processes return.
struct SlotStatus {
    let name: String
    let code: Int
    let text: String

    init(_ entry: XMLRPCValue) {
        name = Namespec.text(group: entry["group"]?.string ?? "", process: entry["name"]?.string ?? "")
        code = Int(entry["status"]?.int ?? 30)
        text = entry["description"]?.string ?? ""
    }
}
