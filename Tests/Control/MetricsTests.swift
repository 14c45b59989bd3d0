import Glibc
import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// Goal: /metrics is there for whoever may look, unless the configuration has switched it off.
@Suite struct MetricsRouteTests {
    @Test("The answer is text of version 0.0.4, with every worker and the daemon in it")
    func answer() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let answer = try await server.get("/metrics", headers: "Accept: application/openmetrics-text\r\n")
            #expect(answer.status == 200)
            #expect(answer.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
            for line in [
                #"warden_worker_up{worker="cat",group="cat"} 1"#,
                #"warden_worker_up{worker="many:many_01",group="many"} 1"#, #"warden_build_info{version="1.0"} 1"#,
            ] { #expect(answer.text.contains(line + "\n")) }
        }
    }

    @Test("Switched off there is nothing, and the document does not name it")
    func switchedOff() async throws {
        try await TestServer.run(FakeDaemon(), servesMetrics: false) { (server) async throws in
            #expect(try await server.get("/metrics").status == 404)
            #expect(try await !server.get("/api/v1/openapi.json").text.contains("/metrics"))
        }
    }

    @Test("It is no state change: who may only look may ask, over TCP as well, and refused is refused")
    func readers() async throws {
        try await TestServer.run(FakeDaemon(), ownUserID: 4_000_000_000) { listener in
            listener.readers = ControlReaders(userIDs: [getuid()])
        } _: { (server) async throws in
            #expect(try await server.get("/metrics").status == 200)
        }
        for (policy, status) in [(OpenPolicy.full, 200), (.read, 200), (.refuse, 403)] {
            let (descriptor, port) = try bindTCP()
            try await TestServer.run(FakeDaemon()) { listener in
                close(listener.descriptor)
                listener.descriptor = descriptor
                listener.kind = .tcp(host: "127.0.0.1", port: port)
                listener.withoutPassword = policy
            } _: { (server) async throws in
                let answer = try await server.overTCP(port, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
                #expect(answer.status == status)
            }
        }
    }

    @Test("With a password it wants that")
    func password() async throws {
        try await TestServer.run(FakeDaemon()) { listener in
            listener.credentials = ControlCredentials(username: "u", password: "p")
        } _: { (server) async throws in
            #expect(try await server.get("/metrics").status == 401)
            #expect(try await server.get("/metrics", headers: "Authorization: Basic dTpw\r\n").status == 200)
        }
    }

    @Test("A daemon that cannot answer gives no half truth")
    func overloaded() async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.refusal = .overloaded }
        try await TestServer.run(daemon) { (server) async throws in
            #expect(try await server.get("/metrics").status == 503)
        }
    }
}
