/// What every thread of a worker's tree waits for, at one instant: the wait graph, as far as it can be read.
package struct WaitReport: Hashable, Codable, Sendable {
    /// What a thread waits for.
    package enum Wait: String, Hashable, Codable, Sendable, CaseIterable {
        /// A private futex, without a time-out: only a thread of the same process can end that.
        case futex
        /// Data in a pipe whose every write end is held inside the tree.
        case pipeRead = "pipe to read"
        /// Room in a pipe whose every read end is held inside the tree.
        case pipeWrite = "pipe to write"
        /// The end of a child.
        case child
        /// A wait that ends by itself.
        case timeout = "time-out"
        /// A futex that other processes may share.
        case sharedFutex = "shared futex"
        /// A socket.
        case socket
        /// One of several descriptors: poll, select, epoll.
        case poll
        /// A signal: pause, sigsuspend, sigwait.
        case signal
        /// A pipe with an end outside the tree, or nobody knows where.
        case pipe
        /// Room in its own output, which Warden reads.
        case ownOutput = "own output"
        /// Another descriptor: a file, a terminal, eventfd, timerfd, signalfd, inotify.
        case descriptor
        /// A lock of the kernel: flock, fcntl, a semaphore or queue of System V or POSIX.
        case lock
        /// The kernel itself, state D.
        case kernel
        /// It is stopped or traced.
        case held
        /// A system call that is not known here, or none at all.
        case unknown
        /// It does not wait.
        case running

        /// Whether only the tree itself can end the wait.
        package var isClosed: Bool {
            switch self {
            case .futex, .pipeRead, .pipeWrite, .child: true
            case .timeout, .sharedFutex, .socket, .poll, .signal, .pipe, .ownOutput, .descriptor, .lock, .kernel,
                .held, .unknown, .running:
                false
            }
        }
    }

    /// One thread.
    package struct ThreadWait: Hashable, Codable, Sendable {
        /// Its process.
        package var pid: Int32
        /// The thread.
        package var tid: Int32
        /// Context switches so far, voluntary and not.
        package var switches: UInt64
        /// What it waits for.
        package var wait: Wait

        /// - Parameters: as the properties of the same names.
        package init(pid: Int32, tid: Int32, switches: UInt64, wait: Wait) {
            self.pid = pid
            self.tid = tid
            self.switches = switches
            self.wait = wait
        }
    }

    /// Whether something outside the tree could wake it.
    package enum Closure: Hashable, Codable, Sendable {
        /// Nothing could.
        case closed
        /// Only a signal that a process of it catches could.
        case closedButForSignals
        /// Something could, or a thread runs.
        case open
        /// Not everything could be read.
        case unreadable
    }

    /// When the reading began.
    package var takenAt: Instant
    /// Every thread that has not ended, by process and thread, at most `Limits.waitThreads`.
    package var threads: [ThreadWait]
    /// Signals that a process of the tree catches and that may come from outside, by name.
    package var caughtSignals: [String]
    /// A process of the tree has a POSIX timer.
    package var hasTimer: Bool
    /// What could not be read, and why; empty when the report is whole.
    package var gaps: [String]

    /// - Parameters: as the properties of the same names.
    package init(
        takenAt: Instant, threads: [ThreadWait], caughtSignals: [String] = [], hasTimer: Bool = false,
        gaps: [String] = []
    ) {
        self.takenAt = takenAt
        self.threads = threads
        self.caughtSignals = caughtSignals
        self.hasTimer = hasTimer
        self.gaps = gaps
    }

    /// Whether something outside the tree could wake it.
    package var closure: Closure {
        if !gaps.isEmpty || threads.isEmpty { return .unreadable }
        guard !hasTimer, threads.allSatisfy(\.wait.isClosed) else { return .open }
        return caughtSignals.isEmpty ? .closed : .closedButForSignals
    }

    /// A thread waits until Warden, or what the configuration made of its output, takes what it has written.
    package var isBlockedOnOutput: Bool { threads.contains { $0.wait == .ownOutput } }

    /// Whether no thread has moved between the two: the same threads, the same waits, the same switch counts.
    package func isUnmoved(since earlier: WaitReport) -> Bool {
        threads == earlier.threads && caughtSignals == earlier.caughtSignals
    }

    /// In words: `3 of 3 threads wait for ever (2 on private futexes, 1 for a child)`.
    package var summary: String {
        let closed = threads.count { $0.wait.isClosed }
        let parts = Wait.allCases.filter(\.isClosed).compactMap { wait -> String? in
            let count = threads.count { $0.wait == wait }
            guard count > 0 else { return nil }
            return switch wait {
            case .futex: count == 1 ? "1 on a private futex" : "\(count) on private futexes"
            case .pipeRead: "\(count) to read a pipe that only the tree writes to"
            case .pipeWrite: "\(count) to write to a pipe that only the tree reads"
            default: "\(count) for a child"
            }
        }
        return "\(closed) of \(threads.count) \(threads.count == 1 ? "thread waits" : "threads wait") for ever ("
            + parts.joined(separator: ", ") + ")"
    }
}

