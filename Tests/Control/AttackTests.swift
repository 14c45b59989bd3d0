import Glibc
import NIOCore
import Testing
import WardenControl
import WardenCore
import WardenWire

/// Goal: whoever means harm is refused early, and the log says so once. What takes time or crowds is tried on the whole
/// daemon by Tests/Systemd/bare_attack.py.
@Suite struct AttackTests {
    private static func header(_ password: String) -> String {
        "Authorization: Basic \(Base64.encode(Array("user:\(password)".utf8)))\r\n"
    }

    /// A server whose TCP port wants the password "right".
    private func overTCP(_ body: (TestServer, Int) async throws -> Void) async throws {
        let (descriptor, port) = try bindTCP()
        try await TestServer.run(FakeDaemon()) { listener in
            close(listener.descriptor)
            listener.descriptor = descriptor
            listener.kind = .tcp(host: "127.0.0.1", port: port)
            listener.credentials = ControlCredentials(username: "user", password: "right")
        } _: { (server) async throws in
            try await body(server, port)
        }
    }

    private func ask(_ server: TestServer, _ port: Int, _ password: String) async throws -> Int {
        let request = "GET /api/v1/workers HTTP/1.1\r\nHost: localhost\r\n\(Self.header(password))\r\n"
        return try await server.overTCP(port, request).status
    }

    @Test func guessesAreCounted() async throws {
        try await overTCP { (server, port) async throws in
            var statuses: [Int] = []
            for number in 0..<(ControlLimits.guessesAtOnce + 30) {
                statuses.append(try await ask(server, port, "guess-\(number)"))
            }
            #expect(statuses.prefix(ControlLimits.guessesAtOnce).allSatisfy { $0 == 401 })
            #expect(statuses.contains(429))
            #expect(server.log.count { $0.contains("Refused a wrong password: 127.0.0.1") } == 1)
            #expect(server.log.count { $0.contains("No more passwords are compared") } == 1)
        }
    }

    /// A script with an old password spends nothing, and keeps nobody of its host out.
    @Test func theSameGuessCountsOnce() async throws {
        try await overTCP { (server, port) async throws in
            for _ in 0..<(2 * ControlLimits.guessesAtOnce) {
                #expect(try await ask(server, port, "old") == 401)
            }
            #expect(try await ask(server, port, "right") == 200)
        }
    }

    /// Told or not, the body never comes.
    @Test(arguments: ["Content-Length: 1073741824\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n40000000\r\n"])
    func greatBodiesAreRefusedEarly(rest: String) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            try await server.converse { talk in
                try await talk.send("POST /RPC2 HTTP/1.1\r\nHost: x\r\n\(rest)")
                if rest.contains("chunked") {
                    let piece = String(repeating: "x", count: 256 * 1024)
                    for _ in 0..<5 { try await talk.send(piece) }
                }
                #expect(await talk.answer().status == 413)
                #expect(server.log.count { $0.contains("too large: user \(getuid())") } == 1)
            }
        }
    }

    /// Also behind a proxy that stands before the Unix socket.
    @Test(arguments: [
        "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: http://evil.example", "Origin: null",
    ])
    func foreignPagesChangeNothing(header: String) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            for path in ["/api/v1/workers/cat/stop", "/RPC2", "/?action=stopall"] {
                #expect(try await server.post(path, headers: header + "\r\n").status == 403, "\(path)")
            }
            #expect(try await server.get("/api/v1/workers", headers: header + "\r\n").status == 200)
            #expect(server.log.count { $0.contains("a page of another site") } == 1)
        }
    }

    @Test(arguments: [("/none", "/none"), ("/etc/passwd", "/etc/passwd"), ("/dev/null", "/dev/null")])
    func uselessCertificates(certificate: String, key: String) {
        #expect(TLSFiles(certificate: certificate, key: key).problem()?.subject == .certificate)
    }
}

extension TestLog {
    /// Lines that are so.
    fileprivate func count(_ isSo: (String) -> Bool) -> Int { records.count { isSo($0.message) } }
}
