import FoundationEssentials
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// Opens listeners and serves their connections, one task each, on one event loop.
struct ListenerHouse: Sendable {
    /// A connection that was accepted.
    private enum Accepted: Sendable {
        case served(HTTP1Channel, HTTP1Channel.Value)
        case shed(any Channel)
        case dropped
    }

    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let settings: ControlSettings
    private let responder: RouterResponder<ControlContext>
    private let registry: ConnectionRegistry
    private let reserve: DescriptorReserve
    private let complaints: Complaints
    private let tls: TLSStore?

    init(
        group: MultiThreadedEventLoopGroup, logger: Logger, settings: ControlSettings, tls: TLSStore?,
        responder: RouterResponder<ControlContext>, complaints: Complaints
    ) {
        self.complaints = complaints
        self.tls = tls
        self.group = group
        self.logger = logger
        self.settings = settings
        self.responder = responder
        reserve = DescriptorReserve()
        registry = ConnectionRegistry(
            limit: settings.connectionLimit, reserve: reserve, room: settings.room, complaints: complaints)
    }

    /// Hands a bound and listening descriptor to the event loop.
    ///
    /// NIO calls listen(2) again, with a backlog of 128.
    func open(
        _ listener: ControlListener, in tasks: inout DiscardingTaskGroup
    ) async throws(ControlError) -> any Channel {
        guard ListenerHouse.isSocket(listener.descriptor) else {
            throw ControlError(
                listener: listener.kind.name, reason: "descriptor \(listener.descriptor) is not an open socket")
        }
        let server: NIOAsyncChannel<Accepted, Never>
        do {
            server = try await ServerBootstrap(group: group)
                .serverChannelInitializer { [registry, reserve, logger] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            AcceptGuard(registry: registry, reserve: reserve, logger: logger))
                    }
                }
                // A client whose host has vanished would hold its request for ever. No effect on a Unix socket.
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .bind(listener.descriptor) { channel in accept(channel, listener) }
        } catch {
            throw ControlError(listener: listener.kind.name, reason: "\(error)")
        }
        warnIfOpen(listener)
        tasks.addTask { await serve(server, listener) }
        return server.channel
    }

    /// supervisord's words, which tools look for.
    ///
    /// On a Unix socket its mode and the peer's credentials decide, so that is nothing to be warned of.
    private func warnIfOpen(_ listener: ControlListener) {
        guard listener.credentials == nil else { return }
        switch listener.kind {
        case .unix:
            logger.info("Server 'unix_http_server' running without any HTTP authentication checking")
        case .tcp:
            logger.critical(
                "Server 'inet_http_server' running without any HTTP authentication checking",
                metadata: ["tcp_without_password": "\(listener.withoutPassword.rawValue)"])
        }
    }

    /// NIO traps on a descriptor that is not open, and a trap here would end the supervision of every worker.
    private static func isSocket(_ descriptor: Int32) -> Bool {
        // No such link: the descriptor is not open.
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
        return target?.hasPrefix("socket:") == true
    }

    /// Closes every connection that has been idle for a while.
    func shedIdle() {
        let count = registry.evictAllIdle()
        guard count > 0 else { return }
        logger.warning("Closed \(count) idle control connections: a worker needs their descriptors")
    }

    /// Waits until no connection is left, for a while at most, and closes those that are.
    func drain(within patience: Duration) async {
        registry.quiesce()
        let deadline = NIODeadline.now() + TimeAmount(patience)
        while registry.count > 0, NIODeadline.now() < deadline {
            // Cancelled means at once.
            guard (try? await Task.sleep(for: patience / 100)) != nil else { break }
        }
        complaints.sayRest()
        // Hummingbird waits for the close of a connection without end, even in a task that was cancelled.
        registry.closeAll()
    }

    private func accept(_ channel: any Channel, _ listener: ControlListener) -> EventLoopFuture<Accepted> {
        Peer.identify(channel, listener: listener).flatMap { peer in
            switch registry.admit(channel, peer.standing(ownUserID: settings.ownUserID), named: peer.name) {
            case .drop:
                channel.close(promise: nil)
                return channel.eventLoop.makeSucceededFuture(.dropped)
            case .shed:
                return channel.eventLoop.makeSucceededFuture(.shed(channel))
            case .serve:
                do {
                    if listener.tls != nil { try tls?.add(to: channel) }
                } catch {
                    return channel.eventLoop.makeFailedFuture(error)
                }
                let http = HTTP1Channel(responder: respond(for: peer), configuration: ListenerHouse.configuration)
                return http.setup(channel: channel, logger: logger).flatMapThrowing { connection in
                    try HTTPVersionHandler.add(to: channel)
                    try RequestGuard(registry: registry, complaints: complaints, peer: peer).add(to: channel)
                    return .served(http, connection)
                }
            }
        }
    }

    private static var configuration: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            idleTimeout: TimeAmount(ControlLimits.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: ControlLimits.headerBytes, maxHeaderListSize: ControlLimits.headerBytes,
                maxHeaderFieldCount: ControlLimits.headerCount))
    }

    private func serve(_ server: NIOAsyncChannel<Accepted, Never>, _ listener: ControlListener) async {
        do {
            try await server.executeThenClose { inbound in
                try await withThrowingDiscardingTaskGroup { connections in
                    for try await accepted in inbound {
                        connections.addTask { await serve(accepted) }
                    }
                }
            }
        } catch is CancellationError {
            return
        } catch {
            logger.critical("Control socket \(listener.kind.name) is no longer served: \(error)")
        }
    }

    private func serve(_ accepted: Accepted) async {
        switch accepted {
        case .dropped: return
        case .shed(let channel): await shed(channel)
        case .served(let http, let connection):
            await withDiscardingTaskGroup { tasks in
                tasks.addTask { await http.handle(value: connection, logger: logger) }
                // The close future cannot fail. Once the client has gone its request is cancelled, wherever it waits.
                try? await connection.channel.closeFuture.get()
                tasks.cancelAll()
            }
        }
    }

    /// Says 503 and hangs up.
    ///
    /// The client hangs up first, or else what it has not read yet would be lost with a reset.
    private func shed(_ channel: any Channel) async {
        let text =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"
        channel.eventLoop.scheduleTask(in: TimeAmount(ControlLimits.shedLinger)) { channel.close(promise: nil) }
        channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
        // The close future cannot fail.
        try? await channel.closeFuture.get()
    }

    private func respond(for peer: Peer) -> HTTPChannelHandler.Responder {
        { request, writer, channel in
            registry.began(channel)
            defer { registry.ended(channel) }
            let source = ControlSource(logger: logger, channel: channel, peer: peer, complaints: complaints)
            var response = try await responder.respond(to: request, context: ControlContext(source: source))
            response.headers[.date] = settings.now().httpDate
            response.headers[.server] = "warden"
            try await writer.write(response: response.head, body: response.body)
        }
    }
}
