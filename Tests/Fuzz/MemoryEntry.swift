// room: Linux
import Glibc
import WardenCore
import WardenLinux

private let halfBytes = 4096
private let boot = BootID(high: 1, low: 2)
/// The board and the heads, before the halves.
private let fileBytes = 4096 + StateMemoryLimits.words * 8 + 2 * halfBytes

/// A memory with a few records, of which one was replaced and one removed.
private func sound() -> StateMemory? {
    // Here and below: it cannot fail while the host has memory.
    guard var memory = try? StateMemory.make(initialBytes: halfBytes, halfBytes: halfBytes, boot: boot) else {
        return nil
    }
    for key in 0..<6 {
        let name = StateRecord.Name(kind: UInt8(key % 3), key: UInt64(key % 4))
        // As above.
        guard (try? memory.append(name, Array(repeating: UInt8(key), count: key * 9))) != nil else { return nil }
    }
    // As above.
    return (try? memory.remove(StateRecord.Name(kind: 1, key: 1))) == nil ? nil : consume memory
}

/// Writes over the file as the input says: two bytes of place, one of length, then the bytes. Places point at the board
/// and the heads in the first half of their range, into the halves in the other.
private func damage(_ file: CInt, _ input: UnsafeBufferPointer<UInt8>) {
    var rest = input[...]
    while rest.count > 3, let high = rest.popFirst(), let low = rest.popFirst(), let size = rest.popFirst() {
        let place = Int(high) << 8 | Int(low)
        let offset = place < 0x8000 ? place % 2176 : fileBytes - 2 * halfBytes + place % (2 * halfBytes)
        let bytes = Array(rest.prefix(Int(size)))
        rest = rest.dropFirst(bytes.count)
        pwrite(file, bytes, bytes.count, offset)
    }
}

/// Makes the sums of both heads right again, or hardly any damage would come further than to them. The sum is over
/// magic, version, boot, bytes at the founding, and sequence.
private func reseal(_ file: CInt) {
    for half in 0...1 {
        var words = [UInt64](repeating: 0, count: 8)
        pread(file, &words, 64, 1024 + half * 1024)
        let summed = [words[0], words[1] & 0xFFFF_FFFF, words[2], words[3], words[4], words[7]]
        var sum = UInt64(summed.withUnsafeBytes { CRC32C.sum($0) })
        pwrite(file, &sum, 8, 1024 + half * 1024 + 40)
    }
}

/// Goal: a state memory of any bytes is refused or read, never a trap; one that was adopted works, and what it holds is
/// what the next daemon reads.
@c(LLVMFuzzerTestOneInput)
func takeMemory(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let memory = sound() else { return -1 }
    let file = memory.descriptor
    damage(file, UnsafeBufferPointer(start: start, count: count))
    if count % 2 == 0 { reseal(file) }
    _ = StateMemory.startTimes(of: file)
    // Most damage is refused, and both ways have to agree on that.
    let read = try? StateMemory.read(file, boot: boot)
    let copy = fcntl(file, F_DUPFD_CLOEXEC, 3)
    if copy < 0 { return -1 }
    // Refused, as above.
    guard var adopted = try? StateMemory.adopt(Descriptor(owning: copy), boot: boot) else { return 0 }
    precondition(read != nil, "what can be adopted cannot be read")
    if !adopted.wasDamaged, let read { precondition(Set(read) == Set(adopted.records), "adopted otherwise than read") }
    adopted.noteStart(at: Instant(nanoseconds: 5))
    _ = adopted.starts(within: .seconds(60), of: Instant(nanoseconds: 7))
    let name = StateRecord.Name(kind: 9, key: 9)
    for size in [0, 100, 500] {
        // It may be full.
        guard (try? adopted.append(name, Array(repeating: 7, count: size))) != nil else { continue }
        // Nothing was damaged since.
        let again = try? StateMemory.read(adopted.descriptor, boot: boot)
        precondition(again.map(Set.init) == Set(adopted.records), "the next daemon reads something else")
    }
    return 0
}
