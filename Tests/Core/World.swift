import WardenCore

/// A small world around a `Supervisor`: it starts and ends processes as it is told, answers, and objects to what must
/// never happen.
struct World {
    /// A process that the supervisor ordered.
    struct Child: Hashable {
        var pid: Int32
        /// It ends by the stop signal.
        var obeys: Bool
    }

    var supervisor: Supervisor
    var dice = Dice(seed: 7)
    /// Nanoseconds since the origin: whole numbers, so that a deadline is met exactly.
    private var clock: Int64 = 0
    /// Every process that lives, by the worker it is.
    private(set) var children: [WorkerID: Child] = [:]
    /// What must never happen, and did.
    private(set) var objections: [String] = []
    /// Every directive since the start.
    private(set) var record: [Directive] = []
    /// Processes end by the stop signal.
    var childrenObey = true
    /// How looking a worker over ends; `nil`: it never answers.
    var forensics: Forensics? = Forensics()
    /// What a census finds; `nil`: it never answers.
    var census: [Forensics.KindCount]?
    /// What a reading of waits finds; `nil`: it never answers.
    var waits: ((Instant) -> WaitReport)?
    /// What comes of first aid; `nil`: it is never answered.
    var firstAid: ((Int32) -> LimitRaise)? = { .raised(pid: $0, from: 2048, to: 8192) }
    /// What comes of lowering a limit for a drill.
    var lowering: (Int32) -> LimitLowering = { .lowered(pid: $0, from: 256, to: 10) }
    /// Processes whose limit a drill has lowered and not restored.
    private(set) var loweredLimits: Set<Int32> = []
    /// What a look at an old tree finds; `nil`: it is never answered.
    var oldTree: ((World) -> RespawnReport)? = { _ in RespawnReport() }
    /// Errno with which every start fails; `nil`: starts succeed.
    var startFailure: Int32?
    /// Answers that are on their way.
    private var answers: [Event] = []
    private var nextPID: Int32 = 1000
    /// Requests so far.
    private(set) var requestCount: UInt64 = 0

    /// - Parameter sharedCause: as `shared_cause`; most tests make many workers ill at once and ask for something else.
    init(
        _ groups: [GroupSpec], isShadow: Bool = false, seed: UInt64 = 7, sharedCause: Duration? = nil,
        isRecording: Bool = false
    ) {
        supervisor = Supervisor(
            groups: groups, isShadow: isShadow, sharedCauseWindow: sharedCause, isRecording: isRecording)
        dice = Dice(seed: seed)
    }

    /// Seconds since the origin.
    var now: Double { Double(clock) / 1e9 }

    /// The time now.
    var moment: Moment {
        Moment(
            instant: Instant(nanoseconds: clock),
            wall: WallTime(microseconds: 1_800_000_000_000_000 + clock / 1000))
    }

    // MARK: - Events

    /// Tells one event and carries out what it leads to, without its answers.
    @discardableResult
    mutating func tell(_ event: Event) -> [Directive] {
        let directives = supervisor.handle(event, at: moment, dice: &dice)
        for directive in directives { carryOut(directive) }
        record += directives
        return directives
    }

    /// Tells one event, then every answer that follows from it, until all is quiet.
    @discardableResult
    mutating func settle(_ event: Event? = nil) -> [Directive] {
        var all: [Directive] = event.map { tell($0) } ?? []
        while let answer = nextAnswer() { all += tell(answer) }
        return all
    }

    mutating func nextAnswer() -> Event? { answers.isEmpty ? nil : answers.removeFirst() }

    /// Lets time pass, and tells every deadline on the way.
    @discardableResult
    mutating func pass(_ seconds: Double) -> [Directive] {
        let end = clock + Int64((seconds * 1e9).rounded())
        var all: [Directive] = []
        var turns = 0
        // A world that has objected once need not go on for long.
        while objections.count < 3, let due = supervisor.nextDeadline(), due.nanoseconds <= end {
            turns += 1
            guard turns < 1_000 else {
                objections.append("a deadline that never goes away: \(due.nanoseconds) at \(now)")
                break
            }
            clock = max(clock, due.nanoseconds)
            all += settle(.timeReached)
        }
        clock = end
        return all
    }

