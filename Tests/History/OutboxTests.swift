import Testing
import WardenCore
import WardenHistory

@Suite struct OutboxTests {
    private func alert(_ destination: String, _ key: String, body: [UInt8] = [0, 255, 10]) -> NewOutboxAlert {
        NewOutboxAlert(
            destination: destination, dedupeKey: key, contentType: "application/json", body: body, created: wall(0),
            expires: wall(3600))
    }

    private func add(_ store: HistoryStore, _ destination: String, _ key: String) throws -> Int64 {
        try #require(try store.enqueue(alert(destination, key)))
    }

    private func due(_ store: HistoryStore, _ seconds: Int64, limit: Int = 100) throws -> [String] {
        try store.due(now: wall(seconds), limit: limit).map { "\($0.alert.destination) \($0.alert.dedupeKey)" }
    }

    @Test("alerts come back unchanged, in order, in the daemon's next life")
    func order() throws {
        let scratch = try Scratch()
        let id = try scratch.life { store in
            let id = try add(store, "slack", "1.opened")
            _ = try add(store, "pager", "1.opened")
            _ = try add(store, "slack", "2.opened")
            return id
        }
        let store = try scratch.open()
        #expect(try due(store, 0) == ["slack 1.opened", "pager 1.opened", "slack 2.opened"])
        #expect(try due(store, 0, limit: 1) == ["slack 1.opened"])
        let alert = OutboxAlert(id: id, alert: alert("slack", "1.opened"), failedAttempts: 0, lastError: nil)
        #expect(try store.due(now: wall(0), limit: 1) == [alert])
    }

    @Test("the same alert for the same destination is stored once, even after it was sent")
    func dedupe() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let id = try add(store, "slack", "1.opened")
        #expect(try store.enqueue(alert("slack", "1.opened")) == nil)
        try store.markDelivered(id, at: wall(1))
        #expect(try store.enqueue(alert("slack", "1.opened")) == nil)
        #expect(try store.enqueue(alert("pager", "1.opened")) != nil)
        #expect(try due(store, 1) == ["pager 1.opened"])
    }

    @Test("behind one that waits for its next attempt, later ones of that destination wait too")
    func waiting() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let id = try add(store, "slack", "1")
        _ = try add(store, "slack", "2")
        _ = try add(store, "pager", "1")
        try store.markFailed(id, nextAttempt: wall(60), error: "answered 500")
        #expect(try due(store, 59) == ["pager 1"])
        #expect(try due(store, 60) == ["slack 1", "slack 2", "pager 1"])
        let first = try #require(try store.due(now: wall(60), limit: 1).first)
        #expect(first.failedAttempts == 1)
        #expect(first.lastError == "answered 500")
    }

    @Test("delivered and given-up alerts are not due; marking them again changes nothing")
    func finished() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let delivered = try add(store, "slack", "1")
        let gaveUp = try add(store, "slack", "2")
        try store.markDelivered(delivered, at: wall(1))
        try store.markGaveUp(gaveUp, at: wall(1), error: "no answer within 10s")
        try store.markFailed(delivered, nextAttempt: wall(2), error: "late")
        try store.markDelivered(4711, at: wall(1))
        #expect(try due(store, 100) == [])
        #expect(try store.waitingAlertCount() == 0)
    }

    @Test("an alert that has expired is still due: giving up is somebody's word")
    func expired() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        _ = try add(store, "slack", "1")
        #expect(try due(store, 7200) == ["slack 1"])
    }

    @Test("a wall clock that was set back does not hold a new alert")
    func clockSetBack() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        _ = try add(store, "slack", "1")
        #expect(try due(store, -86400) == ["slack 1"])
    }

    @Test("a body that is too large is refused")
    func largeBody() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let bytes = HistoryLimits.alertBodyBytes + 1
        #expect(throws: HistoryError.bodyTooLarge(path: scratch.database, bytes: bytes)) {
            try store.enqueue(alert("slack", "1", body: [UInt8](repeating: 0, count: bytes)))
        }
    }

    @Test("a full outbox refuses and says so, and takes again when one has gone")
    func fullOutbox() throws {
        let scratch = try Scratch()
        var maxima = HistoryMaxima()
        maxima.waitingAlerts = HistoryLimits.listedAlerts + 1
        let store = try scratch.open(maxima: maxima)
        for number in 0..<maxima.waitingAlerts { _ = try add(store, "slack", "\(number)") }
        #expect(throws: HistoryError.outboxFull(path: scratch.database)) { try add(store, "slack", "one more") }
        let oldest = try #require(try store.due(now: wall(0), limit: 1).first)
        try store.markDelivered(oldest.id, at: wall(0))
        _ = try add(store, "slack", "one more")
        #expect(try store.due(now: wall(0), limit: .max).count == HistoryLimits.listedAlerts)
    }
}
