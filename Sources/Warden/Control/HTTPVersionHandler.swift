import NIOCore
import NIOHTTP1

/// What HTTP/1.0 clients need and HTTPTypes does not know of: answers of their version, and a connection that closes
/// unless they want to keep it.
///
/// Stands between the coder of HTTP/1 and the rest. An answer that says `Connection: close` is the last, too.
final class HTTPVersionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var version = HTTPVersion.http1_1
    private var isKeptAlive = true
    private var isLast = false

    /// Puts it where it belongs in a pipeline that has been set up.
    static func add(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(HTTPVersionHandler(), position: .after(decoder))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else {
            context.fireChannelRead(data)
            return
        }
        version = head.version
        isKeptAlive = head.isKeepAlive
        // Whoever serves the request closes when it says so, and knows nothing of HTTP/1.0's rule.
        if !isKeptAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if version == .http1_0 {
                head.version = .http1_0
                // Only the end of the connection ends a body whose length nobody told: there are no chunks in 1.0.
                let isEndless = head.headers["content-length"].isEmpty
                if isEndless { head.headers.replaceOrAdd(name: "connection", value: "close") }
                if isKeptAlive, !isEndless { head.headers.replaceOrAdd(name: "connection", value: "Keep-Alive") }
            }
            isLast = head.headers["connection"].contains { $0.lowercased() == "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end where isLast:
            // The output alone: what the client still sends would otherwise answer it with a reset.
            let promise = promise ?? context.eventLoop.makePromise()
            let channel = context.channel
            promise.futureResult.whenComplete { _ in channel.close(mode: .output, promise: nil) }
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
        }
    }
}
