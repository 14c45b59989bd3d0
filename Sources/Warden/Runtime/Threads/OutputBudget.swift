import Synchronization
import WardenCore

/// How much of workers' output is on its way to the shell as events. A worker that writes faster than its events can be
/// told loses events, never its log, and nobody else loses anything.
final class OutputBudget: Sendable {
    private struct State {
        var events = 0
        var bytes = 0
        var dropped = 0
    }

    private let state = Mutex(State())
    private let log: @Sendable (LogRecord) -> Void

    init(log: @escaping @Sendable (LogRecord) -> Void) {
        self.log = log
    }

    /// Whether the event may go; it counts until it is given back.
    func take(_ output: WorkerOutput) -> Bool {
        let size = output.text.utf8.count
        let (isTaken, news) = state.withLock { state -> (Bool, Int?) in
            guard state.events < RuntimeLimits.outputEvents,
                state.bytes + size <= RuntimeLimits.outputEventBytes || state.events == 0
            else {
                state.dropped += 1
                return (false, state.dropped == 1 ? 0 : nil)
            }
            state.events += 1
            state.bytes += size
            // Said when half of it is free again, so that a steady flood does not say it for every event.
            guard state.dropped > 0, state.events <= RuntimeLimits.outputEvents / 2 else { return (true, nil) }
            defer { state.dropped = 0 }
            return (true, state.dropped)
        }
        switch news {
        case nil: break
        case 0?: log(LogRecord(.error, "events of workers' output come too fast and are dropped; logs lose nothing"))
        case let count?: log(LogRecord(.error, "\(count) events of workers' output were dropped"))
        }
        return isTaken
    }

    /// The shell has it.
    func give(_ output: WorkerOutput) {
        state.withLock { state in
            state.events -= 1
            state.bytes -= output.text.utf8.count
        }
    }
}
