package import WardenCore

extension JSONValue {
    /// The value that a JSON pointer (RFC 6901) names.
    ///
    /// - Parameter pointer: empty for the whole document, else `/name/0/name`, with `~1` for `/` and `~0` for `~`.
    /// - Returns: `nil` when the document has no such value, or this is no pointer.
    package func value(at pointer: String) -> JSONValue? {
        guard !pointer.isEmpty else { return self }
        guard pointer.hasPrefix("/") else { return nil }
        var value = self
        for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let name = JSONValue.unescaped(part), let next = value.child(name) else { return nil }
            value = next
        }
        return value
    }

    private func child(_ name: String) -> JSONValue? {
        switch self {
        case .object(let object): return object[name]
        case .array(let elements):
            // No sign, and no zeros in front.
            guard name.utf8.allSatisfy(\.isDigit), name == "0" || !name.hasPrefix("0"), let index = Int(name),
                index < elements.count
            else { return nil }
            return elements[index]
        case .null, .bool, .integer, .number, .string: return nil
        }
    }

    /// `~1` first, as the RFC has it, so that `~01` is `~1` and not `/`.
    private static func unescaped(_ part: Substring) -> String? {
        guard part.contains("~") else { return String(part) }
        var text = ""
        var rest = part
        while let character = rest.popFirst() {
            guard character == "~" else {
                text.append(character)
                continue
            }
            switch rest.popFirst() {
            case "0": text.append("~")
            case "1": text.append("/")
            default: return nil
            }
        }
        return text
    }

    /// How much this value says that there is: a number, a text that is one, or as many as a list is long.
    ///
    /// - Returns: anything else is unknown, and so is a negative number.
    package var amount: DemandAnswer {
        switch self {
        case .integer(let number): DemandAnswer(text: String(number))
        case .number(let number): DemandAnswer(text: String(number))
        case .string(let text): DemandAnswer(text: text)
        case .array(let elements): .amount(Double(elements.count))
        case .null: .unknown(reason: "the value is null")
        case .bool: .unknown(reason: "the value is true or false, not a number")
        case .object: .unknown(reason: "the value is an object, not a number")
        }
    }
}
