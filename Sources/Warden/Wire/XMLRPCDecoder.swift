/// Makes calls and responses of XML tokens.
struct XMLRPCDecoder {
    private var reader: XMLReader
    private let limits: XMLRPCLimits
    private var valueCount = 0

    init(_ body: [UInt8], limits: XMLRPCLimits, strictness: XMLReader.Strictness) throws(XMLRPCError) {
        reader = try XMLReader(body, limits: limits, strictness: strictness)
        self.limits = limits
    }

    /// A whole `<methodCall>`.
    ///
    /// A call without `<params>` has no parameters, as for supervisord.
    mutating func call() throws(XMLRPCError) -> XMLRPCCall {
        try expect(.start("methodCall"))
        try expect(.start("methodName"))
        let method = try trimmedText(until: "methodName")
        guard !method.isEmpty else { throw error(.badValue(type: "methodName")) }
        var parameters: [XMLRPCValue] = []
        if try element() == .start("params") {
            while try element() == .start("param") {
                parameters.append(try parameter())
            }
            try require(.end("params"))
            _ = try element()
        }
        try require(.end("methodCall"))
        try expect(.finished)
        return XMLRPCCall(method: method, parameters: parameters)
    }

    /// A whole `<methodResponse>`.
    mutating func response() throws(XMLRPCError) -> XMLRPCResponse {
        try expect(.start("methodResponse"))
        let response: XMLRPCResponse
        switch try element() {
        case .start("params"):
            try expect(.start("param"))
            response = .success(try parameter())
            try expect(.end("params"))
        case .start("fault"):
            try expect(.start("value"))
            let fault = try value(depth: 1)
            try expect(.end("fault"))
            guard let code = fault["faultCode"]?.int, let text = fault["faultString"]?.string else {
                throw error(.badValue(type: "fault"))
            }
            response = .fault(XMLRPCFault(code: Int(code), string: text))
        case let other:
            throw unexpected(other)
        }
        try expect(.end("methodResponse"))
        try expect(.finished)
        return response
    }

    /// From behind `<param>` to behind `</param>`.
    private mutating func parameter() throws(XMLRPCError) -> XMLRPCValue {
        try expect(.start("value"))
        let parameter = try value(depth: 1)
        try expect(.end("param"))
        return parameter
    }

    /// From behind `<value>` to behind `</value>`.
    ///
    /// Without an inner element the value is a string.
    private mutating func value(depth: Int) throws(XMLRPCError) -> XMLRPCValue {
        guard depth <= limits.depth else { throw error(.tooDeep(limit: limits.depth)) }
        valueCount += 1
        guard valueCount <= limits.valueCount else { throw error(.tooManyValues(limit: limits.valueCount)) }
        var text: [UInt8] = []
        while true {
            switch try reader.next() {
            case .text(let piece):
                try append(piece, to: &text)
            case .end:
                return .string(String(decoding: text, as: UTF8.self))
            case .start(let type):
                guard text.allSatisfy(\.isXMLSpace) else { throw unexpected(.start(type)) }
                let typed = try typedValue(type, depth: depth)
                try expect(.end("value"))
                return typed
            case .finished:
                throw unexpected(.finished)
            }
        }
    }

    /// From behind the start of the type's element to behind its end.
    private mutating func typedValue(_ type: String, depth: Int) throws(XMLRPCError) -> XMLRPCValue {
        switch type {
        case "int", "i4", "i8", "i1", "i2", "biginteger":
            guard let number = Int64(try trimmedText(until: type)) else { throw error(.badValue(type: type)) }
            return .int(number)
        case "boolean":
            switch try trimmedText(until: type) {
            case "1", "true": return .bool(true)
            case "0", "false": return .bool(false)
            default: throw error(.badValue(type: type))
            }
        case "string":
            return .string(try text(until: type))
        case "double":
            guard let number = Double(try trimmedText(until: type)), number.isFinite else {
                throw error(.badValue(type: type))
            }
            return .double(number)
        case "base64":
            guard let bytes = Base64.decode(try text(until: type)) else { throw error(.badValue(type: type)) }
            return .base64(bytes)
        case "dateTime.iso8601":
            return .dateTime(try trimmedText(until: type))
        case "array":
            return .array(try array(depth: depth))
        case "struct":
            return .structure(try structure(depth: depth))
        case "nil":
            throw error(.nilValue)
        default:
            throw unexpected(.start(type))
        }
    }

    private mutating func array(depth: Int) throws(XMLRPCError) -> [XMLRPCValue] {
        var elements: [XMLRPCValue] = []
        guard try element() == .start("data") else {
            try require(.end("array"))
            return elements
        }
        while try element() == .start("value") {
            elements.append(try value(depth: depth + 1))
        }
        try require(.end("data"))
        try expect(.end("array"))
        return elements
    }

    private mutating func structure(depth: Int) throws(XMLRPCError) -> [XMLRPCValue.Member] {
        var members: [XMLRPCValue.Member] = []
        while try element() == .start("member") {
            try expect(.start("name"))
            let name = try text(until: "name")
            try expect(.start("value"))
            members.append(XMLRPCValue.Member(name, try value(depth: depth + 1)))
            try expect(.end("member"))
        }
        try require(.end("struct"))
        return members
    }

    // MARK: Tokens

    private var lastElement: XMLReader.Token = .finished

    /// The next tag, or the end of the document; white space between tags is passed over.
    private mutating func element() throws(XMLRPCError) -> XMLReader.Token {
        while true {
            let token = try reader.next()
            guard case .text(let text) = token else {
                lastElement = token
                return token
            }
            guard text.allSatisfy(\.isXMLSpace) else { throw error(.unexpected("text")) }
        }
    }

    private mutating func expect(_ token: XMLReader.Token) throws(XMLRPCError) {
        _ = try element()
        try require(token)
    }

    /// The tag that was read last has to be this one.
    private func require(_ token: XMLReader.Token) throws(XMLRPCError) {
        guard lastElement == token else { throw unexpected(lastElement) }
    }

    /// Text up to the end of the element `name`, which has no elements inside.
    private mutating func text(until name: String) throws(XMLRPCError) -> String {
        var text: [UInt8] = []
        while true {
            switch try reader.next() {
            case .text(let piece): try append(piece, to: &text)
            case .end: return String(decoding: text, as: UTF8.self)
            case let other: throw unexpected(other)
            }
        }
    }

    private mutating func trimmedText(until name: String) throws(XMLRPCError) -> String {
        let text = try text(until: name)
        let start = text.utf8.drop { $0.isXMLSpace }
        let end = start.lastIndex { !$0.isXMLSpace }
        return end.map { String(text[start.startIndex...$0]) } ?? ""
    }

    private func append(_ piece: [UInt8], to text: inout [UInt8]) throws(XMLRPCError) {
        guard text.count + piece.count <= limits.stringBytes else {
            throw error(.stringTooLong(limit: limits.stringBytes))
        }
        text.append(contentsOf: piece)
    }

    private func error(_ problem: XMLRPCError.Problem) -> XMLRPCError {
        XMLRPCError(problem, at: reader.position)
    }

    private func unexpected(_ token: XMLReader.Token) -> XMLRPCError {
        switch token {
        case .start(let name): error(.unexpected("<\(name)>"))
        case .end(let name): error(.unexpected("</\(name)>"))
        case .text: error(.unexpected("text"))
        case .finished: error(.unexpected("end"))
        }
    }
}
