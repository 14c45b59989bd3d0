import Testing
import WardenCore

/// Goal: a drill proves the policy of a worker, is marked wherever it shows, and leaves nothing behind.
@Suite struct SupervisorDrillTests {
    private let w0 = Selection.slot(group: "ami", process: "w0")

    private func world(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group {
                $0.health.progressPattern = "Batch"
                $0.health.heartbeatTimeout = .seconds(60)
                $0.health.rssLimitBytes = 1 << 30
                change(&$0)
            }
        ])
        world.boot()
        world.log(0, progress(1, world.now))
        for _ in 0..<5 { live(&world) }
        return world
    }

    /// One interval of a worker that is well: it polls, it writes.
    private func live(_ world: inout World, fds: Int = 10, limit: Int = 256) {
        world.pass(5)
        world.log(0, alive(UInt64(world.now), world.now))
        world.sample(0, tree(fds: fds, limit: limit))
    }

    private func report(_ world: inout World) -> DrillReport? {
        for case .reply(_, .drill(let report)) in world.ask(.watchDrill(w0)) { return report }
        return nil
    }

    private func order(_ kind: DrillKind, acts: Bool = false) -> Command {
        .startDrill(w0, DrillOrder(kind, acts: acts))
    }

    @Test("A pretended illness is found, told as a drill, and nothing is done", arguments: DrillKind.allCases)
    func toldOnly(_ kind: DrillKind) throws {
        var world = world()
        world.ask(order(kind))
        for _ in 0..<60 where self.report(&world)?.end != "done" {
            live(&world, limit: kind == .emfile ? 10 : 256)
            if kind == .emfile { world.log(0, failure(UInt64(world.now), world.now, emfile: true)) }
        }
        let report = try #require(self.report(&world))
        #expect(report.end == "done")
        let verdict = try #require(report.verdict)
        #expect(kind.isMet(by: verdict.condition) && verdict.isDrill && verdict.reason.hasPrefix("drill: "))
        #expect(report.decision == "would restart")
        #expect(report.detectedAfter.map { $0 <= .seconds(150) } ?? false)
        let alerts = world.record.compactMap { if case .alert(let alert) = $0 { alert } else { nil } }
        #expect(alerts.map(\.phase) == [.opened, .closed])
        #expect(alerts.allSatisfy { $0.incident.verdict.isDrill && $0.incident.heldBackBy == "drill: would restart" })
        let snapshot = try #require(world.snapshots().first)
        #expect(snapshot.verdict?.condition == .healthy && snapshot.generation == Generation(1))
        #expect(world.loweredLimits.isEmpty && world.objections.isEmpty)
        for case .reply(_, .explanations(let explanations)) in world.ask(.explain(.all)) {
            #expect(explanations.flatMap(\.budgets).isEmpty)
        }
    }

    @Test("While it lasts, status shows it")
    func status() throws {
        var world = world()
        world.ask(order(.memory))
        #expect(world.lastStatus == "1 worker: 1 healthy; drill: w0 memory")
        live(&world)
        #expect(world.snapshots().first?.pendingAction == "drill memory")
        world.ask(.stopDrill(w0))
        #expect(world.lastStatus == "1 worker: 1 healthy")
        #expect(world.snapshots().first?.drill?.end == "stopped by a person")
    }

    @Test("With --act the worker is restarted and recovers, and no budget is charged")
    func acts() throws {
        var world = world()
        world.ask(order(.emfile, acts: true))
        for _ in 0..<3 { live(&world, limit: 10) }
        world.log(0, failure(UInt64(world.now), world.now, emfile: true))
        #expect(world.loweredLimits.isEmpty, "what comes now needs descriptors")
        #expect(report(&world)?.decision == "restart")
        #expect(world.worker(0).generation == Generation(2))
        world.log(0, progress(1, world.now))
        let report = try #require(self.report(&world))
        #expect(report.end == "done")
        #expect(report.outcome?.name == "recovered")
        let incident = try #require(
            world.record.compactMap { if case .recordIncident(let one) = $0 { one } else { nil } }.last)
        #expect(incident.verdict.isDrill && incident.action == .restart && incident.id == report.incident)
        for case .reply(_, .explanations(let explanations)) in world.ask(.explain(.all)) {
            #expect(explanations.flatMap(\.budgets).isEmpty)
        }
        #expect(world.objections.isEmpty)
    }

    @Test("The true reading of a drilled worker is not shown the limit that the drill has lowered")
    func trueReading() {
        var world = world()
        world.ask(order(.emfile))
        for _ in 0..<8 { live(&world, limit: 10) }
        // Full, but without an error line: nothing that the drill is for.
        let snapshot = world.snapshots().first
        #expect(snapshot?.verdict?.condition == .leaking(.fds) && snapshot?.verdict?.isDrill == true)
        #expect(snapshot?.readings?.tightest?.softLimit == 256)
        world.pass(200)
        #expect(world.snapshots().first?.verdict?.condition == .healthy)
        #expect(world.snapshots().first?.drill?.end == "not detected within 2m")
        #expect(world.loweredLimits.isEmpty)
    }

    @Test("It ends, and restores, when the worker ends, falls ill, is stopped, the daemon ends, or nobody watches")
    func ends() {
        func ended(lease: Duration? = nil, _ change: (inout World) -> Void) -> String? {
            var world = world()
            world.ask(.startDrill(w0, DrillOrder(.emfile, lease: lease)))
            #expect(world.loweredLimits == [100])
            live(&world, limit: 10)
            change(&world)
            // A process that is gone has nothing left to restore.
            #expect(world.loweredLimits.isEmpty || world.worker(0).generation != Generation(1))
            return world.snapshots().first?.drill?.end
        }
        #expect(ended { _ = $0.exits(0, .code(3)) } == "the worker ended meanwhile (exit code 3)")
        #expect(ended { $0.ask(.stop(.all, wait: false)) } == "it is stopped or started")
        #expect(ended { $0.settle(.endRequested(.shutdown)) } == "it is stopped or started")
        #expect(ended(lease: .seconds(15)) { $0.pass(15) } == "nobody watches it")
        #expect(
            ended { world in
                for _ in 0..<3 {
                    world.pass(5)
                    world.sample(0, tree(rss: 2 << 30))
                }
            } == "the worker is bloated/rss without it")
    }

    @Test("Who watches keeps it going")
    func lease() {
        var world = world()
        world.ask(.startDrill(w0, DrillOrder(.silence, lease: .seconds(15))))
        for _ in 0..<10 {
            live(&world)
            world.pass(5)
            #expect(report(&world)?.end == nil)
        }
    }

    @Test("A drill that could prove nothing, or is not of a healthy worker, is refused")
    func refusals() {
        func refusal(_ kind: DrillKind, _ world: inout World) -> String? {
            for case .reply(_, .refused(.failed(let text))) in world.ask(order(kind)) { return text }
            return nil
        }
        var plain = world {
            $0.health.heartbeatTimeout = nil
            $0.health.rssLimitBytes = nil
        }
        #expect(refusal(.memory, &plain) == "ami:w0 cannot be drilled: rss_limit is not set")
        #expect(refusal(.hang, &plain)?.contains("heartbeat_timeout is not set") == true)
        plain.ask(order(.emfile))
        #expect(refusal(.emfile, &plain) == "ami:w0 cannot be drilled: a drill is under way already")
        var down = world()
        down.ask(.stop(.all, wait: false))
        #expect(refusal(.memory, &down) == "ami:w0 cannot be drilled: it is not RUNNING")
        var ill = world()
        ill.darken(0)
        #expect(refusal(.memory, &ill)?.hasPrefix("ami:w0 cannot be drilled: it is ") == true)
    }

    @Test("A held-back policy says what holds it back")
    func held() {
        var world = world()
        world.ask(.pauseHealth(.all))
        world.ask(order(.memory, acts: true))
        for _ in 0..<5 { live(&world) }
        #expect(report(&world)?.decision == "alert, no more: health is paused")
        #expect(world.worker(0).generation == Generation(1))
    }

    @Test(
        "Drills at random, among random events: nothing impossible, no deadline that stays, and an end",
        arguments: 1...20)
    func random(seed: UInt64) {
        var world = World(SupervisorPropertyTests.groups(), seed: seed)
        world.tell(.ready)
        var begun = 0
        for number in 0..<500 {
            SupervisorPropertyTests.turn(&world)
            let name = ["w0", "w1"][Int(world.dice.next() % 2)]
            let selection = Selection.slot(group: "ami", process: name)
            switch world.dice.next() % 12 {
            case 0, 1, 2, 3:
                let kind = DrillKind.allCases[Int(world.dice.next() % 5)]
                let order = DrillOrder(
                    kind, acts: world.dice.next() % 2 == 0, duration: .seconds(20),
                    lease: world.dice.next() % 2 == 0 ? .seconds(5) : nil)
                let told = world.ask(.startDrill(selection, order), settles: false)
                if told.contains(where: { if case .reply(_, .drill) = $0 { true } else { false } }) { begun += 1 }
            case 4: world.ask(.stopDrill(selection), settles: false)
            case 5: world.ask(.watchDrill(selection), settles: false)
            default: break
            }
            if let due = world.supervisor.nextDeadline() { #expect(due > world.moment.instant, "turn \(number)") }
        }
        #expect(world.objections.isEmpty)
        world.settle(.endRequested(.shutdown))
        for _ in 0..<40 {
            world.settle()
            world.pass(5)
        }
        #expect(world.children.isEmpty)
        #expect(world.snapshots().allSatisfy { $0.drill == nil || $0.drill?.end != nil })
        #expect(begun > 0)
    }

    @Test("A limit that cannot be lowered ends the drill")
    func notLowered() {
        var world = world()
        world.lowering = { _ in .refused(reason: "EPERM") }
        world.ask(order(.emfile))
        #expect(report(&world)?.end == "its limit could not be lowered: EPERM")
    }
}
