import WardenOutbound
import WardenWire
import wardenctl

/// A server of canned answers that remembers what it was asked.
final class FakeServer: ControlServer {
    private(set) var address = "unix:///run/fake.sock"
    private(set) var asked: [String] = []
    private(set) var users: [String] = []
    var answers: [String: Result<XMLRPCValue, ServerFailure>] = [
        "supervisor.getVersion": .success(.string("3.0"))
    ]
    var documents: [String: ControlAnswer] = [:]
    var chunks: [String] = []

    func authenticate(_ credentials: ControlCredentials) {
        users.append("\(credentials.username):\(credentials.password)")
        answers["supervisor.getVersion"] = .success(.string("3.0"))
    }

    /// Answers are looked up by method and first parameter, then by method alone.
    func call(_ method: String, _ parameters: [XMLRPCValue]) async throws(ServerFailure) -> XMLRPCValue {
        let words = parameters.map { value in
            value.string ?? value.int.map { String($0) } ?? "?"
        }
        if method != "supervisor.getVersion" { asked.append(([method] + words).joined(separator: " ")) }
        let key = "\(method) \(words.first ?? "")"
        guard let answer = answers[key] ?? answers[method] else {
            throw .fault(XMLRPCFault(.unknownMethod))
        }
        return try answer.get()
    }

    func get(_ path: String) async throws(ServerFailure) -> ControlAnswer {
        asked.append("GET \(path)")
        return documents[path] ?? ControlAnswer(status: 404, body: Array("<html>".utf8))
    }

    func post(_ path: String, _ body: [UInt8]) async throws(ServerFailure) -> ControlAnswer {
        asked.append("POST \(path)" + (body.isEmpty ? "" : " \(String(decoding: body, as: UTF8.self))"))
        return documents[path] ?? ControlAnswer(status: 404, body: Array(#"{"detail":"no such worker"}"#.utf8))
    }

    func redirect(to url: String) -> Bool {
        guard url.hasPrefix("unix://") || url.hasPrefix("http://") else { return false }
        address = url
        return true
    }

    func follow(
        _ paths: [String], untilEnd: Bool, _ receive: ([UInt8]) -> Void, while goesOn: () async -> Bool
    ) async throws(ServerFailure) -> Int? {
        for path in paths { asked.append("STREAM \(path)") }
        for chunk in chunks { receive(Array(chunk.utf8)) }
        if untilEnd { return chunks.isEmpty ? 404 : 200 }
        while await goesOn() {}
        return nil
    }
}

/// What one command said and how it ended.
struct CommandResult: Hashable {
    var lines: [String]
    var exitCode: Int32
}

/// Carries out one command against `server`; `replies` are what the person answers to questions, in order.
func result(
    of line: String, _ server: FakeServer, isInteractive: Bool = false, wantsJSON: Bool = false, replies: [String] = [],
    typed: [String] = []
) async -> CommandResult {
    var said: [String] = []
    var replies = replies[...]
    var typed = typed[...]
    var runner = CommandRunner(
        server: server, isInteractive: isInteractive, wantsJSON: wantsJSON,
        tell: { output in
            switch output {
            case .line(let line): said.append(line)
            case .raw(let bytes): said.append("raw " + String(decoding: bytes, as: UTF8.self))
            case .error(let line): said.append("stderr " + line)
            }
        },
        ask: { question, _ in
            said.append("? " + question)
            return replies.popFirst()
        },
        attention: Attention(
            begin: {}, end: {}, isInterrupted: { false }, typed: { typed.popFirst().map { .line($0) } ?? .end }))
    _ = await runner.run(line)
    return CommandResult(lines: said, exitCode: runner.exitCode)
}

/// A structure of getProcessInfo.
func info(
    _ group: String, _ process: String, _ state: Int64, _ word: String, _ description: String = "", pid: Int64 = 0
)
    -> XMLRPCValue
{
    .structure([
        .init("name", .string(process)), .init("group", .string(group)), .init("state", .int(state)),
        .init("statename", .string(word)), .init("description", .string(description)), .init("pid", .int(pid)),
        .init("now", .int(100)), .init("start", .int(40)), .init("exitstatus", .int(3)),
    ])
}

/// An entry of the arrays that calls for several processes return.
func entry(_ group: String, _ process: String, _ status: Int64, _ description: String = "") -> XMLRPCValue {
    .structure([
        .init("name", .string(process)), .init("group", .string(group)), .init("status", .int(status)),
        .init("description", .string(description)),
    ])
}
