import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: capture mode parts a stream at its tokens wherever its reads are cut, and loses nothing.
@Suite struct CaptureTests {
    private static let begin = "<!--XSUPERVISOR:BEGIN-->"
    private static let end = "<!--XSUPERVISOR:END-->"

    /// What the pieces of a stream add up to.
    private struct Sum: Equatable {
        var plain = ""
        var captured = ""
        var communications: [String] = []
    }

    private static func sum(_ text: String, cutAt size: Int, maximum: Int = 100) -> Sum {
        var filter = CaptureFilter(maximumBytes: maximum)
        var sum = Sum()
        let add = { (piece: CaptureFilter.Piece) in
            switch piece {
            case .plain(let bytes): sum.plain += String(decoding: bytes, as: UTF8.self)
            case .captured(let bytes): sum.captured += String(decoding: bytes, as: UTF8.self)
            case .communication(let bytes): sum.communications.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            bytes[start..<min(bytes.count, start + size)].withUnsafeBytes { filter.take($0, add) }
        }
        filter.finish(add)
        return sum
    }

    /// Method: each stream in pieces of every size.
    @Test(
        arguments: [
            ("", "", []), ("plain\n", "plain\n", []), ("<", "<", []),
            ("a<!--XSUPERVISOR:BEGIN--", "a<!--XSUPERVISOR:BEGIN--", []),
            ("hello\(begin)x\(end)post\n", "hellopost\n", ["x"]), ("\(begin)\(end)", "", [""]),
            ("\(begin)a\(end)\(begin)b\(end)", "", ["a", "b"]),
            ("<<!--<\(begin)<!--X\(end)<", "<<!--<<", ["<!--X"]),
            ("\(end)a\(begin)\(begin)\(end)", "\(end)a", [begin]),
            // A capture without its end is not lost.
            ("a\(begin)never ended<!--XSUPERVISOR:EN", "anever ended<!--XSUPERVISOR:EN", []),
        ] as [(String, String, [String])])
    func pieces(stream: String, plain: String, communications: [String]) {
        for size in 1...max(1, stream.utf8.count) {
            let sum = Self.sum(stream, cutAt: size)
            #expect(sum.plain == plain, "in pieces of \(size)")
            #expect(sum.communications == communications, "in pieces of \(size)")
        }
    }

    /// Goal: the last bytes are kept, as many as configured, whatever the reads.
    @Test(arguments: [1, 3, 7, 1000]) func fifo(size: Int) {
        let text = Self.begin + String((0..<500).map { Character(String($0 % 10)) }) + Self.end
        let sum = Self.sum(text, cutAt: size, maximum: 10)
        #expect(sum.communications == ["0123456789"])
        #expect(sum.captured.count == 500)
    }

    /// Goal: characters that are split between reads are whole; what is no UTF-8 is replaced.
    @Test(
        arguments: [
            ([0x77, 0xC3, 0xB6], "wö"), ([0xF0, 0x9F, 0x98, 0x80], "😀"), ([0xFF, 0x41], "\u{FFFD}A"),
            ([0x41, 0xC3], "A\u{FFFD}"), ([0xE2, 0x82], "\u{FFFD}"), ([0xE2, 0x82, 0xAC, 0x80], "€\u{FFFD}"), ([], ""),
        ] as [([UInt8], String)])
    func decoding(bytes: [UInt8], expected: String) {
        for size in 1...max(1, bytes.count) {
            var decoder = TextDecoder()
            var text = ""
            for start in stride(from: 0, to: bytes.count, by: size) {
                text += decoder.decode(bytes[start..<min(bytes.count, start + size)])
            }
            text += decoder.finish()
            #expect(text == expected, "in pieces of \(size)")
        }
    }

    // MARK: - In the pump

    private static func outputs(_ news: [PumpWorld.News]) -> [WorkerOutput] {
        news.compactMap { if case .wrote(let output) = $0 { output } else { nil } }
    }

    private static func treatment(events: Bool = false, capture: Int = 0) -> StreamTreatment {
        var treatment = StreamTreatment()
        treatment.pid = 77
        treatment.emitsEvents = events
        treatment.captureBytes = capture
        return treatment
    }

    /// Goal: the log has what stands outside the tokens to the last byte, the events the rest.
    @Test func captured() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        do {
            let out = try world.attach(
                id, to: .file(path: directory.file("out"), maximumBytes: 0, backupCount: 0),
                treatment: Self.treatment(events: true, capture: 100))
            try writeWhole("hello\(Self.begin)x\(Self.end)post\n<!--", to: out.rawValue)
        }
        #expect(world.pump.workerExited(id) == .accepted)
        let outputs = Self.outputs(try world.waitClosed(id))
        #expect(try directory.text("out") == "hellopost\n<!--")
        #expect(outputs.allSatisfy { $0.pid == 77 && $0.worker == id && $0.channel == .stdout })
        #expect(outputs.filter { $0.kind == .communication }.map(\.text) == ["x"])
        #expect(outputs.filter { $0.kind == .log }.map(\.text).joined() == "helloxpost\n<!--")
    }

