import Testing
import WardenWire
import wardenctl

/// The shell: typing, completing, following.
@Suite struct ShellTests {
    /// The line after these bytes, with `|` where the cursor is.
    private static func typed(_ text: String, history: [String] = []) -> String {
        var editor = LineEditor(history: history)
        for byte in text.utf8 { _ = editor.take(byte) }
        return editor.beforeCursor + "|" + editor.line.dropFirst(editor.beforeCursor.count)
    }

    @Test(
        "Keys.",
        arguments: [
            ("stop x", "stop x|"), ("stop\u{7F}\u{08}", "st|"), ("\u{7F}", "|"), ("ab\u{02}c", "ac|b"),
            ("ab\u{1B}[D\u{1B}[Dc", "c|ab"), ("ab\u{1B}[Hc\u{1B}[Fd", "cabd|"), ("ab\u{1B}OH\u{1B}[3~", "|b"),
            ("ab\u{01}\u{04}\u{05}c", "bc|"), ("one two\u{17}x", "one x|"), ("one two\u{01}\u{0B}x", "x|"),
            ("one two\u{15}\u{19}\u{19}", "one twoone two|"), ("wö世", "wö世|"), ("wö\u{7F}x", "wx|"),
            ("a\u{1B}[1~b", "b|a"), ("a\u{1B}[200~b", "ab|"), ("a\u{1B}xb", "ab|"), ("\u{02}\u{06}a\u{06}", "a|"),
        ])
    func keys(_ bytes: String, _ expected: String) {
        #expect(Self.typed(bytes) == expected)
    }

    @Test(
        "The history is walked up and down, and what was typed comes back.",
        arguments: [
            ("\u{10}", "two|"), ("\u{10}\u{10}", "one|"), ("\u{10}\u{10}\u{10}", "one|"), ("x\u{10}\u{0E}", "x|"),
            ("\u{1B}[A\u{1B}[A\u{1B}[B!", "two!|"), ("\u{0E}", "|"),
        ])
    func history(_ bytes: String, _ expected: String) {
        #expect(Self.typed(bytes, history: ["one", "two"]) == expected)
    }

    @Test("What ends a line, and what is asked for.")
    func outcomes() {
        var editor = LineEditor()
        #expect(editor.take(0x04) == .ended)
        #expect(editor.take(0x61) == .edited)
        #expect(editor.take(0x04) == .edited)
        #expect(editor.take(0x09) == .completionWanted)
        #expect(editor.take(0x0C) == .redrawWanted)
        #expect(editor.take(0x03) == .interrupted)
        #expect(editor.take(0x0D) == .accepted("a"))
    }

    @Test("Bytes that are no character do not stay.")
    func brokenCharacters() {
        var editor = LineEditor()
        for byte in [0xC3, 0x61, 0xFF, 0x80, 0x62] as [UInt8] { _ = editor.take(byte) }
        #expect(editor.line == "ab")
    }

    @Test("A long line is drawn around its cursor.")
    func drawing() {
        var editor = LineEditor()
        editor.insert("status")
        #expect(editor.drawing(prompt: "p> ", width: 80) == "\rp> status\u{1B}[K\r\u{1B}[9C")
        editor.insert(String(repeating: "x", count: 50) + "end")
        let drawn = editor.drawing(prompt: "p> ", width: 20)
        #expect(drawn.contains("xend") && !drawn.contains("status"))
        #expect(drawn.hasSuffix("\r\u{1B}[18C"))
    }

    private static let entries = [
        ProcessEntry(info("cat", "cat", 20, "RUNNING")), ProcessEntry(info("many", "many_00", 20, "RUNNING")),
        ProcessEntry(info("many", "many_01", 20, "RUNNING")),
    ]

