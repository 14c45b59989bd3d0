import Glibc
import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// What HTTP clients meet, whatever they ask.
@Suite struct HTTPTests {
    @Test func connectionIsKept() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            try await server.converse { talk in
                for _ in 0..<3 {
                    try await talk.send(TestServer.request("supervisor.getPID", []))
                    let answer = await talk.answer()
                    #expect(answer.status == 200)
                    #expect(answer.has("Content-Type: text/xml"))
                    #expect(answer.has("Date: Mon, 21 Sep 2026 14:14:25 GMT"))
                }
            }
        }
    }

    @Test(
        arguments: [
            ("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n<nope", 400),
            ("POST /RPC2/anything HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n<", 400),
            ("POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 411),
            ("GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            ("GET /logtail/nope HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            ("GET /logtail/cat/stdout HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            ("GET /logtail/cat/nonsense HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            ("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            ("GET /ok.html HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            ("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            ("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            ("NONSENSE\r\n\r\n", 400),
        ])
    func statuses(request: String, status: Int) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            #expect(try await server.send(request).status == status)
        }
    }

    @Test func errorsAreHTMLOutsideTheAPI() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let answer = try await server.get("/nowhere")
            #expect(answer.has("Content-Type: text/html"))
            #expect(answer.text.contains("<h1>404 Not Found</h1>"))
        }
    }

    @Test func tooLongBodyIsRefused() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let body = String(repeating: "x", count: ControlLimits.bodyBytes + 1)
            let head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            #expect(try await server.send(head + body).status == 413)
        }
    }

    @Test func tooLongHeaderIsRefused() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let header = "X-Long: \(String(repeating: "x", count: ControlLimits.headerBytes))\r\n"
            #expect(try await server.get("/ok.html", headers: header).status != 200)
        }
    }

    @Test func unreadyDaemonSaysSo() async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.mood = .shuttingDown }
        try await TestServer.run(daemon) { (server) async throws in
            #expect(try await server.get("/readyz").status == 503)
            #expect(try await server.get("/livez").status == 200)
        }
    }

    @Test func fullMailboxIs503() async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.refusal = .overloaded }
        try await TestServer.run(daemon) { (server) async throws in
            let call = try await server.send(TestServer.request("supervisor.startProcess", [.string("cat")]))
            #expect(call.status == 503)
            #expect(call.has("Retry-After: 1"))
            #expect(try await server.get("/api/v1/workers").status == 503)
        }
    }

    /// 100 clients wait for the shell; others are answered meanwhile, and then so are they.
    @Test func waitingRequestsHoldNobodyUp() async throws {
        let daemon = FakeDaemon(["slow", "cat"])
        try await TestServer.run(daemon, connectionLimit: 128) { (server) async throws in
            try await withThrowingTaskGroup(of: XMLRPCResponse.self) { clients in
                for _ in 0..<100 {
                    clients.addTask { try await server.call("supervisor.startProcess", .string("slow")) }
                }
                await daemon.see(.waits, times: 100)
                for _ in 0..<20 {
                    #expect(try await server.call("supervisor.getPID") == .success(.int(4242)))
                }
                daemon.release()
                for try await response in clients { #expect(response == .success(.bool(true))) }
            }
        }
    }

    @Test func vanishedClientAbandonsItsRequest() async throws {
        let daemon = FakeDaemon(["slow"])
        try await TestServer.run(daemon) { (server) async throws in
            try await server.converse { talk in
                try await talk.send(TestServer.request("supervisor.stopProcess", [.string("slow")]))
                await daemon.see(.waits, times: 1)
            }
            await daemon.see(.abandoned, times: 1)
        }
        #expect(daemon.state.withLock { $0.waiting.isEmpty })
    }

    /// With every place taken by a request that waits, one client more is told 503, and served once a place is free.
    @Test func excessConnectionsAreShed() async throws {
        let daemon = FakeDaemon(["slow"])
        try await TestServer.run(daemon, connectionLimit: 2) { (server) async throws in
            try await withThrowingTaskGroup(of: Void.self) { clients in
                for _ in 0..<2 {
                    clients.addTask { _ = try await server.call("supervisor.startProcess", .string("slow")) }
                }
                await daemon.see(.waits, times: 2)
                try await server.converse { talk in
                    #expect(await talk.answer().status == 503)
                    #expect(await talk.text(until: "never") == "")
                }
                daemon.release()
                try await clients.waitForAll()
            }
        }
    }

    /// `stop` lets a request in progress end.
    @Test func stoppingAnswersFirst() async throws {
        let daemon = FakeDaemon(["slow"])
        try await TestServer.run(daemon) { (server) async throws in
            try await server.converse { talk in
                try await talk.send(TestServer.request("supervisor.stopProcess", [.string("slow")]))
                await daemon.see(.waits, times: 1)
                server.server.stop()
                daemon.release()
                #expect(await talk.answer().status == 200)
                #expect(await talk.text(until: "never") == "")
            }
        }
    }

    /// A request that waits for too long does not hold up the end: it is abandoned.
    @Test func stoppingGivesUpOnWaitingRequests() async throws {
        let daemon = FakeDaemon(["slow"])
        try await TestServer.run(daemon) { (server) async throws in
            try await server.converse { talk in
                try await talk.send(TestServer.request("supervisor.stopProcess", [.string("slow")]))
                await daemon.see(.waits, times: 1)
                server.server.stop()
                await daemon.see(.abandoned, times: 1)
            }
        }
    }

    /// Over TCP without a password the daemon's log says so, in the words that tools look for.
    @Test func openTCPIsLoud() async throws {
        let (descriptor, port) = try bindTCP()
        try await TestServer.run(FakeDaemon()) { listener in
            close(listener.descriptor)
            listener.descriptor = descriptor
            listener.kind = .tcp(host: "127.0.0.1", port: port)
        } _: { (server) async throws in
            #expect(
                server.log.records.contains(
                    LogRecord(
                        .critical,
                        "Server 'inet_http_server' running without any HTTP authentication checking"
                            + " tcp_without_password=read")))
        }
    }

    /// A socket whose file vanished is replaced by a new one.
    @Test func listenersCanBeAdded() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let path = server.directory + "/t"
            let listener = ControlListener(descriptor: try bindUnix(path), kind: .unix(path: path))
            #expect(server.server.add(listener))
            var other = TestServer(path: path, directory: server.directory, server: server.server, log: server.log)
            #expect(try await other.get("/ok.html").text == "OK")
            other = server
            #expect(try await other.get("/ok.html").text == "OK")
        }
    }

    @Test(arguments: [-1, 0x7FFF_FFFF])
    func uselessDescriptorIsAnError(descriptor: Int32) async throws {
        let settings = ControlSettings(
            ownUserID: 0, now: { FakeDaemon.moment.wall }, localTime: { _ in (2026, 1, 1, 0, 0, 0) },
            openLog: { _ in nil }, log: { _ in })
        let listener = ControlListener(descriptor: descriptor, kind: .unix(path: "/nowhere"))
        let server = ControlServer(listeners: [listener], backend: FakeDaemon(), settings: settings)
        await #expect(throws: ControlError.self) { try await server.run() }
    }

    /// Requests that come together are answered one after the other.
    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            try await server.converse { talk in
                let paths = ["/ok.html", "/nowhere", "/livez", "/RPC2"]
                try await talk.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
                for status in [200, 404, 200, 400] { #expect(await talk.answer().status == status) }
            }
        }
    }

    @Test(arguments: ["/", "/ok.html", "/nowhere"])
    func headHasNoBody(path: String) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            try await server.converse { talk in
                try await talk.send("HEAD \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                #expect(await talk.text(until: "\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
                #expect(await talk.text(until: "never") == "")
            }
        }
    }

    /// HTTP/1.0 closes unless the client asks for more.
    @Test func oldClientsKeepTheirConnectionWhenTheyAsk() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            try await server.converse { talk in
                for keepAlive in ["Connection: Keep-Alive\r\n", ""] {
                    try await talk.send("GET /ok.html HTTP/1.0\r\n\(keepAlive)\r\n")
                    #expect(await talk.answer().text == "OK")
                }
                #expect(await talk.text(until: "never") == "")
            }
        }
    }
}
