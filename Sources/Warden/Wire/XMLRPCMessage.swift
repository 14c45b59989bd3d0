/// A call of a method.
package struct XMLRPCCall: Hashable, Sendable {
    /// The method's name, such as `supervisor.getState`; not checked.
    package var method: String
    /// The parameters, in order.
    package var parameters: [XMLRPCValue]

    /// - Parameters:
    ///   - method: the method's name.
    ///   - parameters: the parameters, in order.
    package init(method: String, parameters: [XMLRPCValue] = []) {
        self.method = method
        self.parameters = parameters
    }

    /// Reads a request's body.
    /// - Parameters:
    ///   - body: the whole body.
    ///   - limits: how much of it is taken.
    /// - Throws: when it is not a call. A missing `<params>` is not an error, and neither is an unknown method.
    package init(decoding body: [UInt8], limits: XMLRPCLimits = .call) throws(XMLRPCError) {
        var decoder = try XMLRPCDecoder(body, limits: limits, strictness: .strict)
        self = try decoder.call()
    }

    /// The body of a request.
    package func encoded() -> [UInt8] {
        var encoder = XMLRPCEncoder()
        encoder.write(self)
        return encoder.bytes
    }
}

/// The answer to a call.
package enum XMLRPCResponse: Hashable, Sendable {
    /// It was done, with this result.
    case success(XMLRPCValue)
    /// It was refused.
    case fault(XMLRPCFault)

    /// Reads an answer's body.
    ///
    /// Control characters and bad UTF-8 inside texts are taken as they are: supervisord copies them from the logs, and
    /// its own client fails on them.
    /// - Parameters:
    ///   - body: the whole body.
    ///   - limits: how much of it is taken.
    /// - Throws: when it is not a response. A fault is not an error.
    package init(decoding body: [UInt8], limits: XMLRPCLimits = .response) throws(XMLRPCError) {
        var decoder = try XMLRPCDecoder(body, limits: limits, strictness: .lenient)
        self = try decoder.response()
    }

    /// The body of the answer, byte for byte as supervisord 4.3.0 writes it.
    package func encoded() -> [UInt8] {
        var encoder = XMLRPCEncoder()
        encoder.write(self)
        return encoder.bytes
    }
}

/// Writes XML-RPC with the line breaks of Python's xmlrpc.client, which scripts grep.
struct XMLRPCEncoder {
    private(set) var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(1024)
    }

    mutating func write(_ call: XMLRPCCall) {
        raw("<?xml version='1.0'?>\n<methodCall>\n<methodName>")
        escaped(call.method)
        raw("</methodName>\n<params>\n")
        for parameter in call.parameters {
            raw("<param>\n")
            value(parameter)
            raw("</param>\n")
        }
        raw("</params>\n</methodCall>\n")
    }

    mutating func write(_ response: XMLRPCResponse) {
        raw("<?xml version='1.0'?>\n<methodResponse>\n")
        switch response {
        case .success(let result):
            raw("<params>\n<param>\n")
            value(result)
            raw("</param>\n</params>\n")
        case .fault(let fault):
            raw("<fault>\n")
            value(fault.value)
            raw("</fault>\n")
        }
        raw("</methodResponse>\n")
    }

    private mutating func value(_ value: XMLRPCValue) {
        raw("<value>")
        switch value {
        case .int(let number):
            // supervisord caps what does not fit: xmlrpc.client refuses to write more than 32 bits.
            raw("<int>")
            bytes.append(contentsOf: String(Int32(clamping: number)).utf8)
            raw("</int>")
        case .bool(let flag): raw(flag ? "<boolean>1</boolean>" : "<boolean>0</boolean>")
        case .string(let text):
            raw("<string>")
            escaped(text)
            raw("</string>")
        case .double(let number):
            raw("<double>")
            bytes.append(contentsOf: String(number.isFinite ? number : 0).utf8)
            raw("</double>")
        case .base64(let data):
            raw("<base64>\n")
            bytes.append(contentsOf: Base64.encode(data).utf8)
            raw("\n</base64>")
        case .dateTime(let text):
            raw("<dateTime.iso8601>")
            escaped(text)
            raw("</dateTime.iso8601>")
        case .array(let elements): array(elements)
        case .structure(let members): structure(members)
        }
        raw("</value>\n")
    }

    private mutating func array(_ elements: [XMLRPCValue]) {
        raw("<array><data>\n")
        for element in elements { value(element) }
        raw("</data></array>")
    }

    private mutating func structure(_ members: [XMLRPCValue.Member]) {
        raw("<struct>\n")
        for member in members {
            raw("<member>\n<name>")
            escaped(member.name)
            raw("</name>\n")
            value(member.value)
            raw("</member>\n")
        }
        raw("</struct>")
    }

    /// Text with `& < >` escaped and without the characters that XML does not have: C0 controls, U+FFFE and U+FFFF.
    private mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { buffer in
            var index = 0
            while index < buffer.count {
                let byte = buffer[index]
                switch byte {
                case 0x26: raw("&amp;")
                case 0x3C: raw("&lt;")
                case 0x3E: raw("&gt;")
                case 0x09, 0x0A, 0x0D: bytes.append(byte)
                case 0x00..<0x20: break
                case 0xEF where buffer.isNoncharacter(at: index): index += 2
                default: bytes.append(byte)
                }
                index += 1
            }
        }
    }

    private mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether U+FFFE or U+FFFF (EF BF BE, EF BF BF) begins here.
    fileprivate func isNoncharacter(at index: Int) -> Bool {
        index + 2 < count && self[index + 1] == 0xBF && self[index + 2] >= 0xBE
    }
}