/// What is known of the waits of one generation: when to ask for a report, and what two of them prove.
///
/// Nothing is asked of a worker that moves: a sample that differs from the last one in anything costs a comparison.
package struct WaitWatch: Hashable, Codable, Sendable {
    /// Two reports of the same standstill, far enough apart.
    package struct Proof: Hashable, Codable, Sendable {
        /// When the first of them was taken.
        package var since: Instant
        /// The last of them.
        package var report: WaitReport

        /// - Parameters:
        ///   - since: when the first report was taken.
        ///   - report: the last one.
        package init(since: Instant, report: WaitReport) {
            self.since = since
            self.report = report
        }
    }

    /// A thread that is stuck in the kernel.
    package struct KernelWait: Hashable, Codable, Sendable {
        /// The thread, as it was in every report since.
        package var thread: WaitReport.ThreadWait
        /// When the first of them was taken.
        package var since: Instant
        /// When the last of them was taken.
        package var until: Instant
    }

    /// A thread in state D that has not moved from one report to the next, be it the only one.
    package private(set) var kernelWait: KernelWait?
    private var stillSamples = 0
    private var nextAskAt = Instant.origin
    private var pause = Limits.waitPauseFirst
    private var first: WaitReport?
    private var isProven = false
    /// The last report says that a thread waits for its own output to be taken.
    package private(set) var isBlockedOnOutput = false

    /// Nothing known.
    package init() {}

    /// What two reports prove; `nil` while they prove nothing.
    package var proof: Proof? {
        guard isProven, let first, let last = lastReport else { return nil }
        return Proof(since: first.takenAt, report: last)
    }

    private var lastReport: WaitReport?

    /// A sample arrived.
    ///
    /// - Parameters:
    ///   - tree: its readings.
    ///   - before: the readings before it; `nil` for the first ones.
    package mutating func sampled(_ tree: TreeReadings, before: TreeReadings?) {
        let isStill =
            before.map {
                $0.voluntarySwitches == tree.voluntarySwitches && $0.cpuTime == tree.cpuTime && $0.io == tree.io
                    && $0.threadCount == tree.threadCount && $0.processCount == tree.processCount
            } ?? false
        if isStill, tree.rootState == .sleeping {
            stillSamples += 1
        } else if stillSamples > 0 || isProven || first != nil {
            moved()
        }
    }

    private mutating func moved() {
        stillSamples = 0
        pause = Limits.waitPauseFirst
        first = nil
        lastReport = nil
        isProven = false
        isBlockedOnOutput = false
        kernelWait = nil
    }

    /// Whether a report is to be asked for now.
    package func isDue(at now: Instant) -> Bool { stillSamples >= Limits.stillSamples && now >= nextAskAt }

    /// A report was asked for; should it never come, because a reading is stuck, the next question has time.
    package mutating func asked(at now: Instant) { nextAskAt = now + Limits.waitPauseUnanswered }

    /// A report arrived.
    package mutating func read(_ report: WaitReport, at now: Instant) {
        isBlockedOnOutput = report.isBlockedOnOutput
        noteKernelWait(report)
        switch report.closure {
        case .open, .unreadable:
            first = nil
            lastReport = nil
            isProven = false
            nextAskAt = now + pause
            pause = min(pause * 2, Limits.waitPauseLongest)
        case .closed, .closedButForSignals:
            if let first, report.isUnmoved(since: first) {
                isProven = report.takenAt - first.takenAt >= Limits.waitProofSpan
            } else {
                first = report
                isProven = false
            }
            lastReport = report
            // Once it is proven, now and then whether that still holds.
            nextAskAt = isProven ? now + Limits.waitPauseUnanswered : report.takenAt + Limits.waitProofSpan
        }
    }

    private mutating func noteKernelWait(_ report: WaitReport) {
        if let known = kernelWait, report.threads.contains(known.thread) {
            kernelWait?.until = report.takenAt
        } else {
            kernelWait = report.threads.first { $0.wait == .kernel }.map {
                KernelWait(thread: $0, since: report.takenAt, until: report.takenAt)
            }
        }
    }
}
