import Synchronization
import WardenConfig
import WardenControl
import WardenCore
import WardenHistory
import WardenLinux
import WardenOutbound
import WardenWire

/// The daemon's threads and what they share, put together in the order in which they need each other.
final class House {
    let mainLog: MainLog
    private let configuration: Configuration
    let listeners: Listeners
    let parts: MachineParts
    let ground: LaunchGround
    private let sender: AlertSender
    let server: ControlServer
    private let syslog: SyslogSender
    private let store: HistoryStore?
    private let networkBeat: LoopBeat
    private let isShadow: Bool
    private let legacy: DaemonState?
    let keeper: StateKeeper
    private let containment: Containment
    private let remains: Remains?
    /// What was left out of the configuration.
    var refusal: PartialConfiguration?

    init(
        configuration: Configuration, reader: ConfigurationReader, listeners: Listeners, limits: DaemonLimits,
        keeper: StateKeeper, controlGroups: Result<ControlGroupTree, NoControlGroups>, legacy: DaemonState? = nil,
        remains: Remains? = nil
    ) throws(KernelFailure) {
        self.configuration = configuration
        self.listeners = listeners
        self.legacy = legacy
        self.keeper = keeper
        self.remains = remains
        let settings = configuration.daemon
        let mainLog = try MainLog(MainLog.Settings(configuration))
        self.mainLog = mainLog
        let log: @Sendable (LogRecord) -> Void = { mainLog.write($0) }
        keeper.speak(log)
        containment = try Containment(controlGroups, log: log)
        let inbox = try Mailbox<Event>(capacity: RuntimeLimits.inboxEvents, isPolled: true)
        let shortages = Shortages()
        let destinations = configuration.alerts.map(AlertDestination.init)
        let report = DeliveryInlet()
        let sender = AlertSender(
            destinations: destinations, clock: .system { WallClock.now().seconds },
            sign: { MessageSignature.sign($0, secret: $1) }, report: { report.take($0) })
        self.sender = sender
        let scribe = try Scribe(
            sender: sender, destinations: destinations, source: HostFiles.nodeName(),
            settled: keeper.settled, shortages: shortages, log: log)
        report.connect(scribe)
        let readers = try Readers()
        let notices = try Notices(log: log)
        let outputBudget = OutputBudget(log: log)
        let syslog = try SyslogSender(identifier: RuntimeLimits.syslogIdentifier) { House.tell($0, log) }
        self.syslog = syslog
        let pump = try Pump(
            reports: House.pumpReports(inbox, outputBudget, mainLog, keeper.settled, shortages), syslog: syslog)
        let sampler = try Sampler { worker, sample in
            // Newer samples count more than older ones: when the shell is behind, the oldest event that waits is not
            // pushed out for one, because it may be an exit.
            _ = inbox.post(.worker(worker, .sampled(sample)))
        }
        let logs = WorkerLogs(
            directory: settings.childLogDirectory, identifier: settings.identifier, pump: pump,
            seed: UInt64.random(in: .min ... .max))
        let bridge = ControlBridge(
            inbox: inbox, readers: readers, scribe: scribe, logs: logs, mainLog: mainLog,
            containment: containment,
            tester: AlertTester(sender: sender, destinations: destinations, source: HostFiles.nodeName()),
            identity: DaemonIdentity(
                pid: DaemonProcess.pid, identifier: settings.identifier, version: Version.text,
                logPath: mainLog.path, startedAt: .now()))
        networkBeat = LoopBeat(at: MonotonicClock.now())
        store = House.openHistory(configuration.warden, log)
        isShadow = reader.arguments.isShadow
        parts = MachineParts(
            inbox: inbox, pump: pump, sampler: sampler, readers: readers, scribe: scribe, mainLog: mainLog,
            notices: notices, bridge: bridge, logs: logs,
            loops: House.loops(pump, sampler, scribe, mainLog, notices, networkBeat), configurations: reader,
            outputBudget: outputBudget, prober: ProbeClient(),
            gpus: GPUInspector(), shortages: shortages)
        ground = House.ground(settings, limits, isOwnAlone: keeper.isKept)
        server = ControlServer(
            listeners: try listeners.controlListeners(), backend: bridge,
            settings: ControlSettings(
                ownUserID: HostFiles.userID(), hostNames: [HostFiles.nodeName()],
                servesMetrics: configuration.warden.servesMetrics, now: { WallClock.now() },
                localTime: { LocalClock.parts(of: $0) }, room: { ConnectionRoom(DescriptorHeadroom.read()) },
                openLog: { House.openLog($0) }, log: log))
        beginCounting(for: destinations)
    }

