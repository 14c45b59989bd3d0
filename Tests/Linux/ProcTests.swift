import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: whatever /proc holds is read right or refused, and never trapped on.
@Suite struct ProcTextTests {
    private static let tail =
        " S 1 7 7 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 5 0 1234567 9000000 321 18446744073709551615 1 1 0"

    struct Example: Sendable {
        var text: String
        var command: String?
    }

    @Test(arguments: [
        Example(text: "7 (python3)" + tail, command: "python3"),
        Example(text: "7 (a) S 9 (b)" + tail, command: "a) S 9 (b"),
        Example(text: "7 (((sd-pam)))" + tail, command: "((sd-pam))"),
        Example(text: "7 ()" + tail, command: ""),
        Example(text: "7 (new\nline x)" + tail, command: "new\nline x"),
        Example(text: "", command: nil), Example(text: "7 (python3) S 1", command: nil),
        Example(text: "7 )python3(" + tail, command: nil), Example(text: "7 (a) Sleeping 1 7", command: nil),
        Example(text: String(("7 (python3)" + tail).dropLast(40)), command: nil),
        Example(text: "7 (x)" + tail.replacing(" 11 ", with: " 99999999999999999999999 "), command: nil),
        Example(text: "7 (x)" + tail.replacing(" 11 ", with: " -1 "), command: nil),
    ]) func stat(example: Example) {
        let stat = Array(example.text.utf8).withUnsafeBytes { ProcStat($0) }
        #expect(stat.map { String(decoding: $0.command, as: UTF8.self) } == example.command)
        guard let stat else { return }
        #expect(stat.state == .sleeping)
        #expect(stat.parent == 1)
        #expect(stat.cpuTicks == 110)
        #expect(stat.threadCount == 5)
        #expect(stat.startTicks == 1_234_567)
        #expect(stat.residentPages == 321)
    }

    @Test func anUnknownStateIsNotAnError() {
        let text = "7 (x)" + Self.tail.replacing(" S ", with: " Q ")
        let stat = Array(text.utf8).withUnsafeBytes { ProcStat($0) }
        #expect(stat != nil)
        #expect(stat?.state == nil)
    }

    @Test(
        arguments: [
            (
                "Limit  Soft\nMax open files            1024                 4096                 files     \n", 1024,
                4096
            ),
            ("Max open files            unlimited  unlimited  files\n", Int.max, Int.max),
            ("Max open files            1024", nil, nil), ("Max open files x y\n", nil, nil), ("", nil, nil),
        ] as [(String, Int?, Int?)]) func limits(text: String, soft: Int?, hard: Int?)
    {
        let limits = Array(text.utf8).withUnsafeBytes { ProcText.descriptorLimits($0) }
        #expect(limits?.soft == soft)
        #expect(limits?.hard == hard)
    }

    @Test func io() {
        let text = "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\n"
        let reading = Array(text.utf8).withUnsafeBytes { ProcText.io($0) }
        #expect(reading == IOReading(readBytes: 1, writtenBytes: 2, readCalls: 3, writeCalls: 4))
        #expect(Array("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4".utf8).withUnsafeBytes { ProcText.io($0) } == nil)
    }

    @Test func switchesAreNotMistakenForTheOthers() {
        let text = "nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t12\n"
        #expect(Array(text.utf8).withUnsafeBytes { ProcText.count(of: "voluntary_ctxt_switches:", in: $0) } == 12)
    }

    /// Method: real files of this process, mutated by the dice; the parsers may refuse, and nothing else.
    @Test(arguments: 0..<20) func mutations(seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        for name in ["stat", "io", "limits", "status"] {
            let original = try readWhole("/proc/self/\(name)")
            for _ in 0..<500 {
                var text = original
                for _ in 0..<(1 + dice.next() % 4) {
                    let index = Int(dice.next() % UInt64(text.count))
                    switch dice.next() % 4 {
                    case 0: text[index] = UInt8(truncatingIfNeeded: dice.next())
                    case 1: text.removeSubrange(index...)
                    case 2: text.insert(contentsOf: Array("99999999999999999999".utf8), at: index)
                    default: text.remove(at: index)
                    }
                    if text.isEmpty { break }
                }
                text.withUnsafeBytes { bytes in
                    _ = ProcStat(bytes)
                    _ = ProcText.io(bytes)
                    _ = ProcText.descriptorLimits(bytes)
                    _ = ProcText.count(of: "voluntary_ctxt_switches:", in: bytes)
                }
            }
        }
    }
}

