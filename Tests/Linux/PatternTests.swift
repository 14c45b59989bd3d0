import Testing
import WardenLinux

/// Goal: regular expressions are compiled or refused with a place, match bytes, and cannot be made to run for ever.
@Suite struct PatternTests {
    @Test(arguments: [
        ("a(b", 3, "missing closing parenthesis"), ("[z-a]", 3, "range out of order"), ("*", 0, "quantifier"),
    ]) func refused(expression: String, offset: Int, message: String) throws {
        let failure = #expect(throws: PatternFailure.self) { try Pattern(expression) }
        #expect(failure?.offsetBytes == offset)
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
        #expect(failure?.description.contains("\"\(expression)\" at \(offset)") == true)
    }

    @Test func anExpressionHasALimit() {
        #expect(throws: PatternFailure.self) { try Pattern(String(repeating: "a", count: 5000)) }
    }

    @Test(arguments: [
        ("", "", true), ("", "x", true), ("^$", "", true), ("x", "", false),
        ("\\] Batch \\d+: ", "[info ] Batch 12: x", true),
        ("(?i)ERROR", "an error", true), ("ö", "schön", true), ("^.$", "ö", false), ("a\\x00b", "a\0b", true),
    ]) func found(expression: String, line: String, expected: Bool) throws {
        let pattern = try Pattern(expression)
        Array(line.utf8).withUnsafeBytes { #expect(PatternMatcher().finds(pattern, in: $0) == expected) }
    }

    @Test(arguments: [
        ("Failed to fetch|\\[error\\s*\\]", true), ("^\\d{4}-\\d\\d [^x]*$", true), ("a(?!b)(?i)c", true),
        ("[\\s\\d]", true), ("a\\nb", false), ("a\\Z", false), ("(?s)a.b", false), ("[[:space:]]", false),
        ("(*UTF)a", false), ("\\x0a", false), ("(a)\\1", false), ("(?<n>a)", false), ("[\\W]", false),
        ("[]a]", false), ("[\\t-x]", false), ("\\R", false), ("a\nb", false),
    ]) func whatMightSeeBeyondALineIsMatchedLineByLine(expression: String, expected: Bool) throws {
        #expect(try Pattern(expression).searchesChunks == expected)
    }

    @Test func invalidUTF8IsJustBytes() throws {
        let pattern = try Pattern("b$")
        ([0xFF, 0xC3, 0x28, 0x62] as [UInt8]).withUnsafeBytes { #expect(PatternMatcher().finds(pattern, in: $0)) }
    }

    @Test func aCatastrophicPatternIsGivenUp() throws {
        let pattern = try Pattern("^(a+)+$")
        let matcher = PatternMatcher()
        Array((String(repeating: "a", count: 4000) + "!").utf8).withUnsafeBytes {
            #expect(!matcher.finds(pattern, in: $0))
        }
        #expect(matcher.exhaustedCount == 1)
    }
}
