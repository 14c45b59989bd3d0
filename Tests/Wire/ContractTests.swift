import Testing
import WardenCore
import WardenWire

/// The bodies that programs read: fields, order, and `null` for what is not there.
@Suite struct ContractTests {
    static let name = SlotName(group: "ami-antenna-worker", process: "ami-antenna-worker_01")
    static let start = Moment(
        instant: Instant(nanoseconds: 1_000_000_000), wall: WallTime(microseconds: 1_772_600_767_000_000))

    static func later(_ seconds: Int64) -> Moment {
        Moment(
            instant: start.instant + .seconds(seconds),
            wall: WallTime(microseconds: start.wall.microseconds + seconds * 1_000_000))
    }

    static func snapshot(takenAfter seconds: Int64 = 100) -> WorkerSnapshot {
        var launch = LaunchSpec(arguments: ["/bin/worker"])
        launch.descriptorLimit = nil
        var output = LogSpec()
        output.destination = .file("/var/log/w.log")
        let spec = ProgramSpec(
            name: name, program: "ami-antenna-worker", supervision: SupervisionSpec(), launch: launch,
            standardOutput: output, standardError: nil, health: HealthSpec())
        return WorkerSnapshot(spec: spec, slot: SlotID(1), takenAt: later(seconds))
    }

    static let verdict = Verdict(
        condition: .dark(.emfile), grade: .proven, since: later(40),
        evidence: [
            Evidence(rule: "free_descriptors", value: .number(3), threshold: .number(8)),
            Evidence(rule: "error_line", value: .text("OSError(24, '<secret>')"), threshold: .text("EMFILE")),
        ],
        reason: "253 of 256 descriptors used, last error: OSError(24, '<secret>')")

    static func running() -> WorkerSnapshot {
        var snapshot = snapshot()
        snapshot.state = .running
        snapshot.pid = 4242
        snapshot.generation = Generation(3)
        snapshot.startedAt = start
        snapshot.verdict = verdict
        snapshot.readings = TreeReadings(
            tightest: DescriptorReading(pid: 4250, count: 253, softLimit: 256, hardLimit: .max),
            rootRSSBytes: 1024, treeRSSBytes: 4096)
        snapshot.lastHeartbeat = start.instant + .milliseconds(98_750)
        snapshot.restartCount = 2
        snapshot.lastRestart = RestartRecord(
            at: start.wall, reason: .health(.dark(.emfile)), outcome: .recovered(after: .milliseconds(8200)))
        return snapshot
    }

    @Test("A running worker, every field in its place.")
    func runningWorker() {
        #expect(
            Self.running().json.text == #"{"name":"ami-antenna-worker:ami-antenna-worker_01","#
                + #""group":"ami-antenna-worker","state":"RUNNING","pid":4242,"exit_status":null,"generation":3,"#
                + #""uptime_seconds":100,"health":{"class":"dark","cause":"emfile","grade":"proven","#
                + #""since":"2026-03-04T05:06:47.000Z","evidence":["#
                + #"{"rule":"free_descriptors","value":3,"threshold":8},"#
                + #"{"rule":"error_line","value":"OSError(24, '<secret>')","threshold":"EMFILE"}]},"fds":253,"#
                + #""fd_limit":256,"fd_pid":4250,"rss_bytes":4096,"heartbeat_age_seconds":1.25,"restarts":2,"#
                + #""last_restart":{"at":"2026-03-04T05:06:07.000Z","reason":"dark/emfile","outcome":"recovered","#
                + #""recovered_seconds":8.2}}"#)
    }

    @Test("A worker that is down has null for every reading, even where old readings are remembered.")
    func stoppedWorker() {
        var snapshot = Self.running()
        snapshot.pid = nil
        snapshot.state = .exited
        snapshot.verdict = nil
        snapshot.exitStatus = .signal(9, coreDumped: false)
        snapshot.lastRestart = nil
        #expect(
            snapshot.json.text == #"{"name":"ami-antenna-worker:ami-antenna-worker_01","#
                + #""group":"ami-antenna-worker","state":"EXITED","pid":null,"exit_status":-9,"generation":3,"#
                + #""uptime_seconds":null,"health":null,"fds":null,"fd_limit":null,"fd_pid":null,"rss_bytes":null,"#
                + #""heartbeat_age_seconds":null,"restarts":2,"last_restart":null}"#)
    }

    @Test(
        "Exit statuses.",
        arguments: [
            (WardenCore.ExitStatus.code(3), "3"), (.signal(15, coreDumped: true), "-15"), (.unknown, "null"),
        ])
    func exitStatus(_ status: WardenCore.ExitStatus, _ text: String) {
        var snapshot = Self.snapshot()
        snapshot.exitStatus = status
        #expect(snapshot.json["exit_status"]?.text == text)
    }

