import Synchronization
import WardenCore
import WardenHistory
import WardenLinux
import WardenOutbound
import WardenWire

/// The thread that owns the history: incidents, restarts, and the alerts that are still owed.
///
/// The database may be slow, full or broken; supervision neither waits for it nor ends with it. Without a history,
/// alerts are still sent, from memory.
final class Scribe: Sendable {
    private enum Order: Sendable {
        case incident(Incident, owed: StateRecord.Name?)
        case restart(SlotName, RestartReason, Generation, WallTime)
        case alert(Alert, owed: StateRecord.Name?)
        case delivered(DeliveryReport)
        case record(RecordBlock)
        case recordQuery(SlotName, since: WallTime, after: Int64, limit: Int, @Sendable ([StoredRecord]) -> Void)
        case query(id: String?, worker: SlotName?, limit: Int, @Sendable ([Incident]) -> Void)
        case flush(@Sendable () -> Void)
        case end
    }

    let beat = LoopBeat(at: MonotonicClock.now())
    private let orders: Mailbox<Order>
    private let sender: AlertSender
    private let destinations: [AlertDestination]
    let log: @Sendable (LogRecord) -> Void
    private let source: String
    private let settled: Settled
    private let lastUnstoredID = Atomic<Int>(0)
    /// Blocks of samples that wait.
    private let waitingRecords = Atomic<Int>(0)
    /// Blocks that found no room since that was last said.
    private let droppedRecords = Atomic<Int>(0)
    /// Blocks that the history has not taken since it last took one.
    let lostRecords = Atomic<Int>(0)
    /// Bytes of blocks since the history was last pruned.
    private let recordBytes = Atomic<Int>(0)
    /// The alerts that the sender has and has not reported the end of. The sender's limit is its limit.
    ///
    /// The sender forgets an alert when it posts the report; until that report is read here, the history still owes the
    /// alert, and `resume` would send it twice.
    private let alertsWithSender = Mutex<Set<Int64>>([])
    let shortages: Shortages
    /// Counts what is told here.
    let tallies = Tallies()
    /// What the history has not taken yet. Of the scribe's thread.
    let unwritten = Mutex(Unwritten())
    /// There is none yet, but one is wanted.
    let isHistoryAwaited = Atomic<Bool>(false)

    /// - Parameters:
    ///   - sender: posts what is owed.
    ///   - destinations: the configured webhooks.
    ///   - source: this daemon's name in messages.
    ///   - settled: is told what need not be remembered any more.
    ///   - shortages: is told when the history cannot be written to.
    ///   - log: the daemon's log.
    init(
        sender: AlertSender, destinations: [AlertDestination], source: String, settled: Settled,
        shortages: Shortages, log: @escaping @Sendable (LogRecord) -> Void
    ) throws(KernelFailure) {
        orders = try Mailbox(capacity: RuntimeLimits.scribeOrders)
        self.sender = sender
        self.destinations = destinations
        self.source = source
        self.settled = settled
        self.shortages = shortages
        self.log = log
    }

    /// Stores an incident, new or with its outcome.
    ///
    /// - Parameters:
    ///   - incident: as it is now.
    ///   - owed: what is settled once it is stored.
    func store(_ incident: Incident, owed: StateRecord.Name?) {
        tallies.note(incident)
        post(.incident(incident, owed: owed))
    }

    /// Stores a restart.
    func store(_ worker: SlotName, _ reason: RestartReason, _ generation: Generation) {
        tallies.restarted(worker, reason)
        post(.restart(worker, reason, generation, WallClock.now()))
    }

    /// Stores what was recorded of a worker. It is the first that is dropped when the database is slow.
    func store(_ record: RecordBlock) {
        guard waitingRecords.load(ordering: .relaxed) < RuntimeLimits.waitingRecords else {
            droppedRecords.add(1, ordering: .relaxed)
            return
        }
        waitingRecords.add(1, ordering: .relaxed)
        guard case .full = orders.post(.record(record)) else { return }
        waitingRecords.subtract(1, ordering: .relaxed)
        droppedRecords.add(1, ordering: .relaxed)
    }