    /// Goal: without capture the log is as ever, and the events say the same.
    @Test func told() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        let text = String(repeating: "wörld\n", count: 50_000)
        do {
            let out = try world.attach(
                id, to: .file(path: directory.file("out"), maximumBytes: 0, backupCount: 0), stream: .standardError,
                treatment: Self.treatment(events: true))
            try writeWhole(text, to: out.rawValue)
        }
        #expect(world.pump.workerExited(id) == .accepted)
        let outputs = Self.outputs(try world.waitClosed(id))
        #expect(try directory.text("out") == text)
        #expect(outputs.map(\.text).joined() == text)
        #expect(outputs.allSatisfy { $0.channel == .stderr && $0.text.utf8.count <= PumpLimits.eventBytes + 3 })
    }

    /// Goal: a fifo that nobody reads makes a captured worker wait and loses nothing, and nobody else waits.
    @Test func fullFifo() throws {
        let world = try PumpWorld(drainAfterExit: .seconds(30))
        let directory = try ScratchDirectory()
        let path = directory.file("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        let reader = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        let count = 300_000
        let id = worker(1)
        let out = try world.attach(
            id, to: .file(path: path, maximumBytes: 0, backupCount: 0), treatment: Self.treatment(capture: 10))
        try out.setNonblocking()
        let line = Array((String(repeating: "y", count: 99) + "\n").utf8)
        var written = 0
        var received = 0
        var buffer = [UInt8](repeating: 0, count: 65536)
        // Writes until the pipe is full, then reads what came through, in turns.
        let deadline = MonotonicClock.now() + .seconds(20)
        while received < count, MonotonicClock.now() < deadline {
            while written < count, let taken = try line.withUnsafeBytes({ try out.write($0) }) { written += taken }
            // An empty fifo with a writer answers EAGAIN: `nil`.
            if let size = try buffer.withUnsafeMutableBytes({ try reader.read(into: $0) }) { received += size }
        }
        #expect(written == received)
        #expect(received == count)
    }

    /// Goal: a listener's words are told, its log has its bytes, and after `disregard` only the log.
    @Test func listener() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        var treatment = StreamTreatment()
        treatment.isListener = true
        let said = { (news: [PumpWorld.News]) in
            news.flatMap { one -> [ListenerWord] in if case .said(id, let words) = one { words } else { [] } }
        }
        do {
            let out = try world.attach(
                id, to: .file(path: directory.file("out"), maximumBytes: 0, backupCount: 0), treatment: treatment)
            try writeWhole("READY\nRESULT 2\nOKREA", to: out.rawValue)
            try world.wait("words") { said($0).count == 3 }
            #expect(world.pump.disregard(id) == .accepted)
            try writeWhole("DY\n", to: out.rawValue)
        }
        #expect(world.pump.workerExited(id) == .accepted)
        let news = try world.waitClosed(id)
        #expect(said(news).prefix(3) == [.ready, .talking, .result(isOK: true)])
        #expect(try directory.text("out") == "READY\nRESULT 2\nOKREADY\n")
    }
}
