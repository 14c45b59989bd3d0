import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// Goal: the OpenAPI document that the daemon serves is true. Every answer of every route is held against it.
@Suite struct APITests {
    private static let documentPath = "/api/v1/openapi.json"

    @Test("Every path of the document is served, by the methods that it names and no others")
    func routes() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let paths = try #require(try await Self.document(server)["paths"].flatMap(Self.members))
            #expect(paths.count == 24)
            try await server.converse { talk in
                for (path, item) in paths { try await Self.tryMethods(path, item, &talk) }
            }
            for path in ["/api/v1/nowhere", "/api/v1/workers/cat/nothing", "/api/v1", "/api/v1/incidents/7/x"] {
                #expect(try await server.get(path).status == 404)
            }
        }
    }

    private static func tryMethods(_ path: String, _ item: JSONValue, _ talk: inout Conversation) async throws {
        let real = path.replacing("{name}", with: "cat").replacing("{id}", with: "7")
        let known = members(item).map { $0.0.uppercased() }
        let allowed = known + (known.contains("GET") ? ["HEAD"] : []) + ["OPTIONS"]
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "QUERY", "OPTIONS"] {
            // A stream has no end: EventTests has it.
            if method == "GET", path == "/api/v1/events" { continue }
            try await talk.send("\(method) \(real) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            let answer = await talk.answer()
            let isRefused = answer.status == 405 || answer.status == 204
            #expect(isRefused != known.contains(method), "\(method) \(path): \(answer.status)")
            guard isRefused else { continue }
            #expect((answer.status == 204) == (method == "OPTIONS"))
            #expect(answer.has("Allow: \(allowed.joined(separator: ", "))"))
            #expect(answer.status == 204 || answer.has("Content-Type: application/problem+json"))
        }
    }

    @Test("HEAD answers as GET does, without the body")
    func head() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let full = try await server.get("/api/v1/workers")
            let text = try await server.converse { talk in
                try await talk.send("HEAD /api/v1/workers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return await talk.text(until: "no such text")
            }
            #expect(text.hasPrefix("HTTP/1.1 200 "))
            #expect(text.lowercased().contains("content-length: \(full.body.count)\r\n"))
            #expect(text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("With a password the document says so, and /livez and /readyz are open all the same")
    func security() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let document = try await Self.document(server)
            #expect(document["components"]?["securitySchemes"] == nil)
            #expect(document.value(at: "/paths/~1api~1v1~1workers/get/responses/401") == nil)
        }
        try await TestServer.run(
            FakeDaemon(), listener: { $0.credentials = ControlCredentials(username: "u", password: "p") }
        ) { (server) async throws in
            #expect(try await server.get(Self.documentPath).status == 401)
            let document = try await server.get(Self.documentPath, headers: "Authorization: Basic dTpw\r\n").json()
            #expect(document.value(at: "/components/securitySchemes/password/scheme")?.string == "basic")
            let livez = document.value(at: "/paths/~1livez/get")
            #expect(livez?["security"]?.array == [] && livez?["responses"]?["401"] == nil)
            let workers = document.value(at: "/paths/~1api~1v1~1workers/get")
            #expect(workers?["security"]?.array?.count == 1 && workers?["responses"]?["401"] != nil)
        }
    }

    @Test("Every answer is what the document says, member by member")
    func answers() async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.fill() }
        try await TestServer.run(daemon) { (server) async throws in
            let check = SchemaCheck(document: try await Self.document(server))
            for request in Self.requests {
                let answer = try await server.send(
                    "\(request.method) \(request.path) HTTP/1.1\r\nHost: x\r\n"
                        + "Content-Length: \(request.body.utf8.count)\r\n\r\n\(request.body)")
                let name = "\(request.method) \(request.path) \(request.body)"
                #expect(answer.status == request.status, "\(name)")
                #expect(try Self.problems(check, request, answer) == [], "\(name)")
            }
        }
    }

    private struct Sent: Sendable {
        var method = "GET"
        var path: String
        /// In the document.
        var template: String
        var body = ""
        var status = 200

        init(_ method: String, _ path: String, _ template: String, _ body: String = "", _ status: Int = 200) {
            (self.method, self.path, self.template) = (method, path, template)
            (self.body, self.status) = (body, status)
        }
    }

    private static let workers = "/api/v1/workers"
    private static let requests: [Sent] =
        [
            Sent("GET", workers, workers), Sent("GET", "/livez", "/livez"), Sent("GET", "/readyz", "/readyz"),
            Sent("GET", documentPath, documentPath), Sent("GET", "/api/v1/daemon", "/api/v1/daemon"),
            Sent("GET", "/api/v1/events?follow=maybe", "/api/v1/events", "", 400),
            Sent("GET", "/api/v1/alerts", "/api/v1/alerts"),
            Sent("POST", "/api/v1/alerts/ops/test", "/api/v1/alerts/{name}/test"),
            Sent("POST", "/api/v1/alerts/deaf/test", "/api/v1/alerts/{name}/test"),
            Sent("POST", "/api/v1/alerts/x/test", "/api/v1/alerts/{name}/test", "", 404),
            Sent("GET", "/metrics", "/metrics"),
            Sent("GET", "/api/v1/incidents", "/api/v1/incidents"),
            Sent("GET", "/api/v1/incidents?limit=x", "/api/v1/incidents", "", 400),
            Sent("GET", "/api/v1/incidents?worker=many:*", "/api/v1/incidents", "", 404),
            Sent("GET", "/api/v1/incidents/17-ab", "/api/v1/incidents/{id}"),
            Sent("GET", "/api/v1/incidents/none", "/api/v1/incidents/{id}", "", 404),
        ]
        + ["", "/why", "/descriptors", "/samples"].flatMap { end in
            [
                Sent("GET", "\(workers)/cat\(end)", "\(workers)/{name}\(end)"),
                Sent("GET", "\(workers)/many%3A*\(end)", "\(workers)/{name}\(end)", "", 404),
            ]
        } + [
            Sent("GET", "\(workers)/many%3Amany_00/why", "\(workers)/{name}/why"),
            Sent("GET", "\(workers)/many%3Amany_00/descriptors", "\(workers)/{name}/descriptors", "", 409),
            change("stop"), change("start"), change("start", "", 409), change("start", "[]", 400),
            change("restart"), change("signal", #"{"signal":1}"#), change("signal", #"{"signal":"x"}"#, 400),
            change("pause-health", #"{"for_seconds":null}"#), change("resume-health", "{}"),
            change("drill", #"{"kind":"hang"}"#), change("drill/watch", "", 409), change("drill/stop", "", 409),
            Sent("POST", "\(workers)/many%3A*/stop", "\(workers)/{name}/stop"),
            Sent("POST", "\(workers)/nobody/restart", "\(workers)/{name}/restart", "", 404),
        ]

    private static func change(_ end: String, _ body: String = "", _ status: Int = 200) -> Sent {
        Sent("POST", "\(workers)/cat/\(end)", "\(workers)/{name}/\(end)", body, status)
    }

    private static func problems(_ check: SchemaCheck, _ request: Sent, _ answer: Answer) throws -> [String] {
        let path = request.template.replacing("/", with: "~1")
        let pointer = "/paths/\(path)/\(request.method.lowercased())/responses/\(answer.status)"
        guard var told = check.document.value(at: pointer) else { return ["\(answer.status) is not described"] }
        if let reference = told["$ref"]?.string {
            told = try #require(check.document.value(at: String(reference.dropFirst())))
        }
        guard let content = told["content"].flatMap(members)?.first else { return ["no content is described"] }
        let type = answer.fields.first { $0.lowercased().hasPrefix("content-type: ") }?.dropFirst(14).prefix {
            $0 != ";"
        }
        guard type == content.0[...] else { return ["the type is \(type ?? "not there"), not \(content.0)"] }
        let schema = try #require(content.1["schema"])
        if content.0 == "text/plain" { return check.problems(.string(answer.text), schema) }
        // Of the document itself only the beginning is described.
        if request.template == documentPath {
            return try answer.json()["openapi"]?.string == "3.1.0" ? [] : ["version"]
        }
        return check.problems(try answer.json(), schema)
    }

    // MARK: Bodies and addresses

    @Test(
        "A body that is not what the document says is refused, and nothing is done",
        arguments: [
            ("start", "null"), ("start", "[]"), ("start", "true"), ("start", #"{"wait":1}"#),
            ("start", #"{"wait":"no"}"#),
            ("start", #"{"wiat":false}"#), ("start", #"{"wait":true,"wait":true}"#), ("start", "{} {}"),
            ("pause-health", #"{"for_seconds":0}"#), ("pause-health", #"{"for_seconds":-0.5}"#),
            ("pause-health", #"{"for_seconds":1e9}"#), ("pause-health", #"{"for_seconds":"5"}"#),
            ("pause-health", #"{"for_second":5}"#), ("resume-health", #"{"x":1}"#), ("signal", #"{"signal":null}"#),
            ("signal", #"{"signal":65}"#), ("signal", #"{"signal":1.5}"#), ("signal", #"{"signal":"hup"}"#),
            ("signal", "{}"), ("drill", "{}"), ("drill", #"{"kind":"hang","act":"yes"}"#),
            ("drill", #"{"kind":"hang","lease_seconds":0}"#), ("drill", #"{"kind":"hang","for_seconds":3601}"#),
            ("drill/stop", #"{"kind":"hang"}"#),
        ])
    func badBodies(_ end: String, _ body: String) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let answer = try await server.post("/api/v1/workers/cat/\(end)", body)
            #expect(answer.status == 400)
            #expect(answer.has("Content-Type: application/problem+json"))
        }
        #expect(daemon.state.withLock { $0.commands } == [])
    }

    @Test(
        "Only JSON is taken for JSON",
        arguments: [
            ("application/json", 200), ("Application/JSON; charset=utf-8", 200), ("application/json ;charset=x", 200),
            ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/jsonx", 415), ("", 415),
        ])
    func mediaTypes(_ type: String, _ status: Int) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let headers = "Content-Type: \(type)\r\n"
            #expect(try await server.post("/api/v1/workers/cat/pause-health", "{}", headers: headers).status == status)
            // Without a body there is nothing that could be of a wrong type.
            #expect(try await server.post("/api/v1/workers/cat/pause-health", "", headers: headers).status == 200)
        }
    }

    @Test(
        "An address that cannot be read is refused",
        arguments: [
            ("/api/v1/workers/%00", 404), ("/api/v1/workers/%ff", 404), ("/api/v1/workers/%+1", 404),
            ("/api/v1/workers/%", 404), ("/api/v1/workers/a%2Fb", 404), ("/api/v1/workers/%63at", 200),
            ("/api/v1/incidents?limit=1&limit=2", 400), ("/api/v1/incidents?limit=%2B1", 400),
            ("/api/v1/incidents?limit", 400), ("/api/v1/incidents?limit=", 400), ("/api/v1/incidents?limit=1001", 400),
            ("/api/v1/incidents?limit=99999999999999999999", 400), ("/api/v1/incidents?worker=%ff", 400),
            ("/api/v1/incidents?worker=", 400), ("/api/v1/incidents?other=1", 400),
            ("/api/v1/incidents?limit=1&=", 400),
            ("/api/v1/incidents?limit=1&&", 200), ("/api/v1/workers?x", 400), ("/api/v1/workers/cat?limit=1", 400),
            ("/api/v1/incidents?" + String(repeating: "a=b&", count: 65), 400),
            ("/api/v1/workers/cat/samples?since=253402300800", 400), ("/api/v1/workers/cat/samples?since=-1", 400),
            ("/api/v1/workers/cat/samples?since=253402300799&after=9223372036854775807", 200),
        ])
    func addresses(_ path: String, _ status: Int) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let answer = try await server.get(path)
            #expect(answer.status == status)
            #expect(answer.has("Content-Type: application/\(status == 200 ? "json" : "problem+json")"))
        }
    }

    // MARK: Reading the document

    private static func document(_ server: TestServer) async throws -> JSONValue {
        try await server.get(documentPath).json()
    }

    private static func members(_ value: JSONValue) -> [(String, JSONValue)] {
        guard case .object(let object) = value else { return [] }
        return object.members.map { ($0.name, $0.value) }
    }
}

extension FakeDaemon.State {
    /// Everything that a worker and an incident can have.
    fileprivate mutating func fill() {
        let name = SlotName(group: "cat", process: "cat")
        let verdict = Verdict(
            condition: .dark(.emfile), grade: .proven, since: FakeDaemon.moment,
            evidence: [
                Evidence(rule: "free_descriptors", value: .number(3), threshold: .number(8)),
                Evidence(rule: "line", value: .text("Too many open files"), threshold: .number(0.5)),
            ], reason: "full")
        let reading = DescriptorReading(pid: 1001, count: 250, softLimit: 256, hardLimit: .max)
        let trend = DescriptorTrend(perHour: -2.5, observed: .seconds(60), timeToLimit: .seconds(90))
        var forensics = Forensics()
        forensics.descriptorKinds = [Forensics.KindCount(kind: "pipe", count: 248)]
        forensics.processes = ["1001 cat"]
        forensics.lastLines = ["a", "b"]
        var incident = Incident(
            id: "17-ab", worker: name, generation: Generation(1), at: FakeDaemon.moment.wall, verdict: verdict,
            action: .restart)
        incident.heldBackBy = "max_unavailable"
        incident.forensics = forensics
        incident.fingerprint = "f00d"
        incident.recurrence = Recurrence(earlierID: "16-ab", count: 2)
        incident.outcome = .recovered(after: .milliseconds(1500))
        incidents = [incident]
        census = DescriptorCensus(
            worker: name, reading: reading, kinds: forensics.descriptorKinds, trend: trend)
        workers[0].verdict = verdict
        workers[0].exitStatus = .signal(9, coreDumped: false)
        workers[0].descriptorTrend = trend
        workers[0].lastHeartbeat = .origin
        workers[0].lastLine = "Too many open files"
        workers[0].lastRestart = RestartRecord(
            at: FakeDaemon.moment.wall, reason: .health(.dark(.emfile)), outcome: .recovered(after: .seconds(2)))
        workers[0].pendingAction = "restart"
        workers[0].isHealthPaused = true
        workers[0].healthPausedFor = .seconds(7)
        workers[0].probe = ProbeReport(standing: ProbeStanding(), failuresNeeded: 3)
        workers[0].demand = DemandReading(answer: .amount(12), at: FakeDaemon.moment)
        workers[0].drill = DrillReport(worker: name, DrillOrder(.hang), at: FakeDaemon.moment.wall)
        workers[1].demand = DemandReading(answer: .unknown(reason: "exit status 1"), at: nil)
        workers[1].spawnError = "no such file"
    }
}
