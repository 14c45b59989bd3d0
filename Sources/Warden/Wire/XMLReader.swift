/// Reads the part of XML that XML-RPC is made of, one token at a time.
///
/// Attributes, comments and processing instructions are passed over; document types are refused.
struct XMLReader {
    /// How bytes are taken that XML does not allow.
    enum Strictness {
        /// They are an error, as for every XML parser.
        case strict
        /// They are taken: supervisord writes the escape sequences of a log as they are.
        case lenient
    }

    /// What the document is made of.
    ///
    /// An empty element gives a start and an end.
    enum Token: Hashable {
        case start(String)
        case end(String)
        case text([UInt8])
        case finished
    }

    private let bytes: [UInt8]
    private let strictness: Strictness
    private let stringBytes: Int
    private(set) var position = 0
    private var openNames: [String] = []
    private var isEmptyElement = false
    private var hasRoot = false

    /// - Throws: when the body is too long, in an encoding that is not known, or, if strict, not valid in it.
    init(_ body: [UInt8], limits: XMLRPCLimits, strictness: Strictness) throws(XMLRPCError) {
        guard body.count <= limits.bodyBytes else {
            throw XMLRPCError(.bodyTooLong(limit: limits.bodyBytes), at: limits.bodyBytes)
        }
        let hasMark = body.starts(with: [0xEF, 0xBB, 0xBF])
        if body.starts(with: [0xFE, 0xFF]) || body.starts(with: [0xFF, 0xFE]) || body.prefix(4).contains(0) {
            throw XMLRPCError(.encoding("UTF-16"), at: 0)
        }
        position = hasMark ? 3 : 0
        stringBytes = limits.stringBytes
        self.strictness = strictness
        switch XMLReader.declaredEncoding(of: body.dropFirst(position)) {
        case "UTF-8", "US-ASCII", "ASCII":
            bytes = body
        case "ISO-8859-1", "LATIN-1", "LATIN1":
            bytes = Array(String(String.UnicodeScalarView(body.map { Unicode.Scalar($0) })).utf8)
        case let other:
            throw XMLRPCError(.encoding(other), at: position)
        }
        if strictness == .strict, String(validating: bytes, as: UTF8.self) == nil {
            throw XMLRPCError(.malformed("invalid UTF-8"), at: 0)
        }
    }

    /// The encoding that `<?xml … encoding="…"?>` names, in upper case; UTF-8 when it names none.
    private static func declaredEncoding(of body: ArraySlice<UInt8>) -> String {
        guard body.starts(with: Array("<?xml".utf8)) else { return "UTF-8" }
        let declaration = String(decoding: body.prefix(WireLimits.nameBytes).prefix { $0 != 0x3E }, as: UTF8.self)
        guard let key = declaration.firstRange(ofText: "encoding") else { return "UTF-8" }
        let quoted = declaration[key.upperBound...].drop { $0 != "\"" && $0 != "'" }
        guard let quote = quoted.first else { return "UTF-8" }
        return quoted.dropFirst().prefix { $0 != quote }.uppercased()
    }

    /// The next token.
    mutating func next() throws(XMLRPCError) -> Token {
        if isEmptyElement {
            isEmptyElement = false
            return .end(openNames.removeLast())
        }
        while position < bytes.count {
            if bytes[position] != 0x3C {
                let text = try characterData()
                if !openNames.isEmpty { return .text(text) }
                guard text.allSatisfy(\.isXMLSpace) else { throw malformed("text outside the document") }
            } else if has("<!--") {
                try skip(past: "-->", from: 4)
            } else if has("<![CDATA[") {
                guard !openNames.isEmpty else { throw malformed("text outside the document") }
                return .text(try cdata())
            } else if has("<!") {
                throw XMLRPCError(.documentType, at: position)
            } else if has("<?") {
                try skip(past: "?>", from: 2)
            } else if has("</") {
                return .end(try endTag())
            } else {
                return .start(try startTag())
            }
        }
        guard openNames.isEmpty, hasRoot else { throw malformed("the document ends too early") }
        return .finished
    }

