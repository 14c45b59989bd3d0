import WardenCore
import WardenRuntime

/// A machine whose kernel, clock, workers and people are drawn from one seed. It can object: `checker` knows what must
/// never happen.
struct SimulatedMachine: Machine, ~Copyable {
    /// What is scheduled.
    enum Happening {
        case event(Event)
        case sampleDue(WorkerID)
        case childEnds(WorkerID, ExitStatus)
        case personActs
        /// A person comes back to a worker that was stopped.
        case personStarts(SlotName)
        case worldActs
    }

    private struct Child {
        var worker: WorkerID
        var spec: ProgramSpec
        var body: SimulatedWorker
        var isAlive = true
    }

    private(set) var checker: Checker
    private(set) var samplesTaken = 0
    /// A running digest of every event and every verb: equal traces have equal digests.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private var clock = Instant.origin
    private var heap = EventHeap<Happening>()
    private var children: [SlotID: Child] = [:]
    private var dice: Dice
    private let endsAt: Instant
    private let names: [SlotName]
    private let groups: [GroupSpec]
    private var nextRequest: UInt64 = 1

    init(seed: UInt64, groups: [GroupSpec], duration: Duration) {
        dice = Dice(seed: seed ^ 0xD1CE)
        endsAt = .origin + duration
        checker = Checker(groups: groups)
        self.groups = groups
        names = groups.flatMap { $0.programs.map(\.name) }
        heap.schedule(.event(.ready), at: .origin)
        heap.schedule(.personActs, at: .origin + .seconds(600))
        heap.schedule(.worldActs, at: .origin + .seconds(400))
        heap.schedule(.event(.endRequested(.shutdown)), at: endsAt)
    }

    var isQuiet: Bool { children.values.allSatisfy { !$0.isAlive } }

    mutating func now() -> Moment {
        Moment(instant: clock, wall: WallTime(microseconds: 1_700_000_000_000_000 + clock.nanoseconds / 1000))
    }

    mutating func waitForEvents(until deadline: Instant?, into events: inout [Event]) {
        guard let next = heap.nextAt, next <= deadline ?? .distantFuture else {
            // Nothing but the supervisor's own deadline is left to wait for.
            clock = max(clock, deadline ?? clock)
            return
        }
        guard let (at, happening) = heap.popFirst() else { return }
        clock = max(clock, at)
        switch happening {
        case .event(let event): events.append(event)
        case .sampleDue(let worker): sample(worker, into: &events)
        case .childEnds(let worker, let status): end(worker, status, into: &events)
        case .personActs: personActs(into: &events)
        case .personStarts(let name):
            checker.commanded([name])
            let selection = Selection.slot(group: name.group, process: name.process)
            events.append(.requested(newRequest(), .start(selection, wait: true)))
        case .worldActs: worldActs(into: &events)
        }
        for event in events { fold(event) }
    }

    private mutating func fold(_ event: Event) {
        switch event {
        case .worker(let worker, .sampled), .worker(let worker, .logged):
            // Their contents follow from the seed; hashing each would be most of the run.
            mix(UInt64(worker.slot.number) << 32 | UInt64(worker.generation.number))
        default: mix(String(describing: event))
        }
    }

    private mutating func mix(_ number: UInt64) {
        digest = (digest ^ number) &* 0x0000_0100_0000_01B3
        digest = (digest ^ UInt64(bitPattern: clock.nanoseconds)) &* 0x0000_0100_0000_01B3
    }

    private mutating func mix(_ text: String) {
        for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        mix(0)
    }

    // MARK: - Workers

    mutating func spawn(_ worker: WorkerID, _ spec: ProgramSpec, restartCount: Int, reason: RestartReason?) {
        mix("spawn \(worker.slot.number) \(worker.generation.number)")
        checker.spawned(worker, spec.name, at: clock)
        if dice.fraction() < 0.01 {
            let failure = SpawnFailure(stage: .clone, errorNumber: 11, subject: "", explanation: "try again")
            checker.spawnFailed(worker)
            heap.schedule(.event(.worker(worker, .spawnFailed(failure))), at: clock + .milliseconds(1))
            return
        }
        let characters = SimulatedWorker.Character.allCases
        let character = dice.fraction() < 0.2 ? .well : characters[Int(dice.next() % UInt64(characters.count))]
        let body = SimulatedWorker(character, startedAt: clock, dice: &dice)
        children[worker.slot] = Child(worker: worker, spec: spec, body: body)
        heap.schedule(.event(.worker(worker, .spawned(pid: Int32(worker.slot.number)))), at: clock + .milliseconds(2))
        heap.schedule(.sampleDue(worker), at: clock + spec.health.interval)
        if spec.supervision.readiness == .notify, dice.fraction() < 0.8 {
            let delay = Duration.milliseconds(Int64(5 + dice.fraction() * 8000))
            heap.schedule(.event(.worker(worker, .becameReady)), at: clock + delay)
        }
        if let (at, status) = body.endsByItselfAt(dice: &dice) { heap.schedule(.childEnds(worker, status), at: at) }
    }

