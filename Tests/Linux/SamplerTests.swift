import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: every worker is sampled on time, spread out, and no longer than it is watched.
@Suite struct SamplerTests {
    @Test func workersAreSpreadOverTheInterval() throws {
        var schedule = SamplerSchedule()
        for slot in 1...100 { schedule.add(worker(UInt32(slot)), every: .seconds(5), at: .origin) }
        var counts = [Int](repeating: 0, count: 10)
        for step in 0..<100 {
            while let due = schedule.popDue(at: instant(Double(step) * 0.05)) {
                #expect(due.generation == Generation(1))
                counts[step / 10] += 1
            }
        }
        #expect(counts.allSatisfy { (5...15).contains($0) }, "\(counts)")
    }

    @Test func eachComesOncePerInterval() throws {
        var schedule = SamplerSchedule()
        schedule.add(worker(1), every: .seconds(1), at: .origin)
        schedule.add(worker(2), every: .seconds(2), at: .origin)
        var counts: [WorkerID: Int] = [:]
        for step in 0..<1200 {
            while let due = schedule.popDue(at: instant(Double(step) * 0.05)) { counts[due, default: 0] += 1 }
        }
        #expect(counts == [worker(1): 60, worker(2): 30])
    }

    @Test func whatIsRemovedOrReplacedDoesNotComeAgain() throws {
        var schedule = SamplerSchedule()
        schedule.add(worker(1), every: .seconds(1), at: .origin)
        schedule.add(worker(1), every: .seconds(10), at: .origin)
        schedule.add(worker(2), every: .seconds(1), at: .origin)
        schedule.remove(worker(2))
        var found: [WorkerID] = []
        for step in 0..<200 {
            while let due = schedule.popDue(at: instant(Double(step) * 0.05)) { found.append(due) }
        }
        #expect(found == [worker(1)])
        schedule.remove(worker(1))
        #expect(schedule.popDue(at: instant(1000)) == nil)
        #expect(schedule.nextDue == nil)
    }

    @Test func missedSamplesAreNotMadeUpFor() throws {
        var schedule = SamplerSchedule()
        schedule.add(worker(1), every: .seconds(1), at: .origin)
        #expect(schedule.popDue(at: instant(1000)) == worker(1))
        #expect(schedule.popDue(at: instant(1000)) == nil)
        #expect(try #require(schedule.nextDue) == instant(1001))
    }

    @Test func samplesOfARealProcessArrive() throws {
        let child = try ProcTestChild.withPipes(100)
        let directory = try ScratchDirectory()
        _ = try Descriptor.open(directory.file("beat"), O_WRONLY | O_CREAT)
        let inbox = try Mailbox<(WorkerID, Sample)>(capacity: 1000)
        let sampler = try Sampler { _ = inbox.post(($0, $1)) }
        defer { sampler.stop() }
        let before = sampler.beat.reading.turns
        let posting = sampler.watch(
            worker(1), pid: child.pid, every: .milliseconds(50), heartbeatFile: directory.file("beat"))
        #expect(posting == .accepted)
        var samples: [Sample] = []
        while samples.count < 3 {
            try #require(inbox.wait(until: MonotonicClock.now() + .seconds(30)))
            samples += inbox.drain().map(\.1)
        }
        #expect(sampler.forget(worker(1)) == .accepted)
        for sample in samples {
            guard case .tree(let tree) = sample.readings else {
                Issue.record("\(sample)")
                continue
            }
            #expect((tree.tightest?.count ?? 0) > 200)
            #expect(tree.heartbeatFileMark != nil)
        }
        #expect(samples[1].takenAt > samples[0].takenAt)
        #expect(sampler.beat.reading.turns > before)
    }
}
