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

    static func fault(_ kind: XMLRPCFault.Kind, _ subject: String? = nil) -> RPCFailure {
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
            response = .success(try await perform(call, RPCScope(endpoint: self, context)))
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
        if method.isChange, scope.role != .operator {
            scope.context.complaints.note(.reader, from: scope.context.peer.name)
            throw .fault(.failed, ControlContext.readerText)
        }
        return try await method.run(scope, RPCArguments(call.parameters))
    }
}

/// What a method works with: the daemon, and who asks.
struct RPCScope: Sendable {
    let endpoint: RPCEndpoint
    let context: ControlContext

    init(endpoint: RPCEndpoint, _ context: ControlContext) {
        self.endpoint = endpoint
        self.context = context
    }

    var role: ControlRole { context.role }
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

    /// A text in UTF-8, or bytes as they are.
    /// - Throws: INCORRECT_PARAMETERS when it is neither.
    func bytes(_ index: Int) throws(RPCFailure) -> [UInt8] {
        switch value(index) {
        case .string(let text)?: return Array(text.utf8)
        case .base64(let bytes)?: return bytes
        case .int?, .bool?, .double?, .dateTime?, .array?, .structure?, nil: throw .fault(.incorrectParameters)
        }
    }

    /// A whole number, as Python's `int` makes one: of a text of digits, of a boolean, of a fraction cut short.
    /// - Throws: INCORRECT_PARAMETERS when none can be made.
    func number(_ index: Int) throws(RPCFailure) -> Int64 {
        switch value(index) {
        case .int(let number)?: return number
        case .bool(let flag)?: return flag ? 1 : 0
        case .double(let number)?:
            if let whole = Int64(exactly: number.rounded(.towardZero)) { return whole }
        case .string(let text)?:
            if let number = Int64(text) { return number }
        case .base64?, .dateTime?, .array?, .structure?, nil: break
        }
        throw .fault(.incorrectParameters)
    }

    /// `wait`, which may be left out: true. Everything but what Python holds for empty is a yes.
    func wait(_ index: Int) -> Bool {
        switch value(index) {
        case nil: true
        case .bool(let flag)?: flag
        case .int(let number)?: number != 0
        case .double(let number)?: number != 0
        case .string(let text)?, .dateTime(let text)?: !text.isEmpty
        case .base64(let bytes)?: !bytes.isEmpty
        case .array(let elements)?: !elements.isEmpty
        case .structure(let members)?: !members.isEmpty
        }
    }

    /// Texts and numbers, as a text.
    /// - Throws: INCORRECT_PARAMETERS when it is neither.
    func word(_ index: Int) throws(RPCFailure) -> String {
        switch value(index) {
        case .string(let text)?: return text
        case .int(let number)?: return String(number)
        case .bool(let flag)?: return flag ? "1" : "0"
        case .double?, .base64?, .dateTime?, .array?, .structure?, nil: throw .fault(.incorrectParameters)
        }
    }

    /// - Throws: INCORRECT_PARAMETERS when it is no array.
    func list(_ index: Int) throws(RPCFailure) -> [XMLRPCValue] {
        guard let list = value(index)?.array else { throw .fault(.incorrectParameters) }
        return list
    }

    /// A flag that may be left out, which means no.
    func flag(_ index: Int) -> Bool { value(index) != nil && wait(index) }

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