    /// Time passes, and nobody is told.
    mutating func skip(to instant: Instant) { clock = max(clock, instant.nanoseconds) }

    /// A client's command; the answers that it gets.
    @discardableResult
    mutating func ask(_ command: Command, settles: Bool = true) -> [Directive] {
        requestCount += 1
        let request = RequestID(requestCount)
        return settles ? settle(.requested(request, command)) : tell(.requested(request, command))
    }

    /// Everything started, and up for longer than startsecs.
    mutating func boot() {
        settle(.ready)
        pass(2)
    }

    // MARK: - Workers

    /// The living worker of a slot, by the order of the configuration, from 0.
    func worker(_ position: Int) -> WorkerID {
        let slot = SlotID(UInt32(position) + 1)
        return children.keys.first { $0.slot == slot } ?? WorkerID(slot: slot, generation: Generation(0))
    }

    mutating func exits(_ position: Int, _ status: WardenCore.ExitStatus) -> [Directive] {
        let worker = worker(position)
        children[worker] = nil
        return settle(.worker(worker, .exited(status)))
    }

    /// A process ends by itself; its exit is told before any other answer.
    mutating func dies(_ worker: WorkerID, _ status: WardenCore.ExitStatus) {
        // Until execve is told, the kernel's answers come in their order: the spawn first.
        while answers.contains(where: { if case .worker(worker, .spawned) = $0 { true } else { false } }) {
            if let answer = nextAnswer() { tell(answer) }
        }
        guard children.removeValue(forKey: worker) != nil else { return }
        tell(.worker(worker, .exited(status)))
    }

    @discardableResult
    mutating func sample(_ position: Int, _ readings: TreeReadings = tree()) -> [Directive] {
        var readings = readings
        if readings.io == nil {
            readings.io = IOReading(readBytes: dice.next() >> 8, writtenBytes: 1, readCalls: 1, writeCalls: 1)
        }
        return settle(.worker(worker(position), .sampled(Sample(takenAt: moment.instant, readings: .tree(readings)))))
    }

    @discardableResult
    mutating func log(_ position: Int, _ facts: LogFacts) -> [Directive] {
        settle(.worker(worker(position), .logged(facts)))
    }

    /// Makes workers dark: three samples of a full table, then an error line each.
    @discardableResult
    mutating func darken(_ positions: Int...) -> [Directive] {
        for _ in 0..<3 {
            pass(5)
            for position in positions { sample(position, tree(fds: 255)) }
        }
        return positions.flatMap { log($0, failure(1_000_000, now, emfile: true)) }
    }

    /// Five healthy samples in as many intervals, after the grace.
    @discardableResult
    mutating func mend(_ positions: Int..., progress: Bool = false) -> [Directive] {
        var all: [Directive] = pass(61)
        for _ in 0..<5 {
            all += pass(5)
            for position in positions { all += sample(position) }
        }
        return all
    }

    /// Every snapshot, in order.
    mutating func snapshots() -> [WorkerSnapshot] {
        for case .reply(_, .snapshots(let snapshots)) in ask(.snapshot(.all)) { return snapshots }
        return []
    }

    var lastStatus: String? {
        for case .setStatus(let text) in record.reversed() { return text }
        return nil
    }

    // MARK: - Carrying out

