internal import CZlib
internal import Glibc
internal import Synchronization
internal import WardenCore

/// The limits of compressing.
package enum CompressionLimits {
    /// Files that wait; more stay as they are until the next rotation of their log.
    package static let files = 64
    /// Bytes that are read and written at a time.
    package static let chunkBytes = 256 * 1024
    /// How nice its thread is: whatever else wants the processor comes first.
    package static let niceness: CInt = 19
}

/// A rotated file that is to be compressed.
internal struct RotatedFile: Sendable {
    /// The log that it was.
    var log: String
    /// How many are kept of that.
    var backupCount: Int
    /// To read it by, whatever its name is by now. Owned by whoever has this.
    var descriptor: CInt
    /// Which file it is.
    var device: UInt64
    var inode: UInt64
}

/// What has become of it. The pump, which alone renames logs, puts it in the file's place.
internal struct CompressedFile: Sendable {
    /// What it was made of; owned by whoever has this. Open until this is placed: as long as it is, no new log can get
    /// the inode by which the file is found, and be taken for it.
    var source: RotatedFile
    /// The compressed bytes, all on the disk, in a file without a name. Owned by whoever has this. Negative: it failed.
    var descriptor: CInt
    /// Why it failed; `nil` also when the daemon ends.
    var failure: KernelFailure?

    /// Gives it up.
    internal static func close(_ file: CompressedFile) {
        _ = Descriptor(owning: file.source.descriptor)
        if file.descriptor >= 0 { _ = Descriptor(owning: file.descriptor) }
    }

    /// Gives it its name, and removes the file that it was made of; nothing where that is gone.
    ///
    /// It has no name before it is whole, so that nothing, not even the power's loss, leaves half a file.
    internal func place() {
        defer { _ = Descriptor(owning: source.descriptor) }
        guard descriptor >= 0 else { return }
        let whole = Descriptor(owning: descriptor)
        do throws(KernelFailure) {
            name(whole, in: try LogPlace(source.log))
        } catch {
            // The directory is gone, and the plain file with it.
            return
        }
    }

    private func name(_ whole: borrowing Descriptor, in place: borrowing LogPlace) {
        let base = place.directory.rawValue
        var status = stat()
        for index in 1...max(1, source.backupCount) {
            let name = "\(place.name).\(index)"
            guard fstatat(base, name, &status, AT_SYMLINK_NOFOLLOW) == 0, UInt64(status.st_ino) == source.inode,
                UInt64(status.st_dev) == source.device
            else { continue }
            let own = "/proc/self/fd/\(whole.rawValue)"
            if linkat(AT_FDCWD, own, base, name + ".gz", AT_SYMLINK_FOLLOW) != 0 {
                // Left by a crash between this link and the removal below.
                guard errno == EEXIST, place.remove(name + ".gz"),
                    linkat(AT_FDCWD, own, base, name + ".gz", AT_SYMLINK_FOLLOW) == 0
                else { return }
            }
            _ = place.remove(name)
            return
        }
    }
}

/// Compresses rotated logs (`log_compress`), one after the other, on a thread that gives way to all others.
internal final class LogCompressor: Sendable {
    private enum Order: Sendable {
        case compress(RotatedFile)
        case end
    }

