internal import GRDB
package import WardenCore

extension HistoryStore {
    /// Stores an incident: a new one, or one that is known by its id and has changed.
    ///
    /// Forensics that are stored already stay when the new value has none.
    ///
    /// - Parameter incident: as the core knows it. Evidence and forensics over their limits are cut.
    /// - Throws: when it could not be written.
    package func record(_ incident: Incident) throws(HistoryError) {
        try write("store an incident") { database in
            try database.execute(sql: Self.upsert, arguments: IncidentRow.arguments(incident))
        }
    }

    /// The incidents of one slot or of all, the newest first.
    ///
    /// - Parameters:
    ///   - worker: the slot; `nil` for all.
    ///   - limit: at most so many, up to `HistoryLimits.listedIncidents`.
    ///   - id: only those before this incident: the last of a former answer. One that is not known (any more) gives
    ///     none.
    /// - Returns: what this version can read, without the forensics, which are large; rows of a newer version that hold
    ///   words unknown here are left out.
    /// - Throws: when the database could not be read.
    package func incidents(
        matching worker: SlotName? = nil, limit: Int, before id: String? = nil
    ) throws(HistoryError) -> [Incident] {
        var conditions: [String] = []
        var arguments: StatementArguments = ["limit": min(max(0, limit), HistoryLimits.listedIncidents)]
        if let worker {
            conditions.append("group_name = :group AND process_name = :process")
            arguments += ["group": worker.group, "process": worker.process]
        }
        if let id {
            conditions.append("sequence < (SELECT sequence FROM incident WHERE id = :before)")
            arguments += ["before": id]
        }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let sql = "SELECT \(IncidentRow.listed) FROM incident \(filter) ORDER BY sequence DESC LIMIT :limit"
        return try read("list incidents") { database in
            // Row by row: a thousand of them are never held beside what is made of them.
            let rows = try Row.fetchCursor(database, sql: sql, arguments: arguments)
            var incidents: [Incident] = []
            while let row = try rows.next() {
                if let incident = IncidentRow.incident(row) { incidents.append(incident) }
            }
            return incidents
        }
    }

    /// One incident.
    ///
    /// - Parameter id: its id.
    /// - Returns: `nil` when there is none, or none any more.
    /// - Throws: when the database could not be read, or this version does not know the words of that row.
    package func incident(id: String) throws(HistoryError) -> Incident? {
        try read("read an incident") { database in
            let sql = "SELECT * FROM incident WHERE id = ?"
            guard let row = try Row.fetchOne(database, sql: sql, arguments: [id]) else { return nil }
            guard let incident = IncidentRow.incident(row) else {
                throw HistoryError.unreadableIncident(path: self.path, id: id)
            }
            return incident
        }
    }

    /// What the history knows of earlier incidents with the same fingerprint, of any slot of the same group.
    ///
    /// Without Python stacks a fingerprint is coarse: those of other programs are other hangs.
    /// - Parameter incident: an incident, stored or not.
    /// - Returns: `nil` when it has no fingerprint, or is the first.
    /// - Throws: when the database could not be read.
    package func recurrence(of incident: Incident) throws(HistoryError) -> Recurrence? {
        guard let fingerprint = incident.fingerprint else { return nil }
        let sql = """
            SELECT id FROM incident WHERE fingerprint = :fingerprint AND group_name = :group AND id <> :id
            AND sequence < COALESCE((SELECT sequence FROM incident WHERE id = :id), 9223372036854775807)
            ORDER BY sequence DESC LIMIT :limit
            """
        let arguments: StatementArguments = [
            "fingerprint": fingerprint, "group": incident.worker.group, "id": incident.id,
            "limit": Limits.countedRecurrences - 1,
        ]
        let earlier = try read("look for the same incident") { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).compactMap { $0.text("id") }
        }
        return earlier.first.map { Recurrence(earlierID: $0, count: earlier.count + 1) }
    }

    /// - Returns: how many had no outcome.
    static func supersedeOpenIncidents(_ database: Database) throws -> Int {
        try database.execute(sql: "UPDATE incident SET outcome = 'superseded' WHERE outcome IS NULL")
        return database.changesCount
    }

    private static let upsert = """
        INSERT INTO incident (
            id, group_name, process_name, generation, at, class, cause, grade, since, since_monotonic_nanoseconds,
            reason, evidence, action, held_back_by, forensics, fingerprint, outcome, recovered_nanoseconds
        ) VALUES (
            :id, :group, :process, :generation, :at, :class, :cause, :grade, :since, :sinceMonotonic,
            :reason, :evidence, :action, :heldBackBy, :forensics, :fingerprint, :outcome, :recovered
        ) ON CONFLICT (id) DO UPDATE SET
            group_name = excluded.group_name, process_name = excluded.process_name,
            generation = excluded.generation, at = excluded.at, class = excluded.class, cause = excluded.cause,
            grade = excluded.grade, since = excluded.since,
            since_monotonic_nanoseconds = excluded.since_monotonic_nanoseconds, reason = excluded.reason,
            evidence = excluded.evidence, action = excluded.action, held_back_by = excluded.held_back_by,
            forensics = COALESCE(excluded.forensics, incident.forensics),
            fingerprint = COALESCE(excluded.fingerprint, incident.fingerprint), outcome = excluded.outcome,
            recovered_nanoseconds = excluded.recovered_nanoseconds
        """
}