    private mutating func carryOut(_ directive: Directive) {
        switch directive {
        case .spawn(let worker, _, _, _): spawn(worker)
        case .signal(let worker, let signal, let reach): deliver(signal, to: worker, reach)
        case .release(let worker, _):
            if children[worker] != nil { objections.append("released while alive: \(worker)") }
        case .collectForensics(let worker, _, _):
            if children[worker] == nil { objections.append("forensics of nobody: \(worker)") }
            if let forensics { answers.append(.worker(worker, .forensicsCollected(forensics))) }
        case .runHook(let worker, _, _, _):
            if children[worker] == nil { objections.append("hook for nobody: \(worker)") }
        case .raiseDescriptorLimit(let worker, let pid):
            if children[worker] == nil { objections.append("first aid for nobody: \(worker)") }
            if let firstAid { answers.append(.worker(worker, .descriptorLimitRaised(firstAid(pid)))) }
        case .lowerDescriptorLimit(let worker, let pid):
            if children[worker] == nil { objections.append("drill of nobody: \(worker)") }
            let answer = lowering(pid)
            if case .lowered = answer { loweredLimits.insert(pid) }
            answers.append(.worker(worker, .descriptorLimitLowered(answer)))
        case .examine(let worker, _, _):
            if children[worker] == nil { objections.append("examination of nobody: \(worker)") }
            if let forensics { answers.append(.worker(worker, .forensicsCollected(forensics))) }
        case .prepareRespawn(let worker, _, _):
            if children[worker] != nil { objections.append("look at the old tree of a living worker: \(worker)") }
            if let oldTree { answers.append(.worker(worker, .respawnPrepared(oldTree(self)))) }
        case .restoreDescriptorLimit(_, let pid, _, _): loweredLimits.remove(pid)
        case .examineSuccessor: break
        case .queryDemand(let worker, _, _):
            if children[worker] == nil { objections.append("question for nobody: \(worker)") }
        case .reportInvariant(let what): objections.append("violated: \(what)")
        case .probe(let worker, _, _):
            if children[worker] == nil { objections.append("probe of nobody: \(worker)") }
        case .takeCensus(let worker):
            if children[worker] == nil { objections.append("census of nobody: \(worker)") }
            if let census { answers.append(.worker(worker, .censusTaken(census))) }
        case .readWaits(let worker):
            if children[worker] == nil { objections.append("waits of nobody: \(worker)") }
            if let waits { answers.append(.worker(worker, .waitsRead(waits(moment.instant)))) }
        case .loadConfiguration, .reply, .log, .announce, .send, .writeInput, .disregardOutput, .recordIncident, .alert,
            .setStatus, .declareReady, .declareStopping, .extendTimeout, .finish, .storeRecord, .holdLeftOver:
            break
        }
    }

    private mutating func spawn(_ worker: WorkerID) {
        if let other = children.keys.first(where: { $0.slot == worker.slot }) {
            objections.append("two live children in a slot: \(other) and \(worker)")
        }
        if let startFailure {
            let failure = SpawnFailure(
                stage: .lookUp, errorNumber: startFailure, subject: "/usr/bin/worker", explanation: "")
            answers.append(.worker(worker, .spawnFailed(failure)))
            return
        }
        nextPID += 1
        children[worker] = Child(pid: nextPID, obeys: childrenObey)
        answers.append(.worker(worker, .spawned(pid: nextPID)))
    }

    private mutating func deliver(_ signal: Signal, to worker: WorkerID, _ reach: Reach) {
        guard let child = children[worker] else {
            // While the news of its end is on its way it may still be signalled: nobody can know better.
            let isEndKnown = !answers.contains { if case .worker(worker, _) = $0 { true } else { false } }
            if isEndKnown { objections.append("\(signal.name) to a dead generation: \(worker)") }
            return
        }
        let ends = signal == .kill || (signal == .terminate && child.obeys)
        guard ends, reach != .processIfCaught else { return }
        children[worker] = nil
        answers.append(.worker(worker, .exited(.signal(signal.number, coreDumped: false))))
    }
}

/// The directives without log lines and status: what is done, not what is said of it.
func deeds(_ directives: [Directive]) -> [Directive] {
    directives.filter {
        switch $0 {
        case .log, .setStatus, .takeCensus: false
        default: true
        }
    }
}

/// The deeds as short words, so that a whole list can be read at once.
func words(_ directives: [Directive]) -> [String] {
    deeds(directives).map { word($0) }
}

