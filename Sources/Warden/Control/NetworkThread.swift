import NIOCore
import NIOPosix

/// The bridge from a plain thread to structured concurrency: the daemon's one network thread enters here.
package enum NetworkThread {
    /// Runs asynchronous work, and blocks the calling thread until it is done.
    ///
    /// - Parameter work: what to run; its tasks are its own children.
    /// - Throws: what the work throws.
    package static func run(_ work: @escaping @Sendable () async throws -> Void) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result = Result { try group.next().makeFutureWithTask(work).wait() }
        try group.syncShutdownGracefully()
        try result.get()
    }
}