    static func incident() -> Incident {
        var incident = Incident(
            id: "1772600807-ab12", worker: name, generation: Generation(3), at: later(41).wall, verdict: verdict,
            action: .restart)
        var forensics = Forensics()
        forensics.lastLines = ["first", "<secret> last"]
        forensics.descriptorKinds = [.init(kind: "pipe", count: 248)]
        incident.forensics = forensics
        return incident
    }

    @Test("An incident has the contract's fields first; an open outcome is null.")
    func incident() {
        let head =
            #"{"id":"1772600807-ab12","worker":"ami-antenna-worker:ami-antenna-worker_01","generation":3,"#
            + #""at":"2026-03-04T05:06:48.000Z","class":"dark","cause":"emfile","grade":"proven","evidence":["#
            + #"{"rule":"free_descriptors","value":3,"threshold":8},"#
            + #"{"rule":"error_line","value":"OSError(24, '<secret>')","threshold":"EMFILE"}],"action":"restart","#
            + #""outcome":null,"recovered_seconds":null,"since":"2026-03-04T05:06:47.000Z","held_back_by":null,"#
            + #""fingerprint":null,"recurrence":null,"#
            + #""reason":"253 of 256 descriptors used, last error: OSError(24, '<secret>')""#
        #expect(Self.incident().json().text == head + "}")
        #expect(
            Self.incident().json(.full).text == head
                + #","forensics":{"kinds":[{"kind":"pipe","count":248}],"processes":[],"#
                + #""last_lines":["first","<secret> last"],"#
                + #""command_output":"","threads":[],"stacks":[],"python_stacks":[],"limits":[],"pressure":[],"#
                + #""gaps":[]}}"#)
    }

    @Test("What happened again is named, in the incident and in the message of its end.")
    func recurrence() {
        var incident = Self.incident()
        incident.fingerprint = "2a77b74b32c0d129"
        incident.recurrence = Recurrence(earlierID: "17-ab", count: 3)
        incident.outcome = .recovered(after: .seconds(4))
        let json = incident.json()
        #expect(json["fingerprint"]?.string == "2a77b74b32c0d129")
        #expect(json["recurrence"]?.text == #"{"same_as":"17-ab","time":3}"#)
        let webhook = Webhook(
            alert: Alert(phase: .closed, incident: incident), source: "/warden/host", at: incident.at,
            includesLog: false)
        #expect(webhook.line.hasSuffix(": recovered after 4s (same as incident 17-ab, 3rd time)"))
    }

    @Test("Without log text nothing of the worker's log is left in an incident.")
    func incidentWithoutLog() {
        let text = Self.incident().json(.withoutLog).text
        #expect(!text.contains("secret"))
        #expect(text.contains(#"{"rule":"error_line","value":"(withheld)","threshold":"EMFILE"}"#))
    }

    @Test("An explanation carries the worker, its reason, incidents and budgets.")
    func explanation() throws {
        var snapshot = Self.running()
        snapshot.lastLine = "Failed to fetch jobs"
        snapshot.pendingAction = "restart in 4s"
        let explanation = Explanation(
            snapshot: snapshot, incidents: [Self.incident()],
            budgets: [BudgetUse(condition: .dark(.emfile), spent: 2, allowed: 5, isExhausted: false)])
        let json = explanation.json
        #expect(json["worker"] == snapshot.json)
        #expect(json["taken_at"]?.string == "2026-03-04T05:07:47.000Z")
        #expect(json["reason"]?.string == Self.verdict.reason)
        #expect(json["last_line"]?.string == "Failed to fetch jobs")
        #expect(json["pending_action"]?.string == "restart in 4s")
        #expect(json["health_paused"] == .bool(false))
        #expect(json["trend"] == .null)
        #expect(json["incidents"] == .array([Self.incident().json()]))
        #expect(
            json["budgets"]?.text
                == #"[{"class":"dark","cause":"emfile","spent":2,"allowed":5,"exhausted":false}]"#)
    }

    @Test("A census counts kinds; an unlimited limit and a missing trend are null.")
    func census() {
        var census = DescriptorCensus(
            worker: SlotName(group: "w", process: "w"),
            reading: DescriptorReading(pid: 9, count: 250, softLimit: 256, hardLimit: .max),
            kinds: [.init(kind: "pipe", count: 248), .init(kind: "socket", count: 2)], trend: nil)
        let head =
            #"{"worker":"w","pid":9,"fds":250,"fd_limit":256,"fd_hard_limit":null,"#
            + #""kinds":[{"kind":"pipe","count":248},{"kind":"socket","count":2}],"trend":"#
        #expect(census.json.text == head + "null}")
        census.trend = DescriptorTrend(perHour: 417.25, observed: .seconds(7200), timeToLimit: nil)
        #expect(census.json.text == head + #"{"per_hour":417.25,"seconds_to_limit":null,"observed_seconds":7200}}"#)
    }

