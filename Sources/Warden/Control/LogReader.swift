import NIOCore
import NIOPosix
import Synchronization
import WardenCore

/// Why a log could not be read.
enum LogFailure: Error {
    /// There is none.
    case absent
    /// Offset and length do not go together.
    case badArguments
    /// Everything else, with its cause.
    case failed(String)
}

/// A log file as it is at one moment.
struct LogStatus: Hashable, Sendable {
    /// Its inode: another one means that it was rotated.
    var inode: UInt64
    /// Its length.
    var sizeBytes: Int64
    /// When it was last written to.
    var modifiedAt: WallTime
}

/// Reads log files on threads of its own: a file may lie on a disk that hangs.
struct LogReader: Sendable {
    private let pool: NIOThreadPool
    private let files: NonBlockingFileIO
    private let open: @Sendable (String) -> OpenedLog?
    private let waiting = Gauge()

    init(pool: NIOThreadPool, open: @escaping @Sendable (String) -> OpenedLog?) {
        self.pool = pool
        self.open = open
        files = NonBlockingFileIO(threadPool: pool)
    }

    /// Looks at a log.
    /// - Throws: `.absent` when there is none, `.failed` when it is no regular file: reading a fifo or a terminal would
    ///   take its text away from whoever it is meant for.
    func status(_ path: String) async throws(LogFailure) -> LogStatus {
        try await counted { () async throws -> LogStatus in
            try await pool.runIfActive { try lookAt(path) }
        }
    }

    /// Reads as `readLog` of supervisord: a negative offset with length 0 means so many bytes at the end, and length 0
    /// everything from the offset on.
    ///
    /// At most `ControlLimits.logBytes` are returned: the last ones of an end, the first ones otherwise.
    func read(_ path: String, offset: Int64, length: Int64) async throws(LogFailure) -> [UInt8] {
        let size = try await status(path).sizeBytes
        if length < 0 || (offset < 0 && length != 0) { throw .badArguments }
        if offset >= 0 {
            return try await bytes(path, from: offset, count: length == 0 ? size - min(offset, size) : length)
        }
        let count = min(-max(offset, -size), Int64(ControlLimits.logBytes))
        return try await bytes(path, from: size - count, count: count)
    }

    /// Reads as `tailProcessStdoutLog` of supervisord: the last bytes, where the log ends, and whether bytes between
    /// `offset` and them were left out.
    func tail(
        _ path: String, offset: Int64, length: Int64
    ) async throws(LogFailure) -> (bytes: [UInt8], end: Int64, overflow: Bool) {
        let size = try await status(path).sizeBytes
        let (reach, isHuge) = offset.addingReportingOverflow(length)
        let isOverflow = !isHuge && size > reach
        if !isOverflow && offset >= size { return ([], size, false) }
        let count = min(max(0, length), size, Int64(ControlLimits.logBytes))
        return (try await bytes(path, from: size - count, count: count), size, isOverflow)
    }

    /// At most `ControlLimits.logBytes` bytes; fewer where the file ends.
    func bytes(_ path: String, from offset: Int64, count: Int64) async throws(LogFailure) -> [UInt8] {
        let count = Int(min(max(0, count), Int64(ControlLimits.logBytes)))
        guard count > 0 else { return [] }
        return try await counted { () async throws -> [UInt8] in
            let handle = try await pool.runIfActive {
                guard let log = open(path) else { throw LogFailure.absent }
                return NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: log.descriptor)
            }
            // A failed close(2) frees the descriptor on Linux all the same.
            defer { try? handle.close() }
            let buffer = try await files.read(
                fileHandle: handle, fromOffset: offset, byteCount: count, allocator: ByteBufferAllocator())
            return Array(buffer.readableBytesView)
        }
    }

    /// Refuses when too many reads wait for a thread already.
    private func counted<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws(LogFailure) -> Value {
        guard waiting.enter(limit: ControlLimits.waitingLogReads) else {
            throw .failed("too many logs are being read, try again later")
        }
        defer { waiting.leave() }
        do {
            return try await body()
        } catch let failure as LogFailure {
            throw failure
        } catch let error as IOError where error.errnoCode == 2 {
            throw .absent
        } catch {
            throw .failed("\(error)")
        }
    }

    /// What can be looked at for want of neither file nor right; anything else is no log to a client.
    private func lookAt(_ path: String) throws(LogFailure) -> LogStatus {
        guard let log = open(path) else { throw .absent }
        // A failed close(2) frees the descriptor on Linux all the same.
        try? NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: log.descriptor).close()
        guard log.isRegular else { throw .failed("\(path) is not a regular file") }
        return LogStatus(inode: log.inode, sizeBytes: log.sizeBytes, modifiedAt: log.modifiedAt)
    }
}

/// Counts what goes on at once.
final class Gauge: Sendable {
    private let count = Mutex(0)

    /// - Returns: false, and nothing is counted, when there are `limit` already.
    func enter(limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        count.withLock { $0 -= 1 }
    }
}

/// One of the places that a gauge counts, given back with its last owner.
final class GaugePlace: Sendable {
    private let gauge: Gauge

    /// - Returns: `nil` when there is no place left.
    init?(_ gauge: Gauge, limit: Int) {
        guard gauge.enter(limit: limit) else { return nil }
        self.gauge = gauge
    }

    deinit {
        gauge.leave()
    }
}
