import Glibc
import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// The page for people.
@Suite struct PageTests {
    @Test(arguments: ["/", "/index.html"])
    func listsWorkers(path: String) async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.workers[1].state = .fatal }
        daemon.state.withLock { $0.workers[2].state = .stopped }
        try await TestServer.run(daemon) { (server) async throws in
            let answer = try await server.get(path)
            #expect(answer.status == 200)
            #expect(answer.has("Content-Type: text/html;charset=utf-8"))
            #expect(answer.text.contains("<span class=\"statusrunning\">running</span>"))
            #expect(answer.text.contains("<span class=\"statuserror\">fatal</span>"))
            #expect(answer.text.contains("<span class=\"statusnominal\">stopped</span>"))
            #expect(answer.text.contains("href=\"tail.html?processname=many%3Amany_00\""))
            #expect(answer.text.contains("pid 1001, uptime 0:01:05"))
            #expect(answer.text.contains("1 of 3 running"))
        }
    }

    /// Health stands beside the state, with its reason and the share of descriptors in use.
    @Test func showsHealth() async throws {
        let daemon = FakeDaemon(["cat"])
        daemon.state.withLock { state in
            state.workers[0].verdict = Verdict(
                condition: .dark(.emfile), grade: .proven, since: FakeDaemon.moment, evidence: [],
                reason: "253 of 256 descriptors used")
            state.workers[0].readings = TreeReadings(
                tightest: DescriptorReading(pid: 1001, count: 253, softLimit: 256, hardLimit: 256),
                treeRSSBytes: 64 << 20)
        }
        try await TestServer.run(daemon) { (server) async throws in
            let text = try await server.get("/").text
            #expect(text.contains("<span class=\"health bad\">dark/emfile (proven)</span>"))
            #expect(text.contains("<div class=\"reason\">253 of 256 descriptors used</div>"))
            #expect(text.contains("98%<div class=\"sub\">253 of 256</div>"))
            #expect(text.contains("64 MiB"))
            #expect(text.contains("<strong>1 needs attention</strong>"))
        }
    }

    /// What a worker says, and what an address says, is text and never markup, in no encoding.
    @Test(arguments: [
        "<script>alert(1)</script>", "\"\u{301}onmouseover=alert(1) x='", "</pre><img src=x onerror=alert(1)>",
    ])
    func textIsNotMarkup(text: String) async throws {
        let daemon = FakeDaemon(["cat"])
        daemon.state.withLock { state in
            state.workers[0].verdict = Verdict(
                condition: .dark(.errors), grade: .strong, since: FakeDaemon.moment, evidence: [], reason: text)
            state.workers[0].lastLine = text
            state.workers[0].spawnError = text
        }
        try await TestServer.run(daemon) { (server) async throws in
            let path = server.directory + "/log"
            try writeFile(path, text)
            daemon.state.withLock { $0.logs[SlotName(group: "cat", process: "cat")] = path }
            let encoded = text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            for path in ["/?message=\(encoded)", "/tail.html?processname=cat", "/tail.html?processname=\(encoded)"] {
                let answer = try await server.get(path)
                #expect(answer.status == 200)
                #expect(!answer.text.unicodeScalars.map(String.init).joined().contains(text))
                #expect(!answer.text.contains("<script>alert"))
                #expect(!answer.text.contains("<img"))
                #expect(!Array(answer.text.unicodeScalars).contains(Array("\"\u{301}".unicodeScalars)))
            }
        }
    }

    @Test func carriesItsOwnPolicy() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let answer = try await server.get("/")
            let policy = try #require(answer.fields.first { $0.lowercased().hasPrefix("content-security-policy:") })
            for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
                #expect(policy.contains(part))
            }
            #expect(!policy.contains("unsafe"))
            #expect(answer.has("X-Content-Type-Options: nosniff"))
            #expect(try await server.get("/stylesheets/supervisor.css").has("Content-Type: text/css"))
        }
    }

    // MARK: Actions

    @Test(
        arguments: [
            ("action=start&processname=many%3Amany_00", "Process many:many_00 started"),
            ("action=start&processname=cat", "ERROR: Process cat: already started"),
            ("action=stop&processname=cat", "Process cat stopped"),
            ("action=stop&processname=many%3Amany_00", "ERROR: Process many:many_00: not running"),
            ("action=restart&processname=cat", "Process cat restarted"),
            ("action=restart&processname=many%3Amany_00", "Process many:many_00 restarted"),
            ("action=clearlog&processname=cat", "Log for cat cleared"),
            ("action=stop&processname=nobody", "No such process named nobody"),
            ("action=stop&processname=many%3A*", "No such process named many:*"),
            ("action=stopall", "All stopped at Sun Nov 22 15:27:00 2026"),
            ("action=restartall", "All restarted at Sun Nov 22 15:27:00 2026"),
            ("action=refresh", "Page refreshed at Sun Nov 22 15:27:00 2026"),
        ])
    func buttons(form: String, message: String) async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.workers[1].state = .stopped }
        try await TestServer.run(daemon) { (server) async throws in
            let answer = try await server.post("/index.html", form)
            #expect(answer.status == 303)
            let location = try #require(answer.fields.first { $0.lowercased().hasPrefix("location: ") })
            let target = location.dropFirst("location: .".count)
            let page = try await server.get(String(target))
            #expect(page.text.contains("role=\"status\">\(message)</div>"), "\(location)")
        }
    }

    /// supervisord takes what the address says as well.
    @Test func addressCounts() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            #expect(try await server.post("/?action=stop&processname=cat").status == 303)
        }
        #expect(daemon.state.withLock { $0.workers[0].state } == .stopped)
    }

    @Test(arguments: PageTests.changes)
    func getChangesNothing(action: String) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            for path in ["/", "/index.html"] {
                let answer = try await server.get("\(path)?action=\(action)&processname=cat")
                #expect(answer.status == 405)
                #expect(answer.has("Allow: POST"))
                #expect(answer.text.contains("Nothing was changed: \(action) wants a POST, and this was a GET."))
            }
        }
        #expect(daemon.state.withLock { $0.commands.allSatisfy { $0 == .snapshot(.all) } && $0.cleared.isEmpty })
    }

    private static let changes = ["start", "stop", "restart", "clearlog", "restartall", "stopall"]

    @Test(arguments: ["action=nonsense&processname=cat", "action=start"])
    func uselessFormIsRefused(form: String) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            #expect(try await server.post("/", form).status == 400)
        }
    }

    @Test func tooLongFormIsRefused() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let form = "action=stop&processname=" + String(repeating: "x", count: ControlLimits.formBytes)
            #expect(try await server.post("/", form).status == 413)
        }
    }

    /// A form on a page of another site does nothing, over a Unix socket behind a proxy neither.
    @Test(
        arguments: [
            ("Origin: http://x\r\n", true), ("Origin: https://x\r\n", true), ("Origin: http://evil.example\r\n", false),
            ("Origin: null\r\n", false), ("Sec-Fetch-Site: same-origin\r\nOrigin: https://proxy.example\r\n", true),
            ("Sec-Fetch-Site: cross-site\r\n", false), ("Sec-Fetch-Site: same-site\r\n", false),
            ("Referer: http://x/index.html\r\n", true), ("Referer: http://evil.example/http://x/\r\n", false),
            ("", true),
        ])
    func otherSitesAreRefused(headers: String, isDone: Bool) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let answer = try await server.post("/", "action=stop&processname=cat", headers: headers)
            #expect(answer.status == (isDone ? 303 : 403))
        }
        #expect(daemon.state.withLock { $0.workers[0].state } == (isDone ? .stopped : .running))
    }

    /// Who may only look sees no buttons, and pressing them all the same is refused.
    @Test func readersSeeNoButtons() async throws {
        let (descriptor, port) = try bindTCP()
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { listener in
            close(listener.descriptor)
            listener.descriptor = descriptor
            listener.kind = .tcp(host: "127.0.0.1", port: port)
            listener.withoutPassword = .read
        } _: { (server) async throws in
            let page = try await server.overTCP(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(page.status == 200)
            #expect(!page.text.contains("<button"))
            #expect(page.text.contains("You may look, but change nothing."))
            for action in PageTests.changes {
                let form = "action=\(action)&processname=cat"
                let answer = try await server.overTCP(
                    port,
                    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(form.utf8.count)\r\n\r\n\(form)")
                #expect(answer.status == 403)
            }
        }
        #expect(daemon.state.withLock { $0.workers[0].state } == .running)
    }

    @Test func fullMailboxIs503() async throws {
        let daemon = FakeDaemon()
        daemon.state.withLock { $0.refusal = .overloaded }
        try await TestServer.run(daemon) { (server) async throws in
            #expect(try await server.get("/").status == 503)
            #expect(try await server.post("/", "action=stop&processname=cat").status == 503)
        }
    }

    // MARK: The log

    @Test(
        arguments: [
            ("", "No process name found"), ("?processname=nobody", "No such process named nobody"),
            ("?processname=many:many_00", "No file for many:many_00"), ("?processname=cat", ">yyyy"),
            ("?processname=cat&limit=2000", ">xxx"), ("?processname=cat&limit=-5", ">yyyy"),
            ("?processname=cat&limit=many", ">yyyy"),
        ])
    func tail(query: String, text: String) async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let path = server.directory + "/log"
            try writeFile(path, String(repeating: "x", count: 1000) + String(repeating: "y", count: 1024))
            daemon.state.withLock { $0.logs[SlotName(group: "cat", process: "cat")] = path }
            let answer = try await server.get("/tail.html\(query)")
            #expect(answer.status == 200)
            #expect(answer.text.contains("<pre>") && answer.text.contains(text))
        }
    }

    /// Colours go, half characters become signs, and lines of Windows stay lines.
    @Test func tailShowsAnyBytes() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            let path = server.directory + "/log"
            try writeFile(path, "\u{1B}[1;31mred\u{1B}[0m\r\nbell\u{7}\u{202E}end")
            daemon.state.withLock { $0.logs[SlotName(group: "cat", process: "cat")] = path }
            let text = try await server.get("/tail.html?processname=cat").text
            #expect(text.contains("<pre>red\nbell\\x07\\u202eend</pre>"))
        }
    }
}
