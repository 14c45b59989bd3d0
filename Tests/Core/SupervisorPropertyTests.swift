import Testing
import WardenCore

/// Goal: what must hold whatever happens.
///
/// Method: random events from seeds, in a world that objects.
@Suite struct SupervisorPropertyTests {
    static let seeds = Array(UInt64(1)...24)

    static func groups() -> [GroupSpec] {
        [
            group("ami", ["w0", "w1", "w2"]) {
                $0.health.interval = .seconds(1)
                $0.health.grace = .seconds(5)
                $0.health.heartbeatTimeout = .seconds(20)
                $0.health.recoverWithin = .seconds(10)
                $0.health.restartBudget = .init(count: 1, within: .seconds(3600))
                $0.health.actions[.dark(.errors)] = .drain
                $0.health.drainSignal = Signal(10)
                $0.health.drainTimeout = .seconds(4)
                $0.health.rssLimitBytes = 1 << 30
                $0.health.demand = .command("/usr/bin/queue")
            },
            group("web", ["a", "b"], priority: 5, maximumUnavailable: .percent(50)) {
                $0.supervision.startRetries = 2
                $0.supervision.stopWait = .seconds(2)
                $0.supervision.autorestart = .always
                $0.health.actions[.dark(.emfile)] = .kill
            },
        ]
    }

    /// Something that may happen to a living worker.
    static func fact(_ world: inout World) -> WorkerFact {
        let now = world.now
        let line = UInt64(now * 1000)
        func sample(_ readings: TreeReadings) -> WorkerFact {
            .sampled(Sample(takenAt: instant(now), readings: .tree(readings)))
        }
        switch world.dice.next() % 12 {
        case 0, 1: return sample(tree(io: world.dice.next()))
        case 2, 3: return sample(tree(fds: 255, io: 5))
        case 4: return sample(tree(rss: 2 << 30, io: 5))
        case 5: return sample(tree(io: 5, state: world.dice.next().isMultiple(of: 2) ? .stopped : .sleeping))
        case 6: return .logged(progress(line, now))
        case 7, 8: return .logged(failure(line, now, emfile: world.dice.next().isMultiple(of: 2)))
        case 9: return .logged(drained(now))
        case 10: return .hookEnded(.demand, .exited(code: 0, output: "\(world.dice.next() % 3)"))
        default: return .sampled(Sample(takenAt: instant(now), readings: .failure(13)))
        }
    }

    static func command(_ world: inout World) -> Command {
        let selections: [Selection] = [
            .all, .group("ami"), .slot(group: "ami", process: "w1"), .slot(group: "web", process: "a"),
        ]
        let selection = selections[Int(world.dice.next() % 4)]
        let wait = world.dice.next().isMultiple(of: 2)
        switch world.dice.next() % 8 {
        case 0, 1, 2: return .start(selection, wait: wait)
        case 3, 4: return .stop(selection, wait: wait)
        case 5: return .pauseHealth(selection)
        case 6: return .resumeHealth(selection)
        default: return .signal(selection, Signal(10))
        }
    }

    /// One random turn; its answers come one by one, some of them late.
    static func turn(_ world: inout World) {
        let living = world.children.keys.sorted { $0.slot < $1.slot }
        let one = living.isEmpty ? nil : living[Int(world.dice.next() % UInt64(living.count))]
        switch world.dice.next() % 20 {
        case 0: world.ask(command(&world), settles: false)
        case 1:
            if let one { world.dies(one, .code(Int32(world.dice.next() % 2))) }
        case 2: world.pass(world.dice.fraction() * 10)
        case 3: world.tell(.localHealth(LocalHealth(doubts: world.dice.next() % 3 == 0 ? ["late"] : [])))
        case 4: world.childrenObey = world.dice.next() % 3 != 0
        case 5: world.startFailure = world.dice.next() % 4 == 0 ? 2 : nil
        case 6: world.forensics = world.dice.next() % 3 == 0 ? nil : Forensics()
        case 7:
            if let one { world.tell(.worker(one, .signalFailed(95))) }
        default:
            if let one { world.tell(.worker(one, fact(&world))) }
        }
        if world.dice.next() % 4 != 0, let answer = world.nextAnswer() { world.tell(answer) }
        world.pass(world.dice.fraction())
    }

