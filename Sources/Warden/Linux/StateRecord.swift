internal import CWardenLinux

/// What is remembered under one name. The newest of a name is what holds.
package struct StateRecord: Hashable, Sendable {
    /// What a record is about, and which of its kind.
    package struct Name: Hashable, Sendable {
        /// The kind; its meaning is the writer's.
        package var kind: UInt8
        /// Which of them: a slot's number, an incident's.
        package var key: UInt64

        /// - Parameters: as the properties of the same names.
        package init(kind: UInt8, key: UInt64) {
            self.kind = kind
            self.key = key
        }
    }

    /// Its name.
    package var name: Name
    /// What is remembered.
    package var bytes: [UInt8]

    /// - Parameters: as the properties of the same names.
    package init(name: Name, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// The Castagnoli sum of bytes, by the processor's instruction where it has one.
package enum CRC32C {
    /// The sum of bytes.
    ///
    /// - Parameters:
    ///   - bytes: any bytes.
    ///   - sum: that of what came before.
    ///   - avoidsInstruction: compute it without the instruction, so that both ways can be tested.
    package static func sum(
        _ bytes: UnsafeRawBufferPointer, after sum: UInt32 = 0, avoidsInstruction: Bool = false
    ) -> UInt32 {
        // An empty buffer may have no address.
        guard let start = bytes.baseAddress else { return sum }
        return avoidsInstruction
            ? warden_crc32c_by_table(sum, start, bytes.count) : warden_crc32c(sum, start, bytes.count)
    }
}

/// How a record lies in a half: a head of 24 bytes, the bytes, and zeros up to the next multiple of eight.
///
/// The sum is over everything else of the head, the bytes, and the half's sequence: what an earlier use of the half has
/// left behind is not taken for a record of this one.
internal struct StateRecordHead {
    internal static let bytes = 24
    internal static let put: UInt8 = 1
    internal static let removal: UInt8 = 2

    internal var sum: UInt32
    internal var count: UInt32
    internal var kind: UInt8
    internal var operation: UInt8
    /// Which record of the half: 0, 1, 2.
    internal var index: UInt32
    internal var key: UInt64

    internal static func size(ofRecordWith count: Int) -> Int { (bytes + count + 7) & ~7 }

    internal init(kind: UInt8, operation: UInt8, key: UInt64, index: UInt32, count: Int) {
        sum = 0
        self.count = UInt32(truncatingIfNeeded: count)
        self.kind = kind
        self.operation = operation
        self.index = index
        self.key = key
    }

    internal init(_ bytes: UnsafeRawBufferPointer) {
        sum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        count = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        kind = bytes[8]
        operation = bytes[9]
        index = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        key = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    }

    /// Writes everything but the first eight bytes, and answers with those.
    internal func store(to place: UnsafeMutableRawPointer, sum: UInt32) -> UInt64 {
        place.storeBytes(of: UInt32(kind) | UInt32(operation) << 8, toByteOffset: 8, as: UInt32.self)
        place.storeBytes(of: index.littleEndian, toByteOffset: 12, as: UInt32.self)
        place.storeBytes(of: key.littleEndian, toByteOffset: 16, as: UInt64.self)
        return UInt64(sum) | UInt64(count) << 32
    }

    internal func sum(of bytes: UnsafeRawBufferPointer, sequence: UInt64) -> UInt32 {
        let first = sequence.littleEndian
        let second = UInt64(count) | UInt64(kind) << 32 | UInt64(operation) << 40
        let words: (UInt64, UInt64, UInt64, UInt64) = (first, second.littleEndian, UInt64(index).littleEndian, key)
        let sum = withUnsafeBytes(of: words) { CRC32C.sum($0) }
        return CRC32C.sum(bytes, after: sum)
    }
}
