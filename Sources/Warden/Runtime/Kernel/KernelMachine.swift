import WardenConfig
import WardenCore
import WardenLinux
import WardenOutbound

/// The threads and stores that the machine hands things to.
struct MachineParts: Sendable {
    var inbox: Mailbox<Event>
    var pump: Pump
    var sampler: Sampler
    var readers: Readers
    var scribe: Scribe
    var mainLog: MainLog
    var notices: Notices
    var bridge: ControlBridge
    var logs: WorkerLogs
    var loops: LoopBeats
    var configurations: ConfigurationReader
    var outputBudget: OutputBudget
    var prober: ProbeClient
    var gpus: GPUInspector
    var shortages: Shortages
}

/// What every worker is started with.
struct LaunchGround: Sendable {
    var environment: BaseEnvironment
    var limits: [ResourceLimit]
    /// `identifier` of `[supervisord]`: `server` in the header of events.
    var identifier: String
    /// `strip_ansi` of `[supervisord]`.
    var stripsANSI: Bool
    /// `loglevel = debug`: workers' output is copied into the daemon's own log.
    var copiesOutput: Bool
    /// Where the sockets of workers with `heartbeat = notify` are made.
    var runtimeDirectory: String
    /// The binary that an upgrade executes; `nil` where others could put another in its place.
    var executable: String?
    /// The daemon's own limits before it raised them.
    var startLimits: DaemonLimits?
}

/// The real machine: children, descriptors and signals of this host, on the shell's own thread.
///
/// It blocks in one place, the epoll of `waitForEvents`. Whatever may block elsewhere is handed to a thread.
struct KernelMachine: Machine, ~Copyable {
    /// What a ready descriptor is.
    enum Source {
        case signals
        case inbox
        case exit(WorkerID)
        case report(WorkerID)
        case notifySocket(WorkerID)
        case input(WorkerID)
        case hookExit(UInt64)
        case hookOutput(UInt64)
        case treesEnded
    }

    let parts: MachineParts
    let ground: LaunchGround
    let keeper: StateKeeper
    let containment: Containment
    let spawner = Spawner()
    let sockets: SocketKeeper?
    var poller: Poller
    let signals: SignalSource
    var workers: [WorkerID: WorkerProcess] = [:]
    var hooks: [UInt64: HookProcess] = [:]
    var examinations: [WorkerID: Examination] = [:]
    var workersByPID: [Int32: WorkerID] = [:]
    /// Of slots whose next start is to be prepared.
    var treeRecords: [SlotID: TreeRecord] = [:]
    /// Slots that had a process: there was room for it, and there is to be room again.
    var placed: Set<SlotID> = []
    /// What those hold that have just ended, while they are not there.
    var vacated: [SlotID: (descriptors: Int, since: Instant)] = [:]
    var patterns: [String: Pattern] = [:]
    var sharedSockets: [SharedSocketKey: SharedSocketUse] = [:]
    var sources: [UInt64: Source]
    /// Outcomes that were known at once.
    var pending: [Event] = []
    private var nextToken: UInt64
    private var nextWatchAt: Instant
    private var nextPingAt: Instant
    private var lastHealth = LocalHealth()
    var own: SelfWatchParts
    /// Orphans that have ended may wait behind what it names.
    var lastSweep = Strangers.Sweep()

    init(
        parts: MachineParts, ground: LaunchGround, keeper: StateKeeper, containment: Containment,
        sockets: SocketKeeper? = nil,
        selfWatch: SelfWatch
    ) throws(KernelFailure) {
        own = SelfWatchParts(watch: selfWatch)
        let poller = try Poller()
        let signals = try SignalSource()
        try poller.add(signals.readinessDescriptor, token: 1, .readable)
        try poller.add(parts.inbox.readinessDescriptor, token: 2, .readable)
        try poller.add(containment.answers.readinessDescriptor, token: 3, .readable)
        sources = [1: .signals, 2: .inbox, 3: .treesEnded]
        nextToken = 4
        self.parts = parts
        self.ground = ground
        self.keeper = keeper
        self.containment = containment
        self.sockets = sockets
        self.poller = poller
        self.signals = signals
        nextWatchAt = MonotonicClock.now()
        own.watch.started(keeper.startsOfLate(at: nextWatchAt), at: nextWatchAt)
        nextPingAt = nextWatchAt
    }

    /// Watches a descriptor; its end and its errors always wake.
    ///
    /// - Returns: the token, to forget it by.
    @discardableResult
    mutating func watch(
        _ descriptor: CInt, _ source: Source, for interest: Poller.Interest = .readable
    ) throws(KernelFailure) -> UInt64 {
        let token = nextToken
        nextToken += 1
        try poller.add(descriptor, token: token, interest)
        sources[token] = source
        return token
    }

    /// Watches no longer. Before the descriptor is closed.
    mutating func unwatch(_ descriptor: CInt, where matches: (Source) -> Bool) {
        poller.remove(descriptor)
        if let token = sources.first(where: { matches($0.value) })?.key { sources[token] = nil }
    }

    mutating func now() -> Moment { Moment.now() }

    // MARK: - Waiting