/// Goal: a sample says what is true of a real tree, by every way of reading it.
@Suite struct ProcReaderTests {
    static let ways: [ProcReader.Fallbacks] = [[], .countByReading, .limitsFile, [.countByReading, .limitsFile]]

    private func tree(_ reader: ProcReader, _ pid: Int32) throws -> TreeReadings {
        guard case .tree(let tree) = reader.read(pid) else { throw KernelFailure("read", "\(pid)", ESRCH) }
        return tree
    }

    @Test(arguments: ways) func descriptorsAreCounted(way: ProcReader.Fallbacks) throws {
        let reader = try ProcReader(fallbacks: way)
        let idle = try ProcTestChild.withPipes(0)
        let few = try tree(reader, idle.pid)
        let child = try ProcTestChild.withPipes(500)
        let many = try tree(reader, child.pid)
        let tightest = try #require(many.tightest)
        #expect(tightest.count == (few.tightest?.count ?? 0) + 1000)
        #expect(tightest.pid == child.pid)
        #expect(tightest.softLimit == tightest.hardLimit)
        #expect(many.processCount == 1)
        #expect(many.threadCount == 1)
        #expect(many.rootRSSBytes > 1_000_000 && many.rootRSSBytes == many.treeRSSBytes)
        #expect(many.cpuTime > .zero)
        #expect(many.io.map { $0.readBytes > 0 } == true)
        #expect(many.voluntarySwitches != nil)
        #expect(!many.isFrozen)
    }

    @Test(arguments: ways) func theTightestIsTheOneWithTheLeastHeadroom(way: ProcReader.Fallbacks) throws {
        let child = try ProcTestChild.start(
            """
            import os, resource, sys, threading, time
            r, w = os.pipe()
            def fork():
                child = os.fork()
                if child == 0:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 30))
                    os.write(w, b'x')
                    time.sleep(1000)
                os.read(r, 1)
                print(child)
                lock.acquire()
            pipes = [os.pipe() for _ in range(20)]
            lock = threading.Lock()
            lock.acquire()
            threading.Thread(target=fork, daemon=True).start()
            sys.stdin.read()
            """)
        let grandchild = try #require(Int32(try child.line()))
        let reading = try tree(try ProcReader(fallbacks: way), child.pid)
        #expect(reading.processCount == 2, "a child of a thread that is not the main one")
        #expect(reading.threadCount == 3)
        #expect(reading.tightest?.pid == grandchild)
        #expect(reading.tightest?.softLimit == 20)
        #expect(reading.tightest?.hardLimit == 30)
        #expect(reading.tightest?.free == 0)
        try child.child.deliverToGroup(Signal(SIGSTOP))
        try wait("stopped") { try tree(try ProcReader(), child.pid).stoppedDescendantCount == 1 }
    }

    @Test func theEndOfTheRootIsESRCH() throws {
        let reader = try ProcReader()
        #expect(reader.read(0x3FFF_FFFE) == .failure(ESRCH))
        var child = try ProcTestChild.withPipes(1)
        try child.child.deliver(.kill)
        // Not reaped yet: it is there, and a zombie.
        let pid = child.pid
        try wait("zombie") { try tree(reader, pid).rootState == .zombie }
        try child.end()
        #expect(reader.read(pid) == .failure(ESRCH))
    }

    @Test func namesDoNotMatter() throws {
        let child = try ProcTestChild.start(
            """
            import sys
            open('/proc/self/comm', 'w').write('a) R 1 (b\\n')
            print('ready')
            sys.stdin.read()
            """)
        _ = try child.line()
        try wait("asleep") { try tree(try ProcReader(), child.pid).rootState == .sleeping }
    }

    @Test func aStoppedRootIsSeen() throws {
        let child = try ProcTestChild.withPipes(0)
        try child.child.deliver(Signal(SIGSTOP))
        try wait("stopped") { try tree(try ProcReader(), child.pid).rootState == .stopped }
    }

    @Test func aFileThatIsWrittenToChangesItsMark() throws {
        let directory = try ScratchDirectory()
        let path = directory.file("beat")
        #expect(ProcReader.mark(ofFile: path) == nil)
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT)
        let first = try #require(ProcReader.mark(ofFile: path))
        try writeWhole("x", to: file.rawValue)
        #expect(ProcReader.mark(ofFile: path) != first)
    }

    // A state that the kernel enters a moment after the signal.
    private func wait(_ what: String, until condition: () throws -> Bool) throws {
        let deadline = MonotonicClock.now() + .seconds(30)
        while try !condition() {
            try #require(MonotonicClock.now() < deadline, "waited in vain: \(what)")
            sched_yield()
        }
    }
}