    static func play(seed: UInt64, turns: Int) -> World {
        var world = World(groups(), seed: seed)
        world.tell(.ready)
        for _ in 0..<turns { turn(&world) }
        return world
    }

    @Test(
        "No two processes in a slot, no signal to the dead, no impossible fact, no deadline that stays",
        arguments: seeds)
    func nothingForbidden(seed: UInt64) {
        let world = Self.play(seed: seed, turns: 1500)
        #expect(world.objections.isEmpty)
    }

    @Test("The random events do reach the paths that the other tests are about")
    func coverage() {
        var seen: Set<String> = []
        for seed in Self.seeds {
            for word in words(Self.play(seed: seed, turns: 600).record) {
                let kinds = word.split(separator: " ")
                seen.formUnion([String(kinds[0]), String(kinds[kinds.count - 1])])
            }
        }
        for kind in [
            "spawn", "forensics", "SIGTERM", "SIGKILL", "SIGUSR1", "hook", "reply", "BACKOFF", "FATAL", "recovered",
            "unhelped", "superseded", "gave-up", "drain", "kill", "restart", "alert",
        ] { #expect(seen.contains(kind), "\(kind)") }
    }

    @Test("The same events and the same seed give the same directives", arguments: seeds.prefix(6))
    func deterministic(seed: UInt64) {
        #expect(Self.play(seed: seed, turns: 400).record == Self.play(seed: seed, turns: 400).record)
    }

    @Test("The remembered deadline is the one that a fresh look finds", arguments: seeds)
    func deadlines(seed: UInt64) {
        var world = World(Self.groups(), seed: seed)
        world.tell(.ready)
        for number in 0..<600 {
            Self.turn(&world)
            let remembered = world.supervisor.nextDeadline()
            // A new group makes the supervisor look afresh; an empty one changes nothing else.
            var fresh = world.supervisor
            var dice = world.dice
            let empty = GroupSpec(name: "empty", priority: 1, programs: [])
            _ = fresh.handle(.configurationLoaded(nil, .success([empty])), at: world.moment, dice: &dice)
            _ = fresh.handle(.requested(RequestID(1 << 40), .addGroup("empty")), at: world.moment, dice: &dice)
            #expect(fresh.nextDeadline() == remembered, "turn \(number)")
        }
    }

    @Test("Before its deadline nothing is due", arguments: seeds.prefix(8))
    func nothingBeforeTheDeadline(seed: UInt64) {
        var world = World(Self.groups(), seed: seed)
        world.tell(.ready)
        for number in 0..<300 {
            Self.turn(&world)
            guard let due = world.supervisor.nextDeadline() else { continue }
            #expect(due > world.moment.instant, "turn \(number): what was due is done")
            var early = world.supervisor
            var dice = world.dice
            let before = Moment(instant: due - .nanoseconds(1), wall: world.moment.wall)
            #expect(early.handle(.timeReached, at: before, dice: &dice).isEmpty, "turn \(number)")
        }
    }

    @Test("From anywhere a shutdown comes to its end, once, with nothing alive that hears SIGKILL", arguments: seeds)
    func shutdownEnds(seed: UInt64) {
        var world = Self.play(seed: seed, turns: 200 + Int(seed) * 10)
        world.settle(.endRequested(.shutdown))
        for _ in 0..<40 {
            world.settle()
            world.pass(5)
        }
        let ends = world.record.filter { if case .finish = $0 { true } else { false } }
        #expect(ends == [.finish(.shutdown)])
        #expect(world.children.isEmpty)
        #expect(world.objections.isEmpty)
    }

    @Test("Never more workers without an outcome than max_unavailable allows", arguments: seeds.prefix(12))
    func seats(seed: UInt64) {
        var world = World(Self.groups(), seed: seed, sharedCause: seed % 2 == 0 ? .seconds(60) : nil)
        world.tell(.ready)
        for number in 0..<600 {
            Self.turn(&world)
            let pending = world.snapshots().filter { snapshot in
                snapshot.pendingAction.map { !$0.hasPrefix("waiting") && !$0.hasPrefix("restart in") } ?? false
            }
            for group in ["ami", "web"] {
                #expect(pending.filter { $0.name.group == group }.count <= 1, "turn \(number)")
            }
        }
    }
}