    private static func loops(
        _ pump: Pump, _ sampler: Sampler, _ scribe: Scribe, _ mainLog: MainLog, _ notices: Notices, _ network: LoopBeat
    ) -> LoopBeats {
        LoopBeats(loops: [
            .init(name: "log pump", beat: pump.beat), .init(name: "sampler", beat: sampler.beat),
            .init(name: "history", beat: scribe.beat), .init(name: "daemon log", beat: mainLog.beat),
            .init(name: "notifier", beat: notices.loopBeat), .init(name: "control", beat: network),
        ])
    }

    private static func openLog(_ path: String) -> OpenedLog? {
        ReadableLog.open(path).map { log in
            OpenedLog(
                descriptor: log.descriptor, inode: log.inode, sizeBytes: log.sizeBytes, modifiedAt: log.modifiedAt,
                isRegular: log.isRegular)
        }
    }

    private static func ground(
        _ settings: DaemonSettings, _ limits: DaemonLimits, isOwnAlone: Bool
    ) -> LaunchGround {
        LaunchGround(
            environment: .current(),
            limits: limits.forWorkers(
                minimumDescriptors: UInt64(settings.minimumDescriptors),
                minimumProcesses: UInt64(settings.minimumProcesses), isOwnAlone: isOwnAlone),
            identifier: settings.identifier, stripsANSI: settings.stripsANSI,
            copiesOutput: LogRecord.Level(settings.logLevel) <= .debug,
            runtimeDirectory: settings.childLogDirectory, executable: DaemonProcess.trustedExecutable(),
            startLimits: limits)
    }

    private static func pumpReports(
        _ inbox: Mailbox<Event>, _ outputBudget: OutputBudget, _ mainLog: MainLog, _ settled: Settled,
        _ shortages: Shortages
    ) -> PumpReports {
        PumpReports(
            facts: { worker, facts in _ = inbox.post(.worker(worker, .logged(facts))) },
            closed: { settled.drained($0) },
            trouble: { trouble in
                shortages.note(trouble)
                House.tell(trouble) { mainLog.write($0) }
            },
            wrote: { output in
                if outputBudget.take(output), inbox.post(.wrote(output)) == .full { outputBudget.give(output) }
            },
            said: { worker, words in _ = inbox.post(.worker(worker, .said(words))) },
            copied: { origin, channel, text in mainLog.write(output: text, of: origin.name, channel) })
    }

    private static func tell(_ trouble: LogTrouble, _ log: (LogRecord) -> Void) {
        if trouble.isClosed { return }
        if trouble.isStuck || trouble.isStuckNoMore {
            let what =
                trouble.isStuck ? "its disk does not answer; whoever writes to it waits" : "its disk answers again"
            return log(LogRecord(trouble.isStuck ? .error : .info, "log \(trouble.path): \(what)"))
        }
        let what = trouble.failure.map { "\($0)" } ?? "written to again"
        let lost = trouble.droppedBytes > 0 ? ", \(trouble.droppedBytes) bytes dropped so far" : ""
        log(LogRecord(trouble.failure == nil ? .info : .error, "log \(trouble.path): \(what)\(lost)"))
    }

    /// A history that cannot be had is said, and nothing else happens; `nil` also where none is wanted.
    private static func openHistory(
        _ settings: WardenSettings, _ log: (LogRecord) -> Void, isFirst: Bool = true
    ) -> HistoryStore? {
        guard let path = settings.historyPath else { return nil }
        do {
            let store = try HistoryStore.open(
                path: path, keep: settings.historyKeep, keepingRecords: settings.recordKeep ?? .zero)
            for notice in store.notices { log(LogRecord(.warn, "history: \(notice)")) }
            if !isFirst { log(LogRecord(.info, "There is a history again")) }
            return store
        } catch {
            if isFirst { log(LogRecord(.error, "No history, incidents are kept in memory only: \(error)")) }
            return nil
        }
    }

    /// For a history that could not be opened at first.
    private static func reopening(
        _ settings: WardenSettings, _ log: @escaping @Sendable (LogRecord) -> Void
    ) -> (@Sendable () -> HistoryStore?)? {
        guard settings.historyPath != nil else { return nil }
        return { House.openHistory(settings, log, isFirst: false) }
    }

    // MARK: - Life

