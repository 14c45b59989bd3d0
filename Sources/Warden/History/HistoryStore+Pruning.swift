internal import GRDB
package import WardenCore

/// How many rows a pruning has removed.
package struct PrunedCounts: Hashable, Sendable {
    /// Incidents.
    package var incidents: Int
    /// Restarts; the counts per slot stay.
    package var restarts: Int
    /// Delivered or given-up alerts.
    package var alerts: Int
    /// Blocks of recorded samples.
    package var records: Int

    /// - Parameters: as the properties of the same names.
    package init(incidents: Int = 0, restarts: Int = 0, alerts: Int = 0, records: Int = 0) {
        self.records = records
        self.incidents = incidents
        self.restarts = restarts
        self.alerts = alerts
    }
}

extension HistoryStore {
    /// Removes what is older than `keep`, and the oldest rows above the maxima.
    ///
    /// Incidents without an outcome and alerts that wait are not removed for their age. The file does not shrink; its
    /// free pages are used again.
    ///
    /// - Parameter now: the wall clock.
    /// - Returns: how many rows are gone.
    /// - Throws: when it could not be written.
    package func prune(now: WallTime) throws(HistoryError) -> PrunedCounts {
        let before = HistoryStore.time(now, less: keep)
        let recordsBefore = HistoryStore.time(now, less: recordKeep)
        return try write("prune the history") { database in
            func removed(_ sql: String, _ arguments: StatementArguments) throws -> Int {
                try database.execute(sql: sql, arguments: arguments)
                return database.changesCount
            }
            return PrunedCounts(
                incidents: try removed("DELETE FROM incident WHERE at < ? AND outcome IS NOT NULL", [before])
                    + removed(Self.incidentsOverLimit, [maxima.incidents]),
                restarts: try removed("DELETE FROM restart WHERE at < ?", [before])
                    + removed(Self.restartsOverLimit, [maxima.restarts]),
                alerts: try removed("DELETE FROM alert WHERE finished < ?", [before])
                    + removed(Self.alertsOverLimit, [maxima.finishedAlerts]),
                records: try removed("DELETE FROM record WHERE ended < ?", [recordsBefore])
                    + removed(Self.recordsOfWorkerOverLimit, [maxima.workerRecordBytes])
                    + removed(Self.recordsOverLimit, [maxima.recordBytes]))
        }
    }

    private static func time(_ now: WallTime, less keep: Duration) -> Int64 {
        let (difference, overflow) = now.microseconds.subtractingReportingOverflow(keep.inNanoseconds / 1000)
        return overflow ? Int64.min : difference
    }

    private static let recordsOfWorkerOverLimit = """
        DELETE FROM record WHERE sequence IN (
            SELECT sequence FROM (
                SELECT sequence, SUM(size) OVER (
                    PARTITION BY group_name, process_name ORDER BY sequence DESC
                ) AS total FROM record
            ) WHERE total > ?
        )
        """

    private static let recordsOverLimit = """
        DELETE FROM record WHERE sequence IN (
            SELECT sequence FROM (
                SELECT sequence, SUM(size) OVER (ORDER BY sequence DESC) AS total FROM record
            ) WHERE total > ?
        )
        """

    private static let incidentsOverLimit = """
        DELETE FROM incident WHERE sequence IN (
            SELECT sequence FROM incident ORDER BY sequence DESC LIMIT -1 OFFSET ?
        )
        """

    private static let restartsOverLimit = """
        DELETE FROM restart WHERE sequence IN (
            SELECT sequence FROM restart ORDER BY sequence DESC LIMIT -1 OFFSET ?
        )
        """

    private static let alertsOverLimit = """
        DELETE FROM alert WHERE id IN (
            SELECT id FROM alert WHERE state <> 'waiting' ORDER BY id DESC LIMIT -1 OFFSET ?
        )
        """
}
