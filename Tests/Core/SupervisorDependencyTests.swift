import Testing
import WardenCore

/// Goal: `depends_on` and `essential` across slots: who starts, waits and stops when, and what clients are told.
@Suite struct SupervisorDependencyTests {
    /// db, app that depends on it, web that depends on app; the priorities say the opposite.
    private static func chain(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        World([
            group("db", ["db"], priority: 3, change),
            group("app", ["app"], priority: 2) {
                $0.supervision.dependsOn = ["db"]
                change(&$0)
            },
            group("web", ["web"], priority: 1) {
                $0.supervision.dependsOn = ["app"]
                change(&$0)
            },
        ])
    }

    private static func started(_ directives: [Directive]) -> [String] {
        directives.compactMap { if case .spawn(_, let spec, _, _) = $0 { spec.name.process } else { nil } }
    }

    private static func select(_ name: String) -> Selection { .slot(group: name, process: name) }

    @Test func startsInTurn() {
        var world = Self.chain()
        let first = world.settle(.ready)
        #expect(Self.started(first) == ["db"])
        // READY=1 does not wait.
        #expect(first.contains(.declareReady))
        #expect(world.lastStatus == "3 workers: 1 starting, 2 waiting (web for app; app for db)")
        #expect(world.snapshots().map(\.waitingFor) == [["app"], ["db"], []])
        #expect(Self.started(world.pass(1)) == ["app"])
        #expect(Self.started(world.pass(1)) == ["web"])
        world.pass(1)
        #expect(world.snapshots().allSatisfy { $0.state == .running && $0.waitingFor.isEmpty })
        #expect(world.objections.isEmpty)
    }

    /// Goal: what is stopped starts, whatever autostart says, when a person starts what needs it; the answer waits.
    @Test func aPersonsStartBringsWhatItNeeds() {
        var world = Self.chain { $0.supervision.autostart = false }
        #expect(Self.started(world.settle(.ready)).isEmpty)
        let told = world.ask(.start(Self.select("web"), wait: true))
        #expect(Self.started(told) == ["db"])
        #expect(!words(told).contains("reply 1 done"))
        #expect(Self.started(world.pass(2)) == ["app", "web"])
        #expect(words(world.pass(1)).contains("reply 1 done"))
    }

    @Test func clientsAreToldWhenItCannotComeAbout() {
        var world = Self.chain { $0.supervision.autostart = false }
        world.settle(.ready)
        world.startFailure = 2
        world.ask(.start(Self.select("web"), wait: true))
        let directives = world.pass(30)
        #expect(words(directives).contains("reply 1 refused abnormalTermination(\"web\")"))
        #expect(world.snapshots().map(\.state) == [.stopped, .stopped, .fatal])
        // It still waits: once somebody has mended what it needs, it starts.
        world.startFailure = nil
        world.ask(.start(Self.select("db"), wait: false))
        world.pass(5)
        #expect(world.snapshots().map(\.state) == [.running, .running, .running])
    }

    @Test func aCrashWaitsForWhatIsDown() {
        var world = Self.chain()
        world.settle(.ready)
        world.pass(5)
        world.ask(.stop(Self.select("db"), wait: true))
        #expect(world.snapshots().map(\.state) == [.running, .running, .stopped])
        let slots = world.snapshots().map(\.slot)
        let app = world.children.keys.first { $0.slot == slots[1] }
        if let app { world.dies(app, .code(1)) }
        world.settle()
        #expect(world.snapshots()[1].waitingFor == ["db"])
        #expect(Self.started(world.ask(.start(Self.select("db"), wait: false)) + world.pass(2)) == ["db", "app"])
        #expect(world.objections.isEmpty)
    }

