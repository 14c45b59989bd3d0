import Testing
import WardenCore

/// Goal: with every start prepared, nothing forbidden happens, and nobody waits for ever once the faults have ceased.
///
/// Method: random events from seeds, among them what is found of old trees, or that nobody looks.
@Suite struct RespawnPropertyTests {
    static let seeds = Array(UInt64(1)...16)

    static func play(seed: UInt64, turns: Int) -> World {
        let groups = SupervisorPropertyTests.groups().map { group in
            var group = group
            for index in group.programs.indices {
                group.programs[index].health.respawn.gpuWait = index == 1 ? nil : .seconds(7)
                group.programs[index].health.respawn.quarantineAfter = index == 2 ? nil : .seconds(5)
                group.programs[index].health.respawn.sweepsSharedMemory = true
                group.programs[index].supervision.autorestart = .always
            }
            return group
        }
        var world = World(groups, seed: seed)
        world.tell(.ready)
        for _ in 0..<turns {
            SupervisorPropertyTests.turn(&world)
            if world.dice.next() % 8 == 0 { world.oldTree = oldTree(&world.dice) }
        }
        return world
    }

    static func oldTree(_ dice: inout Dice) -> ((World) -> RespawnReport)? {
        var report = RespawnReport()
        switch dice.next() % 8 {
        case 0: return nil
        case 1: report.gpu = .held([812])
        case 2: report.gpu = .lost("GPU 0: GPU is lost")
        case 3: report.gpu = .unanswered(reason: "NVML does not answer")
        case 4: report.gpu = .absent(reason: "none")
        case 5: report.leftOvers = [.init(pid: 813, state: .uninterruptible)]
        default: break
        }
        return { _ in report }
    }

    @Test("Nothing forbidden, and after the faults every slot runs that should", arguments: seeds)
    func livesOn(seed: UInt64) {
        var world = Self.play(seed: seed, turns: 1200)
        #expect(world.objections.isEmpty)
        world.oldTree = { _ in RespawnReport() }
        world.startFailure = nil
        world.childrenObey = true
        world.forensics = Forensics()
        world.settle(.localHealth(LocalHealth()))
        world.pass(400)
        let waiting = world.snapshots().filter {
            !$0.waitingFor.isEmpty || $0.pendingAction?.hasPrefix("quarantined") == true
                || $0.state == .backoff && $0.spawnError.hasPrefix("Quarantined")
        }
        #expect(waiting.map(\.name.qualified) == [])
        world.ask(.start(.all, wait: false))
        world.pass(60)
        #expect(world.snapshots().allSatisfy { $0.state == .running }, "\(world.snapshots().map(\.state))")
        #expect(world.objections.isEmpty)
    }

    @Test("The random events reach a preparation, a delay and a quarantine that end in each way")
    func coverage() {
        var seen: Set<String> = []
        for seed in Self.seeds {
            for directive in Self.play(seed: seed, turns: 800).record {
                switch directive {
                case .prepareRespawn: seen.insert("prepare")
                case .setStatus(let text) where text.contains("waiting ("): seen.insert("waiting")
                case .recordIncident(let incident) where incident.verdict.reason.hasPrefix("quarantined"):
                    seen.insert("quarantine \(incident.outcome?.name ?? "begins")")
                default: break
                }
            }
        }
        #expect(
            seen == ["prepare", "waiting", "quarantine begins", "quarantine recovered", "quarantine superseded"])
    }

    @Test("The same events and the same seed give the same directives", arguments: seeds.prefix(4))
    func deterministic(seed: UInt64) {
        #expect(Self.play(seed: seed, turns: 400).record == Self.play(seed: seed, turns: 400).record)
    }
}
