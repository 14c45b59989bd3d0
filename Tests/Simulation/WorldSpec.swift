import WardenCore

/// The configuration of a world, drawn from its seed, and how people change it.
enum WorldSpec {
    static func groups(seed: UInt64) -> [GroupSpec] {
        var dice = Dice(seed: seed)
        let count = 1 + Int(dice.next() % 4)
        return [base(&dice)] + (0..<count).map { group("group\($0)", &dice) }
    }

    /// What others depend on: one program that is always tried again, and becomes ready in one of the ways there are.
    private static func base(_ dice: inout Dice) -> GroupSpec {
        var supervision = SupervisionSpec()
        supervision.autorestart = .always
        supervision.startRetries = nil
        supervision.readiness = [.startSeconds, .notify, .probe][Int(dice.next() % 3)]
        supervision.startSeconds = .seconds(supervision.readiness == .startSeconds ? 1 : 10)
        supervision.restartDelay = dice.fraction() < 0.5 ? .seconds(2) : nil
        supervision.stopCommand = dice.fraction() < 0.5 ? "/bin/stop" : nil
        var health = HealthSpec()
        health.interval = .seconds(60)
        health.rssLimitBytes = 1 << 30
        let program = ProgramSpec(
            name: SlotName(group: "base", process: "base"), program: "base", supervision: supervision,
            launch: LaunchSpec(arguments: ["/bin/base"]), standardOutput: LogSpec(), standardError: nil,
            health: health)
        return GroupSpec(name: "base", priority: Int(dice.next() % 3), programs: [program])
    }

    private static func group(_ name: String, _ dice: inout Dice) -> GroupSpec {
        let health = health(&dice)
        var supervision = SupervisionSpec()
        supervision.autorestart = [.never, .unexpected, .always][Int(dice.next() % 3)]
        supervision.isNamedByHealthSection = dice.fraction() < 0.5
        if dice.fraction() < 0.4 { supervision.dependsOn = ["base"] }
        if dice.fraction() < 0.3 { supervision.stopCommand = "/bin/stop" }
        supervision.startRetries = dice.fraction() < 0.3 ? nil : 3
        let programs = (0..<(1 + Int(dice.next() % 8))).map { program(name, $0, supervision, health) }
        return GroupSpec(
            name: name, priority: Int(dice.next() % 3), programs: programs,
            maximumUnavailable: [.count(1), .count(2), .percent(50)][Int(dice.next() % 3)])
    }

    private static func program(
        _ group: String, _ number: Int, _ supervision: SupervisionSpec, _ health: HealthSpec
    ) -> ProgramSpec {
        ProgramSpec(
            name: SlotName(group: group, process: "worker_\(number)"), program: group, supervision: supervision,
            launch: LaunchSpec(arguments: ["/bin/worker"]), standardOutput: LogSpec(), standardError: nil,
            health: health)
    }

    private static func health(_ dice: inout Dice) -> HealthSpec {
        var health = HealthSpec()
        let seconds = [5, 15, 30, 30, 60, 60, 60, 60, 60, 120, 120, 120, 120, 120, 120, 120][Int(dice.next() % 16)]
        health.interval = .seconds(seconds)
        health.confirm =
            [
                HealthSpec.Confirmation(needed: 3, window: 5), HealthSpec.Confirmation(needed: 2, window: 3),
            ][Int(dice.next() % 2)]
        health.grace = .seconds([30, 60, 300][Int(dice.next() % 3)])
        health.recoverWithin = .seconds(max(120, seconds * 8))
        let timeout = max(seconds * 8, [120, 300, 900][Int(dice.next() % 3)])
        health.heartbeatTimeout = dice.fraction() < 0.15 ? nil : .seconds(timeout)
        health.progressPattern = dice.fraction() < 0.85 ? "Batch" : nil
        health.rssLimitBytes = 1 << 30
        health.restartBudget = HealthSpec.Budget(
            count: Int(dice.next() % 5) + 1, within: .seconds([600, 3600, 86400][Int(dice.next() % 3)]))
        health.backoffFirst = .seconds([1, 10][Int(dice.next() % 2)])
        switch dice.next() % 5 {
        case 0: health.demand = .command("backlog")
        case 1: health.demand = .http("http://127.0.0.1/#/n")
        default: break
        }
        if dice.fraction() < 0.5 { health.progressTimeout = .seconds(1800) }
        if dice.fraction() < 0.25 {
            health.probe = .command("probe")
            health.probeInterval = .seconds(max(30, seconds))
        }
        if dice.fraction() < 0.5 { health.forensics = false }
        if dice.fraction() < 0.2 { health.actions[.dark(.emfile)] = .kill }
        if dice.fraction() < 0.4 {
            health.actions[.dark(.emfile)] = .drain
            health.firstAid = [.no, .yes, .force][Int(dice.next() % 3)]
        }
        if dice.fraction() < 0.4 {
            health.actions[.leaking(.fds)] = .restart
            health.actions[.leaking(.rss)] = .restart
        }
        switch dice.next() % 3 {
        case 0: health.drainCommand = "drain"
        case 1: health.drainSignal = Signal(12)
        default: break
        }
        if dice.fraction() < 0.15 {
            let from = Int(dice.next() % 1440)
            health.actBetween = [DailyWindow(from: from, to: (from + 720) % 1440)]
        }
        return health
    }

    /// The same groups after somebody has edited the file.
    static func edited(_ groups: [GroupSpec], _ dice: inout Dice) -> [GroupSpec] {
        groups.map { group in
            guard group.name != "base", dice.fraction() < 0.5, let model = group.programs.first else { return group }
            var edited = group
            switch dice.next() % 3 {
            case 0:
                let count = 1 + Int(dice.next() % 8)
                edited.programs = (0..<count).map { program(group.name, $0, model.supervision, model.health) }
            case 1: edited.maximumUnavailable = [.count(1), .count(2), .percent(50)][Int(dice.next() % 3)]
            default:
                for index in edited.programs.indices {
                    edited.programs[index].supervision.stopWait = .seconds(Int(3 + dice.next() % 10))
                }
            }
            return edited
        }
    }
}
