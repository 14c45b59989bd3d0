/// A value of XML-RPC.
///
/// There is no nil: supervisord refuses it.
package enum XMLRPCValue: Hashable, Sendable {
    /// A member of a structure.
    package struct Member: Hashable, Sendable {
        /// Its name.
        package var name: String
        /// Its value.
        package var value: XMLRPCValue

        /// - Parameters:
        ///   - name: the member's name.
        ///   - value: the member's value.
        package init(_ name: String, _ value: XMLRPCValue) {
            self.name = name
            self.value = value
        }
    }

    /// A whole number; written with 32 bits, larger ones are capped as supervisord caps them.
    case int(Int64)
    /// True or false.
    case bool(Bool)
    /// A text. Characters that XML cannot carry are dropped when it is written.
    case string(String)
    /// A finite number.
    case double(Double)
    /// Bytes.
    case base64([UInt8])
    /// `dateTime.iso8601`, as it was written.
    case dateTime(String)
    /// An ordered list.
    case array([XMLRPCValue])
    /// Named values, in the order in which they are written.
    case structure([Member])

    /// A text from bytes of a log: what is not UTF-8 becomes U+FFFD, so that no log can break a client.
    package static func lossyText(_ bytes: some Collection<UInt8>) -> XMLRPCValue {
        .string(String(decoding: bytes, as: UTF8.self))
    }

    /// The member of a structure; the last one when a name repeats, as in a Python dictionary.
    package subscript(name: String) -> XMLRPCValue? {
        guard case .structure(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The number, if it is one.
    package var int: Int64? {
        guard case .int(let number) = self else { return nil }
        return number
    }

    /// The truth value, if it is one.
    ///
    /// Numbers 0 and 1 count: some clients write booleans so.
    package var bool: Bool? {
        switch self {
        case .bool(let value): value
        case .int(0): false
        case .int(1): true
        case .int, .string, .double, .base64, .dateTime, .array, .structure: nil
        }
    }

    /// The text, if it is one.
    package var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The elements, if it is an array.
    package var array: [XMLRPCValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }
}

/// How much of a body is taken before it is refused.
package struct XMLRPCLimits: Hashable, Sendable {
    /// Bytes of the whole body.
    package var bodyBytes: Int
    /// Values inside values.
    package var depth: Int
    /// Values in all.
    package var valueCount: Int
    /// Bytes of one text.
    package var stringBytes: Int

    /// - Parameters: as the properties of the same names.
    package init(bodyBytes: Int, depth: Int, valueCount: Int, stringBytes: Int) {
        self.bodyBytes = bodyBytes
        self.depth = depth
        self.valueCount = valueCount
        self.stringBytes = stringBytes
    }

    /// What a server takes.
    package static let call = XMLRPCLimits(
        bodyBytes: WireLimits.requestBytes, depth: WireLimits.valueDepth, valueCount: WireLimits.requestValues,
        stringBytes: WireLimits.requestStringBytes)
    /// What a client takes from its server.
    package static let response = XMLRPCLimits(
        bodyBytes: WireLimits.answerBytes, depth: WireLimits.valueDepth, valueCount: WireLimits.answerValues,
        stringBytes: WireLimits.answerBytes)
}

/// Why a body is not XML-RPC, and where.
package struct XMLRPCError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Problem: Hashable, Sendable {
        /// The body has more bytes than this limit.
        case bodyTooLong(limit: Int)
        /// One text has more bytes than this limit.
        case stringTooLong(limit: Int)
        /// Values or elements are nested deeper than this limit.
        case tooDeep(limit: Int)
        /// There are more values than this limit.
        case tooManyValues(limit: Int)
        /// There is a document type declaration: it could define entities that grow without end.
        case documentType
        /// The declared encoding is none of UTF-8, US-ASCII and ISO-8859-1.
        case encoding(String)
        /// It is not well-formed XML.
        case malformed(String)
        /// An element that XML-RPC does not have here.
        case unexpected(String)
        /// A value of this type is not what the type wants.
        case badValue(type: String)
        /// `<nil/>`, which supervisord does not know.
        case nilValue
    }

    /// What is wrong.
    package var problem: Problem
    /// How many bytes of the body were read when it was found.
    package var offset: Int

    /// - Parameters:
    ///   - problem: what is wrong.
    ///   - offset: how many bytes of the body were read when it was found.
    package init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    /// The problem and its place, for a log or an answer.
    package var description: String {
        switch problem {
        case .bodyTooLong(let limit): "body is longer than \(limit) bytes"
        case .stringTooLong(let limit): "text at byte \(offset) is longer than \(limit) bytes"
        case .tooDeep(let limit): "values at byte \(offset) are nested deeper than \(limit)"
        case .tooManyValues(let limit): "more than \(limit) values at byte \(offset)"
        case .documentType: "document type declaration at byte \(offset) is not accepted"
        case .encoding(let name): "encoding \(name) is not supported, use UTF-8"
        case .malformed(let what): "not well-formed at byte \(offset): \(what)"
        case .unexpected(let what): "unexpected \(what) at byte \(offset)"
        case .badValue(let type): "not a valid <\(type)> at byte \(offset)"
        case .nilValue: "<nil/> at byte \(offset) is not supported"
        }
    }
}
