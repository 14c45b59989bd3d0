internal import WardenCore
internal import WardenWire

/// What a stream that is more than a log needs on its way: the pump's thread alone uses it.
internal final class PumpTap {
    private let worker: WorkerID
    private let channel: OutputChannel
    private let treatment: StreamTreatment
    private var decoder = TextDecoder()
    private var parser: ListenerParser?
    private var filter: CaptureFilter?
    private var terminal: TerminalFilter?
    private var prefixer: LinePrefixer?
    private var syslog: SyslogLines?
    private let sender: SyslogSender?
    /// Bytes for the log that were let through, and that are not written yet.
    internal var pending: [UInt8] = []
    /// Its line that waits for its end has a place in the pump's queue.
    internal var isQueued = false
    /// It waits for the system log.
    internal var isParked = false

    internal init(
        _ treatment: StreamTreatment, _ worker: WorkerID, _ stream: OutputStream, _ sender: SyslogSender?
    ) {
        self.worker = worker
        self.treatment = treatment
        self.sender = sender
        if treatment.stripsANSI { terminal = TerminalFilter() }
        if let prefix = treatment.prefix {
            prefixer = LinePrefixer(prefix, treatment.origin, pid: treatment.pid, stream)
        }
        if treatment.writesSyslog { syslog = SyslogLines(name: treatment.origin.name) }
        channel = stream.channel
        if treatment.isListener { parser = ListenerParser() }
        if treatment.captureBytes > 0 {
            filter = CaptureFilter(maximumBytes: min(treatment.captureBytes, PumpLimits.captureBytes))
        }
    }

    /// What it knows, for the binary that takes over.
    internal struct Memory: Codable {
        var decoder = TextDecoder()
        var parser: ListenerParser?
        var filter: CaptureFilter?
        var terminal: TerminalFilter?
        var prefixer: LinePrefixer?
        var syslog: SyslogLines?
        var pending: [UInt8] = []
    }

    internal var memory: Memory {
        get {
            Memory(
                decoder: decoder, parser: parser, filter: filter, terminal: terminal, prefixer: prefixer,
                syslog: syslog, pending: pending)
        }
        set {
            decoder = newValue.decoder
            pending = newValue.pending
            // What this binary does to the stream is its own matter; how far it has got is told.
            if parser != nil { parser = newValue.parser ?? parser }
            if filter != nil { filter = newValue.filter ?? filter }
            if terminal != nil { terminal = newValue.terminal ?? terminal }
            if prefixer != nil { prefixer = newValue.prefixer ?? prefixer }
            if syslog != nil { syslog = newValue.syslog ?? syslog }
        }
    }

    /// The bytes of the log are not those of the pipe.
    internal var rewrites: Bool { filter != nil || terminal != nil || prefixer != nil || syslog != nil }

    /// Nothing more may be read: the system log is behind.
    internal var mustWait: Bool { syslog != nil && sender?.hasRoom == false }

    /// Since when a line waits for its end.
    internal var heldSince: Instant? { prefixer?.heldSince }

    /// Lets the line that waits for its end through without it.
    internal func letThrough() { prefixer?.flush(into: &pending) }

    /// What the listener says from now on means nothing.
    internal func disregard() { parser?.giveUp() }

    /// Bytes that go into the log as they are.
    internal func observe(_ fresh: UnsafeRawBufferPointer, _ reports: PumpReports) {
        if let words = parser?.read(fresh), !words.isEmpty { reports.said(worker, words) }
        tell(fresh, reports)
    }

    /// Bytes that do not go into the log as they are: what does is appended to `pending`.
    internal func rewrite(_ fresh: UnsafeRawBufferPointer, at now: Instant, _ reports: PumpReports) {
        guard terminal != nil else { return part(fresh, at: now, reports) }
        var plain: [UInt8] = []
        plain.reserveCapacity(fresh.count)
        terminal?.take(fresh, into: &plain)
        plain.withUnsafeBytes { part($0, at: now, reports) }
    }

    /// The stream has ended.
    internal func finish(at now: Instant, _ reports: PumpReports) {
        var pieces: [CaptureFilter.Piece] = []
        filter?.finish { pieces.append($0) }
        for piece in pieces { take(piece, at: now, reports) }
        prefixer?.finish(into: &pending)
        syslog?.finish(sender)
        tell(decoder.finish(), reports)
    }

    /// Parts what stands between the tokens of capture mode from the rest.
    private func part(_ bytes: UnsafeRawBufferPointer, at now: Instant, _ reports: PumpReports) {
        guard filter != nil else {
            write(bytes, at: now)
            tell(bytes, reports)
            return
        }
        var pieces: [CaptureFilter.Piece] = []
        filter?.take(bytes) { pieces.append($0) }
        for piece in pieces { take(piece, at: now, reports) }
    }

