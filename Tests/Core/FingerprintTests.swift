import Testing
import WardenCore

/// Goal: the same hang has the same fingerprint, whatever its pids, addresses and counts, and another has another.
@Suite struct FingerprintTests {
    static func forensics(_ change: (inout Forensics) -> Void = { _ in }) -> Forensics {
        var forensics = Forensics()
        forensics.threads = [
            "4711 python3 S futex: a lock of its own process, for ever",
            "4712 pool-3 S read 7 pipe:[99211]: data from a pipe that only its own tree writes to, for ever",
        ]
        forensics.stacks = ["4711 futex_do_wait < do_futex", "4712 anon_pipe_read"]
        change(&forensics)
        return forensics
    }

    @Test func numbersAndTheirCountDoNotMatter() {
        let one = Self.forensics().fingerprint(as: .hung(.deadlock))
        let other = Self.forensics {
            $0.threads = [
                "31 pool-12 S read 155 pipe:[1]: data from a pipe that only its own tree writes to, for ever",
                "32 pool-13 S read 156 pipe:[2]: data from a pipe that only its own tree writes to, for ever",
                "30 python3 S futex: a lock of its own process, for ever",
            ]
            $0.stacks = ["30 futex_do_wait < do_futex", "31 anon_pipe_read", "32 anon_pipe_read"]
            $0.lastLines = ["something else"]
        }
        #expect(one != nil)
        #expect(one?.utf8.count == 16)
        #expect(other.fingerprint(as: .hung(.deadlock)) == one)
    }

    @Test func anotherPlaceOrAnotherCauseIsAnotherHang() {
        let one = Self.forensics().fingerprint(as: .hung(.deadlock))
        #expect(Self.forensics { $0.stacks = ["1 futex_wait"] }.fingerprint(as: .hung(.deadlock)) != one)
        #expect(Self.forensics().fingerprint(as: .hung(.silent)) != one)
        #expect(Self.forensics().fingerprint(as: .dark(.emfile)) == nil)
        #expect(Forensics().fingerprint(as: .hung(.silent)) == nil)
    }

    @Test func pythonStacksTellMoreThanTheKernels() {
        func stacks(_ thread: String, _ line: Int, _ function: String) -> Forensics {
            Self.forensics {
                $0.pythonStacks = ["Thread \(thread) (idle): \"MainThread\"", "    \(function) (queue.py:\(line))"]
            }
        }
        let one = stacks("0x7FE2820D0950", 171, "get").fingerprint(as: .hung(.silent))
        #expect(stacks("0x7F00AAAA0950", 180, "get").fingerprint(as: .hung(.silent)) == one)
        #expect(stacks("0x7FE2820D0950", 171, "put").fingerprint(as: .hung(.silent)) != one)
        #expect(Self.forensics().fingerprint(as: .hung(.silent)) != one)
    }

    @Test func itIsStable() {
        // Stored in histories: it must not change from one version to the next.
        #expect(Self.forensics().fingerprint(as: .hung(.deadlock)) == "2a77b74b32c0d129")
    }

    @Test(arguments: [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st"), (112, "112th")])
    func recurrenceIsSpoken(_ count: Int, _ ordinal: String) {
        #expect(Recurrence(earlierID: "a-b", count: count).spoken == "same as incident a-b, \(ordinal) time")
    }
}
