import Synchronization
import WardenCore
import WardenLinux

/// The start of the first workers: after a look at whether those of a former daemon still live.
///
/// The search reads other processes' memory, and may wait for one that is stuck. Then the start goes on without it.
final class Beginning: Sendable {
    private enum Stage {
        case notYet
        case searching(since: Instant)
        case over
    }

    private let stage = Mutex(Stage.notYet)
    private let readers: Readers
    private let inbox: Mailbox<Event>

    init(_ readers: Readers, _ inbox: Mailbox<Event>) {
        self.readers = readers
        self.inbox = inbox
    }

    /// The sockets are served.
    func search() {
        let now = MonotonicClock.now()
        stage.withLock { $0 = .searching(since: now) }
        let isTaken = readers.submit(deadline: now + RuntimeLimits.leftOverSearch) { self.go(LeftOvers.workers()) }
        if !isTaken { go([]) }
    }

    /// From time to time.
    func look() {
        let isLate = stage.withLock { stage in
            guard case .searching(let since) = stage else { return false }
            return MonotonicClock.now() - since > RuntimeLimits.leftOverSearch
        }
        if isLate { go([]) }
    }

    private func go(_ found: [LeftOverWorker]) {
        let isFirst = stage.withLock { stage in
            if case .over = stage { return false }
            stage = .over
            return true
        }
        guard isFirst else { return }
        if !found.isEmpty { _ = inbox.post(.leftOversFound(found)) }
        _ = inbox.post(.ready)
    }
}
