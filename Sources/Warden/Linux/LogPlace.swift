internal import Glibc
package import WardenCore

/// Where a log file is: its directory, held open, and its name in there.
///
/// A worker's user may have the right to write to that directory, and could plant a link to a file that only the daemon
/// may touch. So each directory of the path is looked at on the way: below one that somebody else than root and the
/// daemon's user may change, no link is followed any more, neither by the path nor by the file itself. Links that only
/// root could have made are followed as ever.
internal struct LogPlace: ~Copyable {
    /// The directory; O_PATH, good for the calls whose names end in "at".
    internal let directory: Descriptor
    /// The file's name.
    internal let name: String
    /// Whether others may make or replace files in the directory.
    internal let isShared: Bool

    /// - Parameter path: the file's, absolute or from where the daemon is.
    /// - Throws: whatever open(2) says; ELOOP or ENOTDIR for a link that is not followed.
    internal init(_ path: String) throws(KernelFailure) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let last = parts.last, !path.hasSuffix("/"), last != ".", last != ".." else {
            throw KernelFailure("open", path, EISDIR)
        }
        let handle = openPath | O_DIRECTORY
        var directory = try Descriptor.open(path.hasPrefix("/") ? "/" : ".", handle)
        var (isShared, isTainted) = (Self.isShared(directory), false)
        for part in parts.dropLast() where part != "." {
            let flags = handle | O_CLOEXEC | (isShared || isTainted ? O_NOFOLLOW : 0)
            let (base, name) = (directory.rawValue, String(part))
            let next = try Kernel.retry("open", path) { openat(base, name, flags) }
            // In a sticky directory nobody can replace what is root's or ours; elsewhere all below is in other hands.
            isTainted = isTainted || isShared && !Self.isSticky(directory)
            directory = Descriptor(owning: next)
            isShared = Self.isShared(directory)
        }
        self.directory = directory
        self.name = String(last)
        self.isShared = isShared || isTainted
    }

    /// Opens the file, or makes it.
    ///
    /// - Parameters:
    ///   - flags: as for open(2); O_TRUNC takes effect once it is known that the file is no other's.
    ///   - mode: permissions of a file that is made.
    ///   - path: for the error.
    /// - Throws: ELOOP for a link, EMLINK for a file with other names, both where others may put such.
    internal borrowing func open(_ flags: CInt, mode: UInt32, of path: String) throws(KernelFailure) -> Descriptor {
        let (base, name) = (directory.rawValue, name)
        let wanted = (isShared ? flags & ~O_TRUNC | O_NOFOLLOW : flags) | O_CLOEXEC
        let file: Descriptor
        do throws(KernelFailure) {
            file = Descriptor(owning: try Kernel.retry("open", path) { openat(base, name, wanted, mode) })
        } catch {
            guard isShared, error.errorNumber == ELOOP else { throw error }
            throw KernelFailure("follow a link that others may have planted at", path, ELOOP)
        }
        guard isShared else { return file }
        var status = stat()
        let number = file.rawValue
        _ = try Kernel.retry("inspect", path) { fstat(number, &status) }
        // A second name of somebody else's file, where the kernel lets people make such (fs.protected_hardlinks = 0).
        if status.st_mode & S_IFMT == S_IFREG, status.st_nlink > 1 { throw KernelFailure("open", path, EMLINK) }
        if flags & O_TRUNC != 0 { _ = ftruncate(number, 0) }
        return file
    }

    /// Whether the file is a fifo.
    internal borrowing func isFifo() -> Bool {
        var status = stat()
        return fstatat(directory.rawValue, name, &status, isShared ? AT_SYMLINK_NOFOLLOW : 0) == 0
            && status.st_mode & S_IFMT == S_IFIFO
    }

    /// Renames one file of the directory to another.
    /// - Returns: false, with `errno`, when that failed.
    internal borrowing func rename(_ from: String, _ to: String) -> Bool {
        renameat(directory.rawValue, from, directory.rawValue, to) == 0
    }

    /// Removes a file of the directory.
    /// - Returns: false, with `errno`, when that failed.
    internal borrowing func remove(_ name: String) -> Bool {
        unlinkat(directory.rawValue, name, 0) == 0
    }

    private static func isShared(_ directory: borrowing Descriptor) -> Bool {
        var status = stat()
        guard fstat(directory.rawValue, &status) == 0 else { return true }
        if status.st_uid != 0, status.st_uid != geteuid() { return true }
        return status.st_mode & S_IWOTH != 0 || status.st_mode & S_IWGRP != 0 && status.st_gid != 0
    }

    private static func isSticky(_ directory: borrowing Descriptor) -> Bool {
        var status = stat()
        return fstat(directory.rawValue, &status) == 0 && status.st_mode & S_ISVTX != 0
    }
}

/// O_PATH, which Swift does not import; the same on x86-64 and on ARM.
private let openPath: CInt = 0o10_000_000

/// A log that was opened for somebody who asked for it.
package struct ReadableLog: Sendable {
    /// The descriptor; whoever has the value closes it.
    package var descriptor: Int32
    /// Its inode.
    package var inode: UInt64
    /// Its length.
    package var sizeBytes: Int64
    /// When it was last written to.
    package var modifiedAt: WallTime
    /// Whether it is a file, and no fifo or device.
    package var isRegular: Bool

    /// Opens a log for reading, as carefully as for writing.
    ///
    /// - Parameter path: the log's.
    /// - Returns: `nil` when it is not there, may not be read, or is a link where others may put such.
    package static func open(_ path: String) -> ReadableLog? {
        do throws(KernelFailure) {
            let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
            let isDevice = path.hasPrefix("/dev/") || path.hasPrefix("/proc/")
            let file = isDevice ? try Descriptor.open(path, flags) : try LogPlace(path).open(flags, mode: 0, of: path)
            var status = stat()
            guard fstat(file.rawValue, &status) == 0 else { return nil }
            let microseconds = Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1000
            return ReadableLog(
                descriptor: file.take(), inode: UInt64(status.st_ino), sizeBytes: Int64(status.st_size),
                modifiedAt: WallTime(microseconds: microseconds), isRegular: status.st_mode & S_IFMT == S_IFREG)
        } catch {
            return nil
        }
    }
}
