internal import Glibc
package import WardenCore

/// The system log: /dev/log in the form of syslog(3), facility `user`.
///
/// Not syslog(3) itself, which never says that nobody listens, and which may wait for ever.
package struct SyslogSocket: ~Copyable {
    /// Where syslogd and journald listen.
    package static let usualPath = "/dev/log"

    private let path: String
    private let identifier: String
    private var socket: Descriptor?
    private var isStream = false

    /// - Parameters:
    ///   - path: the socket.
    ///   - identifier: the name before each message, by which it is found.
    package init(path: String = SyslogSocket.usualPath, identifier: String) {
        self.path = path
        self.identifier = identifier
    }

    /// Sends one line. May wait, for `SyslogLimits.sendTimeout` at most.
    ///
    /// - Parameters:
    ///   - line: its bytes, without a line feed; what is past `SyslogLimits.lineBytes` is cut off.
    ///   - level: its priority.
    ///   - time: when it was written.
    /// - Throws: ENOENT and ECONNREFUSED when nobody listens; EAGAIN when nobody reads.
    package mutating func send(
        _ line: some Collection<UInt8>, _ level: LogRecord.Level = .info, at time: WallTime
    ) throws(KernelFailure) {
        var message = Array(header(level, time).utf8)
        message.append(contentsOf: line.prefix(SyslogLimits.lineBytes).lazy.map { $0 == 0 ? 0x20 : $0 })
        do throws(KernelFailure) {
            try send(message)
        } catch {
            // EAGAIN: it is there, and reads nothing. All else: it was started anew, and ours is the former one's.
            if error.errorNumber == EAGAIN { throw error }
            socket = nil
            try send(message)
        }
    }

    private mutating func send(_ message: [UInt8]) throws(KernelFailure) {
        let isConnected =
            switch socket {
            case .some(let socket): socket.rawValue >= 0
            case nil: false
            }
        if !isConnected { try connect() }
        let number: CInt
        switch socket {
        case .some(let socket): number = socket.rawValue
        case nil: return
        }
        // A stream needs an end; the C library's is NUL.
        let bytes = isStream ? message + [0] : message
        let path = path
        let sent = try Kernel.retry("write to", path) {
            bytes.withUnsafeBytes { CInt(Glibc.send(number, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))) }
        }
        if Int(sent) < bytes.count {
            // Half a message in a stream: what follows would be read as its rest.
            socket = nil
            throw KernelFailure("write to", path, EAGAIN)
        }
    }

    private mutating func connect() throws(KernelFailure) {
        do throws(KernelFailure) {
            socket = try Self.connect(path, CInt(SOCK_DGRAM.rawValue))
            isStream = false
        } catch {
            guard error.errorNumber == EPROTOTYPE else { throw error }
            socket = try Self.connect(path, CInt(SOCK_STREAM.rawValue))
            isStream = true
        }
    }

    private static func connect(_ path: String, _ kind: CInt) throws(KernelFailure) -> Descriptor {
        let cloexec = CInt(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(
            owning: try Kernel.retry("make socket for", path) { Glibc.socket(AF_UNIX, kind | cloexec, 0) })
        let number = socket.rawValue
        var limit = timeval(tv_sec: Int(SyslogLimits.sendTimeout.components.seconds), tv_usec: 0)
        _ = setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw KernelFailure("connect to", path, ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        _ = try Kernel.retry("connect to", path) {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        return socket
    }

    // `<14>Apr  9 12:00:00 supervisord: `: priority, local time, name.
    private func header(_ level: LogRecord.Level, _ time: WallTime) -> String {
        let parts = LocalClock.parts(of: time)
        let month = Self.months[(parts.month - 1) % 12]
        let day = parts.day < 10 ? " \(parts.day)" : "\(parts.day)"
        let clock = [parts.hour, parts.minute, parts.second].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return "<\(8 + level.syslogPriority)>\(month) \(day) \(clock.joined(separator: ":")) \(identifier): "
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

/// The limits of the system log.
package enum SyslogLimits {
    /// Bytes of one line; the rest is cut off.
    package static let lineBytes = 16 * 1024
    /// How long a system log that reads nothing is waited for.
    package static let sendTimeout: Duration = .seconds(5)
    /// One that cannot be written to is tried again after this.
    package static let retryAfter: Duration = .seconds(1)
}
