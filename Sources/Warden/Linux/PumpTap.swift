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
    /// Bytes for the log that capture mode has let through, and that are not written yet.
    internal var pending: [UInt8] = []

    internal init(_ treatment: StreamTreatment, _ worker: WorkerID, _ stream: OutputStream) {
        self.worker = worker
        self.treatment = treatment
        channel = stream.channel
        if treatment.isListener { parser = ListenerParser() }
        if treatment.captureBytes > 0 {
            filter = CaptureFilter(maximumBytes: min(treatment.captureBytes, PumpLimits.captureBytes))
        }
    }

    /// The bytes of the log are not those of the pipe.
    internal var rewrites: Bool { filter != nil }

    /// What the listener says from now on means nothing.
    internal func disregard() { parser?.giveUp() }

    /// Bytes that go into the log as they are.
    internal func observe(_ fresh: UnsafeRawBufferPointer, _ reports: PumpReports) {
        if let words = parser?.read(fresh), !words.isEmpty { reports.said(worker, words) }
        tell(fresh, reports)
    }

    /// Bytes of which only a part goes into the log: it is appended to `pending`.
    internal func rewrite(_ fresh: UnsafeRawBufferPointer, _ reports: PumpReports) {
        var pieces: [CaptureFilter.Piece] = []
        filter?.take(fresh) { pieces.append($0) }
        for piece in pieces { take(piece, reports) }
    }

    /// The stream has ended.
    internal func finish(_ reports: PumpReports) {
        var pieces: [CaptureFilter.Piece] = []
        filter?.finish { pieces.append($0) }
        for piece in pieces { take(piece, reports) }
        let text = decoder.finish()
        if treatment.emitsEvents, !text.isEmpty { post(.log, text, reports) }
    }

    private func take(_ piece: CaptureFilter.Piece, _ reports: PumpReports) {
        switch piece {
        case .plain(let bytes):
            pending += bytes
            bytes.withUnsafeBytes { tell($0, reports) }
        case .captured(let bytes):
            // As supervisord does, though its manual says otherwise.
            bytes.withUnsafeBytes { tell($0, reports) }
        case .communication(let bytes):
            post(.communication, String(decoding: bytes, as: UTF8.self), reports)
        }
    }

    private func tell(_ bytes: UnsafeRawBufferPointer, _ reports: PumpReports) {
        guard treatment.emitsEvents else { return }
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, PumpLimits.eventBytes)
            let text = decoder.decode(rest[..<count])
            if !text.isEmpty { post(.log, text, reports) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    private func post(_ kind: WorkerOutput.Kind, _ text: String, _ reports: PumpReports) {
        reports.wrote(
            WorkerOutput(worker: worker, pid: treatment.pid, channel: channel, kind: kind, text: text))
    }
}

extension PumpLoop {
    /// Moves a stream through capture mode into its log. What the log cannot take yet stays in memory, and until it is
    /// written nothing more is read: the worker waits then, as for every log that is full.
    internal func pumpRewritten(_ stream: PumpStream, _ tap: PumpTap, at now: Instant) {
        if !tap.pending.isEmpty {
            writePending(stream, tap, at: now)
            if !tap.pending.isEmpty { return }
        }
        let content: ScratchPipe.Content
        do throws(KernelFailure) {
            content = try scratch.take(from: stream.pipe.rawValue)
        } catch {
            reports.trouble(LogTrouble(path: stream.log?.path ?? "", failure: error, droppedBytes: 0))
            end(stream, at: now)
            return
        }
        switch content {
        case .nothing: setMayHoldMore(stream, false)
        case .end:
            tap.finish(reports)
            writePending(stream, tap, at: now)
            // A log that is full is waited for: the pipe's end is seen again then.
            if tap.pending.isEmpty { end(stream, at: now) }
        case .bytes(let count):
            let fresh = scratch.bytes(count)
            stream.worker.scanner.take(fresh, from: stream.stream, at: now)
            touch(stream.worker)
            tap.rewrite(fresh, reports)
            writePending(stream, tap, at: now)
            movedBytes += count
            setMayHoldMore(stream, count >= PumpLimits.certainlyDrainedBytes)
        }
    }

    /// Writes what capture mode has let through.
    internal func writePending(_ stream: PumpStream, _ tap: PumpTap, at now: Instant) {
        defer { stream.aheadBytes = tap.pending.count }
        guard !tap.pending.isEmpty else { return }
        guard let log = stream.log else {
            tap.pending = []
            return
        }
        beat.entered(.writeLog, at: now, deadline: now + PumpLimits.writeDeadline)
        let progress = tap.pending.withUnsafeBytes { log.move($0, from: .memory, at: now) }
        beat.left()
        if let trouble = log.changeOfTrouble(progress) { reports.trouble(trouble) }
        if case .waiting(let written) = progress {
            tap.pending.removeFirst(written)
            suspend(stream, until: log)
        } else {
            tap.pending = []
            if case .dropped = progress, !log.waiting.isEmpty { resume(log) }
        }
    }
}
