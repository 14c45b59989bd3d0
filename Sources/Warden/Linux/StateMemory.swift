internal import CWardenLinux
internal import Glibc
package import WardenCore

/// What the daemon remembers beyond its own death: a sealed memfd that the service manager, or the next binary, holds.
///
/// A journal of records in two halves of which one is in use. A record is in it as soon as `append` answers: a store to
/// shared memory needs no system call, and SIGKILL takes none of them back. When a half is full, what lives is copied
/// to the other one, which becomes valid with its last store. A daemon that is killed in between leaves a record
/// without its sum or a half without its sequence, and neither is read.
///
/// It guards against the daemon's death, not against the host's. Owned in one place, by one thread at a time.
package struct StateMemory: ~Copyable, Sendable {
    /// The format that is written.
    package static let version: UInt32 = 1
    /// The oldest format that is read: that of the version before.
    package static let oldestVersion: UInt32 = version - 1

    private struct Place {
        var offset: Int
        var count: Int
        var size: Int { StateRecordHead.size(ofRecordWith: count) }
    }

    fileprivate let file: StateFile
    private let initialBytes: Int
    private let boot: BootID
    /// Which half is in use, and its sequence.
    private var active = 0
    private var sequence: UInt64 = 0
    /// Where the next record goes, and its number.
    private var end = 0
    private var index: UInt32 = 0
    /// Bytes of each half that cannot fail to be there.
    private var reserved = [0, 0]
    private var places: [StateRecord.Name: Place] = [:]
    private var liveBytes = 0
    /// Part of what was adopted could not be read: a record that had been written, not one that was being written.
    package private(set) var wasDamaged = false

    /// An empty memory.
    ///
    /// - Parameters:
    ///   - initialBytes: reserved per half at first; whole pages.
    ///   - halfBytes: reserved per half at most; whole pages.
    ///   - boot: which start of the host.
    /// - Throws: `kernel`: EFBIG under a small RLIMIT_FSIZE, ENOMEM, ENOSPC, EMFILE.
    package static func make(
        initialBytes: Int = StateMemoryLimits.initialBytes, halfBytes: Int = StateMemoryLimits.halfBytes,
        boot: BootID = .current()
    ) throws(StateMemoryFailure) -> StateMemory {
        precondition(initialBytes > 0 && initialBytes % 4096 == 0 && initialBytes <= halfBytes)
        precondition(halfBytes % 4096 == 0 && halfBytes <= StateMemoryLimits.halfBytes)
        var memory = StateMemory(try StateFile.make(halfBytes: halfBytes), initialBytes, boot)
        try memory.reserve(0, atLeast: initialBytes)
        memory.file.base.storeBytes(of: StateLayout.boardMagic, as: UInt64.self)
        memory.found(0)
        return memory
    }

    /// The memory of the daemon before.
    ///
    /// - Parameters:
    ///   - adopted: the file, which is closed on failure; its bytes need not be what they should be.
    ///   - initialBytes: as for a new one.
    ///   - boot: which start of the host.
    /// - Throws: why it cannot be used. A new one is the way out then; nothing that is known by other means is lost.
    package static func adopt(
        _ adopted: consuming Descriptor, initialBytes: Int = StateMemoryLimits.initialBytes,
        boot: BootID = .current()
    ) throws(StateMemoryFailure) -> StateMemory {
        let halfBytes = try StateLayout.halfBytes(of: adopted.rawValue)
        let readings = try StateLayout.readings(of: adopted.rawValue, halfBytes, boot)
        guard let newest = readings.last else { throw .damaged }
        var memory = StateMemory(try StateFile(adopted, halfBytes: halfBytes), min(initialBytes, halfBytes), boot)
        try memory.take(over: newest.half, readings.map(\.reading))
        return memory
    }

    /// Reads a memory that another process goes on using, and changes nothing in it: for a new binary that is asked
    /// whether it could take over.
    ///
    /// - Parameters:
    ///   - descriptor: the file.
    ///   - boot: which start of the host.
    /// - Returns: the newest record of each name.
    /// - Throws: why it could not be used.
    package static func read(
        _ descriptor: CInt, boot: BootID = .current()
    ) throws(StateMemoryFailure) -> [StateRecord] {
        let halfBytes = try StateLayout.halfBytes(of: descriptor)
        let readings = try StateLayout.readings(of: descriptor, halfBytes, boot).map(\.reading)
        guard let newest = readings.last else { throw .damaged }
        var fold = StateFold()
        for reading in newest.isWhole ? [newest] : readings { fold.take(reading) }
        return fold.result
    }

    private init(_ file: consuming StateFile, _ initialBytes: Int, _ boot: BootID) {
        self.file = file
        self.initialBytes = initialBytes
        self.boot = boot
    }

    /// For the service manager's store, and for the next binary.
    package var descriptor: CInt { file.file.rawValue }

    /// Bytes that the live records take, heads included.
    package var usedBytes: Int { liveBytes }

    /// The newest record of each name, in the order in which they were written.
    package var records: [StateRecord] {
        places.sorted { $0.value.offset < $1.value.offset }.map { name, place in
            StateRecord(name: name, bytes: [UInt8](content(of: place)))
        }
    }

    /// The newest record of a name.
    package func bytes(of name: StateRecord.Name) -> [UInt8]? {
        places[name].map { [UInt8](content(of: $0)) }
    }

    /// Remembers something in the place of what had that name.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - bytes: what to remember.
    /// - Throws: `recordTooLarge`; `full` or `kernel` when there is no room: what was remembered before still is.
    package mutating func append(_ name: StateRecord.Name, _ bytes: [UInt8]) throws(StateMemoryFailure) {
        guard bytes.count <= StateMemoryLimits.recordBytes else { throw .recordTooLarge(bytes: bytes.count) }
        let size = StateRecordHead.size(ofRecordWith: bytes.count)
        let liveBytes = liveBytes - (places[name]?.size ?? 0) + size
        // A quarter stays free, or every further record would copy all the others.
        if liveBytes > file.halfBytes / 4 * 3 { throw .full(liveBytes: self.liveBytes) }
        try makeRoom(for: size)
        let place = Place(offset: end, count: bytes.count)
        bytes.withUnsafeBytes { write(StateRecordHead.put, name, $0, sequence: sequence, half: active) }
        places[name] = place
        self.liveBytes = liveBytes
    }

    /// Forgets what has that name; nothing happens when there is nothing.
    ///
    /// - Throws: `kernel` when there is no room even for that.
    package mutating func remove(_ name: StateRecord.Name) throws(StateMemoryFailure) {
        guard places[name] != nil else { return }
        try makeRoom(for: StateRecordHead.bytes)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        write(StateRecordHead.removal, name, none, sequence: sequence, half: active)
        if let former = places.removeValue(forKey: name) { liveBytes -= former.size }
    }

    // MARK: - Room

    private mutating func makeRoom(for size: Int) throws(StateMemoryFailure) {
        // Eight more for the zeros that end the journal.
        if end + size + 8 <= reserved[active] { return }
        let needed = liveBytes + size + 8
        if needed > file.halfBytes { throw .full(liveBytes: liveBytes) }
        var wanted = initialBytes
        while wanted < file.halfBytes, wanted < needed * 2 { wanted = min(wanted * 2, file.halfBytes) }
        if wanted > reserved[active], grow(active, to: wanted), end + size + 8 <= wanted { return }
        let other = 1 - active
        // Without memory for more, exactly what is needed will do.
        if wanted > reserved[other], !grow(other, to: wanted) { try reserve(other, atLeast: needed) }
        let former = active
        found(other)
        guard reserved[former] > wanted else { return }
        // A burst is over. Nothing is lost when the pages cannot be given back.
        if file.discard(former, from: wanted, count: reserved[former] - wanted) { reserved[former] = wanted }
    }

    private mutating func grow(_ half: Int, to bytes: Int) -> Bool {
        do throws(StateMemoryFailure) {
            try file.reserve(half, bytes)
            reserved[half] = bytes
            return true
        } catch {
            return false
        }
    }

    private mutating func reserve(_ half: Int, atLeast bytes: Int) throws(StateMemoryFailure) {
        let wanted = min(file.halfBytes, max(initialBytes, (bytes + 4095) & ~4095))
        if wanted <= reserved[half] { return }
        try file.reserve(half, wanted)
        reserved[half] = wanted
    }

    // MARK: - Writing

    /// Copies what lives into a half, and makes it the one in use.
    private mutating func found(_ half: Int) {
        let newSequence = sequence + 1
        file.void(half)
        let living = places.sorted { $0.value.offset < $1.value.offset }
        let formerHalf = active
        (end, index) = (0, 0)
        for (name, place) in living {
            let start = UnsafeRawPointer(file.start(of: formerHalf)) + place.offset + StateRecordHead.bytes
            places[name]?.offset = end
            let bytes = UnsafeRawBufferPointer(start: start, count: place.count)
            write(StateRecordHead.put, name, bytes, sequence: newSequence, half: half)
        }
        // A half without records must not begin with what was there before.
        if living.isEmpty { warden_store_last(file.start(of: half), 0) }
        become(half, newSequence)
    }

    private mutating func become(_ half: Int, _ newSequence: UInt64) {
        let head = StateHalfHead(version: Self.version, boot: boot, foundedBytes: end, sequence: newSequence)
        file.validate(half, head)
        (active, sequence) = (half, newSequence)
    }

    private mutating func write(
        _ operation: UInt8, _ name: StateRecord.Name, _ bytes: UnsafeRawBufferPointer, sequence: UInt64, half: Int
    ) {
        let size = StateRecordHead.size(ofRecordWith: bytes.count)
        let start = file.start(of: half) + end
        precondition(end + size + 8 <= reserved[half])
        let record = StateRecordHead(
            kind: name.kind, operation: operation, key: name.key, index: index, count: bytes.count)
        // The zeros that end the journal come first, the record's first word last.
        warden_store_last(start + size, 0)
        if let source = bytes.baseAddress {
            (start + StateRecordHead.bytes).copyMemory(from: source, byteCount: bytes.count)
        }
        let first = record.store(to: start, sum: record.sum(of: bytes, sequence: sequence))
        warden_store_last(start, first)
        end += size
        index += 1
    }

    // MARK: - Adopting

    private mutating func take(over half: Int, _ readings: [StateHalfReading]) throws(StateMemoryFailure) {
        guard let newest = readings.last else { return }
        active = half
        sequence = newest.head.sequence
        wasDamaged = !newest.isWhole
        try reserve(active, atLeast: newest.end + 8)
        // What the former daemon had reserved beyond is unknown, and holds nothing.
        _ = file.discard(active, from: reserved[active], count: file.halfBytes - reserved[active])
        if wasDamaged {
            try rewrite(readings)
        } else if newest.head.version != Self.version {
            try rewrite([newest])
        } else {
            take(newest)
        }
    }

    private mutating func take(_ reading: StateHalfReading) {
        for entry in reading.entries {
            if let former = places.removeValue(forKey: entry.name) { liveBytes -= former.size }
            if entry.isRemoval { continue }
            let place = Place(offset: entry.offset - StateRecordHead.bytes, count: entry.count)
            places[entry.name] = place
            liveBytes += place.size
        }
        (end, index) = (reading.end, UInt32(reading.entries.count))
    }

    /// Writes what was read into the half that was not in use, in this version's format.
    private mutating func rewrite(_ readings: [StateHalfReading]) throws(StateMemoryFailure) {
        var fold = StateFold()
        for reading in readings { fold.take(reading) }
        let records = fold.result
        let needed = records.reduce(8) { $0 + StateRecordHead.size(ofRecordWith: $1.bytes.count) }
        if needed > file.halfBytes { throw .full(liveBytes: needed) }
        let other = 1 - active
        try reserve(other, atLeast: needed)
        file.void(other)
        for record in records {
            let place = Place(offset: end, count: record.bytes.count)
            record.bytes.withUnsafeBytes {
                write(StateRecordHead.put, record.name, $0, sequence: sequence + 1, half: other)
            }
            places[record.name] = place
            liveBytes += place.size
        }
        if records.isEmpty { warden_store_last(file.start(of: other), 0) }
        become(other, sequence + 1)
    }

    private func content(of place: Place) -> UnsafeRawBufferPointer {
        let start = UnsafeRawPointer(file.start(of: active)) + place.offset + StateRecordHead.bytes
        return UnsafeRawBufferPointer(start: start, count: place.count)
    }
}

