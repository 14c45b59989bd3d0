import WardenCore

/// One or two slots, and every order of a few events up to some depth: no dice, no time but what an event brings.
///
/// The core is a value, so every branch goes on with a copy of it. An event that cannot be (the exit of a process that
/// does not live) is left out; that keeps the tree small and honest.
struct SmallWorld {
    /// What can happen next.
    enum Step: CaseIterable {
        /// execve(2) succeeds.
        case spawned
        case spawnFailed
        /// The process ends with exit code 1.
        case exited
        /// It is told late that a former process ended.
        case oldExit
        /// A sample over the memory limit.
        case bloated
        /// A sample like all others.
        case well
        case lookedOver
        case personStops
        case personStarts
        /// Two seconds, whatever is due in them: startsecs.
        case soon
        /// Up to the next deadline, however far.
        case due
        case doubt
        case trust
    }

    private struct Process: Hashable {
        var worker: WorkerID
        var isSpawned = false
        var isAlive = true
        var isLookedOver = false
    }

    private var supervisor: Supervisor
    private var dice = Dice(seed: 1)
    private var clock = Instant.origin
    private var processes: [SlotID: Process] = [:]
    private var stopped: Set<SlotID> = []
    private var pending: [RequestID: SlotID] = [:]
    private var open: [SlotName: String] = [:]
    private var isDoubtful = false
    private var nextRequest: UInt64 = 1
    private var path: [String] = []
    private let budget: Int
    private var hasFinished = false
    private var begun: [SlotName: Int] = [:]
    private(set) var violations: [String] = []
    let slots: Int

    /// - Parameters:
    ///   - slots: one or two, in one group with `max_unavailable = 1`.
    ///   - autorestart: as configured.
    init(slots: Int, autorestart: SupervisionSpec.AutoRestart) {
        var health = HealthSpec()
        health.confirm = HealthSpec.Confirmation(needed: 1, window: 1)
        health.grace = .zero
        health.rssLimitBytes = 1000
        health.restartBudget = HealthSpec.Budget(count: 1, within: .seconds(3600))
        budget = 1
        var supervision = SupervisionSpec()
        supervision.autorestart = autorestart
        supervision.startRetries = 1
        let programs = (0..<slots).map {
            ProgramSpec(
                name: SlotName(group: "g", process: "w\($0)"), program: "g", supervision: supervision,
                launch: LaunchSpec(arguments: ["/bin/w"]), standardOutput: LogSpec(), standardError: nil,
                health: health)
        }
        self.slots = slots
        supervisor = Supervisor(groups: [GroupSpec(name: "g", priority: 0, programs: programs)])
        handle(.ready)
    }

    /// Every order of steps to a depth.
    ///
    /// - Returns: how many worlds were seen, and what went wrong in any of them.
    func explore(depth: Int) -> (worlds: Int, violations: [String]) {
        var worlds = 1
        var found: [String] = []
        guard depth > 0 else { return (1, ended()) }
        for slot in 1...UInt32(slots) {
            for step in Step.allCases where isPossible(step, SlotID(slot)) {
                var next = self
                next.take(step, SlotID(slot))
                if !next.violations.isEmpty {
                    found += next.violations
                    continue
                }
                let (more, wrong) = next.explore(depth: depth - 1)
                worlds += more
                found += wrong
                if found.count > 10 { return (worlds, found) }
            }
        }
        return (worlds, found)
    }

    private func isPossible(_ step: Step, _ slot: SlotID) -> Bool {
        let process = processes[slot]
        switch step {
        case .spawned, .spawnFailed: return process.map { $0.isAlive && !$0.isSpawned } ?? false
        case .exited, .bloated, .well: return process.map { $0.isAlive && $0.isSpawned } ?? false
        case .oldExit: return process.map { $0.worker.generation.number > 1 } ?? false
        case .lookedOver: return process?.isLookedOver ?? false
        case .personStops, .personStarts: return true
        case .soon, .due: return slot == SlotID(1)
        case .doubt: return slot == SlotID(1) && !isDoubtful
        case .trust: return slot == SlotID(1) && isDoubtful
        }
    }

