import WardenWire

/// `restart --rolling[=N] NAME…|GROUP:*…|all`: a few at a time, the next when those run, no further than the first
/// that does not.
///
/// It is made of supervisord's own calls, so that it works against a supervisord, too. `startProcess` answers when the
/// process is RUNNING, which for a program with `ready` means that it is ready.
extension CommandRunner {
    /// The count of `--rolling` or `--rolling=N`: 0 stands for the group's `max_unavailable`; `nil` for another word.
    private static func count(of option: String) -> Int? {
        if option == "--rolling" { return 0 }
        guard option.hasPrefix("--rolling="), let count = Int(option.dropFirst("--rolling=".count)) else { return nil }
        return count >= 1 ? count : nil
    }

    /// - Parameter words: the option and the names.
    mutating func restartRolling(_ words: [String]) async throws(ServerFailure) {
        guard let option = words.first, let count = Self.count(of: option), words.count > 1 else {
            return misuse(
                "Error: restart --rolling[=N] requires a process name, and N a number from 1", of: .restart,
                code: ExitCode.usage)
        }
        let infos = try await server.call("supervisor.getAllProcessInfo", []).array ?? []
        var limits: [String: Int] = [:]
        for name in words.dropFirst() {
            let entries = infos.map { ProcessEntry($0) }.filter { Self.selects(name, $0) }
            if entries.isEmpty {
                say("\(name): ERROR (no such process)")
                exitCode = ExitCode.failure
                return
            }
            // What was stopped on purpose stays down.
            var rest = entries.filter { !$0.isStopped }[...]
            while let first = rest.first {
                if limits[first.group] == nil { limits[first.group] = try await limit(of: first.group, count) }
                let batch = rest.prefix(limits[first.group] ?? 1).prefix { $0.group == first.group }
                rest = rest.dropFirst(batch.count)
                guard try await restart(together: Array(batch)) else {
                    let left = rest.map(\.name).joined(separator: ", ")
                    if !left.isEmpty { say("rolling restart stopped; not restarted: \(left)") }
                    return
                }
            }
        }
    }

    private static func selects(_ name: String, _ entry: ProcessEntry) -> Bool {
        let namespec = Namespec(name)
        if name == "all" { return true }
        return entry.group == namespec.group && (namespec.process == nil || namespec.process == entry.process)
    }

    /// How many of a group may be away at once. A server that does not know is a supervisord: one.
    private func limit(of group: String, _ asked: Int) async throws(ServerFailure) -> Int {
        guard asked == 0 else { return asked }
        do throws(ServerFailure) {
            return Int(try await server.call("warden.getMaxUnavailable", [.string(group)]).int ?? 1)
        } catch .fault {
            return 1
        }
    }

    /// - Returns: false when one of them did not come back.
    private mutating func restart(together batch: [ProcessEntry]) async throws(ServerFailure) -> Bool {
        for action in [ProcessAction.stop, .start] {
            var faults: [XMLRPCFault?] = []
            for entry in batch { faults.append(try await fault(of: action, entry, isWaiting: batch.count == 1)) }
            for (entry, told) in zip(batch, faults) {
                var fault = told
                // Several can be waited for only once all of them were told.
                if batch.count > 1, told == nil { fault = try await faultOnceSettled(action, entry) }
                let code = fault?.code ?? XMLRPCFault.Kind.success.rawValue
                say(action.line(name: entry.name, code: code, text: fault?.string ?? "OK"))
                note(code, ignoring: action.ignoredFault)
                if let fault, fault.kind != action.ignoredFault { return false }
            }
        }
        return true
    }

    private func fault(
        of action: ProcessAction, _ entry: ProcessEntry, isWaiting: Bool
    ) async throws(ServerFailure) -> XMLRPCFault? {
        let method = action == .stop ? "supervisor.stopProcess" : "supervisor.startProcess"
        do throws(ServerFailure) {
            _ = try await server.call(method, [.string("\(entry.group):\(entry.process)"), .bool(isWaiting)])
            return nil
        } catch .fault(let fault) where fault.kind != .shutdownState && fault.kind != .unknownMethod {
            return fault
        }
    }

    /// Asks until the process has stopped, or runs, or failed to.
    private func faultOnceSettled(
        _ action: ProcessAction, _ entry: ProcessEntry
    ) async throws(ServerFailure) -> XMLRPCFault? {
        while true {
            let info = try await server.call("supervisor.getProcessInfo", [.string("\(entry.group):\(entry.process)")])
            let now = ProcessEntry(info)
            switch (action, now.stateName) {
            case (.start, "RUNNING"): return nil
            case (.stop, _) where now.isStopped: return nil
            case (.start, "BACKOFF"): return XMLRPCFault(.abnormalTermination, entry.name)
            case (.start, _) where now.isStopped: return XMLRPCFault(.abnormalTermination, entry.name)
            default: break
            }
            // Cancelled: the next call says so.
            try? await Task.sleep(for: .milliseconds(100))
        }
    }
}
