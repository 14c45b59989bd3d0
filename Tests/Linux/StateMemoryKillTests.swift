import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("The memory that outlives the daemon, after SIGKILL", .serialized)
struct StateMemoryKillTests {
    /// What is in record number `count`: its number, again and again.
    static func content(_ count: UInt64) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: count), count: 8 + Int(count % 700))
    }

    @Test("whenever the writer is killed: never less than the last acknowledged record, and never garbage")
    func killed() async {
        await #expect(processExitsWith: .success) {
            var dice = Dice(seed: 3)
            var (most, changes): (UInt64, Int) = (0, 0)
            for _ in 0..<200 {
                // Small, so that halves change every few records.
                var memory = try StateMemory.make(initialBytes: 4096, halfBytes: 65536)
                let words = try memory.words()
                let child = Forking.child {
                    var count: UInt64 = 0
                    while true {
                        count += 1
                        let bytes = withUnsafeBytes(of: count) { [UInt8]($0) } + StateMemoryKillTests.content(count)
                        // A failure would show as a record that is missing.
                        try? memory.append(StateRecord.Name(kind: 1, key: count % 16), bytes)
                        words[0] = count
                    }
                }
                let pid = try #require(child)
                let target = 1 + dice.next() % 3000
                while words[0] < target { sched_yield() }
                kill(pid, SIGKILL)
                var status: Int32 = 0
                try #require(waitpid(pid, &status, 0) == pid)
                let acknowledged = words[0]
                most = max(most, acknowledged)
                let next = try StateMemory.adopt(Descriptor(owning: dup(memory.descriptor)), initialBytes: 4096)
                let wasDamaged = next.wasDamaged
                #expect(!wasDamaged)
                let records = next.records
                var newest: UInt64 = 0
                for record in records {
                    let count = record.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                    #expect(record.name.key == count % 16)
                    #expect(Array(record.bytes.dropFirst(8)) == StateMemoryKillTests.content(count))
                    newest = max(newest, count)
                    #expect(count + 16 > acknowledged)
                }
                #expect(records.count == min(16, Int(newest)))
                #expect(newest >= acknowledged && newest <= acknowledged + 1)
                if newest > acknowledged { changes += 1 }
            }
            #expect(most > 1000)
        }
    }
}
