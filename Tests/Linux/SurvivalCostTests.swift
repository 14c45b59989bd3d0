import Glibc
import Testing
import WardenCore
import WardenLinux

/// Figures, with WARDEN_MEASURE set and in a release build.
@Suite("What survival costs", .enabled(if: getenv("WARDEN_MEASURE") != nil), .serialized)
struct SurvivalCostTests {
    private static func time(_ what: String, _ count: Int, _ body: () throws -> Void) rethrows {
        let start = MonotonicClock.now()
        try body()
        print("\(what): \((MonotonicClock.now() - start).inNanoseconds / Int64(count)) ns")
    }

    @Test("a record of 1 KB, and the fold of a thousand")
    func memory() throws {
        var memory = try StateMemory.make()
        let bytes = [UInt8](repeating: 7, count: 1024)
        for key in 0..<1000 { try memory.append(StateRecord.Name(kind: 1, key: UInt64(key)), bytes) }
        try Self.time("append of 1 KB among 1,000, changes of halves included", 200_000) {
            for count in 0..<200_000 {
                try memory.append(StateRecord.Name(kind: 1, key: UInt64(count % 1000)), bytes)
            }
        }
        try Self.time("adoption of 1,000 x 1 KB", 20) {
            for _ in 0..<20 {
                let next = try StateMemory.adopt(Descriptor(owning: dup(memory.descriptor)))
                let used = next.usedBytes
                #expect(used > 1_000_000)
            }
        }
        Self.time("fold of 1,000 x 1 KB", 20) {
            for _ in 0..<20 {
                let records = memory.records
                #expect(records.count == 1000)
            }
        }
        Self.time("a new memory", 20) { for _ in 0..<20 { _ = try? StateMemory.make() } }  // It is a figure.
        bytes.withUnsafeBytes { bytes in
            for avoids in [false, true] {
                Self.time("sum of 1 KB \(avoids ? "without" : "with") the instruction", 100_000) {
                    var sum: UInt32 = 0
                    for _ in 0..<100_000 { sum = CRC32C.sum(bytes, after: sum, avoidsInstruction: avoids) }
                    #expect(sum != 1)
                }
            }
        }
    }

    @Test("a search for left-over workers")
    func leftOvers() {
        Self.time("search of the host", 20) {
            for _ in 0..<20 { _ = LeftOvers.find(below: nil, isKnown: { _ in false }, isOwned: { _ in false }) }
        }
    }
}
