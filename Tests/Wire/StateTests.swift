import Testing
import WardenCore
import WardenWire

/// Goal: what one daemon tells the next arrives as it was told, whatever the next one knows, and damage is found.
@Suite struct StateTests {
    enum Shape: Codable, Hashable {
        case point
        case circle(radius: Double)
        indirect case pair(Shape, Shape)
    }

    struct Sample: Codable, Hashable {
        var name = "größer"
        var flag = true
        var small: UInt8 = 255
        var large = UInt64.max
        var negative = Int64.min
        var ratio = -0.1
        var missing: String?
        var present: String? = "here"
        var numbers: [Int?] = [1, nil, -3]
        var byName: [String: [Int]] = ["a": [1, 2], "b": []]
        var byNumber: [Int: Shape] = [3: .point]
        var tags: Set<Int> = [5, 6, 7]
        var shape = Shape.pair(.circle(radius: 2), .pair(.point, .point))
        var raw: [UInt8] = [0, 255, 10]
        var noBytes: [UInt8] = []
        var wait = Duration.milliseconds(1500)
    }

    private func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
        let bytes = try StateEncoder.encode(value).encoded()
        return try StateDecoder.decode(Value.self, from: StateValue(decoding: bytes))
    }

    @Test func everyKindOfValueArrivesAsItWasTold() throws {
        #expect(try roundTrip(Sample()) == Sample())
        #expect(try roundTrip([Sample(), Sample()]) == [Sample(), Sample()])
        #expect(try roundTrip("text") == "text")
        #expect(try roundTrip(Int8.min) == .min)
        #expect(try roundTrip([UInt64(1) << 63, 0]) == [UInt64(1) << 63, 0])
    }

    private struct Older: Codable, Hashable { var name = "a" }
    private struct Newer: Codable, Hashable {
        var unknown: [String: [Int]] = ["x": [1]]
        var name = "a"
        var also: Int? = 4
    }

    @Test func unknownMembersAreSkippedAndNewOptionalOnesAreMissing() throws {
        let newer = try StateEncoder.encode(Newer())
        #expect(try StateDecoder.decode(Older.self, from: newer) == Older())
        var expected = Newer()
        expected.also = nil
        var older = try StateEncoder.encode(Older())
        guard case .object(var members) = older else { throw StateFailure.tooLarge }
        members.append(.init(name: "unknown", value: try StateEncoder.encode(["x": [1]])))
        older = .object(members)
        #expect(try StateDecoder.decode(Newer.self, from: older) == expected)
    }

    @Test func whatIsMissingOrOfAnotherKindIsNamedByItsPlace() throws {
        let state = try StateEncoder.encode(["a": [["name": 5]]])
        #expect(throws: StateFailure.unexpected(path: "/a/0/name", what: "a number, where String is expected")) {
            try StateDecoder.decode([String: [Older]].self, from: state)
        }
        #expect(throws: StateFailure.unexpected(path: "/name", what: "it is missing")) {
            try StateDecoder.decode(Older.self, from: .object([]))
        }
        #expect(throws: StateFailure.unexpected(path: "/", what: "a number, where UInt8 is expected")) {
            try StateDecoder.decode(UInt8.self, from: .integer(300))
        }
    }

    @Test func everyCutAndEveryFlippedBitIsRefusedOrRead() throws {
        let bytes = try StateEncoder.encode(Sample()).encoded()
        for end in 0..<bytes.count {
            #expect(throws: StateFailure.self) { try StateValue(decoding: bytes[..<end]) }
        }
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << bit
                // Whatever it says, it is no crash and no memory that the bytes do not justify.
                _ = Result { try StateDecoder.decode(Sample.self, from: StateValue(decoding: damaged)) }
            }
        }
    }

    @Test func depthAndCountsHaveLimits() {
        var deep: [UInt8] = []
        for _ in 0..<100 { deep += [7, 1] }
        deep.append(0)
        #expect(throws: StateFailure.tooLarge) { try StateValue(decoding: deep) }
        // A list that says it has more values than there are bytes.
        #expect(throws: StateFailure.malformed(offset: 3)) { try StateValue(decoding: [7, 0xFF, 0x7F, 0]) }
    }
}
