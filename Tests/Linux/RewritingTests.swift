import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite struct RewritingTests {
    private static func pieces(_ bytes: [UInt8], of size: Int) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
    }

    // MARK: - strip_ansi

    /// Goal: codes go, text stays, wherever the reads are cut.
    @Test(arguments: [
        ("plain\n", "plain\n"), ("\u{1B}[31mred\u{1B}[0m\n", "red\n"), ("a\u{1B}[2Kb\u{1B}[1;32;40mc", "abc"),
        ("\u{1B}]0;title\u{07}x", "x"), ("\u{1B}]8;;http://x\u{1B}\\link", "link"), ("\u{1B}(Bx\u{1B}7y", "xy"),
        ("\u{1B}]0;no end\nnext\n", "\nnext\n"), ("\u{1B}[31\nnext", "\nnext"), ("\u{1B}[3ö", "ö"),
        ("end\u{1B}", "end"),
        ("\u{1B}\u{1B}[1mx", "x"), ("a\r\u{1B}[Kb\r\n", "a\rb\r\n"), ("wörld \u{1B}[1m世界", "wörld 世界"),
    ])
    func stripped(text: String, expected: String) {
        for size in 1...text.utf8.count {
            var filter = TerminalFilter()
            var plain: [UInt8] = []
            for piece in Self.pieces(Array(text.utf8), of: size) {
                piece.withUnsafeBytes { filter.take($0, into: &plain) }
            }
            #expect(String(decoding: plain, as: UTF8.self) == expected, "reads of \(size) bytes")
        }
    }

    // MARK: - log_prefix

    private static func prefixer(_ pieces: [LinePrefix.Piece]) -> LinePrefixer {
        let origin = StreamOrigin(SlotName(group: "g", process: "p_0"), program: "p")
        return LinePrefixer(LinePrefix(pieces), origin, pid: 7, .standardError)
    }

    /// Goal: each line has its prefix once, wherever the reads are cut, and the last one gets its end.
    @Test(arguments: [
        ("a\nb\n", "> a\n> b\n"), ("a\n\nb", "> a\n> \n> b\n"), ("", ""), ("\n", "> \n"), ("no end", "> no end\n"),
    ])
    func prefixed(text: String, expected: String) {
        for size in 1...max(1, text.utf8.count) {
            var prefixer = Self.prefixer([.text("> ")])
            var lines: [UInt8] = []
            for piece in Self.pieces(Array(text.utf8), of: size) {
                piece.withUnsafeBytes {
                    prefixer.take($0, time: WallTime(microseconds: 0), at: MonotonicClock.now(), into: &lines)
                }
            }
            prefixer.finish(into: &lines)
            #expect(String(decoding: lines, as: UTF8.self) == expected, "reads of \(size) bytes")
            #expect(prefixer.heldSince == nil)
        }
    }

    /// Goal: every field says what its name says.
    @Test func fields() {
        let fields: [LinePrefix.Field] = [.utc, .name, .group, .program, .pid, .stream]
        var prefixer = Self.prefixer(fields.flatMap { [.field($0), .text("|")] })
        var lines: [UInt8] = []
        Array("x\n".utf8).withUnsafeBytes {
            prefixer.take($0, time: WallTime(microseconds: 1_500_000), at: MonotonicClock.now(), into: &lines)
        }
        #expect(String(decoding: lines, as: UTF8.self) == "1970-01-01T00:00:01.500Z|p_0|g|p|7|stderr|x\n")
    }

    /// Goal: what can be held is bounded; a line past it goes on without a second prefix.
    @Test func longLine() {
        var prefixer = Self.prefixer([.text("> ")])
        var lines: [UInt8] = []
        let long = [UInt8](repeating: 0x78, count: PumpLimits.heldLineBytes)
        for _ in 0..<3 {
            long.withUnsafeBytes {
                prefixer.take($0, time: WallTime(microseconds: 0), at: MonotonicClock.now(), into: &lines)
            }
        }
        #expect(lines.count == 3 * PumpLimits.heldLineBytes + 2)
        prefixer.finish(into: &lines)
        #expect(lines == Array("> ".utf8) + long + long + long + [0x0A])
    }

    // MARK: - In the pump

    private static func treatment(_ change: (inout StreamTreatment) -> Void) -> StreamTreatment {
        var treatment = StreamTreatment()
        treatment.pid = 77
        treatment.origin = StreamOrigin(SlotName(group: "g", process: "p"), program: "p")
        change(&treatment)
        return treatment
    }

    /// Goal: all that rewrites works together, on more than one read takes, and keeps every byte in order.
    @Test func together() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        let count = 20_000
        do {
            let out = try world.attach(
                id, to: .file(path: directory.file("out"), maximumBytes: 0, backupCount: 0),
                treatment: Self.treatment {
                    $0.stripsANSI = true
                    $0.captureBytes = 10
                    $0.prefix = LinePrefix([.field(.name), .text(" ")])
                })
            let lines = (0..<count).map {
                "\u{1B}[1mline \($0)\u{1B}[0m<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:END-->\n"
            }
            try writeWhole(lines.joined() + "last", to: out.rawValue)
        }
        #expect(world.pump.workerExited(id) == .accepted)
        try world.waitClosed(id)
        let expected = (0..<count).map { "p line \($0)\n" }.joined() + "p last\n"
        #expect(try directory.text("out") == expected)
    }

    /// Goal: two workers that share a log do not mix their lines.
    @Test func shared() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let target = LogTarget.file(path: directory.file("out"), maximumBytes: 0, backupCount: 0)
        do {
            let treatment = Self.treatment { $0.prefix = LinePrefix([.field(.stream), .text(" ")]) }
            let first = try world.attach(worker(1), to: target, treatment: treatment)
            let second = try world.attach(worker(2), to: target, stream: .standardError, treatment: treatment)
            for half in ["begin ", "end\n"] {
                try writeWhole(half, to: first.rawValue)
                try writeWhole(half, to: second.rawValue)
            }
        }
        for slot: UInt32 in [1, 2] {
            #expect(world.pump.workerExited(worker(slot)) == .accepted)
            try world.waitClosed(worker(slot))
        }
        let lines = try directory.text("out").split(separator: "\n").sorted()
        #expect(lines == ["stderr begin end", "stdout begin end"])
    }

    /// Goal: a prompt, which has no end, is in the log while its worker lives.
    @Test func prompt() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        let path = directory.file("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        let reader = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        let out = try world.attach(
            id, to: .file(path: path, maximumBytes: 0, backupCount: 0),
            treatment: Self.treatment { $0.prefix = LinePrefix([.text("> ")]) })
        try writeWhole("name? ", to: out.rawValue)
        var seen: [UInt8] = []
        var place = pollfd(fd: reader.rawValue, events: Int16(POLLIN), revents: 0)
        while String(decoding: seen, as: UTF8.self) != "> name? ", poll(&place, 1, 20_000) > 0 {
            var buffer = [UInt8](repeating: 0, count: 64)
            let size = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } ?? 0
            seen += buffer[..<size]
        }
        #expect(String(decoding: seen, as: UTF8.self) == "> name? ")
    }

    /// Goal: copies for the daemon's log and events have what the log has, without changing it.
    @Test func copied() throws {
        let inbox = try Mailbox<String>(capacity: 1000)
        let closed = try Mailbox<WorkerID>(capacity: 10)
        let pump = try Pump(
            reports: PumpReports(
                facts: { _, _ in }, closed: { _ = closed.post($0) },
                copied: { _ = inbox.post("\($0.name) \($1.rawValue) \($2)") }))
        defer { pump.stop() }
        let directory = try ScratchDirectory()
        let pipe = try Pipe()
        _ = pump.attach(
            worker(1), .standardOutput, try pipe.reader.duplicate(),
            to: .file(path: directory.file("out"), maximumBytes: 0, backupCount: 0), rules: ScanRules(),
            treatment: Self.treatment { $0.isCopied = true })
        try writeWhole("hello\n", to: pipe.writer.rawValue)
        #expect(pump.workerExited(worker(1)) == .accepted)
        #expect(closed.wait(until: MonotonicClock.now() + .seconds(20)))
        #expect(inbox.drain() == ["p stdout hello\n"])
        #expect(try directory.text("out") == "hello\n")
    }
}
