import Hummingbird
import Logging
import NIOCore
import NIOPosix
import WardenCore

/// Why the control room cannot serve.
package struct ControlError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The socket that could not be served.
    package var listener: String
    /// Why.
    package var reason: String

    /// For a log or standard error.
    package var description: String { "cannot serve \(listener): \(reason)" }
}

/// HTTP on sockets that another room bound: XML-RPC as supervisord's, JSON, and `tail -f`.
///
/// It has one event loop thread of its own, on which all its tasks run too, and a few threads that read logs.
package struct ControlServer: Sendable {
    private enum Order: Sendable {
        case listen(ControlListener)
        case standStill(@Sendable () -> Void)
        case goOn
        case stop
        case shedIdle
    }

    private let listeners: [ControlListener]
    private let backend: any ControlBackend
    private let settings: ControlSettings
    private let tls: TLSStore?
    private let orders: AsyncStream<Order>
    private let orderInlet: AsyncStream<Order>.Continuation

    /// - Parameters:
    ///   - listeners: bound and listening sockets; their descriptors belong to the server from `run` on.
    ///   - backend: the daemon.
    ///   - settings: clocks, limits and the log.
    package init(listeners: [ControlListener], backend: any ControlBackend, settings: ControlSettings) {
        self.listeners = listeners
        tls = listeners.compactMap(\.tls).first.map { TLSStore($0) }
        self.backend = backend
        self.settings = settings
        (orders, orderInlet) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(ControlLimits.pendingOrders))
    }

    /// Serves one socket more, such as one that was made anew because its file had vanished; the listener that it
    /// replaces is closed.
    ///
    /// May be called from any thread and returns at once.
    /// - Returns: false when the server has stopped or too many wait; the descriptor is then still the caller's.
    package func add(_ listener: ControlListener) -> Bool {
        if case .enqueued = orderInlet.yield(.listen(listener)) { return true }
        return false
    }

    /// Reads the certificate again, if there is one; connections from now on get to see it.
    ///
    /// May be called from any thread, and may block on the disk of its files. When they cannot be used the log says so,
    /// and the former one stays in use.
    package func renewCertificate() {
        do throws(TLSProblem) {
            try tls?.renew()
        } catch {
            settings.log(LogRecord(.critical, "TLS goes on with the certificate that it had, if it had one: \(error)"))
        }
    }

    /// Stops accepting, lets requests in progress end for at most `ControlLimits.drainTimeout`, and makes `run` return.
    ///
    /// May be called from any thread, also before `run`, and returns at once.
    package func stop() {
        orderInlet.yield(.stop)
        orderInlet.finish()
    }

    /// Accepts nobody, and lets requests in progress end for at most `ControlLimits.standstillTimeout`; `goOn` ends it.
    ///
    /// May be called from any thread, and returns at once.
    /// - Parameter reply: called when nothing is in progress any more, or the time is over.
    package func standStill(reply: @escaping @Sendable () -> Void) {
        guard case .enqueued = orderInlet.yield(.standStill(reply)) else { return reply() }
    }

    /// Accepts again.
    package func goOn() { orderInlet.yield(.goOn) }

    /// Closes the connections that are idle, because their descriptors are needed for something else.
    ///
    /// May be called from any thread, and returns at once.
    package func shedIdle() { orderInlet.yield(.shedIdle) }

    /// Serves until `stop` is called or the task is cancelled (which ends requests in progress at once).
    /// - Parameter onReady: called once, when every listener is served.
    /// - Throws: when a listener of the first hour cannot be served. A client's misbehaviour is not an error, and
    ///   neither is a listener that breaks later: that is logged, and the others go on.
    package func run(onReady: @Sendable () -> Void = {}) async throws(ControlError) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let pool = NIOThreadPool(numberOfThreads: ControlLimits.logThreads)
        pool.start()
        let hashing = NIOThreadPool(numberOfThreads: 1)
        hashing.start()
        let logger = Logger(label: "warden.control") { [settings] _ in LogBridge(settings.log) }
        let complaints = Complaints(log: settings.log) { [loop = group.next()] pause, say in
            loop.scheduleTask(in: TimeAmount(pause), say)
        }
        renewCertificate()
        let server = ListenerHouse(
            group: group, logger: logger, settings: settings, tls: tls,
            responder: ControlRouter(
                backend: backend, settings: settings, logs: LogReader(pool: pool, open: settings.openLog),
                passwords: PasswordCheck(pool: hashing)
            ).responder(), complaints: complaints)
        let failure = await withTaskExecutorPreference(LoopExecutor(group.next())) { () async -> ControlError? in
            await serve(server, logger: logger, onReady: onReady)
        }
        orderInlet.finish()
        do {
            try await pool.shutdownGracefully()
            try await hashing.shutdownGracefully()
            try await group.shutdownGracefully()
        } catch {
            logger.error("Cannot stop the control threads: \(error)")
        }
        if let failure { throw failure }
    }

    private func serve(
        _ server: ListenerHouse, logger: Logger, onReady: @Sendable () -> Void
    ) async -> ControlError? {
        await withDiscardingTaskGroup { tasks in
            var served: [ControlListener.Kind: any Channel] = [:]
            var failure: ControlError?
            for listener in listeners where failure == nil {
                do throws(ControlError) {
                    served[listener.kind] = try await server.open(listener, in: &tasks)
                } catch {
                    failure = error
                }
            }
            if failure == nil {
                onReady()
                await obey(server, logger, &served, &tasks)
            }
            for channel in served.values { channel.close(promise: nil) }
            await server.drain(within: ControlLimits.drainTimeout)
            tasks.cancelAll()
            return failure
        }
    }

    private func obey(
        _ server: ListenerHouse, _ logger: Logger, _ served: inout [ControlListener.Kind: any Channel],
        _ tasks: inout DiscardingTaskGroup
    ) async {
        for await order in orders {
            let listener: ControlListener
            switch order {
            case .listen(let new): listener = new
            case .standStill(let reply):
                for channel in served.values { _ = channel.setOption(.autoRead, value: false) }
                await server.drain(within: ControlLimits.standstillTimeout)
                reply()
                continue
            case .goOn:
                for channel in served.values { _ = channel.setOption(.autoRead, value: true) }
                continue
            case .stop: return
            case .shedIdle:
                server.shedIdle()
                continue
            }
            do throws(ControlError) {
                let channel = try await server.open(listener, in: &tasks)
                served.updateValue(channel, forKey: listener.kind)?.close(promise: nil)
            } catch {
                logger.error("\(error)")
            }
        }
    }
}
