import Testing
import WardenCore

/// The pools as the supervisor runs them.
@Suite struct SupervisorListenerTests {
    private static func pool(_ name: String, _ events: Set<EventType>, bufferSize: Int = 10) -> GroupSpec {
        var pool = group(name, [name], priority: -1) { $0.health.enabled = false }
        pool.pool = PoolSpec(events: events, bufferSize: bufferSize)
        return pool
    }

    private static func events(_ directives: [Directive]) -> [String] {
        directives.compactMap {
            guard case .send(_, let event) = $0 else { return nil }
            return "\(event.pool) \(event.serial).\(event.poolSerial) \(event.announcement.eventType.rawValue)"
        }
    }

    private static func say(_ world: inout World, _ position: Int, _ words: ListenerWord...) -> [String] {
        events(world.settle(.worker(world.worker(position), .said(words))))
    }

    /// Goal: the first events of a daemon's life, in supervisord's order and with its numbers.
    @Test func firstEvents() {
        var world = World([Self.pool("l", [.event], bufferSize: 50), group("a", ["a"]) { $0.health.enabled = false }])
        world.boot()
        var seen = Self.say(&world, 0, .ready)
        for _ in 0..<7 { seen += Self.say(&world, 0, .talking, .result(isOK: true), .ready) }
        #expect(
            seen == [
                "l 0.0 PROCESS_GROUP_ADDED", "l 1.1 PROCESS_GROUP_ADDED", "l 2.2 SUPERVISOR_STATE_CHANGE_RUNNING",
                "l 3.3 PROCESS_STATE_STARTING", "l 4.4 PROCESS_STATE_STARTING", "l 5.5 PROCESS_STATE_RUNNING",
                "l 6.6 PROCESS_STATE_RUNNING",
            ])
        #expect(world.objections == [])
    }

    /// Goal: a rejected event comes back to its own pool alone, also where both pools have one priority.
    @Test func rejectionStaysHome() {
        var world = World([Self.pool("a", [.tick5]), Self.pool("b", [.remoteCommunication])])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        _ = Self.say(&world, 1, .ready)
        var seen = Self.events(world.pass(5))
        #expect(seen == ["a 0.0 TICK_5"])
        for _ in 0..<3 { seen += Self.say(&world, 0, .talking, .result(isOK: false), .ready) }
        #expect(seen == Array(repeating: "a 0.0 TICK_5", count: 4))
        #expect(Self.events(world.ask(.tellListeners(type: "t", data: "d"))) == ["b 1.0 REMOTE_COMMUNICATION"])
    }

    /// Goal: an event has one number in all pools that take it, and nobody's event has none.
    @Test func serials() {
        var world = World([
            Self.pool("a", [.remoteCommunication]), Self.pool("b", [.remoteCommunication, .event], bufferSize: 50),
        ])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        let told = Self.events(world.ask(.tellListeners(type: "t", data: "d")))
        #expect(told == ["a 7.0 REMOTE_COMMUNICATION"])
        let others = World([Self.pool("a", [.tick])])
        var quiet = others
        quiet.boot()
        _ = Self.say(&quiet, 0, .ready)
        _ = quiet.ask(.tellListeners(type: "t", data: "d"))
        #expect(Self.events(quiet.pass(5)) == ["a 0.0 TICK_5"])
    }

    /// Goal: ticks come at multiples of their period, and nobody wakes for them without a subscriber.
    @Test func ticks() {
        var world = World([Self.pool("a", [.tick], bufferSize: 100)])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        var whens: [String] = []
        for directive in world.pass(60) {
            if case .send(_, let event) = directive, case .tick(let period, let when) = event.announcement {
                whens.append("\(period.rawValue) \(when - 1_800_000_000)")
            }
        }
        for _ in 0..<13 {
            for case .send(_, let event) in world.settle(
                .worker(world.worker(0), .said([.talking, .result(isOK: true), .ready])))
            {
                if case .tick(let period, let when) = event.announcement {
                    whens.append("\(period.rawValue) \(when - 1_800_000_000)")
                }
            }
        }
        let fives = stride(from: 5, through: 60, by: 5).map { "5 \($0)" }
        #expect(whens == fives + ["60 60"])
        var quiet = World([group("a", ["a"]) { $0.health.enabled = false }])
        quiet.boot()
        #expect(quiet.supervisor.nextDeadline() == nil)
    }

    /// Goal: output of a generation that is over is still told.
    @Test func lastWords() {
        var world = World([Self.pool("l", [.processLog]), group("a", ["a"]) { $0.health.enabled = false }])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        let old = world.worker(1)
        _ = world.exits(1, .code(3))
        let output = WorkerOutput(worker: old, pid: 77, channel: .stdout, kind: .log, text: "bye\n")
        let sent = world.settle(.wrote(output)).compactMap { directive -> Announcement? in
            guard case .send(_, let event) = directive else { return nil }
            return event.announcement
        }
        #expect(sent == [.output(SlotName(group: "a", process: "a"), pid: 77, .stdout, .log, "bye\n")])
    }

    /// Goal: a listener that dies with an event gets it again when it is back, and the world stays sound.
    @Test func deathWithEvent() {
        var world = World([Self.pool("l", [.remoteCommunication])])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        #expect(Self.events(world.ask(.tellListeners(type: "t", data: "1"))) == ["l 0.0 REMOTE_COMMUNICATION"])
        _ = world.exits(0, .code(1))
        world.pass(2)
        #expect(Self.say(&world, 0, .ready) == ["l 0.0 REMOTE_COMMUNICATION"])
        #expect(world.objections == [])
    }

    /// Goal: a verdict and what is done about it reach the listeners that asked for them.
    @Test func judgement() {
        var world = World([Self.pool("l", [.wardenHealth, .wardenAction], bufferSize: 50), group("a", ["a"])])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        world.pass(61)
        world.darken(1)
        while !Self.say(&world, 0, .talking, .result(isOK: true), .ready).isEmpty {}
        let seen = Self.events(world.record)
        #expect(seen.first?.hasSuffix("WARDEN_HEALTH") == true)
        #expect(seen.contains { $0.hasSuffix("WARDEN_ACTION") })
        #expect(world.objections == [])
    }

    /// Goal: listeners stop last, and hear before who stopped; but nobody waits long for one that does not read.
    @Test(arguments: [true, false]) func end(isAttentive: Bool) {
        var world = World([Self.pool("l", [.processState]), group("a", ["a"]) { $0.health.enabled = false }])
        world.boot()
        _ = Self.say(&world, 0, .ready)
        for _ in 0..<4 { _ = Self.say(&world, 0, .talking, .result(isOK: true), .ready) }
        var all = world.settle(.endRequested(.shutdown))
        #expect(Self.events(all).map { String($0.suffix(8)) } == ["STOPPING"])
        #expect(!all.contains(.finish(.shutdown)))
        if isAttentive {
            all = world.settle(.worker(world.worker(0), .said([.talking, .result(isOK: true), .ready])))
            #expect(Self.events(all).map { String($0.suffix(7)) } == ["STOPPED"])
            all = world.settle(.worker(world.worker(0), .said([.talking, .result(isOK: true), .ready])))
        } else {
            all = world.pass(1)
        }
        #expect(all.contains(.finish(.shutdown)))
        #expect(world.objections == [])
    }

    /// Goal: only what runs can be written to.
    @Test func standardInput() {
        var world = World([group("a", ["a"]) { $0.health.enabled = false }])
        let name = SlotName(group: "a", process: "a")
        #expect(words(world.ask(.writeInput(name, [1]))) == ["reply 1 refused notRunning(\"a\")"])
        world.boot()
        #expect(words(world.ask(.writeInput(name, [1, 2]))) == ["write 2 to 1"])
        let other = SlotName(group: "a", process: "b")
        #expect(words(world.ask(.writeInput(other, [1]))) == ["reply 3 refused badName(\"a:b\")"])
    }
}
