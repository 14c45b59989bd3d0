import Testing
import WardenControl
import WardenCore
import WardenWire

/// Goal: who watches from outside sees everything once, in order, and is told when something is missing.
@Suite(.timeLimit(.minutes(1))) struct EventTests {
    private static let name = SlotName(group: "g", process: "a")

    private static func publish(_ daemon: FakeDaemon, _ state: ProcessState) {
        daemon.eventHub.publish(
            .announcement(.processState(name, state, from: .stopped, pid: 7, tries: 1, isExpected: true)),
            at: WallTime(microseconds: 1_700_000_000_000_000))
    }

    private static func states(_ text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("data: ") else { return nil }
            // What is no JSON is no event, and then the lists differ.
            let event = try? JSONValue(decoding: Array(line.dropFirst(6).utf8))
            return event?["state"]?.string ?? event?["type"]?.string
        }
    }

    private static func get(_ server: TestServer, _ query: String, _ header: String = "") async throws -> [String] {
        try await server.converse { talk in
            try await talk.send(
                "GET /api/v1/events?\(query) HTTP/1.1\r\nHost: x\r\n\(header)Connection: close\r\n\r\n")
            let text = await talk.text(until: "no such text").replacing("\r\n", with: "\n")
            #expect(text.hasPrefix("HTTP/1.1 200 "))
            #expect(text.lowercased().contains("content-type: text/event-stream\n"))
            return states(text)
        }
    }

    @Test("What has happened comes as far as it is asked for")
    func past() async throws {
        let daemon = FakeDaemon()
        for state in [ProcessState.starting, .running, .stopping] { Self.publish(daemon, state) }
        daemon.eventHub.publish(.announcement(.tick(.five, when: 5)), at: WallTime(microseconds: 0))
        try await TestServer.run(daemon) { (server) async throws in
            #expect(try await Self.get(server, "follow=no") == [])
            #expect(try await Self.get(server, "follow=no&last=2") == ["STOPPING"], "a tick is for listeners")
            #expect(try await Self.get(server, "follow=no&last=1024") == ["STARTING", "RUNNING", "STOPPING"])
            #expect(try await Self.get(server, "follow=no&after=7-1") == ["RUNNING", "STOPPING"])
            #expect(try await Self.get(server, "follow=no", "Last-Event-ID: 7-2\r\n") == ["STOPPING"])
            #expect(try await Self.get(server, "follow=no&after=7-4") == [])
            let all = ["lost", "STARTING", "RUNNING", "STOPPING"]
            #expect(try await Self.get(server, "follow=no&after=6-2") == Array(all.dropFirst()), "of another life")
            for _ in 0..<ControlLimits.rememberedEvents { Self.publish(daemon, .fatal) }
            let late = try await Self.get(server, "follow=no&after=7-1")
            #expect(late.first == "lost")
            #expect(late.count == ControlLimits.rememberedEvents + 1)
        }
    }

    @Test("What happens comes as it happens, and the end of the hub ends it")
    func future() async throws {
        let daemon = FakeDaemon()
        Self.publish(daemon, .starting)
        try await TestServer.run(daemon) { (server) async throws in
            let text = try await server.converse { talk in
                try await talk.send("GET /api/v1/events?last=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                var text = await talk.text(until: "from here on")
                Self.publish(daemon, .running)
                text += await talk.text(until: "RUNNING")
                daemon.eventHub.close()
                return text + (await talk.text(until: "no such text"))
            }
            #expect(Self.states(text.replacing("\r\n", with: "\n")) == ["STARTING", "RUNNING"])
            #expect(text.contains("id: 7-2\nevent: state\n"))
        }
    }
}
