import WardenCore
import WardenWire

/// What a button of the page does, by supervisord's words for the address.
enum PageAction: String, Sendable, CaseIterable {
    case refresh, start, stop, restart, clearlog, restartall, stopall

    /// On the button.
    var title: String {
        switch self {
        case .refresh: "Refresh"
        case .start: "Start"
        case .stop: "Stop"
        case .restart: "Restart"
        case .clearlog: "Clear Log"
        case .restartall: "Restart All"
        case .stopall: "Stop All"
        }
    }
}

/// Does what a button says, by the methods that XML-RPC clients call.
struct PageActions {
    let endpoint: RPCEndpoint
    let scope: RPCScope

    /// - Parameters:
    ///   - action: what was asked for.
    ///   - name: the worker, as `group:name`; not asked for where all are meant.
    /// - Returns: what came of it, for a person.
    /// - Throws: 400 when no worker is named, 503 when the daemon is too busy. Everything else is an answer.
    func perform(_ action: PageAction, on name: String?) async throws(Problem) -> String {
        switch action {
        case .refresh: return "Page refreshed at \(time)"
        case .stopall:
            let outcomes = try await several("supervisor.stopAllProcesses")
            return outcomes.failure ?? "All stopped at \(time)"
        case .restartall:
            let (stopped, started) = (
                try await several("supervisor.stopAllProcesses"), try await several("supervisor.startAllProcesses")
            )
            return stopped.failure ?? started.failure ?? "All restarted at \(time)"
        case .start, .stop, .restart, .clearlog:
            guard let name else {
                throw Problem(status: 400, title: "Bad Request", detail: "\(action.rawValue) wants a processname")
            }
            return try await perform(action, on: name)
        }
    }

    private func perform(_ action: PageAction, on name: String) async throws(Problem) -> String {
        switch action {
        case .start: return try await call("supervisor.startProcess", name) ?? "Process \(name) started"
        case .stop: return try await call("supervisor.stopProcess", name) ?? "Process \(name) stopped"
        case .clearlog: return try await call("supervisor.clearProcessLogs", name) ?? "Log for \(name) cleared"
        case .restart:
            // A worker that has stopped by itself is no reason not to start it.
            _ = try await call("supervisor.stopProcess", name)
            return try await call("supervisor.startProcess", name) ?? "Process \(name) restarted"
        case .refresh, .restartall, .stopall: return ""
        }
    }

    /// - Returns: why it was not done; `nil` when it was.
    private func call(_ method: String, _ name: String) async throws(Problem) -> String? {
        guard case .slot = Selection(namespec: name) else { return "No such process named \(name)" }
        do throws(RPCFailure) {
            _ = try await endpoint.perform(XMLRPCCall(method: method, parameters: [.string(name)]), scope)
            return nil
        } catch {
            let fault = try PageActions.fault(of: error)
            if fault.kind == .badName { return "No such process named \(name)" }
            return "ERROR: Process \(name): \(PageActions.words(fault))"
        }
    }

    /// What came of a call about all workers.
    private func several(_ method: String) async throws(Problem) -> (failure: String?, count: Int) {
        do throws(RPCFailure) {
            let value = try await endpoint.perform(XMLRPCCall(method: method, parameters: []), scope)
            let outcomes = value.array ?? []
            let failed = outcomes.filter { $0["status"]?.int != Int64(XMLRPCFault.Kind.success.rawValue) }
            guard let first = failed.first else { return (nil, outcomes.count) }
            let name = SlotName(group: first["group"]?.string ?? "", process: first["name"]?.string ?? "")
            let more = failed.count > 1 ? " and \(failed.count - 1) more" : ""
            return (
                "ERROR: Process \(name.qualified)\(more): \(first["description"]?.string ?? "")", outcomes.count
            )
        } catch {
            return ("ERROR: \(PageActions.words(try PageActions.fault(of: error)))", 0)
        }
    }

    private static func fault(of failure: RPCFailure) throws(Problem) -> XMLRPCFault {
        switch failure {
        case .fault(let fault): return fault
        case .overloaded: throw Problem(.overloaded)
        }
    }

    private static func words(_ fault: XMLRPCFault) -> String {
        switch fault.kind {
        case .noFile: "no such file"
        case .notExecutable: "file not executable"
        case .alreadyStarted: "already started"
        case .notRunning: "not running"
        case .spawnError: "spawn error"
        case .abnormalTermination: "abnormal termination"
        case .shutdownState: "the daemon is shutting down"
        case .unknownMethod, .incorrectParameters, .badArguments, .signatureUnsupported, .badName, .badSignal, .failed,
            .success, .alreadyAdded, .stillRunning, .cannotReread, nil:
            fault.string
        }
    }

    /// `Sun Nov 22 18:05:33 2026`, in the daemon's time zone, as C's ctime writes it.
    private var time: String {
        let local = scope.settings.localTime(scope.settings.now())
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard months.indices.contains(local.month - 1) else { return "" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        // Sakamoto's rule: what each month shifts the day of the week by, in years that begin in March.
        let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4][local.month - 1]
        let year = max(1, local.month < 3 ? local.year - 1 : local.year)
        let day = days[(year + year / 4 - year / 100 + year / 400 + shift + max(0, local.day)) % 7]
        func two(_ number: Int, _ filler: String = "0") -> String { number < 10 ? "\(filler)\(number)" : "\(number)" }
        let clock = "\(two(local.hour)):\(two(local.minute)):\(two(local.second))"
        return "\(day) \(months[local.month - 1]) \(two(local.day, " ")) \(clock) \(local.year)"
    }
}
