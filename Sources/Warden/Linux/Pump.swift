internal import Synchronization
package import WardenCore

/// A log that began to lose bytes, or that can be written to again.
package struct LogTrouble: Hashable, Sendable {
    /// The log.
    package var path: String
    /// What failed; `nil` when it is over.
    package var failure: KernelFailure?
    /// Bytes that this log has lost in all.
    package var droppedBytes: UInt64
    /// It is over because nobody writes to this log any more.
    package var isClosed = false
    /// No failure, but its disk does not answer. Nothing is lost: whoever writes to it waits.
    package var isStuck = false
    /// That is over.
    package var isStuckNoMore = false
}

/// Where the pump reports to. Called on its thread: they must not block.
package struct PumpReports: Sendable {
    /// What a worker's output said since the last report.
    package var facts: @Sendable (WorkerID, LogFacts) -> Void
    /// A worker that has exited was drained; nothing follows.
    package var closed: @Sendable (WorkerID) -> Void
    /// A log's trouble began or ended.
    package var trouble: @Sendable (LogTrouble) -> Void
    /// A worker wrote what listeners may want to hear of.
    package var wrote: @Sendable (WorkerOutput) -> Void
    /// An event listener said something in its protocol.
    package var said: @Sendable (WorkerID, [ListenerWord]) -> Void
    /// Output that is copied into the daemon's own log.
    package var copied: @Sendable (StreamOrigin, OutputChannel, String) -> Void

    /// - Parameters: as the properties of the same names.
    package init(
        facts: @escaping @Sendable (WorkerID, LogFacts) -> Void,
        closed: @escaping @Sendable (WorkerID) -> Void = { _ in },
        trouble: @escaping @Sendable (LogTrouble) -> Void = { _ in },
        wrote: @escaping @Sendable (WorkerOutput) -> Void = { _ in },
        said: @escaping @Sendable (WorkerID, [ListenerWord]) -> Void = { _, _ in },
        copied: @escaping @Sendable (StreamOrigin, OutputChannel, String) -> Void = { _, _, _ in }
    ) {
        self.facts = facts
        self.closed = closed
        self.trouble = trouble
        self.wrote = wrote
        self.said = said
        self.copied = copied
    }
}

/// What the pump can be told to do.
internal enum PumpOrder: Sendable {
    /// The descriptor is owned by whoever takes the order out.
    case attach(WorkerID, OutputStream, descriptor: CInt, LogTarget, ScanRules, StreamTreatment)
    case disregard(WorkerID)
    case exited(WorkerID)
    case reopenLogs
    case clear(WorkerID, OutputStream, reply: @Sendable (KernelFailure?) -> Void)
    /// A thread that was relieved has come back from a log's disk.
    case answered(log: UInt64, DiskErrand, LogFile.Progress)
    /// Of the compressor; owns the descriptor.
    case compressed(CompressedFile)
    case lastLines(WorkerID, reply: @Sendable ([String]) -> Void)
    case park(reply: @Sendable (Bool) -> Void)
    case handOver(reply: @Sendable ([PumpedWorker]) -> Void)
    case goOn
    /// The descriptors are owned by whoever takes the order out.
    case adopt(PumpedWorker, ScanRules)
    case stop
}

