import Testing
import WardenCore
import WardenWire

/// Goal: RFC 6901 as written, and a number only where one stands.
@Suite struct JSONPointerTests {
    private static let document = """
        {"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8,"~1":9,
        "deep":{"list":[{"n":"12"},{"n":null},{"n":-1},{"n":1.5},{"n":true},{"n":{}},{"n":[1,2,3]},{"n":"many"}]}}
        """

    private static func value(_ pointer: String) throws -> JSONValue? {
        try JSONValue(decoding: Array(document.utf8)).value(at: pointer)
    }

    /// The RFC's own examples.
    @Test(arguments: [
        ("/foo", JSONValue.array([.string("bar"), .string("baz")])), ("/foo/0", .string("bar")), ("/", .integer(0)),
        ("/a~1b", .integer(1)), ("/c%d", .integer(2)), ("/e^f", .integer(3)), ("/g|h", .integer(4)),
        ("/i\\j", .integer(5)), ("/k\"l", .integer(6)), ("/ ", .integer(7)), ("/m~0n", .integer(8)),
        ("/~01", .integer(9)),
    ])
    func examples(_ pointer: String, _ expected: JSONValue) throws {
        #expect(try Self.value(pointer) == expected)
    }

    @Test func theWholeDocument() throws {
        #expect(try Self.value("") == JSONValue(decoding: Array(Self.document.utf8)))
    }

    @Test(arguments: [
        "foo", "/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/-1", "/foo/0/x", "/none", "/a~2b", "/m~", "/foo/",
        "/foo/99999999999999999999",
    ])
    func nothingThere(_ pointer: String) throws {
        #expect(try Self.value(pointer) == nil)
    }

    @Test("A number, a text that is one, or the length of a list; anything else is unknown, with the reason")
    func amounts() throws {
        let answers = try (0..<8).map { try Self.value("/deep/list/\($0)/n")?.amount }
        #expect(
            answers == [
                .amount(12), .unknown(reason: "the value is null"), .unknown(reason: "-1 is no amount of work"),
                .amount(1.5), .unknown(reason: "the value is true or false, not a number"),
                .unknown(reason: "the value is an object, not a number"), .amount(3),
                .unknown(reason: "'many' is not a number"),
            ])
    }
}