    /// Reads what was recorded of a worker, oldest first.
    func readRecords(
        of worker: SlotName, since: WallTime, after: Int64, limit: Int,
        reply: @escaping @Sendable ([StoredRecord]) -> Void
    ) {
        let limit = min(limit, RuntimeLimits.recordsPerQuery)
        let order = Order.recordQuery(worker, since: since, after: after, limit: limit, reply)
        if case .full = orders.post(order) { reply([]) }
    }

    /// Sends an alert to whoever wants it.
    ///
    /// - Parameters:
    ///   - alert: the news.
    ///   - owed: what is settled once it is in the outbox.
    func send(_ alert: Alert, owed: StateRecord.Name?) {
        guard destinations.contains(where: { $0.wants(alert) }) else { return settle(owed) }
        post(.alert(alert, owed: owed))
    }

    /// The sender has news of an alert.
    func delivered(_ report: DeliveryReport) {
        tallies.attempted(report)
        post(.delivered(report))
    }

    /// Reads incidents: one by its id, or the newest.
    func read(_ id: String?, worker: SlotName?, limit: Int, reply: @escaping @Sendable ([Incident]) -> Void) {
        let order = Order.query(id: id, worker: worker, limit: min(limit, RuntimeLimits.incidentsPerQuery), reply)
        if case .full = orders.post(order) { reply([]) }
    }

    /// Waits until everything up to here is stored.
    ///
    /// - Parameter patience: the database may be stuck.
    /// - Returns: false when it was not in time.
    /// - Throws: EMFILE.
    func isWritten(within patience: Duration) throws(KernelFailure) -> Bool {
        let answers = try Mailbox<Bool>(capacity: 1)
        guard case .accepted = orders.post(.flush { _ = answers.post(true) }) else { return false }
        return answers.wait(until: MonotonicClock.now() + patience)
    }

    /// Everything up to here is stored, then the thread ends.
    func end() { orders.postNewest(.end) }

    private func post(_ order: Order) {
        // An incident is never dropped: when the queue is full, the database has been stuck for thousands of them, and
        // the log says what the database cannot.
        if case .full = orders.post(order) {
            log(LogRecord(.error, "The history is stuck; not stored: \(order)"))
        }
    }

    // MARK: - The thread

    /// The thread's life.
    ///
    /// - Parameters:
    ///   - opened: the history, or `nil` where there is none.
    ///   - reopen: tries again to open one that could not be; `nil` when none is wanted.
    func run(_ opened: HistoryStore?, reopen: (() -> HistoryStore?)? = nil) {
        var store = opened
        isHistoryAwaited.store(reopen != nil, ordering: .relaxed)
        var nextPrune = MonotonicClock.now()
        var nextRetry = nextPrune + RuntimeLimits.historyRetry
        resume(store, at: WallTime(microseconds: .max))
        while true {
            let now = MonotonicClock.now()
            beat.turned(at: now)
            if let store, now >= nextPrune {
                nextPrune = now + RuntimeLimits.pruneInterval
                guarded("prune the history") { _ = try store.prune(now: WallClock.now()) }
            }
            if now >= nextRetry, store == nil ? reopen != nil : hasUnwritten {
                nextRetry = now + RuntimeLimits.historyRetry
                if store == nil, let found = reopen?() {
                    store = found
                    resume(found, at: WallTime(microseconds: .max))
                }
                settleUnwritten(store)
            }
            guard orders.wait(until: now + (hasUnwritten ? RuntimeLimits.historyRetry : .seconds(2))) else { continue }
            var records: [RecordBlock] = []
            for order in orders.drain() {
                switch order {
                case .record(let block):
                    records.append(block)
                    continue
                case .recordQuery, .flush, .end: if write(&records, store) { nextPrune = now }
                case .incident, .restart, .alert, .delivered, .query: break
                }
                let began = MonotonicClock.now()
                beat.entered(.writeHistory, at: began, deadline: began + .seconds(10))
                let isEnd = carryOut(order, store)
                beat.left()
                if isEnd {
                    giveUpUnwritten(store)
                    guarded("close the history") { try store?.close() }
                    return
                }
            }
            if write(&records, store) { nextPrune = now }
        }
    }

