internal import Glibc
internal import WardenCore

/// The pump's thread: everything in here belongs to it alone.
internal final class PumpLoop {
    internal static let mailboxToken: UInt64 = 0

    internal let mailbox: Mailbox<PumpOrder>
    internal let beat: LoopBeat
    internal let drained: DrainRecord
    internal let reports: PumpReports
    internal let drainAfterExit: Duration
    internal let tools: ScanTools
    internal let reign: PumpReign
    internal var scratch: ScratchPipe
    internal var poller: Poller

    internal var workers: [WorkerID: PumpWorker] = [:]
    internal var streams: [UInt64: PumpStream] = [:]
    internal var logs: [String: SharedLog] = [:]
    internal var logsByToken: [UInt64: SharedLog] = [:]
    internal var nextToken: UInt64 = 1
    internal var isStopping = false
    /// Another binary is about to take over: nothing is moved, nothing is told.
    internal var isParked = false

    /// Workers whose facts wait, in the order in which they fall due: all wait equally long.
    private var reportQueue: [(due: Instant, worker: PumpWorker)] = []
    private var touched: [PumpWorker] = []
    /// Workers that have exited, in the order in which they are closed.
    internal var closingQueue: [PumpWorker] = []
    /// Logs that are full and that no epoll can wait for.
    private var unwatchableLogs: [SharedLog] = []
    /// Lines that wait for their end, the one that has waited longest first.
    internal var heldLines: [(due: Instant, stream: PumpStream)] = []
    /// Streams that wait for the system log.
    internal var parked: [PumpStream] = []
    internal let syslog: SyslogSender?
    internal let compressor: LogCompressor
    /// Logs that could not be written to when they were last tried.
    internal var troubledLogs = 0
    internal var nextTrial = Instant(nanoseconds: 0)
    internal var movedBytes = 0
    private var hastyTurns = 0
    /// The log that this thread is at, or was at last, and what for.
    internal var engaged: (log: SharedLog, errand: DiskErrand)?
    /// Logs whose disk does not answer.
    internal var stuckLogs = 0
    internal var stuckDevices: Set<UInt64> = []
    /// Orders that were taken out of the mailbox and wait for their turn.
    private var orders: [PumpOrder] = []
    /// Logs that are to be opened anew.
    internal var logsToReopen: [SharedLog] = []

    internal init(
        mailbox: Mailbox<PumpOrder>, beat: LoopBeat, drained: DrainRecord, reign: PumpReign, reports: PumpReports,
        syslog: SyslogSender?, drainAfterExit: Duration
    ) throws(KernelFailure) {
        self.mailbox = mailbox
        self.beat = beat
        self.drained = drained
        self.reign = reign
        self.reports = reports
        self.syslog = syslog
        self.drainAfterExit = drainAfterExit
        compressor = try LogCompressor { file in
            // A full mailbox: the file stays as it is.
            if mailbox.post(.compressed(file)) == .full { CompressedFile.close(file) }
        }
        do throws(PatternFailure) {
            tools = try ScanTools()
        } catch {
            // The spellings are constants: only a PCRE2 that is out of memory refuses them.
            throw KernelFailure("compile patterns of", "EMFILE", ENOMEM)
        }
        scratch = try ScratchPipe()
        poller = try Poller()
        try poller.add(mailbox.readinessDescriptor, token: Self.mailboxToken, .readable)
    }

    /// For several threads, of which one at a time has the say (`PumpReign`): the loop as a number, until `release`.
    internal func shared() -> UInt { UInt(bitPattern: Unmanaged.passRetained(self).toOpaque()) }

    /// The loop again.
    internal static func shared(at address: UInt) -> PumpLoop? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<PumpLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Nobody will ask for it any more.
    internal static func release(at address: UInt) {
        if let pointer = UnsafeRawPointer(bitPattern: address) { Unmanaged<PumpLoop>.fromOpaque(pointer).release() }
    }

    /// The thread's life, until the end or until another has taken its place.
    internal func run() {
        reign.begin()
        live()
    }

    /// The life of a thread that takes the place of one that hangs.
    ///
    /// - Parameter fresh: a scratch pipe, released: the other thread has the former one.
    internal func succeed(_ fresh: UInt) {
        let now = MonotonicClock.now()
        guard let scratch = ScratchPipe.owned(fresh), reign.seize(at: now) else { return }
        takeOver(with: scratch, at: now)
        live()
    }

