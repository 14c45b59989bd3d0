import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// The JSON interface.
@Suite struct JSONTests {
    @Test func workersAreListedByName() async throws {
        try await TestServer.run(FakeDaemon(["z", "cat"])) { (server) async throws in
            let answer = try await server.get("/api/v1/workers")
            #expect(answer.has("Content-Type: application/json"))
            #expect(try answer.json().array?.map { $0["name"]?.string } == ["cat", "z"])
        }
    }

    @Test(
        arguments: ["/api/v1/workers/many:many_00", "/api/v1/workers/many%3Amany_00"])
    func oneWorker(path: String) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let worker = try await server.get(path).json()
            #expect(worker["name"]?.string == "many:many_00")
            #expect(worker["state"]?.string == "RUNNING")
        }
    }

    @Test(
        arguments: [
            ("GET", "/api/v1/workers/nope", "", 404), ("GET", "/api/v1/workers/many:*", "", 404),
            ("GET", "/api/v1/workers/cat/samples?after=x", "", 400), ("GET", "/api/v1/workers/many:*/samples", "", 404),
            ("GET", "/api/v1/workers/nope/why", "", 404), ("GET", "/api/v1/workers/cat/descriptors", "", 409),
            ("GET", "/api/v1/incidents/none", "", 404), ("GET", "/api/v1/incidents?limit=0", "", 400),
            ("GET", "/api/v1/incidents?limit=x", "", 400), ("GET", "/api/v1/nowhere", "", 404),
            ("GET", "/api/v1/workers/cat/stop", "", 405), ("POST", "/api/v1/workers/nope/start", "", 404),
            ("POST", "/api/v1/workers/cat/start", "", 409), ("POST", "/api/v1/workers/cat/start", "{", 400),
            ("POST", "/api/v1/workers/cat/signal", "{\"signal\":\"FOO\"}", 400),
            ("POST", "/api/v1/workers/cat/signal", "", 400),
        ])
    func problems(method: String, path: String, body: String, status: Int) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let answer = try await server.send(
                "\(method) \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(answer.status == status)
            #expect(answer.has("Content-Type: application/problem+json"))
            #expect(try answer.json()["status"]?.integer == Int64(status))
            #expect(try answer.json()["detail"]?.string?.isEmpty == false)
        }
    }

    @Test func changesBecomeCommands() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let done: JSONValue = .object(["done": .bool(true)])
            #expect(try await server.post("/api/v1/workers/cat/signal", "{\"signal\":\"HUP\"}").json() == done)
            #expect(try await server.post("/api/v1/workers/cat/pause-health").json() == done)
            #expect(try await server.post("/api/v1/workers/cat/resume-health").json() == done)
            #expect(try await server.post("/api/v1/workers/cat/stop", "{\"wait\":false}").json() == done)
            #expect(try await server.post("/api/v1/workers/cat/restart").json() == done)
            let group = try await server.post("/api/v1/workers/many:*/stop").json()
            #expect(group["outcomes"]?.array?.count == 2)
        }
        let cat = Selection.slot(group: "cat", process: "cat")
        #expect(
            daemon.state.withLock { $0.commands } == [
                .signal(cat, Signal(1)), .pauseHealth(cat), .resumeHealth(cat), .stop(cat, wait: false),
                .stop(cat, wait: true), .start(cat, wait: true), .stop(.group("many"), wait: true),
            ])
    }

    @Test("A drill is ordered with its kind, and answered with how it goes")
    func drills() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let begun = try await server.post(
                "/api/v1/workers/cat/drill", #"{"kind":"hang","act":true,"for_seconds":90,"lease_seconds":15}"#
            ).json()
            #expect(begun["kind"]?.string == "hang" && begun["end"] == .null)
            #expect(try await server.post("/api/v1/workers/cat/drill", #"{"kind":"flood"}"#).status == 400)
            #expect(
                try await server.post("/api/v1/workers/cat/drill", #"{"kind":"hang","for_seconds":-1}"#).status == 400)
            for path in ["cat/drill/watch", "cat/drill/stop"] {
                let answer = try await server.post("/api/v1/workers/\(path)")
                #expect(answer.status == 409)
                #expect(answer.text.contains("no drill is under way"))
            }
            #expect(try await server.post("/api/v1/workers/nope/drill", #"{"kind":"hang"}"#).status == 404)
        }
        let cat = Selection.slot(group: "cat", process: "cat")
        let order = DrillOrder(.hang, acts: true, duration: .seconds(90), lease: .seconds(15))
        #expect(
            daemon.state.withLock { $0.commands } == [
                .startDrill(cat, order), .watchDrill(cat), .stopDrill(cat),
                .startDrill(.slot(group: "nope", process: "nope"), DrillOrder(.hang)),
            ])
    }

    @Test func whyAndDescriptors() async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { state in
            state.census = DescriptorCensus(
                worker: SlotName(group: "cat", process: "cat"),
                reading: DescriptorReading(pid: 1001, count: 250, softLimit: 256, hardLimit: 4096),
                kinds: [Forensics.KindCount(kind: "pipe", count: 248)], trend: nil)
        }
        try await TestServer.run(daemon) { (server) async throws in
            #expect(try await server.get("/api/v1/workers/cat/why").json()["worker"]?["name"]?.string == "cat")
            #expect(try await server.get("/api/v1/workers/cat/descriptors").json()["fds"]?.integer == 250)
        }
    }

    @Test func incidents() async throws {
        let daemon = FakeDaemon()
        let verdict = Verdict(
            condition: .dark(.emfile), grade: .proven, since: FakeDaemon.moment, evidence: [], reason: "full")
        let incidents = ["a", "b", "c"].map { id in
            Incident(
                id: id, worker: SlotName(group: "cat", process: "cat"), generation: Generation(1),
                at: FakeDaemon.moment.wall, verdict: verdict, action: .restart)
        }
        daemon.state.withLock { $0.incidents = incidents }
        try await TestServer.run(daemon) { (server) async throws in
            func ids(_ path: String) async throws -> [String?]? {
                try await server.get(path).json().array?.map { $0["id"]?.string }
            }
            #expect(try await ids("/api/v1/incidents") == ["a", "b", "c"])
            #expect(try await ids("/api/v1/incidents?limit=2") == ["a", "b"])
            #expect(try await ids("/api/v1/incidents?worker=cat&limit=1") == ["a"])
            #expect(try await ids("/api/v1/incidents?worker=many:many_00") == [])
            #expect(try await server.get("/api/v1/incidents/b").json()["id"]?.string == "b")
        }
    }
}
