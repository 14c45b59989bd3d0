internal import Glibc
internal import Synchronization
internal import WardenCore

/// Whose the pump's state is. A thread that hangs in a call to a log's disk can be relieved of it: another thread goes
/// on with everything but that log, and the first one, should it ever come back, finds that it has no say any more.
internal final class PumpReign: Sendable {
    private struct State {
        /// The thread that has the say.
        var owner: pthread_t?
        /// Since when it is at a disk.
        var since: Instant?
        /// Threads that were relieved and have not come back.
        var strays = 0
        /// The last owner has done all that there was to do.
        var hasEnded = false
    }

    private let state = Mutex(State())

    /// This thread begins; nobody else is there.
    internal func begin() { state.withLock { $0.owner = pthread_self() } }

    /// This thread was the last.
    internal func end() { state.withLock { $0.hasEnded = true } }

    /// Whether everything is over.
    internal var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// This thread calls a disk that may not answer.
    internal func enter(at now: Instant) { state.withLock { $0.since = now } }

    /// The disk has answered.
    ///
    /// - Returns: false when this thread was relieved meanwhile: nothing of the pump's is its own any more.
    internal func leave() -> Bool {
        state.withLock { state in
            guard state.owner == pthread_self() else {
                state.strays -= 1
                return false
            }
            state.since = nil
            return true
        }
    }

    /// Whether the thread hangs, and may be relieved.
    internal func isStuck(at now: Instant) -> Bool { state.withLock { Self.isStuck($0, now) } }

    /// This thread takes the other one's place, if that still hangs.
    internal func seize(at now: Instant) -> Bool {
        state.withLock { state in
            guard Self.isStuck(state, now) else { return false }
            state.owner = pthread_self()
            state.since = nil
            state.strays += 1
            return true
        }
    }

    private static func isStuck(_ state: borrowing State, _ now: Instant) -> Bool {
        guard let since = state.since, state.strays < PumpLimits.strayThreads else { return false }
        return now - since >= PumpLimits.diskPatience
    }
}

/// The thread was relieved of the pump: it unwinds, and touches nothing on its way.
internal struct Relieved: Error {}

/// What a thread went to a disk for, as it tells whoever took its place.
internal enum DiskErrand: Sendable {
    /// To move so many bytes from the head of this stream's pipe.
    case move(stream: UInt64, count: Int)
    /// To write what this stream had changed.
    case pending(stream: UInt64)
    /// To open, try, begin anew or rename.
    case other
}

extension PumpLoop {
    /// A call to the disk of a log. It may take for ever; then another thread has the pump.
    ///
    /// - Returns: what came of it.
    internal func atDisk(
        _ call: BlockingCall, of log: SharedLog, for errand: DiskErrand, at now: Instant,
        _ body: () -> LogFile.Progress
    ) throws(Relieved) -> LogFile.Progress {
        engaged = (log, errand)
        beat.entered(call, at: now, deadline: now + PumpLimits.writeDeadline)
        reign.enter(at: now)
        let progress = body()
        guard reign.leave() else {
            // Only what never changes is this thread's to read: the log's number and the mailbox.
            while mailbox.post(.answered(log: log.token, errand, progress)) == .full { pauseBriefly() }
            throw Relieved()
        }
        beat.left()
        return progress
    }

    /// On the thread that goes on: the log that the other one hangs at is left alone until that comes back.
    internal func takeOver(with fresh: ScratchPipe, at now: Instant) {
        scratch = fresh
        beat.left()
        guard let (log, errand) = engaged else { return }
        log.isStuck = true
        stuckLogs += 1
        if let device = log.device { stuckDevices.insert(device) }
        switch errand {
        case .move(let token, _), .pending(let token):
            if let stream = streams[token] { holdBack(stream, at: log) }
        case .other: break
        }
        reports.trouble(LogTrouble(path: log.path, failure: nil, droppedBytes: 0, isStuck: true))
    }

    /// Its disk does not answer, or that of another log on the same device.
    internal func isBlocked(_ log: SharedLog) -> Bool {
        if stuckLogs == 0 { return false }
        return log.isStuck || log.device.map(stuckDevices.contains) ?? false
    }

    /// Nothing is read from it until the disk of its log answers: what it writes waits in its pipe, and then it waits.
    internal func holdBack(_ stream: PumpStream, at log: SharedLog) {
        poller.remove(stream.pipe.rawValue)
        setMayHoldMore(stream, true)
        if !log.waiting.contains(where: { $0 === stream }) { log.waiting.append(stream) }
    }

    /// The disk has answered after all.
    internal func answered(
        _ token: UInt64, _ errand: DiskErrand, _ progress: LogFile.Progress, at now: Instant
    ) throws(Relieved) {
        guard let log = logsByToken[token], log.isStuck else { return }
        log.isStuck = false
        stuckLogs -= 1
        stuckDevices = Set(logs.values.filter(\.isStuck).compactMap(\.device))
        reports.trouble(LogTrouble(path: log.path, failure: nil, droppedBytes: 0, isStuckNoMore: true))
        switch errand {
        case .other: break
        case .move, .pending: if let trouble = log.changeOfTrouble(progress) { tell(trouble) }
        }
        switch errand {
        case .move(let token, let count):
            if let stream = streams[token] { settle(stream, count, progress) }
        case .pending(let token):
            if let stream = streams[token], let tap = stream.tap { settle(stream, tap, progress) }
        case .other: break
        }
        if log.userCount == 0 { forget(log) }
        for log in Array(logs.values) where !log.waiting.isEmpty && !isBlocked(log) { try resume(log) }
    }

    private func settle(_ stream: PumpStream, _ count: Int, _ progress: LogFile.Progress) {
        var moved = count
        if case .waiting(let written) = progress { moved = written }
        stream.aheadBytes = max(0, max(stream.aheadBytes, count) - moved)
    }

    private func settle(_ stream: PumpStream, _ tap: PumpTap, _ progress: LogFile.Progress) {
        if case .waiting(let written) = progress { tap.pending.removeFirst(written) } else { tap.pending = [] }
        stream.aheadBytes = tap.pending.count
    }
}