    private func live() {
        do throws(Relieved) {
            while !isStopping {
                if isParked { try rest() } else { try turn() }
            }
            try finish()
            reign.end()
        } catch {
            // Nothing here is this thread's any more.
        }
    }

    private func finish() throws(Relieved) {
        let now = MonotonicClock.now()
        for worker in workers.values {
            for stream in worker.streams { try pump(stream, at: now) }
        }
        for worker in Array(workers.values) { try conclude(worker, at: now) }
        compressor.stop()
        for case .compressed(let file) in mailbox.drain() { try place(file, at: now) }
    }

    /// While parked, orders alone are obeyed: what they change is part of what the successor is told.
    private func rest() throws(Relieved) {
        let now = MonotonicClock.now()
        beat.turned(at: now)
        guard mailbox.wait(until: now + PumpLimits.longestWait) else { return }
        try obeyAll(at: now)
    }

    // One leaves the list before it is obeyed: should this thread be relieved, the next goes on behind it.
    private func obeyAll(at now: Instant) throws(Relieved) {
        orders += mailbox.drain()
        while !orders.isEmpty { try obey(orders.removeFirst(), at: now) }
        while let log = logsToReopen.popLast() { try reopen(log, at: now) }
    }

    private func turn() throws(Relieved) {
        let began = MonotonicClock.now()
        let events = try wait(from: began)
        let now = MonotonicClock.now()
        beat.turned(at: now)
        movedBytes = 0
        for event in events {
            if let stream = streams[event.token] {
                try pump(stream, at: now)
            } else if event.token == Self.mailboxToken {
                try obeyAll(at: now)
            } else if let log = logsByToken[event.token] {
                try resume(log)
            }
        }
        if !orders.isEmpty || !logsToReopen.isEmpty { try obeyAll(at: now) }
        try letHeldLinesThrough(at: now)
        if troubledLogs > 0, now >= nextTrial { try tryTroubledLogs(at: now) }
        try closeDue(at: now)
        // What epoll did not name was empty when it answered; what it named was emptied since, or is held.
        if events.count < EdgeLimits.eventsPerWait { drained.advance(to: now) }
        reportTouched(at: now)
        reportDue(at: now)
        gather(waited: now - began, events: events.count)
    }

    private func wait(from now: Instant) throws(Relieved) -> [Poller.Ready] {
        var deadline = now + PumpLimits.longestWait
        if let due = reportQueue.first?.due { deadline = min(deadline, due) }
        if let due = closingQueue.first?.closesAt { deadline = min(deadline, due) }
        if let due = heldLines.first?.due { deadline = min(deadline, due) }
        if !unwatchableLogs.isEmpty || !parked.isEmpty { deadline = min(deadline, now + PumpLimits.sinkRetry) }
        let events: [Poller.Ready]
        do throws(KernelFailure) {
            events = try poller.wait(until: deadline)
        } catch {
            // Not possible with a living epoll. Never a busy loop, whatever happens.
            pauseBriefly()
            events = []
        }
        if !parked.isEmpty { try unpark() }
        for _ in 0..<unwatchableLogs.count where !unwatchableLogs.isEmpty {
            try resume(unwatchableLogs.removeFirst())
        }
        return events
    }

    // A worker that writes line by line wakes us for each, and each turn costs several calls. A pause lets its lines
    // add up in the pipe; an error is reported a millisecond later then.
    private func gather(waited: Duration, events: Int) {
        if movedBytes > 0 { beat.did(movedBytes) }
        let isHasty =
            events > 0 && movedBytes > 0 && movedBytes < PumpLimits.smallTurnBytes
            && waited < PumpLimits.gatheringPause
        hastyTurns = isHasty ? hastyTurns + 1 : 0
        if hastyTurns >= PumpLimits.hastyTurns { pauseBriefly() }
    }

    // MARK: - Streams

