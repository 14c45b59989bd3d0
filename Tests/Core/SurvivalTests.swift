import Testing
import WardenCore

/// Goal: whoever comes after a daemon that was killed goes on; what nobody told of is never doubled.
@Suite struct SurvivalTests {
    private static let url = "unix:///run/warden.sock"

    private static func pair() -> GroupSpec {
        group("a", ["a0", "a1"]) { $0.launch.serverURL = url }
    }

    /// What is kept of a supervisor, the newest of each part.
    private struct Kept {
        var standing: StandingMemory?
        var groups: [String: GroupMemory] = [:]
        var slots: [SlotID: SlotMemory] = [:]

        mutating func keep(_ parts: [SupervisorMemory]) {
            for part in parts {
                switch part {
                case .incident, .alert: break
                case .standing(let memory): standing = memory
                case .group(let name, let memory): groups[name] = memory
                case .slot(let id, let memory): slots[id] = memory
                }
            }
        }

        func remembered() throws -> RememberedSupervisor {
            RememberedSupervisor(standing: try #require(standing), groups: groups, slots: slots)
        }
    }

    @Test("Only what was touched is kept anew, and a look changes nothing")
    func news() {
        var world = World([Self.pair()])
        #expect(world.supervisor.takeMemories().count == 4, "at first everything: all, a group and two slots")
        world.boot()
        _ = world.supervisor.takeMemories()
        _ = world.tell(.requested(RequestID(1), .snapshot(.all)))
        #expect(world.supervisor.takeMemories().isEmpty)
        _ = world.tell(.worker(world.worker(1), .exited(.code(1))))
        let slots = world.supervisor.takeMemories().compactMap { part in
            if case .slot(let id, _) = part { id.number } else { nil }
        }
        #expect(slots == [2])
    }

    @Test("A worker that lives is gone on with, a start that was lost is made again, an end that nobody saw is unknown")
    func inherits() throws {
        var world = World([Self.pair(), group("b", ["b0"])])
        var kept = Kept()
        kept.keep(world.supervisor.takeMemories())
        _ = world.tell(.ready)
        kept.keep(world.supervisor.takeMemories())
        _ = world.tell(.worker(world.worker(0), .spawned(pid: 70)))
        kept.keep(world.supervisor.takeMemories())
        _ = world.tell(.worker(world.worker(1), .spawned(pid: 71)))
        kept.keep(world.supervisor.takeMemories())
        let (first, second, third) = (world.worker(0), world.worker(1), world.worker(2))

        var next = Supervisor(remembering: try kept.remembered(), isShadow: false)
        var dice = Dice(seed: 1)
        let orders = next.handle(
            .inherited(Inheritance(workers: [first], delivered: [:])), at: world.moment, dice: &dice)
        let spawned = orders.compactMap { if case .spawn(let worker, _, _, _) = $0 { worker } else { nil } }
        #expect(spawned == [third], "b0 was ordered and never born: the same start again, and only that")
        let released = orders.compactMap { if case .release(let worker, _) = $0 { worker } else { nil } }
        #expect(released == [second], "a1 was born and is not held")
        var world2 = World([])
        world2.supervisor = next
        let states = world2.snapshots().map { ($0.name.process, $0.state, $0.pid) }
        #expect(states.map(\.0) == ["a0", "a1", "b0"])
        #expect(states.map(\.1) == [.starting, .backoff, .starting])
        #expect(states[0].2 == 70)
    }

    @Test("A left-over keeps its slot from being started; a stop ends it; when it is gone by itself, the slot starts")
    func leftOver() {
        var world = World([Self.pair()])
        let found = ["a:a0", "a:a1"].map {
            LeftOverWorker(name: $0, generation: Generation(9), pid: 500, serverURL: Self.url)
        }
        #expect(words(world.tell(.leftOversFound(found))).contains("hold 1 500"))
        #expect(words(world.tell(.ready)).filter { $0.hasPrefix("spawn") }.isEmpty)
        #expect(world.snapshots().map(\.state) == [.unknown, .unknown])
        let start = words(world.ask(.start(.slot(group: "a", process: "a0"), wait: false)))
        #expect(start.contains { $0.contains("refused") }, "\(start)")

        let slot = WorkerID(slot: SlotID(1), generation: Generation(0))
        let gone = words(world.tell(.worker(slot, .exited(.unknown))))
        #expect(gone.contains("spawn a0.1 restarts 0"), "\(gone)")

        let stopped = words(world.ask(.stop(.slot(group: "a", process: "a1"), wait: false)))
        #expect(stopped.contains("SIGTERM tree 2.0"), "\(stopped)")
        let other = WorkerID(slot: SlotID(2), generation: Generation(0))
        #expect(!words(world.tell(.worker(other, .exited(.unknown)))).contains { $0.hasPrefix("spawn") })
        #expect(world.snapshots()[1].state == .stopped)
    }

    @Test("A process that names another daemon, or none, is left alone", arguments: ["unix:///run/other.sock", nil])
    func stranger(url: String?) {
        var world = World([Self.pair()])
        let found = LeftOverWorker(name: "a:a0", generation: Generation(1), pid: 500, serverURL: url)
        #expect(words(world.tell(.leftOversFound([found]))).isEmpty)
        #expect(words(world.tell(.ready)).contains("spawn a0.1 restarts 0"))
    }
}
