/// The history's limits.
///
/// Every table, list and text in it has its maximum here.
package enum HistoryLimits {
    /// Incidents that are kept, whatever their age.
    package static let incidents = 10_000
    /// Restarts that are kept, whatever their age.
    ///
    /// The count per slot is kept apart and is never pruned.
    package static let restarts = 100_000
    /// Alerts that wait to be delivered.
    package static let waitingAlerts = 10_000
    /// Alerts that are kept after they were delivered or given up, so that none is sent twice.
    package static let finishedAlerts = 10_000
    /// Incidents that one question lists.
    package static let listedIncidents = 1000
    /// Alerts that one question lists.
    package static let listedAlerts = 1000
    /// Restarts that are read again at start, the newest.
    package static let reloadedRestarts = 100_000
    /// Bytes of recorded samples of one worker, a week of a lively one.
    package static let workerRecordBytes: Int64 = 8 * 1024 * 1024
    /// Bytes of recorded samples of all workers.
    package static let recordBytes: Int64 = 256 * 1024 * 1024
    /// Blocks of recorded samples that one question brings.
    package static let listedRecords = 1000
    /// Bytes of them, but for the last.
    package static let listedRecordBytes = 512 * 1024
    /// What a row of recorded samples takes beside its block.
    package static let recordRowBytes = 128
    /// Pieces of evidence that are stored with one incident.
    package static let evidence = 64
    /// Bytes of the forensics of one incident, as JSON.
    ///
    /// What is over is cut, and a gap says so.
    package static let forensicsBytes = 256 * 1024
    /// Bytes of one alert's body.
    package static let alertBodyBytes = 256 * 1024
    /// Bytes of the text that says why an alert was not delivered.
    package static let alertErrorBytes = 512
    /// Corrupt databases that are kept beside the present one; after that the last is replaced.
    package static let corruptCopies = 8
    /// Bytes of the database file.
    ///
    /// At this size it counts as a full disk until it was pruned.
    package static let databaseBytes: Int64 = 1024 * 1024 * 1024
    /// Bytes to which the write-ahead log is cut back.
    package static let logBytes: Int64 = 4 * 1024 * 1024
    /// Kilobytes of the database that are kept in memory.
    package static let cacheKilobytes = 512
    /// How long a lock of somebody else (a backup, the sqlite3 tool) is waited for.
    package static let busyTimeout: Duration = .seconds(2)
}

/// The maxima that a store keeps to: `HistoryLimits`, or less.
package struct HistoryMaxima: Hashable, Sendable {
    /// See `HistoryLimits.databaseBytes`; from 64 KiB.
    package var databaseBytes = HistoryLimits.databaseBytes
    /// See `HistoryLimits.incidents`.
    package var incidents = HistoryLimits.incidents
    /// See `HistoryLimits.restarts`.
    package var restarts = HistoryLimits.restarts
    /// See `HistoryLimits.workerRecordBytes`.
    package var workerRecordBytes = HistoryLimits.workerRecordBytes
    /// See `HistoryLimits.recordBytes`.
    package var recordBytes = HistoryLimits.recordBytes
    /// See `HistoryLimits.waitingAlerts`.
    package var waitingAlerts = HistoryLimits.waitingAlerts
    /// See `HistoryLimits.finishedAlerts`.
    package var finishedAlerts = HistoryLimits.finishedAlerts

    /// The limits themselves.
    package init() {}
}