    /// All that waited, in one transaction.
    ///
    /// - Returns: whether so much has come that the history is to be pruned.
    private func write(_ blocks: inout [RecordBlock], _ store: HistoryStore?) -> Bool {
        if blocks.isEmpty { return false }
        waitingRecords.subtract(blocks.count, ordering: .relaxed)
        let dropped = droppedRecords.exchange(0, ordering: .relaxed)
        if dropped > 0 {
            log(LogRecord(.warn, "The history is slow: \(dropped) blocks of samples were not recorded"))
        }
        let began = MonotonicClock.now()
        beat.entered(.writeHistory, at: began, deadline: began + .seconds(10))
        record(blocks, store)
        beat.left()
        let bytes = recordBytes.add(blocks.reduce(0) { $0 + $1.bytes.count }, ordering: .relaxed).newValue
        blocks = []
        guard bytes >= RuntimeLimits.recordBytesPerPrune else { return false }
        recordBytes.store(0, ordering: .relaxed)
        return true
    }

    private func carryOut(_ order: Order, _ store: HistoryStore?) -> Bool {
        switch order {
        case .incident(let incident, let owed):
            write(.incident(incident, owed: owed.map { [$0] } ?? []), store)
            guarded("look for incidents like \(incident.id)") { try tellRecurrence(of: incident, store) }
        case .restart(let worker, let reason, let generation, let time):
            write(.restart(worker, reason, generation, time), store)
        case .alert(let alert, let owed):
            let alert = withRecurrence(alert, store)
            var isKept = true
            for destination in destinations where destination.wants(alert) {
                isKept = queue(alert, destination, store) && isKept
            }
            if isKept { settle(owed) }
        case .delivered(let report): note(report, store)
        case .record: break  // Written together.
        case .recordQuery(let worker, let since, let after, let limit, let reply):
            var found: [StoredRecord] = []
            guarded("read samples") {
                found = try store?.records(of: worker, since: since, after: after, limit: limit) ?? []
            }
            reply(found)
        case .query(let id, let worker, let limit, let reply): reply(incidents(id, worker, limit, store))
        // What waits in memory would not outlive the binary: an upgrade waits for it, in vain at last.
        case .flush(let done): if !hasUnwritten { done() }
        case .end: return true
        }
        return false
    }

    private func incidents(_ id: String?, _ worker: SlotName?, _ limit: Int, _ store: HistoryStore?) -> [Incident] {
        var found: [Incident] = []
        guarded("read incidents") {
            if let id {
                found = try store?.incident(id: id).map { [$0] } ?? []
                if !found.isEmpty { found[0].recurrence = try store?.recurrence(of: found[0]) }
            } else {
                found = try store?.incidents(matching: worker, limit: limit) ?? []
            }
        }
        return withUnwritten(found, id, worker, limit)
    }

    // MARK: - Alerts

    /// Said in the log as soon as the stacks are there, which is once.
    private func tellRecurrence(of incident: Incident, _ store: HistoryStore?) throws {
        guard incident.fingerprint != nil, incident.outcome == nil,
            let recurrence = try store?.recurrence(of: incident)
        else { return }
        log(LogRecord(.warn, "incident \(incident.id): \(recurrence.spoken)", fields: ["WARDEN_INCIDENT": incident.id]))
    }

    /// Whether the same happened before is said with the outcome: the stacks are read after the first alert.
    private func withRecurrence(_ alert: Alert, _ store: HistoryStore?) -> Alert {
        var alert = alert
        guarded("look for the same incident") {
            alert.incident.recurrence = try store?.recurrence(of: alert.incident)
        }
        return alert
    }

    func settle(_ owed: StateRecord.Name?) {
        if let owed { settled.stored(owed) }
    }