extension StateMemory {
    /// Words that are set with a single store, for whoever must leave a mark without a record.
    ///
    /// - Throws: ENOMEM.
    package func words() throws(KernelFailure) -> StateWords {
        try StateWords(file: descriptor)
    }

    /// Remembers that the daemon was started.
    ///
    /// - Parameter now: the time.
    package mutating func noteStart(at now: Instant) {
        let board = file.base
        let count = board.loadUnaligned(fromByteOffset: StateLayout.startCountOffset, as: UInt64.self)
        let place = Int(count % UInt64(StateMemoryLimits.startTimes))
        board.storeBytes(
            of: now.nanoseconds, toByteOffset: StateLayout.startTimesOffset + place * 8, as: Int64.self)
        warden_store_last(board + StateLayout.startCountOffset, count &+ 1)
    }

    /// Starts since some time before, this one included if it was noted.
    ///
    /// - Parameters:
    ///   - duration: how long before.
    ///   - now: the time; what claims to be later is not counted.
    /// - Returns: how many, at most `StateMemoryLimits.startTimes`.
    package func starts(within duration: Duration, of now: Instant) -> Int {
        startTimes.count { $0 <= now && now - $0 <= duration }
    }

    /// The times of the last starts, in no order.
    package var startTimes: [Instant] { Self.startTimes(of: descriptor) }

    /// The times of the last starts as a file has them that may not be readable otherwise.
    ///
    /// - Parameter descriptor: what was kept under the name of the state.
    package static func startTimes(of descriptor: CInt) -> [Instant] {
        StateLayout.startTimes(of: descriptor)
    }
}
