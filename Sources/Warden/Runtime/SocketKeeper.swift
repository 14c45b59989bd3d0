import WardenControl
import WardenCore

/// Looks after the control sockets: a cleaner of /tmp takes their files away, and clients could not reach the daemon
/// until it is started again.
final class SocketKeeper {
    private let listeners: Listeners
    private let server: ControlServer
    private let mainLog: MainLog
    private let keeper: StateKeeper

    init(listeners: Listeners, server: ControlServer, mainLog: MainLog, keeper: StateKeeper) {
        self.keeper = keeper
        self.listeners = listeners
        self.server = server
        self.mainLog = mainLog
    }

    /// Reads the certificate again; blocks on the disk of its files.
    var renewCertificate: @Sendable () -> Void { { [server] in server.renewCertificate() } }

    /// Descriptors are needed for something else: clients that are idle are closed.
    func shedClients() { server.shedIdle() }

    /// One lstat(2) for each socket; more only when one has vanished.
    func look() {
        listeners.renewVanished(serve: { server.add($0) }, tell: { mainLog.write($0) })
        keeper.keep(listeners.told)
    }
}
