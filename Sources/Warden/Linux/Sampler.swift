internal import Glibc
internal import Synchronization
package import WardenCore

/// What the sampler can be told to do.
private enum SamplerOrder: Sendable {
    case watch(WorkerID, pid: Int32, interval: Duration, heartbeatFile: String?, record: TreeRecord?)
    case forget(WorkerID)
    case stop
}

/// The sampler: one thread that reads every worker's tree in turn.
///
/// Any thread gives it orders; they wait in a bounded mailbox, and an order that finds it full is refused.
package final class Sampler: Sendable {
    /// The pulse of its thread.
    package let beat: LoopBeat
    private let mailbox: Mailbox<SamplerOrder>
    private let thread: Mutex<NamedThread?>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - fallbacks: ways of reading to take although there are better ones.
    ///   - report: takes each sample; called on the sampler's thread, must not block.
    /// - Throws: EMFILE and ENFILE; EAGAIN when there may be no more threads.
    package init(
        fallbacks: ProcReader.Fallbacks = [], report: @escaping @Sendable (WorkerID, Sample) -> Void
    ) throws(KernelFailure) {
        beat = LoopBeat(at: MonotonicClock.now())
        mailbox = try Mailbox(capacity: SamplerLimits.orders)
        let loop = try SamplerLoop(mailbox: mailbox, beat: beat, fallbacks: fallbacks, report: report)
        thread = Mutex(try NamedThread.start(name: "sampler") { loop.run() })
    }

    /// Begins to sample a worker; again for the same worker changes what is read and how often.
    ///
    /// - Parameters:
    ///   - worker: whom.
    ///   - pid: its main process.
    ///   - interval: time between samples, at least `SamplerLimits.shortestInterval`.
    ///   - heartbeatFile: a file whose changes are beats; `nil` for none.
    ///   - record: is told which processes were seen; `nil`: nobody wants to know.
    package func watch(
        _ worker: WorkerID, pid: Int32, every interval: Duration, heartbeatFile: String? = nil,
        record: TreeRecord? = nil
    ) -> Mailbox<Never>.Posting {
        post(.watch(worker, pid: pid, interval: interval, heartbeatFile: heartbeatFile, record: record))
    }

    /// Samples a worker no more. Before its process is reaped: the pid may be another's afterwards.
    package func forget(_ worker: WorkerID) -> Mailbox<Never>.Posting { post(.forget(worker)) }

    /// Ends the thread and waits for its end.
    package func stop() {
        while post(.stop) == .full { pauseBriefly() }
        let ended = thread.withLock { $0.take() }
        if let ended { ended.join() }
    }

    private func post(_ order: sending SamplerOrder) -> Mailbox<Never>.Posting {
        switch mailbox.post(order) {
        case .accepted: .accepted
        case .full: .full
        }
    }
}

/// The sampler's thread: everything in here belongs to it alone.
private final class SamplerLoop {
    private struct Watched {
        var pid: Int32
        var heartbeatFile: String?
        var record: TreeRecord?
    }

    private let mailbox: Mailbox<SamplerOrder>
    private let beat: LoopBeat
    private let report: @Sendable (WorkerID, Sample) -> Void
    private let reader: ProcReader
    private var schedule = SamplerSchedule()
    private var watched: [WorkerID: Watched] = [:]
    private var isStopping = false

    init(
        mailbox: Mailbox<SamplerOrder>, beat: LoopBeat, fallbacks: ProcReader.Fallbacks,
        report: @escaping @Sendable (WorkerID, Sample) -> Void
    ) throws(KernelFailure) {
        self.mailbox = mailbox
        self.beat = beat
        self.report = report
        reader = try ProcReader(fallbacks: fallbacks)
    }

    func run() {
        while !isStopping {
            var deadline = MonotonicClock.now() + SamplerLimits.longestWait
            if let due = schedule.nextDue { deadline = min(deadline, due) }
            let hasOrders = mailbox.wait(until: deadline)
            var now = MonotonicClock.now()
            beat.turned(at: now)
            if hasOrders {
                for order in mailbox.drain() { obey(order, at: now) }
            }
            while !isStopping, let worker = schedule.popDue(at: now) {
                sample(worker, at: now)
                now = MonotonicClock.now()
                beat.turned(at: now)
            }
        }
    }

    private func obey(_ order: SamplerOrder, at now: Instant) {
        switch order {
        case .watch(let worker, let pid, let interval, let heartbeatFile, let record):
            watched[worker] = Watched(pid: pid, heartbeatFile: heartbeatFile, record: record)
            schedule.add(worker, every: interval, at: now)
        case .forget(let worker):
            watched[worker] = nil
            schedule.remove(worker)
        case .stop:
            isStopping = true
        }
    }

    private func sample(_ worker: WorkerID, at now: Instant) {
        guard let entry = watched[worker] else { return }
        beat.entered(.readProcess, at: now, deadline: now + SamplerLimits.readDeadline)
        var readings = reader.read(entry.pid)
        entry.record?.saw(reader.members)
        if let path = entry.heartbeatFile, case .tree(var tree) = readings {
            // May hang where the process's own files do not: the path may be on a network file system.
            beat.entered(.readHeartbeatFile, at: now, deadline: now + SamplerLimits.readDeadline)
            tree.heartbeatFileMark = ProcReader.mark(ofFile: path)
            readings = .tree(tree)
        }
        beat.left()
        // Ours, and no news of the worker: no sample is better than one that says it cannot be seen.
        if case .failure(let cause) = readings, [ENOMEM, ENFILE, EMFILE].contains(cause) { return }
        beat.did(1)
        report(worker, Sample(takenAt: now, readings: readings))
    }
}
