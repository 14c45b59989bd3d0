import Foundation
import Testing
import WardenCore
import WardenHistory

@Suite struct OpeningTests {
    @Test("directories and file are made for the daemon's user and group only")
    func permissions() throws {
        let scratch = try Scratch()
        try scratch.life { try $0.record(incident("1")) }
        #expect(try scratch.permissions(of: scratch.path + "/state") == 0o750)
        #expect(try scratch.permissions(of: scratch.database) == 0o640)
    }

    @Test("closing leaves one file that holds everything, and later calls throw")
    func closing() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        try store.record(incident("1"))
        try store.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/state") == ["history.db"])
        try store.close()
        #expect(throws: HistoryError.closed(path: scratch.database)) { try store.incidents(limit: 1) }
        #expect(try scratch.open().incidents(limit: 1).map(\.id) == ["1"])
    }

    @Test("a damaged file is moved aside, a new one begun, and a notice says so", arguments: ["header", "page"])
    func corrupt(damage: String) throws {
        let scratch = try Scratch()
        for number in 1...2 {
            try scratch.life { store in
                for id in 1...200 { try store.record(incident("\(id)")) }
            }
            try spoil(scratch.database, damage)
            let store = try scratch.open()
            let aside = "\(scratch.database).corrupt-\(number)"
            #expect(store.notices == [.movedAside(from: scratch.database, to: aside)])
            #expect(try store.incidents(limit: 1).isEmpty)
            #expect(FileManager.default.fileExists(atPath: aside))
            try store.close()
        }
    }

    @Test("the number of damaged copies is bounded")
    func boundedCopies() throws {
        let scratch = try Scratch()
        for _ in 0..<HistoryLimits.corruptCopies + 2 {
            try scratch.life { try $0.record(incident("1")) }
            try spoil(scratch.database, "header")
        }
        _ = try scratch.open()
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/state")
        #expect(names.filter { $0.contains("corrupt") }.count == HistoryLimits.corruptCopies)
    }

    @Test("a path below a file names the file and the reason")
    func belowFile() throws {
        let scratch = try Scratch()
        #expect(FileManager.default.createFile(atPath: scratch.path + "/state", contents: Data()))
        let error = #expect(throws: HistoryError.self) { try scratch.open() }
        #expect(
            try #require(error).description
                == "cannot make the directory of \(scratch.database); set history= in [warden] to another path: "
                + "Not a directory")
    }

    @Test("a path in /proc cannot be made, and the error says so")
    func proc() {
        let error = #expect(throws: HistoryError.self) {
            _ = try HistoryStore.open(path: "/proc/warden/history.db", keep: .seconds(1))
        }
        guard case .noDirectory(path: "/proc/warden/history.db", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a directory in place of the file cannot be opened")
    func directory() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.database, withIntermediateDirectories: true)
        let error = #expect(throws: HistoryError.self) { try scratch.open() }
        guard case .cannotOpen(scratch.database, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a full database is an error that names the file, changes nothing, and ends with pruning")
    func full() throws {
        let scratch = try Scratch()
        var maxima = HistoryMaxima()
        maxima.databaseBytes = 256 * 1024
        let store = try scratch.open(keep: .seconds(10), maxima: maxima)
        var stored = 0
        let error = #expect(throws: HistoryError.self) {
            for number in 0..<10_000 {
                try store.record(incident("\(number)", at: 0))
                stored += 1
            }
        }
        #expect(error == .full(path: scratch.database))
        #expect(stored > 10)
        #expect(try store.incident(id: "\(stored)") == nil)
        #expect(try store.prune(now: wall(100)).incidents == stored)
        try store.record(incident("after", at: 100))
        #expect(try store.incidents(limit: 9).map(\.id) == ["after"])
    }

    @Test("a file that a newer Warden made is refused and left alone")
    func newer() throws {
        let scratch = try Scratch()
        try scratch.life { _ in }
        try alter(scratch.database, "INSERT INTO grdb_migrations VALUES ('4711')")
        #expect(throws: HistoryError.newer(path: scratch.database)) { try scratch.open() }
        #expect(FileManager.default.fileExists(atPath: scratch.database))
    }

    @Test("words that this version does not know are left out of lists and are an error alone")
    func unknownWords() throws {
        let scratch = try Scratch()
        try scratch.life { store in
            for id in ["1", "2", "3"] { try store.record(incident(id)) }
        }
        try alter(
            scratch.database,
            """
            UPDATE incident SET class = 'sleepy' WHERE id = '1'; UPDATE incident SET evidence = '{' WHERE id = '2';
            """)
        let store = try scratch.open()
        #expect(try store.incidents(limit: 9).map(\.id) == ["3"])
        for id in ["1", "2"] {
            #expect(throws: HistoryError.unreadableIncident(path: scratch.database, id: id)) {
                try store.incident(id: id)
            }
        }
    }

    private func spoil(_ file: String, _ damage: String) throws {
        let handle = try #require(FileHandle(forUpdatingAtPath: file))
        let pages = try handle.seekToEnd() / 4096
        try handle.seek(toOffset: damage == "header" ? 0 : pages / 2 * 4096)
        try handle.write(contentsOf: Data(repeating: 0x5A, count: damage == "header" ? 64 : 4096))
        try handle.close()
    }
}
