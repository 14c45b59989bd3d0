/// Why a body is not JSON, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Problem: Hashable, Sendable {
        /// The body has more bytes than this limit.
        case bodyTooLong(limit: Int)
        /// Values are nested deeper than this limit.
        case tooDeep(limit: Int)
        /// There are more values, or members of one object, than this limit.
        case tooManyValues(limit: Int)
        /// The body is not UTF-8.
        case encoding
        /// A name occurs twice in one object.
        case repeatedName(String)
        /// It is not JSON.
        case malformed(String)
    }

    /// What is wrong.
    package var problem: Problem
    /// How many bytes of the body were read when it was found.
    package var offset: Int

    /// The problem and its place, for a log or an answer.
    package var description: String {
        switch problem {
        case .bodyTooLong(let limit): "body is longer than \(limit) bytes"
        case .tooDeep(let limit): "values at byte \(offset) are nested deeper than \(limit)"
        case .tooManyValues(let limit): "more than \(limit) values at byte \(offset)"
        case .encoding: "body is not UTF-8"
        case .repeatedName(let name): "name \"\(name)\" is repeated at byte \(offset)"
        case .malformed(let what): "not JSON at byte \(offset): \(what)"
        }
    }
}

extension JSONValue {
    /// Reads a body strictly by RFC 8259: nothing behind the value, no repeated names, no lone surrogates.
    /// - Parameters:
    ///   - body: the whole body, UTF-8 without a byte order mark.
    ///   - bodyLimit: bytes of it that are taken.
    ///   - valueLimit: values in it that are taken.
    /// - Throws: when it is not JSON, or too much of it.
    package init(
        decoding body: [UInt8], bodyLimit: Int = WireLimits.requestBytes, valueLimit: Int = WireLimits.requestValues
    ) throws(JSONError) {
        guard body.count <= bodyLimit else {
            throw JSONError(problem: .bodyTooLong(limit: bodyLimit), offset: bodyLimit)
        }
        guard String(validating: body, as: UTF8.self) != nil else {
            throw JSONError(problem: .encoding, offset: 0)
        }
        var reader = JSONReader(bytes: body, valueLimit: valueLimit)
        self = try reader.document()
    }
}

/// A recursive descent through the bytes of a document.
private struct JSONReader {
    private let bytes: [UInt8]
    private let valueLimit: Int
    private var position = 0
    private var valueCount = 0

    init(bytes: [UInt8], valueLimit: Int) {
        self.bytes = bytes
        self.valueLimit = valueLimit
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let document = try value(depth: 1)
        skipSpace()
        guard position == bytes.count else { throw malformed("text behind the value") }
        return document
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= WireLimits.valueDepth else { throw error(.tooDeep(limit: WireLimits.valueDepth)) }
        valueCount += 1
        guard valueCount <= valueLimit else { throw error(.tooManyValues(limit: valueLimit)) }
        skipSpace()
        switch peek {
        case 0x7B?: return try object(depth: depth)
        case 0x5B?: return try array(depth: depth)
        case 0x22?: return .string(try string())
        case 0x2D?, (0x30...0x39)?: return try number()
        case 0x74?: return try word("true", .bool(true))
        case 0x66?: return try word("false", .bool(false))
        case 0x6E?: return try word("null", .null)
        default: throw malformed(position < bytes.count ? "no value begins here" : "the body ends too early")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var members: [JSONObject.Member] = []
        var names: Set<String> = []
        skipSpace()
        if take(0x7D) { return .object(JSONObject(members: members)) }
        while true {
            skipSpace()
            guard peek == 0x22 else { throw malformed("a name is missing") }
            let name = try string()
            guard names.insert(name).inserted else { throw error(.repeatedName(name)) }
            guard names.count <= WireLimits.objectMembers else {
                throw error(.tooManyValues(limit: WireLimits.objectMembers))
            }
            skipSpace()
            guard take(0x3A) else { throw malformed(": is missing") }
            members.append(JSONObject.Member(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if take(0x7D) { return .object(JSONObject(members: members)) }
            guard take(0x2C) else { throw malformed(", or } is missing") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(0x5D) { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take(0x5D) { return .array(elements) }
            guard take(0x2C) else { throw malformed(", or ] is missing") }
        }
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        _ = take(0x2D)
        if !take(0x30) { try digits() }
        var isWhole = true
        if take(0x2E) {
            isWhole = false
            try digits()
        }
        if take(0x65) || take(0x45) {
            isWhole = false
            if !take(0x2B) { _ = take(0x2D) }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let number = Int64(text) { return .integer(number) }
        guard let number = Double(text), number.isFinite else { throw malformed("a number out of range") }
        return .number(number)
    }

    private mutating func digits() throws(JSONError) {
        guard let first = peek, first.isDigit else { throw malformed("a digit is missing") }
        while let next = peek, next.isDigit { position += 1 }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case 0x22: return String(decoding: text, as: UTF8.self)
            case 0x5C: try escape(into: &text)
            case 0x00..<0x20: throw malformed("a control character in a string")
            default: text.append(byte)
            }
        }
        throw malformed("a string without an end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let letter = peek else { throw malformed("a string without an end") }
        position += 1
        switch letter {
        case 0x22, 0x5C, 0x2F: text.append(letter)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75: text.append(contentsOf: Character(try escapedScalar()).utf8)
        default: throw malformed("an unknown escape")
        }
    }

    /// From behind `\u`; a high surrogate takes the low one that has to follow it.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(0x5C), take(0x75) else { throw malformed("half a surrogate pair") }
        let second = try fourDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw malformed("half a surrogate pair") }
        return scalar
    }

    private mutating func fourDigits() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw malformed("a string without an end") }
        let digits = bytes[position..<position + 4]
        // UInt32 would take a sign.
        guard digits.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
            let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw malformed("not four digits behind \\u") }
        position += 4
        return number
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw malformed("no value begins here") }
        position += word.utf8.count
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte.isXMLSpace { position += 1 }
    }

    private func malformed(_ what: String) -> JSONError { error(.malformed(what)) }

    private func error(_ problem: JSONError.Problem) -> JSONError { JSONError(problem: problem, offset: position) }
}
