import WardenCore
import WardenLinux
import WardenWire

/// A few threads for what can block on a stuck target: descriptor links, command lines, orphans, configuration files.
///
/// A job has a deadline of its own; the shell never waits for one. When all threads are stuck, further jobs are refused
/// once the queue is full.
final class Readers: Sendable {
    private struct Job: Sendable {
        var deadline: Instant
        var body: @Sendable () -> Void
    }

    let beats: [LoopBeat]
    private let queues: [Mailbox<Job>]
    private let name: String

    /// - Parameters:
    ///   - name: what the threads are called.
    ///   - threads: how many.
    init(name: String = "reader", threads: Int = RuntimeLimits.readerThreads) throws(KernelFailure) {
        var queues: [Mailbox<Job>] = []
        for _ in 0..<threads { queues.append(try Mailbox(capacity: RuntimeLimits.readerJobs / threads)) }
        self.name = name
        self.queues = queues
        beats = queues.map { _ in LoopBeat(at: MonotonicClock.now()) }
    }

    /// Starts the threads. They live as long as the process: one that is stuck cannot be ended.
    func start() throws(KernelFailure) {
        for index in queues.indices {
            _ = try NamedThread.start(name: "\(name)-\(index)") { self.run(index) }
        }
    }

    /// Hands a job to the thread with the least to do that is not stuck.
    ///
    /// - Returns: false when every queue is full.
    @discardableResult
    func submit(deadline: Instant, _ body: @escaping @Sendable () -> Void) -> Bool {
        let now = MonotonicClock.now()
        let order = queues.indices.sorted { rank($0, now) < rank($1, now) }
        for index in order {
            if case .accepted = queues[index].post(Job(deadline: deadline, body: body)) { return true }
        }
        return false
    }

    private func rank(_ index: Int, _ now: Instant) -> Int {
        guard let call = beats[index].reading.call else { return 0 }
        return now > call.deadline ? 2 : 1
    }

    private func run(_ index: Int) {
        let beat = beats[index]
        while true {
            beat.turned(at: MonotonicClock.now())
            guard queues[index].wait(until: MonotonicClock.now() + .seconds(2)) else { continue }
            for job in queues[index].drain() {
                beat.entered(.inspectWorker, at: MonotonicClock.now(), deadline: job.deadline)
                job.body()
                beat.left()
            }
        }
    }

    /// Counts a worker's descriptors by kind.
    func census(of snapshot: WorkerSnapshot, reply: @escaping @Sendable (DescriptorCensus?) -> Void) {
        guard let pid = snapshot.readings?.tightest?.pid ?? snapshot.pid else {
            reply(nil)
            return
        }
        let isTaken = submit(deadline: MonotonicClock.now() + .seconds(10)) {
            reply(DescriptorCensus(of: pid, snapshot))
        }
        if !isTaken { reply(nil) }
    }
}
