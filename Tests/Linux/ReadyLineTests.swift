import Testing
import WardenCore
import WardenLinux

/// Goal: the line of `ready = line:` is found once, wherever it stands, and whatever else is looked for.
@Suite struct ReadyLineTests {
    private func facts(_ chunks: [String], ready: String, progress: String? = nil) throws -> [LogFacts?] {
        let rules = ScanRules(
            progress: try progress.map { try Pattern($0) }, ready: try Pattern(ready))
        let scanner = LineScanner(rules: rules, tools: try ScanTools())
        return chunks.enumerated().map { index, chunk in
            let instant = Instant(nanoseconds: Int64(index) * 1_000_000_000)
            Array(chunk.utf8).withUnsafeBytes { scanner.take($0, from: .standardOutput, at: instant) }
            return scanner.report(drainedAt: instant)
        }
    }

    @Test(arguments: [
        (["up\n"], [true]), (["a\nb\nup\nc\n"], [true]), (["a\n", "up\n"], [false, true]),
        (["u", "p\n"], [false, true]), (["up\n", "up\n"], [true, false]), (["not up\n"], [false]),
        (["\u{1B}[32mup\u{1B}[0m\r\n"], [true]), (["up"], [false]), (["up\nup\n"], [true]),
    ])
    func found(chunks: [String], expected: [Bool]) throws {
        #expect(try facts(chunks, ready: "^up$").map { $0?.saysReady ?? false } == expected)
        #expect(try facts(chunks, ready: "^up$", progress: "Batch").map { $0?.saysReady ?? false } == expected)
        // A pattern that cannot be looked for in many lines at once.
        #expect(try facts(chunks, ready: "\\Aup\\z").map { $0?.saysReady ?? false } == expected)
    }

    @Test func otherPatternsGoOn() throws {
        let found = try facts(["Batch 1\nup\nBatch 2\n", "Batch 3\n"], ready: "^up$", progress: "^Batch")
        #expect(found.map { $0?.progressLineCount } == [2, 1])
        #expect(found[0]?.saysReady == true)
    }
}
