import Testing
import WardenCore

/// Goal: the life-long probe judges the worker and never itself: N failures in a row that count, and nothing else.
@Suite struct SupervisorProbeTests {
    static let good = HookResult.exited(code: 0, output: "")
    static let bad = HookResult.failed(reason: "refused")
    static let unasked = HookResult.couldNotRun(reason: "no such file")

    func world(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = World([
            group {
                $0.health.probe = .command("/bin/probe")
                $0.health.grace = .seconds(30)
                change(&$0)
            }
        ])
        world.boot()
        return world
    }

    /// Answers the question under way, and lets time pass until the next.
    @discardableResult
    func answer(_ world: inout World, _ result: HookResult, _ readings: TreeReadings = tree()) -> [String] {
        var done = world.settle(.worker(world.worker(0), .hookEnded(.probe, result))) + world.pass(1)
        done += world.sample(0, readings)
        return words(done + world.pass(9)).filter { $0 != "probe 1.1" }
    }

    func condition(_ world: inout World) -> Condition? { world.snapshots().first?.verdict?.condition }

    /// Past the grace, with one success.
    func seasoned(_ change: @escaping (inout ProgramSpec) -> Void = { _ in }) -> World {
        var world = world(change)
        answer(&world, Self.good)
        for _ in 0..<3 {
            answer(&world, Self.good)
            world.sample(0)
        }
        return world
    }

    @Test("Asked with RUNNING and then every probe_interval, but never twice at once")
    func rhythm() {
        var world = world()
        #expect(words(world.record).filter { $0 == "probe 1.1" }.count == 1)
        #expect(words(world.pass(9)).isEmpty)
        #expect(words(world.settle(.worker(world.worker(0), .hookEnded(.probe, Self.good)))).isEmpty)
        #expect(words(world.pass(0.1)) == ["probe 1.1"], "the interval runs from question to question")
    }

    @Test("The third failure in a row is dark/probe (strong), is restarted, and the first success ends it")
    func threeInARow() {
        var world = seasoned { $0.health.actions[.dark(.probe)] = .alert }
        answer(&world, Self.bad)
        answer(&world, Self.bad)
        answer(&world, Self.good)
        answer(&world, Self.bad)
        answer(&world, Self.bad)
        #expect(condition(&world) == .healthy, "in a row, not in all")
        #expect(answer(&world, Self.bad).contains("w0 is dark/probe strong"))
        let verdict = world.snapshots().first?.verdict
        #expect(verdict?.reason == "the probe failed 3 times in a row in 21s: refused")
        #expect(verdict?.evidence.map(\.rule) == ["probe_failures", "probe_answer"])
        #expect(answer(&world, Self.good).contains("alert closed w0 recovered"))
        #expect(condition(&world) == .healthy)
    }

    @Test("Start-up gate: before the first success and within the grace nothing counts, then the count begins at zero")
    func gate() {
        var world = world()
        for _ in 0..<2 { answer(&world, Self.bad) }
        answer(&world, Self.bad)
        #expect(condition(&world) == .starting)
        answer(&world, Self.bad)
        answer(&world, Self.bad)
        #expect(condition(&world) != .dark(.probe))
        #expect(answer(&world, Self.bad).contains("w0 is dark/probe strong"))
    }

    @Test("The first success opens the gate, also within the grace")
    func gateOpens() {
        var world = world { $0.health.grace = .seconds(600) }
        answer(&world, Self.good)
        for _ in 0..<2 { answer(&world, Self.bad) }
        #expect(answer(&world, Self.bad).contains("w0 is dark/probe strong"))
    }

    @Test("Who has said that it is ready is asked from then on, and nothing excuses it")
    func readyOpens() {
        var world = World([
            group {
                $0.health.probe = .command("/bin/probe")
                $0.supervision.readiness = .notify
                $0.supervision.startSeconds = .seconds(60)
            }
        ])
        world.boot()
        #expect(!words(world.record).contains("probe 1.1"))
        world.settle(.worker(world.worker(0), .becameReady))
        #expect(words(world.pass(0)) == ["probe 1.1"])
        for _ in 0..<2 { answer(&world, Self.bad) }
        #expect(answer(&world, Self.bad).contains("w0 is dark/probe strong"))
    }

    @Test("Trap: a probe that cannot run is unknown for ever, is shown, and said once")
    func cannotRun() {
        var world = seasoned()
        for _ in 0..<200 {
            answer(&world, Self.unasked)
            world.sample(0)
        }
        #expect(condition(&world) == .healthy)
        #expect(world.snapshots().first?.probe?.standing.answer == .notAsked(reason: "no such file"))
        let lines = world.record.filter {
            if case .log(let line) = $0 { line.message.contains("cannot be asked") } else { false }
        }
        #expect(lines.count == 1)
    }

    @Test("A probe that cannot run neither counts as a failure nor ends one")
    func cannotRunBetween() {
        var world = seasoned { $0.health.actions[.dark(.probe)] = .alert }
        for result in [Self.bad, Self.unasked, Self.bad, Self.unasked] { answer(&world, result) }
        #expect(condition(&world) == .healthy)
        answer(&world, Self.bad)
        #expect(condition(&world) == .dark(.probe))
        answer(&world, Self.unasked)
        #expect(condition(&world) == .dark(.probe))
    }

