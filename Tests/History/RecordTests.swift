import Testing
import WardenCore
import WardenHistory

/// Goal: blocks come back as they were, page by page, and what is too old or too much goes.
@Suite struct RecordTests {
    private static func block(
        _ number: Int64, _ worker: SlotName = first, bytes: Int = 100
    ) -> RecordBlock {
        RecordBlock(
            worker: worker, from: wall(number * 10), to: wall(number * 10 + 9), sampleCount: 64,
            bytes: [UInt8](repeating: UInt8(number % 256), count: bytes))
    }

    @Test("blocks of one worker in their order, from a time on, and behind the last page")
    func pages() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        try store.record((1...5).map { RecordTests.block($0) } + [RecordTests.block(1, second)])
        try store.record([])
        let all = try store.records(of: first, since: wall(0), after: 0, limit: 9)
        #expect(all.map(\.block) == (1...5).map { RecordTests.block($0) })
        let page = try store.records(of: first, since: wall(0), after: 0, limit: 2)
        #expect(page == Array(all.prefix(2)))
        #expect(
            try store.records(of: first, since: wall(0), after: page[1].sequence, limit: 9) == Array(all.dropFirst(2)))
        #expect(try store.records(of: first, since: wall(39), after: 0, limit: 9).count == 3)
        #expect(try store.records(of: second, since: wall(0), after: 0, limit: 9).count == 1)
        let large = (1...20).map { RecordTests.block($0, second, bytes: 100_000) }
        try store.record(large)
        #expect(try store.records(of: second, since: wall(0), after: 0, limit: 99).count < 10)
    }

    @Test("what is older than its keeping time goes, whatever incidents are kept for")
    func age() throws {
        let scratch = try Scratch()
        let store = try HistoryStore.open(
            path: scratch.database, keep: .seconds(1_000_000), keepingRecords: .seconds(100))
        try store.record((1...30).map { RecordTests.block($0) })
        #expect(try store.prune(now: wall(300)) == PrunedCounts(records: 19))
        #expect(try store.records(of: first, since: wall(0), after: 0, limit: 99).first?.block.from == wall(200))
        #expect(try store.prune(now: wall(300)) == PrunedCounts())
    }

    @Test("above the maxima of a worker and of all the oldest go")
    func bytes() throws {
        let scratch = try Scratch()
        var maxima = HistoryMaxima()
        // A row counts with 128 bytes of its own.
        maxima.workerRecordBytes = 10 * 228
        maxima.recordBytes = 15 * 228
        let store = try scratch.open(maxima: maxima)
        try store.record((1...20).map { RecordTests.block($0) } + (1...20).map { RecordTests.block($0, second) })
        #expect(try store.prune(now: wall(0)).records == 25)
        #expect(try store.records(of: first, since: wall(0), after: 0, limit: 99).count == 5)
        #expect(try store.records(of: second, since: wall(0), after: 0, limit: 99).map(\.block.from).first == wall(110))
        #expect(try store.prune(now: wall(0)).records == 0)
    }
}
