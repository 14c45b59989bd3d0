import WardenConfig
import WardenControl
import WardenCore
import WardenLinux

/// The sockets that the daemon serves: bound and locked before anything is started, so that a second daemon is refused
/// while nothing of it runs yet.
final class Listeners {
    private final class Unix {
        var listener: UnixListener
        let server: UnixServer
        /// Why it could not be made anew, said once.
        var failure: ListenFailure?

        init(_ server: UnixServer, inheriting told: DaemonState.Listening?) throws(ListenFailure) {
            self.server = server
            let settings = UnixListener.Settings(
                path: server.path, mode: server.mode, owner: server.ownerID, group: server.groupID)
            if let told, let lock = told.lock {
                listener = UnixListener(
                    settings, adopting: Descriptor(owning: told.socket),
                    lock: SocketLock(socketPath: server.path, adopting: Descriptor(owning: lock)))
            } else {
                listener = try UnixListener(settings)
            }
        }
    }

    private final class TCP {
        let listener: TCPListener
        let server: InetServer

        init(_ server: InetServer, inheriting told: DaemonState.Listening?) throws(ListenFailure) {
            self.server = server
            if let told {
                listener = TCPListener(adopting: Descriptor(owning: told.socket))
            } else {
                listener = try TCPListener(host: server.host, port: UInt16(clamping: server.port))
            }
        }
    }

    private var unix: [Unix] = []
    private var tcp: [TCP] = []
    private let settings: WardenSettings

    /// Binds every socket of the configuration, unless a former binary has.
    ///
    /// - Parameters:
    ///   - configuration: what is to be served.
    ///   - told: what the former binary served; what is not configured any more is closed.
    /// - Throws: the first that cannot be had; those before it are given back.
    init(_ configuration: Configuration, inheriting told: [DaemonState.Listening] = []) throws(ListenFailure) {
        settings = configuration.warden
        var told = Dictionary(told.map { ($0.place, $0) }, uniquingKeysWith: { first, _ in first })
        for server in configuration.unixServers {
            unix.append(try Unix(server, inheriting: told.removeValue(forKey: server.path)))
        }
        for server in configuration.inetServers {
            tcp.append(try TCP(server, inheriting: told.removeValue(forKey: Listeners.place(server))))
        }
        for left in told.values {
            _ = Descriptor(owning: left.socket)
            if let lock = left.lock { _ = Descriptor(owning: lock) }
        }
    }

    private static func place(_ server: InetServer) -> String { "\(server.host):\(server.port)" }

    /// What is served, for the binary that takes over.
    var told: [DaemonState.Listening] {
        unix.map {
            DaemonState.Listening(
                place: $0.server.path, socket: $0.listener.descriptor, lock: $0.listener.lockDescriptor)
        }
            + tcp.map {
                DaemonState.Listening(place: Listeners.place($0.server), socket: $0.listener.descriptor, lock: nil)
            }
    }

    /// What the control room serves: a copy of each descriptor, which belongs to it. The originals keep the lock.
    func controlListeners() throws(KernelFailure) -> [ControlListener] {
        var all: [ControlListener] = []
        let readers = ControlReaders(userIDs: settings.readerUserIDs, groupIDs: settings.readerGroupIDs)
        for socket in unix { all.append(try controlListener(of: socket, readers)) }
        var tls: TLSFiles?
        if let certificate = settings.tlsCertificate, let key = settings.tlsKey {
            tls = TLSFiles(certificate: certificate, key: key)
        }
        for socket in tcp {
            all.append(
                ControlListener(
                    descriptor: try HostFiles.duplicate(socket.listener.descriptor),
                    kind: .tcp(host: socket.server.host, port: socket.server.port),
                    credentials: ControlCredentials(socket.server.credentials),
                    withoutPassword: openPolicy(for: socket.server), readers: readers, tls: tls))
        }
        return all
    }

    private func controlListener(
        of socket: Unix, _ readers: ControlReaders
    ) throws(KernelFailure) -> ControlListener {
        ControlListener(
            descriptor: try HostFiles.duplicate(socket.listener.descriptor), kind: .unix(path: socket.server.path),
            credentials: ControlCredentials(socket.server.credentials), withoutPassword: .full, readers: readers)
    }

    /// Makes the sockets anew whose files have vanished.
    ///
    /// - Parameters:
    ///   - serve: takes what is to be served from now on, in the place of the old one; false when it cannot.
    ///   - tell: a line for the log.
    func renewVanished(serve: (ControlListener) -> Bool, tell: (LogRecord) -> Void) {
        let readers = ControlReaders(userIDs: settings.readerUserIDs, groupIDs: settings.readerGroupIDs)
        for socket in unix {
            let path = socket.server.path
            do throws(ListenFailure) {
                guard try socket.listener.rebindIfVanished() else { continue }
            } catch {
                // Tried again every second, and said again only when the reason is another.
                if socket.failure != error { tell(LogRecord(.error, "Cannot make the socket \(path) anew: \(error)")) }
                socket.failure = error
                continue
            }
            socket.failure = nil
            do throws(KernelFailure) {
                let listener = try controlListener(of: socket, readers)
                let isServed = serve(listener)
                let text = isServed ? "made anew" : "made anew, but not served: the control room is stopping"
                tell(LogRecord(.warn, "The socket \(path) had vanished; it was \(text)"))
            } catch {
                tell(LogRecord(.error, "Cannot serve the new socket \(path): \(error)"))
            }
        }
    }

    /// Full on loopback and read elsewhere, unless the configuration says otherwise.
    private func openPolicy(for server: InetServer) -> OpenPolicy {
        if let configured = settings.tcpWithoutPassword, let policy = OpenPolicy(rawValue: configured.rawValue) {
            return policy
        }
        let isLoopback = ["localhost", "::1"].contains(server.host) || server.host.hasPrefix("127.")
        return isLoopback ? .full : .read
    }
}

extension ControlCredentials {
    fileprivate init?(_ credentials: ServerCredentials?) {
        guard let credentials else { return nil }
        self.init(username: credentials.username, password: credentials.password)
    }
}
