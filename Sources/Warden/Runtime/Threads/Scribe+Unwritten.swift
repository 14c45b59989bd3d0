import Synchronization
import WardenCore
import WardenHistory
import WardenLinux

/// A history that cannot be written to: nothing is lost for it, up to a limit, and it is tried again by itself.
extension Scribe {
    var hasUnwritten: Bool { unwritten.withLock { !$0.isEmpty } }

    /// Writes one thing, after all that waits.
    func write(_ debt: Unwritten.Debt, _ store: HistoryStore?) {
        guard !hasUnwritten else { return unwritten.withLock { $0.append(debt) } }
        if store == nil, isHistoryAwaited.load(ordering: .relaxed) {
            unwritten.withLock { $0.append(debt) }
            return shortages.note(.history, "history (it could not be opened; entries wait in memory)")
        }
        do {
            try Scribe.write(debt, to: store)
            settle(debt)
        } catch {
            guard (error as? HistoryError)?.isPassing != false else {
                return log(LogRecord(.error, "Cannot store \(debt): \(error)"))
            }
            // Once: it is tried again every second.
            log(
                LogRecord(
                    .error, "The history cannot be written to, incidents are kept in memory until it can: \(error)"))
            unwritten.withLock { $0.append(debt) }
            tellShortage(error)
        }
    }

    /// Tries again to write what waits.
    func settleUnwritten(_ store: HistoryStore?) {
        guard let store, hasUnwritten else { return }
        let now = MonotonicClock.now()
        beat.entered(.writeHistory, at: now, deadline: now + .seconds(10))
        defer { beat.left() }
        // In this thread's hands while the database works.
        var waiting = unwritten.withLock { unwritten in
            defer { unwritten = Unwritten() }
            return unwritten
        }
        let count = waiting.debts.count
        let failure = waiting.settle({ try Scribe.write($0, to: store) }, { settle($0) })
        let lost = waiting.takeLostCount()
        unwritten.withLock { $0 = waiting }
        if lost > 0 { log(LogRecord(.error, "The history has lost \(lost) entries: more waited than are kept")) }
        if failure == nil { log(LogRecord(.info, "The history is written to again: \(count) entries that had waited")) }
        tellShortage(failure)
    }

    /// The daemon ends: what cannot be written now is lost, unless the state for the next daemon has it.
    func giveUpUnwritten(_ store: HistoryStore?) {
        settleUnwritten(store)
        for debt in unwritten.withLock({ $0.debts }) {
            guard case .incident(let incident, _) = debt else { continue }
            let text = "Incident \(incident.id) of \(incident.worker.qualified) is not in the history"
            log(LogRecord(.error, "\(text): it cannot be written to"))
        }
    }

    /// Samples are not kept for later: they are many. That they are lost is said when it begins and when it is over.
    func record(_ blocks: [RecordBlock], _ store: HistoryStore?) {
        let lost = lostRecords.load(ordering: .relaxed)
        do {
            try store?.record(blocks)
            guard lost > 0 else { return }
            lostRecords.store(0, ordering: .relaxed)
            log(LogRecord(.warn, "Samples are recorded again; \(lost) blocks of them were not"))
        } catch {
            if lost == 0 {
                log(LogRecord(.error, "Cannot store samples, they are not recorded until it can: \(error)"))
            }
            lostRecords.store(lost + blocks.count, ordering: .relaxed)
        }
    }

    /// What was found, with what the file does not have yet, or not as it is now.
    func withUnwritten(_ found: [Incident], _ id: String?, _ worker: SlotName?, _ limit: Int) -> [Incident] {
        let waiting = unwritten.withLock { $0.incidents }.filter {
            (id == nil || $0.id == id) && (worker == nil || $0.worker == worker)
        }
        guard !waiting.isEmpty else { return found }
        let newer = Dictionary(waiting.map { ($0.id, $0) }) { first, _ in first }
        let known = Set(found.map(\.id))
        let all = waiting.filter { !known.contains($0.id) } + found.map { newer[$0.id] ?? $0 }
        return Array(all.prefix(max(1, limit)))
    }

    private func settle(_ debt: Unwritten.Debt) {
        if case .incident(_, let owed) = debt { for name in owed { settle(name) } }
    }

    private static func write(_ debt: Unwritten.Debt, to store: HistoryStore?) throws {
        switch debt {
        case .incident(let incident, _): try store?.record(incident)
        case .restart(let worker, let reason, let generation, let time):
            try store?.recordRestart(worker, at: time, reason: reason, generation: generation)
        case .delivered(let id, let time): try store?.markDelivered(id, at: time)
        case .gaveUp(let id, let time, let reason): try store?.markGaveUp(id, at: time, error: reason)
        }
    }

    private func tellShortage(_ failure: (any Error)?) {
        let count = unwritten.withLock { $0.debts.count }
        shortages.note(.history, failure.map { "history (\(count) entries wait in memory; \($0))" })
    }
}
