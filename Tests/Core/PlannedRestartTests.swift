import Testing
import WardenCore

/// Goal: a leak that on_leaking names is ended before the table is full, at a moment that suits the worker.
@Suite struct PlannedRestartTests {
    /// Workers that leak 7 descriptors an hour of 1024, sampled every five minutes.
    func world(workers: [String] = ["w0"], _ change: @escaping (inout HealthSpec) -> Void = { _ in }) -> World {
        var world = World([
            group("ami", workers) {
                $0.health.interval = .seconds(300)
                $0.health.leakHorizon = .seconds(96 * 3600)
                $0.health.progressPattern = "Batch"
                $0.health.actions[.leaking(.fds)] = .restart
                $0.health.forensics = true
                change(&$0.health)
            }
        ])
        world.boot()
        return world
    }

    @discardableResult
    func leak(_ world: inout World, from: Double = 0, to: Double, workers: Int = 1) -> [Directive] {
        var all: [Directive] = []
        for minute in stride(from: Int(from * 60), to: Int(to * 60), by: 5) {
            all += world.pass(300)
            for position in 0..<workers {
                all += world.sample(position, tree(fds: 40 + minute * 7 / 60, limit: 1024))
            }
        }
        return all
    }

    @Test("People are told at once; the restart waits for a progress line")
    func atAProgressLine() {
        var world = world()
        let told = words(leak(&world, to: 60))
        #expect(
            told == [
                "w0 is healthy proven", "w0 is leaking/fds weak", "record w0 leaking/fds alert",
                "alert opened w0 leaking", "examine 1.1", "record w0 leaking/fds alert",
            ])
        #expect(world.lastStatus == "1 worker: 1 leaking (w0 fds, planned restart, at an idle moment)")
        #expect(world.snapshots().first?.pendingAction == "planned restart, at an idle moment")
        let done = words(world.log(0, progress(1, world.now)))
        #expect(done.contains("record w0 leaking/fds restart"))
        #expect(done.contains("SIGTERM tree 1.1"))
        #expect(done.last == "spawn w0.2 restarts 1")
        #expect(world.objections.isEmpty)
    }

    @Test("Demand zero is an idle moment")
    func atDemandZero() {
        var world = world { $0.demand = .command("/usr/bin/backlog") }
        leak(&world, to: 60)
        #expect(world.snapshots().first?.pendingAction == "planned restart, at an idle moment")
        world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 0, output: "0"))))
        world.pass(60)
        let done = words(world.sample(0, tree(fds: 460, limit: 1024)))
        #expect(done.last == "spawn w0.2 restarts 1")
    }

    @Test("No idle moment comes: at a tenth of leak_horizon before the limit it is ended all the same")
    func atTheLatest() {
        var world = world { $0.descriptorDark = .percentUsed(99) }
        let before = words(leak(&world, to: 128))
        #expect(!before.contains { $0.hasPrefix("spawn") })
        let after = words(leak(&world, from: 128, to: 133))
        #expect(after.contains("spawn w0.2 restarts 1"))
    }

    @Test("fd_dark is late enough")
    func atTheDarkLine() {
        var world = world { $0.descriptorDark = .percentUsed(60) }
        #expect(!words(leak(&world, to: 81)).contains("spawn w0.2 restarts 1"))
        #expect(words(leak(&world, from: 81, to: 83)).contains("spawn w0.2 restarts 1"))
    }

    @Test("Within max_unavailable: the second waits, though its idle moment comes first")
    func oneAtATime() {
        var world = world(workers: ["w0", "w1"])
        leak(&world, to: 60, workers: 2)
        #expect(words(world.log(0, progress(1, world.now))).contains("spawn w0.2 restarts 1"))
        let second = words(world.log(1, progress(1, world.now)))
        #expect(!second.contains { $0.hasPrefix("spawn") }, "w0 has no outcome yet")
        // w0 is well again; w1 is taken at its next progress line, not before.
        let freed = words(world.mend(0))
        #expect(freed.contains("record w0 leaking/fds restart recovered"))
        #expect(!freed.contains { $0.hasPrefix("spawn w1") })
        world.sample(1, tree(fds: 470, limit: 1024))
        #expect(words(world.log(1, progress(2, world.now))).last == "spawn w1.2 restarts 1")
        #expect(world.objections.isEmpty)
    }

    @Test("alert, shadow and pause-health only tell")
    func told() {
        var world = world { $0.actions[.leaking(.fds)] = .alert }
        leak(&world, to: 60)
        world.log(0, progress(1, world.now))
        #expect(!words(world.record).contains("spawn w0.2 restarts 1"))
        #expect(words(world.record).filter { $0 == "alert opened w0 leaking" }.count == 1)
    }

    @Test("A census after the grace, one when the leak is told, one before the end: what grew is said")
    func census() throws {
        var world = world()
        world.census = [.init(kind: "pipe", count: 20), .init(kind: "socket", count: 4)]
        leak(&world, to: 3)
        #expect(world.record.filter { if case .takeCensus = $0 { true } else { false } }.count == 1)
        world.log(0, LogFacts(progressLineCount: 200, drainedAt: world.moment.instant))
        world.census = [.init(kind: "pipe", count: 420), .init(kind: "socket", count: 5)]
        leak(&world, from: 3, to: 60)
        #expect(world.record.filter { if case .takeCensus = $0 { true } else { false } }.count == 2)
        let verdict = try #require(world.snapshots().first?.verdict)
        #expect(verdict.evidence.last?.value == .text("+400 pipe, +2.0 per progress line"))
        #expect(verdict.reason.hasSuffix("; +400 pipe, +2.0 per progress line"))
        var forensics = Forensics()
        forensics.descriptorKinds = [.init(kind: "pipe", count: 1220)]
        world.forensics = forensics
        world.log(0, progress(201, world.now))
        let incidents = world.record.compactMap { if case .recordIncident(let incident) = $0 { incident } else { nil } }
        let last = try #require(incidents.last { $0.action == .restart })
        #expect(last.verdict.evidence.last?.value == .text("+1200 pipe, +6.0 per progress line"))
    }
}
