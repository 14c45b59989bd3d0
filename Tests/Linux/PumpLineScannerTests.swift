import Testing
import WardenCore
import WardenLinux

/// Goal: every way in which bytes become lines and lines become facts, by a table of outputs.
@Suite struct PumpLineScannerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var chunks: [[UInt8]]
        var lines: UInt64 = 0
        var errors: UInt64 = 0
        var progress: UInt64 = 0
        var exhausted = false
        var last: String?
        var testDescription: String { name }

        init(
            _ name: String, _ chunks: [String], lines: UInt64, errors: UInt64 = 0, progress: UInt64 = 0,
            exhausted: Bool = false, last: String? = nil
        ) {
            self.name = name
            self.chunks = chunks.map { Array($0.utf8) }
            (self.lines, self.errors, self.progress) = (lines, errors, progress)
            self.exhausted = exhausted
            self.last = last
        }
    }

    static let cases: [Case] = [
        Case("one line", ["hello\n"], lines: 1, last: "hello"),
        Case("no end", ["hello"], lines: 0),
        Case("split line", ["Bat", "ch 1", "\n"], lines: 1, progress: 1, last: "Batch 1"),
        Case("split twice", ["a\nBat", "ch 2\nb", "c\n"], lines: 3, progress: 1, last: "bc"),
        Case("CR LF", ["a\r\nb\r\n"], lines: 2, last: "b"),
        Case("CR LF split", ["a\r", "\nb\r", "\n"], lines: 2, last: "b"),
        Case("empty lines", ["\n\n\n"], lines: 3),
        Case("empty CR LF lines", ["\r\n\r\n"], lines: 2),
        Case("progress bar", ["\r 1%", "\r 2%", "\r 3%\n"], lines: 3, last: "3%"),
        Case("progress bar in one read", ["\r1\r2\r3\n"], lines: 3, last: "3"),
        Case("lone CR", ["\r", "x\n"], lines: 1, last: "x"),
        Case("colours", ["\u{1B}[31mBat\u{1B}[0mch 7\u{1B}[K\n"], lines: 1, progress: 1, last: "Batch 7"),
        Case("window title", ["\u{1B}]0;Batch 1\u{07}x\n"], lines: 1, last: "x"),
        Case("broken colour", ["\u{1B}[3Batch 1\n", "\u{1B}"], lines: 1, last: "atch 1"),
        Case("NUL", ["a\0b\n"], lines: 1, last: "ab"),
        Case("error", ["boom: failed\n"], lines: 1, errors: 1, last: "boom: failed"),
        Case("error and progress", ["Batch 1 failed\n"], lines: 1, errors: 1, last: "Batch 1 failed"),
        Case("coloured EMFILE", ["Too \u{1B}[1mmany open\u{1B}[0m files\n"], lines: 1, errors: 1, exhausted: true),
        Case("split EMFILE", ["Too many op", "en files\n"], lines: 1, errors: 1, exhausted: true),
        Case("EMFILE among others", ["a\nb\nx EMFILE y\nc\n"], lines: 4, errors: 1, exhausted: true, last: "c"),
    ]

    @Test(arguments: cases) func linesAndFacts(_ example: Case) throws {
        let scanner = try makeScanner()
        for (index, chunk) in example.chunks.enumerated() {
            chunk.withUnsafeBytes { scanner.take($0, from: .standardOutput, at: instant(Double(index) / 1000)) }
        }
        #expect(scanner.lineCount == example.lines)
        let facts = try #require(scanner.report(drainedAt: instant(9)))
        #expect(facts.errorLineCount == example.errors)
        #expect(facts.progressLineCount == example.progress)
        #expect(facts.episodes.contains { $0.saysDescriptorsExhausted } == example.exhausted)
        #expect(facts.drainedAt == instant(9))
        if let last = example.last { #expect(facts.lastLine?.trimmedSpaces == last) }
    }

    static let spellings: [(String, ExhaustionReport)] = [
        ("[error    ] [GPU 0] Failed: [Errno 24] Too many open files", .process),
        ("(Caused by SSLError(OSError(24, 'Too many open files')))", .process),
        ("Too many open files. Communication with the workers is no longer possible", .process),
        ("Error: Os { code: 24, message: \"Too many open files (os error 24)\" }", .process),
        ("failed: os error 24", .process),
        ("accept tcp [::]:80: accept4: too many open files", .process),
        ("java.net.SocketException: Too many open files", .process),
        ("Error: EMFILE: too many open files, open '/x'", .process),
        ("Error: spawn node EMFILE", .process),
        ("2026/01/01 [alert] 7#7: accept4() failed (24: Too many open files)", .process),
        ("errno=24", .process),
        ("OSError: [Errno 23] Too many open files in system", .host),
        ("open: ENFILE: file table overflow", .host),
        ("401 Client Error: Unauthorized", .none),
        ("processed 24 errors", .none),
        ("[Errno 240]", .none),
        ("NOEMFILES", .none),
        ("[Errno -2] Name or service not known", .none),
    ]

    @Test(arguments: spellings) func exhaustion(line: String, expected: ExhaustionReport) throws {
        let pattern = try ExhaustionPattern()
        let matcher = PatternMatcher()
        Array(line.utf8).withUnsafeBytes { bytes in
            #expect(pattern.report(of: bytes, matcher) == expected)
            if expected != .none { #expect(pattern.mayOccur(in: bytes, matcher)) }
        }
    }

    @Test func errorsWithinASecondAreOneEpisode() throws {
        let scanner = try makeScanner()
        for tenth in 0..<25 { scanner.write("failed \(tenth)\n", at: Double(tenth) / 10) }
        let facts = try #require(scanner.report(drainedAt: instant(3)))
        #expect(facts.errorLineCount == 25)
        #expect(facts.episodes.map(\.mark.line) == [1, 11, 21])
        #expect(facts.episodes.first?.text == "failed 0")
    }

    @Test func theWordThatMattersIsNotLostInAnEpisodeThatWasReported() throws {
        let scanner = try makeScanner()
        scanner.write("failed\n", at: 0)
        #expect(scanner.isUrgent)
        let first = try #require(scanner.report(drainedAt: instant(0)))
        #expect(first.episodes.map(\.saysDescriptorsExhausted) == [false])
        scanner.write("Too many open files\n", at: 0.1)
        #expect(scanner.isUrgent)
        scanner.write("Too many open files\n", at: 0.2)
        let second = try #require(scanner.report(drainedAt: instant(1)))
        #expect(second.episodes.map(\.saysDescriptorsExhausted) == [true])
        #expect(second.episodes.map(\.mark.line) == [2])
    }

    @Test func anEpisodeNotYetReportedTakesTheWordOn() throws {
        let scanner = try makeScanner()
        scanner.write("failed\nToo many open files\n", at: 0)
        let facts = try #require(scanner.report(drainedAt: instant(0)))
        #expect(facts.episodes.map(\.saysDescriptorsExhausted) == [true])
        #expect(facts.episodes.map(\.text) == ["failed"])
    }

    @Test func aLongLineIsScannedToItsLimitOnly() throws {
        let scanner = try makeScanner()
        let limit = PumpLimits.scannedLineBytes
        scanner.write(String(repeating: "x", count: limit) + "failed\n", at: 0)
        #expect(scanner.unscannedBytes == 6)
        for _ in 0..<3 { scanner.write(String(repeating: "y", count: limit), at: 0) }
        scanner.write("failed\nfailed\n", at: 1)
        #expect(scanner.unscannedBytes == UInt64(6 + 2 * limit + 6))
        let facts = try #require(scanner.report(drainedAt: instant(1)))
        #expect(facts.errorLineCount == 1)
        #expect(scanner.lineCount == 3)
        #expect(facts.lastLine == "failed")
    }

    @Test(arguments: [1, 7, 8, 9, 2039, 2040, 2041, 100_003]) func manyLinesAreCountedWhole(count: Int) throws {
        let scanner = try makeScanner()
        scanner.write(String(repeating: "\n", count: count), at: 0)
        #expect(scanner.lineCount == UInt64(count))
        scanner.write(String(repeating: "ab\n", count: count), at: 0)
        #expect(scanner.lineCount == UInt64(2 * count))
    }

    @Test func dotsAreLifeWithoutAPattern() throws {
        let scanner = try makeScanner()
        scanner.write("a\n.", at: 1)
        scanner.write(".", at: 2)
        let facts = try #require(scanner.report(drainedAt: instant(3)))
        #expect(facts.lastAlive == LogFacts.Mark(line: 2, at: instant(2)))
        let picky = try makeScanner(alive: "^beat")
        picky.write("noise\n", at: 1)
        #expect(try #require(picky.report(drainedAt: instant(2))).lastAlive == nil)
        picky.write("noise\nbeat\nnoise\nBatch 1\nnoise\n", at: 3)
        #expect(try #require(picky.report(drainedAt: instant(4))).lastAlive?.line == 5)
    }

    @Test func bothStreamsAreOneSequence() throws {
        let scanner = try makeScanner()
        scanner.write("Bat", at: 0)
        scanner.write("failed\n", from: .standardError, at: 0.1)
        scanner.write("ch 1\n", at: 0.2)
        let facts = try #require(scanner.report(drainedAt: instant(1)))
        #expect(facts.episodes.map(\.mark.line) == [1])
        #expect(facts.lastProgress?.line == 2)
    }

    @Test func aRestAtTheEndIsALine() throws {
        let scanner = try makeScanner()
        scanner.write("failed", at: 0)
        scanner.finish(.standardOutput, at: instant(1))
        scanner.finish(.standardOutput, at: instant(1))
        #expect(try #require(scanner.report(drainedAt: instant(1))).errorLineCount == 1)
        #expect(scanner.lineCount == 1)
    }

    @Test func episodesAreBoundedAndTheOldestGo() throws {
        let scanner = try makeScanner()
        for second in 0..<100 { scanner.write("failed\n", at: Double(second)) }
        let facts = try #require(scanner.report(drainedAt: instant(100)))
        #expect(facts.episodes.count == Limits.errorEpisodes)
        #expect(facts.episodes.last?.mark.line == 100)
        #expect(scanner.report(drainedAt: instant(101)) == nil)
    }

    @Test func quotedTextIsCleanAndBounded() throws {
        let scanner = try makeScanner()
        let odd: [UInt8] = Array("a\u{1B}[1m\u{07}\u{202E}b\tc ".utf8) + [0xFF, 0xC3, 0x28] + [10]
        odd.withUnsafeBytes { scanner.take($0, from: .standardOutput, at: instant(0)) }
        #expect(try #require(scanner.report(drainedAt: instant(0))).lastLine == "ab c \u{FFFD}\u{FFFD}(")
        scanner.write(String(repeating: "ö", count: 3000) + "\n", at: 1)
        let line = try #require(scanner.report(drainedAt: instant(1))?.lastLine)
        #expect(line.utf8.count == Limits.quotedLineBytes)
    }

    @Test func theLastLinesAreKept() throws {
        let scanner = try makeScanner()
        for index in 0..<5000 { scanner.write("line \(index)\n", at: 0) }
        let kept = scanner.lastLines()
        #expect(kept == (4950..<5000).map { "line \($0)" })
        let wide = try makeScanner()
        for index in 0..<100 { wide.write("\(index)" + String(repeating: "x", count: 500) + "\n", at: 0) }
        #expect(wide.lastLines().last?.hasPrefix("99x") == true)
        #expect((14...16).contains(wide.lastLines().count))
    }

    /// Method: the same bytes, cut in every way the dice say, must give the same lines as in one piece.
    @Test(arguments: 0..<50) func cutsDoNotMatter(seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        let words = ["a", "\n", "\r", "\r\n", "failed", "Batch 1", "\u{1B}[1m", "Too many open files", "\0", "xyz"]
        let text = (0..<200).map { _ in words[Int(dice.next() % UInt64(words.count))] }.joined() + "\n"
        let bytes = Array(text.utf8)
        let whole = try makeScanner()
        bytes.withUnsafeBytes { whole.take($0, from: .standardOutput, at: instant(0)) }
        let cut = try makeScanner()
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + Int(dice.next() % 12))
            bytes[start..<end].withUnsafeBytes { cut.take($0, from: .standardOutput, at: instant(0)) }
            start = end
        }
        #expect(whole.lineCount == cut.lineCount)
        let expected = try #require(whole.report(drainedAt: instant(1)))
        #expect(try #require(cut.report(drainedAt: instant(1))) == expected)
    }

    /// Method: rules that search many lines at once and rules that cannot must agree on every text the dice make.
    @Test(arguments: 0..<100) func searchingManyLinesFindsWhatOneByOneDoes(seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        let pieces = [
            "a", "b", "\n", "\n\n", " ", "\t", "ab", "12", "[error  ]", "x", "failed", "Errno 24", "EMFILE", "é",
            "Too many open files", " in system",
        ]
        let expressions = [
            "^a", "b$", "a\\s*b", "a[^x]*b", "^$", "\\W\\d+", "(?:ab|12)+", "a(?!b)", "(?<=a)b", "x|^b",
            "\\bab\\b", "",
            "\\[error\\s*\\]", "[a-c]{2,}", "(a|b)*?x", "\\D\\S", "b?$",
        ]
        func pick<Item>(_ items: [Item]) -> Item { items[Int(dice.next() % UInt64(items.count))] }
        let text = Array(((0..<300).map { _ in pick(pieces) }.joined() + "\n").utf8)
        let rules = [pick(expressions), pick(expressions), pick(expressions)]
        let quick = try scanner(rules)
        // A group that can be anything, and that no chunk may be searched for.
        let slow = try scanner(rules.map { "(?<name>)\($0)" })
        for scanner in [quick, slow] {
            text.withUnsafeBytes { scanner.take($0, from: .standardOutput, at: instant(0)) }
        }
        #expect(quick.lineCount == slow.lineCount)
        #expect(quick.report(drainedAt: instant(1)) == slow.report(drainedAt: instant(1)), "\(rules)")
    }

    private func scanner(_ rules: [String]) throws -> LineScanner {
        let patterns = try rules.map { try Pattern($0) }
        let rules = ScanRules(alive: patterns[0], progress: patterns[1], error: patterns[2])
        return LineScanner(rules: rules, tools: try ScanTools())
    }

    private func makeScanner(alive: String? = nil) throws -> LineScanner {
        let rules = ScanRules(
            alive: try alive.map { try Pattern($0) }, progress: try Pattern("Batch \\d"), error: try Pattern("failed"))
        return LineScanner(rules: rules, tools: try ScanTools())
    }
}

func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

extension LineScanner {
    func write(_ text: String, from stream: OutputStream = .standardOutput, at seconds: Double) {
        Array(text.utf8).withUnsafeBytes { take($0, from: stream, at: instant(seconds)) }
    }
}

extension String {
    var trimmedSpaces: String { String(drop { $0 == " " }) }
}
