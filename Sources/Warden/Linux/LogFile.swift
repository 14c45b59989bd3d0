internal import CWardenLinux
internal import Glibc
package import WardenCore

/// The limits of log files.
package enum LogFileLimits {
    /// Rotated files that are kept of one log.
    package static let backups = 10_000
    /// How far a file may grow past its maximum while it waits for the end of a line.
    package static let unendedLineBytes = 64 * 1024
    /// A log that cannot be written to is tried again after this.
    package static let retryAfter: Duration = .seconds(1)
    /// Names that are tried before an automatic log file is given up.
    package static let nameAttempts = 100
}

/// Where a stream's bytes go, resolved.
package enum LogTarget: Hashable, Codable, Sendable {
    /// Read and dropped.
    case nowhere
    /// A file, fifo or device. `maximumBytes` 0 never rotates; `backupCount` 0 truncates in place.
    /// `compresses`: rotated files become `NAME.1.gz` and so on.
    case file(path: String, maximumBytes: Int64, backupCount: Int, compresses: Bool = false)
}

/// One log: a file that rotates as supervisord's do, or a fifo or device that may make its worker wait.
///
/// A regular file is written at an explicit offset and never with O_APPEND, which splice(2) refuses. The offset is the
/// file's size, asked anew for each chunk: somebody else may append to it, or truncate it (`copytruncate`).
package final class LogFile {
    /// What became of the bytes that were offered.
    package enum Progress: Hashable, Sendable {
        /// All were written.
        case written
        /// They were dropped, at least in part: an errno.
        case dropped(Int32)
        /// So many could be written; the rest has to wait until the sink can be written to again.
        case waiting(writtenBytes: Int)
    }

    internal enum Sink: Hashable {
        /// Has a size and an offset.
        case file
        /// A fifo, a terminal, a device: takes bytes in order, and may be full.
        case flow
    }

    private struct Opened: ~Copyable {
        let descriptor: Descriptor
        let sink: Sink
        let isSocket: Bool
    }

    /// Its name.
    package let path: String
    /// Bytes that were lost since it could last be written to.
    package private(set) var droppedBytes: UInt64 = 0
    /// Bytes that were lost in all.
    package private(set) var droppedBytesInAll: UInt64 = 0
    /// Why it cannot be written to now: an errno, 0 when it can.
    package internal(set) var trouble: Int32 = 0

    internal var maximumBytes: Int64
    internal var backupCount: Int
    private var opened: Opened
    internal var offset: Int64 = 0
    internal var endsWithLine = true
    private var canSplice = true
    private var retryAt: Instant?
    /// A rotation that failed is tried again when the file has reached this.
    internal var rotationAtBytes: Int64
    /// The file at `path` is to be opened anew before the next chunk.
    internal var mustReopen = false
    /// Takes rotated files that are to be compressed, and answers whether it did; `nil` leaves them as they are.
    internal var compress: ((RotatedFile) -> Bool)?
    /// Inodes of rotated files that it has.
    internal var compressing: Set<UInt64> = []

    /// Opens a log, or makes it.
    ///
    /// - Parameters:
    ///   - path: the file, fifo or device.
    ///   - maximumBytes: rotates when it has grown to this; 0 never.
    ///   - backupCount: rotated files to keep, at most `LogFileLimits.backups`; 0 truncates in place.
    /// - Throws: whatever open(2) says.
    package init(path: String, maximumBytes: Int64, backupCount: Int) throws(KernelFailure) {
        self.path = path
        self.maximumBytes = max(0, maximumBytes)
        self.backupCount = min(max(0, backupCount), LogFileLimits.backups)
        rotationAtBytes = self.maximumBytes
        opened = try Self.open(path, truncated: false)
        refreshOffset()
    }

    /// The device that it lies on; `nil` when it is no regular file.
    internal var device: UInt64? {
        var status = stat()
        guard sink == .file, fstat(number, &status) == 0 else { return nil }
        return UInt64(status.st_dev)
    }

    /// For an epoll to wait until a full sink can be written to.
    internal var number: CInt { opened.descriptor.rawValue }
    internal var sink: Sink { opened.sink }

    // MARK: - Writing

    /// Writes bytes that stand at the head of a pipe, and takes them out of it; whatever cannot be written and need not
    /// wait is dropped and counted.
    ///
    /// - Parameters:
    ///   - bytes: what the pipe begins with.
    ///   - source: the pipe.
    ///   - instant: now.
    package func move(
        _ bytes: UnsafeRawBufferPointer, from source: borrowing ScratchPipe.Source, at instant: Instant
    ) -> Progress {
        if !isReady(at: instant) {
            drop(UInt64(source.discard(bytes.count)), because: trouble, at: instant)
            return .dropped(trouble)
        }
        switch sink {
        case .flow: return flow(bytes, from: source, at: instant)
        case .file: break
        }
        refreshOffset()
        if !writeDropNote(at: instant) {
            drop(UInt64(source.discard(bytes.count)), because: trouble, at: instant)
            return .dropped(trouble)
        }
        var moved = 0
        while moved < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[moved...])
            let piece = UnsafeRawBufferPointer(rebasing: rest[..<pieceCount(of: rest)])
            let written = write(piece, from: source)
            if written <= 0 {
                let cause = Int32(truncatingIfNeeded: -written)
                drop(UInt64(source.discard(rest.count)), because: cause == 0 ? EIO : cause, at: instant)
                return .dropped(trouble)
            }
            moved += written
            offset += Int64(written)
            endsWithLine = piece[written - 1] == LineEnd.lineFeed
            rotateIfDue()
        }
        return .written
    }

    /// Appends a line of the daemon's own; dropped and counted when it cannot be written.
    ///
    /// - Parameters:
    ///   - line: the bytes, with their line feed.
    ///   - instant: now.
    package func append(_ line: [UInt8], at instant: Instant) {
        guard isReady(at: instant) else { return drop(UInt64(line.count), because: trouble, at: instant) }
        if sink == .file {
            refreshOffset()
            guard writeDropNote(at: instant) else { return drop(UInt64(line.count), because: trouble, at: instant) }
        }
        let (number, position, isFile) = (number, Int(offset), sink == .file)
        let written = line.withUnsafeBytes { bytes in
            isFile
                ? pwrite(number, bytes.baseAddress, bytes.count, position)
                : Glibc.write(number, bytes.baseAddress, bytes.count)
        }
        guard written == line.count else {
            return drop(UInt64(line.count), because: written < 0 ? errno : ENOSPC, at: instant)
        }
        offset += Int64(written)
        endsWithLine = true
        rotateIfDue()
    }

    /// Tries whether it can be written to again, though nothing is to be written.
    ///
    /// - Parameter instant: now.
    /// - Returns: whether it can; what was lost is noted in it then.
    internal func recover(at instant: Instant) -> Bool {
        // Of a device only the next write can tell.
        guard sink == .file, isReady(at: instant) else { return false }
        refreshOffset()
        if writeDropNote(at: instant) { return true }
        retryAt = instant + LogFileLimits.retryAfter
        return false
    }

    /// Counts bytes that were lost before this log could be opened.
    internal func lost(_ count: UInt64) {
        droppedBytes += count
        droppedBytesInAll += count
    }

    /// Changes when it rotates, from the next chunk on.
    internal func setRotation(maximumBytes: Int64, backupCount: Int) {
        self.maximumBytes = max(0, maximumBytes)
        self.backupCount = min(max(0, backupCount), LogFileLimits.backups)
        rotationAtBytes = self.maximumBytes
    }

    private func isReady(at instant: Instant) -> Bool {
        if let retryAt, instant < retryAt { return false }
        retryAt = nil
        guard mustReopen else { return true }
        do throws(KernelFailure) {
            try openAnew(truncated: false)
            return true
        } catch {
            trouble = error.errorNumber
            retryAt = instant + LogFileLimits.retryAfter
            return false
        }
    }

    private func drop(_ count: UInt64, because cause: Int32, at instant: Instant) {
        droppedBytes += count
        droppedBytesInAll += count
        trouble = cause
        // A full disk is not asked for every line; what comes in between is dropped whole.
        if retryAt == nil { retryAt = instant + LogFileLimits.retryAfter }
    }

    // Up to the end of the line in which the file reaches its maximum: a record is never split, so a rotated file may
    // be a little larger than the maximum, as supervisord's is.
    private func pieceCount(of bytes: UnsafeRawBufferPointer) -> Int {
        // What never rotates is never cut: past its maximum it would be written line by line.
        guard maximumBytes > 0, !isSpecialPath, offset + Int64(bytes.count) >= rotationAtBytes else {
            return bytes.count
        }
        let room = max(1, Int(rotationAtBytes - offset))
        let tail = UnsafeRawBufferPointer(rebasing: bytes[(room - 1)...])
        if let end = LineEnd.firstLineFeed(in: tail) { return room + end }
        let slack = max(1, Int(rotationAtBytes + Int64(LogFileLimits.unendedLineBytes) - offset))
        return min(bytes.count, slack)
    }

    // Answers with the bytes written, or a negative errno.
    private func write(_ piece: UnsafeRawBufferPointer, from source: borrowing ScratchPipe.Source) -> Int {
        if canSplice, source.isPipe {
            var position = offset
            let answer = source.splice(to: number, at: &position, piece.count)
            if answer != -Int(EINVAL) { return answer }
            // The file system does not support it.
            canSplice = false
        }
        let written = pwrite(number, piece.baseAddress, piece.count, Int(offset))
        if written < 0 { return -Int(errno) }
        _ = source.discard(written)
        return written
    }

    // `N bytes dropped`, as soon as there is room for it.
    private func writeDropNote(at instant: Instant) -> Bool {
        guard droppedBytes > 0 else {
            trouble = 0
            return true
        }
        let cause = trouble == 0 ? "" : ": \(Kernel.text(of: trouble))"
        let note = (endsWithLine ? "" : "\n") + "warden: \(droppedBytes) bytes dropped\(cause)\n"
        let count = note.utf8.count
        let number = number
        let position = Int(offset)
        let written = note.withCString { pwrite(number, $0, count, position) }
        if written != count {
            let failure = written < 0 ? errno : ENOSPC
            // Half a note would be worse than none.
            if written > 0 { _ = ftruncate(number, position) }
            trouble = failure
            return false
        }
        offset += Int64(count)
        endsWithLine = true
        droppedBytes = 0
        trouble = 0
        return true
    }

    // MARK: - Fifos and devices

    private func flow(
        _ bytes: UnsafeRawBufferPointer, from source: borrowing ScratchPipe.Source, at instant: Instant
    ) -> Progress {
        var moved = 0
        while moved < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[moved...])
            let answer = pass(rest, from: source)
            if answer == -Int(EAGAIN) { return .waiting(writtenBytes: moved) }
            if answer <= 0 {
                drop(UInt64(source.discard(rest.count)), because: Int32(truncatingIfNeeded: -answer), at: instant)
                // A device that was taken away may be back under its name.
                mustReopen = true
                return .dropped(trouble)
            }
            moved += answer
        }
        // A reader of a fifo is not told of what was lost before it came.
        droppedBytes = 0
        trouble = 0
        return .written
    }

    private func pass(_ bytes: UnsafeRawBufferPointer, from source: borrowing ScratchPipe.Source) -> Int {
        if opened.isSocket { return send(bytes, from: source) }
        if canSplice, source.isPipe {
            let answer = source.splice(to: number, bytes.count)
            if answer != -Int(EINVAL) { return answer }
            canSplice = false
        }
        let written = Glibc.write(number, bytes.baseAddress, bytes.count)
        if written < 0 { return errno == EINTR ? -Int(EAGAIN) : -Int(errno) }
        return source.discard(written)
    }

    // A socket was inherited, and whether it may block is not for us to change: others have it too.
    private func send(_ bytes: UnsafeRawBufferPointer, from source: borrowing ScratchPipe.Source) -> Int {
        let sent = Glibc.send(number, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        if sent < 0 { return errno == EINTR ? -Int(EAGAIN) : -Int(errno) }
        return source.discard(sent)
    }

    // MARK: - Opening

    /// Opens the file at its path anew (SIGUSR2): somebody has moved it away.
    ///
    /// - Throws: whatever open(2) says; the old file stays in use then.
    package func reopen() throws(KernelFailure) {
        try openAnew(truncated: false)
    }

    /// Removes the file and begins a new one. Nothing happens to a fifo or device.
    ///
    /// - Throws: whatever open(2) says; the old file stays in use then.
    package func clear() throws(KernelFailure) {
        guard sink == .file, !isSpecialPath else { return }
        let place = try LogPlace(path)
        if !place.remove(place.name), errno != ENOENT { throw KernelFailure("remove", path, errno) }
        try openAnew(truncated: false)
    }

    internal func openAnew(truncated: Bool) throws(KernelFailure) {
        opened = try Self.open(path, truncated: truncated)
        canSplice = true
        endsWithLine = true
        mustReopen = false
        rotationAtBytes = maximumBytes
        refreshOffset()
    }

    private static func open(_ path: String, truncated: Bool) throws(KernelFailure) -> Opened {
        var status = stat()
        var flags = O_CREAT | O_NONBLOCK | O_NOCTTY
        if truncated { flags |= O_TRUNC }
        let descriptor: Descriptor
        // A fifo opened for reading too never lacks a reader: the open does not fail, and nobody gets EPIPE.
        if isSpecial(path) {
            let isFifo = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
            descriptor = try openOrInherit(path, flags | (isFifo ? O_RDWR : O_WRONLY))
        } else {
            let place = try LogPlace(path)
            descriptor = try place.open(flags | (place.isFifo() ? O_RDWR : O_WRONLY), mode: 0o666, of: path)
        }
        let kind = fstat(descriptor.rawValue, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
        return Opened(
            descriptor: descriptor, sink: kind == S_IFREG ? .file : .flow, isSocket: kind == S_IFSOCK)
    }

    // /dev/stdout cannot be opened when it is a socket, as under systemd: a copy of the descriptor serves then.
    private static func openOrInherit(_ path: String, _ flags: CInt) throws(KernelFailure) -> Descriptor {
        do throws(KernelFailure) {
            return try Descriptor.open(path, flags, mode: 0o666)
        } catch {
            guard error.errorNumber == ENXIO else { throw error }
            let inherited: CInt
            switch path {
            case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1": inherited = 1
            case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2": inherited = 2
            default: throw error
            }
            let copy = try Kernel.retry("duplicate", path) { fcntl(inherited, F_DUPFD_CLOEXEC, 0) }
            return Descriptor(owning: copy)
        }
    }

    private func refreshOffset() {
        guard sink == .file else { return }
        var status = stat()
        guard fstat(number, &status) == 0 else { return }
        if Int64(status.st_size) != offset { endsWithLine = true }
        offset = Int64(status.st_size)
    }
}
