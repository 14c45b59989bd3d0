import Testing
import WardenCore
import WardenWire

/// Webhook bodies.
@Suite struct WebhookTests {
    private static func webhook(_ phase: Alert.Phase, includesLog: Bool, outcome: Outcome? = nil) -> Webhook {
        var incident = ContractTests.incident()
        incident.outcome = outcome
        return Webhook(
            alert: Alert(phase: phase, incident: incident), source: "/warden/gpu-1", at: ContractTests.later(60).wall,
            includesLog: includesLog)
    }

    @Test("The json format is a CloudEvent around the incident.")
    func cloudEvent() throws {
        let json = try JSONValue(decoding: Self.webhook(.opened, includesLog: true).encoded(as: .json))
        #expect(json["specversion"]?.string == "1.0")
        #expect(json["id"]?.string == "1772600807-ab12-opened")
        #expect(json["source"]?.string == "/warden/gpu-1")
        #expect(json["type"]?.string == "warden.incident.opened")
        #expect(json["time"]?.string == "2026-03-04T05:07:07.000Z")
        #expect(json["data"]?.text == ContractTests.incident().json(.full).text)
    }

    @Test("Log text leaves the house only where the configuration says so.", arguments: WebhookFormat.allCases)
    func logText(_ format: WebhookFormat) {
        let with = String(decoding: Self.webhook(.opened, includesLog: true).encoded(as: format), as: UTF8.self)
        let without = String(decoding: Self.webhook(.opened, includesLog: false).encoded(as: format), as: UTF8.self)
        #expect(with.contains("secret"))
        #expect(!without.contains("secret"))
        #expect(without.contains("free_descriptors"))
    }

    @Test("Slack gets one useful line in which nothing is markup.")
    func slack() throws {
        let json = try JSONValue(decoding: Self.webhook(.opened, includesLog: true).encoded(as: .slack))
        #expect(
            json["text"]?.string == "ami-antenna-worker:ami-antenna-worker_01 is dark/emfile (proven): "
                + "253 of 256 descriptors used, last error: OSError(24, '&lt;secret&gt;'); restarting it")
        #expect(json["blocks"]?.array?.count == 2)
    }

    @Test("Alertmanager is told of an alert that is open until Warden says that it is over.")
    func alertmanager() throws {
        let opened = try JSONValue(decoding: Self.webhook(.opened, includesLog: false).encoded(as: .alertmanager))
        let alert = try #require(opened.array?.first)
        #expect(opened.array?.count == 1)
        #expect(
            alert["labels"]?.text == """
                {"alertname":"WardenWorkerDark","class":"dark","group":"ami-antenna-worker","host":"gpu-1",\
                "severity":"critical","worker":"ami-antenna-worker:ami-antenna-worker_01","cause":"emfile"}
                """)
        #expect(alert["annotations"]?["summary"]?.string == Self.webhook(.opened, includesLog: false).line)
        #expect(alert["endsAt"]?.string == "2026-03-11T05:07:07.000Z")
        for (outcome, end) in [
            (Outcome.recovered(after: .seconds(1)), "2026-03-04T05:07:07.000Z"),
            (.superseded, "2026-03-04T05:07:07.000Z"),
            (.unhelped, "2026-03-11T05:07:07.000Z"), (.gaveUp, "2026-03-11T05:07:07.000Z"),
        ] {
            let webhook = Self.webhook(.closed, includesLog: false, outcome: outcome)
            let closed = try JSONValue(decoding: webhook.encoded(as: .alertmanager)).array?.first
            #expect(closed?["labels"]?.text == alert["labels"]?.text, "what tells it apart stays")
            #expect(closed?["startsAt"]?.text == alert["startsAt"]?.text)
            #expect(closed?["endsAt"]?.string == end)
        }
        let resolved = Self.webhook(.resolved, includesLog: false, outcome: .gaveUp).encoded(as: .alertmanager)
        #expect(try JSONValue(decoding: resolved).array?.first?["endsAt"]?.string == "2026-03-04T05:07:07.000Z")
    }

    @Test("PagerDuty gets one key for a trouble, which is triggered and resolved.")
    func pagerDuty() throws {
        let opened = try JSONValue(decoding: Self.webhook(.opened, includesLog: false).encoded(as: .pagerduty))
        #expect(opened["event_action"]?.string == "trigger")
        #expect(opened["routing_key"] == nil, "that is the sender's to add")
        #expect(opened["payload"]?["severity"]?.string == "critical")
        #expect(opened["payload"]?["source"]?.string == "gpu-1")
        let webhook = Self.webhook(.closed, includesLog: false, outcome: .recovered(after: .seconds(1)))
        let closed = try JSONValue(decoding: webhook.encoded(as: .pagerduty))
        #expect(closed["event_action"]?.string == "resolve")
        #expect(closed["dedup_key"]?.string == opened["dedup_key"]?.string)
        #expect(
            opened["dedup_key"]?.string == "gpu-1 ami-antenna-worker:ami-antenna-worker_01 dark/emfile")
        let unhelped = Self.webhook(.closed, includesLog: false, outcome: .unhelped).encoded(as: .pagerduty)
        #expect(try JSONValue(decoding: unhelped)["event_action"]?.string == "trigger")
    }

    @Test("What could not be helped is said to be over.")
    func resolvedLine() {
        #expect(
            Self.webhook(.resolved, includesLog: false, outcome: .gaveUp).line
                == "ami-antenna-worker:ami-antenna-worker_01 is no longer dark/emfile (proven): it is over, although "
                + "Warden gave up on it")
    }

    @Test(
        "The line when an incident closes says what became of it.",
        arguments: [
            (Outcome.recovered(after: .milliseconds(8200)), "recovered after 8s"), (.unhelped, "restart did not help"),
            (.gaveUp, "gave up, a person is needed"), (.superseded, "ended"),
        ])
    func closed(_ outcome: Outcome, _ text: String) {
        #expect(
            Self.webhook(.closed, includesLog: false, outcome: outcome).line
                == "ami-antenna-worker:ami-antenna-worker_01 was dark/emfile (proven): \(text)")
    }

    @Test("Without log text the line names the numbers.")
    func numbers() {
        #expect(
            Self.webhook(.opened, includesLog: false).line == "ami-antenna-worker:ami-antenna-worker_01 is "
                + "dark/emfile (proven): free_descriptors 3; restarting it")
    }

    @Test("A long reason is cut between characters.")
    func longReason() {
        var webhook = Self.webhook(.opened, includesLog: true)
        webhook.alert.incident.verdict.reason = String(repeating: "é😀", count: 1000)
        #expect(webhook.line.utf8.count <= WireLimits.alertTextBytes)
        #expect(webhook.line.hasSuffix("…"))
        #expect(!webhook.line.unicodeScalars.contains("\u{FFFD}"))
    }
}

