import Logging
import NIOCore

/// Keeps a listening socket from spinning when accept(2) fails for want of descriptors or memory.
///
/// NIO goes on polling a socket whose accept(2) failed, and epoll reports it again at once: two thirds of a core at
/// EMFILE, and its own `AcceptBackoffHandler` does not see a read that it could delay. So reading is switched off for a
/// moment, and the longest idle connection or the reserved descriptor makes room for one client more.
final class AcceptGuard: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// errno's that pass: ENOMEM, ENFILE, EMFILE, ENOBUFS.
    private static let passing: Set<Int32> = [12, 23, 24, 105]

    private let registry: ConnectionRegistry
    private let reserve: DescriptorReserve
    private let logger: Logger
    private var complainedAt: NIODeadline?

    init(registry: ConnectionRegistry, reserve: DescriptorReserve, logger: Logger) {
        self.registry = registry
        self.reserve = reserve
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let failure = error as? IOError, AcceptGuard.passing.contains(failure.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        complain(about: failure)
        let hasRoom = registry.evictIdle() || reserve.giveUp()
        let pause = TimeAmount(hasRoom ? ControlLimits.shedPause : ControlLimits.acceptPause)
        let channel = context.channel
        // Setting it fails only on a channel that was closed meanwhile, and then nothing is to be read.
        channel.setOption(.autoRead, value: false).whenFailure { _ in }
        context.eventLoop.scheduleTask(in: pause) {
            channel.setOption(.autoRead, value: true).whenFailure { _ in }
        }
    }

    private func complain(about failure: IOError) {
        let now = NIODeadline.now()
        if let complainedAt, now - complainedAt < TimeAmount(ControlLimits.complaintPause) { return }
        complainedAt = now
        logger.error("Cannot accept control connections, clients get 503: \(failure)")
    }
}
