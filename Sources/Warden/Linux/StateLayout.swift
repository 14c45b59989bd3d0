internal import CWardenLinux
internal import Glibc
internal import WardenCore

/// Where things are in the state's file: a board, the heads of the halves, the words, and the halves.
///
/// The board and the places of the heads are the same in every version.
internal enum StateLayout {
    /// "Wardenst".
    internal static let boardMagic: UInt64 = 0x7473_6E65_6472_6157
    internal static let startCountOffset = 8
    internal static let startTimesOffset = 16
    internal static let wordsOffset = 4096
    internal static let wordsBytes = StateMemoryLimits.words * 8
    internal static let headBytes = wordsOffset + wordsBytes

    internal static func headOffset(ofHalf half: Int) -> Int { 1024 + half * 1024 }
    internal static func offset(ofHalf half: Int, _ halfBytes: Int) -> Int { headBytes + half * halfBytes }
    internal static func size(halfBytes: Int) -> Int { headBytes + 2 * halfBytes }

    /// How large the halves of a file are that somebody else has made.
    internal static func halfBytes(of descriptor: CInt) throws(StateMemoryFailure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            warden_memory_is_sealed(descriptor) == 1
        else { throw .foreign }
        let rest = Int(status.st_size) - headBytes
        guard rest > 0, rest % 8192 == 0, rest / 2 <= StateMemoryLimits.halfBytes,
            word(descriptor, 0) == boardMagic
        else { throw .foreign }
        return rest / 2
    }

    /// What the halves say that are valid, the newest last.
    internal static func readings(
        of descriptor: CInt, _ halfBytes: Int, _ boot: BootID
    ) throws(StateMemoryFailure) -> [(half: Int, reading: StateHalfReading)] {
        var heads: [(half: Int, head: StateHalfHead)] = []
        for half in 0...1 {
            let bytes = Self.bytes(descriptor, headOffset(ofHalf: half), StateHalfHead.bytes)
            if let head = bytes.withUnsafeBytes({ StateHalfHead($0) }) { heads.append((half, head)) }
        }
        heads.sort { $0.head.sequence < $1.head.sequence }
        guard let newest = heads.last?.head else { throw .damaged }
        if newest.boot != boot { throw .otherBoot }
        guard (StateMemory.oldestVersion...StateMemory.version).contains(newest.version) else {
            throw .otherVersion(newest.version)
        }
        // The last sequence there can be leaves no room for another.
        if newest.sequence == .max { throw .damaged }
        return heads.filter { $0.head.boot == boot && $0.head.version == newest.version }.map { half, head in
            let offset = Self.offset(ofHalf: half, halfBytes)
            return (half, StateHalfReading(head, file: descriptor, offset: offset, capacity: halfBytes))
        }
    }

    internal static func startTimes(of descriptor: CInt) -> [Instant] {
        guard word(descriptor, 0) == boardMagic, let count = word(descriptor, startCountOffset) else { return [] }
        let valid = Int(min(count, UInt64(StateMemoryLimits.startTimes)))
        return (0..<valid).compactMap { place in
            word(descriptor, startTimesOffset + place * 8).map { Instant(nanoseconds: Int64(bitPattern: $0)) }
        }
    }

    private static func word(_ descriptor: CInt, _ offset: Int) -> UInt64? {
        let bytes = bytes(descriptor, offset, 8)
        return bytes.count < 8 ? nil : bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    }

    private static func bytes(_ descriptor: CInt, _ offset: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, offset))
        }
    }
}

/// Words in the state's memory that any thread may set: one store each, without a record and without a sum.
///
/// One mark is needed so: which stream a log file is being written for. A daemon that is killed in the middle of a line
/// leaves that line to be continued before another stream writes to the file.
package struct StateWords: ~Copyable, Sendable {
    private let address: UInt

    internal init(file: CInt) throws(KernelFailure) {
        let offset = Int64(StateLayout.wordsOffset)
        guard let address = warden_memory_map(file, offset, StateLayout.wordsBytes) else {
            throw KernelFailure("map", "state", errno)
        }
        self.address = UInt(bitPattern: address)
    }

    deinit {
        warden_memory_unmap(warden_place(address), StateLayout.wordsBytes)
    }

    /// A word; 0 until it is set.
    ///
    /// - Parameter index: which, from 0 to `StateMemoryLimits.words` - 1.
    package subscript(index: Int) -> UInt64 {
        get {
            precondition((0..<StateMemoryLimits.words).contains(index))
            return warden_place(address).load(fromByteOffset: index * 8, as: UInt64.self)
        }
        nonmutating set {
            precondition((0..<StateMemoryLimits.words).contains(index))
            warden_store_last(warden_place(address) + index * 8, newValue)
        }
    }
}
