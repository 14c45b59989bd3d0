import Glibc
import Testing
import WardenCore
import WardenLinux

/// A system log that is read by the test.
private struct FakeSyslog: ~Copyable {
    let socket: Descriptor

    init(_ path: String) throws {
        socket = Descriptor(owning: try Self.listen(path))
    }

    private static func listen(_ path: String) throws -> CInt {
        let number = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        try #require(number >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0, "errno \(errno)")
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        _ = setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return number
    }

    /// The next message, without what stands before its text.
    func next() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let size = recv(socket.rawValue, &buffer, buffer.count, 0)
        try #require(size > 0, "no message: errno \(errno)")
        let text = String(decoding: buffer[..<size], as: UTF8.self)
        #expect(text.hasPrefix("<14>"))
        return text.split(separator: " tester: ", maxSplits: 1).dropFirst().joined()
    }
}

@Suite struct SyslogTests {
    private static func treatment() -> StreamTreatment {
        var treatment = StreamTreatment()
        treatment.origin = StreamOrigin(SlotName(group: "g", process: "p"), program: "p")
        treatment.writesSyslog = true
        return treatment
    }

    /// Goal: each line is a message of its own, the log has the same bytes, and more than fits at once is not lost.
    @Test func lines() throws {
        let directory = try ScratchDirectory()
        let log = try FakeSyslog(directory.file("dev-log"))
        let sender = try SyslogSender(path: directory.file("dev-log"), identifier: "tester") { _ in
            Issue.record("lines were lost")
        }
        let closed = try Mailbox<WorkerID>(capacity: 10)
        let pump = try Pump(
            reports: PumpReports(facts: { _, _ in }, closed: { _ = closed.post($0) }), syslog: sender,
            drainAfterExit: .seconds(60))
        let ends = try Pipe().takeEnds()
        _ = pump.attach(
            worker(1), .standardOutput, Descriptor(owning: ends.reader),
            to: .file(path: directory.file("out"), maximumBytes: 0, backupCount: 0), rules: ScanRules(),
            treatment: Self.treatment())
        // The socket holds a few hundred messages: the sender waits, and then the pump.
        let texts = (0..<30_000).map { "line \($0) \(String(repeating: "x", count: 60))" } + ["last"]
        let whole = texts.joined(separator: "\n")
        let writer = try NamedThread.start(name: "writer") { [number = ends.writer] in
            let end = Descriptor(owning: number)
            // What is missing is found below.
            try? writeWhole(whole, to: end.rawValue)
        }
        for text in texts.dropLast() { #expect(try log.next() == "p \(text)") }
        writer.join()
        #expect(pump.workerExited(worker(1)) == .accepted)
        #expect(try log.next() == "p last")
        #expect(closed.wait(until: MonotonicClock.now() + .seconds(20)))
        pump.stop()
        sender.stop()
        #expect(try directory.text("out") == whole)
    }

    /// Goal: where nobody listens, that is said once, nobody waits, and the lines come again when somebody does.
    @Test func nobodyListens() throws {
        let directory = try ScratchDirectory()
        let told = try Mailbox<LogTrouble>(capacity: 100)
        let sender = try SyslogSender(path: directory.file("dev-log"), identifier: "tester") { _ = told.post($0) }
        defer { sender.stop() }
        for number in 0..<100 { sender.post(Array("line \(number)\n".utf8), of: [], at: WallClock.now()) }
        #expect(told.wait(until: MonotonicClock.now() + .seconds(20)))
        let first = told.drain()
        #expect(first.count == 1)
        #expect(first.first?.failure?.errorNumber == ENOENT)
        let log = try FakeSyslog(directory.file("dev-log"))
        let deadline = MonotonicClock.now() + .seconds(20)
        var isBack = false
        while !isBack, MonotonicClock.now() < deadline {
            sender.post(Array("again\n".utf8), of: [], at: WallClock.now())
            isBack = told.wait(until: MonotonicClock.now() + .milliseconds(20))
        }
        #expect(told.drain().map(\.failure) == [nil])
        #expect(try log.next() == "again")
    }

    /// Goal: a message has syslog(3)'s form, and one line of any length is one message.
    @Test func form() throws {
        let directory = try ScratchDirectory()
        let log = try FakeSyslog(directory.file("dev-log"))
        var socket = SyslogSocket(path: directory.file("dev-log"), identifier: "tester")
        try socket.send(Array("a\u{0}b".utf8), at: WallTime(microseconds: 0))
        #expect(try log.next() == "a b")
        try socket.send([UInt8](repeating: 0x78, count: 100_000), at: WallTime(microseconds: 0))
        #expect(try log.next().utf8.count == SyslogLimits.lineBytes)
    }
}
