package import WardenCore

/// What `/metrics` says, at one moment. The names are documented in the README and used by packaging/prometheus and
/// packaging/grafana: they do not change.
package struct MetricsReport: Sendable {
    /// Every worker.
    package var workers: [WorkerSnapshot]
    /// What the daemon says of itself.
    package var daemon: DaemonReadings
    /// Warden's version.
    package var version: String
    /// When the daemon started.
    package var startedAt: WallTime
    /// It runs, and neither stops nor starts anew.
    package var isReady: Bool
    /// Why it doubts what it sees.
    package var doubts: Int
    /// What it has too little of.
    package var shortages: Int
    /// How long the supervising thread took to answer.
    package var answerTime: Duration

    /// - Parameters: as the properties of the same names.
    package init(
        workers: [WorkerSnapshot], daemon: DaemonReadings, version: String, startedAt: WallTime, isReady: Bool = true,
        doubts: Int = 0, shortages: Int = 0, answerTime: Duration = .zero
    ) {
        self.workers = workers
        self.daemon = daemon
        self.version = version
        self.startedAt = startedAt
        self.isReady = isReady
        self.doubts = doubts
        self.shortages = shortages
        self.answerTime = answerTime
    }

    /// The text.
    package func encoded() -> [UInt8] {
        // A worker's lines take about 3 KB.
        var text = MetricsText(reserving: 8192 + workers.count * 3072)
        let labelled = workers.sorted { $0.name < $1.name }.map(LabelledWorker.init)
        text.write(labelled)
        text.writeRestarts(labelled, daemon.counts.restarts)
        text.writeCounts(daemon.counts)
        writeDaemon(to: &text)
        return text.bytes
    }

    private func writeDaemon(to text: inout MetricsText) {
        text.family("warden_build_info", .gauge, "Always 1; the version is in the label.")
        text.sample(.none, "version", version, 1)
        text.family("warden_ready", .gauge, "1 while the daemon takes orders, 0 while it stops or starts anew.")
        text.sample(.none, isReady ? 1 : 0 as Int64)
        text.family("warden_doubts", .gauge, "Reasons for which the daemon trusts what it sees less, and only alerts.")
        text.sample(.none, Int64(doubts))
        text.family("warden_shortages", .gauge, "Things of which the daemon has too little, as in /api/v1/daemon.")
        text.sample(.none, Int64(shortages))
        text.family(
            "warden_shell_answer_seconds", .gauge, "How long the supervising thread took to answer this scrape.")
        text.sample(.none, answerTime.inSeconds)
        text.writeLoops(daemon)
        text.writeProcess(daemon.process, startedAt: startedAt)
    }
}

/// A worker with the labels that all its series have.
struct LabelledWorker {
    let worker: WorkerSnapshot
    let labels: MetricLabels

    init(_ worker: WorkerSnapshot) {
        self.worker = worker
        labels = MetricLabels([("worker", worker.name.qualified), ("group", worker.name.group)])
    }

    /// Its readings, while it runs.
    var readings: TreeReadings? { worker.pid == nil ? nil : worker.readings }
}

extension MetricsText {
    // MARK: Workers

    fileprivate mutating func write(_ workers: [LabelledWorker]) {
        writeStates(workers)
        writeHealth(workers)
        writeReadings(workers)
        writeForecasts(workers)
    }

    /// One gauge, for those workers that have it.
    private mutating func gauge(
        _ name: String, _ help: String, of workers: [LabelledWorker], _ value: (LabelledWorker) -> Double?
    ) {
        family(name, .gauge, help)
        for one in workers { if let value = value(one) { sample(one.labels, value) } }
    }

    private mutating func writeStates(_ workers: [LabelledWorker]) {
        gauge("warden_worker_up", "1 while the worker's process runs, 0 while it is down.", of: workers) {
            $0.worker.pid == nil ? 0 : 1
        }
        gauge(
            "warden_worker_state",
            "supervisord's state: 0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, 40 STOPPING, 100 EXITED, 200 FATAL, "
                + "1000 UNKNOWN.", of: workers
        ) { Double($0.worker.state.rawValue) }
        gauge("warden_worker_start_time_seconds", "When the running process was started (Unix time).", of: workers) {
            $0.worker.pid == nil ? nil : $0.worker.startedAt?.wall.inSeconds
        }
        gauge(
            "warden_worker_exit_status",
            "How the last process ended: its exit code, or the signal's number with a minus.", of: workers
        ) { $0.worker.exitStatus?.json.double }
    }

