import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: what workers write arrives in their logs, whole and in order, and is reported; nobody is held up by another.
/// Method: real pipes into a real pump.
@Suite struct PumpTests {
    private func plain(_ path: String) -> LogTarget { .file(path: path, maximumBytes: 0, backupCount: 0) }

    @Test func everyByteArrivesAndIsReported() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let rules = ScanRules(progress: try Pattern("Batch"), error: try Pattern("failed"))
        let id = worker(1)
        do {
            let out = try world.attach(id, to: plain(directory.file("out")), rules: rules)
            let err = try world.attach(id, to: plain(directory.file("err")), stream: .standardError, rules: rules)
            try writeWhole("hello\nBatch 1\n", to: out.rawValue)
            try world.wait("progress") { !facts($0, of: id).filter { $0.lastProgress != nil }.isEmpty }
            try writeWhole("Too many open files\nrest", to: err.rawValue)
            try world.wait("error") { facts($0, of: id).contains { !$0.episodes.isEmpty } }
        }
        #expect(world.pump.workerExited(id) == .accepted)
        let news = facts(try world.waitClosed(id), of: id)
        #expect(news.reduce(0) { $0 + $1.progressLineCount } == 1)
        #expect(news.flatMap(\.episodes).map(\.saysDescriptorsExhausted) == [true])
        #expect(news.compactMap(\.lastAlive).last?.line == 4)
        #expect(news.compactMap(\.lastLine).last == "rest")
        #expect(try directory.text("out") == "hello\nBatch 1\n")
        #expect(try directory.text("err") == "Too many open files\nrest")
    }

    /// Method: numbered lines in writes of any size, a small maximum; the files in order must be the input.
    @Test(arguments: 0..<8) func rotationLosesAndDoublesNothing(seed: Int) throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        var dice = Dice(seed: UInt64(seed))
        let maximum = 2000 + Int64(dice.next() % 8000)
        let target = LogTarget.file(path: directory.file("log"), maximumBytes: maximum, backupCount: 500)
        let id = worker(1)
        var lines: [UInt8] = []
        for index in 0..<8000 {
            lines += Array("\(index) \(String(repeating: "x", count: Int(dice.next() % 80)))\n".utf8)
        }
        do {
            let out = try world.attach(id, to: target)
            var start = 0
            while start < lines.count {
                let end = min(lines.count, start + 1 + Int(dice.next() % (seed % 2 == 0 ? 300 : 60000)))
                try writeWhole(Array(lines[start..<end]), to: out.rawValue)
                start = end
            }
        }
        #expect(world.pump.workerExited(id) == .accepted)
        try world.waitClosed(id)
        let numbers = directory.names.compactMap { Int($0.dropFirst(4)) }.sorted(by: >)
        #expect(numbers.count > 10)
        var found: [UInt8] = []
        for number in numbers {
            let part = try directory.contents("log.\(number)")
            #expect(part.last == 10, "a record was split")
            #expect(part.count >= Int(maximum) && part.count < Int(maximum) + 100)
            found += part
        }
        found += try directory.contents("log")
        #expect(found == lines)
    }

    @Test func aGrandchildMayHoldThePipeForEver() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        let held = try world.attach(id, to: plain(directory.file("log")))
        try writeWhole("last words\n", to: held.rawValue)
        #expect(world.pump.workerExited(id) == .accepted)
        let news = facts(try world.waitClosed(id), of: id)
        #expect(news.last?.lastLine == "last words")
        #expect(try directory.text("log") == "last words\n")
        // The pipe is closed: whoever still writes learns it. Another test's child may hold a copy until it executes.
        var entry = pollfd(fd: held.rawValue, events: 0, revents: 0)
        #expect(poll(&entry, 1, 10_000) == 1 && entry.revents & Int16(POLLERR) != 0)
    }

    @Test func aFullFifoHoldsUpItsOwnWorkerAlone() throws {
        let world = try PumpWorld(drainAfterExit: .seconds(30))
        let directory = try ScratchDirectory()
        let path = directory.file("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        let (slow, quick) = (worker(1), worker(2))
        let blocked = try world.attach(slow, to: plain(path))
        try blocked.setNonblocking()
        let sent = try fill(blocked.rawValue, world)
        let held = world.pump.drained(of: slow)
        do {
            let free = try world.attach(quick, to: plain(directory.file("log")))
            for index in 0..<2000 { try writeWhole("line \(index)\n", to: free.rawValue) }
        }
        #expect(world.pump.workerExited(quick) == .accepted)
        try world.waitClosed(quick)
        #expect(try directory.text("log").split(separator: "\n").count == 2000)
        #expect(world.pump.drained(of: slow) == held)
        #expect(world.pump.drainedThrough > held)

        let reader = try Descriptor.open(path, O_RDONLY)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while received.count < sent.count {
            let size = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } ?? 0
            received += buffer[..<size]
        }
        #expect(received == sent)
    }

    // Writes numbered lines until the pump has stopped reading.
    private func fill(_ pipe: CInt, _ world: PumpWorld) throws -> [UInt8] {
        var sent: [UInt8] = []
        var turnsWhenFull: UInt64?
        while true {
            let line = Array("\(sent.count) of a fifo\n".utf8)
            let written = line.withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) }
            if written > 0 {
                sent += line[..<written]
                turnsWhenFull = nil
                continue
            }
            // Full for the writer; it stays so when the pump has turned twice and taken nothing.
            let turns = world.pump.beat.reading.turns
            let first = turnsWhenFull ?? turns
            turnsWhenFull = first
            if turns >= first + 2 { return sent }
            _ = world.pump.lastLines(of: worker(99)) { _ in }
            sched_yield()
        }
    }

    @Test func twoGenerationsShareALogAcrossItsRotation() throws {
        let world = try PumpWorld(drainAfterExit: .seconds(30))
        let directory = try ScratchDirectory()
        let target = LogTarget.file(path: directory.file("log"), maximumBytes: 1000, backupCount: 200)
        do {
            let old = try world.attach(worker(1, 1), to: target)
            let new = try world.attach(worker(1, 2), to: target)
            #expect(world.pump.workerExited(worker(1, 1)) == .accepted)
            for index in 0..<500 {
                try writeWhole("old \(index)\n", to: old.rawValue)
                try writeWhole("new \(index)\n", to: new.rawValue)
            }
        }
        #expect(world.pump.workerExited(worker(1, 2)) == .accepted)
        try world.waitClosed(worker(1, 1))
        try world.waitClosed(worker(1, 2))
        let all = try directory.names.map { try directory.text($0) }.joined()
        #expect(Set(all.split(separator: "\n")).count == 1000)
        #expect(all.split(separator: "\n").count == 1000)
    }

    @Test func nowhereStillBeats() throws {
        let world = try PumpWorld()
        let id = worker(1)
        let out = try world.attach(id, to: .nowhere)
        try writeWhole("x\n", to: out.rawValue)
        try world.wait("life") { facts($0, of: id).contains { $0.lastAlive?.line == 1 } }
    }

    @Test func aSilentWorkerIsKnownToBeSilent() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let silent = try world.attach(worker(1), to: plain(directory.file("log")))
        let before = MonotonicClock.now()
        // Each order is a turn, and each turn is proof that the pipe was empty.
        while world.pump.drained(of: worker(1)) <= before { _ = world.pump.lastLines(of: worker(1)) { _ in } }
        #expect(world.pump.drained(of: worker(1)) == world.pump.drainedThrough)
        _ = silent.rawValue
    }

    @Test func aLogThatCannotBeOpenedIsTold() throws {
        let world = try PumpWorld()
        let id = worker(1)
        let out = try world.attach(id, to: plain("/nonexistent/log"))
        try writeWhole("x\n", to: out.rawValue)
        let news = try world.wait("trouble") { !troubles($0).isEmpty }
        #expect(troubles(news).first?.failure == KernelFailure("open", "/nonexistent/log", ENOENT))
        try world.wait("life") { facts($0, of: id).contains { $0.lastAlive != nil } }
    }

    @Test func aFullDeviceIsToldOnce() throws {
        let world = try PumpWorld()
        let id = worker(1)
        let out = try world.attach(id, to: plain("/dev/full"))
        for index in 0..<20 {
            try writeWhole("\(index)\n", to: out.rawValue)
            try world.wait("lines") { facts($0, of: id).last?.lastLine == "\(index)" }
        }
        let all = troubles(try world.wait("trouble") { !troubles($0).isEmpty })
        #expect(all.map(\.failure?.errorNumber) == [ENOSPC])
    }

    @Test func logsAreReopenedAndCleared() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        let inbox = try Mailbox<KernelFailure?>(capacity: 8)
        do {
            let out = try world.attach(id, to: plain(directory.file("log")))
            try writeWhole("one\n", to: out.rawValue)
            try world.wait("one") { facts($0, of: id).last?.lastLine == "one" }
            try #require(rename(directory.file("log"), directory.file("moved")) == 0)
            #expect(world.pump.reopenLogs() == .accepted)
            #expect(world.pump.clear(id, .standardError) { _ = inbox.post($0) } == .accepted)
            #expect(inbox.wait(until: nil))
            try writeWhole("two\n", to: out.rawValue)
            try world.wait("two") { facts($0, of: id).last?.lastLine == "two" }
            #expect(try directory.text("moved") == "one\n")
            #expect(try directory.text("log") == "two\n")
            _ = inbox.drain()
            #expect(world.pump.clear(id, .standardOutput) { _ = inbox.post($0) } == .accepted)
            #expect(inbox.wait(until: nil))
            #expect(inbox.drain() == [nil])
            try writeWhole("three\n", to: out.rawValue)
        }
        #expect(world.pump.workerExited(id) == .accepted)
        try world.waitClosed(id)
        #expect(try directory.text("log") == "three\n")
    }

    @Test func theLastLinesAreGivenOut() throws {
        let world = try PumpWorld()
        let id = worker(1)
        let out = try world.attach(id, to: .nowhere)
        try writeWhole((0..<100).map { "line \($0)\n" }.joined(), to: out.rawValue)
        try world.wait("lines") { facts($0, of: id).last?.lastLine == "line 99" }
        let inbox = try Mailbox<[String]>(capacity: 1)
        #expect(world.pump.lastLines(of: id) { _ = inbox.post($0) } == .accepted)
        #expect(inbox.wait(until: nil))
        #expect(inbox.drain() == [(50..<100).map { "line \($0)" }])
    }

    @Test func aLargeBurstIsNotLost() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        let block = Array(repeatElement(line, count: 655).joined())
        do {
            let out = try world.attach(id, to: plain(directory.file("log")))
            for _ in 0..<160 { try writeWhole(block, to: out.rawValue) }
        }
        #expect(world.pump.workerExited(id) == .accepted)
        let news = try world.waitClosed(id)
        #expect(try directory.contents("log").count == 160 * block.count)
        // Not an optional: under AddressSanitizer the compiler's own comparison of one reads past its end.
        #expect((facts(news, of: id).compactMap(\.lastAlive).last?.line ?? 0) == 160 * 655)
    }
}