    private mutating func startTag() throws(XMLRPCError) -> String {
        guard !openNames.isEmpty || !hasRoot else { throw malformed("a second document") }
        hasRoot = true
        position += 1
        let name = try elementName()
        guard openNames.count < WireLimits.elementDepth else {
            throw XMLRPCError(.tooDeep(limit: WireLimits.elementDepth), at: position)
        }
        openNames.append(name)
        var quote: UInt8?
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch (byte, quote) {
            case (0x3C, _): throw malformed("< inside a tag")
            case (0x3E, nil):
                isEmptyElement = bytes[position - 2] == 0x2F
                return name
            case (0x22, nil), (0x27, nil): quote = byte
            case (let byte, let open?) where byte == open: quote = nil
            default: break
            }
        }
        throw malformed("a tag without an end")
    }

    private mutating func endTag() throws(XMLRPCError) -> String {
        position += 2
        let name = try elementName()
        while position < bytes.count, bytes[position].isXMLSpace { position += 1 }
        guard position < bytes.count, bytes[position] == 0x3E else { throw malformed("a tag without an end") }
        guard openNames.last == name else { throw malformed("</\(name)> without its start") }
        position += 1
        openNames.removeLast()
        return name
    }

    private mutating func elementName() throws(XMLRPCError) -> String {
        let start = position
        while position < bytes.count, !bytes[position].endsXMLName { position += 1 }
        guard position > start, position - start <= WireLimits.nameBytes else {
            throw malformed("a tag without a name")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// Characters up to the next tag, entities replaced and line ends made `\n`, as XML wants it.
    private mutating func characterData() throws(XMLRPCError) -> [UInt8] {
        var text: [UInt8] = []
        while position < bytes.count, bytes[position] != 0x3C {
            if bytes[position] == 0x26 {
                try appendReference(to: &text)
            } else {
                try appendCharacter(to: &text)
            }
            guard text.count <= stringBytes else {
                throw XMLRPCError(.stringTooLong(limit: stringBytes), at: position)
            }
        }
        return text
    }

    private mutating func cdata() throws(XMLRPCError) -> [UInt8] {
        position += 9
        var text: [UInt8] = []
        while position < bytes.count {
            if has("]]>") {
                position += 3
                return text
            }
            try appendCharacter(to: &text)
            guard text.count <= stringBytes else {
                throw XMLRPCError(.stringTooLong(limit: stringBytes), at: position)
            }
        }
        throw malformed("a CDATA section without an end")
    }

    private mutating func appendCharacter(to text: inout [UInt8]) throws(XMLRPCError) {
        let byte = bytes[position]
        position += 1
        switch byte {
        case 0x0D:
            if position < bytes.count, bytes[position] == 0x0A { position += 1 }
            text.append(0x0A)
        case 0x09, 0x0A, 0x20...:
            text.append(byte)
        default:
            if strictness == .strict { throw malformed("control character \(byte)") }
            text.append(byte)
        }
    }

    private mutating func appendReference(to text: inout [UInt8]) throws(XMLRPCError) {
        let start = position + 1
        let end = bytes[start...].prefix(WireLimits.nameBytes).firstIndex(of: 0x3B)
        guard let end else { throw malformed("& without an entity") }
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        position = end + 1
        switch name {
        case "amp": text.append(0x26)
        case "lt": text.append(0x3C)
        case "gt": text.append(0x3E)
        case "quot": text.append(0x22)
        case "apos": text.append(0x27)
        default:
            guard let scalar = XMLReader.scalar(named: name) else { throw malformed("unknown entity") }
            text.append(contentsOf: Character(scalar).utf8)
        }
    }

    /// The character of `#10` or `#x0A`; `nil` when XML has no such character.
    private static func scalar(named name: String) -> Unicode.Scalar? {
        guard name.hasPrefix("#") else { return nil }
        let isHexadecimal = name.hasPrefix("#x")
        let digits = name.dropFirst(isHexadecimal ? 2 : 1)
        guard digits.first?.isHexDigit == true, let number = UInt32(digits, radix: isHexadecimal ? 16 : 10),
            let scalar = Unicode.Scalar(number), scalar.isXMLCharacter
        else { return nil }
        return scalar
    }

    private func has(_ prefix: StaticString) -> Bool {
        prefix.withUTF8Buffer { bytes[position...].starts(with: $0) }
    }

    private mutating func skip(past end: StaticString, from length: Int) throws(XMLRPCError) {
        position = min(position + length, bytes.count)
        while position < bytes.count {
            if has(end) {
                position += end.utf8CodeUnitCount
                return
            }
            position += 1
        }
        throw malformed("the document ends too early")
    }

    private func malformed(_ what: String) -> XMLRPCError {
        XMLRPCError(.malformed(what), at: min(position, bytes.count))
    }
}

extension UInt8 {
    /// White space, as XML has it.
    var isXMLSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
    /// What cannot be inside an element's name: white space and `/ > < = &`.
    fileprivate var endsXMLName: Bool {
        isXMLSpace || self == 0x2F || self == 0x3E || self == 0x3C || self == 0x3D || self == 0x26
    }
}

extension Unicode.Scalar {
    /// Whether XML 1.0 has this character.
    var isXMLCharacter: Bool {
        switch value {
        case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }
}

extension StringProtocol {
    /// The first place of `text`, without Foundation.
    func firstRange(ofText text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
