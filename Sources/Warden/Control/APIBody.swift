import WardenWire

/// The object that a request carries.
struct APIBody: Sendable {
    var fields: [APIField] = []

    /// No more than an empty object.
    static let empty = APIBody()

    /// Whether the request must carry it.
    var isRequired: Bool { fields.contains(where: \.isRequired) }

    /// Reads a body.
    ///
    /// What is not known is refused, not skipped: a misspelt `for_seconds` would pause for ever.
    /// - Parameter bytes: the whole body; none counts as an empty object.
    /// - Returns: the object.
    /// - Throws: 400 when it is not what the document says.
    func read(_ bytes: [UInt8]) throws(Problem) -> JSONValue {
        let value: JSONValue
        do {
            value = bytes.isEmpty ? .object([:]) : try JSONValue(decoding: bytes)
        } catch {
            throw APIBody.problem("the body is not JSON: \(error)")
        }
        guard case .object(let object) = value else { throw APIBody.problem("the body is not a JSON object") }
        for member in object.members {
            guard let field = fields.first(where: { $0.name == member.name }) else {
                let known = fields.isEmpty ? "nothing" : "only " + fields.map(\.name).joined(separator: ", ")
                throw APIBody.problem("the body has \"\(member.name)\", and this takes \(known)")
            }
            guard field.admits(member.value) else { throw APIBody.problem("\(field.name) is not \(field.kind.words)") }
        }
        if let missing = fields.first(where: { $0.isRequired && object[$0.name] == nil }) {
            throw APIBody.problem("\(missing.name) is missing: \(missing.kind.words)")
        }
        return value
    }

    private static func problem(_ detail: String) -> Problem {
        Problem(status: 400, title: "Bad Request", detail: detail)
    }
}

/// A member of the object that a request carries.
struct APIField: Sendable {
    enum Kind: Sendable {
        case flag
        /// More than none, and at most so many.
        case seconds(upTo: Double)
        case choice([String])
        /// One of these numbers, or one of these words.
        case numberOrWord([Int64], [String])
    }

    var name: String
    var kind: Kind
    var about: String
    /// One that is not may be `null`, too.
    var isRequired = false

    func admits(_ value: JSONValue) -> Bool {
        if !isRequired, value == .null { return true }
        switch kind {
        case .flag: return value.bool != nil
        case .seconds(let most): return value.double.map { $0 > 0 && $0 <= most } ?? false
        case .choice(let words): return value.string.map(words.contains) ?? false
        case .numberOrWord(let numbers, let words):
            return value.integer.map(numbers.contains) ?? value.string.map(words.contains) ?? false
        }
    }
}

extension APIField.Kind {
    var words: String {
        switch self {
        case .flag: "true or false"
        case .seconds(let most): "a number above 0 and at most \(Int64(most))"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .numberOrWord(_, let words): "a number that is known or one of \(words.joined(separator: ", "))"
        }
    }

    var schema: APISchema {
        switch self {
        case .flag: .flag
        case .seconds(let most):
            .object([
                ("type", .string("number")), ("exclusiveMinimum", .integer(0)), ("maximum", .number(most)),
            ])
        case .choice(let words): .choice(words)
        case .numberOrWord(let numbers, let words):
            .object([("enum", .array(numbers.map { .integer($0) } + words.map { .string($0) }))])
        }
    }
}
