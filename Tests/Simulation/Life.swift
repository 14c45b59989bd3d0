import WardenCore
import WardenRuntime
import WardenWire

/// One world from its first start to its end: the production shell on a simulated machine, one seed and one trace.
struct Life {
    let seed: UInt64
    let days: Double
    let mutation: Mutation?
    var digest: UInt64
    var violations: [String]
    var tail: [String]
    var checker: Checker
    var samples: Int
    var workerDays: Double
    /// How often the daemon was killed.
    var crashes: Int

    /// - Parameters:
    ///   - seed: everything follows from it.
    ///   - days: how long it lasts; at least half a day.
    ///   - mutation: how the core is broken; `nil` for the real one.
    ///   - keeps: lines of the trace to remember.
    ///   - crashesEvery: after so many turns the daemon is killed, and another goes on, until all is calm; `nil`:
    ///     never.
    ///   - handsOverEvery: after so many turns the supervisor is told to a successor, who goes on; `nil`: never.
    init(
        seed: UInt64, days: Double? = nil, mutation: Mutation? = nil, keeps: Int = 0, handsOverEvery: Int? = nil,
        crashesEvery: Int? = nil
    ) {
        var dice = Dice(seed: seed ^ 0xDA15)
        let groups = WorldSpec.groups(seed: seed)
        // Where samples are many, days are few.
        let fastest = groups.flatMap(\.programs).map(\.health.interval).min() ?? .seconds(60)
        let drawn = 1 + 5 * dice.fraction()
        let length = days ?? (fastest < .seconds(30) ? 0.75 : drawn)
        let isShadow = dice.fraction() < 0.05
        var machine = SimulatedMachine(
            seed: seed, groups: groups, days: length, mutation: mutation, isShadow: isShadow, keeps: keeps)
        if crashesEvery != nil { machine.memory = CrashMemory() }
        let supervisor = Supervisor(
            groups: mutation?.configuration(groups) ?? groups, isShadow: isShadow,
            sharedCauseWindow: mutation?.sharedCauseWindow ?? (mutation == nil ? Limits.sharedCauseWindow : nil))
        var shell = Shell(supervisor: supervisor, machine: machine, dice: Dice(seed: seed), invariants: .report)
        let limit = Instant.origin + .seconds(length * 86400 + 86400)
        var turns = 0
        while shell.step() == nil {
            turns += 1
            if let handsOverEvery, turns % handsOverEvery == 0 {
                do {
                    let state = try StateEncoder.encode(shell.supervisor).encoded()
                    let successor = try StateDecoder.decode(Supervisor.self, from: StateValue(decoding: state))
                    shell = shell.taken(over: successor)
                } catch {
                    shell.machine.checker.object("cannot be handed over: \(error)")
                    break
                }
            }
            if let crashesEvery, turns % crashesEvery == 0, !shell.machine.isCalm, let memory = shell.machine.memory {
                do {
                    let (next, remembered) = try memory.supervisor(
                        isShadow: isShadow, sharedCauseWindow: Limits.sharedCauseWindow)
                    let found = shell.machine.crash(remembered)
                    shell = shell.taken(over: next)
                    shell.handle(found)
                } catch {
                    shell.machine.checker.object("nobody can go on after a crash: \(error)")
                    break
                }
            }
            if shell.machine.clock > limit {
                shell.machine.checker.object("everything should have ended a day ago")
                break
            }
            // Whoever reads the trace wants it to end where it went wrong.
            if shell.machine.checker.violations.count >= (keeps > 0 ? 1 : 20) { break }
        }
        if shell.machine.checker.violations.isEmpty { shell.machine.checker.finish() }
        self.seed = seed
        self.days = length
        self.mutation = mutation
        digest = shell.machine.trace.digest
        violations = shell.machine.checker.violations
        tail = shell.machine.trace.tail
        checker = shell.machine.checker
        samples = shell.machine.samplesTaken
        workerDays = shell.machine.workerSeconds / 86400
        crashes = shell.machine.memory?.crashes ?? 0
    }

    /// What went wrong, with the seed to see it again and the end of its trace.
    var report: String {
        let again = Life(seed: seed, days: days, mutation: mutation, keeps: 60)
        return (["seed \(seed), \(days) days:"] + violations.prefix(5) + ["the trace ended:"] + again.tail.suffix(60))
            .joined(separator: "\n")
    }
}
