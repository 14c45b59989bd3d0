/// Earlier incidents with the same fingerprint.
package struct Recurrence: Hashable, Codable, Sendable {
    /// The newest of them.
    package var earlierID: String
    /// Which time it is now, from 2; at most `Limits.countedRecurrences`.
    package var count: Int

    /// - Parameters: as the properties of the same names.
    package init(earlierID: String, count: Int) {
        self.earlierID = earlierID
        self.count = count
    }

    /// `same as incident t2k9-x1, 3rd time`.
    package var spoken: String {
        let ending =
            switch (count % 10, count % 100) {
            case (_, 11...13): "th"
            case (1, _): "st"
            case (2, _): "nd"
            case (3, _): "rd"
            default: "th"
            }
        return "same as incident \(earlierID), \(count)\(ending) time"
    }
}

extension Forensics {
    /// What tells this hang from another: sixteen hexadecimal digits over the stacks, or, without any, over what the
    /// threads wait for. Numbers and addresses do not count, nor how many threads look alike.
    ///
    /// - Parameter condition: what was believed; only hangs are told apart.
    /// - Returns: `nil` when there is nothing to go by.
    package func fingerprint(as condition: Condition) -> String? {
        guard case .hung = condition else { return nil }
        let lines = pythonStacks.isEmpty ? threads + stacks : pythonStacks
        let shapes = Set(lines.map(Forensics.normalised)).subtracting([""])
        guard !shapes.isEmpty else { return nil }
        // FNV-1a: stable over versions and machines, as Hasher is not.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for text in [condition.name] + shapes.sorted() {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            hash = (hash ^ 0x0A) &* 0x0000_0100_0000_01B3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A line without what differs from one time to the next: numbers, addresses, and white space at both ends.
    static func normalised(_ line: String) -> String {
        var shape: [UInt8] = []
        var inNumber = false
        let bytes = Array(line.utf8)
        for (index, byte) in bytes.enumerated() {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            // `0x7f3a` is one number, and so is the `7f3a` of `pipe-7f3a`; the `x` of `x86` is none.
            if isDigit || inNumber && isLetter {
                inNumber = true
                if index == 0 || shape.last != UInt8(ascii: "#") { shape.append(UInt8(ascii: "#")) }
            } else {
                inNumber = false
                shape.append(byte)
            }
        }
        let text = shape.drop { $0 == 0x20 }.reversed().drop { $0 == 0x20 }.reversed()
        return String(decoding: text, as: UTF8.self)
    }
}
