import Testing
import WardenCore

/// A life drawn from a seed: a worker that works, leaks, fails, falls silent, is stopped, and ends now and then.
struct DrawnLife {
    var world: World
    private var dice: Dice
    private var descriptors = 20
    private var leak = 0
    private var cpu: Duration = .zero
    private var io: UInt64 = 0
    private var memory: Int64 = 400 << 20
    private var line: UInt64 = 0
    private var mood = Mood.working

    private enum Mood: CaseIterable {
        case working, idle, failing, exhausted, silent, spinning, large, stopped, unreadable
    }

    init(seed: UInt64, _ spec: ProgramSpec) {
        dice = Dice(seed: seed)
        world = World(
            [GroupSpec(name: "ami", priority: 1, programs: [spec])], seed: seed, isRecording: true)
        world.boot()
    }

    private mutating func chance(_ one: UInt64) -> Bool { dice.next() % one == 0 }

    mutating func live(steps: Int) {
        for _ in 0..<steps {
            world.pass(5 + dice.fraction() * 0.01)
            guard world.children[world.worker(0)] != nil else { continue }
            if chance(60) { mood = Mood.allCases.randomElement(using: &dice) ?? .working }
            if chance(200) { (leak, descriptors) = (Int(dice.next() % 12), 20) }
            write()
            interfere()
            guard world.children[world.worker(0)] != nil else { continue }
            if !chance(40) { sample() }
        }
        world.ask(.storeRecords(.all))
    }

    private mutating func write() {
        let now = world.now - dice.fraction()
        line += 1 + dice.next() % 3
        switch mood {
        case .working:
            world.log(0, chance(3) ? CoreTests.progress(line, now) : alive(line, now))
        case .idle, .large: world.log(0, alive(line, now))
        case .failing: world.log(0, failure(line, now))
        case .exhausted: world.log(0, failure(line, now, emfile: true))
        case .silent, .spinning, .stopped, .unreadable: break
        }
        world.log(0, drained(world.now))
    }

    private mutating func interfere() {
        switch dice.next() % 400 {
        case 0: world.settle(.localHealth(LocalHealth(doubts: ["late \(dice.next() % 9) s"])))
        case 1...4: world.settle(.localHealth(LocalHealth()))
        case 5: world.ask(.pauseHealth(.all))
        case 6...9: world.ask(.resumeHealth(.all))
        case 10:
            world.ask(.stop(.all, wait: false))
            world.ask(.start(.all, wait: false))
        case 11: world.dies(world.worker(0), .code(1))
        case 12...40:
            let output = dice.next() % 3 == 0 ? "0" : "\(dice.next() % 9)"
            world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 0, output: output))))
        default: break
        }
    }

    private mutating func sample() {
        if mood != .silent, mood != .stopped { io += 4096 }
        if mood == .silent { io += 0 }
        cpu += mood == .spinning ? .milliseconds(4990) : .milliseconds(mood == .silent ? 0 : 10)
        if mood == .spinning { io += 0 }
        descriptors = min(255, max(4, descriptors + leak + Int(dice.next() % 3) - 1))
        memory += Int64(dice.next() % 5) * 4096 - 8192
        let now = world.moment.instant
        if mood == .unreadable {
            world.settle(.worker(world.worker(0), .sampled(Sample(takenAt: now, readings: .failure(13)))))
            return
        }
        world.sample(
            0,
            tree(
                fds: mood == .exhausted ? 255 : descriptors, rss: mood == .large ? 3 << 30 : memory, io: io, cpu: cpu,
                state: mood == .stopped ? .stopped : .sleeping))
    }
}

/// Goal: what is recorded of a life gives the same verdicts again, and tells what other settings would have done.
@Suite struct ReplayTests {
    static func spec(_ change: (inout HealthSpec) -> Void = { _ in }) -> ProgramSpec {
        program("w0") {
            $0.health.heartbeatTimeout = .seconds(120)
            $0.health.progressTimeout = .seconds(300)
            $0.health.progressPattern = "Batch"
            $0.health.rssLimitBytes = 2 << 30
            $0.health.demand = .command("count")
            change(&$0.health)
        }
    }

    static func blocks(_ record: [Directive]) -> [RecordBlock] {
        record.compactMap { if case .storeRecord(let block) = $0 { block } else { nil } }
    }

    static func replay(_ blocks: [RecordBlock], _ program: ProgramSpec) throws -> Replay {
        var replay = Replay(program)
        for block in blocks { replay.add(try RecordContents(decoding: block.bytes)) }
        replay.finish()
        return replay
    }

    @Test("the same settings give the recorded verdicts, at the same times", arguments: UInt64(1)...12)
    func sameVerdicts(seed: UInt64) throws {
        let spec = ReplayTests.spec {
            if seed % 3 == 0 { for condition in Condition.precedence { $0.actions[condition] = .alert } }
            if seed % 4 == 1 { $0.heartbeatTimeout = nil }
            if seed % 5 == 2 { $0.actions[.leaking(.fds)] = .restart }
        }
        var life = DrawnLife(seed: seed, spec)
        life.live(steps: 2500)
        #expect(life.world.objections.isEmpty)
        let replay = try ReplayTests.replay(ReplayTests.blocks(life.world.record), spec)
        let agreement = replay.agreement
        #expect(agreement.recorded > 4)
        #expect(agreement.isWhole, "\(agreement)")
        #expect(replay.gaps.isEmpty)
        let begun = life.world.record.count { if case .collectForensics = $0 { true } else { false } }
        let replayed = replay.actions.count { $0.action != .alert && $0.wasDone }
        #expect(begun == replayed)
        #expect(replay.actions.allSatisfy { $0.wasDone || $0.action == .alert })
    }

