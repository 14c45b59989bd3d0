internal import Glibc

/// The right to serve a Unix socket: `PATH.lock`, locked with flock(2) for as long as this lives.
///
/// The lock belongs to the open file, so it survives an execve(2) that keeps the descriptor, and ends with the process
/// whatever ends it.
package struct SocketLock: ~Copyable, Sendable {
    private let path: String
    private let file: Descriptor

    /// Takes the lock.
    ///
    /// - Parameter socketPath: the socket that it is for.
    /// - Throws: `lockedByDaemon` when another process holds it.
    package init(socketPath: String) throws(ListenFailure) {
        let path = socketPath + ".lock"
        self.path = path
        do {
            file = try Self.lock(path)
        } catch {
            guard error.errorNumber == EWOULDBLOCK else { throw .kernel(error) }
            throw .lockedByDaemon(path: socketPath, pid: Self.holder(of: path))
        }
    }

    /// A lock that was taken before, by the binary that this one replaces.
    ///
    /// - Parameters:
    ///   - socketPath: the socket that it is for.
    ///   - adopted: the locked file.
    package init(socketPath: String, adopting adopted: consuming Descriptor) {
        path = socketPath + ".lock"
        file = adopted
    }

    /// The locked file, to be handed to a new binary.
    package var descriptor: CInt { file.rawValue }

    deinit {
        // While the lock is still held, so nobody else's file can be the one that goes.
        if Self.isSameFile(file.rawValue, path) { _ = unlink(path) }
    }

    // Between open(2) and flock(2) the former holder may have removed the file. A lock on a file without a name would
    // keep nobody out, so the name is compared afterwards.
    private static func lock(_ path: String) throws(KernelFailure) -> Descriptor {
        while true {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
            let number = file.rawValue
            try Kernel.retry("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
            guard isSameFile(number, path) else { continue }
            // For people, and for the refusal of a second daemon. A full disk is no reason not to start.
            let text = Array("\(getpid())\n".utf8)
            _ = ftruncate(number, 0)
            _ = text.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, 0) }
            return file
        }
    }

    private static func isSameFile(_ descriptor: CInt, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        guard fstat(descriptor, &opened) == 0, lstat(path, &named) == 0 else { return false }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }

    private static func holder(of path: String) -> Int32? {
        guard let text = ProcessTree.contents(of: path, atMost: 32) else { return nil }
        return Int32(String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
