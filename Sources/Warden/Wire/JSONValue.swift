/// A value of JSON.
///
/// Objects keep their order.
package enum JSONValue: Hashable, Sendable {
    /// `null`: not there.
    case null
    /// True or false.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// Any number; what is not finite is written as `null`.
    case number(Double)
    /// A text.
    case string(String)
    /// An ordered list.
    case array([JSONValue])
    /// Named values, in the order in which they are written.
    case object(JSONObject)

    /// The member of an object; `nil` when there is none, or when this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[name]
    }

    /// The text, if it is one.
    package var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The number, if it is one.
    package var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The whole number, if it is one.
    package var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .number(let number): number.wholeNumber
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The truth value, if it is one.
    package var bool: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    /// The elements, if it is an array.
    package var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The text or `null`.
    package init(_ text: String?) {
        self = text.map { .string($0) } ?? .null
    }

    /// The number or `null`.
    package init(_ number: (some FixedWidthInteger)?) {
        self = number.map { .integer(Int64(clamping: $0)) } ?? .null
    }

    /// The number or `null`.
    package init(_ number: Double?) {
        self = number.map { .number($0) } ?? .null
    }
}

/// The members of a JSON object, in order.
package struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// One member.
    package struct Member: Hashable, Sendable {
        /// Its name.
        package var name: String
        /// Its value.
        package var value: JSONValue

        /// - Parameters:
        ///   - name: the member's name.
        ///   - value: the member's value.
        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The members, in order; names are not repeated in what was read.
    package var members: [Member]

    /// - Parameter members: the members, in order.
    package init(members: [Member]) {
        self.members = members
    }

    /// - Parameter elements: names and values, in order.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(name: $0.0, value: $0.1) }
    }

    /// The value of the member; setting adds it at the end when it is new, and `nil` removes it.
    package subscript(name: String) -> JSONValue? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }
}
