import HTTPTypes
import Hummingbird
import WardenCore
import WardenWire

/// Why a call was not done.
enum RPCFailure: Error {
    /// The client gets a fault.
    case fault(XMLRPCFault)
    /// The shell's mailbox is full: the client gets 503.
    case overloaded

    static func fault(_ kind: XMLRPCFault.Kind, _ subject: String = "") -> RPCFailure {
        .fault(XMLRPCFault(kind, subject))
    }

    init(_ refusal: Refusal) {
        self = refusal == .overloaded ? .overloaded : .fault(XMLRPCFault(refusal))
    }

    /// As an element of `system.multicall`'s result.
    var xmlRPC: XMLRPCValue {
        switch self {
        case .fault(let fault): fault.value
        case .overloaded: XMLRPCFault(Refusal.overloaded).value
        }
    }
}

/// POST /RPC2.
struct RPCEndpoint: Sendable {
    let backend: any ControlBackend
    let settings: ControlSettings
    let logs: LogReader

    /// Reads the call, does it, and writes what came of it.
    func answer(_ request: Request, _ context: ControlContext) async throws -> Response {
        let body = try await request.collectedBody(context)
        if body.isEmpty, request.headers[.contentLength] == nil {
            throw Problem(status: 411, title: "Length Required", detail: "the request has no body")
        }
        let call: XMLRPCCall
        do {
            call = try XMLRPCCall(decoding: body)
        } catch {
            throw Problem(status: 400, title: "Bad Request", detail: "\(error)")
        }
        if call.method.isEmpty { throw Problem(status: 400, title: "Bad Request", detail: "the call names no method") }
        let response: XMLRPCResponse
        do throws(RPCFailure) {
            response = .success(try await perform(call, RPCScope(endpoint: self, role: context.role)))
        } catch {
            switch error {
            case .fault(let fault): response = .fault(fault)
            case .overloaded: throw Problem(.overloaded)
            }
        }
        return Response(bytes: response.encoded(), mediaType: "text/xml")
    }

    /// Does one call, a top-level one or one of a multicall's.
    func perform(_ call: XMLRPCCall, _ scope: RPCScope) async throws(RPCFailure) -> XMLRPCValue {
        guard let method = RPCMethod.all[call.method] else { throw .fault(.unknownMethod) }
        guard method.arity.contains(call.parameters.count) else { throw .fault(.incorrectParameters) }
        if method.isRefusedWhileStopping, backend.daemonIdentity().mood != .running { throw .fault(.shutdownState) }
        if method.isChange, scope.role != .operator { throw .fault(.failed, ControlContext.readerText) }
        return try await method.run(scope, RPCArguments(call.parameters))
    }
}

/// What a method works with: the daemon, and who asks.
struct RPCScope: Sendable {
    let endpoint: RPCEndpoint
    let role: ControlRole

    var backend: any ControlBackend { endpoint.backend }
    var settings: ControlSettings { endpoint.settings }
    var logs: LogReader { endpoint.logs }

    /// Hands a command to the shell.
    /// - Throws: what the shell refused. `.outcomes` with refusals in it is an answer.
    func order(_ command: Command) async throws(RPCFailure) -> Reply {
        try RPCScope.checked(await backend.perform(command))
    }

    /// - Throws: what was refused.
    static func checked(_ reply: Reply) throws(RPCFailure) -> Reply {
        guard case .refused(let refusal) = reply else { return reply }
        throw RPCFailure(refusal)
    }

    /// The snapshots of a selection, in supervisord's order.
    func snapshots(_ selection: Selection) async throws(RPCFailure) -> [WorkerSnapshot] {
        guard case .snapshots(let snapshots) = try await order(.snapshot(selection)) else {
            throw .fault(.failed, "the daemon gave no listing")
        }
        return snapshots.sorted { $0.name < $1.name }
    }

    /// The one worker of a name as clients give it.
    /// - Throws: BAD_NAME with that name, also for `group:*`.
    func worker(_ namespec: String) async throws(RPCFailure) -> WorkerSnapshot {
        let selection = Selection(namespec: namespec)
        guard case .slot = selection else { throw .fault(.badName, namespec) }
        do throws(RPCFailure) {
            guard let worker = try await snapshots(selection).first else { throw RPCFailure.fault(.badName, namespec) }
            return worker
        } catch {
            throw error.naming(namespec)
        }
    }
}

/// The parameters of a call, by position.
struct RPCArguments: Sendable {
    private let values: [XMLRPCValue]

    init(_ values: [XMLRPCValue]) {
        self.values = values
    }

    /// - Throws: INCORRECT_PARAMETERS when it is no text.
    func text(_ index: Int) throws(RPCFailure) -> String {
        guard let text = value(index)?.string else { throw .fault(.incorrectParameters) }
        return text
    }

    /// A whole number; a text of digits counts, as it does for Python's `int`.
    /// - Throws: INCORRECT_PARAMETERS when it is neither.
    func number(_ index: Int) throws(RPCFailure) -> Int64 {
        guard let value = value(index) else { throw .fault(.incorrectParameters) }
        guard let number = value.int ?? value.string.flatMap({ Int64($0) }) else { throw .fault(.incorrectParameters) }
        return number
    }

    /// `wait`, which may be left out: true.
    /// - Throws: INCORRECT_PARAMETERS when it is there and says neither yes nor no.
    func wait(_ index: Int) throws(RPCFailure) -> Bool {
        guard let value = value(index) else { return true }
        guard let wait = value.bool ?? value.int.map({ $0 != 0 }) else { throw .fault(.incorrectParameters) }
        return wait
    }

    /// Texts and numbers, as a text.
    /// - Throws: INCORRECT_PARAMETERS when it is neither.
    func word(_ index: Int) throws(RPCFailure) -> String {
        guard let value = value(index) else { throw .fault(.incorrectParameters) }
        guard let word = value.string ?? value.int.map({ String($0) }) else { throw .fault(.incorrectParameters) }
        return word
    }

    /// - Throws: INCORRECT_PARAMETERS when it is no array.
    func list(_ index: Int) throws(RPCFailure) -> [XMLRPCValue] {
        guard let list = value(index)?.array else { throw .fault(.incorrectParameters) }
        return list
    }

    private func value(_ index: Int) -> XMLRPCValue? {
        values.indices.contains(index) ? values[index] : nil
    }
}

extension Selection {
    /// As clients name workers: `name` is `name:name`; `group:*` and `group:` are the whole group.
    init(namespec: String) {
        guard let colon = namespec.firstIndex(of: ":") else {
            self = .slot(group: namespec, process: namespec)
            return
        }
        let group = String(namespec[..<colon])
        let process = String(namespec[namespec.index(after: colon)...])
        self = process.isEmpty || process == "*" ? .group(group) : .slot(group: group, process: process)
    }
}

extension RPCFailure {
    /// supervisord's faults about one worker carry the name as the client gave it.
    func naming(_ given: String) -> RPCFailure {
        guard case .fault(let fault) = self, let kind = fault.kind else { return self }
        switch kind {
        case .badName, .alreadyStarted, .notRunning, .spawnError, .abnormalTermination, .stillRunning, .alreadyAdded:
            return .fault(kind, given)
        case .unknownMethod, .incorrectParameters, .badArguments, .signatureUnsupported, .shutdownState, .badSignal,
            .noFile, .notExecutable, .failed, .success, .cannotReread:
            return self
        }
    }
}