    @Test(
        "Completion knows commands, groups and processes.",
        arguments: [
            ("sto", ["stop"], "p "), ("re", ["reload", "remove", "replay", "reread", "restart", "resume-health"], ""),
            ("res", ["restart", "resume-health"], ""), ("start c", ["cat"], "at "),
            ("start m", ["many:many_00", "many:*", "many:many_01"], "any:"),
            ("start many:many_0", ["many:many_00", "many:many_01"], ""), ("start cat:", ["cat:cat", "cat:*"], ""),
            ("update ", ["cat", "many"], ""), ("help sta", ["start", "status"], ""), ("version x", [], ""),
            ("start cat man", ["many:many_00", "many:*", "many:many_01"], "y:"), ("start nobody", [], ""),
        ] as [(String, [String], String)])
    func completion(_ line: String, _ candidates: [String], _ addition: String) {
        let completion = Completion(line, entries: Self.entries)
        #expect(completion.candidates == candidates)
        #expect(completion.addition == addition)
    }

    @Test("Names cost a call, and are only asked for where they can stand.")
    func namesWanted() {
        #expect(Completion.wantsNames("start x"))
        #expect(Completion.wantsNames("update "))
        #expect(!Completion.wantsNames("start"))
        #expect(!Completion.wantsNames("version "))
    }

    private static func server(_ state: Int64 = 20) -> FakeServer {
        let server = FakeServer()
        server.answers["supervisor.getProcessInfo"] = .success(info("cat", "cat", state, "RUNNING"))
        server.answers["supervisor.sendProcessStdin"] = .success(.bool(true))
        server.answers["supervisor.getAllProcessInfo"] = .success(.array([info("cat", "cat", 20, "RUNNING", "x")]))
        return server
    }

    @Test("fg shows both outputs and passes on what is typed, until the input ends.")
    func foreground() async {
        let server = Self.server()
        server.chunks = ["hello\n"]
        let result = await result(of: "fg cat", server, typed: ["one", "two"])
        #expect(result.lines == ["==> Press Ctrl-C to exit <==", "raw hello\n", "Exiting foreground"])
        #expect(result.exitCode == 0)
        #expect(
            server.asked.filter { $0.hasPrefix("supervisor.send") || $0.hasPrefix("STREAM") } == [
                "STREAM /logtail/cat/stdout", "STREAM /logtail/cat/stderr", "supervisor.sendProcessStdin cat one\n",
                "supervisor.sendProcessStdin cat two\n",
            ])
    }

    @Test("fg ends when the process does.")
    func foregroundOfTheDead() async {
        let server = Self.server()
        server.answers["supervisor.sendProcessStdin"] = .failure(.fault(.init(.notRunning, "cat")))
        let result = await result(of: "fg cat", server, typed: ["one", "two"])
        #expect(result.lines.suffix(2) == ["Process got killed", "Exiting foreground"])
        #expect(server.asked.filter { $0.hasPrefix("supervisor.send") }.count == 1)
    }

    @Test(
        "What fg refuses.",
        arguments: [
            ("fg cat", 0, "ERROR: process not running"), ("fg a b", 20, "ERROR: too many process names supplied"),
            ("fg", 20, "ERROR: no process name supplied"),
        ] as [(String, Int64, String)])
    func foregroundRefused(_ line: String, _ state: Int64, _ expected: String) async {
        let result = await result(of: line, Self.server(state))
        #expect(result.lines.first == expected)
        #expect(result.exitCode == 1)
    }

    @Test("open turns to another server, and its status does not change the exit code.")
    func open() async {
        let server = Self.server()
        server.answers["supervisor.getAllProcessInfo"] = .success(.array([info("cat", "cat", 0, "STOPPED", "x")]))
        let opened = await result(of: "open unix:///run/other.sock", server)
        #expect(opened.exitCode == 0)
        #expect(server.address == "unix:///run/other.sock")
        let refused = await result(of: "open ftp://x", server)
        #expect(refused == CommandResult(lines: ["ERROR: url must be http:// or unix://"], exitCode: 1))
    }
}
