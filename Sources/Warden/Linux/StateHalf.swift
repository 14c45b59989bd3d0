internal import Glibc

/// Which start of the host this is: what was remembered before another one is of no use.
package struct BootID: Hashable, Sendable {
    /// The two halves of the identity.
    package var high: UInt64
    /// As `high`.
    package var low: UInt64

    /// - Parameters: as the properties of the same names.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// This start's; zeros where the kernel does not say (no /proc), which is equal to itself.
    package static func current() -> BootID {
        let path = "/proc/sys/kernel/random/boot_id"
        let text = ProcessTree.contents(of: path, atMost: EdgeLimits.procReadBytes) ?? []
        let digits = String(decoding: text.filter { $0 != UInt8(ascii: "-") && $0 > 0x20 }, as: UTF8.self)
        guard digits.utf8.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else { return BootID(high: 0, low: 0) }
        return BootID(high: high, low: low)
    }
}

/// The head of a half, which makes it valid: 64 bytes, the sequence last.
internal struct StateHalfHead {
    internal static let bytes = 64
    /// "Wardens1".
    internal static let magic: UInt64 = 0x3173_6E65_6472_6157
    internal static let sequenceOffset = 56

    internal var version: UInt32
    internal var boot: BootID
    /// Bytes of records that were copied here before the half became valid. Those must all be whole.
    internal var foundedBytes: UInt64
    internal var sequence: UInt64

    /// - Returns: `nil` for anything that is not a whole head.
    internal init?(_ bytes: UnsafeRawBufferPointer) {
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        guard bytes.count >= Self.bytes, word(0) == Self.magic else { return nil }
        version = UInt32(truncatingIfNeeded: word(8))
        boot = BootID(high: word(16), low: word(24))
        foundedBytes = word(32)
        sequence = word(Self.sequenceOffset)
        guard sequence != 0, word(40) == UInt64(sum) else { return nil }
    }

    internal init(version: UInt32, boot: BootID, foundedBytes: Int, sequence: UInt64) {
        self.version = version
        self.boot = boot
        self.foundedBytes = UInt64(foundedBytes)
        self.sequence = sequence
    }

    internal var sum: UInt32 {
        let words = [Self.magic, UInt64(version), boot.high, boot.low, foundedBytes, sequence].map(\.littleEndian)
        return words.withUnsafeBytes { CRC32C.sum($0) }
    }

    /// Writes all of it but the sequence.
    internal func store(to place: UnsafeMutableRawPointer) {
        let words = [Self.magic, UInt64(version), boot.high, boot.low, foundedBytes, UInt64(sum), 0]
        for (index, word) in words.enumerated() {
            place.storeBytes(of: word.littleEndian, toByteOffset: index * 8, as: UInt64.self)
        }
    }
}

/// What a half says, read into memory that nobody else writes to.
internal struct StateHalfReading {
    internal struct Entry {
        var name: StateRecord.Name
        var isRemoval: Bool
        /// Where its bytes begin, from the start of the half.
        var offset: Int
        var count: Int
    }

    internal var head: StateHalfHead
    internal var bytes: [UInt8] = []
    internal var entries: [Entry] = []
    /// Where the last whole record ends.
    internal var end = 0

    /// Whether nothing is missing of what was there when the half became valid.
    internal var isWhole: Bool { UInt64(end) >= head.foundedBytes }

    /// Reads records until one is not whole.
    ///
    /// - Parameters:
    ///   - head: the head of the half.
    ///   - file: the memory.
    ///   - offset: where the half begins in it.
    ///   - capacity: its bytes.
    internal init(_ head: StateHalfHead, file: CInt, offset: Int, capacity: Int) {
        self.head = head
        var wanted = min(capacity, StateMemoryLimits.initialBytes)
        while true {
            // By pread(2), for a read of mapped memory would allocate pages that were never written to.
            bytes += Self.read(file, offset + bytes.count, wanted - bytes.count)
            let isCut = bytes.count == wanted && wanted < capacity
            if !parse() || !isCut { break }
            wanted = min(capacity, wanted * 2)
        }
    }

    /// - Returns: whether it ended because there are not bytes enough.
    private mutating func parse() -> Bool {
        var (end, entries, head) = (end, entries, head)
        defer { (self.end, self.entries) = (end, entries) }
        return bytes.withUnsafeBytes { bytes in
            head.sequence = self.head.sequence
            while true {
                guard end + StateRecordHead.bytes <= bytes.count else { return true }
                let record = StateRecordHead(UnsafeRawBufferPointer(rebasing: bytes[end...]))
                let count = Int(record.count)
                guard count <= StateMemoryLimits.recordBytes, Int(record.index) == entries.count,
                    record.operation == StateRecordHead.put || record.operation == StateRecordHead.removal
                else { return false }
                let start = end + StateRecordHead.bytes
                guard start + count <= bytes.count else { return true }
                let content = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
                guard record.sum(of: content, sequence: head.sequence) == record.sum else { return false }
                let name = StateRecord.Name(kind: record.kind, key: record.key)
                let isRemoval = record.operation == StateRecordHead.removal
                entries.append(Entry(name: name, isRemoval: isRemoval, offset: start, count: count))
                end += StateRecordHead.size(ofRecordWith: count)
            }
        }
    }

    private static func read(_ file: CInt, _ offset: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let room = buffer.baseAddress.map { $0 + filled }
                let size = pread(file, room, count - filled, offset + filled)
                if size > 0 {
                    filled += size
                } else if size == 0 || errno != EINTR {
                    return
                }
            }
        }
    }
}

/// The newest record of each name, in the order in which they were written.
internal struct StateFold {
    private var places: [StateRecord.Name: Int] = [:]
    private var records: [StateRecord?] = []

    internal mutating func take(_ reading: StateHalfReading) {
        for entry in reading.entries {
            if let former = places.removeValue(forKey: entry.name) { records[former] = nil }
            if entry.isRemoval { continue }
            places[entry.name] = records.count
            let bytes = [UInt8](reading.bytes[entry.offset..<(entry.offset + entry.count)])
            records.append(StateRecord(name: entry.name, bytes: bytes))
        }
    }

    internal var result: [StateRecord] { records.compactMap { $0 } }
}
