import WardenCore

/// What must never happen, whatever the seed. It keeps its own books from what the machine sees and what the simulation
/// knows to be true, so that it believes nothing of what the supervisor says of itself.
struct Checker {
    /// A slot as the checker knows it. A reference, because it is looked at far more often than it is copied.
    final class Book {
        let spec: ProgramSpec
        var living: WorkerID?
        var newest: WorkerID?
        var unreleased: Set<WorkerID> = []
        var state = ProcessState.stopped
        var hasDoneItsWork = false
        var isStoppedByPerson = false
        var isPaused = false
        var pausedUntil: Instant?
        /// Somebody other than Warden's health has a reason to end the present process.
        var mayBeStopped = false
        /// A stop of Warden's own goes on, whatever becomes of its reason.
        var isStoppedByWarden = false
        /// The incident under way.
        var open: OpenIncident?
        /// Own restarts by condition.
        var restarts: [Condition: [Instant]] = [:]
        /// What Warden has given up on, until a person's command.
        var givenUp: Set<Condition> = []
        /// The same, until somebody ends the process.
        var keptAsItIs: Set<Condition> = []
        /// Looked over, until then or until the answer.
        var lookedOverUntil: Instant?
        var verdict: (condition: Condition, since: Instant)?
        var openAlerts: [String: Condition] = [:]
        /// First aid was ordered then: its incident began, and is stored when the answer is there.
        var aidedAt: Instant?
        /// It ended by itself, and has to be started again by then.
        var respawnBy: Instant?

        init(spec: ProgramSpec) { self.spec = spec }
    }

    struct OpenIncident {
        var id: String
        var condition: Condition
        var at: Instant
        var generation: Generation
    }

    /// What went wrong, at most the first twenty.
    private(set) var violations: [String] = []
    private(set) var spawns = 0
    private(set) var dependentSpawns = 0
    var actions: [String: Int] = [:]
    var outcomes: [String: Int] = [:]
    var books: [SlotName: Book] = [:]
    var groups: [String: GroupSpec] = [:]
    var now = Instant.origin
    var doubtsEndedAt: Instant?
    var isDoubtful = false
    let isShadow: Bool
    private var stopsPending: [RequestID: [SlotName]] = [:]
    private var lostBirths: Set<WorkerID> = []
    private(set) var isEnding = false
    /// When alerts were closed, by incident.
    var isCalmSince: Instant?

    init(groups: [GroupSpec], isShadow: Bool) {
        self.isShadow = isShadow
        for group in groups { adopt(group) }
    }

    mutating func adopt(_ group: GroupSpec) {
        groups[group.name] = group
        let names = Set(group.programs.map(\.name))
        for name in books.keys where name.group == group.name && !names.contains(name) { books[name] = nil }
        for program in group.programs where books[program.name]?.spec != program {
            if let old = books[program.name], old.living != nil {
                object("\(program.name.qualified) was replaced while it ran")
            }
            books[program.name] = Book(spec: program)
        }
    }

    mutating func object(_ text: String) {
        if violations.count < 20 { violations.append("\(now.nanoseconds / 1_000_000_000) s: \(text)") }
    }

    // MARK: - Processes

    mutating func spawned(_ worker: WorkerID, _ spec: ProgramSpec, reason: RestartReason?) {
        spawns += 1
        let name = spec.name
        guard let book = books[name] else { return object("started \(name.qualified), which nobody configured") }
        if let other = book.living { object("two processes for \(name.qualified): \(other) and \(worker)") }
        if book.isStoppedByPerson { object("a person's stop of \(name.qualified) was undone") }
        if let newest = book.newest, newest.slot == worker.slot, newest.generation >= worker.generation,
            lostBirths.remove(worker) == nil || newest != worker
        {
            object("\(name.qualified) started generation \(worker.generation.number) after \(newest.generation.number)")
        }
        if isEnding { object("\(name.qualified) was started while everything ends") }
        book.living = worker
        book.newest = worker
        book.unreleased.insert(worker)
        book.mayBeStopped = false
        book.isStoppedByWarden = false
        book.lookedOverUntil = nil
        book.verdict = nil
        book.respawnBy = nil
        for other in needs(of: name) {
            dependentSpawns += 1
            if let needed = books[other], needed.state != .running, !needed.hasDoneItsWork {
                object("\(name.qualified) started, but \(other.qualified) was not ready")
            }
        }
    }

    func needs(of name: SlotName) -> [SlotName] {
        guard let names = books[name]?.spec.supervision.dependsOn, !names.isEmpty else { return [] }
        return books.values.map(\.spec).filter { names.contains($0.program) || names.contains($0.name.group) }
            .map(\.name).sorted()
    }

    mutating func announced(_ announcement: Announcement) {
        switch announcement {
        case .processState(let name, let state, let from, _, _, let isExpected):
            guard let book = books[name] else { return }
            books[name]?.state = state
            if state == .stopping, from == .starting { book.mayBeStopped = true }
            if state == .stopping, book.open != nil { book.isStoppedByWarden = true }
            books[name]?.hasDoneItsWork = state == .exited && isExpected
            if state == .fatal || state == .stopped { books[name]?.respawnBy = nil }
            if state == .exited, !isEnding, !book.isStoppedByPerson {
                let policy = book.spec.supervision.autorestart
                let starts = policy == .always || policy == .unexpected && !isExpected
                books[name]?.respawnBy = starts ? now + .seconds(900) : nil
            }
            guard isEnding, state == .stopping, from == .running else { return }
            for (other, book) in books where [.starting, .running, .stopping].contains(book.state) {
                if needs(of: other).contains(name) {
                    object("\(name.qualified) was stopped at the end while \(other.qualified) needed it")
                }
            }
        case .health(let name, let verdict):
            books[name]?.verdict = (verdict.condition, now)
        case .groupAdded, .groupRemoved, .supervisorRunning, .supervisorStopping, .action, .tick, .remote, .output:
            break
        }
    }