    private func take(_ piece: CaptureFilter.Piece, at now: Instant, _ reports: PumpReports) {
        switch piece {
        case .plain(let bytes):
            bytes.withUnsafeBytes {
                write($0, at: now)
                tell($0, reports)
            }
        case .captured(let bytes):
            // As supervisord does, though its manual says otherwise.
            bytes.withUnsafeBytes { tell($0, reports) }
        case .communication(let bytes):
            post(.communication, String(decoding: bytes, as: UTF8.self), reports)
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
        syslog?.take(bytes, sender)
        if prefixer == nil {
            pending.append(bytes)
        } else {
            prefixer?.take(bytes, time: WallClock.now(), at: now, into: &pending)
        }
    }

    private func tell(_ bytes: UnsafeRawBufferPointer, _ reports: PumpReports) {
        guard treatment.emitsEvents || treatment.isCopied else { return }
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, PumpLimits.eventBytes)
            tell(decoder.decode(rest[..<count]), reports)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    private func tell(_ text: String, _ reports: PumpReports) {
        guard !text.isEmpty else { return }
        if treatment.isCopied { reports.copied(treatment.origin, channel, text) }
        if treatment.emitsEvents { post(.log, text, reports) }
    }

    private func post(_ kind: WorkerOutput.Kind, _ text: String, _ reports: PumpReports) {
        reports.wrote(
            WorkerOutput(worker: worker, pid: treatment.pid, channel: channel, kind: kind, text: text))
    }
}

extension PumpLoop {
    /// Moves a stream into its log by way of what changes its bytes.
    ///
    /// What the log cannot take yet stays in memory, and until it is written nothing more is read: the worker waits
    /// then, as for every log that is full.
    internal func pumpRewritten(_ stream: PumpStream, _ tap: PumpTap, at now: Instant) throws(Relieved) {
        if !tap.pending.isEmpty {
            try writePending(stream, tap, at: now)
            if !tap.pending.isEmpty { return }
        }
        if tap.mustWait { return park(stream, tap) }
        let content: ScratchPipe.Content
        do throws(KernelFailure) {
            content = try scratch.take(from: stream.pipe.rawValue)
        } catch {
            reports.trouble(LogTrouble(path: stream.log?.path ?? "", failure: error, droppedBytes: 0))
            return try end(stream, at: now)
        }
        switch content {
        case .nothing: setMayHoldMore(stream, false)
        case .end:
            tap.finish(at: now, reports)
            try writePending(stream, tap, at: now)
            // A log that is full is waited for: the pipe's end is seen again then.
            if tap.pending.isEmpty { try end(stream, at: now) }
        case .bytes(let count):
            if count >= PumpLimits.busyPipeBytes, !stream.isEnlarged {
                stream.isEnlarged = true
                ScratchPipe.enlarge(stream.pipe.rawValue)
            }
            let fresh = scratch.bytes(count)
            stream.worker.scanner.take(fresh, from: stream.stream, at: now)
            touch(stream.worker)
            tap.rewrite(fresh, at: now, reports)
            queueHeldLine(stream, tap, at: now)
            movedBytes += count
            try writePending(stream, tap, at: now)
            setMayHoldMore(stream, count >= PumpLimits.certainlyDrainedBytes)
        }
    }

    /// Writes what was let through.
    internal func writePending(_ stream: PumpStream, _ tap: PumpTap, at now: Instant) throws(Relieved) {
        stream.aheadBytes = tap.pending.count
        guard !tap.pending.isEmpty else { return }
        guard let log = stream.log else {
            tap.pending = []
            stream.aheadBytes = 0
            return
        }
        if isBlocked(log) { return holdBack(stream, at: log) }
        let bytes = tap.pending
        let progress = try atDisk(.writeLog, of: log, for: .pending(stream: stream.token), at: now) {
            bytes.withUnsafeBytes { log.move($0, from: .memory, at: now) }
        }
        if let trouble = log.changeOfTrouble(progress) { tell(trouble) }
        if case .waiting(let written) = progress {
            tap.pending.removeFirst(written)
            stream.aheadBytes = tap.pending.count
            suspend(stream, until: log)
        } else {
            tap.pending = []
            stream.aheadBytes = 0
            if case .dropped = progress, !log.waiting.isEmpty { try resume(log) }
        }
    }

    // MARK: - Lines that wait for their end

    /// All wait equally long, so the queue is in the order in which they are let through.
    private func queueHeldLine(_ stream: PumpStream, _ tap: PumpTap, at now: Instant) {
        guard !tap.isQueued, tap.heldSince != nil else { return }
        tap.isQueued = true
        heldLines.append((now + PumpLimits.heldLineTime, stream))
    }

    internal func letHeldLinesThrough(at now: Instant) throws(Relieved) {
        while let first = heldLines.first, first.due <= now {
            heldLines.removeFirst()
            guard let tap = first.stream.tap, streams[first.stream.token] != nil else { continue }
            tap.isQueued = false
            guard let since = tap.heldSince else { continue }
            // Another line by now, or one whose stream waits for something else: it has its turn later.
            guard since + PumpLimits.heldLineTime <= now, tap.pending.isEmpty, !tap.isParked else {
                queueHeldLine(first.stream, tap, at: now)
                continue
            }
            tap.letThrough()
            try writePending(first.stream, tap, at: now)
        }
    }

    // MARK: - The system log

    /// Nothing more is read from this worker until the system log has room; no epoll can wait for that.
    private func park(_ stream: PumpStream, _ tap: PumpTap) {
        poller.remove(stream.pipe.rawValue)
        setMayHoldMore(stream, true)
        if !tap.isParked { parked.append(stream) }
        tap.isParked = true
    }

    internal func unpark() throws(Relieved) {
        for _ in 0..<parked.count {
            let stream = parked.removeFirst()
            guard streams[stream.token] != nil else { continue }
            if stream.tap?.mustWait == true {
                parked.append(stream)
            } else {
                stream.tap?.isParked = false
                try watch(stream)
            }
        }
    }
}
