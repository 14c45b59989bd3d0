import Foundation
import Testing
import WardenCore
import WardenHistory

@Suite struct IncidentTests {
    @Test("every condition and grade comes back as it was", arguments: Condition.precedence)
    func roundTrip(condition: Condition) throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        for grade in [Grade.weak, .strong, .proven] {
            let told = incident("\(condition.name)-\(grade)", condition: condition, grade: grade)
            try store.record(told)
            #expect(try store.incident(id: told.id) == told)
        }
    }

    @Test(
        "every outcome comes back as it was",
        arguments: [
            nil, .recovered(after: .nanoseconds(1_500_000_001)), .recovered(after: .zero), .unhelped, .gaveUp,
            .superseded,
        ] as [Outcome?])
    func outcomes(outcome: Outcome?) throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let told = incident("1", outcome: outcome)
        try store.record(told)
        #expect(try store.incident(id: "1") == told)
    }

    @Test("every action, what held it back and the forensics come back", arguments: HealthAction.allCases)
    func actions(action: HealthAction) throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        var told = incident("1")
        told.action = action
        told.heldBackBy = "max_unavailable"
        told.forensics = forensics()
        try store.record(told)
        #expect(try store.incident(id: "1") == told)
    }

    @Test("a second record with the same id replaces the first, keeps its place and loses no forensics")
    func upsert() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        var told = incident("1", outcome: nil)
        told.forensics = forensics()
        try store.record(told)
        try store.record(incident("2"))
        var closed = told
        closed.outcome = .recovered(after: .seconds(31))
        closed.forensics = nil
        try store.record(closed)
        closed.forensics = told.forensics
        #expect(try store.incidents(limit: 10).map(\.id) == ["2", "1"])
        #expect(try store.incident(id: "1") == closed)
    }

    @Test("a list has the newest first, filtered by slot, in pages")
    func pages() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        for number in 1...7 { try store.record(incident("\(number)", number % 2 == 0 ? second : first)) }
        #expect(try store.incidents(limit: 3).map(\.id) == ["7", "6", "5"])
        #expect(try store.incidents(limit: 3, before: "5").map(\.id) == ["4", "3", "2"])
        #expect(try store.incidents(matching: second, limit: 10).map(\.id) == ["6", "4", "2"])
        #expect(try store.incidents(matching: second, limit: 10, before: "4").map(\.id) == ["2"])
        #expect(try store.incidents(limit: 10, before: "gone").isEmpty)
        #expect(try store.incidents(limit: -1).isEmpty)
        #expect(try store.incident(id: "gone") == nil)
    }

    @Test("a list is never longer than its limit")
    func longList() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        for number in 0...HistoryLimits.listedIncidents { try store.record(incident("\(number)")) }
        #expect(try store.incidents(limit: .max).count == HistoryLimits.listedIncidents)
    }

    @Test("a list leaves out the forensics")
    func listWithoutForensics() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        var told = incident("1")
        told.forensics = forensics()
        try store.record(told)
        told.forensics = nil
        #expect(try store.incidents(limit: 1) == [told])
    }

    @Test("an id is data and not SQL")
    func hostileText() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        let told = incident("'; DROP TABLE incident; --", SlotName(group: "g'\"", process: "pröcess"))
        try store.record(told)
        #expect(try store.incidents(matching: told.worker, limit: 1) == [told])
    }

    @Test("forensics that are too large are cut, and a gap says so")
    func largeForensics() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        var told = incident("1")
        told.forensics = forensics(commandOutput: String(repeating: "x", count: HistoryLimits.forensicsBytes))
        try store.record(told)
        let stored = try #require(try store.incident(id: "1")?.forensics)
        #expect(stored.commandOutput.isEmpty)
        #expect(stored.lastLines == told.forensics?.lastLines)
        #expect(stored.gaps.last == "output of forensics_command not stored: too large")
    }

    @Test("incidents that a former run left open are superseded, and a notice says how many")
    func superseded() throws {
        let scratch = try Scratch()
        try scratch.life { store in
            #expect(store.notices.isEmpty)
            try store.record(incident("1", outcome: nil))
            try store.record(incident("2", outcome: .unhelped))
            try store.record(incident("3", outcome: nil))
        }
        let store = try scratch.open()
        #expect(store.notices == [.superseded(2)])
        #expect(try store.incidents(limit: 9).map(\.outcome) == [.superseded, .unhelped, .superseded])
        // Workers may outlive the daemon: the core can still know better.
        try store.record(incident("3", outcome: .gaveUp))
        #expect(try store.incident(id: "3")?.outcome == .gaveUp)
    }

    @Test("the store can be handed to a thread")
    func thread() async throws {
        let scratch = try Scratch()
        let path = scratch.database
        let outcome: Outcome? = try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        let store = try HistoryStore.open(path: path, keep: .seconds(1))
                        try store.record(incident("1"))
                        return try store.incident(id: "1")?.outcome
                    })
            }.start()
        }
        #expect(outcome == .unhelped)
    }
}