    private mutating func take(_ step: Step, _ slot: SlotID) {
        path.append("\(step) \(slot.number)")
        let name = SlotName(group: "g", process: "w\(slot.number - 1)")
        let selection = Selection.slot(group: name.group, process: name.process)
        clock = clock + .milliseconds(1)
        if let worker = processes[slot]?.worker {
            switch step {
            case .spawned:
                processes[slot]?.isSpawned = true
                handle(.worker(worker, .spawned(pid: 7)))
            case .spawnFailed:
                processes[slot]?.isAlive = false
                let failure = SpawnFailure(stage: .clone, errorNumber: 11, subject: "", explanation: "")
                handle(.worker(worker, .spawnFailed(failure)))
            case .exited:
                processes[slot]?.isAlive = false
                handle(.worker(worker, .exited(.code(1))))
            case .oldExit:
                let old = WorkerID(slot: slot, generation: Generation(worker.generation.number - 1))
                handle(.worker(old, .exited(.code(0))))
            case .bloated: sample(worker, bytes: 2000)
            case .well: sample(worker, bytes: 100)
            case .lookedOver:
                processes[slot]?.isLookedOver = false
                handle(.worker(worker, .forensicsCollected(Forensics())))
            case .personStops, .personStarts, .soon, .due, .doubt, .trust: break
            }
        }
        switch step {
        case .personStops:
            pending[request] = slot
            stopped.remove(slot)
            begun[name] = 0
            handle(.requested(request, .stop(selection, wait: true)))
        case .personStarts:
            stopped.remove(slot)
            for (request, other) in pending where other == slot { pending[request] = nil }
            begun[name] = 0
            handle(.requested(request, .start(selection, wait: false)))
        case .soon: pass(to: clock + .seconds(2))
        case .due: if let due = supervisor.nextDeadline() { pass(to: max(due, clock)) }
        case .doubt:
            isDoubtful = true
            handle(.localHealth(LocalHealth(doubts: ["late"])))
        case .trust:
            isDoubtful = false
            handle(.localHealth(LocalHealth()))
        case .spawned, .spawnFailed, .exited, .oldExit, .bloated, .well, .lookedOver: break
        }
        nextRequest += 1
    }

    private var request: RequestID { RequestID(nextRequest) }

    private mutating func pass(to instant: Instant) {
        clock = instant
        handle(.timeReached)
        // What is due has been done: no deadline stays behind.
        if let due = supervisor.nextDeadline(), due <= clock { object("a deadline stays in the past") }
    }

    private mutating func sample(_ worker: WorkerID, bytes: Int64) {
        let tree = TreeReadings(rootRSSBytes: bytes, treeRSSBytes: bytes)
        handle(.worker(worker, .sampled(Sample(takenAt: clock, readings: .tree(tree)))))
    }

    private mutating func object(_ text: String) {
        violations.append("\(text), after \(path.joined(separator: ", "))")
    }

    private mutating func handle(_ event: Event) {
        let wall = WallTime(microseconds: 1_700_000_000_000_000 + clock.nanoseconds / 1000)
        let directives = supervisor.handle(event, at: Moment(instant: clock, wall: wall), dice: &dice)
        for directive in directives { judge(directive) }
    }

    private mutating func judge(_ directive: Directive) {
        switch directive {
        case .spawn(let worker, _, _, _):
            if let other = processes[worker.slot], other.isAlive {
                object("two processes for slot \(worker.slot.number)")
            }
            if stopped.contains(worker.slot) { object("a person's stop was undone") }
            processes[worker.slot] = Process(worker: worker)
        case .signal(let worker, _, _), .collectForensics(let worker, _, _):
            guard let process = processes[worker.slot], process.worker == worker else {
                return object("an order for an old generation")
            }
            if case .collectForensics = directive { processes[worker.slot]?.isLookedOver = true }
        case .release(let worker, _):
            if processes[worker.slot]?.worker == worker, processes[worker.slot]?.isAlive == true {
                object("released while alive")
            }
        case .recordIncident(let incident): judge(incident)
        case .reply(let request, .done):
            if let slot = pending.removeValue(forKey: request) { stopped.insert(slot) }
        case .reply(let request, _): pending[request] = nil
        case .finish: hasFinished = true
        case .reportInvariant(let what): object(what)
        default: break
        }
    }

    private mutating func judge(_ incident: Incident) {
        guard incident.action != .alert else { return }
        guard incident.outcome == nil else {
            if open[incident.worker] == incident.id { open[incident.worker] = nil }
            return
        }
        if open[incident.worker] == incident.id { return }
        if open[incident.worker] != nil { object("a second incident before the first has its outcome") }
        open[incident.worker] = incident.id
        begun[incident.worker, default: 0] += 1
        if open.count > 1 { object("two unavailable at once") }
        if isDoubtful { object("acted while in doubt") }
        if begun[incident.worker, default: 0] > budget { object("more restarts than the budget allows") }
    }

    /// From here everything ends: what lives obeys, and nothing is left.
    private func ended() -> [String] {
        var world = self
        world.path.append("end")
        world.handle(.endRequested(.shutdown))
        for _ in 0..<4 {
            for slot in world.processes.keys.sorted() {
                guard let process = world.processes[slot], process.isAlive else { continue }
                if !process.isSpawned { world.take(.spawned, slot) }
                world.take(.exited, slot)
            }
        }
        if world.hasFinished { return world.violations + world.leftOver() }
        return world.violations + ["the end never came, after \(world.path.joined(separator: ", "))"]
    }

    private func leftOver() -> [String] {
        open.isEmpty ? [] : ["incidents without an outcome, after \(path.joined(separator: ", "))"]
    }
}
