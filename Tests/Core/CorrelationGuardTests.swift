import Testing
import WardenCore

/// Goal: workers that turn bad together are not restarted together, and none is forgotten.
@Suite struct CorrelationGuardTests {
    static let dark = Condition.dark(.probe)

    /// The rule, and what it was asked.
    struct Ward {
        var rule = CorrelationGuard()
        var clock = 0.0

        mutating func ask(
            _ slot: UInt32, group: String = "g", of size: Int = 5, since: Double? = nil, _ condition: Condition = dark
        ) -> CorrelationGuard.Permission {
            rule.permission(
                of: SlotID(slot), group: group, groupSize: size, for: condition, since: instant(since ?? clock),
                at: instant(clock))
        }

        /// It is bad, and only told of.
        mutating func fall(_ slot: UInt32) {
            rule.fell(
                SlotID(slot), group: "g", groupSize: 5, for: dark, since: instant(clock), at: instant(clock))
        }

        mutating func begin(_ slot: UInt32) { rule.began(SlotID(slot), dark) }
        mutating func end(_ slot: UInt32, _ outcome: Outcome, after seconds: Double = 0) {
            rule.ended(SlotID(slot), dark, outcome, followsFrom: instant(clock + seconds), at: instant(clock))
        }
        var stage: CorrelationGuard.Stage? { rule.suspicions[dark]?.stage }
    }

    static let recovered = Outcome.recovered(after: .seconds(5))

    @Test("Two of five are chance; the third is not, and waits for the first")
    func three() {
        var ward = Ward()
        #expect(ward.ask(1) == .go)
        ward.begin(1)
        #expect(ward.ask(2) == .go)
        #expect(ward.ask(3) == .wait)
        #expect(ward.rule.suspicions[Self.dark]?.canary == SlotID(1))
        #expect(ward.ask(1) == .go)
    }

    @Test("More than half of a group: two of two and two of three, not two of four")
    func half() {
        for (size, expected) in [(2, CorrelationGuard.Permission.wait), (3, .wait), (4, .go)] {
            var ward = Ward()
            #expect(ward.ask(1, of: size) == .go)
            ward.begin(1)
            #expect(ward.ask(2, of: size) == expected, "\(size)")
        }
    }

    @Test("Across groups, but not across conditions, and not across more than the window")
    func together() {
        var ward = Ward()
        _ = ward.ask(1, group: "a", of: 1)
        ward.begin(1)
        _ = ward.ask(2, group: "b", of: 1)
        #expect(ward.ask(3, group: "c", of: 1) == .wait)
        #expect(ward.ask(4, group: "d", of: 1, .hung(.silent)) == .go)
        var slow = Ward()
        for slot in UInt32(1)...9 {
            slow.clock += 40
            #expect(slow.ask(slot, of: 20) == .go)
        }
    }

