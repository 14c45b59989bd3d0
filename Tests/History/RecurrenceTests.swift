import Foundation
import GRDB
import Testing
import WardenCore
import WardenHistory

/// Goal: the same hang is recognised again, in a bounded look at the history, and an older database learns to.
@Suite struct RecurrenceTests {
    func hang(_ id: String, _ worker: SlotName = first, fingerprint: String? = "2a77b74b32c0d129") -> Incident {
        var hang = incident(id, worker, condition: .hung(.deadlock))
        hang.fingerprint = fingerprint
        return hang
    }

    @Test("earlier ones of any slot of the group are counted, later ones and others are not")
    func counted() throws {
        let store = try Scratch().open()
        for told in [hang("1"), hang("2", second), hang("3", fingerprint: "other"), hang("4", fingerprint: nil)] {
            try store.record(told)
        }
        #expect(try store.recurrence(of: hang("1")) == nil)
        #expect(try store.recurrence(of: hang("2", second)) == Recurrence(earlierID: "1", count: 2))
        #expect(try store.recurrence(of: hang("not stored")) == Recurrence(earlierID: "2", count: 3))
        #expect(try store.recurrence(of: hang("3", fingerprint: "other")) == nil)
        #expect(try store.recurrence(of: hang("4", fingerprint: nil)) == nil)
        let other = SlotName(group: "other", process: "other")
        #expect(try store.recurrence(of: hang("5", other)) == nil)
        #expect(try store.incident(id: "2")?.fingerprint == "2a77b74b32c0d129")
    }

    @Test("a fingerprint that is stored stays when the incident's end comes without it")
    func kept() throws {
        let store = try Scratch().open()
        try store.record(hang("1"))
        try store.record(hang("1", fingerprint: nil))
        #expect(try store.incident(id: "1")?.fingerprint == "2a77b74b32c0d129")
    }

    @Test("a database of the first version is migrated, and its incidents are read as they were")
    func migrated() throws {
        let scratch = try Scratch()
        var old = incident("1")
        old.forensics = Forensics()
        old.forensics?.lastLines = ["bye"]
        try scratch.life { try $0.record(old) }
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.write { database in
            try database.execute(
                sql: """
                    DROP INDEX incident_by_fingerprint;
                    ALTER TABLE incident DROP COLUMN fingerprint;
                    DELETE FROM grdb_migrations WHERE identifier = '2';
                    UPDATE incident SET forensics = '{"descriptorKinds":[],"processes":[],"lastLines":["bye"],\
                    "commandOutput":"","gaps":[]}';
                    """)
        }
        try queue.close()
        let store = try scratch.open()
        #expect(try store.incident(id: "1") == old)
        try store.record(hang("2"))
        #expect(try store.recurrence(of: hang("3")) == Recurrence(earlierID: "2", count: 2))
    }
}
