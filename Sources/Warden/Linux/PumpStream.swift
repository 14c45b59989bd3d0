internal import Glibc
internal import WardenCore

/// A worker as the pump knows it.
internal final class PumpWorker {
    internal let id: WorkerID
    internal let scanner: LineScanner
    internal var streams: [PumpStream] = []
    internal var reportedAt: Instant
    /// It stands in the queue of reports that are not urgent.
    internal var awaitsReport = false
    /// It was read in this turn.
    internal var isTouched = false
    /// Its main process has ended; the pipes are closed then.
    internal var closesAt: Instant?
    /// Its streams are being ended, for good.
    internal var isConcluding = false

    internal init(id: WorkerID, scanner: LineScanner, at instant: Instant) {
        self.id = id
        self.scanner = scanner
        reportedAt = instant - PumpLimits.reportInterval
    }
}

/// One stream of a worker.
internal final class PumpStream {
    internal let worker: PumpWorker
    internal let stream: OutputStream
    internal let token: UInt64
    internal let pipe: Descriptor
    internal let log: SharedLog?
    internal let treatment: StreamTreatment
    /// What it is beside a log; `nil` for nothing.
    internal let tap: PumpTap?
    /// Bytes at the head of the pipe that were scanned, but not written yet: the log was full.
    internal var aheadBytes = 0
    /// Something of it is still in the pipe, or may be.
    internal var isHeld = false
    internal var isEnlarged = false

    internal init(
        worker: PumpWorker, stream: OutputStream, token: UInt64, pipe: consuming Descriptor, log: SharedLog?,
        treatment: StreamTreatment, tap: PumpTap?
    ) {
        self.worker = worker
        self.stream = stream
        self.token = token
        self.pipe = pipe
        self.log = log
        self.treatment = treatment
        self.tap = tap
    }
}

/// A log that any number of streams write to: both streams of a worker, workers of one program, and a worker's former
/// generation that is still drained. Were each to open the file for itself, the first rotation would part them.
internal final class SharedLog {
    internal let path: String
    internal let token: UInt64
    internal var userCount = 0
    /// Streams that wait until it can be written to.
    internal var waiting: [PumpStream] = []
    /// Another thread waits for its disk, and its file is that thread's.
    internal var isStuck = false
    /// Of its file, while that is a regular one.
    internal private(set) var device: UInt64?
    internal private(set) var file: LogFile?
    internal private(set) var isTroubled = false
    /// A rotated file could not be compressed, and that was told.
    internal var cannotCompress = false

    private var maximumBytes: Int64
    private var backupCount: Int
    private var openFailure: KernelFailure?
    private var openAgainAt: Instant?
    private var lostUnopenedBytes: UInt64 = 0

    /// Takes its rotated files to be compressed; `nil` leaves them as they are.
    private var compress: ((RotatedFile) -> Bool)?

    internal init(path: String, maximumBytes: Int64, backupCount: Int, token: UInt64) {
        self.path = path
        self.maximumBytes = maximumBytes
        self.backupCount = backupCount
        self.token = token
    }

    /// Where it writes, for the binary that takes over.
    internal var target: LogTarget {
        .file(path: path, maximumBytes: maximumBytes, backupCount: backupCount, compresses: compress != nil)
    }

    /// The newest configuration of the file holds for all that write to it.
    internal func setRotation(maximumBytes: Int64, backupCount: Int, _ compress: ((RotatedFile) -> Bool)?) {
        self.maximumBytes = maximumBytes
        self.backupCount = backupCount
        self.compress = compress
        file?.setRotation(maximumBytes: maximumBytes, backupCount: backupCount)
        file?.compress = compress
    }

    /// Opens the file unless it is open. A failure is remembered and tried again later.
    internal func openIfNeeded(at instant: Instant) {
        if file != nil { return }
        if let openAgainAt, instant < openAgainAt { return }
        do throws(KernelFailure) {
            file = try LogFile(path: path, maximumBytes: maximumBytes, backupCount: backupCount)
            file?.compress = compress
            device = file?.device
            file?.lost(lostUnopenedBytes)
            lostUnopenedBytes = 0
            openFailure = nil
        } catch {
            openFailure = error
            openAgainAt = instant + LogFileLimits.retryAfter
        }
    }

    internal func move(
        _ bytes: UnsafeRawBufferPointer, from source: borrowing ScratchPipe.Source, at instant: Instant
    ) -> LogFile.Progress {
        openIfNeeded(at: instant)
        if let file { return file.move(bytes, from: source, at: instant) }
        lostUnopenedBytes += UInt64(source.discard(bytes.count))
        return .dropped(openFailure?.errorNumber ?? EIO)
    }

    /// Tries a log that was in trouble, though nobody writes to it now.
    ///
    /// - Returns: whether it can be written to again.
    internal func recover(at instant: Instant) -> Bool {
        openIfNeeded(at: instant)
        return file?.recover(at: instant) ?? false
    }

    /// Nobody writes to it any more.
    internal var farewell: LogTrouble? {
        isTroubled
            ? LogTrouble(path: path, failure: nil, droppedBytes: file?.droppedBytesInAll ?? 0, isClosed: true) : nil
    }

    /// What is to be told when the log's trouble begins or ends; `nil` when nothing has changed.
    internal func changeOfTrouble(_ progress: LogFile.Progress) -> LogTrouble? {
        let dropped = (file?.droppedBytesInAll ?? 0) + lostUnopenedBytes
        switch progress {
        case .dropped(let cause):
            if isTroubled { return nil }
            isTroubled = true
            let failure = openFailure ?? KernelFailure("write", path, cause)
            return LogTrouble(path: path, failure: failure, droppedBytes: dropped)
        case .written, .waiting:
            if !isTroubled { return nil }
            isTroubled = false
            return LogTrouble(path: path, failure: nil, droppedBytes: dropped)
        }
    }
}