    /// Moves what stands in a stream's pipe into its log, at most `PumpLimits.turnBytes`.
    internal func pump(_ stream: PumpStream, at now: Instant) throws(Relieved) {
        if stuckLogs > 0, let log = stream.log, isBlocked(log) { return holdBack(stream, at: log) }
        if let tap = stream.tap, tap.rewrites { return try pumpRewritten(stream, tap, at: now) }
        let content: ScratchPipe.Content
        do throws(KernelFailure) {
            content = try scratch.look(into: stream.pipe.rawValue)
        } catch {
            reports.trouble(LogTrouble(path: stream.log?.path ?? "", failure: error, droppedBytes: 0))
            return try end(stream, at: now)
        }
        switch content {
        case .nothing: setMayHoldMore(stream, false)
        case .end: try end(stream, at: now)
        case .bytes(let count): try take(count, of: stream, at: now)
        }
    }

    private func take(_ count: Int, of stream: PumpStream, at now: Instant) throws(Relieved) {
        let worker = stream.worker
        // Its own, should another thread take this one's place.
        let scratch = scratch
        let bytes = scratch.bytes(count)
        if count > stream.aheadBytes {
            let fresh = UnsafeRawBufferPointer(rebasing: bytes[stream.aheadBytes...])
            worker.scanner.take(fresh, from: stream.stream, at: now)
            stream.tap?.observe(fresh, reports)
            stream.aheadBytes = count
            touch(worker)
        }
        if count >= PumpLimits.busyPipeBytes, !stream.isEnlarged {
            stream.isEnlarged = true
            ScratchPipe.enlarge(stream.pipe.rawValue)
        }
        guard let log = stream.log else {
            scratch.source(stream.pipe.rawValue).discard(count)
            stream.aheadBytes = 0
            movedBytes += count
            setMayHoldMore(stream, count >= PumpLimits.certainlyDrainedBytes)
            return
        }
        let progress = try withExtendedLifetime(scratch) { () throws(Relieved) in
            try atDisk(.writeLog, of: log, for: .move(stream: stream.token, count: count), at: now) {
                log.move(bytes, from: scratch.source(stream.pipe.rawValue), at: now)
            }
        }
        if let trouble = log.changeOfTrouble(progress) { tell(trouble) }
        var moved = count
        if case .waiting(let written) = progress {
            moved = written
            stream.aheadBytes -= written
            suspend(stream, until: log)
        } else {
            stream.aheadBytes -= count
            // The log may be opened anew: whoever waits for the old one tries again.
            if case .dropped = progress, !log.waiting.isEmpty { try resume(log) }
        }
        movedBytes += moved
        setMayHoldMore(stream, count >= PumpLimits.certainlyDrainedBytes)
    }

    internal func setMayHoldMore(_ stream: PumpStream, _ mayHoldMore: Bool) {
        let wasHeld = stream.isHeld
        stream.isHeld = stream.aheadBytes > 0 || mayHoldMore
        if stream.isHeld == wasHeld { return }
        if stream.isHeld { drained.hold(stream.worker.id) } else { releaseIfDrained(stream.worker) }
    }

    internal func releaseIfDrained(_ worker: PumpWorker) {
        if !worker.streams.contains(where: { $0.isHeld }) { drained.release(worker.id) }
    }

    internal func suspend(_ stream: PumpStream, until log: SharedLog) {
        poller.remove(stream.pipe.rawValue)
        if log.waiting.contains(where: { $0 === stream }) { return }
        log.waiting.append(stream)
        guard log.waiting.count == 1, let file = log.file else { return }
        do throws(KernelFailure) {
            try poller.add(file.number, token: log.token, .writable)
        } catch {
            unwatchableLogs.append(log)
        }
    }

    internal func resume(_ log: SharedLog) throws(Relieved) {
        if isBlocked(log) { return }
        if let file = log.file { poller.remove(file.number) }
        // One by one: should this thread be relieved, the rest still waits.
        for _ in 0..<log.waiting.count where !log.waiting.isEmpty {
            let stream = log.waiting.removeFirst()
            guard streams[stream.token] != nil else { continue }
            try watch(stream)
            // What waits in memory is in no pipe that epoll could name.
            if let tap = stream.tap, !tap.pending.isEmpty { try pump(stream, at: MonotonicClock.now()) }
        }
    }

    internal func watch(_ stream: PumpStream) throws(Relieved) {
        do throws(KernelFailure) {
            try poller.add(stream.pipe.rawValue, token: stream.token, .readable)
        } catch {
            // Out of memory, or past fs.epoll.max_user_watches: without a reader the worker would block for ever.
            reports.trouble(LogTrouble(path: stream.log?.path ?? "", failure: error, droppedBytes: 0))
            try end(stream, at: MonotonicClock.now())
        }
    }

