import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("The memory that outlives the daemon")
struct StateMemoryTests {
    typealias Name = StateRecord.Name

    static func make(_ initial: Int = 4096, _ half: Int = 16384) throws -> StateMemory {
        try StateMemory.make(initialBytes: initial, halfBytes: half)
    }

    static func reopen(
        _ memory: borrowing StateMemory, boot: BootID = .current()
    ) throws -> StateMemory {
        try StateMemory.adopt(Descriptor(owning: dup(memory.descriptor)), initialBytes: 4096, boot: boot)
    }

    /// The whole file.
    static func image(_ memory: borrowing StateMemory) -> [UInt8] {
        var status = stat()
        fstat(memory.descriptor, &status)
        return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            count = pread(memory.descriptor, buffer.baseAddress, buffer.count, 0)
        }
    }

    static func patch(_ memory: borrowing StateMemory, at offset: Int, _ bytes: [UInt8]) {
        _ = pwrite(memory.descriptor, bytes, bytes.count, offset)
    }

    static let halvesOffset = 4096 + StateMemoryLimits.words * 8

    @Test("the sum is CRC32C, with the instruction and without")
    func sum() {
        for avoids in [false, true] {
            let sum = Array("123456789".utf8).withUnsafeBytes { CRC32C.sum($0, avoidsInstruction: avoids) }
            #expect(sum == 0xE306_9283)
        }
        var dice = SystemRandomNumberGenerator()
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &dice) }
            let cut = count / 3
            bytes.withUnsafeBytes { bytes in
                let whole = CRC32C.sum(bytes)
                #expect(whole == CRC32C.sum(bytes, avoidsInstruction: true))
                let first = CRC32C.sum(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
                #expect(whole == CRC32C.sum(UnsafeRawBufferPointer(rebasing: bytes[cut...]), after: first))
            }
        }
    }

    @Test("the newest record of each name is found again, in order, and what was removed is not")
    func fold() throws {
        var memory = try Self.make()
        try memory.append(Name(kind: 1, key: 7), [1, 2, 3])
        try memory.append(Name(kind: 1, key: 8), [])
        try memory.append(Name(kind: 2, key: 7), [9])
        try memory.append(Name(kind: 1, key: 7), [4, 5])
        try memory.append(Name(kind: 3, key: .max), [6])
        try memory.remove(Name(kind: 3, key: .max))
        try memory.remove(Name(kind: 3, key: 1))
        let expected = [
            StateRecord(name: Name(kind: 1, key: 8), bytes: []), StateRecord(name: Name(kind: 2, key: 7), bytes: [9]),
            StateRecord(name: Name(kind: 1, key: 7), bytes: [4, 5]),
        ]
        let written = memory.records
        #expect(written == expected)
        let seen = try StateMemory.read(memory.descriptor)
        #expect(seen == expected)
        var next = try Self.reopen(memory)
        let (read, wasDamaged, used) = (next.records, next.wasDamaged, next.usedBytes)
        let formerly = memory.usedBytes
        #expect(read == expected && !wasDamaged && used == formerly)
        try next.append(Name(kind: 9, key: 9), [1])
        let again1 = try Self.reopen(next).records
        #expect(again1 == expected + [StateRecord(name: Name(kind: 9, key: 9), bytes: [1])])
    }

    @Test("any sequence of records, over many changes of halves, leaves what a dictionary would have")
    func property() throws {
        var dice = Dice(seed: 42)
        for round in 0..<20 {
            var memory = try Self.make(4096, round % 2 == 0 ? 16384 : 65536)
            var model: [Name: [UInt8]] = [:]
            for step in 0..<400 {
                let name = Name(kind: UInt8(dice.next() % 3), key: dice.next() % 10)
                if dice.next() % 5 == 0 {
                    try memory.remove(name)
                    model[name] = nil
                } else {
                    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: Int(dice.next() % 300))
                    try memory.append(name, bytes)
                    model[name] = bytes
                }
            }
            let records = memory.records
            #expect(Dictionary(uniqueKeysWithValues: records.map { ($0.name, $0.bytes) }) == model)
            let next = try Self.reopen(memory)
            let (read, wasDamaged, used) = (next.records, next.wasDamaged, next.usedBytes)
            #expect(read == records && !wasDamaged)
            let formerly = memory.usedBytes
            #expect(used == formerly)
        }
    }

    @Test("what does not fit is refused, and everything else stays; room is made by removing")
    func full() throws {
        var memory = try Self.make()
        let big = [UInt8](repeating: 5, count: 1000)
        var count: UInt64 = 0
        var failure: StateMemoryFailure?
        while failure == nil, count < 100 {
            do throws(StateMemoryFailure) {
                try memory.append(Name(kind: 1, key: count), big)
                count += 1
            } catch {
                failure = error
            }
        }
        let (liveBytes, liveCount) = (memory.usedBytes, memory.records.count)
        #expect(failure == .full(liveBytes: liveBytes))
        #expect(count == 12288 / 1024)
        #expect(liveCount == Int(count))
        var refusal: StateMemoryFailure?
        do throws(StateMemoryFailure) {
            let huge = [UInt8](repeating: 0, count: StateMemoryLimits.recordBytes + 1)
            try memory.append(Name(kind: 1, key: 0), huge)
        } catch {
            refusal = error
        }
        #expect(refusal == .recordTooLarge(bytes: StateMemoryLimits.recordBytes + 1))
        // The same names over and over: nothing more lives.
        for _ in 0..<100 { try memory.append(Name(kind: 1, key: 0), [1]) }
        for key in 0..<count { try memory.remove(Name(kind: 1, key: key)) }
        let (used, left) = (memory.usedBytes, memory.records)
        #expect(used == 0 && left.isEmpty)
        let again2 = try Self.reopen(memory).records
        #expect(again2.isEmpty)
        try memory.append(Name(kind: 1, key: 0), big)
        let again3 = try Self.reopen(memory).records
        #expect(again3.count == 1)
    }

    @Test("a file of another boot, another format, another kind, or one that can shrink is refused, and says which")
    func refused() throws {
        let memory = try Self.make()
        let otherBoot = Self.failure(memory.descriptor, boot: BootID(high: 1, low: 2))
        #expect(otherBoot == .otherBoot)
        let versions: [UInt32] = [0, 2, 77]
        let answers: [StateMemoryFailure?] = [nil, .otherVersion(2), .otherVersion(77)]
        for (version, answer) in zip(versions, answers) {
            let memory = try Self.make()
            Self.patch(memory, at: 1024, Self.head(version: version, sequence: 1, founded: 0))
            let failure = Self.failure(memory.descriptor)
            #expect(failure == answer)
        }
        Self.patch(memory, at: 1024, [0])
        let damaged = Self.failure(memory.descriptor)
        #expect(damaged == .damaged)
        Self.patch(memory, at: 0, [0])
        let unknown = Self.failure(memory.descriptor)
        #expect(unknown == .foreign)

        let scratch = try Scratch()
        let file = try Descriptor.open("\(scratch.path)/file", O_RDWR | O_CREAT)
        let image = Self.image(try Self.make())
        _ = pwrite(file.rawValue, image, image.count, 0)
        let unsealed = Self.failure(file.rawValue)
        #expect(unsealed == .foreign)
        let pipe = try Pipe()
        let notEven = Self.failure(pipe.reader.rawValue)
        #expect(notEven == .foreign)
        let times = StateMemory.startTimes(of: pipe.reader.rawValue)
        #expect(times.isEmpty)
    }

    /// Why a file is refused; `nil` when it is not.
    static func failure(_ descriptor: CInt, boot: BootID = .current()) -> StateMemoryFailure? {
        do throws(StateMemoryFailure) {
            _ = try StateMemory.adopt(Descriptor(owning: dup(descriptor)), initialBytes: 4096, boot: boot)
            return nil
        } catch {
            return error
        }
    }

    /// The head of a half, as the format has it.
    static func head(version: UInt32, sequence: UInt64, founded: UInt64) -> [UInt8] {
        let boot = BootID.current()
        var words: [UInt64] = [0x3173_6E65_6472_6157, UInt64(version), boot.high, boot.low, founded, sequence]
        let sum: UInt32 = words.withUnsafeBytes { CRC32C.sum($0) }
        words[5] = UInt64(sum)
        words.append(0)
        words.append(sequence)
        return words.withUnsafeBytes { [UInt8]($0) }
    }

    @Test("cut anywhere, every record before the cut is there and none that was never written")
    func cut() throws {
        let names = (0..<8).map { Name(kind: 1, key: $0) }
        var source = try Self.make()
        for name in names { try source.append(name, [UInt8](repeating: UInt8(name.key + 1), count: 20)) }
        let bytes = Self.image(source)
        let size = 48
        for cut in stride(from: 0, through: 8 * size, by: 1) {
            let memory = try Self.make()
            Self.patch(memory, at: Self.halvesOffset, Array(bytes[Self.halvesOffset..<(Self.halvesOffset + cut)]))
            let records = try Self.reopen(memory).records
            // The zeros that pad a record may be missing: they are zeros anyway.
            #expect(records.count >= cut / size && records.count <= (cut + 4) / size)
            for (record, name) in zip(records, names) {
                #expect(record == StateRecord(name: name, bytes: [UInt8](repeating: UInt8(name.key + 1), count: 20)))
            }
        }
    }

    @Test("bits flipped anywhere, also in the heads: an error or records that were written, and never a crash")
    func flipped() throws {
        var dice = Dice(seed: 7)
        var written: Set<StateRecord> = []
        var source = try Self.make()
        for step in 0..<300 {
            let record = StateRecord(
                name: Name(kind: 1, key: dice.next() % 12), bytes: [UInt8](repeating: UInt8(step & 255), count: step))
            try source.append(record.name, record.bytes)
            written.insert(record)
        }
        let bytes = Self.image(source)
        var damaged = 0
        for _ in 0..<1500 {
            let memory = try Self.make()
            var image = bytes
            for _ in 0..<(1 + dice.next() % 4) {
                // Half of them in the heads, half among the records.
                let isHead = dice.next() % 2 == 0
                let place = isHead ? Int(dice.next() % 2200) : Self.halvesOffset + Int(dice.next() % 32768)
                image[place] ^= 1 << UInt8(dice.next() % 8)
            }
            Self.patch(memory, at: 0, image)
            // Refused is as good; a crash is not.
            guard let survivors = try? Self.survivors(memory) else { continue }
            for record in survivors.records { #expect(written.contains(record)) }
            if survivors.wasDamaged { damaged += 1 }
        }
        #expect(damaged > 0)
    }

    /// What a damaged memory still has, after it has taken another record.
    static func survivors(_ memory: borrowing StateMemory) throws -> (records: [StateRecord], wasDamaged: Bool) {
        var next = try reopen(memory)
        let result = (next.records, next.wasDamaged)
        let last = Name(kind: 2, key: 1)
        try next.append(last, [1])
        let again = try reopen(next)
        let bytes = again.bytes(of: last)
        #expect(bytes == [1])
        return result
    }

    @Test("bytes at random behind a valid head are no records, and lengths at random lead nowhere")
    func random() throws {
        var dice = Dice(seed: 11)
        for _ in 0..<300 {
            let memory = try Self.make()
            let founded = dice.next() % 4 == 0 ? dice.next() : dice.next() % 20000
            Self.patch(memory, at: 1024, Self.head(version: 1, sequence: 1 + dice.next() % 3, founded: founded))
            Self.patch(memory, at: 2048, Self.head(version: 1, sequence: 1 + dice.next() % 3, founded: founded))
            var words: [UInt64] = []
            for _ in 0..<4096 { words.append(dice.next()) }
            Self.patch(memory, at: Self.halvesOffset, words.withUnsafeBytes { [UInt8]($0) })
            let again5 = try Self.reopen(memory).records
            #expect(again5.isEmpty)
        }
        let memory = try Self.make()
        Self.patch(memory, at: 1024, Self.head(version: 1, sequence: .max, founded: 0))
        let failure = Self.failure(memory.descriptor)
        #expect(failure == .damaged)
    }

    @Test("it grows up to its limit and gives back what it needs no more")
    func growth() throws {
        var memory = try Self.make(4096, 1024 * 1024)
        func pages() -> Int {
            var status = stat()
            fstat(memory.descriptor, &status)
            return Int(status.st_blocks) * 512
        }
        let first = pages()
        for key in 0..<300 { try memory.append(Name(kind: 1, key: UInt64(key)), [UInt8](repeating: 1, count: 1000)) }
        let most = pages()
        #expect(most > 300_000)
        for key in 0..<300 { try memory.remove(Name(kind: 1, key: UInt64(key))) }
        for _ in 0..<20_000 { try memory.append(Name(kind: 1, key: 1), [UInt8](repeating: 1, count: 100)) }
        #expect(pages() <= first + 8192)
        let left = memory.records.count
        #expect(left == 1)
    }

    @Test("without memory or with a small limit of files it is refused, not ended by a signal")
    func noRoom() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 65536, rlim_max: 65536)
            try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
            let failure = #expect(throws: StateMemoryFailure.self) { _ = try StateMemory.make() }
            #expect(failure == .kernel(KernelFailure("make memory", "state", EFBIG)))
        }
    }

    @Test("the starts of the last minute are counted, also where nothing else can be read")
    func starts() throws {
        var memory = try Self.make()
        let now = Instant(nanoseconds: 1_000_000_000_000)
        let none = memory.starts(within: .seconds(60), of: now)
        #expect(none == 0)
        memory.noteStart(at: now - .seconds(100))
        memory.noteStart(at: now - .seconds(50))
        memory.noteStart(at: now)
        memory.noteStart(at: now + .seconds(5))
        var next = try Self.reopen(memory)
        let two = next.starts(within: .seconds(60), of: now)
        #expect(two == 2)
        for _ in 0..<100 { next.noteStart(at: now) }
        let all = memory.starts(within: .seconds(60), of: now)
        #expect(all == StateMemoryLimits.startTimes)
        Self.patch(memory, at: 1024, [0])
        let times = StateMemory.startTimes(of: memory.descriptor)
        #expect(times.count == StateMemoryLimits.startTimes)
    }

    @Test("a word that is set is there at once for whoever comes later")
    func words() throws {
        let memory = try Self.make()
        let words = try memory.words()
        #expect(words[0] == 0 && words[StateMemoryLimits.words - 1] == 0)
        words[StateMemoryLimits.words - 1] = .max
        words[0] = 5
        let later = try Self.reopen(memory).words()
        #expect(later[0] == 5 && later[StateMemoryLimits.words - 1] == .max)
        let again6 = try Self.reopen(memory).records
        #expect(again6.isEmpty)
    }
}
