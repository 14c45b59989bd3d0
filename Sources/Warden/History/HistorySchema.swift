internal import GRDB

/// The tables, by version.
///
/// A version that was released is never changed: a new one is added below it.
enum HistorySchema {
    /// The whole way from an empty file to the present tables.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            for statement in first { try database.execute(sql: statement) }
        }
        migrator.registerMigration("2") { database in
            for statement in fingerprints { try database.execute(sql: statement) }
        }
        migrator.registerMigration("3") { database in
            for statement in records { try database.execute(sql: statement) }
        }
        migrator.registerMigration("restart reasons") { database in
            for statement in restartReasons { try database.execute(sql: statement) }
        }
        return migrator
    }

    /// Counts by reason, which outlive the rows of `restart` as `restart_count` does. Of what was pruned before, nobody
    /// knows the reason any more.
    private static let restartReasons = [
        """
        CREATE TABLE restart_reason_count (
            group_name TEXT NOT NULL,
            process_name TEXT NOT NULL,
            reason TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (group_name, process_name, reason)
        ) STRICT, WITHOUT ROWID
        """,
        """
        INSERT INTO restart_reason_count
        SELECT group_name, process_name, reason, count(*) FROM restart GROUP BY group_name, process_name, reason
        """,
        """
        INSERT INTO restart_reason_count
        SELECT group_name, process_name, 'unknown', count - listed FROM (
            SELECT *, (
                SELECT count(*) FROM restart
                WHERE restart.group_name = restart_count.group_name
                AND restart.process_name = restart_count.process_name
            ) AS listed FROM restart_count
        ) WHERE count > listed
        """,
    ]

    /// Blocks of recorded samples; `size` is what a row takes, so that pruning reads no block.
    private static let records = [
        """
        CREATE TABLE record (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            group_name TEXT NOT NULL,
            process_name TEXT NOT NULL,
            began INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            samples INTEGER NOT NULL,
            size INTEGER NOT NULL,
            block BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX record_by_worker ON record (group_name, process_name, sequence, ended, size)",
    ]

    /// The same for the same hang: what happened again is found by it.
    private static let fingerprints = [
        "ALTER TABLE incident ADD COLUMN fingerprint TEXT",
        "CREATE INDEX incident_by_fingerprint ON incident (fingerprint, sequence) WHERE fingerprint IS NOT NULL",
    ]

    /// Times are microseconds of the wall clock; the one monotonic time is only of use until the host restarts.
    ///
    /// `AUTOINCREMENT` because a pruned number must not come back: it is the order of the rows.
    private static let first = [
        """
        CREATE TABLE incident (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            group_name TEXT NOT NULL,
            process_name TEXT NOT NULL,
            generation INTEGER NOT NULL,
            at INTEGER NOT NULL,
            class TEXT NOT NULL,
            cause TEXT,
            grade TEXT NOT NULL,
            since INTEGER NOT NULL,
            since_monotonic_nanoseconds INTEGER NOT NULL,
            reason TEXT NOT NULL,
            evidence TEXT NOT NULL,
            action TEXT NOT NULL,
            held_back_by TEXT,
            forensics TEXT,
            outcome TEXT,
            recovered_nanoseconds INTEGER
        ) STRICT
        """,
        "CREATE INDEX incident_by_worker ON incident (group_name, process_name, sequence)",
        "CREATE INDEX incident_by_time ON incident (at)",
        "CREATE INDEX incident_open ON incident (sequence) WHERE outcome IS NULL",
        """
        CREATE TABLE restart (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            group_name TEXT NOT NULL,
            process_name TEXT NOT NULL,
            generation INTEGER NOT NULL,
            at INTEGER NOT NULL,
            class TEXT,
            cause TEXT,
            reason TEXT NOT NULL,
            UNIQUE (group_name, process_name, generation, at)
        ) STRICT
        """,
        "CREATE INDEX restart_by_time ON restart (at)",
        """
        CREATE TABLE restart_count (
            group_name TEXT NOT NULL,
            process_name TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (group_name, process_name)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE alert (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            destination TEXT NOT NULL,
            dedupe_key TEXT NOT NULL,
            content_type TEXT NOT NULL,
            body BLOB NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            next_attempt INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'gave-up')),
            finished INTEGER,
            last_error TEXT,
            UNIQUE (destination, dedupe_key)
        ) STRICT
        """,
        "CREATE INDEX alert_waiting ON alert (destination, id) WHERE state = 'waiting'",
    ]
}