    private mutating func writeHealth(_ workers: [LabelledWorker]) {
        family("warden_worker_health", .gauge, "1 for the class of the worker's verdict, 0 for the others.")
        for one in workers {
            guard let condition = one.worker.verdict?.condition else { continue }
            for name in Condition.classNames { sample(one.labels, "class", name, condition.className == name ? 1 : 0) }
        }
        family("warden_worker_health_info", .gauge, "Always 1; the verdict's class, cause and grade are in the labels.")
        for one in workers {
            guard let verdict = one.worker.verdict else { continue }
            let labels = one.labels.adding([
                ("class", verdict.condition.className), ("cause", verdict.condition.causeName),
                ("grade", verdict.grade.rawValue),
            ])
            sample(labels, 1 as Int64)
        }
        gauge(
            "warden_worker_health_since_timestamp_seconds", "Since when the verdict has been what it is (Unix time).",
            of: workers
        ) { $0.worker.verdict?.since.wall.inSeconds }
        gauge(
            "warden_worker_health_paused", "1 while verdicts are not acted on, because a person said so.", of: workers
        ) { $0.worker.isHealthPaused ? 1 : 0 }
        gauge(
            "warden_worker_gave_up",
            "1 while nothing more is done about the worker's verdict: the budget is spent, or restarts did not help.",
            of: workers
        ) { one in one.worker.verdict.map { _ in one.worker.hasGivenUp ? 1 : 0 } }
    }

    private mutating func writeReadings(_ workers: [LabelledWorker]) {
        gauge(
            "warden_worker_open_fds", "Open descriptors of the worker's process that has the least room.", of: workers
        ) { $0.readings?.tightest.map { Double($0.count) } }
        gauge("warden_worker_max_fds", "The soft limit of descriptors of that process.", of: workers) {
            $0.readings?.tightest.flatMap { $0.softLimit == .max ? nil : Double($0.softLimit) }
        }
        gauge("warden_worker_resident_memory_bytes", "Resident memory of the worker's process tree.", of: workers) {
            $0.readings.map { Double($0.treeRSSBytes) }
        }
        gauge("warden_worker_processes", "Processes of the worker's tree.", of: workers) {
            $0.readings.map { Double($0.processCount) }
        }
        gauge("warden_worker_threads", "Threads of the worker's tree.", of: workers) {
            $0.readings.map { Double($0.threadCount) }
        }
        gauge("warden_worker_heartbeat_age_seconds", "Since the worker last showed life.", of: workers) { one in
            guard one.worker.pid != nil else { return nil }
            return one.worker.lastHeartbeat.map { one.worker.takenAt.instant.secondsSince($0) }
        }
        gauge("warden_worker_demand", "Work that waits for the worker, by its `demand`.", of: workers) { one in
            if case .amount(let amount)? = one.worker.demand?.answer { amount } else { nil }
        }
    }

    private mutating func writeForecasts(_ workers: [LabelledWorker]) {
        family(
            "warden_worker_time_to_exhaustion_seconds", .gauge,
            "Until the worker's descriptors or its `rss_limit` are used up at the present growth.")
        for one in workers {
            if let left = one.worker.descriptorTrend?.timeToLimit {
                sample(one.labels.adding([("resource", "descriptors")]), left.inSeconds.inMilliseconds)
            }
            if let left = one.worker.memoryTimeToLimit {
                sample(one.labels.adding([("resource", "memory")]), left.inSeconds.inMilliseconds)
            }
        }
    }

    fileprivate mutating func writeRestarts(_ workers: [LabelledWorker], _ counts: [SlotName: [String: Int]]) {
        family(
            "warden_worker_restarts_total", .counter,
            "Starts after the first by reason: a class/cause, exit, user or config.")
        for one in workers {
            let known = counts[one.worker.name] ?? [:]
            // The commonest is there from the beginning: of a counter that appears with 1 no rate is seen.
            if known[RestartReason.exit.name] == nil { sample(one.labels, "reason", RestartReason.exit.name, 0) }
            for (reason, count) in known.sorted(by: { $0.key < $1.key }) {
                sample(one.labels, "reason", reason, Int64(count))
            }
        }
        gauge("warden_worker_last_restart_timestamp_seconds", "When the last restart began (Unix time).", of: workers) {
            $0.worker.lastRestart?.at.inSeconds
        }
    }

    // MARK: The daemon

