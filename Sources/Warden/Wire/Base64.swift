/// Base64 as in RFC 4648, with padding.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8?] = {
        var values = [UInt8?](repeating: nil, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    /// The text of `bytes`, without line breaks.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let second = group.count > 1 ? group[1] : 0
            let third = group.count > 2 ? group[2] : 0
            text.append(alphabet[Int(group[0] >> 2)])
            text.append(alphabet[Int((group[0] & 3) << 4 | second >> 4)])
            text.append(group.count > 1 ? alphabet[Int((second & 15) << 2 | third >> 6)] : 0x3D)
            text.append(group.count > 2 ? alphabet[Int(third & 63)] : 0x3D)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`; white space is passed over.
    /// - Returns: `nil` when it has other letters, or ends inside a byte.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var letterCount = 0
        var paddingCount = 0
        for letter in text.utf8 where !letter.isXMLSpace {
            if letter == 0x3D {
                paddingCount += 1
                continue
            }
            guard paddingCount == 0, let value = values[Int(letter)] else { return nil }
            bits = bits << 6 | UInt32(value)
            letterCount += 1
            guard letterCount % 4 == 0 else { continue }
            bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
            bytes.append(UInt8(truncatingIfNeeded: bits))
        }
        switch (letterCount % 4, paddingCount) {
        case (0, 0): break
        case (2, 2): bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
        case (3, 1):
            bytes.append(UInt8(truncatingIfNeeded: bits >> 10))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
        default: return nil
        }
        return bytes
    }
}
