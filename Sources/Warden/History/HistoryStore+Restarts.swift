internal import GRDB
package import WardenCore

/// A restart that a budget has to know of after the daemon itself was restarted.
package struct PastRestart: Hashable, Sendable {
    /// The slot.
    package var worker: SlotName
    /// What Warden restarted it for.
    package var condition: Condition
    /// When.
    package var at: WallTime

    /// - Parameters: as the properties of the same names.
    package init(worker: SlotName, condition: Condition, at: WallTime) {
        self.worker = worker
        self.condition = condition
        self.at = at
    }
}

extension HistoryStore {
    /// Stores that a slot was started again.
    ///
    /// The same restart told twice (by slot, generation and time) counts once.
    ///
    /// - Parameters:
    ///   - worker: the slot.
    ///   - at: when the start was.
    ///   - reason: why.
    ///   - generation: which start it was, within the daemon's present life.
    /// - Throws: when it could not be written.
    package func recordRestart(
        _ worker: SlotName, at: WallTime, reason: RestartReason, generation: Generation
    ) throws(HistoryError) {
        var condition: Condition?
        if case .health(let cause) = reason { condition = cause }
        let arguments: StatementArguments = [
            "group": worker.group, "process": worker.process, "generation": Int64(generation.number),
            "at": at.microseconds, "class": condition?.className, "cause": condition?.causeName,
            "reason": reason.name,
        ]
        try write("store a restart") { database in
            try database.execute(sql: Self.insertRestart, arguments: arguments)
            guard database.changesCount > 0 else { return }
            try database.execute(sql: Self.countRestart, arguments: [worker.group, worker.process])
            try database.execute(sql: Self.countReason, arguments: [worker.group, worker.process, reason.name])
        }
    }

    /// Starts after the first, a person's included, across the daemon's own restarts and whatever was pruned.
    ///
    /// - Parameter worker: the slot.
    /// - Returns: 0 for one that is not known.
    /// - Throws: when the database could not be read.
    package func restartCount(_ worker: SlotName) throws(HistoryError) -> Int {
        try read("count restarts") { database in
            let sql = "SELECT count FROM restart_count WHERE group_name = ? AND process_name = ?"
            return try Int.fetchOne(database, sql: sql, arguments: [worker.group, worker.process]) ?? 0
        }
    }

    /// The counts of `restartCount(_:)` for every slot that was ever started again.
    ///
    /// - Throws: when the database could not be read.
    package func restartCounts() throws(HistoryError) -> [SlotName: Int] {
        try read("count restarts") { database in
            var counts: [SlotName: Int] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM restart_count") {
                guard let group = row.text("group_name"), let process = row.text("process_name"),
                    let count = row.integer("count")
                else { continue }
                counts[SlotName(group: group, process: process)] = Int(count)
            }
            return counts
        }
    }

    /// The counts of `restartCounts()` by reason: a class/cause, `exit`, `user` or `config`; `unknown` for what was
    /// pruned before reasons were counted.
    ///
    /// - Throws: when the database could not be read.
    package func restartReasonCounts() throws(HistoryError) -> [SlotName: [String: Int]] {
        try read("count restarts") { database in
            var counts: [SlotName: [String: Int]] = [:]
            let rows = try Row.fetchCursor(database, sql: "SELECT * FROM restart_reason_count")
            while let row = try rows.next() {
                guard let group = row.text("group_name"), let process = row.text("process_name"),
                    let reason = row.text("reason"), let count = row.integer("count")
                else { continue }
                counts[SlotName(group: group, process: process), default: [:]][reason] = Int(count)
            }
            return counts
        }
    }

    /// Warden's own restarts since a time, oldest first: what budgets have spent already.
    ///
    /// - Parameter since: the longest budget's window ago.
    /// - Returns: the newest `HistoryLimits.reloadedRestarts`. A condition unknown to this version is left out.
    /// - Throws: when the database could not be read.
    package func restarts(since: WallTime) throws(HistoryError) -> [PastRestart] {
        let sql = """
            SELECT * FROM restart WHERE at >= ? AND class IS NOT NULL ORDER BY at DESC, sequence DESC LIMIT ?
            """
        let arguments: StatementArguments = [since.microseconds, HistoryLimits.reloadedRestarts]
        let newestFirst: [PastRestart] = try read("list restarts") { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).compactMap(Self.pastRestart)
        }
        return newestFirst.reversed()
    }

    private static func pastRestart(_ row: Row) -> PastRestart? {
        guard let group = row.text("group_name"), let process = row.text("process_name"),
            let className = row.text("class"), let at = row.integer("at"),
            let condition = Condition(className: className, causeName: row.text("cause"))
        else { return nil }
        return PastRestart(
            worker: SlotName(group: group, process: process), condition: condition, at: WallTime(microseconds: at))
    }

    private static let insertRestart = """
        INSERT INTO restart (group_name, process_name, generation, at, class, cause, reason)
        VALUES (:group, :process, :generation, :at, :class, :cause, :reason)
        ON CONFLICT DO NOTHING
        """

    private static let countRestart = """
        INSERT INTO restart_count (group_name, process_name, count) VALUES (?, ?, 1)
        ON CONFLICT DO UPDATE SET count = count + 1
        """

    private static let countReason = """
        INSERT INTO restart_reason_count (group_name, process_name, reason, count) VALUES (?, ?, ?, 1)
        ON CONFLICT DO UPDATE SET count = count + 1
        """
}
