import WardenCore

/// What must never happen, whatever the seed. It keeps its own books, so that it does not believe the supervisor's.
struct Checker {
    /// What went wrong, at most the first hundred.
    private(set) var violations: [String] = []
    private(set) var spawns = 0
    private(set) var actions: [String: Int] = [:]
    private(set) var outcomes: [String: Int] = [:]
    private var living: [SlotID: WorkerID] = [:]
    private var unreleased: Set<WorkerID> = []
    private var stopsPending: [RequestID: SlotName] = [:]
    private var stoppedByPerson: Set<SlotName> = []
    private var restarts: [String: [Instant]] = [:]
    private var openSeats: [String: (group: String, id: String)] = [:]
    private let specs: [SlotName: ProgramSpec]
    private var states: [SlotName: ProcessState] = [:]
    /// Slots that have done their work: they ended by themselves, and as expected.
    private var done: Set<SlotName> = []
    private var isEnding = false
    /// Starts of slots that depend on something.
    private(set) var dependentSpawns = 0

    init(groups: [GroupSpec]) {
        specs = Dictionary(groups.flatMap(\.programs).map { ($0.name, $0) }) { first, _ in first }
    }

    private mutating func object(_ text: String) {
        if violations.count < 100 { violations.append(text) }
    }

    mutating func spawned(_ worker: WorkerID, _ name: SlotName, at now: Instant) {
        spawns += 1
        if let other = living[worker.slot] { object("two children of \(name.qualified): \(other) and \(worker)") }
        if stoppedByPerson.contains(name) { object("a person's stop of \(name.qualified) was undone at \(now)") }
        for other in needs(of: name) {
            dependentSpawns += 1
            if states[other] != .running, !done.contains(other) {
                object("\(name.qualified) started at \(now), but \(other.qualified) was not ready")
            }
        }
        living[worker.slot] = worker
        unreleased.insert(worker)
    }

    private func needs(of name: SlotName) -> [SlotName] {
        let names = specs[name]?.supervision.dependsOn ?? []
        return specs.values.filter { names.contains($0.program) || names.contains($0.name.group) }.map(\.name)
    }

    /// A slot changed its state, as listeners hear of it.
    mutating func announced(_ announcement: Announcement) {
        guard case .processState(let name, let state, let from, _, _, let isExpected) = announcement else { return }
        states[name] = state
        if state == .exited, isExpected { done.insert(name) } else { done.remove(name) }
        guard isEnding, state == .stopping, from == .running else { return }
        for (other, state) in states where [.starting, .running, .stopping].contains(state) {
            if needs(of: other).contains(name) {
                object("\(name.qualified) was stopped at the end while \(other.qualified) needed it")
            }
        }
    }

    mutating func endBegan() { isEnding = true }

    mutating func spawnFailed(_ worker: WorkerID) { living[worker.slot] = nil }
    mutating func ended(_ worker: WorkerID) { living[worker.slot] = nil }

    mutating func signalled(_ worker: WorkerID) {
        if !unreleased.contains(worker) { object("signal to \(worker), which was released") }
    }

    mutating func released(_ worker: WorkerID) {
        if living[worker.slot] == worker { object("released while alive: \(worker)") }
        if unreleased.remove(worker) == nil { object("released twice: \(worker)") }
    }

    // MARK: - People

    /// A person's command about slots: the breakers close, and a stop no longer binds.
    mutating func commanded(_ names: [SlotName]) {
        for name in names + names.flatMap({ needs(of: $0) }) {
            stoppedByPerson.remove(name)
            for key in restarts.keys where key.hasPrefix(name.qualified + " ") { restarts[key] = [] }
        }
    }

    mutating func stopRequested(_ name: SlotName, by request: RequestID) { stopsPending[request] = name }

    mutating func replied(_ request: RequestID, _ reply: Reply) {
        guard let name = stopsPending.removeValue(forKey: request), reply == .done else { return }
        stoppedByPerson.insert(name)
    }

    // MARK: - Incidents

    mutating func stored(_ incident: Incident, at now: Instant, groups: [GroupSpec]) {
        guard let group = groups.first(where: { $0.name == incident.worker.group }) else { return }
        if let outcome = incident.outcome {
            outcomes[outcome.name, default: 0] += 1
            openSeats[incident.id] = nil
            return
        }
        guard incident.action != .alert else { return }
        if openSeats[incident.id] == nil {
            actions[incident.verdict.condition.name, default: 0] += 1
            charge(incident, group, at: now)
        }
        openSeats[incident.id] = (group.name, incident.id)
        let taken = openSeats.values.count { $0.group == group.name }
        let allowed = group.maximumUnavailable.of(group.programs.count)
        if taken > allowed { object("\(taken) of \(group.name) unavailable at once, \(allowed) allowed") }
        if stoppedByPerson.contains(incident.worker) { object("acted on \(incident.worker.qualified) though stopped") }
    }

    private mutating func charge(_ incident: Incident, _ group: GroupSpec, at now: Instant) {
        guard let budget = group.programs.first(where: { $0.name == incident.worker })?.health.restartBudget else {
            return
        }
        let key = "\(incident.worker.qualified) \(incident.verdict.condition.name)"
        let recent = restarts[key, default: []].filter { now - $0 < budget.within } + [now]
        restarts[key] = recent
        if recent.count > budget.count { object("\(recent.count) restarts of \(key) within \(budget.within.spoken)") }
    }

    /// At the end of a run: nothing lives, everything was reaped and released.
    mutating func finish() {
        if !living.isEmpty { object("still alive at the end: \(living.count)") }
        if !unreleased.isEmpty { object("never released: \(unreleased.count)") }
        if !openSeats.isEmpty { object("incidents without an outcome at the end: \(openSeats.keys.sorted())") }
    }
}
