import Testing
import WardenCore

/// Goal: from a standstill to the restart: the supervisor asks, believes the second answer, and acts.
@Suite struct SupervisorWaitTests {
    static func world(_ change: (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([group("ami", ["w0", "w1"], change)])
        world.boot()
        return world
    }

    static let still = IOReading(readBytes: 1, writtenBytes: 1, readCalls: 1, writeCalls: 1)

    /// Samples of a worker that stands still, every five seconds.
    static func stand(_ world: inout World, _ samples: Int) -> [Directive] {
        var all: [Directive] = []
        for _ in 0..<samples {
            all += world.pass(5)
            var readings = tree()
            readings.io = still
            all += world.sample(0, readings)
            all += world.sample(1)
        }
        return all
    }

    static func report(_ instant: Instant, _ wait: WaitReport.Wait) -> WaitReport {
        WaitReport(takenAt: instant, threads: [.init(pid: 1001, tid: 1001, switches: 5, wait: wait)])
    }

    @Test func aDeadlockIsRestartedWithoutHeartbeatTimeout() {
        var world = Self.world()
        world.waits = { Self.report($0, .futex) }
        let all = words(Self.stand(&world, 8))
        #expect(world.objections == [])
        #expect(all.filter { $0.hasPrefix("waits") }.prefix(2) == ["waits 1.1", "waits 1.1"])
        #expect(all.contains("record w0 hung/deadlock restart"))
        #expect(all.contains("forensics 1.1"))
        #expect(all.contains { $0.hasPrefix("spawn w0.2") })
        #expect(!all.contains { $0.contains("w1.2") || $0.hasPrefix("waits 2") })
    }

    @Test func whoWaitsForSomethingOutsideIsLeftAlone() {
        var world = Self.world()
        world.waits = { Self.report($0, .socket) }
        let all = words(Self.stand(&world, 400))
        #expect(all.filter { $0.hasPrefix("waits") }.count < 12)
        #expect(!all.contains { $0.hasPrefix("record") })
    }

    @Test func whoBlocksOnItsOutputIsNotToBlame() {
        var world = Self.world { $0.health.heartbeatTimeout = .seconds(60) }
        world.waits = { Self.report($0, .ownOutput) }
        var all: [Directive] = []
        for _ in 0..<60 {
            all += Self.stand(&world, 1)
            all += world.log(0, drained(world.now))
            all += world.log(1, drained(world.now))
        }
        let said = all.filter {
            if case .log(let record) = $0 { record.message.contains("waits for its output to be taken") } else { false }
        }
        #expect(said.count == 1)
        #expect(!words(all).contains { $0.hasPrefix("record w0") })
    }

    @Test func whatIsOnlyAdvisoryIsToldAndNotActedOn() {
        var world = Self.world()
        world.waits = {
            var report = Self.report($0, .futex)
            report.caughtSignals = ["SIGUSR1"]
            return report
        }
        let all = words(Self.stand(&world, 40))
        #expect(all.contains("record w0 hung/deadlock alert"))
        #expect(!all.contains { $0.hasPrefix("forensics") || $0.hasPrefix("spawn") })
    }

    @Test func theFingerprintComesWithTheForensics() {
        var world = Self.world()
        world.waits = { Self.report($0, .futex) }
        world.forensics?.threads = ["1001 python3 S futex: a lock of its own process, for ever"]
        let fingerprints = Self.stand(&world, 8).compactMap { directive -> String? in
            if case .recordIncident(let incident) = directive { incident.fingerprint } else { nil }
        }
        #expect(!fingerprints.isEmpty)
        #expect(Set(fingerprints).count == 1)
    }
}