/// What people see on a terminal.
@Suite struct TerminalTests {
    @Test("The status table has supervisorctl's columns, and health behind them.")
    func statusTable() {
        #expect(
            StatusTable.lines([
                StatusRow(name: "cat", state: "RUNNING", description: "pid 1, uptime 0:00:05", health: "healthy"),
                StatusRow(name: "g:wö", state: "STOPPED", description: "Not started"),
                StatusRow(name: "x", state: "STARTING", description: "", health: "starting"),
                StatusRow(
                    name: "y", state: "RUNNING", description: "pid 2, uptime 1 day, 0:00:00",
                    health: StatusTable.health(className: "dark", cause: "emfile", grade: "proven")),
            ]) == [
                "cat                              RUNNING   pid 1, uptime 0:00:05  healthy",
                "g:wö                             STOPPED   Not started",
                "x                                STARTING    starting",
                "y                                RUNNING   pid 2, uptime 1 day, 0:00:00  dark/emfile (proven)",
            ])
    }

    @Test("A name longer than 30 widens the first column for all.")
    func longName() {
        let long = String(repeating: "n", count: 40)
        let lines = StatusTable.lines([
            StatusRow(name: long, state: "EXITED", description: "d"),
            StatusRow(name: "a", state: "FATAL", description: "e"),
        ])
        #expect(lines == [long + "   EXITED    d", "a" + String(repeating: " ", count: 42) + "FATAL     e"])
    }

    @Test(
        "Text of a worker cannot steer a terminal.",
        arguments: [
            ("plain\ttext", "plain\ttext"), ("\u{1B}[31mred", "\\x1b[31mred"), ("a\nb\r", "a\\x0ab\\x0d"),
            ("\u{9B}2J", "\\x9b2J"), ("\u{7F}", "\\x7f"), ("abc\u{202E}txt.exe", "abc\\u202etxt.exe"),
            ("naïve 😀", "naïve 😀"),
        ])
    func escaping(_ text: String, _ escaped: String) {
        #expect(text.escapedForTerminal == escaped)
    }

    @Test(
        "Base64 both ways, and what is none of it.",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ])
    func base64(_ plain: String, _ encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        #expect(Base64.decode("*" + encoded) == nil)
        #expect(Base64.decode(encoded + "=") == nil)
    }
}
