import Testing
import WardenCore

/// Goal: a block is read as it was written, or refused; never half, and never with a trap.
@Suite struct RecordFormatTests {
    /// The block of a life with a fact of nearly every kind in it.
    private static let block: RecordBlock? = {
        var spec = ReplayTests.spec { $0.probe = .command("ask") }
        spec.health.heartbeat = .notify
        var world = World([GroupSpec(name: "ami", priority: 1, programs: [spec])], isRecording: true)
        world.settle(.ready)
        world.pass(2)
        let worker = world.worker(0)
        world.settle(.worker(worker, .hookEnded(.demand, .exited(code: 0, output: "2.5"))))
        world.settle(.worker(worker, .hookEnded(.probe, .exited(code: 0, output: "fine"))))
        world.settle(.worker(worker, .beat))
        for step in 0..<20 {
            world.pass(5)
            world.sample(0, tree(fds: 10 + step, cpu: .milliseconds(10 * step), mark: step > 9 ? 7 : nil))
            if step % 3 == 0 { world.log(0, progress(UInt64(step), world.now)) }
        }
        world.settle(.localHealth(LocalHealth(doubts: ["the host sleeps"])))
        world.settle(.localHealth(LocalHealth()))
        let failed = Sample(takenAt: world.moment.instant, readings: .failure(13))
        world.settle(.worker(worker, .sampled(failed)))
        let waits = [
            WaitReport.ThreadWait(pid: 1000, tid: 1000, switches: 70, wait: .futex),
            WaitReport.ThreadWait(pid: 1000, tid: 1003, switches: 9, wait: .child),
        ]
        let report = WaitReport(
            takenAt: world.moment.instant, threads: waits, caughtSignals: ["USR1"], hasTimer: true, gaps: ["EPERM"])
        world.settle(.worker(worker, .waitsRead(report)))
        world.ask(.pauseHealth(.all))
        world.ask(.resumeHealth(.all))
        world.darken(0)
        world.ask(.storeRecords(.all))
        return ReplayTests.blocks(world.record).first
    }()

    @Test("facts come back with their times")
    func facts() throws {
        let block = try #require(RecordFormatTests.block)
        let contents = try RecordContents(decoding: block.bytes)
        #expect(contents.header.sequence == 0 && contents.header.generation == Generation(1))
        #expect(contents.entries.first?.fact == .started(Generation(1), because: "", formerLives: []))
        #expect(contents.entries.contains { $0.fact == .demand(2.5) })
        #expect(contents.entries.contains { $0.fact == .probed(.exited(code: 0, output: "fine"), isReady: false) })
        #expect(contents.entries.contains { $0.fact == .doubted(true, ["the host sleeps"]) })
        #expect(contents.entries.contains { $0.fact == .ordered(.pauseHealth) })
        #expect(contents.entries.contains { $0.fact == .began(.restart, .dark(.emfile)) })
        #expect(contents.entries.contains { $0.fact == .judged(.dark(.emfile), .proven) })
        let samples = contents.entries.compactMap { entry -> Sample? in
            if case .sampled(let sample) = entry.fact { sample } else { nil }
        }
        #expect(samples.count == block.sampleCount)
        #expect(samples.contains { $0.readings == .failure(13) })
        let counts = samples.compactMap { sample -> Int? in
            if case .tree(let tree) = sample.readings { tree.tightest?.count } else { nil }
        }
        #expect(counts.prefix(20) == (10..<30)[...].map { $0 }[...])
        #expect(samples[3].takenAt == at(22).instant)
        let report = contents.entries.compactMap { entry -> WaitReport? in
            if case .waits(let report) = entry.fact { report } else { nil }
        }.first
        #expect(report?.threads.map(\.tid) == [1000, 1003] && report?.gaps == ["EPERM"] && report?.hasTimer == true)
        #expect(contents.entries.last.map { $0.at.wall } == block.to)
    }

    @Test("every cut and every changed byte is seen")
    func damage() throws {
        let bytes = try #require(RecordFormatTests.block).bytes
        for length in 0..<bytes.count {
            #expect(throws: RecordError.self) { try RecordContents(decoding: Array(bytes.prefix(length))) }
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x10
            #expect(throws: RecordError.self) { try RecordContents(decoding: changed) }
        }
        #expect(throws: RecordError.foreign) { try RecordContents(decoding: Array("SQLite".utf8)) }
        var newer = bytes
        newer[2] = 9
        #expect(throws: RecordError.newer(version: 9)) { try RecordContents(decoding: newer) }
    }

    @Test("whatever stands between a right head and a right checksum is read or refused", arguments: UInt64(1)...200)
    func nonsense(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        var bytes = try #require(RecordFormatTests.block).bytes.dropLast(4).map { $0 }
        for _ in 0..<(1 + seed % 8) {
            let index = 3 + Int(dice.next() % UInt64(bytes.count - 3))
            bytes[index] = UInt8(truncatingIfNeeded: dice.next())
        }
        let sum = bytes.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x100_0193 }
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: sum >> UInt32(8 * shift))) }
        // Refused or not: what is read must be fit to be judged.
        guard let contents = try? RecordContents(decoding: bytes) else { return }
        var replay = Replay(ReplayTests.spec())
        replay.add(contents)
        replay.finish()
    }

    @Test("a sample of a worker that is well takes few bytes, and a block is handed out in time")
    func cost() throws {
        let spec = ReplayTests.spec { $0.demand = .none }
        var world = World([GroupSpec(name: "ami", priority: 1, programs: [spec])], isRecording: true)
        world.boot()
        var io: UInt64 = 0
        for step in 0..<720 {
            world.pass(5)
            io += 4096 + UInt64(step % 7)
            world.log(0, alive(UInt64(step + 1), world.now - 0.5))
            world.sample(
                0,
                tree(fds: 20 + step % 3, rss: 400 << 20 + Int64(step % 5) << 12, io: io, cpu: .milliseconds(10 * step)))
        }
        let blocks = ReplayTests.blocks(world.record)
        #expect((720 / RecordLimits.samples...15).contains(blocks.count))
        let bytes = blocks.reduce(0) { $0 + $1.bytes.count }
        let samples = blocks.reduce(0) { $0 + $1.sampleCount }
        #expect(bytes / samples < 40, "\(bytes / samples) bytes a sample")
    }
}
