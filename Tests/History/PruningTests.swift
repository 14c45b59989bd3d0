import Testing
import WardenCore
import WardenHistory

@Suite struct PruningTests {
    @Test("what is older than the keeping time goes; open incidents, waiting alerts and counts stay")
    func age() throws {
        let scratch = try Scratch()
        let store = try scratch.open(keep: .seconds(100))
        try store.record(incident("old", at: 0))
        try store.record(incident("open", at: 0, outcome: nil))
        try store.record(incident("edge", at: 50))
        try store.recordRestart(first, at: wall(0), reason: .health(.dark(.emfile)), generation: Generation(2))
        try store.recordRestart(first, at: wall(60), reason: .health(.dark(.emfile)), generation: Generation(3))
        for key in ["sent", "waiting"] {
            let id = try store.enqueue(
                NewOutboxAlert(
                    destination: "slack", dedupeKey: key, contentType: "text/plain", body: [], created: wall(0),
                    expires: wall(1)))
            if key == "sent" { try store.markDelivered(try #require(id), at: wall(1)) }
        }
        #expect(try store.prune(now: wall(150)) == PrunedCounts(incidents: 1, restarts: 1, alerts: 1))
        #expect(try store.incidents(limit: 9).map(\.id) == ["edge", "open"])
        #expect(try store.restarts(since: wall(0)).map(\.at) == [wall(60)])
        #expect(try store.restartCount(first) == 2)
        #expect(try store.due(now: wall(150), limit: 9).map(\.alert.dedupeKey) == ["waiting"])
        #expect(try store.prune(now: wall(150)) == PrunedCounts())
    }

    @Test("above the maxima the oldest go, whatever their age, and what waits stays")
    func rows() throws {
        let scratch = try Scratch()
        var maxima = HistoryMaxima()
        maxima.incidents = 5
        maxima.restarts = 4
        maxima.finishedAlerts = 3
        let store = try scratch.open(keep: .seconds(Int64.max), maxima: maxima)
        for number in 1...8 {
            try store.record(incident("\(number)", outcome: nil))
            try store.recordRestart(
                first, at: wall(Int64(number)), reason: .health(.hung(.silent)), generation: Generation(1))
            let alert = NewOutboxAlert(
                destination: "slack", dedupeKey: "\(number)", contentType: "text/plain", body: [], created: wall(0),
                expires: wall(1))
            let id = try #require(try store.enqueue(alert))
            if number > 1 { try store.markGaveUp(id, at: wall(1), error: "answered 404") }
        }
        #expect(try store.prune(now: wall(0)) == PrunedCounts(incidents: 3, restarts: 4, alerts: 4))
        #expect(try store.incidents(limit: 9).map(\.id) == ["8", "7", "6", "5", "4"])
        #expect(try store.restarts(since: wall(0)).map(\.at) == [wall(5), wall(6), wall(7), wall(8)])
        #expect(try store.restartCount(first) == 8)
        #expect(try store.due(now: wall(9), limit: 9).map(\.alert.dedupeKey) == ["1"])
    }

    @Test("absurd times do not trap", arguments: [Int64.min, .max])
    func absurd(microseconds: Int64) throws {
        let scratch = try Scratch()
        let store = try scratch.open(keep: .seconds(Int64.max))
        _ = try store.prune(now: WallTime(microseconds: microseconds))
    }
}
