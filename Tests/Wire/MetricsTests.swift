import Testing
import WardenCore
import WardenWire

/// Goal: what `/metrics` says is Prometheus' text format, each family and each series is there once, and a reading that
/// nobody has is left out.
@Suite struct MetricsTests {
    // MARK: The format

    @Test("A family's head comes with its first sample, and once")
    func heads() {
        var text = MetricsText()
        text.family("warden_nothing", .gauge, "Nobody has it.")
        text.family("warden_things_total", .counter, "Things.\nBy \\ kind, \"quoted\".")
        text.sample(MetricLabels([("kind", "a")]), 1 as Int64)
        text.sample(MetricLabels([("kind", "a")]), "size", "large", 12)
        text.sample(.none, "kind", "b", 3)
        text.sample(.none, 0.25)
        #expect(
            String(decoding: text.bytes, as: UTF8.self) == """
                # HELP warden_things_total Things.\\nBy \\\\ kind, "quoted".
                # TYPE warden_things_total counter
                warden_things_total{kind="a"} 1
                warden_things_total{kind="a",size="large"} 12
                warden_things_total{kind="b"} 3
                warden_things_total 0.25

                """)
    }

    @Test(
        "Label values are escaped, and stay text",
        arguments: [
            ("plain", "plain"), (#"back\slash"#, #"back\\slash"#), ("two\nlines", #"two\nlines"#),
            (#"a "quoted" one"#, #"a \"quoted\" one"#), ("nul\u{0}", "nul\u{FFFD}"), ("wörker 🔥", "wörker 🔥"),
            ("{a=\"b\"} 1", #"{a=\"b\"} 1"#), ("", ""),
        ])
    func escaping(_ value: String, _ written: String) {
        var text = MetricsText()
        text.family("x", .gauge, "X.")
        text.sample(MetricLabels([("l", value)]), 1 as Int64)
        text.sample(.none, "l", value, 1)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").suffix(2)
        #expect(lines == ["x{l=\"\(written)\"} 1", "x{l=\"\(written)\"} 1"])
    }

    @Test(
        "Numbers are written as Go reads them",
        arguments: [
            (0, "0"), (-3, "-3"), (1_790_000_065.123, "1790000065.123"), (0.5, "0.5"), (.nan, "NaN"),
            (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e300, "1e+300"), (1e-7, "1e-07"), (65536, "65536"),
        ] as [(Double, String)])
    func numbers(_ value: Double, _ written: String) {
        var text = MetricsText()
        text.family("x", .gauge, "X.")
        text.sample(.none, value)
        #expect(String(decoding: text.bytes, as: UTF8.self).hasSuffix("\nx \(written)\n"))
    }

    // MARK: The report

    private static func report(_ workers: [WorkerSnapshot], _ daemon: DaemonReadings = DaemonReadings()) -> [Substring]
    {
        let report = MetricsReport(
            workers: workers, daemon: daemon, version: "1.2.3", startedAt: ContractTests.start.wall, doubts: 1,
            shortages: 2, answerTime: .milliseconds(3))
        return String(decoding: report.encoded(), as: UTF8.self).split(separator: "\n")
    }

    private static let labels = #"{worker="ami-antenna-worker:ami-antenna-worker_01",group="ami-antenna-worker""#

    @Test(
        "A worker that runs: every reading with its labels",
        arguments: [
            "up#} 1", "state#} 20", "start_time_seconds#} 1772600767", #"health#,class="dark"} 1"#,
            #"health#,class="healthy"} 0"#, #"health_info#,class="dark",cause="emfile",grade="proven"} 1"#,
            "health_since_timestamp_seconds#} 1772600807", "health_paused#} 0", "gave_up#} 0", "open_fds#} 253",
            "max_fds#} 256", "resident_memory_bytes#} 4096", "heartbeat_age_seconds#} 1.25", "processes#} 1",
            #"time_to_exhaustion_seconds#,resource="descriptors"} 90"#,
            #"time_to_exhaustion_seconds#,resource="memory"} 3600"#, #"restarts_total#,reason="exit"} 0"#,
            #"restarts_total#,reason="dark/emfile"} 7"#, "last_restart_timestamp_seconds#} 1772600767",
        ])
    func running(_ line: String) {
        var worker = ContractTests.running()
        worker.descriptorTrend = DescriptorTrend(perHour: 5, observed: .seconds(60), timeToLimit: .seconds(90))
        worker.memoryTimeToLimit = .seconds(3600)
        var daemon = DaemonReadings()
        daemon.counts.restarts = [
            worker.name: ["dark/emfile": 7], SlotName(group: "gone", process: "gone"): ["exit": 1],
        ]
        let lines = Self.report([worker], daemon)
        let expected = "warden_worker_" + line.replacing("#", with: Self.labels)
        #expect(lines.contains(expected[...]))
        #expect(!lines.contains { $0.contains("gone") })
    }

    @Test("A worker that is down has no readings, and none is zero")
    func down() {
        var worker = ContractTests.running()
        worker.pid = nil
        worker.verdict = nil
        worker.state = .exited
        worker.exitStatus = .signal(9, coreDumped: false)
        let own = Self.report([worker]).filter { $0.contains("worker=") }.map { $0.prefix { $0 != "{" } }
        #expect(
            own == [
                "warden_worker_up", "warden_worker_state", "warden_worker_exit_status", "warden_worker_health_paused",
                "warden_worker_restarts_total", "warden_worker_last_restart_timestamp_seconds",
            ])
    }

    @Test("A limit that there is not is left out")
    func unlimited() {
        var worker = ContractTests.running()
        worker.readings?.tightest?.softLimit = .max
        let lines = Self.report([worker])
        #expect(lines.contains { $0.hasPrefix("warden_worker_open_fds{") })
        #expect(!lines.contains { $0.contains("warden_worker_max_fds") })
    }

    @Test("The daemon: what it is, what it counted, and what its process uses")
    func daemon() {
        var daemon = Self.filled()
        daemon.counts.restarts = [:]
        let lines = Self.report([], daemon)
        for line in [
            #"warden_build_info{version="1.2.3"} 1"#, "warden_ready 1", "warden_doubts 1", "warden_shortages 2",
            "warden_shell_answer_seconds 0.003", #"warden_incidents_total{class="dark"} 3"#,
            #"warden_incidents_total{class="hung"} 0"#,
            #"warden_incident_outcomes_total{class="dark",outcome="gave-up"} 2"#,
            #"warden_alert_attempts_total{destination="team",result="delivered"} 4"#,
            #"warden_alert_attempts_total{destination="team",result="retrying"} 5"#,
            #"warden_alert_attempts_total{destination="team",result="gave-up"} 6"#,
            #"warden_alerts_waiting{destination="team"} 1"#, #"warden_loop_turns_total{loop="log pump"} 9"#,
            #"warden_loop_last_turn_age_seconds{loop="log pump"} 0.25"#,
            #"warden_loop_blocked_seconds{loop="log pump"} 2"#, "warden_log_bytes_total 123456",
            "warden_samples_total 78",
            "process_start_time_seconds 1772600767", "process_cpu_seconds_total 1.5",
            "process_resident_memory_bytes 4096", "process_open_fds 12", "process_max_fds 1024",
        ] {
            #expect(lines.contains(line[...]), "\(line)")
        }
        #expect(!lines.contains { $0.contains("process_virtual") || $0.hasPrefix("warden_worker") })
    }

    private static func filled() -> DaemonReadings {
        var daemon = DaemonReadings()
        daemon.process = ProcessReadings(
            cpuTime: .milliseconds(1500), residentBytes: 4096, openDescriptors: 12, descriptorLimit: 1024)
        daemon.loops = [
            LoopReading(name: "log pump", turns: 9, sinceTurn: .milliseconds(250), blockedFor: .seconds(2)),
            LoopReading(name: "sampler", turns: 1, sinceTurn: .zero),
        ]
        (daemon.logBytes, daemon.samples) = (123_456, 78)
        daemon.counts.incidents = ["dark": 3]
        daemon.counts.endings = [.init(className: "dark", outcome: "gave-up"): 2]
        var deliveries = DaemonCounts.Deliveries()
        (deliveries.delivered, deliveries.retrying, deliveries.gaveUp, deliveries.waiting) = (4, 5, 6, 1)
        daemon.counts.deliveries = ["team": deliveries, "other": .init()]
        return daemon
    }

    /// Every kind of worker, and those whose names could be mistaken for each other's.
    private static func crowd(_ count: Int) -> ([WorkerSnapshot], DaemonReadings) {
        var daemon = filled()
        let conditions = Condition.precedence
        let workers = (0..<count).map { number in
            var worker = ContractTests.running()
            worker.name = SlotName(group: "group \(number % 7)", process: "worker_\(number)")
            worker.verdict?.condition = conditions[number % conditions.count]
            worker.descriptorTrend = DescriptorTrend(perHour: 1, observed: .seconds(9), timeToLimit: .seconds(number))
            if number % 10 == 9 { worker.pid = nil }
            daemon.counts.restarts[worker.name] = ["exit": number, "dark/emfile": 2, "user": 1]
            return worker
        }
        return (workers, daemon)
    }

    @Test("Each series is there once, each family in one piece below its own HELP and TYPE")
    func wellFormed() throws {
        let (workers, daemon) = Self.crowd(40)
        var seen: Set<Substring> = []
        var families: Set<Substring> = []
        var family: Substring = ""
        var isTyped = false
        for line in Self.report(workers, daemon) {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                family = words[2]
                #expect(families.insert(family).inserted, "\(family) comes twice")
                #expect(words.count == 4, "\(family) has no help")
                isTyped = false
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == family && !isTyped)
                #expect((words[3] == "counter") == family.hasSuffix("_total"), "\(line)")
                isTyped = true
            } else {
                #expect(isTyped && line.prefix { $0 != "{" && $0 != " " } == family, "\(line)")
                let end = try #require(line.lastIndex(of: " "))
                #expect(seen.insert(line[..<end]).inserted, "\(line) comes twice")
                #expect(Double(line[line.index(after: end)...]) != nil, "\(line)")
            }
        }
        #expect(families.count > 30 && seen.count > 40 * 20)
    }

    @Test("Workers come in the order of their names, whatever order they were in")
    func order() {
        let (workers, daemon) = Self.crowd(40)
        #expect(Self.report(workers, daemon) == Self.report(workers.reversed(), daemon))
    }

    // MARK: Counting

    private static func incident(_ id: String, at seconds: Int64 = 0, outcome: Outcome? = nil) -> Incident {
        var incident = ContractTests.incident()
        (incident.id, incident.at, incident.outcome) = (id, ContractTests.later(seconds).wall, outcome)
        return incident
    }

    @Test("An incident that is told again and again counts once, and once with its outcome")
    func incidents() {
        var counts = DaemonCounts()
        for outcome in [nil, nil, .unhelped, .unhelped] as [Outcome?] {
            counts.noted(Self.incident("a", outcome: outcome), since: ContractTests.start.wall)
        }
        counts.noted(Self.incident("b", outcome: .gaveUp), since: ContractTests.start.wall)
        #expect(counts.incidents == ["dark": 2])
        let outcomes = ["unhelped", "gave-up"].map { DaemonCounts.Ending(className: "dark", outcome: $0) }
        #expect(counts.endings == [outcomes[0]: 1, outcomes[1]: 1])
    }

    @Test("Of an incident of a former life only the outcome counts; those of drills do not count at all")
    func formerIncidents() {
        var counts = DaemonCounts()
        counts.noted(Self.incident("a", at: -5), since: ContractTests.start.wall)
        #expect(counts == DaemonCounts())
        counts.noted(Self.incident("a", at: -5, outcome: .superseded), since: ContractTests.start.wall)
        #expect(counts.incidents == [:] && counts.endings.values.map { $0 } == [1])
        var drill = Self.incident("d", outcome: .unhelped)
        drill.verdict.evidence.append(Evidence(rule: "drill", value: .text("emfile"), threshold: .text("")))
        let before = counts
        counts.noted(drill, since: ContractTests.start.wall)
        #expect(counts == before)
    }

    @Test("What is remembered to count once is bounded, and what is recent still counts once")
    func boundedMemory() {
        var counts = DaemonCounts()
        let last = WireLimits.countedIncidents * 2 + 10
        for number in 0...last { counts.noted(Self.incident("\(number)"), since: ContractTests.start.wall) }
        for number in (last - 50)...last { counts.noted(Self.incident("\(number)"), since: ContractTests.start.wall) }
        #expect(counts.incidents == ["dark": last + 1])
    }

    @Test("Restarts are counted by worker and reason")
    func restarts() {
        let (first, second) = (SlotName(group: "g", process: "a"), SlotName(group: "g", process: "b"))
        var counts = DaemonCounts()
        counts.restarts = [first: ["exit": 5]]
        for reason in [.exit, .user, .health(.dark(.emfile))] as [RestartReason] { counts.restarted(first, reason) }
        counts.restarted(second, .configuration)
        #expect(counts.restarts == [first: ["exit": 6, "user": 1, "dark/emfile": 1], second: ["config": 1]])
    }

    @Test("500 workers: about twenty lines each, within a second even where nothing is optimised")
    func manyWorkers() {
        let (workers, daemon) = Self.crowd(500)
        let report = MetricsReport(
            workers: workers, daemon: daemon, version: "1", startedAt: ContractTests.start.wall)
        let bytes = report.encoded()
        #expect(bytes.count < 500 * 4096)
        let clock = ContinuousClock()
        var fastest = Duration.seconds(60)
        for _ in 0..<3 { fastest = min(fastest, clock.measure { _ = report.encoded() }) }
        print("500 workers: \(bytes.count) bytes of metrics in \(fastest)")
        #expect(fastest < .seconds(1))
    }
}
