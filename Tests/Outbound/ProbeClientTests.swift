import Synchronization
import Testing
import WardenCore
import WardenOutbound

/// Goal: what a URL says about demand or life, told apart from what we could not ask.
@Suite struct ProbeClientTests {
    private static func answered(
        _ ask: (ProbeClient, @escaping @Sendable (HookResult) -> Void) -> Bool
    ) async
        -> HookResult?
    {
        let client = ProbeClient()
        let (answers, inlet) = AsyncStream.makeStream(of: HookResult.self)
        guard ask(client, { inlet.yield($0) }) else { return nil }
        return await withTaskGroup(of: HookResult?.self) { group in
            group.addTask {
                await client.run()
                return nil
            }
            group.addTask { await answers.first { _ in true } }
            while let answer = await group.next() {
                guard let answer else { continue }
                group.cancelAll()
                return answer
            }
            return nil
        }
    }

    private static func json(_ body: String) -> ScriptedServer.Answer {
        .text("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private static func number(_ answer: ScriptedServer.Answer, _ pointer: String = "/n") async throws -> HookResult? {
        let server = try ScriptedServer(answer)
        return await server.serving {
            await answered {
                $0.fetchNumber("http://127.0.0.1:\(server.port)/q#\(pointer)", within: .seconds(2), reply: $1)
            }
        }
    }

    @Test(arguments: [
        ("{\"n\":3}", "/n", "3.0"), ("{\"n\":\"4\"}", "/n", "4.0"), ("[1,2]", "", "2.0"),
        ("{\"a b\":{\"c/d\":[5]}}", "/a%20b/c~1d/0", "5.0"), ("{\"50%\":6}", "/50%25", "6.0"),
    ])
    func numbers(_ body: String, _ pointer: String, _ expected: String) async throws {
        #expect(try await Self.number(Self.json(body), pointer) == .exited(code: 0, output: expected))
    }

    @Test(arguments: [
        ("{\"n\":null}", "/n: the value is null"), ("{}", "the answer has nothing at /n"),
        ("<html>", "answer: not JSON at byte 0: no value begins here"),
    ])
    func noNumbers(_ body: String, _ reason: String) async throws {
        #expect(try await Self.number(Self.json(body)) == .failed(reason: reason))
    }

    @Test func statusesAreNoNumbers() async throws {
        #expect(try await Self.number(.status(503)) == .failed(reason: "status 503"))
        let moved = ScriptedServer.Answer.status(302, headers: ["Location: http://127.0.0.1:1/"])
        #expect(try await Self.number(moved) == .failed(reason: "status 302; redirects are not followed"))
    }

    @Test("An endless body is cut off, and a silent server is left in time")
    func bounded() async throws {
        let endless = try await Self.number(.endlessBody(200))
        guard case .failed(let reason)? = endless else {
            Issue.record("an endless body gave \(String(describing: endless))")
            return
        }
        #expect(reason.hasPrefix("the answer is longer than") || reason.hasPrefix("no answer within"))
        #expect(try await Self.number(.silence).map { "\($0)" }?.contains("no answer") == true)
    }

    @Test("Nobody listens: that is an answer. No such host: that is none")
    func refusals() async throws {
        let port = try ScriptedServer.freePort()
        let refused = await Self.answered {
            $0.ask("http://127.0.0.1:\(port)/", within: .seconds(2), reply: $1)
        }
        #expect(refused == .failed(reason: "connection refused"))
        let nameless = await Self.answered {
            $0.ask("http://no-such-host.invalid/", within: .seconds(5), reply: $1)
        }
        #expect(nameless == .couldNotRun(reason: "the host's name cannot be resolved"))
    }
}
