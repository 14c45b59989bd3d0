import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: a pump that takes over from another goes on within the very line, with the counts and the waiting bytes of the
/// other. Method: two pumps in one process; what is told passes the descriptors on as copies.
@Suite struct HandoverTests {
    private func copied(_ told: PumpedWorker) throws -> PumpedWorker {
        var told = told
        for index in told.streams.indices {
            told.streams[index].descriptor = try Kernel.retry("duplicate", "") { dup(told.streams[index].descriptor) }
        }
        return told
    }

    @Test(arguments: [false, true]) func aLineIsFinishedByTheNextPump(isRewritten: Bool) throws {
        let (former, next) = (try PumpWorld(), try PumpWorld())
        let directory = try ScratchDirectory()
        let id = worker(1)
        let rules = ScanRules(progress: try Pattern("Batch"))
        var treatment = StreamTreatment()
        if isRewritten { treatment.stripsANSI = true }
        let target = LogTarget.file(path: directory.file("log"), maximumBytes: 0, backupCount: 0)
        do {
            let pipe = try Pipe().takeEnds()
            let writer = Descriptor(owning: pipe.writer)
            #expect(
                former.pump.attach(
                    id, .standardOutput, Descriptor(owning: pipe.reader), to: target, rules: rules,
                    treatment: treatment) == .accepted)
            try writeWhole("one\nBatch 1\nBat", to: writer.rawValue)
            try former.wait("progress") { facts($0, of: id).contains { $0.lastProgress != nil } }

            #expect(try former.pump.park(within: .seconds(10)))
            try writeWhole("ch 2\n", to: writer.rawValue)
            let told = try #require(try former.pump.handOver(within: .seconds(10)))
            #expect(told.map(\.worker) == [id])
            #expect(told.first?.streams.first?.target == target)
            for worker in told { #expect(next.pump.adopt(try copied(worker), rules: rules) == .accepted) }
            let news = facts(
                try next.wait("progress") { facts($0, of: id).contains { $0.lastProgress != nil } }, of: id)
            #expect(news.compactMap(\.lastProgress).first?.line == 3, "the lines are counted on")
            #expect(news.reduce(0) { $0 + $1.progressLineCount } == 1)
            try writeWhole("last", to: writer.rawValue)
        }
        #expect(next.pump.workerExited(id) == .accepted)
        try next.waitClosed(id)
        #expect(try directory.text("log") == "one\nBatch 1\nBatch 2\nlast")
    }

    @Test func aPumpThatWasParkedInVainGoesOn() throws {
        let world = try PumpWorld()
        let directory = try ScratchDirectory()
        let id = worker(1)
        do {
            let out = try world.attach(
                id, to: .file(path: directory.file("log"), maximumBytes: 0, backupCount: 0), rules: ScanRules())
            #expect(try world.pump.park(within: .seconds(10)))
            try writeWhole("meanwhile\n", to: out.rawValue)
            world.pump.goOn()
            try world.wait("the line") { facts($0, of: id).contains { $0.lastLine == "meanwhile" } }
        }
        #expect(world.pump.workerExited(id) == .accepted)
        try world.waitClosed(id)
        #expect(try directory.text("log") == "meanwhile\n")
    }

    @Test func aFileInMemoryHoldsWhatWasWritten() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        let file = try HandoverFile.make(bytes)
        #expect(try HandoverFile.contents(of: file.rawValue, atMost: 100_000) == bytes)
        #expect(throws: KernelFailure.self) { try HandoverFile.contents(of: file.rawValue, atMost: 99_999) }
    }
}