private func word(_ directive: Directive) -> String {
    switch directive {
    case .spawn(let worker, let spec, let restarts, _):
        "spawn \(spec.name.process).\(worker.generation.number) restarts \(restarts)"
    case .signal(let worker, let signal, let reach):
        "\(signal.name) \(reach) \(worker.slot.number).\(worker.generation.number)"
    case .release(let worker, let sweep):
        "release \(worker.slot.number).\(worker.generation.number)\(sweep ? " sweep" : "")"
    case .collectForensics(let worker, _, _): "forensics \(worker.slot.number).\(worker.generation.number)"
    case .runHook(let worker, let hook, let command, _): "hook \(hook) \(worker.slot.number) \(command)"
    case .probe(let worker, _, _): "probe \(worker.slot.number).\(worker.generation.number)"
    case .loadConfiguration: "load"
    case .reply(let request, let reply): "reply \(request.number) \(word(reply))"
    case .log, .setStatus, .takeCensus: ""
    case .announce(let announcement): word(announcement)
    case .send(let worker, let event): "send \(event.serial) to \(worker.slot.number).\(worker.generation.number)"
    case .writeInput(let worker, let bytes, _): "write \(bytes.count) to \(worker.slot.number)"
    case .disregardOutput(let worker): "disregard \(worker.slot.number)"
    case .recordIncident(let incident):
        "record \(incident.worker.process) \(incident.verdict.condition.name) \(incident.action)"
            + (incident.outcome.map { " \($0.name)" } ?? "")
    case .alert(let alert): "alert \(alert.phase) \(alert.incident.worker.process) \(alert.eventName)"
    case .declareReady: "ready"
    case .declareStopping: "stopping"
    case .extendTimeout(let duration): "extend \(duration.spoken)"
    case .finish(let end): "finish \(end)"
    case .reportInvariant(let what): "violated \(what)"
    case .readWaits(let worker): "waits \(worker.slot.number).\(worker.generation.number)"
    case .raiseDescriptorLimit(let worker, let pid): "aid \(worker.slot.number).\(worker.generation.number) pid \(pid)"
    case .lowerDescriptorLimit(let worker, let pid):
        "lower \(worker.slot.number).\(worker.generation.number) pid \(pid)"
    case .restoreDescriptorLimit(_, let pid, let from, let to): "restore pid \(pid) \(from) to \(to)"
    case .examine(let worker, _, _): "examine \(worker.slot.number).\(worker.generation.number)"
    case .prepareRespawn(let worker, _, _): "prepare \(worker.slot.number).\(worker.generation.number)"
    case .examineSuccessor(let request): "examine successor for \(request?.number ?? 0)"
    case .holdLeftOver(let worker, _, let pid): "hold \(worker.slot.number) \(pid)"
    case .storeRecord(let block): "store \(block.sampleCount) samples"
    case .queryDemand(let worker, let url, _): "query \(worker.slot.number) \(url)"
    }
}

private func word(_ reply: Reply) -> String {
    switch reply {
    case .done: "done"
    case .refused(let refusal): "refused \(refusal)"
    case .outcomes(let outcomes):
        outcomes.map { $0.name.process + ($0.refusal.map { " \($0)" } ?? "") }.joined(separator: ", ")
    case .snapshots(let snapshots): "\(snapshots.count) snapshots"
    case .explanations(let explanations): "\(explanations.count) explanations"
    case .updated(let kept): "updated, kept \(kept.map(\.qualified))"
    case .differences(let added, let changed, let removed): "added \(added) changed \(changed) removed \(removed)"
    case .daemonState(let mood): "\(mood)"
    case .drill(let report): "drill \(report.kind) \(report.end ?? "goes on")"
    }
}

private func word(_ announcement: Announcement) -> String {
    switch announcement {
    case .processState(let name, let state, _, _, _, _): "\(name.process) \(state.word)"
    case .groupAdded(let name): "added \(name)"
    case .groupRemoved(let name): "removed \(name)"
    case .supervisorRunning: "running"
    case .supervisorStopping: "supervisor stopping"
    case .health(let name, let verdict): "\(name.process) is \(verdict.condition.name) \(verdict.grade)"
    case .action(let alert): "action \(alert.phase)"
    case .tick(let period, let when): "tick \(period.rawValue) \(when)"
    case .remote(let type, let data): "remote \(type) \(data)"
    case .output(let name, _, let channel, let kind, let text): "\(name.process) \(channel) \(kind) \(text)"
    }
}
