/// A tree of what one daemon tells the next, and its bytes.
///
/// Every value says what it is, and every member of an object its name, so a reader skips what it does not know and
/// misses nothing else. A name is written once and referred to after that. Made for the daemon's own successor: no
/// other program reads it.
package indirect enum StateValue: Hashable, Sendable {
    /// Nothing: an optional that is not there.
    case null
    /// A truth.
    case boolean(Bool)
    /// A whole number that is negative or fits into 63 bits.
    case integer(Int64)
    /// A whole number beyond that.
    case unsigned(UInt64)
    /// A number.
    case double(Double)
    /// A text.
    case text(String)
    /// Bytes, whatever they mean.
    case bytes([UInt8])
    /// Values in order.
    case list([StateValue])
    /// Values by name, in the order in which they were written.
    case object([Member])

    /// One named value of an object.
    package struct Member: Hashable, Sendable {
        /// Its name.
        package var name: String
        /// What it is.
        package var value: StateValue

        /// - Parameters: as the properties of the same names.
        package init(name: String, value: StateValue) {
            self.name = name
            self.value = value
        }
    }
}

/// Why a state cannot be read, or written.
package enum StateFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not a state, or not the whole of one; the offset says where.
    case malformed(offset: Int)
    /// Larger or deeper than `StateLimits`.
    case tooLarge
    /// The value at this place is not what the reader expects; a text for the log.
    case unexpected(path: String, what: String)

    /// A text for the log.
    package var description: String {
        switch self {
        case .malformed(let offset): "the state is damaged at byte \(offset)"
        case .tooLarge: "the state is larger than this version accepts"
        case .unexpected(let path, let what): "the state has something else at \(path): \(what)"
        }
    }
}

/// Limits of states.
package enum StateLimits {
    /// Bytes of one state: a thousand workers with everything that is remembered of them are some tens of megabytes.
    package static let bytes = 1 << 28
    /// Values within values.
    package static let depth = 64
}

extension StateValue {
    private enum Tag {
        static let null: UInt8 = 0
        static let no: UInt8 = 1
        static let yes: UInt8 = 2
        static let integer: UInt8 = 3
        static let unsigned: UInt8 = 4
        static let double: UInt8 = 5
        static let text: UInt8 = 6
        static let list: UInt8 = 7
        static let object: UInt8 = 8
        static let bytes: UInt8 = 9
    }

    /// The bytes.
    package func encoded() -> [UInt8] {
        var writer = Writer()
        writer.write(self)
        return writer.bytes
    }

    /// - Parameter bytes: the whole of a state.
    /// - Throws: `StateFailure.malformed` or `.tooLarge`.
    package init(decoding bytes: some Collection<UInt8>) throws(StateFailure) {
        guard bytes.count <= StateLimits.bytes else { throw .tooLarge }
        var reader = Reader(bytes: Array(bytes))
        self = try reader.value(depth: 0)
        guard reader.position == reader.bytes.count else { throw .malformed(offset: reader.position) }
    }

    private struct Writer {
        var bytes: [UInt8] = []
        private var names: [String: UInt64] = [:]

        mutating func write(_ value: StateValue) {
            switch value {
            case .null: bytes.append(Tag.null)
            case .boolean(let isTrue): bytes.append(isTrue ? Tag.yes : Tag.no)
            case .integer(let number):
                bytes.append(Tag.integer)
                write(number: UInt64(bitPattern: (number << 1) ^ (number >> 63)))
            case .unsigned(let number):
                bytes.append(Tag.unsigned)
                write(number: number)
            case .double(let number):
                bytes.append(Tag.double)
                withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            case .text(let text):
                bytes.append(Tag.text)
                write(text: text)
            case .bytes(let more):
                bytes.append(Tag.bytes)
                write(number: UInt64(more.count))
                bytes.append(contentsOf: more)
            case .list(let values):
                bytes.append(Tag.list)
                write(number: UInt64(values.count))
                for value in values { write(value) }
            case .object(let members):
                bytes.append(Tag.object)
                write(number: UInt64(members.count))
                for member in members {
                    write(name: member.name)
                    write(member.value)
                }
            }
        }

        private mutating func write(name: String) {
            if let known = names[name] { return write(number: known) }
            names[name] = UInt64(names.count + 1)
            write(number: 0)
            write(text: name)
        }

        private mutating func write(text: String) {
            write(number: UInt64(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        }

        /// Seven bits in each byte, the lowest first.
        private mutating func write(number: UInt64) {
            var rest = number
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        private var names: [String] = []

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func value(depth: Int) throws(StateFailure) -> StateValue {
            guard depth < StateLimits.depth else { throw .tooLarge }
            let tag = try byte()
            switch tag {
            case Tag.null: return .null
            case Tag.no: return .boolean(false)
            case Tag.yes: return .boolean(true)
            case Tag.integer:
                let number = try number()
                return .integer(Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1))
            case Tag.unsigned: return .unsigned(try number())
            case Tag.double:
                var pattern: UInt64 = 0
                for shift in 0..<8 { pattern |= UInt64(try byte()) << UInt64(shift * 8) }
                return .double(Double(bitPattern: pattern))
            case Tag.text: return .text(try text())
            case Tag.bytes:
                let count = try count()
                defer { position += count }
                return .bytes(Array(bytes[position..<position + count]))
            case Tag.list:
                var values: [StateValue] = []
                for _ in 0..<(try count()) { values.append(try value(depth: depth + 1)) }
                return .list(values)
            case Tag.object:
                var members: [Member] = []
                for _ in 0..<(try count()) {
                    members.append(Member(name: try name(), value: try value(depth: depth + 1)))
                }
                return .object(members)
            default: throw .malformed(offset: position - 1)
            }
        }

        private mutating func byte() throws(StateFailure) -> UInt8 {
            guard position < bytes.count else { throw .malformed(offset: position) }
            defer { position += 1 }
            return bytes[position]
        }

        private mutating func number() throws(StateFailure) -> UInt64 {
            var number: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                let byte = try byte()
                // The tenth byte has room for one bit.
                if shift == 63, byte > 1 { throw .malformed(offset: position - 1) }
                number |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return number }
            }
            throw .malformed(offset: position - 1)
        }

        /// How many follow: never more than there are bytes, so that nobody can ask for memory that is not needed.
        private mutating func count() throws(StateFailure) -> Int {
            let count = try number()
            guard count <= UInt64(bytes.count - position) else { throw .malformed(offset: position) }
            return Int(count)
        }

        private mutating func text() throws(StateFailure) -> String {
            let count = try count()
            guard let text = String(validating: bytes[position..<position + count], as: UTF8.self) else {
                throw .malformed(offset: position)
            }
            position += count
            return text
        }

        private mutating func name() throws(StateFailure) -> String {
            let number = try number()
            if number == 0 {
                names.append(try text())
                return names[names.count - 1]
            }
            guard number <= UInt64(names.count) else { throw .malformed(offset: position) }
            return names[Int(number) - 1]
        }
    }
}