    private let orders: Mailbox<Order>
    private let thread = Mutex<NamedThread?>(nil)
    private let isStarted = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)
    private let done: @Sendable (CompressedFile) -> Void

    /// Its thread starts with the first file.
    ///
    /// - Parameter done: is told of each file, on its thread; owns the descriptor then.
    /// - Throws: EMFILE and ENFILE.
    internal init(done: @escaping @Sendable (CompressedFile) -> Void) throws(KernelFailure) {
        self.done = done
        orders = try Mailbox(capacity: CompressionLimits.files)
    }

    /// Takes a file.
    ///
    /// - Returns: false when too many wait; its descriptor is closed then.
    internal func take(_ file: RotatedFile) -> Bool {
        if !isStarted.exchange(true, ordering: .relaxed) {
            // No thread: the mailbox fills, and the files stay as they are.
            thread.withLock { $0 = try? NamedThread.start(name: "compress") { [self] in run() } }
        }
        if orders.post(.compress(file)) == .accepted { return true }
        _ = Descriptor(owning: file.descriptor)
        return false
    }

    /// Gives up what it is at, and ends its thread.
    internal func stop() {
        isEnding.store(true, ordering: .relaxed)
        let running = thread.withLock { $0.take() }
        guard let running else { return }
        while orders.post(.end) == .full { pauseBriefly() }
        running.join()
    }

    private func run() {
        // Linux knows niceness by thread; 0 is this one.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, CompressionLimits.niceness)
        while true {
            guard orders.wait(until: nil) else { continue }
            for order in orders.drain() {
                guard case .compress(let file) = order else { return }
                done(compress(file))
            }
        }
    }

    private func compress(_ file: RotatedFile) -> CompressedFile {
        let source = Descriptor(owning: file.descriptor)
        let outcome = compress(file, source)
        // The outcome owns it now.
        _ = source.take()
        return outcome
    }

    private func compress(_ file: RotatedFile, _ source: borrowing Descriptor) -> CompressedFile {
        do throws(KernelFailure) {
            let target = try Self.unnamedFile(beside: file.log)
            try copyOwner(of: source, to: target)
            var stream = try DeflateStream()
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: CompressionLimits.chunkBytes, alignment: 4096)
            defer { buffer.deallocate() }
            while true {
                if isEnding.load(ordering: .relaxed) { return CompressedFile(source: file, descriptor: -1) }
                let size = try source.read(into: buffer) ?? 0
                try stream.write(
                    UnsafeMutableRawBufferPointer(rebasing: buffer[..<size]), isLast: size == 0, to: target)
                if size == 0 { break }
            }
            let number = target.rawValue
            _ = try Kernel.retry("sync", file.log) { fdatasync(number) }
            return CompressedFile(source: file, descriptor: target.take())
        } catch {
            // The file stays as it is. A full disk, or a file system that makes no files without a name.
            return CompressedFile(source: file, descriptor: -1, failure: error)
        }
    }

    private static func unnamedFile(beside path: String) throws(KernelFailure) -> Descriptor {
        let place = try LogPlace(path)
        let base = place.directory.rawValue
        // O_TMPFILE, which Swift does not import.
        let flags: CInt = 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC
        return Descriptor(owning: try Kernel.retry("open", path) { openat(base, ".", flags, 0o600) })
    }

    private func copyOwner(of source: borrowing Descriptor, to target: borrowing Descriptor) throws(KernelFailure) {
        let (from, to) = (source.rawValue, target.rawValue)
        var status = stat()
        _ = try Kernel.retry("inspect", "") { fstat(from, &status) }
        // The owner first: another's file loses its set-user-ID bits then. Not as root, it is our own.
        _ = fchown(to, status.st_uid, status.st_gid)
        _ = try Kernel.retry("set mode of", "") { fchmod(to, status.st_mode & 0o777) }
    }
}

/// zlib's deflate in gzip's form.
private struct DeflateStream: ~Copyable {
    // zlib remembers where it is: it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let room: UnsafeMutablePointer<UInt8>

    init() throws(KernelFailure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        room = .allocate(capacity: CompressionLimits.chunkBytes)
        // 15 bits of window, and 16 for the form of gzip.
        let answer = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        guard answer == Z_OK else {
            stream.deallocate()
            room.deallocate()
            throw KernelFailure("compress", "", ENOMEM)
        }
    }

    deinit {
        _ = deflateEnd(stream)
        stream.deallocate()
        room.deallocate()
    }

    mutating func write(
        _ bytes: UnsafeMutableRawBufferPointer, isLast: Bool, to file: borrowing Descriptor
    ) throws(KernelFailure) {
        stream.pointee.next_in = bytes.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_in = UInt32(bytes.count)
        repeat {
            stream.pointee.next_out = room
            stream.pointee.avail_out = UInt32(CompressionLimits.chunkBytes)
            _ = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
            let size = CompressionLimits.chunkBytes - Int(stream.pointee.avail_out)
            var rest = UnsafeRawBufferPointer(start: room, count: size)
            while !rest.isEmpty {
                let written = try file.write(rest) ?? 0
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        } while stream.pointee.avail_out == 0
    }
}