    @Test(
        "Refusals become problems with the HTTP status that fits.",
        arguments: [
            (Refusal.badName("x"), 404), (.notRunning("x"), 409), (.badSignal("x"), 400), (.cannotReread("x"), 422),
            (.spawnError("x"), 409), (.noFile("x"), 409), (.failed("x"), 500), (.shuttingDown, 503), (.overloaded, 503),
        ])
    func problems(_ refusal: Refusal, _ status: Int) {
        #expect(Problem(refusal).status == status)
        #expect(Problem(refusal).json["status"] == .integer(Int64(status)))
        #expect(Problem(refusal).json["type"]?.string == "about:blank")
    }
}

/// What supervisord's own clients are told about a process.
@Suite struct ProcessInfoTests {
    private static func localTime(_: WallTime) -> LocalTime { (2026, 11, 22, 15, 7, 9) }

    @Test("The structure has supervisord's 14 fields in its order.")
    func fields() {
        let info = ContractTests.running().processInfo(localTime: Self.localTime)
        #expect(
            info
                == .structure([
                    .init("name", .string("ami-antenna-worker_01")), .init("group", .string("ami-antenna-worker")),
                    .init("start", .int(1_772_600_767)), .init("stop", .int(0)), .init("now", .int(1_772_600_867)),
                    .init("state", .int(20)), .init("statename", .string("RUNNING")), .init("spawnerr", .string("")),
                    .init("exitstatus", .int(0)), .init("logfile", .string("/var/log/w.log")),
                    .init("stdout_logfile", .string("/var/log/w.log")), .init("stderr_logfile", .string("")),
                    .init("pid", .int(4242)), .init("description", .string("pid 4242, uptime 0:01:40")),
                ]))
    }

    @Test(
        "The text behind each state.",
        arguments: [
            (ProcessState.stopped, false, "", "Not started"), (.stopped, true, "", "Nov 22 03:07 PM"),
            (.exited, true, "Bad exit code 1", "Nov 22 03:07 PM"), (.fatal, true, "", "unknown error (try \"tail p\")"),
            (
                .backoff, true, "Exited too quickly (process log may have details)",
                "Exited too quickly (process log may have details)"
            ),
            (.starting, true, "", ""), (.stopping, true, "", ""), (.unknown, true, "", ""),
        ])
    func descriptions(_ state: ProcessState, _ wasStarted: Bool, _ spawnError: String, _ text: String) {
        var snapshot = ContractTests.snapshot()
        snapshot.name = SlotName(group: "g", process: "p")
        snapshot.state = state
        snapshot.spawnError = spawnError
        snapshot.startedAt = wasStarted ? ContractTests.start : nil
        snapshot.stoppedAt = ContractTests.later(50).wall
        #expect(snapshot.stateDescription(localTime: Self.localTime) == text)
    }

    @Test(
        "Noon and midnight on a twelve-hour clock.",
        arguments: [
            (0, "Feb 05 12:09 AM"), (11, "Feb 05 11:09 AM"), (12, "Feb 05 12:09 PM"), (23, "Feb 05 11:09 PM"),
        ])
    func hours(_ hour: Int, _ text: String) {
        var snapshot = ContractTests.snapshot()
        snapshot.startedAt = ContractTests.start
        #expect(snapshot.stateDescription(localTime: { _ in (2026, 2, 5, hour, 9, 0) }) == text)
    }

    @Test(
        "Exit statuses as supervisord has them: a signal is -1, and an exit before startsecs is 0.",
        arguments: [
            (ProcessState.exited, WardenCore.ExitStatus.code(3), Int64(3)),
            (.stopped, .signal(15, coreDumped: false), -1),
            (.exited, .unknown, -1), (.backoff, .code(3), 0), (.fatal, .signal(11, coreDumped: true), 0),
        ])
    func exitStatus(_ state: ProcessState, _ status: WardenCore.ExitStatus, _ expected: Int64) {
        var snapshot = ContractTests.snapshot()
        snapshot.state = state
        snapshot.exitStatus = status
        #expect(snapshot.processInfo(localTime: Self.localTime)["exitstatus"] == .int(expected))
    }

    @Test("A log that the daemon named itself is shown under that name, and one that goes nowhere as empty.")
    func logPaths() {
        var snapshot = ContractTests.snapshot()
        snapshot.standardOutput.destination = .automatic
        var errors = LogSpec()
        errors.destination = .none
        snapshot.standardError = errors
        let info = snapshot.processInfo(localTime: Self.localTime) { "/tmp/\($0.process)-\($1.rawValue)" }
        #expect(info["logfile"] == .string("/tmp/ami-antenna-worker_01-stdout"))
        #expect(info["stderr_logfile"] == .string(""))
    }
}
