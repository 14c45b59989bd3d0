extension JSONValue {
    /// As bytes, in one line without spaces.
    ///
    /// Control characters are escaped, those of C1 and DEL too: a body that is printed on a terminal cannot steer it.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024)
        append(to: &bytes)
        return bytes
    }

    /// As text, in one line without spaces.
    package var text: String { String(decoding: encoded(), as: UTF8.self) }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .integer(let number): bytes.append(contentsOf: String(number).utf8)
        case .number(let number): bytes.append(contentsOf: JSONValue.numberText(number).utf8)
        case .string(let text): JSONValue.append(text, to: &bytes)
        case .array(let elements):
            bytes.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                element.append(to: &bytes)
            }
            bytes.append(0x5D)
        case .object(let object):
            bytes.append(0x7B)
            for (index, member) in object.members.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                JSONValue.append(member.name, to: &bytes)
                bytes.append(0x3A)
                member.value.append(to: &bytes)
            }
            bytes.append(0x7D)
        }
    }

    /// Whole numbers without a decimal point, as people expect a count to look.
    private static func numberText(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        if let whole = number.wholeNumber { return String(whole) }
        return String(number)
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(0x22)
        var text = text
        text.withUTF8 { buffer in
            var index = 0
            while index < buffer.count {
                let byte = buffer[index]
                switch byte {
                case 0x22, 0x5C:
                    bytes.append(0x5C)
                    bytes.append(byte)
                case 0x0A: bytes.append(contentsOf: "\\n".utf8)
                case 0x0D: bytes.append(contentsOf: "\\r".utf8)
                case 0x09: bytes.append(contentsOf: "\\t".utf8)
                case 0x00..<0x20, 0x7F: appendEscape(byte, to: &bytes)
                case 0xC2 where index + 1 < buffer.count && buffer[index + 1] < 0xA0:
                    // C1 controls: U+009B alone begins an escape sequence on some terminals.
                    index += 1
                    appendEscape(buffer[index], to: &bytes)
                default: bytes.append(byte)
                }
                index += 1
            }
        }
        bytes.append(0x22)
    }

    private static func appendEscape(_ value: UInt8, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(digits[Int(value >> 4)])
        bytes.append(digits[Int(value & 15)])
    }
}
