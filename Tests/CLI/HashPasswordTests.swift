import Testing
import wardenctl

/// The stored form of a password.
@Suite struct HashPasswordTests {
    /// The password comes from the person alone, and no two stored forms are alike.
    @Test func storedFormIsPrinted() async throws {
        var seen: Set<String> = []
        for _ in 0..<2 {
            // A person at a terminal is asked twice.
            let result = await result(of: "hash-password", FakeServer(), replies: ["s3cret", "s3cret"])
            #expect(result.exitCode == 0)
            let said = result.lines.filter { !$0.hasPrefix("? ") }
            let line = try #require(said.first)
            #expect(said.count == 1)
            #expect(line.hasPrefix("{PBKDF2-SHA256}600000$"))
            #expect(line.split(separator: "$").map(\.count) == ["{PBKDF2-SHA256}600000".count, 32, 64])
            #expect(!line.contains("s3cret"))
            seen.insert(line)
        }
        #expect(seen.count == 2)
    }

    @Test(
        arguments: [("hash-password", []), ("hash-password", [""]), ("hash-password s3cret", [])]
            as [(String, [String])])
    func nothingIsHashed(line: String, replies: [String]) async {
        let result = await result(of: line, FakeServer(), replies: replies)
        #expect(result.exitCode == 2)
        let said = result.lines.filter { !$0.hasPrefix("? ") }
        #expect(said.count == 1 && said.first?.hasPrefix("stderr Error: ") == true)
        #expect(!result.lines.joined().contains("s3cret"))
    }
}
