import Testing
import WardenCore
import WardenWire

/// JSON: strict when read, safe when written.
@Suite struct JSONTests {
    @Test(
        "Values are read.",
        arguments: [
            ("null", JSONValue.null), (" true ", .bool(true)), ("-0", .integer(0)), ("12", .integer(12)),
            ("1.50", .number(1.5)), ("1E2", .number(100)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("\"a\\n\\u00e9\\ud83d\\ude00\\/\"", .string("a\né😀/")), ("[]", .array([])),
            ("[1,[\"x\"]]", .array([.integer(1), .array([.string("x")])])),
            ("{\"b\":1,\"a\":{}}", .object(["b": .integer(1), "a": .object([:])])),
        ])
    func values(_ text: String, _ expected: JSONValue) throws {
        #expect(try JSONValue(decoding: Array(text.utf8)) == expected)
    }

    @Test(
        "What is not JSON is refused.",
        arguments: [
            "", " ", "nul", "truex", "01", "+1", "1.", ".5", "1e", "1e999", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"",
            "\"\\u+123\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\u{1}\"", "[1,]", "[1 2]", "[1",
            "{\"a\"}",
            "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":2}", "1 2", "\u{FEFF}1", "NaN", "// x\n1",
        ])
    func refusals(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(decoding: Array(text.utf8)) }
    }

    @Test("Invalid UTF-8, depth, size and number of values are refused.")
    func limits() {
        func problem(_ bytes: [UInt8], bodyLimit: Int = 1000, valueLimit: Int = 100) -> JSONError.Problem? {
            do {
                _ = try JSONValue(decoding: bytes, bodyLimit: bodyLimit, valueLimit: valueLimit)
                return nil
            } catch { return error.problem }
        }
        let nested = Array((String(repeating: "[", count: 33) + String(repeating: "]", count: 33)).utf8)
        #expect(problem([0x22, 0xFF, 0x22]) == .encoding)
        #expect(problem(nested) == .tooDeep(limit: 32))
        #expect(problem(Array(nested.dropFirst().dropLast())) == nil)
        #expect(problem(Array("[1,2,3]".utf8), valueLimit: 3) == .tooManyValues(limit: 3))
        #expect(problem(Array("[1,2]".utf8), bodyLimit: 4) == .bodyTooLong(limit: 4))
    }

    @Test("What is written is one line that can steer no terminal.")
    func writing() {
        let value = JSONValue.object([
            "s": .string("\"\\/\n\r\t\u{0}\u{1B}\u{7F}\u{9B}é"), "n": .number(.nan), "w": .number(253),
            "f": .number(0.25),
            "i": .integer(-1), "b": .bool(false), "x": .null, "a": .array([.integer(1), .integer(2)]),
        ])
        #expect(
            value.text == #"{"s":"\"\\/\n\r\t\u0000\u001b\u007f\u009bé","n":null,"w":253,"f":0.25,"#
                + #""i":-1,"b":false,"x":null,"a":[1,2]}"#)
    }

    @Test("Members keep their order when they are changed.")
    func objects() {
        var object: JSONObject = ["a": .integer(1), "b": .integer(2)]
        object["a"] = .null
        object["c"] = .bool(true)
        object["b"] = nil
        #expect(JSONValue.object(object).text == #"{"a":null,"c":true}"#)
    }
}

/// Times as text.
@Suite struct TimestampTests {
    @Test(
        "RFC 3339 both ways.",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00.000Z"), (951_782_400_123_000, "2000-02-29T00:00:00.123Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"), (1_772_600_767_089_000, "2026-03-04T05:06:07.089Z"),
            (4_107_542_399_999_000, "2100-02-28T23:59:59.999Z"), (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
        ])
    func bothWays(_ microseconds: Int64, _ text: String) {
        #expect(WallTime(microseconds: microseconds).rfc3339 == text)
        #expect(WallTime(rfc3339: text) == WallTime(microseconds: microseconds))
    }

    @Test(
        "Other spellings are read, and what is no time is not.",
        arguments: [
            ("2026-03-04T05:06:07Z", Int64(1_772_600_767_000_000)), ("2026-03-04t05:06:07z", 1_772_600_767_000_000),
            ("2026-03-04T06:36:07.5+01:30", 1_772_600_767_500_000),
            ("2026-03-03T23:06:07-06:00", 1_772_600_767_000_000),
            ("2026-03-04T05:06:07.1234567Z", 1_772_600_767_123_456), ("2026-02-29T05:06:07Z", nil),
            ("2026-13-04T05:06:07Z", nil), ("2026-03-04T24:06:07Z", nil), ("2026-03-04T05:06:07", nil),
            ("2026-03-04 05:06:07Z", nil), ("2026-03-04T05:06:07.Z", nil), ("0000-01-01T00:00:00Z", nil), ("", nil),
        ] as [(String, Int64?)])
    func reading(_ text: String, _ microseconds: Int64?) {
        #expect(WallTime(rfc3339: text) == microseconds.map { WallTime(microseconds: $0) })
    }

    @Test("Times that no calendar has are held at its ends.")
    func extremes() {
        #expect(WallTime(microseconds: .max).rfc3339 == "9999-12-31T23:59:59.000Z")
        #expect(WallTime(microseconds: .min).rfc3339 == "0001-01-01T00:00:00.000Z")
    }

    @Test(
        "Uptimes as Python prints them.",
        arguments: [
            (Int64(0), "0:00:00"), (65, "0:01:05"), (3600, "1:00:00"), (93_784, "1 day, 2:03:04"),
            (1_036_800, "12 days, 0:00:00"), (-5, "0:00:00"),
        ])
    func timedelta(_ seconds: Int64, _ text: String) {
        #expect(Duration.seconds(seconds).asTimedelta == text)
    }
}