    /// Nothing more comes from this stream.
    internal func end(_ stream: PumpStream, at now: Instant) throws(Relieved) {
        let worker = stream.worker
        if let tap = stream.tap {
            tap.finish(at: now, reports)
            try writePending(stream, tap, at: now)
        }
        streams[stream.token] = nil
        poller.remove(stream.pipe.rawValue)
        worker.scanner.finish(stream.stream, at: now)
        worker.streams.removeAll { $0 === stream }
        if let log = stream.log { leave(log, stream) }
        stream.isHeld = false
        releaseIfDrained(worker)
        touch(worker)
        if worker.streams.isEmpty, worker.closesAt != nil, !worker.isConcluding { try conclude(worker, at: now) }
    }

    private func leave(_ log: SharedLog, _ stream: PumpStream) {
        log.userCount -= 1
        log.waiting.removeAll { $0 === stream }
        if log.waiting.isEmpty {
            unwatchableLogs.removeAll { $0 === log }
            if !log.isStuck, let file = log.file { poller.remove(file.number) }
        }
        if log.userCount == 0, !log.isStuck { forget(log) }
    }

    /// Nobody writes to it any more.
    internal func forget(_ log: SharedLog) {
        if let farewell = log.farewell { tell(farewell) }
        logs[log.path] = nil
        logsByToken[log.token] = nil
    }

    // MARK: - Ends

    private func closeDue(at now: Instant) throws(Relieved) {
        while let worker = closingQueue.first {
            // Some are concluded before, with the end of their pipes.
            if let due = worker.closesAt, workers[worker.id] === worker {
                guard due <= now else { return }
                if waitsForDisk(worker) {
                    // Its last lines are in its pipe, and nobody can write more of them.
                    worker.closesAt = now + drainAfterExit
                    closingQueue.append(worker)
                } else {
                    try conclude(worker, at: now)
                }
            }
            closingQueue.removeFirst()
        }
    }

    private func waitsForDisk(_ worker: PumpWorker) -> Bool {
        guard stuckLogs > 0, closingQueue.count <= PumpLimits.heldExits else { return false }
        return worker.streams.contains { stream in stream.log.map(isBlocked) ?? false }
    }

    /// Closes what is left of a worker that has exited, and reports for the last time.
    internal func conclude(_ worker: PumpWorker, at now: Instant) throws(Relieved) {
        // Until its streams have ended it is not concluded: another thread may have to begin with it anew.
        worker.isConcluding = true
        for stream in worker.streams { try end(stream, at: now) }
        worker.closesAt = nil
        workers[worker.id] = nil
        drained.release(worker.id)
        if let facts = worker.scanner.report(drainedAt: now) { reports.facts(worker.id, facts) }
        reports.closed(worker.id)
    }

    // MARK: - Reports

    internal func touch(_ worker: PumpWorker) {
        if worker.isTouched { return }
        worker.isTouched = true
        touched.append(worker)
    }

    private func reportTouched(at now: Instant) {
        for worker in touched {
            worker.isTouched = false
            guard workers[worker.id] === worker else { continue }
            if worker.scanner.isUrgent || now - worker.reportedAt >= PumpLimits.reportInterval {
                report(worker, at: now)
            } else if !worker.awaitsReport {
                worker.awaitsReport = true
                reportQueue.append((worker.reportedAt + PumpLimits.reportInterval, worker))
            }
        }
        touched.removeAll(keepingCapacity: true)
    }

    private func reportDue(at now: Instant) {
        var done = 0
        while done < reportQueue.count, reportQueue[done].due <= now {
            let worker = reportQueue[done].worker
            worker.awaitsReport = false
            if workers[worker.id] === worker { report(worker, at: now) }
            done += 1
        }
        if done > 0 { reportQueue.removeFirst(done) }
    }

    private func report(_ worker: PumpWorker, at now: Instant) {
        guard let facts = worker.scanner.report(drainedAt: drained.instant(of: worker.id)) else { return }
        worker.reportedAt = now
        reports.facts(worker.id, facts)
    }
}

/// A millisecond without work.
internal func pauseBriefly() {
    MonotonicClock.rest(for: PumpLimits.gatheringPause)
}