    @Test("Trap: forensics do not trip the probe; nothing is asked and no answer counts meanwhile")
    func forensics() {
        var world = seasoned { $0.health.probeFailures = 1 }
        world.forensics = nil
        world.darken(0)
        // The question of before is answered now.
        let told = words(world.settle(.worker(world.worker(0), .hookEnded(.probe, Self.bad))))
        #expect(!told.contains { $0.contains("dark/probe") })
        #expect(world.snapshots().first?.pendingAction == "collecting forensics")
        #expect(!words(world.pass(3)).contains("probe 1.1"))
    }

    @Test("While we doubt ourselves, or somebody holds the worker still, a failure does not count")
    func held() {
        var world = seasoned { $0.health.probeFailures = 1 }
        world.settle(.localHealth(LocalHealth(doubts: ["host suspended"])))
        answer(&world, Self.bad)
        #expect(condition(&world) == .healthy)
        world.settle(.localHealth(LocalHealth()))
        world.sample(0, tree(state: .stopped))
        answer(&world, Self.bad, tree(state: .stopped))
        #expect(condition(&world) == .paused(.stopped))
        world.sample(0)
        #expect(condition(&world) == .healthy)
        answer(&world, Self.bad)
        #expect(world.worker(0).generation == Generation(2), "and afterwards it does")
    }

    @Test("Trap: a probe that is asked more often than samples come does not call a stopped worker dark")
    func stoppedBetweenSamples() {
        var world = seasoned {
            $0.health.probeInterval = .seconds(1)
            $0.health.interval = .seconds(30)
        }
        for _ in 0..<6 {
            world.settle(.worker(world.worker(0), .hookEnded(.probe, Self.bad)))
            world.pass(1)
        }
        #expect(condition(&world) == .healthy, "nobody has looked at it since")
        world.sample(0, tree(state: .stopped))
        #expect(condition(&world) == .paused(.stopped))
        world.sample(0)
        #expect(condition(&world) == .healthy, "what it did not answer while it was stopped is not its fault")
        for _ in 0..<3 {
            world.settle(.worker(world.worker(0), .hookEnded(.probe, Self.bad)))
            world.pass(1)
        }
        #expect(world.worker(0).generation == Generation(1))
        world.sample(0)
        #expect(world.worker(0).generation == Generation(2), "now it was looked at")
        #expect(world.objections.isEmpty)
    }

    @Test("Nor a worker of which there is no sample yet")
    func justStarted() {
        var world = World([
            group {
                $0.health.probe = .command("/bin/probe")
                $0.health.probeInterval = .seconds(1)
                $0.supervision.readiness = .notify
            }
        ])
        world.boot()
        world.settle(.worker(world.worker(0), .becameReady))
        for _ in 0..<4 {
            world.settle(.worker(world.worker(0), .hookEnded(.probe, Self.bad)))
            world.pass(1)
        }
        #expect(condition(&world) == .starting)
        #expect(words(world.sample(0)).contains("w0 is dark/probe strong"))
    }

    @Test("It restarts, and has recovered only when the probe has succeeded again")
    func recovery() {
        var world = seasoned { $0.health.progressPattern = nil }
        for _ in 0..<3 { answer(&world, Self.bad) }
        #expect(world.worker(0).generation == Generation(2))
        var done = words(world.pass(31))
        for _ in 0..<6 {
            done += words(world.pass(5))
            done += words(world.sample(0))
        }
        #expect(!done.contains { $0.contains("recovered") }, "the probe has said nothing yet")
        done = words(world.settle(.worker(world.worker(0), .hookEnded(.probe, Self.good))))
        done += words(world.sample(0))
        #expect(done.contains("alert closed w0 recovered"), "\(done)")
    }

    @Test("An answer that never comes is asked for again, and harms nobody")
    func lost() {
        var world = seasoned()
        #expect(words(world.pass(100)).filter { $0 == "probe 1.1" }.count >= 6)
        #expect(condition(&world) == .healthy)
    }

    @Test("Precedence: a full table explains a failing probe; errors and silence are explained by it")
    func precedence() {
        let order = Condition.precedence
        let place = { (condition: Condition) in order.firstIndex(of: condition) ?? 99 }
        #expect(place(.dark(.emfile)) < place(.dark(.probe)))
        #expect(place(.dark(.probe)) < place(.hung(.silent)))
        #expect(place(.dark(.probe)) < place(.dark(.errors)))
        var world = seasoned { spec in
            for condition in Condition.precedence { spec.health.actions[condition] = HealthAction.alert }
        }
        for _ in 0..<3 { answer(&world, Self.bad) }
        #expect(condition(&world) == .dark(.probe))
        world.darken(0)
        #expect(condition(&world) == .dark(.emfile))
    }

    @Test(
        "In state D no signal reaches it: no restart begins, people are told, and it has to fail anew when it is back")
    func inKernel() {
        var world = seasoned()
        var readings = tree(state: .uninterruptible)
        readings.uninterruptible = 100
        var done: [String] = []
        for _ in 0..<4 { done += answer(&world, Self.bad, readings) }
        #expect(done.contains("record w0 dark/probe alert") && !done.contains("SIGTERM tree 1.1"), "\(done)")
        world.pass(5)
        #expect(words(world.sample(0)).contains("w0 is healthy proven"))
        for _ in 0..<2 { #expect(!answer(&world, Self.bad).contains("SIGTERM tree 1.1")) }
        #expect(answer(&world, Self.bad).contains("SIGTERM tree 1.1"))
    }
}
