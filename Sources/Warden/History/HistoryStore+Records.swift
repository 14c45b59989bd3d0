internal import Foundation
internal import GRDB
package import WardenCore

extension HistoryStore {
    /// Stores blocks of recorded samples, in one transaction.
    ///
    /// - Parameter blocks: the blocks, oldest first.
    /// - Throws: when they could not be written; then none was.
    package func record(_ blocks: [RecordBlock]) throws(HistoryError) {
        if blocks.isEmpty { return }
        try write("store samples") { database in
            let statement = try database.cachedStatement(sql: Self.insertRecord)
            for block in blocks {
                try statement.execute(arguments: [
                    block.worker.group, block.worker.process, block.from.microseconds, block.to.microseconds,
                    block.sampleCount, block.bytes.count + HistoryLimits.recordRowBytes, Data(block.bytes),
                ])
            }
        }
    }

    /// What was recorded of a worker, oldest first.
    ///
    /// - Parameters:
    ///   - worker: the slot.
    ///   - since: blocks that ended before are left out.
    ///   - sequence: only blocks after this one: the last of a former answer, or 0.
    ///   - limit: at most so many, up to `HistoryLimits.listedRecords`; fewer when they are large.
    /// - Returns: the blocks, not looked into.
    /// - Throws: when the database could not be read.
    package func records(
        of worker: SlotName, since: WallTime, after sequence: Int64, limit: Int
    ) throws(HistoryError) -> [StoredRecord] {
        let arguments: StatementArguments = [
            "group": worker.group, "process": worker.process, "after": sequence, "since": since.microseconds,
            "limit": min(max(0, limit), HistoryLimits.listedRecords),
        ]
        return try read("read samples") { database in
            var found: [StoredRecord] = []
            var bytes = 0
            let rows = try Row.fetchCursor(database, sql: Self.selectRecords, arguments: arguments)
            while bytes < HistoryLimits.listedRecordBytes, let row = try rows.next() {
                guard let record = Self.record(row, of: worker) else { continue }
                bytes += record.block.bytes.count
                found.append(record)
            }
            return found
        }
    }

    private static func record(_ row: Row, of worker: SlotName) -> StoredRecord? {
        guard let sequence = row.integer("sequence"), let began = row.integer("began"),
            let ended = row.integer("ended"), let samples = row.integer("samples"),
            let data = Data.fromDatabaseValue(row["block"])
        else { return nil }
        return StoredRecord(
            sequence: sequence,
            block: RecordBlock(
                worker: worker, from: WallTime(microseconds: began), to: WallTime(microseconds: ended),
                sampleCount: Int(samples), bytes: Array(data)))
    }

    private static let insertRecord = """
        INSERT INTO record (group_name, process_name, began, ended, samples, size, block)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """

    private static let selectRecords = """
        SELECT sequence, began, ended, samples, block FROM record
        WHERE group_name = :group AND process_name = :process AND sequence > :after AND ended >= :since
        ORDER BY sequence LIMIT :limit
        """
}