    /// Goal: each stops after those that depend on it are down, for a person's stop of all and for the end.
    @Test(arguments: [true, false])
    func stopsInReverse(isEnd: Bool) {
        var world = Self.chain()
        world.settle(.ready)
        world.pass(5)
        let directives = isEnd ? world.settle(.endRequested(.shutdown)) : world.ask(.stop(.all, wait: true))
        let states = words(directives).filter { $0.hasSuffix("STOPPING") || $0.hasSuffix("STOPPED") }
        #expect(
            states == ["web STOPPING", "web STOPPED", "app STOPPING", "app STOPPED", "db STOPPING", "db STOPPED"])
        #expect(words(directives).last == (isEnd ? "finish shutdown" : "reply 1 app, db, web") || !isEnd)
        #expect(world.children.isEmpty)
        #expect(world.objections.isEmpty)
    }

    @Test func aStartEndsAStopThatWaits() {
        var world = Self.chain()
        world.childrenObey = false
        world.settle(.ready)
        world.pass(5)
        world.ask(.stop(.all, wait: false))
        #expect(world.snapshots().map(\.state) == [.stopping, .running, .running])
        // Nobody waits for web any more, which starts again, and then waits for the others in its turn.
        world.ask(.start(Self.select("web"), wait: false))
        #expect(world.snapshots().map(\.state) == [.stopping, .stopping, .running])
        world.pass(60)
        #expect(world.snapshots().map(\.state) == [.stopped, .stopped, .stopped])
        #expect(world.snapshots()[0].waitingFor == ["app"])
        #expect(world.objections.isEmpty)
    }

    /// Goal: a one-shot that has done its work does not hold those that depend on it.
    @Test func doneIsReady() {
        var world = World([
            group("job", ["job"]) {
                $0.supervision.autorestart = .never
            },
            group("web", ["web"]) { $0.supervision.dependsOn = ["job"] },
        ])
        world.settle(.ready)
        world.pass(1.5)
        _ = world.exits(0, .code(0))
        world.pass(2)
        #expect(world.snapshots().map(\.state) == [.exited, .running])
        world.ask(.stop(Self.select("web"), wait: true))
        #expect(Self.started(world.ask(.start(Self.select("web"), wait: false))) == ["web"])
    }

    @Test func aGroupIsReadyWhenAllOfItAre() {
        var world = World([
            group("db", ["one", "two"]),
            group("web", ["web"]) { $0.supervision.dependsOn = ["db"] },
        ])
        world.childrenObey = true
        world.settle(.ready)
        world.pass(0.5)
        _ = world.exits(1, .code(1))
        world.pass(1.0)
        #expect(world.snapshots().map(\.state) == [.running, .starting, .stopped])
        world.pass(3)
        #expect(world.snapshots().map(\.state) == [.running, .running, .running])
    }

    /// Goal: what is not active yet holds; once it is added, the rest follows.
    @Test func whatIsNotActiveHolds() {
        let db = group("db", ["db"])
        let web = group("web", ["web"]) { $0.supervision.dependsOn = ["db"] }
        var world = World([web])
        world.settle(.ready)
        #expect(world.snapshots().map(\.waitingFor) == [["db"]])
        world.settle(.configurationLoaded(nil, .success([web, db])))
        world.ask(.addGroup("db"))
        world.pass(3)
        #expect(world.snapshots().map(\.state) == [.running, .running])
    }

    // MARK: - Readiness by probe

    @Test func probes() {
        var world = World([
            group("web", ["web"]) {
                $0.supervision.readiness = .probe
                $0.supervision.startSeconds = .seconds(20)
                $0.health.probe = .tcp("127.0.0.1:80")
            }
        ])
        #expect(words(world.settle(.ready)).contains("probe 1.1"))
        world.settle(.worker(world.worker(0), .hookEnded(.probe, .failed(reason: "refused"))))
        #expect(words(world.pass(1)) == ["probe 1.1"])
        world.settle(.worker(world.worker(0), .hookEnded(.probe, .exited(code: 0, output: ""))))
        #expect(world.snapshots().map(\.state) == [.running])
        #expect(world.pass(9).isEmpty, "readiness is not asked any more")
        #expect(words(world.pass(1)) == ["probe 1.1"], "but life is, after probe_interval")
    }

    @Test func aProbeThatNeverAnswersIsAskedAgain() {
        var world = World([
            group("web", ["web"]) {
                $0.supervision.readiness = .probe
                $0.supervision.startSeconds = .zero
                $0.health.probe = .command("/bin/true")
            }
        ])
        world.settle(.ready)
        #expect(words(world.pass(10)).filter { $0 == "probe 1.1" }.count == 2)
    }

    // MARK: - Whatever happens

    private static func random() -> [GroupSpec] {
        [
            group("ami", ["w0", "w1", "w2"], priority: 2) { $0.supervision.dependsOn = ["base"] },
            group("web", ["a", "b"], priority: 1) {
                $0.supervision.dependsOn = ["base", "ami"]
                $0.supervision.startRetries = 2
            },
            group("base", ["base"], priority: 7) {
                $0.supervision.startRetries = nil
                $0.supervision.restartDelay = .seconds(1)
                $0.supervision.readiness = .probe
                $0.supervision.startSeconds = .seconds(20)
                $0.supervision.stopCommand = "/usr/bin/stop"
                $0.health.probe = .tcp("127.0.0.1:80")
            },
        ]
    }

    private static func turn(_ world: inout World) {
        if world.dice.next() % 6 == 0, let worker = world.children.keys.min(by: { $0.slot > $1.slot }) {
            let hook: Hook = world.dice.next() % 3 == 0 ? .stop : .probe
            world.tell(.worker(worker, .hookEnded(hook, .exited(code: Int32(world.dice.next() % 2), output: ""))))
        }
        SupervisorPropertyTests.turn(&world)
    }

    /// Goal: random events lead to nothing impossible, to no deadline that stays, and from anywhere to an end.
    @Test(arguments: UInt64(1)...24)
    func nothingForbidden(seed: UInt64) {
        var world = World(Self.random(), seed: seed)
        world.tell(.ready)
        var dependentStarts = 0
        for _ in 0..<800 {
            let before = world.record.count
            Self.turn(&world)
            dependentStarts += Self.started(Array(world.record[before...])).count { $0 != "base" }
        }
        #expect(dependentStarts > 0)
        world.settle(.endRequested(.shutdown))
        for _ in 0..<60 {
            world.settle()
            world.pass(5)
        }
        #expect(world.record.count { $0 == .finish(.shutdown) } == 1)
        #expect(world.children.isEmpty)
        #expect(world.objections.isEmpty)
    }

    // MARK: - Essential

    @Test func essential() {
        var world = World([
            group("main", ["main"]) {
                $0.supervision.isEssential = true
                $0.supervision.startRetries = 0
            },
            group("other", ["other"]),
        ])
        world.settle(.ready)
        let directives = world.exits(0, .code(1))
        #expect(words(directives).last == "finish failure")
        #expect(world.lastStatus?.hasPrefix("stopping, essential main has gone FATAL; ") == true)
        #expect(world.children.isEmpty)
    }

    @Test(arguments: [
        (SupervisionSpec.AutoRestart.never, Int32(1), true), (.never, 0, false), (.unexpected, 1, false),
        (.unexpected, 0, false), (.always, 1, false),
    ])
    func essentialExits(autorestart: SupervisionSpec.AutoRestart, code: Int32, ends: Bool) {
        var world = World([
            group("main", ["main"]) {
                $0.supervision.isEssential = true
                $0.supervision.autorestart = autorestart
            }
        ])
        world.boot()
        #expect(words(world.exits(0, .code(code))).contains("finish failure") == ends)
    }

    @Test func refusedProgramsAreInTheStatus() {
        var world = World([group("web", ["web"])])
        world.supervisor = Supervisor(groups: [group("web", ["web"])], refused: ["db", "cache"])
        world.settle(.ready)
        #expect(world.lastStatus == "1 worker: 1 starting; not started, errors in the configuration: db, cache")
        world.settle(.configurationLoaded(nil, .success([group("web", ["web"])])))
        #expect(world.lastStatus == "1 worker: 1 starting")
    }
}