    /// Starts the threads, runs the shell on this one, and ends the threads.
    func live() throws(KernelFailure) -> End {
        announceStart()
        if let legacy {
            parts.logs.known = legacy.logs
            parts.bridge.nextRequest = legacy.nextRequest
        } else if let remains {
            parts.logs.recall(remains.logs)
        } else {
            removeOldLogs()
        }
        let log = try NamedThread.start(name: "log") { [mainLog] in mainLog.run() }
        let scribe = try NamedThread.start(name: "scribe", stackBytes: 1 << 20) {
            [parts, store, configuration, mainLog] in
            parts.scribe.run(store, reopen: House.reopening(configuration.warden) { mainLog.write($0) })
        }
        let notifier = try NamedThread.start(name: "notifier") { [parts] in parts.notices.run() }
        try parts.readers.start()
        try containment.start()
        let network = try startNetwork()
        let supervisor = supervisor()
        parts.bridge.configurationRead(supervisor.newestGroups)
        var machine = try KernelMachine(
            parts: parts, ground: ground, keeper: keeper, containment: containment,
            sockets: SocketKeeper(listeners: listeners, server: server, mainLog: mainLog, keeper: keeper),
            selfWatch: SelfWatch(pressurePercent: configuration.warden.hostPressurePercent))
        if let legacy { machine.adopt(legacy) }
        if let remains { machine.adopt(remains) }
        let known = Set(machine.workers.keys)
        containment.removeEmpty { known.contains($0) }
        var shell = Shell(
            supervisor: supervisor, machine: machine, dice: Dice(seed: .random(in: .min ... .max)),
            invariants: .report)
        let end = run(&shell)
        mainLog.write(LogRecord(.info, "every worker has stopped"))
        parts.sampler.stop()
        parts.pump.stop()
        syslog.stop()
        parts.bridge.closeAll()
        keeper.end()
        containment.removeEmpty()
        server.stop()
        sender.finish()
        network.join()
        parts.scribe.end()
        scribe.join()
        parts.notices.end()
        notifier.join()
        mainLog.end()
        log.join()
        return end
    }

    private func run(_ shell: inout Shell<KernelMachine>) -> End {
        while true {
            guard let end = shell.step() else { continue }
            guard end == .upgrade else { return end }
            mainLog.write(LogRecord(.error, "upgrade refused: \(handOver(&shell))"))
            shell.goOn()
        }
    }

    private func supervisor() -> Supervisor {
        if var told = legacy?.supervisor {
            told.takeOver()
            return told
        }
        let isRecording = store != nil && configuration.warden.recordKeep != nil
        if let remains {
            return Supervisor(
                remembering: remains.supervisor, isShadow: isShadow,
                sharedCauseWindow: configuration.warden.sharedCauseWindow, isRecording: isRecording)
        }
        return Supervisor(
            groups: configuration.groups, isShadow: isShadow, earlierStarts: earlierStarts(),
            refused: refusal?.programs ?? [], sharedCauseWindow: configuration.warden.sharedCauseWindow,
            isRecording: isRecording)
    }

    private func announceStart() {
        if let refusal, !refusal.programs.isEmpty {
            for error in refusal.errors { mainLog.write(LogRecord(.critical, error)) }
            let names = refusal.programs.joined(separator: ", ")
            mainLog.write(
                LogRecord(.critical, "not started, because their sections have errors: \(names); the others run"))
        }
        if let legacy {
            let text = "version \(Version.text) took over \(legacy.workers.count) workers from \(legacy.version)"
            return mainLog.write(LogRecord(.info, text))
        }
        if let remains {
            let count = remains.supervisor.runningWorkers().count
            let text = "the former daemon ended all of a sudden; pid \(DaemonProcess.pid) took over \(count) workers"
            return mainLog.write(LogRecord(.warn, text))
        }
        mainLog.write(LogRecord(.info, "RPC interface 'supervisor' initialized"))
        mainLog.write(LogRecord(.info, "supervisord started with pid \(DaemonProcess.pid)"))
    }

    private func removeOldLogs() {
        let settings = configuration.daemon
        guard !settings.keepsOldLogs else { return }
        HostFiles.remove(in: settings.childLogDirectory) {
            LogFileName.isAutomatic($0, identifier: settings.identifier)
        }
    }

    private func earlierStarts() -> [SlotName: Int] {
        do {
            return try store?.restartCounts().mapValues { $0 + 1 } ?? [:]
        } catch {
            mainLog.write(LogRecord(.error, "Cannot read former restarts: \(error)"))
            return [:]
        }
    }

