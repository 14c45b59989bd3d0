import Synchronization
package import WardenCore
package import WardenWire

/// The latest events, and those who follow them.
///
/// Whoever publishes neither waits nor encodes: that is done by those who read.
package final class EventHub: Sendable {
    private struct State {
        var next: UInt64 = 1
        /// The latest, oldest first from `first` on.
        var ring: [DaemonEvent] = []
        var first = 0
        var followers: [UInt64: AsyncStream<DaemonEvent?>.Continuation] = [:]
        var nextFollower: UInt64 = 1
    }

    /// What one who follows gets.
    struct Subscription: Sendable {
        /// What has happened already, oldest first.
        var past: [DaemonEvent]
        /// Whether events that were asked for are not there any more.
        var isIncomplete: Bool
        /// What happens from now on, and `nil` for each pulse; it ends when the follower is too slow, or the hub is
        /// closed.
        var future: AsyncStream<DaemonEvent?>
        /// Lets the follower know that it is still one.
        var pulse: @Sendable () -> Void
    }

    /// Tells this life of the daemon from others.
    let life: String
    private let state = Mutex(State())

    /// - Parameter life: a word that no other life of the daemon has.
    package init(life: String) {
        self.life = life
    }

    /// Something has happened.
    ///
    /// - Parameters:
    ///   - kind: what.
    ///   - at: when.
    package func publish(_ kind: DaemonEvent.Kind, at: WallTime) {
        let slow = state.withLock { state in
            let event = DaemonEvent(number: state.next, at: at, kind: kind)
            state.next += 1
            if state.ring.count < ControlLimits.rememberedEvents {
                state.ring.append(event)
            } else {
                state.ring[state.first] = event
                state.first = (state.first + 1) % ControlLimits.rememberedEvents
            }
            var slow: [AsyncStream<DaemonEvent?>.Continuation] = []
            for (number, follower) in state.followers {
                guard case .dropped = follower.yield(event) else { continue }
                slow.append(follower)
                state.followers[number] = nil
            }
            return slow
        }
        // One that reads too slowly may come back and say what it had last. Not under the lock: its end is told to us.
        for follower in slow { follower.finish() }
    }

    /// Nothing more happens: everybody who follows is let go.
    package func close() {
        let followers = state.withLock { state in
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }

    /// What has happened and what will.
    ///
    /// - Parameters:
    ///   - id: the id of the last event that the follower has: everything after it comes first.
    ///   - count: without an id, at most so many of the latest come first.
    /// - Returns: the events. One who follows from another life of the daemon gets all that is remembered of this one.
    func subscribe(after id: String?, last count: Int) -> Subscription {
        let (future, continuation) = AsyncStream.makeStream(
            of: DaemonEvent?.self, bufferingPolicy: .bufferingOldest(ControlLimits.waitingEvents))
        // One that does not even take these is told its end by the next event.
        let pulse: @Sendable () -> Void = { continuation.yield(nil) }
        return state.withLock { state in
            let follower = state.nextFollower
            state.nextFollower += 1
            state.followers[follower] = continuation
            continuation.onTermination = { [weak self] _ in self?.forget(follower) }
            let all = state.ring[state.first...] + state.ring[..<state.first]
            guard let id else {
                return Subscription(past: Array(all.suffix(count)), isIncomplete: false, future: future, pulse: pulse)
            }
            let known = number(of: id)
            let past = known.map { known in all.filter { $0.number > known } } ?? Array(all)
            let isIncomplete = past.first.map { $0.number != (known ?? 0) + 1 } ?? (known == nil)
            return Subscription(past: past, isIncomplete: isIncomplete, future: future, pulse: pulse)
        }
    }

    private func forget(_ follower: UInt64) {
        state.withLock { $0.followers[follower] = nil }
    }

    /// - Returns: `nil` for an id of another life, or none of ours.
    private func number(of id: String) -> UInt64? {
        guard id.hasPrefix(life + "-") else { return nil }
        return UInt64(id.dropFirst(life.count + 1))
    }
}
