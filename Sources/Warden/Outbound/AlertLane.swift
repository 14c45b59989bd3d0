internal import Synchronization

/// The alerts of one destination, in the order of their submission.
///
/// Bounded: what is too much is refused and counted.
final class AlertLane: Sendable {
    private struct State {
        /// Numbers of the alert being sent and of those behind it, at most `OutboundLimits.queuedAlerts`.
        var held: Set<Int64> = []
        var refusedCount: UInt64 = 0
        var isClosed = false
    }

    let destination: AlertDestination
    /// Its place in the configuration.
    let number: UInt64
    /// For one consumer.
    let alerts: AsyncStream<QueuedAlert>

    private let continuation: AsyncStream<QueuedAlert>.Continuation
    private let state = Mutex(State())

    init(_ destination: AlertDestination, number: UInt64) {
        self.destination = destination
        self.number = number
        // The stream itself needs no bound: `held` never lets more in.
        (alerts, continuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    var heldCount: Int { state.withLock { $0.held.count } }

    var refusedCount: UInt64 { state.withLock(\.refusedCount) }

    func submit(_ alert: QueuedAlert) -> Submission {
        // Yielding under the lock keeps the order of two submitters; it only appends to the stream's own buffer.
        state.withLock { state in
            guard !state.isClosed else { return .closed }
            guard !state.held.contains(alert.alert.id) else { return .alreadyQueued }
            guard state.held.count < OutboundLimits.queuedAlerts else {
                state.refusedCount += 1
                return .full
            }
            state.held.insert(alert.alert.id)
            continuation.yield(alert)
            return .queued
        }
    }

    func forget(_ id: Int64) {
        state.withLock { _ = $0.held.remove(id) }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        continuation.finish()
    }
}
