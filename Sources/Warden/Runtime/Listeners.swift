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

        init(_ server: UnixServer) throws(ListenFailure) {
            self.server = server
            listener = try UnixListener(
                UnixListener.Settings(
                    path: server.path, mode: server.mode, owner: server.ownerID, group: server.groupID))
        }
    }

    private final class TCP {
        let listener: TCPListener
        let server: InetServer

        init(_ server: InetServer) throws(ListenFailure) {
            self.server = server
            listener = try TCPListener(host: server.host, port: UInt16(clamping: server.port))
        }
    }

    private var unix: [Unix] = []
    private var tcp: [TCP] = []
    private let settings: WardenSettings

    /// Binds every socket of the configuration.
    ///
    /// - Throws: the first that cannot be had; those before it are given back.
    init(_ configuration: Configuration) throws(ListenFailure) {
        settings = configuration.warden
        for server in configuration.unixServers { unix.append(try Unix(server)) }
        for server in configuration.inetServers { tcp.append(try TCP(server)) }
    }

    /// What the control room serves: a copy of each descriptor, which belongs to it. The originals keep the lock.
    func controlListeners() throws(KernelFailure) -> [ControlListener] {
        var all: [ControlListener] = []
        let readers = ControlReaders(userIDs: settings.readerUserIDs, groupIDs: settings.readerGroupIDs)
        for socket in unix { all.append(try controlListener(of: socket, readers)) }
        for socket in tcp {
            all.append(
                ControlListener(
                    descriptor: try HostFiles.duplicate(socket.listener.descriptor),
                    kind: .tcp(host: socket.server.host, port: socket.server.port),
                    credentials: ControlCredentials(socket.server.credentials),
                    withoutPassword: openPolicy(for: socket.server), readers: readers))
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