    mutating func waitForEvents(until deadline: Instant?, into events: inout [Event]) {
        let ownDeadline = min(earliestOwnDeadline(), deadline ?? .distantFuture)
        let limit = pending.isEmpty && !lastSweep.isCutShort ? ownDeadline : MonotonicClock.now()
        do throws(KernelFailure) {
            for ready in try poller.wait(until: limit) { take(ready) }
            if lastSweep.isCutShort || lastSweep.hiddenBehind != nil { reapStrangers() }
        } catch {
            // Nothing that can happen to a living epoll. If it does, the loop must neither spin nor die.
            log(LogRecord(.critical, "internal: \(error)"))
            _ = parts.inbox.wait(until: MonotonicClock.now() + RuntimeLimits.watchInterval)
            takeInbox()
        }
        keeper.turn()
        let now = MonotonicClock.now()
        expire(at: now)
        if now >= nextWatchAt { watchLoops(at: now) }
        let count = min(pending.count, ShellLimits.eventsPerTurn)
        for case .wrote(let output) in pending.prefix(count) { parts.outputBudget.give(output) }
        events.append(contentsOf: pending.prefix(count))
        pending.removeFirst(count)
    }

    private mutating func take(_ ready: Poller.Ready) {
        switch sources[ready.token] {
        case .signals?: takeSignals()
        case .inbox?: takeInbox()
        case .exit(let worker)?: reap(worker)
        case .report(let worker)?: readReport(of: worker)
        case .notifySocket(let worker)?: readNotifications(of: worker)
        case .input(let worker)?: flushInput(of: worker)
        case .hookExit(let number)?: hookExited(number)
        case .hookOutput(let number)?: readHookOutput(number)
        case .treesEnded?: takeEndedTrees()
        case nil: break
        }
    }

    private mutating func takeInbox() {
        for event in parts.inbox.drain() {
            // Silence is known up to where the pipes were seen empty, which a silent worker has nobody to say but this.
            if case .worker(let worker, .sampled) = event {
                pending.append(.worker(worker, .logged(LogFacts(drainedAt: parts.pump.drained(of: worker)))))
            }
            if case .worker(let worker, .forensicsCollected(let found)) = event,
                examinationFound(found, of: worker)
            {
                continue
            }
            pending.append(event)
        }
    }

    private mutating func takeSignals() {
        for receipt in signals.drain() {
            switch receipt.signal.name {
            case "SIGCHLD": reapStrangers()
            case "SIGHUP":
                log(LogRecord(.warn, "received SIGHUP indicating restart request"))
                pending.append(.endRequested(.restart))
            case "SIGUSR2":
                log(LogRecord(.info, "received SIGUSR2 indicating log reopen request"))
                parts.mainLog.reopen()
                _ = parts.pump.reopenLogs()
            case "SIGUSR1":
                log(LogRecord(.info, "received SIGUSR1 indicating upgrade request"))
                pending.append(.endRequested(.upgrade))
            case "SIGTERM", "SIGINT", "SIGQUIT":
                log(LogRecord(.warn, "received \(receipt.signal.name) indicating exit request"))
                pending.append(.endRequested(.shutdown))
            default:
                log(LogRecord(.info, "received \(receipt.signal.name), which has no meaning here"))
            }
        }
    }

    private func earliestOwnDeadline() -> Instant {
        var earliest = nextWatchAt
        for process in workers.values where process.report != nil { earliest = min(earliest, process.reportDueAt) }
        for process in workers.values {
            if let ending = process.ending { earliest = min(earliest, ending.dueAt) }
        }
        for hook in hooks.values where !hook.isTimedOut { earliest = min(earliest, hook.deadline) }
        return earliest
    }

    private mutating func expire(at now: Instant) {
        let stuck = workers.values.filter { $0.report != nil && $0.reportDueAt <= now }.map(\.worker)
        for worker in stuck { spawnStuck(worker) }
        giveUpTrees(at: now)
        let late = hooks.filter { !$0.value.isTimedOut && $0.value.deadline <= now }.map(\.key)
        for number in late { hookTimedOut(number) }
    }

    // MARK: - The other threads

    /// Looks after the other threads, and tells the service manager that all of them turn, if they do.
    private mutating func watchLoops(at now: Instant) {
        let dueAt = nextWatchAt
        nextWatchAt = now + RuntimeLimits.watchInterval
        sockets?.look()
        parts.pump.relieveIfStuck(at: now)
        let (stalls, waits, mayPing) = parts.loops.examine(at: now)
        let doubts = stalls + lookAtOurselves(at: now, dueAt: dueAt)
        parts.shortages.note(DescriptorHeadroom.read())
        let health = LocalHealth(doubts: doubts, shortages: parts.shortages.words + waits)
        if health != lastHealth {
            lastHealth = health
            parts.bridge.healthChanged(health)
            pending.append(.localHealth(health))
        }
        guard let interval = parts.notices.watchdogInterval, mayPing, now >= nextPingAt else { return }
        // Three pings in each interval: one may be lost.
        nextPingAt = now + interval / 3
        parts.notices.ping()
    }
}
