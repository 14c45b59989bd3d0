import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: what is said of a worker before it is ended is true, bounded, and honest about what is missing.
@Suite struct CensusTests {
    @Test(arguments: [
        ("pipe:[123]", "pipe"), ("socket:[9]", "socket"), ("anon_inode:[eventfd]", "anon_inode:[eventfd]"),
        ("anon_inode:inotify", "anon_inode:inotify"), ("/dev/null", "/dev/null"), ("/dev/nvidia0", "/dev/nvidia0"),
        ("/dev/pts/3", "/dev/pts"), ("/dev/shm/torch_1_2_3 (deleted)", "/dev/shm"), ("/memfd:x (deleted)", "memfd"),
        ("/var/log/x", "file"), ("/tmp/x (deleted)", "file"), ("net:[4026531840]", "net"), ("", ""),
        ("/dev/pts/3 (deleted)", "/dev/pts"),
    ]) func kinds(link: String, kind: String) {
        #expect(Census.kind(ofLink: link) == kind)
    }

    @Test func aFullTableIsCountedByKind() throws {
        let child = try ProcTestChild.start(
            """
            import os, socket, sys
            keep = [os.pipe() for _ in range(300)] + [socket.socket() for _ in range(20)]
            keep += [open('/dev/null') for _ in range(5)]
            print('ready')
            sys.stdin.read()
            """)
        _ = try child.line()
        let census = try Census.take(of: child.pid, until: .distantFuture)
        #expect(census.readCount == census.total)
        #expect(census.kinds.first == Forensics.KindCount(kind: "pipe", count: 603))
        #expect(census.kinds.contains(Forensics.KindCount(kind: "socket", count: 20)))
        #expect(census.kinds.contains(Forensics.KindCount(kind: "/dev/null", count: 5)))
    }

    @Test func aLargeTableIsSampledEvenlyAndSaysSo() throws {
        let child = try ProcTestChild.withPipes(3000)
        let pid = child.pid
        let forensics = Census.examine(pid, until: .distantFuture)
        let pipes = try #require(forensics.descriptorKinds.first)
        #expect(pipes.kind == "pipe")
        #expect((5950...6010).contains(pipes.count))
        #expect(forensics.gaps == ["descriptors: counts are estimated from 2000 of 6003"])
        #expect(forensics.threads.count == 1)
        #expect(forensics.threads.first?.hasPrefix("\(pid) python3 ") == true, "\(forensics.threads)")
        #expect(forensics.limits.contains { $0.hasPrefix("Max open files ") })
        #expect(forensics.processes.count == 1)
        #expect(forensics.processes.first?.hasPrefix("\(pid) python3 ") == true, "\(forensics.processes)")
    }

    @Test func whatIsMissingIsNamed() throws {
        let gone = Census.examine(0x3FFF_FFFE, until: .distantFuture)
        #expect(
            gone.gaps == [
                "waits: No such process", "processes: the worker has ended",
                "descriptors: cannot open /proc/1073741822: No such process",
            ])
        let late = Census.examine(getpid(), until: .origin)
        #expect(late.gaps.contains("descriptors, limits, pressure: out of time"))
        #expect(late.processes.isEmpty)
    }

    @Test func rareKindsAreAddedUp() {
        let counts = Dictionary(uniqueKeysWithValues: (0..<100).map { ("/dev/x\($0)y", 1) })
        let kinds = Census.scaled(counts, read: 100, total: 1000)
        #expect(kinds.count == ProcLimits.descriptorKinds)
        #expect(kinds.reduce(0) { $0 + $1.count } == 1000)
        #expect(kinds.last?.kind == "other")
        #expect(Census.scaled([:], read: 0, total: 5).isEmpty)
    }
}
