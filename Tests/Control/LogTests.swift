import Glibc
import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// Reading and following logs.
@Suite struct LogTests {
    private static let cat = SlotName(group: "cat", process: "cat")

    private func withLog<Result: Sendable>(
        _ text: String, _ body: (TestServer, String) async throws -> Result
    ) async throws -> Result {
        let daemon = FakeDaemon()
        return try await TestServer.run(daemon, connectionLimit: 128) { (server) async throws in
            let path = server.directory + "/log"
            try writeFile(path, text)
            daemon.state.withLock { state in
                state.logs[LogTests.cat] = path
                state.mainLog = path
            }
            return try await body(server, path)
        }
    }

    @Test(
        arguments: [
            (0, 0, "0123456789"), (4, 0, "456789"), (4, 3, "456"), (-3, 0, "789"), (-100, 0, "0123456789"),
            (20, 0, ""), (8, 100, "89"),
        ] as [(Int64, Int64, String)]
    )
    func reading(offset: Int64, length: Int64, text: String) async throws {
        try await withLog("0123456789") { (server, _) async throws in
            for method in ["supervisor.readProcessStdoutLog", "supervisor.readProcessLog"] {
                #expect(
                    try await server.call(method, .string("cat"), .int(offset), .int(length))
                        == .success(.string(text)))
            }
            for method in ["supervisor.readLog", "supervisor.readMainLog"] {
                #expect(try await server.call(method, .int(offset), .int(length)) == .success(.string(text)))
            }
        }
    }

    @Test(arguments: [(-3, 1), (0, -1)] as [(Int64, Int64)])
    func badArguments(offset: Int64, length: Int64) async throws {
        try await withLog("0123456789") { (server, _) async throws in
            #expect(
                try await server.call("supervisor.readProcessStdoutLog", .string("cat"), .int(offset), .int(length))
                    == .fault(XMLRPCFault(.badArguments)))
        }
    }

    @Test(
        arguments: [
            (0, 100, "0123456789", false), (0, 4, "6789", true), (10, 100, "", false), (0, 10, "0123456789", false),
            (0, 0, "", true),
        ] as [(Int64, Int64, String, Bool)]
    )
    func tailing(offset: Int64, length: Int64, text: String, overflow: Bool) async throws {
        try await withLog("0123456789") { (server, _) async throws in
            #expect(
                try await server.call("supervisor.tailProcessStdoutLog", .string("cat"), .int(offset), .int(length))
                    == .success(.array([.string(text), .int(10), .bool(overflow)])))
        }
    }

    @Test func missingLogIsAnEmptyTailAndNoFile() async throws {
        try await withLog("x") { (server, path) async throws in
            unlink(path)
            #expect(
                try await server.call("supervisor.tailProcessLog", .string("cat"), .int(0), .int(10))
                    == .success(.array([.string(""), .int(0), .bool(false)])))
            #expect(
                try await server.call("supervisor.readLog", .int(0), .int(10))
                    == .fault(XMLRPCFault(.noFile, path)))
        }
    }

    /// A fifo is somebody else's to read, and opening one could wait for ever.
    @Test func fifosAreNotRead() async throws {
        try await withLog("x") { (server, path) async throws in
            unlink(path)
            #expect(mkfifo(path, 0o600) == 0)
            guard case .fault(let fault) = try await server.call("supervisor.readLog", .int(0), .int(10)) else {
                Issue.record("a fifo was read")
                return
            }
            #expect(fault.kind == .failed)
        }
    }

    @Test func controlCharactersDoNotBreakClients() async throws {
        try await withLog("a\u{1B}[31mb") { (server, _) async throws in
            #expect(
                try await server.call("supervisor.readLog", .int(0), .int(0)) == .success(.string("a[31mb")))
        }
    }

    @Test func clearingIsPassedOn() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            #expect(
                try await server.call("supervisor.clearProcessLog", .string("cat")) == .success(.bool(true)))
            guard case .success(let list) = try await server.call("supervisor.clearAllProcessLogs") else { return }
            #expect(list.array?.count == 3)
        }
        let cat = Selection.slot(group: "cat", process: "cat")
        #expect(daemon.state.withLock { $0.cleared } == [.workers(cat), .workers(.all)])
    }

    /// `tail -f` begins 1024 bytes before the end, goes on across rotation, and says when the file was cut.
    @Test func followingGoesOnAcrossRotation() async throws {
        let text = String(repeating: "x", count: 2000) + "first\n"
        try await withLog(text) { (server, path) async throws in
            try await server.converse { talk in
                try await talk.send("GET /logtail/cat/stdout HTTP/1.1\r\nHost: x\r\n\r\n")
                let head = await talk.text(until: "\r\n\r\n")
                #expect(head.lowercased().contains("transfer-encoding: chunked"))
                #expect(await talk.text(until: "first\n").count { $0 == "x" } == 1018)
                try writeFile(path, "second\n", append: true)
                _ = await talk.text(until: "second\n")
                rename(path, path + ".1")
                try writeFile(path, "third\n")
                _ = await talk.text(until: "third\n")
                try writeFile(path, "")
                #expect(await talk.text(until: "truncated <==\n").contains("==> File"))
            }
        }
    }

    /// HTTP/1.0 knows no chunks: the text comes as it is and at once, and the connection is said to end with it.
    @Test(arguments: ["", "Connection: Keep-Alive\r\n"])
    func oldClientsFollowToo(headers: String) async throws {
        try await withLog("first\n") { (server, path) async throws in
            try await server.converse { talk in
                try await talk.send("GET /mainlogtail HTTP/1.0\r\n\(headers)\r\n")
                let head = await talk.text(until: "\r\n\r\n").lowercased()
                #expect(head.hasPrefix("http/1.0 200 "))
                #expect(head.contains("connection: close\r\n"))
                #expect(!head.contains("transfer-encoding") && !head.contains("content-length"))
                #expect(head.contains("last-modified: ") && head.contains("x-content-type-options: nosniff"))
                #expect(await talk.text(until: "first\n") == "first\n")
                try writeFile(path, "second\n", append: true)
                #expect(await talk.text(until: "second\n") == "second\n")
            }
        }
    }

    /// Followers have places of their own; one that goes makes room for another.
    @Test func followersAreCounted() async throws {
        try await withLog("first\n") { (server, _) async throws in
            try await withThrowingTaskGroup(of: Void.self) { followers in
                let (begun, inlet) = AsyncStream<Void>.makeStream()
                for _ in 0..<ControlLimits.followers {
                    followers.addTask {
                        try await server.converse { talk in
                            try await talk.send("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n")
                            _ = await talk.text(until: "first\n")
                            inlet.yield()
                            _ = await talk.text(until: "never")
                        }
                    }
                }
                var count = 0
                for await _ in begun {
                    count += 1
                    if count == ControlLimits.followers { break }
                }
                #expect(try await server.get("/mainlogtail").status == 503)
                #expect(try await server.get("/ok.html").status == 200)
                server.server.stop()
                try await followers.waitForAll()
            }
        }
    }
}