    /// Before the first scrape: a counter that jumps to what the history has would be taken for a storm of restarts.
    private func beginCounting(for destinations: [AlertDestination]) {
        var restarts: [SlotName: [String: Int]] = [:]
        do {
            restarts = try store?.restartReasonCounts() ?? [:]
        } catch {
            mainLog.write(LogRecord(.error, "Cannot read former restarts: \(error)"))
        }
        let tallies = parts.scribe.tallies
        tallies.begin(restarts: restarts, destinations: destinations.map(\.name))
        let gauges = OwnGauges(
            loops: parts.loops, pump: parts.pump.beat, sampler: parts.sampler.beat, tallies: tallies, sender: sender)
        parts.bridge.gauges.withLock { $0 = gauges }
    }

    /// Control and webhooks share one thread. The workers are started when the sockets are served.
    private func startNetwork() throws(KernelFailure) -> NamedThread {
        NetworkThread.shareOneLoop()
        let (server, sender, inbox, beat, mainLog) = (server, sender, parts.inbox, networkBeat, mainLog)
        // Whoever takes over has started what starts by itself long ago.
        let isFirst = legacy == nil && remains == nil
        let prober = parts.prober
        let beginning = Beginning(parts.readers, inbox)
        return try NamedThread.start(name: "network") {
            do {
                try NetworkThread.run {
                    await withTaskGroup(of: Void.self) { group in
                        group.addTask { await House.beatForEver(beat, beginning) }
                        group.addTask { await prober.run() }
                        await House.serve(server, sender, inbox, mainLog) { if isFirst { beginning.search() } }
                        group.cancelAll()
                    }
                }
            } catch {
                mainLog.write(LogRecord(.critical, "The network thread ended: \(error)"))
            }
        }
    }

    private static func serve(
        _ server: ControlServer, _ sender: AlertSender, _ inbox: Mailbox<Event>, _ mainLog: MainLog,
        whenServed begin: @escaping @Sendable () -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await sender.run() }
            do throws(ControlError) {
                try await server.run(onReady: begin)
            } catch {
                mainLog.write(LogRecord(.critical, "\(error)"))
                _ = inbox.post(.endRequested(.shutdown))
            }
            // Alerts that are still owed get a moment; the outbox keeps the rest for the next life. Cancelled: over.
            group.addTask { try? await Task.sleep(for: RuntimeLimits.farewell) }
            await group.next()
            group.cancelAll()
        }
    }

    private static func beatForEver(_ beat: LoopBeat, _ beginning: Beginning) async {
        while !Task.isCancelled {
            beginning.look()
            beat.turned(at: MonotonicClock.now())
            // Cancelled: the loop ends.
            try? await Task.sleep(for: .seconds(1))
        }
    }
}

/// Reports of deliveries on their way to the scribe, who needs the sender to be made first.
private final class DeliveryInlet: Sendable {
    private let scribe = Mutex<Scribe?>(nil)

    func connect(_ scribe: Scribe) { self.scribe.withLock { $0 = scribe } }
    func take(_ report: DeliveryReport) { scribe.withLock { $0 }?.delivered(report) }
}

extension ConnectionRoom {
    fileprivate init(_ reading: DescriptorHeadroom.Reading) {
        self = reading.isComfortable ? .plenty : reading.hasRoomForClient ? .few : .none
    }
}

extension AlertDestination {
    fileprivate init(_ settings: AlertSettings) {
        self.init(name: settings.name, url: settings.url)
        format =
            switch settings.format {
            case .json: .json
            case .slack: .slack
            case .alertmanager: .alertmanager
            case .pagerduty: .pagerduty
            }
        events = Set(settings.events.map(\.rawValue))
        timeout = settings.timeout
        retryFor = settings.retryFor
        includeLog = settings.includesLog
        secret = settings.secret
    }
}

extension MainLog.Settings {
    fileprivate init(_ configuration: Configuration) {
        let settings = configuration.daemon
        let isInJournal = Journal.isStandardErrorConnected()
        let path: String? = if case .file(let path) = settings.log { path } else { nil }
        self.init(
            path: path, maximumBytes: settings.logMaximumBytes, backupCount: settings.logBackupCount,
            level: LogRecord.Level(settings.logLevel), writesSyslog: settings.log == .syslog,
            copiesToStandardOutput: (settings.isForeground || DaemonProcess.pid == 1) && !settings.isSilent
                && !isInJournal,
            writesJournal: configuration.warden.writesJournal && isInJournal, identifier: "warden")
    }
}
