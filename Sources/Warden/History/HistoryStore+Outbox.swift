internal import Foundation
internal import GRDB
package import WardenCore

/// An alert for one destination, as it is stored before it is sent for the first time.
package struct NewOutboxAlert: Hashable, Sendable {
    /// NAME of `[alert:NAME]`.
    package var destination: String
    /// The same alert for the same destination has the same key, such as `INCIDENT.opened`: it is stored once.
    package var dedupeKey: String
    /// The media type of `body`.
    package var contentType: String
    /// The body as it is posted, at most `HistoryLimits.alertBodyBytes`.
    package var body: [UInt8]
    /// When it was made.
    package var created: WallTime
    /// Until when delivery is tried.
    package var expires: WallTime

    /// - Parameters: as the properties of the same names.
    package init(
        destination: String, dedupeKey: String, contentType: String, body: [UInt8], created: WallTime,
        expires: WallTime
    ) {
        self.destination = destination
        self.dedupeKey = dedupeKey
        self.contentType = contentType
        self.body = body
        self.created = created
        self.expires = expires
    }
}

/// An alert that waits in the outbox.
package struct OutboxAlert: Hashable, Sendable {
    /// Its number, never used again.
    ///
    /// Lower ones were stored earlier.
    package var id: Int64
    /// What was stored.
    package var alert: NewOutboxAlert
    /// How often delivery has failed.
    package var failedAttempts: Int
    /// Why it last failed; `nil` before that.
    package var lastError: String?

    /// - Parameters: as the properties of the same names.
    package init(id: Int64, alert: NewOutboxAlert, failedAttempts: Int, lastError: String?) {
        self.id = id
        self.alert = alert
        self.failedAttempts = failedAttempts
        self.lastError = lastError
    }
}

extension HistoryStore {
    /// Stores an alert to be sent.
    ///
    /// - Parameter alert: what is to be sent, and where to.
    /// - Returns: its number, or `nil` when an alert with this destination and key is there already, sent or not.
    /// - Throws: when it could not be written, is too large, or too many wait. Then only the caller has it.
    package func enqueue(_ alert: NewOutboxAlert) throws(HistoryError) -> Int64? {
        guard alert.body.count <= HistoryLimits.alertBodyBytes else {
            throw .bodyTooLarge(path: path, bytes: alert.body.count)
        }
        let arguments: StatementArguments = [
            "destination": alert.destination, "key": alert.dedupeKey, "contentType": alert.contentType,
            "body": Data(alert.body), "created": alert.created.microseconds, "expires": alert.expires.microseconds,
        ]
        return try write("store an alert") { database in
            let waiting = try Int.fetchOne(database, sql: "SELECT count(*) FROM alert WHERE state = 'waiting'") ?? 0
            guard waiting < self.maxima.waitingAlerts else { throw HistoryError.outboxFull(path: self.path) }
            try database.execute(sql: Self.insertAlert, arguments: arguments)
            return database.changesCount > 0 ? database.lastInsertedRowID : nil
        }
    }

    /// The alerts that may be tried now, in the order in which they were stored.
    ///
    /// Behind one that waits for its next attempt, later ones for the same destination wait too. Those that have
    /// expired are among them: they too deserve an attempt, and giving up is said by `markGaveUp`.
    ///
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - limit: at most so many, up to `HistoryLimits.listedAlerts`.
    /// - Returns: those alerts, the oldest first.
    /// - Throws: when the database could not be read.
    package func due(now: WallTime, limit: Int) throws(HistoryError) -> [OutboxAlert] {
        let arguments: StatementArguments = [
            "now": now.microseconds, "limit": min(max(0, limit), HistoryLimits.listedAlerts),
        ]
        return try read("list alerts") { database in
            try Row.fetchAll(database, sql: Self.dueAlerts, arguments: arguments).compactMap(Self.outboxAlert)
        }
    }

