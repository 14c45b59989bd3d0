/// From values that say themselves what they are made of (`Encodable`) to a state.
package enum StateEncoder {
    /// - Parameter value: what is to be told.
    /// - Throws: when the value refuses, or nests deeper than `StateLimits.depth`.
    package static func encode(_ value: some Encodable) throws(StateFailure) -> StateValue {
        let box = StateBox()
        do {
            try box.write(value, path: [])
        } catch let failure as StateFailure {
            throw failure
        } catch {
            throw .unexpected(path: "/", what: "\(error)")
        }
        return box.value
    }
}

/// A value that is being put together. A reference, because containers are handed out before they are filled.
private final class StateBox {
    private enum Content {
        case value(StateValue)
        case list([StateBox])
        case object([(name: String, box: StateBox)])
    }

    private var content: Content = .value(.null)

    var value: StateValue {
        switch content {
        case .value(let value): value
        case .list(let boxes): .list(boxes.map(\.value))
        case .object(let members): .object(members.map { .init(name: $0.name, value: $0.box.value) })
        }
    }

    func set(_ value: StateValue) { content = .value(value) }

    func beginObject() { if case .object = content {} else { content = .object([]) } }

    func beginList() { if case .list = content {} else { content = .list([]) } }

    var count: Int { if case .list(let boxes) = content { boxes.count } else { 0 } }

    func member(_ name: String) -> StateBox {
        let box = StateBox()
        if case .object(var members) = content {
            content = .value(.null)
            members.append((name, box))
            content = .object(members)
        }
        return box
    }

    func element() -> StateBox {
        let box = StateBox()
        if case .list(var boxes) = content {
            content = .value(.null)
            boxes.append(box)
            content = .list(boxes)
        }
        return box
    }

    func write(_ value: some Encodable, path: [any CodingKey]) throws {
        guard path.count < StateLimits.depth else { throw StateFailure.tooLarge }
        switch value {
        case let value as Bool: set(.boolean(value))
        case let value as String: set(.text(value))
        case let value as Double: set(.double(value))
        case let value as [UInt8]: set(.bytes(value))
        case let value as any FixedWidthInteger: set(StateBox.integer(value))
        default: try value.encode(to: StateBoxEncoder(box: self, codingPath: path))
        }
    }

    private static func integer(_ value: some FixedWidthInteger) -> StateValue {
        if let number = Int64(exactly: value) { return .integer(number) }
        return .unsigned(UInt64(clamping: value))
    }
}

private struct StateBoxEncoder: Encoder {
    let box: StateBox
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        box.beginObject()
        return KeyedEncodingContainer(StateObjectEncoder<Key>(box: box, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        box.beginList()
        return StateListEncoder(box: box, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        StateSingleEncoder(box: box, codingPath: codingPath)
    }
}

private struct StateObjectEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: StateBox
    let codingPath: [any CodingKey]

    mutating func encodeNil(forKey key: Key) { _ = box.member(key.stringValue) }

    mutating func encode(_ value: some Encodable, forKey key: Key) throws {
        try box.member(key.stringValue).write(value, path: codingPath + [key])
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        StateBoxEncoder(box: box.member(key.stringValue), codingPath: codingPath + [key]).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        StateBoxEncoder(box: box.member(key.stringValue), codingPath: codingPath + [key]).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder {
        StateBoxEncoder(box: box.member("super"), codingPath: codingPath)
    }

    mutating func superEncoder(forKey key: Key) -> any Encoder {
        StateBoxEncoder(box: box.member(key.stringValue), codingPath: codingPath + [key])
    }
}

private struct StateListEncoder: UnkeyedEncodingContainer {
    let box: StateBox
    let codingPath: [any CodingKey]
    var count: Int { box.count }

    mutating func encodeNil() { _ = box.element() }

    mutating func encode(_ value: some Encodable) throws { try box.element().write(value, path: codingPath) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        StateBoxEncoder(box: box.element(), codingPath: codingPath).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        StateBoxEncoder(box: box.element(), codingPath: codingPath).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { StateBoxEncoder(box: box.element(), codingPath: codingPath) }
}

private struct StateSingleEncoder: SingleValueEncodingContainer {
    let box: StateBox
    let codingPath: [any CodingKey]

    mutating func encodeNil() { box.set(.null) }

    mutating func encode(_ value: some Encodable) throws { try box.write(value, path: codingPath) }
}
