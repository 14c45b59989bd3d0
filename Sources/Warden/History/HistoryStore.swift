internal import Foundation
internal import GRDB
internal import Synchronization
internal import WardenCore

/// What outlives the daemon, in one SQLite file: incidents, restarts, and the alerts that wait to be delivered.
///
/// Every call blocks until it is done, so that only the scribe's thread makes them. No call reads a clock: times are
/// arguments. A failed call has changed nothing.
package final class HistoryStore: Sendable {
    /// The database's file.
    package let path: String
    /// How long incidents, restarts and finished alerts are kept.
    package let keep: Duration
    /// How long recorded samples are kept.
    package let recordKeep: Duration
    /// What happened while it was opened, for the log.
    package let notices: [HistoryNotice]

    let maxima: HistoryMaxima
    private let queue: DatabaseQueue
    /// GRDB 7.10 crashes when a closed queue is used.
    private let isClosed = Mutex(false)

    /// Opens the history, and makes what is missing: its directories (mode 0750), the file (mode 0640), the tables.
    ///
    /// A damaged file is moved aside to `PATH.corrupt-N` and a new one is begun; `notices` says so. Incidents that
    /// have no outcome are superseded: whoever would have told it is gone.
    ///
    /// - Parameters:
    ///   - path: the database's file.
    ///   - keep: how long rows are kept, see `prune(now:)`.
    ///   - recordKeep: how long recorded samples are kept.
    ///   - maxima: of the file and its tables.
    /// - Returns: the open history.
    /// - Throws: when there is no usable database. A damaged file is not an error.
    package static func open(
        path: String, keep: Duration, keepingRecords recordKeep: Duration = .seconds(7 * 86400),
        maxima: HistoryMaxima = HistoryMaxima()
    ) throws(HistoryError) -> HistoryStore {
        try HistoryFile.makeDirectory(of: path)
        do {
            return try HistoryStore(path: path, keep: keep, recordKeep, maxima: maxima, notices: [])
        } catch .corrupt {
            let aside = try HistoryFile.moveAside(path)
            let notice = HistoryNotice.movedAside(from: path, to: aside)
            return try HistoryStore(path: path, keep: keep, recordKeep, maxima: maxima, notices: [notice])
        }
    }

    private init(
        path: String, keep: Duration, _ recordKeep: Duration, maxima: HistoryMaxima, notices: [HistoryNotice]
    ) throws(HistoryError) {
        do {
            HistoryFile.create(path)
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration(maxima))
            try Self.check(queue, path: path)
            try HistorySchema.migrator.migrate(queue)
            let superseded = try queue.write(Self.supersedeOpenIncidents)
            self.queue = queue
            self.path = path
            self.keep = keep
            self.recordKeep = recordKeep
            self.maxima = maxima
            self.notices = notices + (superseded > 0 ? [.superseded(superseded)] : [])
        } catch {
            throw HistoryError(error, path: path, task: "open the history")
        }
    }

    /// Writes what is still in the write-ahead log into the file and closes it.
    ///
    /// Every later call throws.
    ///
    /// - Throws: when SQLite could not do so in order. It is closed all the same, and closing twice is no error.
    package func close() throws(HistoryError) {
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        do {
            try queue.close()
        } catch {
            throw HistoryError(error, path: path, task: "close the history")
        }
    }

    private static func configuration(_ maxima: HistoryMaxima) -> Configuration {
        var configuration = Configuration()
        configuration.label = "history"
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(HistoryLimits.busyTimeout.inSeconds)
        configuration.prepareDatabase { database in
            let pageBytes = try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            try database.execute(sql: "PRAGMA max_page_count = \(max(16, maxima.databaseBytes / pageBytes))")
            try database.execute(sql: "PRAGMA journal_size_limit = \(HistoryLimits.logBytes)")
            // Kilobytes. SQLite keeps 2000 of them, which a daemon's one connection fills in an hour and never needs.
            try database.execute(sql: "PRAGMA cache_size = -\(HistoryLimits.cacheKilobytes)")
            // A power cut may take the last commits with it, but never the file: fsync(2) waits for checkpoints.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        return configuration
    }

    private static func check(_ queue: DatabaseQueue, path: String) throws {
        let (verdict, isNewer) = try queue.read { database in
            let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
            return (verdict, try HistorySchema.migrator.hasBeenSuperseded(database))
        }
        guard verdict == "ok" else { throw HistoryError.corrupt(path: path) }
        guard !isNewer else { throw HistoryError.newer(path: path) }
    }

    func read<Value>(_ task: String, _ body: (Database) throws -> Value) throws(HistoryError) -> Value {
        guard !isClosed.withLock(\.self) else { throw .closed(path: path) }
        do {
            return try queue.read(body)
        } catch {
            throw HistoryError(error, path: path, task: task)
        }
    }

    func write<Value>(_ task: String, _ body: (Database) throws -> Value) throws(HistoryError) -> Value {
        guard !isClosed.withLock(\.self) else { throw .closed(path: path) }
        do {
            return try queue.write(body)
        } catch {
            throw HistoryError(error, path: path, task: task)
        }
    }
}