    /// How many alerts wait, for all destinations.
    ///
    /// - Throws: when the database could not be read.
    package func waitingAlertCount() throws(HistoryError) -> Int {
        try read("count alerts") { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM alert WHERE state = 'waiting'") ?? 0
        }
    }

    /// The alert has arrived.
    ///
    /// - Parameters:
    ///   - id: its number. One that is not known or finished is no error.
    ///   - at: when.
    /// - Throws: when it could not be written; it may then be sent twice.
    package func markDelivered(_ id: Int64, at: WallTime) throws(HistoryError) {
        try finish(id, state: "delivered", at: at, error: nil)
    }

    /// Delivery is not tried any more.
    ///
    /// - Parameters:
    ///   - id: its number. One that is not known or finished is no error.
    ///   - at: when.
    ///   - error: why, at most `HistoryLimits.alertErrorBytes` of it are kept.
    /// - Throws: when it could not be written.
    package func markGaveUp(_ id: Int64, at: WallTime, error: String) throws(HistoryError) {
        try finish(id, state: "gave-up", at: at, error: error)
    }

    /// An attempt has failed and another will follow.
    ///
    /// - Parameters:
    ///   - id: its number. One that is not known or finished is no error.
    ///   - nextAttempt: before this it is not due.
    ///   - error: why, at most `HistoryLimits.alertErrorBytes` of it are kept.
    /// - Throws: when it could not be written; it is then due at once after the daemon's next start.
    package func markFailed(_ id: Int64, nextAttempt: WallTime, error: String) throws(HistoryError) {
        let sql = """
            UPDATE alert SET next_attempt = ?, attempts = attempts + 1, last_error = ?
            WHERE id = ? AND state = 'waiting'
            """
        let arguments: StatementArguments = [nextAttempt.microseconds, Self.bounded(error), id]
        try write("mark an alert") { try $0.execute(sql: sql, arguments: arguments) }
    }

    private func finish(_ id: Int64, state: String, at: WallTime, error: String?) throws(HistoryError) {
        // The body is not needed any more: the row stays for its key alone.
        let sql = """
            UPDATE alert SET state = ?, finished = ?, last_error = ifnull(?, last_error), body = x''
            WHERE id = ? AND state = 'waiting'
            """
        let arguments: StatementArguments = [state, at.microseconds, error.map(Self.bounded), id]
        try write("mark an alert") { try $0.execute(sql: sql, arguments: arguments) }
    }

    private static func bounded(_ text: String) -> String {
        String(decoding: text.utf8.prefix(HistoryLimits.alertErrorBytes), as: UTF8.self)
    }

    private static func outboxAlert(_ row: Row) -> OutboxAlert? {
        guard let id = row.integer("id"), let destination = row.text("destination"),
            let key = row.text("dedupe_key"), let contentType = row.text("content_type"),
            let body = (row["body"] as DatabaseValue?).flatMap({ Data.fromDatabaseValue($0) }),
            let created = row.integer("created"), let expires = row.integer("expires")
        else { return nil }
        let alert = NewOutboxAlert(
            destination: destination, dedupeKey: key, contentType: contentType, body: [UInt8](body),
            created: WallTime(microseconds: created), expires: WallTime(microseconds: expires))
        return OutboxAlert(
            id: id, alert: alert, failedAttempts: Int(row.integer("attempts") ?? 0), lastError: row.text("last_error"))
    }

    private static let insertAlert = """
        INSERT INTO alert (destination, dedupe_key, content_type, body, created, expires, next_attempt)
        VALUES (:destination, :key, :contentType, :body, :created, :expires, 0)
        ON CONFLICT DO NOTHING
        """

    private static let dueAlerts = """
        SELECT alert.* FROM alert LEFT JOIN (
            SELECT destination, min(id) AS first_resting FROM alert
            WHERE state = 'waiting' AND next_attempt > :now GROUP BY destination
        ) USING (destination)
        WHERE state = 'waiting' AND (first_resting IS NULL OR id < first_resting)
        ORDER BY id LIMIT :limit
        """
}