    /// A worker that is dark for a while, by settings that only tell; `end` is what happens then.
    private static func darkWorld(
        _ spec: ProgramSpec, then end: (inout World) -> Void = { _ in }
    ) -> (blocks: [RecordBlock], darkAt: WallTime) {
        var world = World([GroupSpec(name: "ami", priority: 1, programs: [spec])], isRecording: true)
        world.boot()
        world.mend(0)
        world.darken(0)
        let darkAt = world.moment.wall
        for _ in 0..<30 {
            world.pass(5)
            world.sample(0, tree(fds: 255))
        }
        end(&world)
        world.ask(.storeRecords(.all))
        return (ReplayTests.blocks(world.record), darkAt)
    }

    private static var telling: ProgramSpec {
        spec {
            $0.actions[.dark(.emfile)] = .alert
            $0.actions[.leaking(.fds)] = HealthAction.none
        }
    }

    private static var acting: ProgramSpec { spec { $0.actions[.leaking(.fds)] = HealthAction.none } }

    @Test("a restart that never was is told once, with its time, and its outcome stays open")
    func wouldHaveRestarted() throws {
        let (blocks, darkAt) = ReplayTests.darkWorld(ReplayTests.telling)
        let replay = try ReplayTests.replay(blocks, ReplayTests.acting)
        let action = try #require(replay.actions.first)
        #expect(replay.actions.count == 1)
        #expect(action.action == .restart && action.verdict.condition == .dark(.emfile) && !action.wasDone)
        #expect(action.at == darkAt)
        #expect(action.end == "the record ends before anything can be said of its outcome")
        #expect(replay.agreement.isWhole)
    }

    @Test("the next recorded start is taken for its own, and shows whether a restart helps")
    func nextStart() throws {
        let (blocks, _) = ReplayTests.darkWorld(ReplayTests.telling) { world in
            world.dies(world.worker(0), .code(1))
            world.pass(3)
            world.log(0, progress(1, world.now))
            world.pass(5)
            world.sample(0)
        }
        let replay = try ReplayTests.replay(blocks, ReplayTests.acting)
        #expect(replay.actions.count == 1)
        let end = try #require(replay.actions.first?.end)
        #expect(end.hasPrefix("the worker was next started 2m 30s later; recovered in"), "\(end)")
    }

    @Test("where the worker was well again without it, the next trouble is decided anew")
    func wellAgain() throws {
        let (blocks, _) = ReplayTests.darkWorld(ReplayTests.telling) { world in
            world.log(0, progress(2_000_000, world.now))
            for _ in 0..<8 {
                world.pass(5)
                world.sample(0)
            }
            world.darken(0)
        }
        let replay = try ReplayTests.replay(blocks, ReplayTests.acting)
        #expect(replay.actions.count == 2)
        #expect(replay.actions.first?.end?.hasPrefix("the recorded worker was healthy again") == true)
    }

    @Test("a person's command ends what would have been under way")
    func command() throws {
        let (blocks, _) = ReplayTests.darkWorld(ReplayTests.telling) { world in
            world.ask(.stop(.all, wait: false))
            world.pass(1)
        }
        let replay = try ReplayTests.replay(blocks, ReplayTests.acting)
        #expect(replay.actions.map(\.end) == ["a person's command came first"])
        #expect(replay.deeds.contains { $0.text.hasPrefix("the worker ended: signal 15") })
    }

    @Test("a lost block is a gap that is said, and what follows is judged on")
    func gap() throws {
        let (blocks, _) = ReplayTests.darkWorld(ReplayTests.telling) { world in
            for step in 0..<200 {
                world.pass(5)
                world.log(0, progress(3_000_000 + UInt64(step), world.now))
                world.sample(0)
            }
        }
        try #require(blocks.count >= 4)
        let whole = try ReplayTests.replay(blocks, ReplayTests.telling)
        #expect(whole.agreement.isWhole && whole.gaps.isEmpty)
        let torn = try ReplayTests.replay([blocks[0]] + blocks.dropFirst(2), ReplayTests.telling)
        #expect(torn.gaps.count == 1 && torn.gaps[0].contains("are missing"))
        #expect(torn.sampleCount < whole.sampleCount)
        #expect(torn.changes.last?.condition == .healthy)
        let late = try ReplayTests.replay(Array(blocks.dropFirst(2)), ReplayTests.telling)
        #expect(late.gaps == ["the record begins in the middle of a life: what was learned before is not known"])
        // Silent until then, as far as the block knows: no verdict may come of that.
        #expect(late.changes.isEmpty)
        #expect(late.actions.isEmpty)
    }

    @Test("other patterns or questions than those of then are noticed")
    func observation() throws {
        let (blocks, _) = ReplayTests.darkWorld(ReplayTests.telling)
        var other = ReplayTests.telling
        #expect(!(try ReplayTests.replay(blocks, other).wasSeenOtherwise))
        other.health.grace = .seconds(3)
        #expect(!(try ReplayTests.replay(blocks, other).wasSeenOtherwise))
        other.health.progressPattern = "Done"
        #expect(try ReplayTests.replay(blocks, other).wasSeenOtherwise)
    }

    @Test("nothing is recorded where that is not wanted, or the worker is not watched", arguments: [true, false])
    func silent(isWatched: Bool) {
        var spec = ReplayTests.telling
        spec.health.enabled = isWatched
        var world = World([GroupSpec(name: "ami", priority: 1, programs: [spec])], isRecording: !isWatched)
        world.boot()
        for _ in 0..<200 {
            world.pass(5)
            world.sample(0)
        }
        world.ask(.storeRecords(.all))
        #expect(ReplayTests.blocks(world.record).isEmpty)
    }
}