    /// The daemon was killed before it knew what had become of this start: it is made again.
    mutating func birthLost(_ worker: WorkerID) { lostBirths.insert(worker) }

    mutating func ended(_ worker: WorkerID, _ name: SlotName) {
        if books[name]?.living == worker { books[name]?.living = nil }
    }

    /// A directive about a worker, whichever.
    mutating func ordered(_ what: String, _ worker: WorkerID, _ name: SlotName?) {
        guard let name, let book = books[name], book.unreleased.contains(worker) else {
            return object("\(what) for \(worker.slot.number).\(worker.generation.number), which is gone")
        }
        if book.newest != worker { object("\(what) for an old generation of \(name.qualified)") }
    }

    mutating func signalled(_ worker: WorkerID, _ name: SlotName?, _ signal: Signal, isByPerson: Bool) {
        ordered("signal \(signal.number)", worker, name)
        guard let name, let book = books[name], !isByPerson, !isEnding, signal != .resume else { return }
        // Whoever is not ready in time is ended, too.
        if book.mayBeStopped || book.isStoppedByPerson || book.state == .starting { return }
        if book.open == nil, !book.isStoppedByWarden {
            object("\(name.qualified) was signalled (\(signal.number)), and nobody has a reason to")
        } else if let until = book.lookedOverUntil, now < until {
            object("\(name.qualified) was signalled while it was looked over")
        }
    }

    mutating func lookedOver(_ worker: WorkerID, _ name: SlotName?, until: Instant) {
        ordered("forensics", worker, name)
        if let name { books[name]?.lookedOverUntil = until }
    }

    mutating func lookingOverEnded(_ worker: WorkerID, _ name: SlotName) {
        if books[name]?.newest == worker { books[name]?.lookedOverUntil = nil }
    }

    mutating func released(_ worker: WorkerID, _ name: SlotName?) {
        guard let name else { return object("released \(worker), which nobody knows") }
        if books[name]?.living == worker { object("released while alive: \(name.qualified)") }
        if books[name]?.unreleased.remove(worker) == nil { object("released twice: \(name.qualified)") }
    }

    // MARK: - People

    /// A person's command about slots: the breakers close, and an earlier stop no longer binds.
    mutating func commanded(_ names: [SlotName]) {
        for name in names + names.flatMap({ needs(of: $0) }) {
            for request in stopsPending.keys { stopsPending[request]?.removeAll { $0 == name } }
            books[name]?.isStoppedByPerson = false
            books[name]?.restarts = [:]
            books[name]?.givenUp = []
            books[name]?.respawnBy = nil
        }
    }

    /// A person wants these to stop, and with them whatever the answer is about.
    mutating func stopRequested(_ names: [SlotName], by request: RequestID) {
        updateRequested(names, by: request)
        for name in names { books[name]?.keptAsItIs = [] }
    }

    /// A person wants these to be as the file says: some are stopped for it, and others go on.
    mutating func updateRequested(_ names: [SlotName], by request: RequestID) {
        commanded(names)
        for name in names { books[name]?.mayBeStopped = true }
        stopsPending[request] = names
    }

    /// Nobody waits for its answer any more.
    mutating func abandoned(_ request: RequestID) { stopsPending[request] = nil }

    mutating func replied(_ request: RequestID, _ reply: Reply) {
        guard let names = stopsPending.removeValue(forKey: request) else { return }
        switch reply {
        case .done: for name in names { books[name]?.isStoppedByPerson = true }
        case .outcomes(let outcomes):
            for outcome in outcomes where outcome.refusal == nil && names.contains(outcome.name) {
                books[outcome.name]?.isStoppedByPerson = true
            }
        case .refused, .snapshots, .explanations, .differences, .updated, .daemonState, .drill: break
        }
    }

    mutating func paused(_ name: SlotName, until: Instant?, isPaused: Bool) {
        books[name]?.isPaused = isPaused
        books[name]?.pausedUntil = until
    }

    mutating func endBegan() {
        isEnding = true
        for name in books.keys { books[name]?.respawnBy = nil }
    }

    // MARK: - The end

    /// At the end of a run: nothing lives, everything was reaped, released, closed and answered.
    mutating func finish() {
        for (name, book) in books.sorted(by: { $0.key < $1.key }) {
            if book.living != nil { object("\(name.qualified) is still alive at the end") }
            if !book.unreleased.isEmpty { object("\(name.qualified) was never released") }
            if let open = book.open { object("incident \(open.id) of \(name.qualified) has no outcome at the end") }
            if !book.openAlerts.isEmpty {
                object("alerts of \(name.qualified) are open at the end: \(book.openAlerts.keys.sorted())")
            }
        }
        if !stopsPending.isEmpty { object("stops were never answered: \(stopsPending.count)") }
    }
}