    private mutating func sample(_ worker: WorkerID, into events: inout [Event]) {
        guard var child = children[worker.slot], child.worker == worker, child.isAlive else { return }
        samplesTaken += 1
        events.append(.worker(worker, .logged(child.body.facts(at: clock))))
        events.append(.worker(worker, .sampled(child.body.sample(at: clock))))
        children[worker.slot] = child
        heap.schedule(.sampleDue(worker), at: clock + child.spec.health.interval)
    }

    private mutating func end(_ worker: WorkerID, _ status: ExitStatus, into events: inout [Event]) {
        guard var child = children[worker.slot], child.worker == worker, child.isAlive else { return }
        child.isAlive = false
        children[worker.slot] = child
        checker.ended(worker)
        events.append(.worker(worker, .exited(status)))
    }

    mutating func signal(_ worker: WorkerID, _ signal: Signal, _ reach: Reach) {
        mix("signal \(worker.slot.number) \(signal.number)")
        checker.signalled(worker)
        guard let child = children[worker.slot], child.worker == worker, child.isAlive else { return }
        let isKill = signal == .kill
        if !isKill, child.body.ignoresStopSignal || child.body.isStopped && reach != .tree { return }
        let delay: Duration = isKill ? .milliseconds(1) : .milliseconds(Int64(dice.fraction() * 3000))
        heap.schedule(.childEnds(worker, .signal(signal.number, coreDumped: false)), at: clock + delay)
    }

    mutating func release(_ worker: WorkerID, sweep: Bool) {
        mix("release \(worker.slot.number)")
        checker.released(worker)
        if children[worker.slot]?.worker == worker { children[worker.slot] = nil }
    }

    mutating func collectForensics(_ worker: WorkerID, budget: Duration, command: String?) {
        // At times the reader is stuck and never answers: the policy's own deadline must do.
        guard dice.fraction() < 0.9 else { return }
        heap.schedule(.event(.worker(worker, .forensicsCollected(Forensics()))), at: clock + budget * 0.5)
    }

    mutating func takeCensus(of worker: WorkerID) {
        guard dice.fraction() < 0.9 else { return }
        let kinds = [Forensics.KindCount(kind: "pipe", count: Int(dice.next() % 200))]
        heap.schedule(.event(.worker(worker, .censusTaken(kinds))), at: clock + .milliseconds(20))
    }

    mutating func readWaits(_ worker: WorkerID) {
        mix("waits \(worker.slot.number)")
        // At times the reader is stuck and never answers.
        guard dice.fraction() < 0.9, let child = children[worker.slot], child.worker == worker else { return }
        heap.schedule(.event(.worker(worker, .waitsRead(child.body.waits(at: clock)))), at: clock + .milliseconds(2))
    }

    mutating func runHook(_ worker: WorkerID, _ hook: Hook, command: String, timeout: Duration) {
        let result: HookResult =
            dice.fraction() < 0.8
            ? .exited(code: 0, output: dice.fraction() < 0.5 ? "3\n" : "0\n") : .failed(reason: "timed out")
        heap.schedule(.event(.worker(worker, .hookEnded(hook, result))), at: clock + timeout * dice.fraction())
    }

    mutating func probe(_ worker: WorkerID, _ probe: HealthSpec.Probe, timeout: Duration) {
        let result: HookResult = dice.fraction() < 0.5 ? .exited(code: 0, output: "") : .failed(reason: "refused")
        heap.schedule(.event(.worker(worker, .hookEnded(.probe, result))), at: clock + timeout * dice.fraction())
    }

    mutating func raiseDescriptorLimit(of worker: WorkerID, pid: Int32) {
        mix("aid \(worker.slot.number)")
        let raise: LimitRaise =
            dice.fraction() < 0.8 ? .raised(pid: pid, from: 256, to: 4096) : .refused(reason: "EPERM")
        // At times it is never answered.
        if dice.fraction() < 0.9 {
            heap.schedule(.event(.worker(worker, .descriptorLimitRaised(raise))), at: clock + .milliseconds(1))
        }
    }

