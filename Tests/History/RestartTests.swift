import Testing
import WardenCore
import WardenHistory

@Suite struct RestartTests {
    @Test("restarts are counted per slot across the daemon's lives, each once")
    func counts() throws {
        let scratch = try Scratch()
        try scratch.life { store in
            #expect(try store.restartCount(first) == 0)
            try store.recordRestart(first, at: wall(1), reason: .exit, generation: Generation(2))
            try store.recordRestart(first, at: wall(2), reason: .user, generation: Generation(3))
            try store.recordRestart(first, at: wall(2), reason: .user, generation: Generation(3))
            try store.recordRestart(second, at: wall(2), reason: .configuration, generation: Generation(3))
        }
        try scratch.life { store in
            // Generations begin anew with the daemon, times do not.
            try store.recordRestart(first, at: wall(9), reason: .exit, generation: Generation(2))
            #expect(try store.restartCount(first) == 3)
            #expect(try store.restartCounts() == [first: 3, second: 1])
        }
    }

    @Test("counts by reason add up to the counts, and outlive what is pruned")
    func reasons() throws {
        let scratch = try Scratch()
        let expected = [first: ["exit": 2, "user": 1], second: ["dark/emfile": 1]]
        try scratch.life { store in
            #expect(try store.restartReasonCounts() == [:])
            try store.recordRestart(first, at: wall(1), reason: .exit, generation: Generation(2))
            try store.recordRestart(first, at: wall(2), reason: .user, generation: Generation(3))
            try store.recordRestart(first, at: wall(2), reason: .user, generation: Generation(3))
            try store.recordRestart(first, at: wall(3), reason: .exit, generation: Generation(4))
            try store.recordRestart(second, at: wall(3), reason: .health(.dark(.emfile)), generation: Generation(2))
            #expect(try store.restartReasonCounts() == expected)
            #expect(try store.prune(now: wall(30 * 86400)).restarts == 4)
        }
        try scratch.life { (store) throws in
            #expect(try store.restartReasonCounts() == expected)
            #expect(try store.restartCounts() == [first: 3, second: 1])
        }
    }

    @Test("a history from before reasons were counted: what is listed has its reason, what was pruned is unknown")
    func reasonsOfOldHistory() throws {
        let scratch = try Scratch()
        try scratch.life { store in
            for number in Int64(1)...3 {
                try store.recordRestart(first, at: wall(number), reason: .exit, generation: Generation(UInt32(number)))
            }
            try store.recordRestart(second, at: wall(1), reason: .user, generation: Generation(2))
        }
        for statement in [
            "DROP TABLE restart_reason_count", "DELETE FROM grdb_migrations WHERE identifier = 'restart reasons'",
            "DELETE FROM restart WHERE at < \(wall(3).microseconds) AND reason = 'exit'",
        ] { try alter(scratch.database, statement) }
        let store = try scratch.open()
        #expect(try store.restartReasonCounts() == [first: ["exit": 1, "unknown": 2], second: ["user": 1]])
    }

    @Test("budgets get Warden's own restarts back, oldest first", arguments: [1, 2, 3, 4] as [Int64])
    func budgets(since: Int64) throws {
        let scratch = try Scratch()
        try scratch.life { store in
            try store.recordRestart(second, at: wall(3), reason: .health(.hung(.silent)), generation: Generation(4))
            try store.recordRestart(first, at: wall(1), reason: .health(.dark(.emfile)), generation: Generation(2))
            try store.recordRestart(first, at: wall(2), reason: .exit, generation: Generation(3))
        }
        let all = [
            PastRestart(worker: first, condition: .dark(.emfile), at: wall(1)),
            PastRestart(worker: second, condition: .hung(.silent), at: wall(3)),
        ]
        let store = try scratch.open()
        #expect(try store.restarts(since: wall(since)) == all.filter { $0.at >= wall(since) })
    }

    @Test("every condition comes back from a restart")
    func conditions() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        for (number, condition) in Condition.precedence.enumerated() {
            let at = wall(Int64(number))
            try store.recordRestart(first, at: at, reason: .health(condition), generation: Generation(1))
        }
        #expect(try store.restarts(since: wall(0)).map(\.condition) == Condition.precedence)
    }
}
