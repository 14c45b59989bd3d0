import WardenCore
import WardenHistory
import WardenLinux

/// What a history that is full, read-only or busy has not taken: kept in memory, in its order, until it does.
struct Unwritten {
    /// One thing.
    enum Debt: Sendable {
        case incident(Incident, owed: [StateRecord.Name])
        case restart(SlotName, RestartReason, Generation, WallTime)
        case delivered(Int64, WallTime)
        case gaveUp(Int64, WallTime, String)
    }

    private(set) var debts: [Debt] = []
    /// What was given up because too much waited.
    private(set) var lostCount = 0
    private let capacity: Int

    init(capacity: Int = RuntimeLimits.unwritten) {
        self.capacity = capacity
    }

    var isEmpty: Bool { debts.isEmpty }

    /// Incidents that wait, the newest first, each as it is now.
    var incidents: [Incident] {
        debts.reversed().compactMap { if case .incident(let incident, _) = $0 { incident } else { nil } }
    }

    /// Adds one; an incident takes the place of what it was before.
    mutating func append(_ debt: Debt) {
        if case .incident(let incident, let owed) = debt, let position = position(of: incident.id) {
            guard case .incident(let former, let formerlyOwed) = debts[position] else { return }
            var merged = incident
            merged.forensics = incident.forensics ?? former.forensics
            merged.fingerprint = incident.fingerprint ?? former.fingerprint
            debts[position] = .incident(merged, owed: formerlyOwed + owed)
            return
        }
        if debts.count >= capacity { makeRoom() }
        debts.append(debt)
    }

    private func position(of id: String) -> Int? {
        debts.lastIndex { if case .incident(let incident, _) = $0 { incident.id == id } else { false } }
    }

    private mutating func makeRoom() {
        let restart = debts.firstIndex { if case .restart = $0 { true } else { false } }
        debts.remove(at: restart ?? 0)
        lostCount += 1
    }

    /// Writes what waits, the oldest first, up to the first that fails.
    ///
    /// - Parameters:
    ///   - write: writes one.
    ///   - written: is told of each that is done.
    /// - Returns: why it stopped; `nil` when nothing waits any more.
    mutating func settle(_ write: (Debt) throws -> Void, _ written: (Debt) -> Void) -> (any Error)? {
        var done = 0
        defer { debts.removeFirst(done) }
        for debt in debts {
            do {
                try write(debt)
            } catch {
                if (error as? HistoryError)?.isPassing != false { return error }
                // It would fail for ever, and nothing behind it would come to its turn.
                lostCount += 1
            }
            written(debt)
            done += 1
        }
        return nil
    }

    /// So many were lost since this was asked last.
    mutating func takeLostCount() -> Int {
        defer { lostCount = 0 }
        return lostCount
    }
}
