internal import CWardenLinux
internal import Glibc

/// A Unix socket that listens, and the lock that says it is ours.
package struct UnixListener: ~Copyable, Sendable {
    /// What the socket's file is to look like.
    package struct Settings: Hashable, Sendable {
        /// Where.
        package var path: String
        /// Permissions: who may connect.
        package var mode: UInt32
        /// Owner; `nil` leaves the daemon's.
        package var owner: UInt32?
        /// Group; `nil` leaves the daemon's.
        package var group: UInt32?

        /// - Parameters:
        ///   - path: where, at most 107 bytes.
        ///   - mode: permissions, such as 0o700.
        ///   - owner: a user id, or `nil` for the daemon's.
        ///   - group: a group id, or `nil` for the daemon's.
        package init(path: String, mode: UInt32 = 0o700, owner: UInt32? = nil, group: UInt32? = nil) {
            self.path = path
            self.mode = mode
            self.owner = owner
            self.group = group
        }
    }

    /// The settings that it was made with.
    package let settings: Settings
    private let lock: SocketLock
    private var socket: Descriptor
    private var identity: FileIdentity

    /// Takes the lock, removes a stale socket and listens.
    ///
    /// - Parameter settings: where, and for whom.
    /// - Throws: `lockedByDaemon`, `answered` or `notASocket` when the place is taken, else `kernel`.
    package init(_ settings: Settings) throws(ListenFailure) {
        let lock = try SocketLock(socketPath: settings.path)
        try Self.clear(settings.path)
        let (socket, identity) = try Self.listen(settings)
        self.settings = settings
        self.lock = lock
        self.socket = Descriptor(owning: socket)
        self.identity = identity
    }

    /// A socket that the binary before this one, or the service manager's store, kept open.
    ///
    /// - Parameters:
    ///   - settings: what it was made with.
    ///   - socket: the listening socket.
    ///   - lock: its lock.
    package init(
        _ settings: Settings, adopting socket: consuming Descriptor, lock: consuming SocketLock
    ) {
        self.settings = settings
        self.lock = lock
        // When the file is gone or another's, the zero identity says so, and `rebindIfVanished` makes it anew.
        identity = FileIdentity(ofLink: settings.path) ?? FileIdentity()
        self.socket = socket
    }

    /// The listening socket, non-blocking; borrowed.
    package var descriptor: CInt { socket.rawValue }
    /// The lock's file, to be handed to a new binary with the socket.
    package var lockDescriptor: CInt { lock.descriptor }

    /// Makes the socket's file anew when it is gone, as cleaners of /tmp do: clients could not reach us until a
    /// restart.
    ///
    /// - Returns: true when `descriptor` is a new one, to be accepted on from now on; the old one is closed.
    /// - Throws: when it cannot be made; the old socket then stays.
    package mutating func rebindIfVanished() throws(ListenFailure) -> Bool {
        if FileIdentity(ofLink: settings.path) == identity { return false }
        try Self.clear(settings.path)
        let (socket, identity) = try Self.listen(settings)
        self.socket = Descriptor(owning: socket)
        self.identity = identity
        return true
    }

    deinit {
        // Only our own: another daemon may have been given the place by hand.
        if FileIdentity(ofLink: settings.path) == identity { _ = unlink(settings.path) }
    }

    // Removes what a dead daemon left. Under the lock no Warden can be there; a supervisord may be, which has none.
    private static func clear(_ path: String) throws(ListenFailure) {
        var status = stat()
        if lstat(path, &status) != 0 { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        switch try probe(path) {
        // EAGAIN: it listens, and its backlog is full.
        case 0, -EAGAIN: throw .answered(path: path)
        case -ENOENT: return
        case -ECONNREFUSED:
            if unlink(path) != 0, errno != ENOENT { throw .kernel(.init("remove stale socket", path, errno)) }
        case let answer: throw .kernel(.init("probe", path, -answer))
        }
    }

    private static func probe(_ path: String) throws(ListenFailure) -> CInt {
        do {
            let socket = try open()
            return warden_connect_unix(socket.rawValue, path)
        } catch {
            throw .kernel(error)
        }
    }

    private static func open() throws(KernelFailure) -> Descriptor {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: try Kernel.retry("make socket", "") { Glibc.socket(AF_UNIX, type, 0) })
    }

    // A socket's file gets the mode of the unbound socket, less the umask: it is narrow from its first instant. And
    // until listen(2) nobody can connect, so owner and mode are right before the first client.
    private static func listen(_ settings: Settings) throws(ListenFailure) -> (CInt, FileIdentity) {
        do throws(KernelFailure) {
            let path = settings.path
            let socket = try open()
            let number = socket.rawValue
            try Kernel.retry("set mode of", path) { fchmod(number, settings.mode & 0o700) }
            try Kernel.check("bind", path, Int(warden_bind_unix(number, path)))
            do throws(KernelFailure) {
                let identity = try admit(settings)
                try Kernel.retry("listen on", path) { Glibc.listen(number, EdgeLimits.listenBacklog) }
                return (socket.take(), identity)
            } catch {
                _ = unlink(path)
                throw error
            }
        } catch {
            throw .kernel(error)
        }
    }

    private static func admit(_ settings: Settings) throws(KernelFailure) -> FileIdentity {
        let path = settings.path
        // Held by an O_PATH descriptor, it cannot be exchanged for a link between one call and the next.
        let file = try Descriptor.open(path, CInt(WARDEN_O_PATH) | O_NOFOLLOW)
        let place = "/proc/self/fd/\(file.rawValue)"
        let owner = settings.owner ?? UInt32.max
        let group = settings.group ?? UInt32.max
        try Kernel.retry("set owner of", path) { chown(place, owner, group) }
        try Kernel.retry("set mode of", path) { chmod(place, settings.mode) }
        return FileIdentity(of: file.rawValue) ?? FileIdentity()
    }
}

/// Which file a name means: the device and the inode.
internal struct FileIdentity: Hashable, Sendable {
    private var device: UInt64 = 0
    private var inode: UInt64 = 0

    /// That of no file.
    internal init() {}

    internal init?(of descriptor: CInt) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    internal init?(ofLink path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
