internal import CWardenLinux
internal import Glibc

/// A worker's own NOTIFY_SOCKET: it says `READY=1` and `WATCHDOG=1` to Warden as it would to systemd.
package struct WorkerNotifySocket: ~Copyable, Sendable {
    /// What a datagram says; other assignments are left out.
    package enum Word: Hashable, Sendable {
        /// `READY=1`.
        case ready
        /// `WATCHDOG=1`.
        case beat
        /// `STOPPING=1`.
        case stopping
        /// `RELOADING=1`.
        case reloading
        /// `STATUS=`: one line, unescaped, as the worker wrote it.
        case status(String)
    }

    /// One datagram.
    package struct Notification: Hashable, Sendable {
        /// The sender's pid, from the kernel. Whether it belongs to the worker is for the reader to judge.
        package var sender: Int32
        /// What it says, in its order.
        package var words: [Word]
    }

    /// The path, for the worker's environment.
    package let path: String
    private let socket: Descriptor
    private let identity: FileIdentity

    /// Makes the socket.
    ///
    /// - Parameters:
    ///   - path: where, at most 107 bytes; a former one is replaced.
    ///   - owner: the worker's user, who alone may send (and root); `nil` is the daemon's own.
    /// - Throws: whatever bind(2) and chown(2) say.
    package init(path: String, owner: UInt32?) throws(KernelFailure) {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = try Kernel.retry("make socket", path) { Glibc.socket(AF_UNIX, type, 0) }
        let socket = Descriptor(owning: number)
        try Kernel.check("set options of", path, Int(warden_pass_credentials(number)))
        if unlink(path) != 0, errno != ENOENT { throw KernelFailure("replace", path, errno) }
        try Kernel.retry("set mode of", path) { fchmod(number, 0o600) }
        try Kernel.check("bind", path, Int(warden_bind_unix(number, path)))
        do {
            let file = try Descriptor.open(path, CInt(WARDEN_O_PATH) | O_NOFOLLOW)
            let place = "/proc/self/fd/\(file.rawValue)"
            try Kernel.retry("set owner of", path) { chown(place, owner ?? UInt32.max, UInt32.max) }
            try Kernel.retry("set mode of", path) { chmod(place, 0o600) }
            identity = FileIdentity(of: file.rawValue) ?? FileIdentity()
        } catch {
            _ = unlink(path)
            throw error
        }
        self.path = path
        self.socket = socket
    }

    /// A socket that the binary before this one made.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - socket: the socket.
    package init(path: String, adopting socket: consuming Descriptor) {
        self.path = path
        self.socket = socket
        identity = FileIdentity(ofLink: path) ?? FileIdentity()
    }

    deinit {
        if FileIdentity(ofLink: path) == identity { _ = unlink(path) }
    }

    /// Readable while a datagram waits. For an epoll to watch.
    package var readinessDescriptor: CInt { socket.rawValue }

    /// Takes the datagrams that wait, at most `EdgeLimits.notificationsPerDrain`. Too long ones are dropped, and
    /// descriptors that come with one are closed.
    package borrowing func drain() -> [Notification] {
        var notifications: [Notification] = []
        for _ in 0..<EdgeLimits.notificationsPerDrain {
            var sender = warden_peer()
            var answer: Int64 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: EdgeLimits.notificationBytes) { buffer, count in
                answer = warden_receive_with_credentials(
                    socket.rawValue, buffer.baseAddress, EdgeLimits.notificationBytes, &sender)
                count = max(0, Int(answer))
            }
            if answer == -Int64(EMSGSIZE) { continue }
            if answer < 0 { break }
            notifications.append(Notification(sender: sender.pid, words: Self.words(in: bytes)))
        }
        return notifications
    }

    /// The words of a datagram.
    ///
    /// - Parameter bytes: the whole datagram, any bytes at all.
    package static func words(in bytes: [UInt8]) -> [Word] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            switch line {
            case "READY=1": .ready
            case "WATCHDOG=1": .beat
            case "STOPPING=1": .stopping
            case "RELOADING=1": .reloading
            case _ where line.hasPrefix("STATUS="): .status(String(line.dropFirst(7)))
            default: nil
            }
        }
    }
}
