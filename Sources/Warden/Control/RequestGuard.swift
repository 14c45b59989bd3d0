import NIOCore
import NIOHTTP1

/// Holds a client to its time and its size: the head of a request, its body, and the reading of the answer.
///
/// It has two places in the pipeline, for the first byte of a request is seen before the coder of HTTP/1 and its end
/// after it: `ByteWatch` tells it of the bytes, and it stands behind the decoder itself.
final class RequestGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Where the request is that is being read.
    private enum Phase {
        /// Nothing of the next one has come. Can transition to: head, body, refused.
        case between
        /// Its head has begun. Can transition to: body, refused.
        case head
        /// Its body comes. Can transition to: between, refused.
        case body(byteCount: Int)
        /// It is thrown away, and so is all that follows; the connection ends soon. Final.
        case refused(byteCount: Int)
    }

    private let registry: ConnectionRegistry
    private let complaints: Complaints
    private let peer: Peer
    private var phase = Phase.between
    private var timer: Scheduled<Void>?
    private var stall: Scheduled<Void>?
    private var lingering: Scheduled<Void>?
    private var unansweredCount = 0
    private var isLast = false
    private var isWaiting = false

    init(registry: ConnectionRegistry, complaints: Complaints, peer: Peer) {
        self.registry = registry
        self.complaints = complaints
        self.peer = peer
    }

    /// Puts it and its watch where they belong in a pipeline that has been set up.
    func add(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(self, position: .after(decoder))
        try pipeline.addHandler(ByteWatch(self), position: .before(decoder))
        // Whoever connects ahead of time, as browsers do, may take a while.
        arm(ControlLimits.firstRequestTimeout, channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        for task in [timer, stall, lingering] { task?.cancel() }
    }

    // MARK: - Reading

    /// Bytes have come, of whatever.
    fileprivate func bytesCame(on channel: any Channel) {
        guard case .between = phase else { return }
        phase = .head
        arm(ControlLimits.headTimeout, channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .refused(let count) = phase {
            switch unwrapInboundIn(data) {
            case .head: break
            case .body(let bytes): discard(count + bytes.readableBytes, context)
            // Not before: a client that is told so while it writes takes it for an error.
            case .end: context.close(mode: .output, promise: nil)
            }
            return
        }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
                length > ControlLimits.bodyBytes
            {
                return refuse(context)
            }
            phase = .body(byteCount: 0)
            unansweredCount += 1
            arm(ControlLimits.bodyTimeout, context.channel)
        case .body(let bytes):
            guard case .body(let count) = phase else { break }
            if count > ControlLimits.bodyBytes { return discard(0, context) }
            // One piece more than is allowed is passed on, so that whoever collects the body sees that it is too long.
            phase = .body(byteCount: count + bytes.readableBytes)
        case .end:
            phase = .between
            timer?.cancel()
            timer = nil
            wait(false, context)
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .body = phase { wait(true, context) }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if TLSStore.isRefusal(error) {
            complaints.note(.handshake, from: peer.name)
            context.close(promise: nil)
        }
        if let error = error as? HTTPParserError {
            // A client that hangs up in the middle is no attack, and neither are we.
            if error != .invalidEOFState { complaints.note(.malformed, from: peer.name) }
            phase = .refused(byteCount: 0)
            // Whoever serves the connection answers 400, and would then wait for the client to hang up.
            linger(context.channel)
        }
        context.fireErrorCaught(error)
    }

    /// Says 413 to a request that tells its size, and throws away what comes.
    private func refuse(_ context: ChannelHandlerContext) {
        complaints.note(.tooLarge, from: peer.name)
        phase = .refused(byteCount: 0)
        timer?.cancel()
        // Answers come in the order of the requests, and those before this one are not yet answered.
        guard unansweredCount == 0 else { return context.close(promise: nil) }
        let head = HTTPResponseHead(
            version: .http1_1, status: .payloadTooLarge, headers: ["Connection": "close", "Content-Length": "0"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        linger(context.channel)
    }

    private func discard(_ count: Int, _ context: ChannelHandlerContext) {
        if case .refused = phase {
        } else {
            complaints.note(.tooLarge, from: peer.name)
            linger(context.channel)
        }
        phase = .refused(byteCount: count)
        if count > ControlLimits.discardedBytes { context.close(promise: nil) }
    }

    // MARK: - Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if case .refused = phase { head.headers.replaceOrAdd(name: "connection", value: "close") }
            isLast = head.headers["connection"].contains { $0.lowercased() == "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            unansweredCount -= 1
            if isLast { linger(context.channel) }
            context.write(data, promise: promise)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        if context.channel.isWritable {
            stall = nil
            wait(false, context)
        } else {
            wait(true, context)
            watchStall(context, left: ControlLimits.stalledLooks, buffered: nil)
        }
        context.fireChannelWritabilityChanged()
    }

    private func watchStall(_ context: ChannelHandlerContext, left: Int, buffered: Int?) {
        let channel = context.channel
        stall = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(ControlLimits.stallPause)) { [self] in
            // A channel that is closed has nothing buffered.
            let now = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
            let hasRead = (buffered ?? .max) - now >= ControlLimits.stallBytes
            if left <= 1, !hasRead {
                complaints.note(.notReading, from: peer.name)
                return channel.close(promise: nil)
            }
            watchStall(context, left: hasRead ? ControlLimits.stalledLooks : left - 1, buffered: now)
        }
    }

    // MARK: - Time

    private func arm(_ patience: Duration, _ channel: any Channel) {
        timer?.cancel()
        timer = channel.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(patience)) { [self] in
            if case .between = phase {} else { complaints.note(.tooSlow, from: peer.name) }
            channel.close(promise: nil)
        }
    }

    /// The client may read the last answer, and hangs up by itself then.
    private func linger(_ channel: any Channel) {
        guard lingering == nil else { return }
        lingering = channel.eventLoop.scheduleTask(in: TimeAmount(ControlLimits.lingerTimeout)) {
            channel.close(promise: nil)
        }
    }

    private func wait(_ waits: Bool, _ context: ChannelHandlerContext) {
        guard waits != isWaiting else { return }
        isWaiting = waits
        registry.waits(context.channel, for: waits)
    }
}

/// Tells of the first byte of a request, which the decoder keeps to itself.
private final class ByteWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let owner: RequestGuard

    init(_ owner: RequestGuard) { self.owner = owner }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        owner.bytesCame(on: context.channel)
        context.fireChannelRead(data)
    }
}