    /// - Returns: whether it is in the outbox, or there is none.
    private func queue(_ alert: Alert, _ destination: AlertDestination, _ store: HistoryStore?) -> Bool {
        let now = WallClock.now()
        let format = destination.format
        let webhook = Webhook(alert: alert, source: source, at: now, includesLog: destination.includeLog)
        let body = webhook.encoded(as: format)
        let key = "\(destination.name) \(alert.incident.id) \(alert.phase.rawValue)"
        let expires = WallTime(microseconds: now.microseconds + destination.retryFor.inNanoseconds / 1000)
        let entry = NewOutboxAlert(
            destination: destination.name, dedupeKey: key, contentType: format.mediaType, body: body, created: now,
            expires: expires)
        // Without a history, or with one that fails, the alert is sent from memory. One that is stored already is not
        // sent twice.
        var id: Int64? = newUnstoredID()
        var isKept = store == nil
        if let store {
            guarded("keep an alert for \(destination.name)") {
                id = try store.enqueue(entry)
                isKept = true
            }
        }
        if let id { submit(OutboundAlert(entry, id: id, retryFor: destination.retryFor), store) }
        return isKept
    }

    /// What is still owed: by an earlier life of the daemon, or because the sender had no room.
    ///
    /// - Parameter due: until when those are due that are resumed. Of an earlier life all are: its pauses ended with
    ///   it, and nobody would come back to one that waited for its next attempt.
    private func resume(_ store: HistoryStore?, at due: WallTime = WallClock.now()) {
        let now = WallClock.now()
        guarded("read the alerts that are owed") {
            for owed in try store?.due(now: due, limit: RuntimeLimits.owedAlerts) ?? [] {
                let left = Duration.microseconds(max(0, owed.alert.expires.microseconds - now.microseconds))
                submit(OutboundAlert(owed.alert, id: owed.id, retryFor: left), store)
            }
        }
    }

    /// Below zero: the history's own numbers are above.
    private func newUnstoredID() -> Int64 {
        Int64(lastUnstoredID.subtract(1, ordering: .relaxed).newValue)
    }

    private func submit(_ alert: OutboundAlert, _ store: HistoryStore?) {
        guard !alertsWithSender.withLock({ $0.contains(alert.id) }) else { return }
        switch sender.submit(alert) {
        case .queued, .alreadyQueued: alertsWithSender.withLock { _ = $0.insert(alert.id) }
        case .closed: break
        case .full:
            log(LogRecord(.error, "Too many alerts wait for \(alert.destination): \(alert.key) is sent later"))
        case .noDestination:
            let reason = "there is no [alert:\(alert.destination)] any more"
            log(LogRecord(.warn, "\(alert.key) is not sent: \(reason)"))
            write(.gaveUp(alert.id, WallClock.now(), reason), store)
        }
    }

    private func note(_ report: DeliveryReport, _ store: HistoryStore?) {
        let now = WallClock.now()
        switch report.result {
        case .delivered:
            alertsWithSender.withLock { _ = $0.remove(report.id) }
            log(LogRecord(.info, "\(report)"))
            if report.id > 0 { write(.delivered(report.id, now), store) }
            resume(store)
        case .retrying(let pause, let reason):
            log(LogRecord(.warn, "\(report)"))
            let next = WallTime(microseconds: now.microseconds + pause.inNanoseconds / 1000)
            if report.id > 0 {
                guarded("note a retry") { try store?.markFailed(report.id, nextAttempt: next, error: reason) }
            }
        case .gaveUp(let reason):
            alertsWithSender.withLock { _ = $0.remove(report.id) }
            log(LogRecord(.error, "\(report)"))
            if report.id > 0 { write(.gaveUp(report.id, now, reason), store) }
            resume(store)
        }
    }

    /// A database that fails is said once per failure, and nothing else happens.
    func guarded(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch { log(LogRecord(.error, "Cannot \(what): \(error)")) }
    }
}

extension OutboundAlert {
    fileprivate init(_ entry: NewOutboxAlert, id: Int64, retryFor: Duration) {
        self.init(
            id: id, destination: entry.destination, key: entry.dedupeKey, contentType: entry.contentType,
            body: entry.body, retryFor: retryFor)
    }
}