    mutating func lowerDescriptorLimit(of worker: WorkerID, pid: Int32) {
        mix("lower \(worker.slot.number)")
        let answer: LimitLowering =
            dice.fraction() < 0.8 ? .lowered(pid: pid, from: 256, to: 16) : .refused(reason: "EPERM")
        heap.schedule(.event(.worker(worker, .descriptorLimitLowered(answer))), at: clock + .milliseconds(1))
    }

    mutating func restoreDescriptorLimit(of worker: WorkerID, pid: Int32, from lowered: Int, to soft: Int) {
        mix("restore \(worker.slot.number)")
    }

    mutating func queryDemand(_ worker: WorkerID, url: String, timeout: Duration) {
        runHook(worker, .demand, command: url, timeout: timeout)
    }

    mutating func loadConfiguration(for request: RequestID?) {
        heap.schedule(.event(.configurationLoaded(request, .success(groups))), at: clock + .milliseconds(5))
    }

    // MARK: - People and the world

    private mutating func personActs(into events: inout [Event]) {
        guard clock < endsAt else { return }
        heap.schedule(.personActs, at: clock + .seconds(600 + 7200 * dice.fraction()))
        let name = names[Int(dice.next() % UInt64(names.count))]
        let selection = Selection.slot(group: name.group, process: name.process)
        let request = newRequest()
        switch dice.next() % 4 {
        case 0:
            checker.commanded([name])
            checker.stopRequested(name, by: request)
            events.append(.requested(request, .stop(selection, wait: true)))
            heap.schedule(.personStarts(name), at: clock + .seconds(900))
        case 1:
            checker.commanded([name])
            events.append(.requested(request, .start(selection, wait: dice.fraction() < 0.5)))
        case 2:
            checker.commanded(names.filter { $0.group == name.group })
            events.append(.requested(request, .start(.group(name.group), wait: true)))
        default: events.append(.requested(request, .snapshot(.all)))
        }
    }

    private mutating func newRequest() -> RequestID {
        defer { nextRequest += 1 }
        return RequestID(nextRequest)
    }

    private mutating func worldActs(into events: inout [Event]) {
        guard clock < endsAt else { return }
        heap.schedule(.worldActs, at: clock + .seconds(300 + 3600 * dice.fraction()))
        let living = children.values.filter(\.isAlive).map(\.worker).sorted { $0.slot < $1.slot }
        guard !living.isEmpty else { return }
        let worker = living[Int(dice.next() % UInt64(living.count))]
        switch dice.next() % 4 {
        case 0: heap.schedule(.childEnds(worker, .signal(9, coreDumped: false)), at: clock)
        case 1: children[worker.slot]?.body.setStopped(dice.fraction() < 0.5)
        case 2:
            events.append(.localHealth(LocalHealth(doubts: ["sampler late"])))
            heap.schedule(.event(.localHealth(LocalHealth())), at: clock + .seconds(120))
        default:
            // Old news, which must be dropped.
            let stale = WorkerID(slot: worker.slot, generation: Generation(worker.generation.number &- 1))
            events.append(.worker(stale, .exited(.code(0))))
        }
    }

    // MARK: - Telling

    mutating func reply(_ request: RequestID, _ reply: Reply) {
        mix("reply \(request.number)")
        checker.replied(request, reply)
    }

    mutating func store(_ incident: Incident) {
        mix("incident \(incident.id) \(incident.outcome?.name ?? "")")
        checker.stored(incident, at: clock, groups: groups)
    }

    mutating func notify(_ notice: ServiceNotice) {
        if notice == .stopping { checker.endBegan() }
        mix(String(describing: notice))
    }

    mutating func log(_ record: LogRecord) { mix(record.message) }
    mutating func announce(_ announcement: Announcement) {
        checker.announced(announcement)
        mix(String(describing: announcement))
    }

    mutating func send(_ event: PoolEvent, to worker: WorkerID) { mix("send \(event.serial)") }
    mutating func disregardOutput(of worker: WorkerID) { mix("disregard \(worker.slot.number)") }
    mutating func writeInput(_ worker: WorkerID, _ bytes: [UInt8], for request: RequestID) { mix("\(bytes.count)") }

    mutating func post(_ alert: Alert) { mix("alert \(alert.eventName)") }
}
