import Testing
import WardenCore
import WardenWire

/// Deterministic noise: whatever arrives, the decoders answer with a value or an error and never trap.
@Suite struct FuzzTests {
    private static func value(_ dice: inout Dice, depth: Int) -> XMLRPCValue {
        switch dice.next() % (depth == 0 ? 5 : 7) {
        case 0: .int(Int64(Int32(truncatingIfNeeded: dice.next())))
        case 1: .bool(dice.next() % 2 == 0)
        case 2: .string(text(&dice))
        case 3: .double(dice.fraction() * 1e6)
        case 4: .base64((0..<dice.next() % 9).map { _ in UInt8(truncatingIfNeeded: dice.next()) })
        case 5: .array((0..<dice.next() % 4).map { _ in value(&dice, depth: depth - 1) })
        default:
            .structure((0..<dice.next() % 4).map { .init("m\($0)", value(&dice, depth: depth - 1)) })
        }
    }

    private static func text(_ dice: inout Dice) -> String {
        let alphabet = Array("ab<>&\"'\\]\n\t é😀{}[]:,")
        return String((0..<dice.next() % 12).map { _ in alphabet[Int(dice.next() % UInt64(alphabet.count))] })
    }

    private static func json(_ dice: inout Dice, depth: Int) -> JSONValue {
        switch dice.next() % (depth == 0 ? 5 : 7) {
        case 0: .null
        case 1: .bool(dice.next() % 2 == 0)
        case 2: .string(text(&dice) + "\u{1}\u{7F}\u{9B}")
        case 3: .integer(Int64(bitPattern: dice.next()))
        case 4: .number(dice.fraction() - 0.5)
        case 5: .array((0..<dice.next() % 4).map { _ in json(&dice, depth: depth - 1) })
        default:
            .object(
                JSONObject(
                    members: (0..<dice.next() % 4).map {
                        .init(name: "m\($0)", value: json(&dice, depth: depth - 1))
                    }))
        }
    }

    /// A few bytes changed, removed, doubled or moved.
    private static func mutated(_ bytes: [UInt8], _ dice: inout Dice) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<dice.next() % 4 + 1 where !bytes.isEmpty {
            let place = Int(dice.next() % UInt64(bytes.count))
            switch dice.next() % 5 {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: dice.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: bytes[place...].prefix(Int(dice.next() % 40)), at: place)
            case 3: bytes.removeSubrange(place...)
            default: bytes[place] = Array("<>&/\"'!?[]{}\\u;#".utf8)[Int(dice.next() % 16)]
            }
        }
        return bytes
    }

    @Test("What is written is read back the same, XML-RPC.")
    func xmlRoundTrip() throws {
        var dice = Dice(seed: 1)
        for _ in 0..<500 {
            let value = Self.value(&dice, depth: 4)
            #expect(try XMLRPCResponse(decoding: XMLRPCResponse.success(value).encoded()) == .success(value))
            let call = XMLRPCCall(method: "a.b", parameters: [value, .int(1)])
            #expect(try XMLRPCCall(decoding: call.encoded()) == call)
        }
    }

    @Test("What is written is read back the same, JSON.")
    func jsonRoundTrip() throws {
        var dice = Dice(seed: 2)
        for _ in 0..<500 {
            let value = Self.json(&dice, depth: 4)
            #expect(try JSONValue(decoding: value.encoded()) == value)
        }
    }

    @Test("Mutated calls and responses never trap, and are written as they were read.")
    func mutatedXML() {
        var dice = Dice(seed: 3)
        var readCount = 0
        for _ in 0..<4000 {
            let value = Self.value(&dice, depth: 3)
            let call = Self.mutated(XMLRPCCall(method: "a.b", parameters: [value]).encoded(), &dice)
            // Most of them are no calls any more; only those that are matter here.
            if let read = try? XMLRPCCall(decoding: call) {
                readCount += 1
                #expect((try? XMLRPCCall(decoding: read.encoded()))?.method == read.method)
            }
            // As above.
            _ = try? XMLRPCResponse(decoding: Self.mutated(XMLRPCResponse.success(value).encoded(), &dice))
        }
        #expect(readCount > 50)
    }

    @Test("Mutated JSON never traps, and what is read of it is written back to the same value.")
    func mutatedJSON() {
        var dice = Dice(seed: 4)
        var readCount = 0
        for _ in 0..<4000 {
            let bytes = Self.mutated(Self.json(&dice, depth: 3).encoded(), &dice)
            // Most of it is no JSON any more; only what is matters here.
            guard let read = try? JSONValue(decoding: bytes) else { continue }
            readCount += 1
            #expect((try? JSONValue(decoding: read.encoded()))?.text == read.text)
        }
        #expect(readCount > 50)
    }

    @Test("Plain noise never traps.")
    func noise() {
        var dice = Dice(seed: 5)
        for _ in 0..<2000 {
            let bytes = (0..<dice.next() % 200).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            // Noise is expected to be refused.
            _ = try? XMLRPCCall(decoding: bytes)
            _ = try? XMLRPCResponse(decoding: bytes)
            _ = try? JSONValue(decoding: bytes)
            _ = Base64.decode(String(decoding: bytes, as: UTF8.self))
            _ = WallTime(rfc3339: String(decoding: bytes, as: UTF8.self))
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
