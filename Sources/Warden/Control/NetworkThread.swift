import NIOCore
import NIOPosix

/// The bridge from a plain thread to structured concurrency: the daemon's one network thread enters here.
package enum NetworkThread {
    /// The clients of other rooms share one event loop instead of one for each core: a loop costs three descriptors.
    ///
    /// To be called once, before the first of them.
    package static func shareOneLoop() { NIOSingletons.groupLoopCountSuggestion = 1 }

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
