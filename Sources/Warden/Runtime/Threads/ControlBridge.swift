import Synchronization
import WardenConfig
import WardenControl
import WardenCore
import WardenLinux
import WardenWire

/// The control room's way to the shell and to the other threads, and back.
///
/// A request posts an event to the shell's mailbox and suspends; the shell's answer resumes it. Neither side blocks: a
/// full mailbox is an answer too.
final class ControlBridge: ControlBackend {
    private struct Waiting {
        var next: UInt64 = 1
        var continuations: [UInt64: CheckedContinuation<Reply, Never>] = [:]
    }

    private let waiting = Mutex(Waiting())
    private let mood = Mutex(DaemonMood.running)
    private let health = Mutex(LocalHealth())
    private let newest = Mutex<[GroupSpec]>([])
    /// Where the daemon's own readings come from; `nil` until it is put together.
    let gauges = Mutex<OwnGauges?>(nil)
    private let inbox: Mailbox<Event>
    let readers: Readers
    let containment: Containment
    private let scribe: Scribe
    private let logs: WorkerLogs
    private let mainLog: MainLog
    let tester: AlertTester
    let eventHub: EventHub
    private let identity: DaemonIdentity
    private let environment = BaseEnvironment.current()

    init(
        inbox: Mailbox<Event>, readers: Readers, scribe: Scribe, logs: WorkerLogs, mainLog: MainLog,
        containment: Containment, tester: AlertTester, identity: DaemonIdentity
    ) {
        self.inbox = inbox
        self.readers = readers
        self.scribe = scribe
        self.logs = logs
        self.mainLog = mainLog
        self.containment = containment
        self.tester = tester
        eventHub = EventHub(life: String(identity.startedAt.wall.microseconds, radix: 36))
        self.identity = identity
    }

    /// The number of the next request. A successor goes on from here: an answer to a former request is nobody's then.
    var nextRequest: UInt64 {
        get { waiting.withLock { $0.next } }
        set { waiting.withLock { $0.next = max($0.next, newValue) } }
    }

    // MARK: - From the shell

    /// The shell has an answer.
    func answer(_ request: RequestID, _ reply: Reply) {
        let continuation = waiting.withLock { $0.continuations.removeValue(forKey: request.number) }
        continuation?.resume(returning: reply)
    }

    /// The daemon's mood changed.
    func moodChanged(_ mood: DaemonMood) {
        self.mood.withLock { $0 = mood }
    }

    /// The daemon has new doubts, or is short of something.
    func healthChanged(_ health: LocalHealth) {
        self.health.withLock { $0 = health }
    }

    /// Something happened that those who watch may want to know.
    func happened(_ announcement: Announcement) {
        eventHub.publish(.announcement(announcement), at: WallClock.now())
    }

    /// An incident was opened, closed or resolved.
    func happened(_ alert: Alert) {
        eventHub.publish(.alert(alert), at: WallClock.now())
    }

    /// A configuration was read.
    func configurationRead(_ groups: [GroupSpec]) {
        logs.prepare(groups)
        newest.withLock { $0 = groups }
    }

    /// Whether a stop of a program means its whole tree, by the newest configuration.
    func endsTree(_ name: SlotName) -> Bool {
        newest.withLock { groups in
            let group = groups.first { $0.name == name.group }
            return group?.programs.first { $0.name == name }?.supervision.endsTree ?? false
        }
    }

    /// Nobody will answer any more.
    func closeAll() {
        let all = waiting.withLock { waiting in
            defer { waiting.continuations = [:] }
            return waiting.continuations
        }
        for continuation in all.values { continuation.resume(returning: .refused(.shuttingDown)) }
        eventHub.close()
    }

    // MARK: - From clients

    func perform(_ command: Command) async -> Reply {
        guard case .start(let selection, let wait, _) = command else { return await ask(command) }
        guard case .snapshots(let snapshots) = await ask(.snapshot(selection)) else { return await ask(command) }
        return await ask(.start(selection, wait: wait, missing: await commandsMissing(of: snapshots)))
    }

