/// From a state to values that know themselves what they are made of (`Decodable`).
package enum StateDecoder {
    /// - Parameters:
    ///   - type: what is expected.
    ///   - state: what was told.
    /// - Throws: `StateFailure.unexpected` with the place where the state has something else.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from state: StateValue
    ) throws(StateFailure) -> Value {
        do {
            return try StateReading(value: state, codingPath: []).read(type)
        } catch let failure as StateFailure {
            throw failure
        } catch {
            throw .unexpected(path: "/", what: "\(error)")
        }
    }
}

/// One value of a state and the way to it.
private struct StateReading: Decoder {
    let value: StateValue
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let basic = basic(type) { return basic }
        switch type {
        case is Bool.Type, is String.Type, is Double.Type, is [UInt8].Type: throw unexpected("\(type)")
        case is any FixedWidthInteger.Type: throw unexpected("\(type)")
        default: return try Value(from: self)
        }
    }

    private func basic<Value>(_ type: Value.Type) -> Value? {
        switch value {
        case .boolean(let value): return value as? Value
        case .text(let value): return value as? Value
        case .double(let value): return value as? Value
        case .bytes(let value): return value as? Value
        case .integer(let value):
            if let type = type as? any FixedWidthInteger.Type { return StateReading.exactly(type, value) as? Value }
        case .unsigned(let value):
            if let type = type as? any FixedWidthInteger.Type { return StateReading.exactly(type, value) as? Value }
        case .null, .list, .object: break
        }
        return nil
    }

    private static func exactly<Number: FixedWidthInteger>(
        _ type: Number.Type, _ value: some FixedWidthInteger
    ) -> Number? {
        Number(exactly: value)
    }

    func unexpected(_ expected: String) -> StateFailure {
        let found =
            switch value {
            case .null: "nothing"
            case .boolean: "a truth"
            case .integer, .unsigned, .double: "a number"
            case .text: "a text"
            case .bytes: "bytes"
            case .list: "a list"
            case .object: "an object"
            }
        let place = codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "/")
        return .unexpected(path: "/" + place, what: "\(found), where \(expected) is expected")
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw unexpected("an object") }
        // Of a name that stands twice the first counts.
        let values = Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        return KeyedDecodingContainer(StateObjectReading<Key>(reading: self, values: values))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .list(let values) = value else { throw unexpected("a list") }
        return StateListReading(values: values, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { StateSingleReading(reading: self) }
}

private struct StateObjectReading<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let reading: StateReading
    let values: [String: StateValue]

    var codingPath: [any CodingKey] { reading.codingPath }
    var allKeys: [Key] { values.keys.compactMap(Key.init) }

    private func at(_ key: any CodingKey) throws -> StateReading {
        guard let value = values[key.stringValue] else {
            let place = (codingPath + [key]).map(\.stringValue).joined(separator: "/")
            throw StateFailure.unexpected(path: "/" + place, what: "it is missing")
        }
        return StateReading(value: value, codingPath: codingPath + [key])
    }

    func contains(_ key: Key) -> Bool { values[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try at(key).value == .null }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try at(key).read(type) }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let value = values[key.stringValue], value != .null else { return nil }
        return try StateReading(value: value, codingPath: codingPath + [key]).read(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try at(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try at(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        StateReading(value: values["super"] ?? .null, codingPath: codingPath)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try at(key) }
}

private struct StateListReading: UnkeyedDecodingContainer {
    let values: [StateValue]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(values: [StateValue], codingPath: [any CodingKey]) {
        self.values = values
        self.codingPath = codingPath
    }

    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    private struct Place: CodingKey {
        let index: Int
        var intValue: Int? { index }
        var stringValue: String { String(index) }

        init(index: Int) { self.index = index }
        init?(intValue: Int) { index = intValue }
        init?(stringValue: String) { return nil }
    }

    private mutating func next() throws -> StateReading {
        let path = codingPath + [Place(index: currentIndex)]
        guard !isAtEnd else { throw StateReading(value: .null, codingPath: path).unexpected("one more value") }
        defer { currentIndex += 1 }
        return StateReading(value: values[currentIndex], codingPath: path)
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, values[currentIndex] == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().read(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct StateSingleReading: SingleValueDecodingContainer {
    let reading: StateReading

    var codingPath: [any CodingKey] { reading.codingPath }
    func decodeNil() -> Bool { reading.value == .null }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try reading.read(type) }
}