    fileprivate mutating func writeCounts(_ counts: DaemonCounts) {
        family("warden_incidents_total", .counter, "Incidents by class since the daemon's start.")
        let classes = Set(counts.incidents.keys).union(Condition.actionableClassNames)
        for name in classes.sorted() { sample(.none, "class", name, Int64(counts.incidents[name] ?? 0)) }
        family("warden_incident_outcomes_total", .counter, "Incidents that have an outcome, by class and outcome.")
        let endedClasses = Set(counts.endings.keys.map(\.className)).union(Condition.actionableClassNames)
        for name in endedClasses.sorted() {
            let labels = MetricLabels([("class", name)])
            for outcome in Outcome.names {
                let count = counts.endings[DaemonCounts.Ending(className: name, outcome: outcome)] ?? 0
                sample(labels, "outcome", outcome, Int64(count))
            }
        }
        let destinations = counts.deliveries.sorted { $0.key < $1.key }.map { entry in
            (labels: MetricLabels([("destination", entry.key)]), deliveries: entry.value)
        }
        family("warden_alert_attempts_total", .counter, "Attempts to deliver alerts, by what came of them.")
        for (labels, deliveries) in destinations {
            sample(labels, "result", "delivered", Int64(deliveries.delivered))
            sample(labels, "result", "retrying", Int64(deliveries.retrying))
            sample(labels, "result", "gave-up", Int64(deliveries.gaveUp))
        }
        family("warden_alerts_waiting", .gauge, "Alerts that are neither delivered nor given up.")
        for (labels, deliveries) in destinations { sample(labels, Int64(deliveries.waiting)) }
    }

    fileprivate mutating func writeLoops(_ daemon: DaemonReadings) {
        let loops = daemon.loops.map { (labels: MetricLabels([("loop", $0.name)]), loop: $0) }
        family("warden_loop_turns_total", .counter, "Turns of the daemon's threads.")
        for (labels, loop) in loops { sample(labels, Int64(clamping: loop.turns)) }
        family(
            "warden_loop_last_turn_age_seconds", .gauge, "Since the thread's last turn began; idle ones turn seldom.")
        for (labels, loop) in loops { sample(labels, loop.sinceTurn.inSeconds.inMilliseconds) }
        family("warden_loop_blocked_seconds", .gauge, "How long the thread has been inside one call that may block.")
        for (labels, loop) in loops { sample(labels, loop.blockedFor.inSeconds.inMilliseconds) }
        family("warden_log_bytes_total", .counter, "Bytes of output that were taken from workers.")
        if let bytes = daemon.logBytes { sample(.none, Int64(clamping: bytes)) }
        family("warden_samples_total", .counter, "Samples that were taken of workers.")
        if let samples = daemon.samples { sample(.none, Int64(clamping: samples)) }
    }

    /// By the names that Prometheus' client libraries have.
    fileprivate mutating func writeProcess(_ process: ProcessReadings?, startedAt: WallTime) {
        family("process_start_time_seconds", .gauge, "Start time of the process since unix epoch in seconds.")
        sample(.none, startedAt.inSeconds)
        guard let process else { return }
        family("process_cpu_seconds_total", .counter, "Total user and system CPU time spent in seconds.")
        sample(.none, process.cpuTime.inSeconds)
        family("process_resident_memory_bytes", .gauge, "Resident memory size in bytes.")
        if let bytes = process.residentBytes { sample(.none, bytes) }
        family("process_virtual_memory_bytes", .gauge, "Virtual memory size in bytes.")
        if let bytes = process.virtualBytes { sample(.none, bytes) }
        family("process_open_fds", .gauge, "Number of open file descriptors.")
        if let count = process.openDescriptors { sample(.none, Int64(count)) }
        family("process_max_fds", .gauge, "Maximum number of open file descriptors.")
        if let limit = process.descriptorLimit { sample(.none, Int64(limit)) }
    }
}

extension Condition {
    /// Every class once.
    fileprivate static let classNames = [
        "starting", "healthy", "leaking", "dark", "hung", "bloated", "paused", "unknown",
    ]

    /// Those that become incidents.
    fileprivate static let actionableClassNames: Set<String> = ["leaking", "dark", "hung", "bloated"]
}

extension Outcome {
    /// Every name once.
    fileprivate static let names = ["recovered", "unhelped", "gave-up", "superseded"]
}

extension WallTime {
    /// Unix time, to the millisecond.
    fileprivate var inSeconds: Double { Double(microseconds / 1000) / 1000 }
}
