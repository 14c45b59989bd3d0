import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: a log grows, rotates and suffers as supervisord's does, and says what it lost.
/// Method: pipes that are filled by the test, and instants that it makes up.
@Suite struct LogFileTests {
    /// A log with a pipe in front of it.
    private final class Bench {
        let scratch: ScratchPipe
        let pipe: Pipe
        let log: LogFile

        init(_ path: String, maximumBytes: Int64 = 0, backups: Int = 0) throws {
            scratch = try ScratchPipe()
            pipe = try Pipe()
            log = try LogFile(path: path, maximumBytes: maximumBytes, backupCount: backups)
        }

        @discardableResult
        func write(_ text: String, at seconds: Double = 0) throws -> LogFile.Progress {
            try writeWhole(text, to: pipe.writer.rawValue)
            return try move(at: seconds)
        }

        func move(at seconds: Double = 0) throws -> LogFile.Progress {
            guard case .bytes(let count) = try scratch.look(into: pipe.reader.rawValue) else { return .written }
            let source = scratch.source(pipe.reader.rawValue)
            return log.move(scratch.bytes(count), from: source, at: instant(seconds))
        }
    }

    @Test func itAppendsToWhatIsThere() throws {
        let directory = try ScratchDirectory()
        try Bench(directory.file("log")).write("one\n")
        let second = try Bench(directory.file("log"))
        try second.write("two\n")
        try second.write("three\n")
        #expect(try directory.text("log") == "one\ntwo\nthree\n")
    }

    struct Rotation: Sendable {
        var backups: Int
        var expected: [String: String]
    }

    @Test(arguments: [
        Rotation(backups: 0, expected: ["log": "eeee\n"]),
        Rotation(backups: 1, expected: ["log": "eeee\n", "log.1": "cccc\ndddd\n"]),
        Rotation(backups: 3, expected: ["log": "eeee\n", "log.1": "cccc\ndddd\n", "log.2": "aaaa\nbbbb\n"]),
    ]) func rotation(example: Rotation) throws {
        let directory = try ScratchDirectory()
        let bench = try Bench(directory.file("log"), maximumBytes: 10, backups: example.backups)
        try bench.write("aaaa\n")
        try bench.write("bbbb\ncc")
        try bench.write("cc\ndddd\neeee\n")
        for name in directory.names { #expect(try directory.text(name) == example.expected[name], "\(name)") }
        #expect(directory.names.count == example.expected.count)
    }

    /// Goal: /dev/shm is a file system like any other, not a place of devices.
    @Test func sharedMemoryRotates() throws {
        let path = "/dev/shm/warden-test-\(getpid())-rotation"
        defer { for name in [path, path + ".1"] { _ = unlink(name) } }
        let bench = try Bench(path, maximumBytes: 10, backups: 1)
        try bench.write("aaaa\nbbbb\ncccc\n")
        #expect(try readWhole(path) == Array("cccc\n".utf8))
        #expect(try readWhole(path + ".1") == Array("aaaa\nbbbb\n".utf8))
    }

    @Test func aLineWithoutAnEndRotatesInTheEnd() throws {
        let directory = try ScratchDirectory()
        let bench = try Bench(directory.file("log"), maximumBytes: 1000, backups: 2)
        for _ in 0..<80 { try bench.write(String(repeating: "x", count: 1000)) }
        #expect(try directory.contents("log.1").count == 1000 + LogFileLimits.unendedLineBytes)
        #expect(try directory.contents("log").count == 79_000 - LogFileLimits.unendedLineBytes)
    }

    @Test func truncationByOthersLeavesNoHole() throws {
        let directory = try ScratchDirectory()
        let bench = try Bench(directory.file("log"))
        try bench.write("one\n")
        try #require(truncate(directory.file("log"), 0) == 0)
        try bench.write("two\n")
        #expect(try directory.text("log") == "two\n")
    }

    /// Method: a file system of one page; it needs the right to mount.
    @Test func aFullDiskDropsCountsAndSaysSo() throws {
        let directory = try ScratchDirectory()
        let mountPoint = directory.file("small")
        try #require(mkdir(mountPoint, 0o700) == 0)
        defer { _ = rmdir(mountPoint) }
        guard mount("tmpfs", mountPoint, "tmpfs", 0, "size=8k") == 0 else { return }
        defer { _ = umount(mountPoint) }
        let page = String(repeating: "x", count: 4095) + "\n"
        let ballast = try Descriptor.open("\(mountPoint)/ballast", O_WRONLY | O_CREAT)
        try writeWhole(page, to: ballast.rawValue)
        let bench = try Bench("\(mountPoint)/log")
        #expect(try bench.write(page) == .written)
        #expect(try bench.write("lost 1\n", at: 1) == .dropped(ENOSPC))
        try #require(ftruncate(ballast.rawValue, 0) == 0)
        #expect(try bench.write("lost 2\n", at: 1.5) == .dropped(ENOSPC), "not asked again so soon")
        #expect(bench.log.droppedBytes == 14)
        #expect(try bench.write("back\n", at: 2.5) == .written)
        #expect(bench.log.droppedBytes == 0)
        #expect(bench.log.droppedBytesInAll == 14)
        let text = String(decoding: try readWhole("\(mountPoint)/log"), as: UTF8.self)
        #expect(text.hasSuffix("x\nwarden: 14 bytes dropped: No space left on device\nback\n"))
    }

    @Test func aFifoMakesItsWriterWaitAndKeepsTheOrder() throws {
        let directory = try ScratchDirectory()
        let path = directory.file("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        let bench = try Bench(path)
        var sent = 0
        var progress = LogFile.Progress.written
        while progress == .written {
            progress = try bench.write("\(sent % 10)")
            sent += 1
        }
        #expect(progress == .waiting(writtenBytes: 0))
        let reader = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        var buffer = [UInt8](repeating: 0, count: 65536)
        var received: [UInt8] = []
        while received.count < sent {
            received += try buffer.withUnsafeMutableBytes { raw in
                let size = try reader.read(into: raw) ?? 0
                return Array(raw[..<size])
            }
            _ = try bench.move()
        }
        #expect(received == (0..<sent).map { UInt8(ascii: "0") + UInt8($0 % 10) })
    }

    @Test func automaticNamesAreSupervisords() throws {
        let directory = try ScratchDirectory()
        var dice = Dice(seed: 1)
        let path = try LogFileName.makeAutomatic(
            in: directory.path, process: "a/b_00", stream: .standardError, identifier: "supervisor", dice: &dice)
        let name = try #require(directory.names.first)
        #expect(path == directory.file(name))
        #expect(name.hasPrefix("a_b_00-stderr---supervisor-"))
        #expect(name.utf8.count == "a_b_00-stderr---supervisor-12345678.log".utf8.count)
        #expect(LogFileName.isAutomatic(name, identifier: "supervisor"))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test(arguments: [
        ("x-stdout---supervisor-abcdefgh.log", true), ("x-stdout---supervisor-abcdefgh.log.1", true),
        ("x-stdout---other-abcdefgh.log", false), ("---supervisor-abcdefgh.log", false), ("x.log", false),
        ("x---supervisor-.log", false), ("x---supervisor-a b.log", false),
    ]) func automaticNamesAreKnown(name: String, expected: Bool) {
        #expect(LogFileName.isAutomatic(name, identifier: "supervisor") == expected)
    }

    @Test func whatCannotBeOpenedIsSaid() {
        #expect(throws: KernelFailure("open", "/nonexistent/log", ENOENT)) { try LogFileName.check("/nonexistent/log") }
    }
}