/// The log pump: one thread that empties the pipes of all workers into their logs, and tells what it read.
///
/// Any thread gives it orders; they wait in a bounded mailbox, and an order that finds it full is refused.
package final class Pump: Sendable {
    /// The pulse of its thread.
    package let beat: LoopBeat
    private let mailbox: Mailbox<PumpOrder>
    private let drained: DrainRecord
    private let thread: Mutex<NamedThread?>
    private let reign = PumpReign()
    /// Of the loop, whose owner changes; a number, because a reference may not be shared.
    private let loop: UInt

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - reports: where it reports to.
    ///   - syslog: where `*_syslog` leads; `nil` is nowhere.
    ///   - drainAfterExit: how long the pipes of a worker that has exited are read.
    /// - Throws: EMFILE and ENFILE; EAGAIN when there may be no more threads.
    package init(
        reports: PumpReports, syslog: SyslogSender? = nil, drainAfterExit: Duration = PumpLimits.drainAfterExit
    ) throws(KernelFailure) {
        let now = MonotonicClock.now()
        beat = LoopBeat(at: now)
        drained = DrainRecord(at: now)
        mailbox = try Mailbox(capacity: PumpLimits.orders, isPolled: true)
        let loop = try PumpLoop(
            mailbox: mailbox, beat: beat, drained: drained, reign: reign, reports: reports, syslog: syslog,
            drainAfterExit: drainAfterExit)
        let address = loop.shared()
        self.loop = address
        thread = Mutex(try NamedThread.start(name: "pump") { PumpLoop.shared(at: address)?.run() })
    }

    deinit { PumpLoop.release(at: loop) }

    /// Looks whether the pump hangs at a log's disk; if so, another thread goes on with all other logs.
    ///
    /// - Parameter now: the time.
    package func relieveIfStuck(at now: Instant) {
        guard reign.isStuck(at: now) else { return }
        let address = loop
        // EAGAIN, EMFILE: it is tried again with the next look.
        guard let fresh = try? ScratchPipe().released() else { return }
        do throws(KernelFailure) {
            try thread.withLock { thread throws(KernelFailure) in
                // The former thread is let go: it ends by itself when the disk answers.
                thread = try NamedThread.start(name: "pump") { PumpLoop.shared(at: address)?.succeed(fresh) }
            }
        } catch {
            _ = ScratchPipe.owned(fresh)
        }
    }

    /// At this instant every pipe was empty, but for workers that are held up (`drained(of:)`).
    package var drainedThrough: Instant { drained.through }

    /// When this worker's pipes were last known to be empty: silence is known up to there.
    ///
    /// Older than `drainedThrough` when its log makes it wait, or when it writes faster than is read.
    package func drained(of worker: WorkerID) -> Instant { drained.instant(of: worker) }

    /// Begins to read a stream.
    ///
    /// - Parameters:
    ///   - worker: whose.
    ///   - stream: which of its two.
    ///   - pipe: the reading end; closed when the stream has ended.
    ///   - target: where the bytes go. A log that cannot be opened is tried again; the bytes are dropped meanwhile.
    ///   - rules: what to look for. Those of the worker's first stream hold for both.
    ///   - treatment: what else is made of the bytes.
    /// - Returns: `.full` when nothing was done (the pipe is closed then).
    package func attach(
        _ worker: WorkerID, _ stream: OutputStream, _ pipe: consuming Descriptor, to target: LogTarget,
        rules: ScanRules, treatment: StreamTreatment = StreamTreatment()
    ) -> Mailbox<Never>.Posting {
        let number = pipe.take()
        let posting = post(.attach(worker, stream, descriptor: number, target, rules, treatment))
        if posting == .full { _ = Descriptor(owning: number) }
        return posting
    }

    /// A worker's main process has ended: what is left in its pipes is read, for a while at most.
    package func workerExited(_ worker: WorkerID) -> Mailbox<Never>.Posting { post(.exited(worker)) }

    /// What a listener writes is logged from now on, and not listened to.
    package func disregard(_ worker: WorkerID) -> Mailbox<Never>.Posting { post(.disregard(worker)) }

    /// Opens every log anew, because somebody has moved the files away (SIGUSR2).
    package func reopenLogs() -> Mailbox<Never>.Posting { post(.reopenLogs) }

    /// Removes a worker's log file and begins a new one.
    ///
    /// - Parameters:
    ///   - worker: whose.
    ///   - stream: which of its two.
    ///   - reply: called on the pump's thread; `nil` when it is done, or when there is nothing to clear.
    package func clear(
        _ worker: WorkerID, _ stream: OutputStream, reply: @escaping @Sendable (KernelFailure?) -> Void = { _ in }
    ) -> Mailbox<Never>.Posting {
        post(.clear(worker, stream, reply: reply))
    }

    /// The last lines of a worker that is attached, oldest first.
    ///
    /// - Parameters:
    ///   - worker: whose.
    ///   - reply: called on the pump's thread; empty when the worker is not known.
    package func lastLines(
        of worker: WorkerID, reply: @escaping @Sendable ([String]) -> Void
    ) -> Mailbox<Never>.Posting {
        post(.lastLines(worker, reply: reply))
    }

    /// Moves nothing from here on, between two chunks; orders are still obeyed. For the binary that takes over.
    ///
    /// - Parameter patience: a disk may be stuck; then it is given up, and the pump goes on.
    /// - Returns: whether it stands. It does not while a disk hangs: a thread that waits for one cannot be ended, and
    ///   execve(2) would wait for its end.
    /// - Throws: EMFILE, when nobody could wait for its answer.
    package func park(within patience: Duration) throws(KernelFailure) -> Bool {
        let answers = try Mailbox<Bool>(capacity: 1)
        if post(.park { _ = answers.post($0) }) == .accepted, answers.wait(until: MonotonicClock.now() + patience),
            answers.drain() == [true]
        {
            return true
        }
        goOn()
        return false
    }

    /// What a successor has to know; only while parked.
    ///
    /// - Parameter patience: as of `park`.
    /// - Returns: `nil` when it did not answer in time.
    /// - Throws: EMFILE, as `park`.
    package func handOver(within patience: Duration) throws(KernelFailure) -> [PumpedWorker]? {
        let answers = try Mailbox<[PumpedWorker]>(capacity: 1)
        guard post(.handOver { _ = answers.post($0) }) == .accepted,
            answers.wait(until: MonotonicClock.now() + patience)
        else { return nil }
        return answers.drain().first
    }

    /// The successor did not come.
    package func goOn() { _ = post(.goOn) }

    /// Goes on with a worker where a former binary's pump stopped.
    ///
    /// - Parameters:
    ///   - worker: as it was told; its descriptors are owned from here on.
    ///   - rules: what to look for.
    /// - Returns: `.full` when nothing was done.
    package func adopt(_ worker: PumpedWorker, rules: ScanRules) -> Mailbox<Never>.Posting {
        post(.adopt(worker, rules))
    }

    /// Reads once more what is there, closes everything and waits for the thread's end.
    package func stop() {
        // A full mailbox empties within a turn: nobody else posts for ever while the daemon ends.
        while post(.stop) == .full { pauseBriefly() }
        let ended = thread.withLock { $0.take() }
        if let ended { ended.join() }
        // The one that was joined may have come too late to take over from one that still goes on.
        while !reign.hasEnded { pauseBriefly() }
    }

    private func post(_ order: sending PumpOrder) -> Mailbox<Never>.Posting {
        switch mailbox.post(order) {
        case .accepted: .accepted
        case .full: .full
        }
    }
}