    /// Which of the workers have a command that cannot be executed: supervisord says so before it starts anything.
    ///
    /// Not on this thread and not on the shell's: a command may lie on a disk that hangs. When it does, nothing is
    /// known to be missing.
    private func commandsMissing(of snapshots: [WorkerSnapshot]) async -> [SlotName: Refusal] {
        let environment = environment
        return await withCheckedContinuation { continuation in
            let isTaken = readers.submit(deadline: MonotonicClock.now() + .seconds(10)) {
                var missing: [SlotName: Refusal] = [:]
                for snapshot in snapshots {
                    do throws(SpawnFailure) {
                        try CommandLookup.check(snapshot.launch, base: environment)
                    } catch {
                        missing[snapshot.name] = Refusal(missing: error)
                    }
                }
                continuation.resume(returning: missing)
            }
            if !isTaken { continuation.resume(returning: [:]) }
        }
    }

    private func ask(_ command: Command) async -> Reply {
        guard let number = reserve() else { return .refused(.overloaded) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enroll(continuation, number, command)
            }
        } onCancel: {
            answer(RequestID(number), .refused(.failed("the client went away")))
            _ = inbox.post(.abandoned(RequestID(number)))
        }
    }

    private func reserve() -> UInt64? {
        waiting.withLock { waiting in
            guard waiting.continuations.count < RuntimeLimits.requestsInFlight else { return nil }
            defer { waiting.next += 1 }
            return waiting.next
        }
    }

    private func enroll(_ continuation: CheckedContinuation<Reply, Never>, _ number: UInt64, _ command: Command) {
        waiting.withLock { $0.continuations[number] = continuation }
        // A task that was cancelled before it came here has had its handler called already.
        if Task.isCancelled {
            answer(RequestID(number), .refused(.failed("the client went away")))
            return
        }
        if case .full = inbox.post(.requested(RequestID(number), command)) {
            answer(RequestID(number), .refused(.overloaded))
        }
    }

    func daemonIdentity() -> DaemonIdentity {
        var identity = identity
        identity.mood = mood.withLock { $0 }
        identity.health = health.withLock { $0 }
        return identity
    }

    func logPath(_ worker: SlotName, _ stream: WardenWire.OutputStream) async -> LogLocation {
        let stream: WardenLinux.OutputStream =
            switch stream {
            case .stdout: .standardOutput
            case .stderr: .standardError
            }
        return logs.path(of: worker, stream).map(LogLocation.file) ?? .none
    }

    func clearLog(_ target: WardenControl.LogTarget) async -> Reply {
        switch target {
        case .daemon: return await mainLog.clear() ? .done : .refused(.failed("cannot clear the daemon's log"))
        case .workers(let selection): return await clearWorkerLogs(selection)
        }
    }

    private func clearWorkerLogs(_ selection: Selection) async -> Reply {
        switch await perform(.snapshot(selection)) {
        case .snapshots(let snapshots):
            for snapshot in snapshots { await logs.clear(snapshot) }
            let isSingle = if case .slot = selection { true } else { false }
            return isSingle ? .done : .outcomes(snapshots.map { SlotOutcome(name: $0.name, refusal: nil) })
        case let other: return other
        }
    }

    func incidents(_ query: IncidentQuery) async -> [Incident] {
        await withCheckedContinuation { continuation in
            scribe.read(query.id, worker: query.worker, limit: query.limit) { continuation.resume(returning: $0) }
        }
    }

    func records(_ query: RecordQuery) async -> [StoredRecord] {
        await withCheckedContinuation { continuation in
            scribe.readRecords(of: query.worker, since: query.since, after: query.after, limit: query.limit) {
                continuation.resume(returning: $0)
            }
        }
    }

    func census(of worker: SlotName) async -> DescriptorCensus? {
        let selection = Selection.slot(group: worker.group, process: worker.process)
        guard case .snapshots(let found) = await perform(.snapshot(selection)), let snapshot = found.first else {
            return nil
        }
        return await withCheckedContinuation { continuation in
            readers.census(of: snapshot) { continuation.resume(returning: $0) }
        }
    }

    func configuration() async -> [ConfiguredProgram]? {
        guard case .snapshots(let snapshots) = await perform(.snapshot(.all)) else { return nil }
        let active = Set(snapshots.map(\.name.group))
        return newest.withLock { groups in
            groups.flatMap { group in
                group.programs.map {
                    ConfiguredProgram(
                        spec: $0, groupPriority: group.priority, isInUse: active.contains(group.name))
                }
            }
        }
    }
}
