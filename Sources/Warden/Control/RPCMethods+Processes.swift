import WardenCore
import WardenWire

extension RPCScope {
    /// A command about one thing: true, or a fault that names it as the client did.
    func one(_ command: Command, about name: String) async throws(RPCFailure) -> XMLRPCValue {
        do throws(RPCFailure) {
            return try await status(order(command))
        } catch {
            throw error.naming(name)
        }
    }

    /// A command about several workers: their status structures.
    func several(_ command: Command, about name: String? = nil) async throws(RPCFailure) -> XMLRPCValue {
        do throws(RPCFailure) {
            let reply = try await order(command)
            if case .outcomes = reply { return status(reply) }
            return .array([])
        } catch {
            throw name.map(error.naming) ?? error
        }
    }

    /// `startProcess` and its like take one worker, or the group of `group:*`.
    func named(
        _ namespec: String, _ command: (Selection) -> Command
    ) async throws(RPCFailure) -> XMLRPCValue {
        let selection = Selection(namespec: namespec)
        switch selection {
        case .slot: return try await one(command(selection), about: namespec)
        case .group: return try await several(command(selection), about: namespec)
        case .all: return try await several(command(selection))
        }
    }

    private func status(_ reply: Reply) -> XMLRPCValue {
        if case .outcomes(let outcomes) = reply { return .array(outcomes.map(\.xmlRPC)) }
        return .bool(true)
    }
}

extension RPCMethod {
    /// Starting.
    static let startMethods: [RPCMethod] = [
        RPCMethod(
            name: "supervisor.startProcess", signature: ["boolean", "string", "boolean"], optionalCount: 1,
            help: "Starts a worker, or the group of 'group:*'; by default waits until it runs.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let (name, wait) = (try arguments.text(0), arguments.wait(1))
            return try await scope.named(name) { .start($0, wait: wait) }
        },
        RPCMethod(
            name: "supervisor.startProcessGroup", signature: ["array", "string", "boolean"], optionalCount: 1,
            help: "Starts every worker of a group that does not run.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let (name, wait) = (try arguments.word(0), arguments.wait(1))
            return try await scope.several(.start(.group(name), wait: wait), about: name)
        },
        RPCMethod(
            name: "supervisor.startAllProcesses", signature: ["array", "boolean"], optionalCount: 1,
            help: "Starts every worker that does not run.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            try await scope.several(.start(.all, wait: arguments.wait(0)))
        },
    ]

    /// Stopping.
    static let stopMethods: [RPCMethod] = [
        RPCMethod(
            name: "supervisor.stopProcess", signature: ["boolean", "string", "boolean"], optionalCount: 1,
            help: "Stops a worker, or the group of 'group:*'; by default waits until it has stopped.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let (name, wait) = (try arguments.text(0), arguments.wait(1))
            return try await scope.named(name) { .stop($0, wait: wait) }
        },
        RPCMethod(
            name: "supervisor.stopProcessGroup", signature: ["array", "string", "boolean"], optionalCount: 1,
            help: "Stops every worker of a group that runs.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let (name, wait) = (try arguments.word(0), arguments.wait(1))
            return try await scope.several(.stop(.group(name), wait: wait), about: name)
        },
        RPCMethod(
            name: "supervisor.stopAllProcesses", signature: ["array", "boolean"], optionalCount: 1,
            help: "Stops every worker that runs.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            try await scope.several(.stop(.all, wait: arguments.wait(0)))
        },
    ]

    /// Signals.
    static let signalMethods: [RPCMethod] = [
        RPCMethod(
            name: "supervisor.signalProcess", signature: ["boolean", "string", "string"],
            help: "Sends a signal, by name or number, to a worker or to the group of 'group:*'.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let (name, signal) = (try arguments.text(0), try arguments.word(1))
            let selection = Selection(namespec: name)
            guard case .slot = selection else { return try await scope.signalAll(selection, signal, about: name) }
            // supervisord looks the worker up before it looks at the signal.
            _ = try await scope.worker(name)
            guard let number = Signal(parsing: signal) else { throw .fault(.badSignal, signal) }
            return try await scope.one(.signal(selection, number), about: name)
        },
        RPCMethod(
            name: "supervisor.signalProcessGroup", signature: ["array", "string", "string"],
            help: "Sends a signal to every worker of a group.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let name = try arguments.word(0)
            return try await scope.signalAll(.group(name), arguments.word(1), about: name)
        },
        RPCMethod(
            name: "supervisor.signalAllProcesses", signature: ["array", "string"],
            help: "Sends a signal to every worker.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            try await scope.signalAll(.all, arguments.word(0))
        },
    ]

    /// Standard input and events.
    static let inputMethods: [RPCMethod] = [
        RPCMethod(
            name: "supervisor.sendProcessStdin", signature: ["boolean", "string", "string"],
            help: "Writes a text to a worker's standard input.", isChange: true
        ) { (scope, arguments) async throws(RPCFailure) in
            let (name, bytes) = (try arguments.text(0), try arguments.bytes(1))
            let worker = try await scope.worker(name)
            guard worker.pid != nil, worker.state != .stopping else { throw .fault(.notRunning, name) }
            do throws(RPCFailure) {
                _ = try RPCScope.checked(await scope.backend.writeInput(worker.name, bytes))
            } catch {
                throw error.naming(name)
            }
            return .bool(true)
        },
        RPCMethod(
            name: "supervisor.sendRemoteCommEvent", signature: ["boolean", "string", "string"],
            help: "Sends an event with a type and data to the listeners.", isChange: true,
            isRefusedWhileStopping: false
        ) { (scope, arguments) async throws(RPCFailure) in
            let (type, data) = (try arguments.word(0), try arguments.word(1))
            _ = try RPCScope.checked(await scope.backend.sendEvent(type: type, data: data))
            return .bool(true)
        },
    ]
}

extension RPCScope {
    /// An unknown signal is reported for each worker that could have got one.
    ///
    /// Signal 0 reaches nobody; it finds those workers, in the right order.
    func signalAll(
        _ selection: Selection, _ signal: String, about name: String? = nil
    ) async throws(RPCFailure) -> XMLRPCValue {
        if let number = Signal(parsing: signal) { return try await several(.signal(selection, number), about: name) }
        do throws(RPCFailure) {
            guard case .outcomes(let outcomes) = try await order(.signal(selection, Signal(0))) else {
                return .array([])
            }
            let signallable = outcomes.filter { $0.refusal == nil }
            return .array(signallable.map { SlotOutcome(name: $0.name, refusal: .badSignal(signal)).xmlRPC })
        } catch {
            throw name.map(error.naming) ?? error
        }
    }
}
