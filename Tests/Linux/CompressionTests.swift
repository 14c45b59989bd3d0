import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite struct CompressionTests {
    private static let maximum: Int64 = 100_000

    /// What gzip says the file holds; fails the test where it is not whole.
    private static func unpacked(_ path: String) throws -> String {
        let command = "gzip -dc '\(path)' > '\(path).plain'"
        try #require(system(command) == 0, "\(path) is damaged")
        defer { _ = unlink("\(path).plain") }
        return String(decoding: try readWhole("\(path).plain"), as: UTF8.self)
    }

    private static func waitFor(_ what: String, _ condition: () -> Bool) throws {
        let bell = try Mailbox<Int>(capacity: 1)
        let deadline = MonotonicClock.now() + .seconds(30)
        while !condition() {
            try #require(MonotonicClock.now() < deadline, "waited in vain: \(what)")
            // Another thread makes files; nothing tells of them.
            _ = bell.wait(until: MonotonicClock.now() + .milliseconds(5))
        }
    }

    private static func lines(_ numbers: Range<Int>) -> String {
        numbers.map { "line \($0) \(String(repeating: "x", count: 90))\n" }.joined()
    }

    /// Goal: every line is in one file exactly, no more backups than are kept, and each is whole.
    @Test(arguments: [1, 3, 50])
    func rotated(backups: Int) throws {
        let directory = try ScratchDirectory()
        let count = 20_000
        do {
            let world = try PumpWorld()
            let id = worker(1)
            do {
                let out = try world.attach(
                    id,
                    to: .file(
                        path: directory.file("out"), maximumBytes: Self.maximum, backupCount: backups,
                        compresses: true))
                try writeWhole(Self.lines(0..<count), to: out.rawValue)
            }
            #expect(world.pump.workerExited(id) == .accepted)
            try world.waitClosed(id)
            // The worker is gone, and its files are compressed all the same: the newest comes last.
            try Self.waitFor("the newest is compressed") { directory.names.contains("out.1.gz") }
        }
        let names = directory.names
        #expect(names.filter { $0 != "out" }.count <= backups, "\(names)")
        let newest = names.compactMap { Int($0.split(separator: ".").dropFirst().first ?? "") }
        #expect(Set(newest).count == newest.count, "two of one number: \(names)")
        var text = ""
        for index in (1...backups).reversed() {
            if names.contains("out.\(index).gz") {
                text += try Self.unpacked(directory.file("out.\(index).gz"))
            } else if names.contains("out.\(index)") {
                text += try directory.text("out.\(index)")
            }
        }
        text += try directory.text("out")
        #expect(Self.lines(0..<count).hasSuffix(text))
        if backups == 50 { #expect(text == Self.lines(0..<count)) }
    }

    /// Goal: the compressed file is as private as the log, and what a crash left beside it is replaced.
    @Test func modeAndLeftOver() throws {
        let directory = try ScratchDirectory()
        let path = directory.file("out")
        try writeWhole(
            "old", to: Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o600).take())
        _ = chmod(path, 0o640)
        let world = try PumpWorld()
        let out = try world.attach(
            worker(1), to: .file(path: path, maximumBytes: Self.maximum, backupCount: 5, compresses: true))
        try writeWhole(Self.lines(0..<1200), to: out.rawValue)
        try Self.waitFor("compressed") { directory.names.contains("out.1.gz") && !directory.names.contains("out.1") }
        var status = stat()
        #expect(stat(directory.file("out.1.gz"), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
        #expect(try Self.unpacked(directory.file("out.1.gz")).hasPrefix("oldline 0 "))
        // As after a crash between the link and the removal: one file of both kinds.
        try writeWhole("half", to: Descriptor.open(directory.file("out.1"), O_WRONLY | O_CREAT).take())
        try writeWhole(Self.lines(1200..<2600), to: out.rawValue)
        try Self.waitFor("both are one") {
            let names = directory.names
            return names.contains("out.1.gz") && names.contains("out.2.gz") && !names.contains("out.2")
                && !names.contains("out.1")
        }
        #expect(try Self.unpacked(directory.file("out.2.gz")) == "half")
    }
}