    @Test("Whoever has been bad for long does not fall with those who fall now")
    func chronic() {
        var ward = Ward()
        ward.clock = 1000
        for slot in UInt32(1)...5 { #expect(ward.ask(slot, since: Double(slot) * 100) == .go) }
        #expect(ward.stage == nil)
    }

    @Test("The canary recovers: the others are looked at anew before one of them is acted on")
    func lookFirst() {
        var ward = Ward()
        _ = ward.ask(1)
        ward.begin(1)
        for slot in UInt32(2)...3 { _ = ward.ask(slot) }
        ward.end(1, Self.recovered, after: 12)
        #expect(ward.ask(3) == .wait)
        ward.rule.left(SlotID(2))
        ward.clock += 12
        #expect(ward.ask(3) == .follow)
    }

    @Test("The canary recovers: one by one. One of them does not: held again, but for that one")
    func oneByOne() {
        var ward = Ward()
        _ = ward.ask(1)
        ward.begin(1)
        for slot in UInt32(2)...4 { _ = ward.ask(slot) }
        ward.end(1, Self.recovered)
        #expect(ward.stage == .proceeding)
        #expect(ward.ask(3) == .follow)
        ward.begin(3)
        #expect(ward.ask(2) == .wait && ward.ask(4) == .wait)
        ward.end(3, Self.recovered)
        #expect(ward.ask(4) == .follow)
        ward.begin(4)
        ward.end(4, .unhelped)
        #expect(ward.stage == .held)
        #expect(ward.ask(2) == .wait && ward.ask(4) == .go)
        ward.end(4, Self.recovered)
        #expect(ward.ask(2) == .follow)
    }

    @Test("The canary did not recover: an hour later another is tried, once")
    func heldNotForEver() {
        var ward = Ward()
        _ = ward.ask(1)
        ward.begin(1)
        for slot in UInt32(2)...4 { _ = ward.ask(slot) }
        ward.end(1, .gaveUp)
        ward.clock += 3599
        #expect(ward.ask(2) == .wait)
        ward.clock += 1
        #expect(ward.ask(2) == .go && ward.ask(3) == .wait)
        ward.begin(2)
        ward.end(2, .unhelped)
        #expect(ward.stage == .held)
        #expect(ward.ask(3) == .wait)
    }

    @Test("Whoever may only be told of is a witness, and nobody who is waited for")
    func witness() {
        var ward = Ward()
        ward.fall(1)
        ward.fall(2)
        #expect(ward.ask(3) == .go)
        ward.begin(3)
        #expect(ward.ask(4) == .wait)
        ward.end(3, Self.recovered)
        ward.rule.left(SlotID(4))
        #expect(ward.stage == nil, "nobody is left but the witnesses")
    }

    @Test("The canary recovers while another is under way that was begun with it: nobody joins them")
    func twoAtOnce() {
        var ward = Ward()
        for slot in UInt32(1)...2 {
            _ = ward.ask(slot)
            ward.begin(slot)
        }
        _ = ward.ask(3)
        ward.end(1, Self.recovered)
        #expect(ward.ask(3) == .wait)
        ward.end(2, Self.recovered)
        #expect(ward.ask(3) == .follow)
    }

    @Test("What was begun before anything was suspected says nothing of the canary")
    func earlier() {
        var ward = Ward()
        _ = ward.ask(1)
        ward.begin(1)
        ward.clock += 61
        _ = ward.ask(2)
        ward.begin(2)
        for slot in UInt32(3)...5 { _ = ward.ask(slot) }
        ward.end(1, .unhelped)
        #expect(ward.stage == .testing)
        #expect(ward.ask(1) == .wait && ward.ask(2) == .go)
    }

    @Test("A canary that a person took away, or that got well by itself, is replaced")
    func replaced() {
        var ward = Ward()
        _ = ward.ask(1)
        ward.begin(1)
        _ = ward.ask(2)
        #expect(ward.ask(3) == .wait)
        ward.end(1, .superseded)
        #expect(ward.ask(3) == .go)
        ward.rule.left(SlotID(3))
        #expect(ward.ask(2) == .go)
        ward.rule.left(SlotID(2))
        #expect(ward.stage == nil, "nobody is left")
    }

    // A broker came back seconds after the canary's restart had been called unhelped. The canary saw it first and was
    // well; the next worker was restarted at once, 300 ms before its own probe would have said the same.
    @Test("A canary that did not recover, and is well later, makes nobody go before each has been looked at anew")
    func wellLater() {
        var ward = Ward()
        _ = ward.ask(1)
        ward.begin(1)
        for slot in UInt32(2)...4 { _ = ward.ask(slot) }
        ward.end(1, .unhelped)
        ward.clock += 5
        ward.rule.left(SlotID(1), followsFrom: instant(ward.clock + 1))
        #expect(ward.ask(2) == .wait && ward.ask(3) == .wait)
        ward.rule.left(SlotID(2), followsFrom: instant(ward.clock + 1))
        ward.clock += 1
        #expect(ward.ask(3) == .go && ward.ask(4) == .wait, "who is still ill then is a canary")
    }

    @Test("Never: nothing is suspected")
    func off() {
        var ward = Ward(rule: CorrelationGuard(window: nil))
        for slot in UInt32(1)...9 { #expect(ward.ask(slot) == .go) }
    }

    /// Method: workers fall, recover, stay ill, get well by themselves and are commanded at random. Whoever is told to
    /// go begins; what begins ends some time.
    @Test(
        "Whatever happens: only the canary, then one at a time, and every one gets its turn", arguments: UInt64(0)..<300
    )
    func property(seed: UInt64) {
        var dice = Dice(seed: seed)
        var ward = Ward()
        var ill: [UInt32: Double] = [:]
        var acting: Set<UInt32> = []
        for turn in 0..<400 {
            ward.clock += dice.fraction() * 24
            let slot = UInt32(dice.next() % 8) + 1
            switch dice.next() % 6 {
            case 0, 1: if ill[slot] == nil, !acting.contains(slot) { ill[slot] = ward.clock }
            case 2:
                if ill[slot] != nil, !acting.contains(slot) {
                    ill[slot] = nil
                    ward.rule.left(SlotID(slot))
                }
            case 3:
                guard acting.remove(slot) != nil else { break }
                let outcome: Outcome = [Self.recovered, .unhelped, .superseded][Int(dice.next() % 3)]
                ward.end(slot, outcome)
                if outcome != .unhelped { ill[slot] = nil }
            default: ask(&ward, &ill, &acting, turn: turn)
            }
        }
        // From now on restarts help: then nobody may be left waiting.
        for slot in acting.sorted() {
            ward.end(slot, Self.recovered)
            ill[slot] = nil
        }
        acting = []
        for _ in 0..<40 {
            ward.clock += 5
            ask(&ward, &ill, &acting, turn: -1)
            for slot in acting.sorted() {
                ward.end(slot, Self.recovered)
                ill[slot] = nil
            }
            acting = []
        }
        #expect(ill.isEmpty, "left waiting: \(ill)")
        #expect(ward.rule.suspicions.isEmpty)
    }

    private func ask(_ ward: inout Ward, _ ill: inout [UInt32: Double], _ acting: inout Set<UInt32>, turn: Int) {
        for (slot, since) in ill.sorted(by: { $0.key < $1.key }) where !acting.contains(slot) {
            let before = ward.rule.suspicions[Self.dark]
            let permission = ward.ask(slot, since: since)
            guard permission != .wait else { continue }
            if let before {
                switch before.stage {
                case .held where before.heldUntil.map { instant(ward.clock) >= $0 } ?? false: break
                case .testing, .held: #expect(before.canary == nil || before.canary == SlotID(slot), "turn \(turn)")
                case .proceeding: #expect(before.acting.isEmpty, "turn \(turn)")
                }
            }
            ward.begin(slot)
            acting.insert(slot)
        }
    }
}

/// Goal: what the guard means for slots, alerts and the status line.
@Suite struct SupervisorCorrelationTests {
    func world(_ action: HealthAction = .restart, backoff: Duration = .seconds(1)) -> World {
        var world = World(
            [
                group("ami", ["w0", "w1", "w2"], maximumUnavailable: .count(3)) {
                    $0.health.actions[.leaking(.fds)] = HealthAction.none
                    $0.health.actions[.dark(.emfile)] = action
                    $0.health.backoffFirst = backoff
                    $0.health.backoffMaximum = max(backoff, $0.health.backoffMaximum)
                }
            ], sharedCause: .seconds(60))
        world.boot()
        return world
    }

    @Test("Three of three dark at once: one alert, one canary, and nobody else is touched while it does not recover")
    func threeOfThree() {
        var world = world()
        let done = words(world.darken(0, 1, 2))
        #expect(done.filter { $0.hasPrefix("alert") } == ["alert opened w0 dark"])
        #expect(done.filter { $0.hasPrefix("spawn") } == ["spawn w0.2 restarts 1"])
        #expect(
            world.snapshots().map(\.pendingAction) == [
                "restarted, outcome pending", "waiting: a shared cause is suspected, another goes first",
                "waiting: a shared cause is suspected, another goes first",
            ])
        // It does not help, and the two others go on failing.
        var later: [String] = []
        for _ in 0..<60 {
            later += words(world.pass(5))
            for position in 1...2 {
                later += words(world.sample(position, tree(fds: 255)))
                later += words(world.log(position, failure(2_000_000, world.now, emfile: true)))
            }
        }
        #expect(later.filter { $0.hasPrefix("alert") } == ["alert closed w0 unhelped"])
        #expect(!later.contains { $0.hasPrefix("spawn w1") || $0.hasPrefix("spawn w2") })
        for case .alert(let alert) in world.record where alert.phase == .closed {
            #expect(alert.incident.verdict.reason.hasSuffix("shared cause suspected of ami:w0, ami:w1, ami:w2"))
        }
        #expect(world.objections.isEmpty)
    }

    @Test("The cause ends after the canary was not helped: whoever is seen to be well by then is left alone")
    func endsLater() {
        var world = world(backoff: .seconds(3600))
        world.darken(0, 1, 2)
        var done: [String] = []
        func fail(_ positions: ClosedRange<Int>) {
            for position in positions {
                done += words(world.sample(position, tree(fds: 255)))
                done += words(world.log(position, failure(2_000_000, world.now, emfile: true)))
            }
        }
        for _ in 0..<60 where !done.contains("alert closed w0 unhelped") {
            done += words(world.pass(5))
            fail(0...2)
        }
        #expect(done.contains("alert closed w0 unhelped"))
        // The canary is looked at first; the others fail once more before their turn.
        for _ in 0..<60 where !done.contains("w0 is starting proven") {
            fail(1...2)
            done += words(world.pass(5))
            done += words(world.sample(0))
        }
        #expect(done.contains("w0 is starting proven"))
        fail(1...2)
        #expect(!done.contains { $0.hasPrefix("spawn w1") || $0.hasPrefix("spawn w2") })
        // They go on failing: it was not the cause's end, and one of them is tried.
        for _ in 0..<20 {
            done += words(world.pass(5))
            fail(1...2)
        }
        #expect(done.filter { $0.hasPrefix("spawn w1") || $0.hasPrefix("spawn w2") }.count == 1)
    }

    @Test("A canary that Warden has given up is not followed by another")
    func givenUp() {
        var world = world()
        world.darken(0, 1, 2)
        for _ in 0..<400 {
            world.pass(5)
            for position in 0...2 {
                world.sample(position, tree(fds: 255))
                world.log(position, failure(2_000_000, world.now, emfile: true))
            }
        }
        #expect((0...2).map { world.worker($0).generation } == [Generation(4), Generation(1), Generation(1)])
        #expect(words(world.record).contains("alert closed w0 gave-up"))
    }

    @Test("A worker whose budget is spent is no canary: another goes first")
    func spent() {
        var world = world()
        // It alone is ill, until it is given up.
        for _ in 0..<400 {
            world.pass(5)
            world.sample(0, tree(fds: 255))
            world.log(0, failure(2_000_000, world.now, emfile: true))
        }
        let before = world.worker(0).generation
        world.darken(1, 2)
        #expect(world.worker(0).generation == before)
        #expect([1, 2].contains { world.worker($0).generation == Generation(2) })
    }

    @Test("The canary recovers: the others go one by one, and people are not told of each")
    func recovers() {
        var world = world()
        world.darken(0, 1, 2)
        var done: [String] = []
        for _ in 0..<60 {
            done += words(world.pass(5))
            for position in 0...2 where world.worker(position).generation == Generation(1) {
                done += words(world.sample(position, tree(fds: 255)))
                done += words(world.log(position, failure(2_000_000, world.now, emfile: true)))
            }
            for position in 0...2 where world.worker(position).generation == Generation(2) {
                done += words(world.sample(position))
            }
        }
        #expect((0...2).map { world.worker($0).generation } == [Generation(2), Generation(2), Generation(2)])
        #expect(done.filter { $0.hasPrefix("alert") } == ["alert closed w0 recovered"])
        #expect(done.filter { $0.hasPrefix("record") && $0.hasSuffix("recovered") }.count == 3)
        #expect(world.objections.isEmpty)
    }

    @Test("What is only told is told once, and of the others only recorded")
    func toldOnce() {
        var world = world(.alert)
        let done = words(world.darken(0, 1, 2))
        #expect(done.filter { $0.hasPrefix("alert") } == ["alert opened w0 dark"])
        // The first one of which people are told is looked over as well, and recorded again with what was found.
        #expect(done.filter { $0.hasPrefix("examine") } == ["examine 1.1"])
        #expect(done.filter { $0.hasPrefix("record") }.count == 4)
    }

    @Test(
        "Who is stopped by a person, or held still, is no witness: all others fell together",
        arguments: ["stopped", "paused", "unreadable"])
    func noWitnesses(_ how: String) {
        var world = World(
            [
                group("ami", ["w0", "w1", "w2", "w3"], maximumUnavailable: .count(4)) {
                    $0.health.actions[.leaking(.fds)] = HealthAction.none
                }
            ], sharedCause: .seconds(60))
        world.boot()
        for position in 2...3 {
            switch how {
            case "stopped": world.ask(.stop(.slot(group: "ami", process: "w\(position)"), wait: true))
            case "paused": world.sample(position, tree(state: .stopped))
            default:
                for _ in 0..<3 {
                    let failure = Sample(takenAt: world.moment.instant, readings: .failure(13))
                    world.settle(.worker(world.worker(position), .sampled(failure)))
                }
            }
        }
        let done = words(world.darken(0, 1))
        #expect(done.filter { $0.hasPrefix("spawn") } == ["spawn w0.2 restarts 1"])
        #expect(
            world.snapshots()[1].pendingAction == "waiting: a shared cause is suspected, another goes first")
    }

    @Test("Two healthy ones are witnesses that the cause is not shared by all")
    func witnesses() {
        var world = World(
            [
                group("ami", ["w0", "w1", "w2", "w3"], maximumUnavailable: .count(4)) {
                    $0.health.actions[.leaking(.fds)] = HealthAction.none
                }
            ], sharedCause: .seconds(60))
        world.boot()
        for position in 2...3 { world.sample(position) }
        #expect(words(world.darken(0, 1)).filter { $0.hasPrefix("spawn") }.count == 2)
    }

    @Test("A person's restart of one that is held works, and ends nothing else")
    func person() {
        var world = world()
        world.darken(0, 1, 2)
        world.ask(.stop(.slot(group: "ami", process: "w1"), wait: true))
        world.ask(.start(.slot(group: "ami", process: "w1"), wait: true))
        #expect(world.worker(1).generation == Generation(2))
        #expect(world.worker(2).generation == Generation(1))
    }
}
