internal import Synchronization
package import WardenCore

/// A call that may block for longer than a turn, which a thread declares before it makes it.
package enum BlockingCall: String, Hashable, Sendable {
    case openLog = "open log"
    case writeLog = "write log"
    case readProcess = "read process"
    case readHeartbeatFile = "read heartbeat file"
    case writeDaemonLog = "write the daemon's log"
    case writeHistory = "write history"
    case tellServiceManager = "tell the service manager"
    case inspectWorker = "inspect worker"
}

/// The pulse of a thread's loop, for the watchdog: the loop writes it, anybody reads it.
package final class LoopBeat: Sendable {
    /// A blocking call that is under way.
    package struct Call: Hashable, Sendable {
        /// What it is.
        package var call: BlockingCall
        /// When it began.
        package var since: Instant
        /// Past this, something is stuck.
        package var deadline: Instant
    }

    /// The pulse at one moment.
    package struct Reading: Hashable, Sendable {
        /// Turns since the start.
        package var turns: UInt64
        /// When the last turn began.
        package var lastTurnAt: Instant
        /// The declared call that the thread is in, if it is in one.
        package var call: Call?
    }

    private let state: Mutex<Reading>
    private let done = Atomic<UInt64>(0)

    /// What the loop has done in all, in its own unit: bytes that the pump moved, samples that the sampler took.
    package var workDone: UInt64 { done.load(ordering: .relaxed) }

    /// - Parameter instant: now; counts as the first turn.
    package init(at instant: Instant) {
        state = Mutex(Reading(turns: 0, lastTurnAt: instant, call: nil))
    }

    /// The pulse now.
    package var reading: Reading { state.withLock { $0 } }

    /// A turn begins.
    package func turned(at instant: Instant) {
        state.withLock { state in
            state.turns += 1
            state.lastTurnAt = instant
        }
    }

    /// Something was done.
    ///
    /// - Parameter amount: in the loop's own unit.
    package func did(_ amount: Int) {
        done.add(UInt64(clamping: amount), ordering: .relaxed)
    }

    /// A call begins that may block.
    ///
    /// - Parameters:
    ///   - call: what it is.
    ///   - instant: now.
    ///   - deadline: past this, something is stuck.
    package func entered(_ call: BlockingCall, at instant: Instant, deadline: Instant) {
        state.withLock { $0.call = Call(call: call, since: instant, deadline: deadline) }
    }

    /// The call has returned.
    package func left() {
        state.withLock { $0.call = nil }
    }
}

/// Until when the pump has read everything: silence is known up to there, and not beyond.
internal final class DrainRecord: Sendable {
    private struct State {
        var through: Instant
        var held: [WorkerID: Instant] = [:]
    }

    private let state: Mutex<State>

    internal init(at instant: Instant) {
        state = Mutex(State(through: instant))
    }

    internal var through: Instant { state.withLock { $0.through } }

    internal func instant(of worker: WorkerID) -> Instant {
        state.withLock { $0.held[worker] ?? $0.through }
    }

    /// At `instant` every pipe was empty but those of the workers that are held.
    internal func advance(to instant: Instant) {
        state.withLock { $0.through = instant }
    }

    /// This worker's pipes still hold something: its record stays where it is.
    internal func hold(_ worker: WorkerID) {
        state.withLock { state in
            if state.held[worker] == nil { state.held[worker] = state.through }
        }
    }

    internal func release(_ worker: WorkerID) {
        state.withLock { _ = $0.held.removeValue(forKey: worker) }
    }
}
