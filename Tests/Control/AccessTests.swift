import Glibc
import Testing
import WardenControl
import WardenCore
import WardenWire

/// Who may do what.
@Suite struct AccessTests {
    private static let changes = ["start", "stop", "restart", "pause-health", "resume-health"]

    @Test(
        arguments: [
            ("thepass", "user:thepass", true),
            ("thepass", "user:thepassx", false),
            ("thepass", "userx:thepass", false),
            ("thepass", "user:", false),
            ("thepass", "user", false),
            ("the:pass", "user:the:pass", true),
            ("{SHA}7d38e88a82281145b1918f38af2ed57c5a00ea8e", "user:thepass", true),
            ("{SHA}7D38E88A82281145B1918F38AF2ED57C5A00EA8E", "user:thepass", true),
            ("{SHA}7d38e88a82281145b1918f38af2ed57c5a00ea8e", "user:other", false),
        ])
    func passwords(password: String, given: String, isAdmitted: Bool) async throws {
        try await TestServer.run(FakeDaemon()) { listener in
            listener.credentials = ControlCredentials(username: "user", password: password)
        } _: { (server) async throws in
            let header = "Authorization: Basic \(Base64.encode(Array(given.utf8)))\r\n"
            let answer = try await server.get("/ok.html", headers: header)
            #expect(answer.status == (isAdmitted ? 200 : 401))
        }
    }

    @Test func missingPasswordIsAskedFor() async throws {
        try await TestServer.run(FakeDaemon()) { listener in
            listener.credentials = ControlCredentials(username: "user", password: "thepass")
        } _: { (server) async throws in
            let call = try await server.send(TestServer.request("supervisor.getPID", []))
            #expect(call.status == 401)
            #expect(call.has("WWW-Authenticate: Basic realm=\"default\""))
            let digest = try await server.get("/api/v1/workers", headers: "Authorization: Digest x\r\n")
            #expect(digest.status == 401)
            #expect(digest.has("Content-Type: application/problem+json"))
            #expect(try await server.get("/livez").status == 200)
        }
    }

    @Test func passwordIsNotDescribed() {
        let credentials = ControlCredentials(username: "user", password: "thepass")
        var text = "\(credentials)"
        dump(credentials, to: &text)
        #expect(!text.contains("thepass"))
    }

    /// Our own user and root are operators whatever `readers` says; anybody else who is listed may only look.
    ///
    /// The test is its own peer, so the daemon's user is what varies.
    @Test(arguments: [
        (true, true, true), (false, false, true), (false, true, getuid() == 0),
    ])
    func readersMayOnlyLook(isOwnUser: Bool, isListed: Bool, isOperator: Bool) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon, ownUserID: isOwnUser ? getuid() : 4_000_000_000) { listener in
            if isListed { listener.readers = ControlReaders(userIDs: [getuid()]) }
        } _: { (server) async throws in
            try await expect(server, isOperator: isOperator)
        }
    }

    private func expect(_ server: TestServer, isOperator: Bool) async throws {
        #expect(try await server.get("/api/v1/workers").status == 200)
        for change in AccessTests.changes {
            let status = try await server.post("/api/v1/workers/cat/\(change)").status
            #expect((status != 403) == isOperator, "\(change) gave \(status)")
        }
        let refused = XMLRPCFault(.failed, "this client may look, but change nothing")
        let shutdown = try await server.call("supervisor.shutdown")
        #expect((shutdown != .fault(refused)) == isOperator)
    }

    @Test(arguments: OpenPolicy.allCases)
    func openTCPIsServedAsConfigured(policy: OpenPolicy) async throws {
        let (descriptor, port) = try bindTCP()
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { listener in
            close(listener.descriptor)
            listener.descriptor = descriptor
            listener.kind = .tcp(host: "127.0.0.1", port: port)
            listener.withoutPassword = policy
        } _: { (server) async throws in
            let look = try await server.overTCP(port, "GET /api/v1/workers HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(look.status == (policy == .refuse ? 403 : 200))
            let change = try await server.overTCP(
                port, "POST /api/v1/workers/cat/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            #expect(change.status == (policy == .full ? 200 : 403))
            let alive = try await server.overTCP(port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(alive.status == 200)
        }
    }

    /// A page of another site, or one that points a name of its own at this host, gets nowhere.
    @Test(
        arguments: [
            ("localhost:9001", nil, 200), ("127.0.0.1:9001", nil, 200), ("[::1]:9001", nil, 200),
            ("evil.example", nil, 403), ("evil.example:9001", nil, 403), ("127.0.0.1.evil.example", nil, 403),
            ("localhost:9001", "http://localhost:9001", 200), ("localhost:9001", "http://evil.example", 403),
            ("localhost:9001", "null", 403),
        ] as [(String, String?, Int)]
    )
    func browsersAreNotUsedAgainstUs(host: String, origin: String?, status: Int) async throws {
        let (descriptor, port) = try bindTCP()
        try await TestServer.run(FakeDaemon()) { listener in
            close(listener.descriptor)
            listener.descriptor = descriptor
            listener.kind = .tcp(host: "127.0.0.1", port: port)
            listener.withoutPassword = .full
        } _: { (server) async throws in
            let header = origin.map { "Origin: \($0)\r\n" } ?? ""
            let request =
                "POST /api/v1/workers/cat/stop HTTP/1.1\r\nHost: \(host)\r\n\(header)Content-Length: 0\r\n\r\n"
            #expect(try await server.overTCP(port, request).status == status)
        }
    }
}

extension TestServer {
    func overTCP(_ port: Int, _ request: String) async throws -> Answer {
        try await converse(port: port) { talk in
            try await talk.send(request)
            return await talk.answer()
        }
    }
}
