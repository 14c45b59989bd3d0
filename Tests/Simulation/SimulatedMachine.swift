import WardenCore
import WardenRuntime

/// A machine whose kernel, clocks, workers, people and faults are drawn from one seed. It can object: `checker` knows
/// what must never happen.
struct SimulatedMachine: Machine, ~Copyable {
    /// What is scheduled.
    enum Happening {
        indirect case event(Event)
        /// What only a broken core believes; the books do not know of it.
        indirect case forged(Event)
        /// The sampler and the pump look at a group.
        case sweep(String)
        case childEnds(WorkerID, ExitStatus)
        case bodyEnds(WorkerID, ExitStatus)
        case personActs
        /// A person comes back to workers that were stopped.
        case personStarts(Selection)
        case personUpdates(String)
        case harm
        case sharedCause
        case clockSteps
        case stall
        case stallEnds(doubtless: Bool)
        case diskFills
        case diskEmpties
        case patrol
        case calm
        case lastOrders
        case ending
    }

    final class Child {
        let worker: WorkerID
        let spec: ProgramSpec
        var body: Body
        var pid: Int32
        var isAlive = true
        /// execve(2) is reached then; nothing is known of it before.
        var spawnedAt: Instant
        var missesLastSample = false
        /// It wrote something, and a progress line, which the pump has not read yet.
        var unread: (alive: Bool, progress: Bool)?

        init(worker: WorkerID, spec: ProgramSpec, body: Body, pid: Int32, spawnedAt: Instant) {
            self.worker = worker
            self.spec = spec
            self.body = body
            self.pid = pid
            self.spawnedAt = spawnedAt
        }
    }

    var checker: Checker
    var trace: Trace
    private(set) var samplesTaken = 0
    /// Seconds of slots that were watched.
    private(set) var workerSeconds = 0.0
    var clock = Instant.origin
    var wallOffset: Int64 = 1_700_000_000_000_000
    var utcOffset = 0
    var heap = EventHeap<Happening>()
    var children: [SlotID: Child] = [:]
    /// The living of each group.
    var rosters: [String: [Child]] = [:]
    var namesOfSlots: [SlotID: SlotName] = [:]
    var dice: Dice
    let weather: Weather
    let endsAt: Instant
    let calmAt: Instant
    let mutation: Mutation?
    /// What the core has been told is active, and what the file says by now; the real ones, not the core's.
    var active: [String: GroupSpec]
    var newest: [GroupSpec]
    var nextRequest: UInt64 = 1
    var requests: [RequestID: Errand] = [:]
    var curses: [SlotName: (kind: Body.Kind, until: Instant)] = [:]
    var isDiskFull = false
    var isSamplerStalled = false
    var isPumpStalled = false
    var isCalm = false
    var lostInARow = 0
    var signalsOfPeople = 0
    /// What the daemon remembers beyond its end, as it would be written; `nil`: nothing.
    var memory: CrashMemory?
    private var idleTurns = 0
    private var swept: Set<String> = []

    /// What a person does when an answer comes.
    enum Errand {
        case start(Selection)
        case load(then: String)
        case update(String)
        case adopt(GroupSpec)
    }

    init(seed: UInt64, groups: [GroupSpec], days: Double, mutation: Mutation?, isShadow: Bool, keeps: Int) {
        dice = Dice(seed: seed ^ 0xD1CE)
        weather = Weather(seed: seed)
        endsAt = .origin + .seconds(days * 86400)
        calmAt = endsAt - .seconds(10 * 3600)
        checker = Checker(groups: groups, isShadow: isShadow)
        trace = Trace(keeps: keeps)
        self.mutation = mutation
        newest = groups
        active = Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0) })
        heap.schedule(.event(.localTimeMoved(utcOffsetSeconds: 0)), at: .origin)
        heap.schedule(.event(.ready), at: .origin)
        for group in groups { heap.schedule(.sweep(group.name), at: .origin + .seconds(3)) }
        if weather.peopleHours != nil { heap.schedule(.personActs, at: .origin + .seconds(600)) }
        if weather.harmHours != nil { heap.schedule(.harm, at: .origin + .seconds(400)) }
        if weather.sharedHours != nil { heap.schedule(.sharedCause, at: .origin + .seconds(7000)) }
        if weather.clockHours != nil { heap.schedule(.clockSteps, at: .origin + .seconds(5000)) }
        if weather.stallHours != nil { heap.schedule(.stall, at: .origin + .seconds(3000)) }
        if weather.diskHours != nil { heap.schedule(.diskFills, at: .origin + .seconds(9000)) }
        heap.schedule(.patrol, at: .origin + .seconds(3600))
        heap.schedule(.calm, at: calmAt)
        heap.schedule(.lastOrders, at: endsAt - .seconds(3600))
        heap.schedule(.ending, at: endsAt)
    }

    mutating func now() -> Moment { Moment(instant: clock, wall: wall) }

    var wall: WallTime { WallTime(microseconds: wallOffset + clock.nanoseconds / 1000) }

    mutating func waitForEvents(until deadline: Instant?, into events: inout [Event]) {
        guard let next = heap.nextAt, next <= deadline ?? .distantFuture else {
            // Nothing but the supervisor's own deadline is left to wait for.
            idleTurns = (deadline ?? clock) > clock ? 0 : idleTurns + 1
            if idleTurns > 100 {
                checker.object("the deadline lies in the past for ever")
                clock = clock + .seconds(1)
                idleTurns = 0
            }
            tick(to: deadline ?? clock)
            return
        }
        idleTurns = 0
        guard let (at, happening) = heap.popFirst() else { return }
        tick(to: at)
        happen(happening, at: at, into: &events)
        if let mutation {
            let children = children
            events = events.compactMap { mutation.event($0) { children[$0]?.worker } }
        }
        for event in events { fold(event) }
    }

    private mutating func tick(to instant: Instant) {
        clock = max(clock, instant)
        checker.now = clock
    }

    private mutating func happen(_ happening: Happening, at: Instant, into events: inout [Event]) {
        switch happening {
        case .event(let event): received(event, into: &events)
        case .forged(let event): events.append(event)
        case .sweep(let group): sweep(group, at: at, into: &events)
        case .childEnds(let worker, let status): end(worker, status, into: &events)
        case .bodyEnds(let worker, let status):
            // Its own end, unless it has become ill in another way meanwhile.
            guard let body = children[worker.slot]?.body, [.crashing, .finishing, .stillborn].contains(body.kind) else {
                return
            }
            end(worker, status, into: &events)
        case .personActs: personActs(into: &events)
        case .personStarts(let selection): start(selection, into: &events)
        case .personUpdates(let group): beginUpdate(of: group, into: &events)
        case .harm: harm(into: &events)
        case .sharedCause: shareCause()
        case .clockSteps: stepClock(into: &events)
        case .stall: stall(into: &events)
        case .stallEnds(let doubtless): endStall(doubtless: doubtless, into: &events)
        case .diskFills:
            guard !isCalm else { return }
            isDiskFull = true
            heap.schedule(.diskEmpties, at: clock + .seconds(300 + 3000 * dice.fraction()))
        case .diskEmpties:
            isDiskFull = false
            heap.schedule(.diskFills, at: clock + .seconds((weather.diskHours ?? 24) * 3600 * (0.5 + dice.fraction())))
        case .patrol:
            checker.patrol(bodies: bodies())
            heap.schedule(.patrol, at: clock + .seconds(3600))
        case .calm: calmDown(into: &events)
        case .lastOrders: lastOrders(into: &events)
        case .ending:
            checker.judgeCalm(bodies: bodies(), since: calmAt)
            events.append(.endRequested(.shutdown))
            checker.endBegan()
        }
    }

    /// The real thing reaches the books when it reaches the core.
    private mutating func received(_ event: Event, into events: inout [Event]) {
        switch event {
        case .worker(let worker, .forensicsCollected):
            if let name = namesOfSlots[worker.slot] { checker.lookingOverEnded(worker, name) }
        case .localHealth(let health):
            let isDoubtful = !health.doubts.isEmpty
            if checker.isDoubtful || isDoubtful { checker.doubtsEndedAt = clock }
            checker.isDoubtful = isDoubtful
        default: break
        }
        events.append(event)
    }

    func bodies() -> [SlotName: Body] {
        var bodies: [SlotName: Body] = [:]
        for child in children.values where child.isAlive { bodies[child.spec.name] = child.body }
        return bodies
    }

    private mutating func fold(_ event: Event) {
        trace.fold(UInt64(bitPattern: clock.nanoseconds))
        switch event {
        case .worker(let worker, .sampled(let sample)):
            trace.fold(UInt64(worker.slot.number) << 32 | UInt64(worker.generation.number))
            guard case .tree(let tree) = sample.readings else { return }
            trace.fold(UInt64(tree.tightest?.count ?? -1 &+ 1))
            trace.fold(UInt64(tree.treeRSSBytes))
            trace.fold(tree.io?.readBytes ?? 0)
            trace.fold(UInt64(tree.rootState.rawValue))
        case .worker(let worker, .logged(let facts)) where facts.episodes.isEmpty:
            trace.fold(UInt64(worker.slot.number) << 32 | UInt64(worker.generation.number))
            trace.fold(facts.lastAlive?.line ?? 0)
            trace.fold(facts.progressLineCount)
        case .worker(let worker, let fact):
            trace.fold("> \(worker.slot.number).\(worker.generation.number) \(fact.word)", at: clock)
        default: trace.fold("> \(event.word)", at: clock)
        }
    }

    mutating func note(_ text: String) { trace.fold("< \(text)", at: clock) }

    // MARK: - What the sampler and the pump see

    private mutating func sweep(_ name: String, at: Instant, into events: inout [Event]) {
        guard let group = active[name], let health = group.programs.first?.health else { return }
        heap.schedule(.sweep(name), at: at + health.interval)
        workerSeconds += health.interval.inSeconds * Double(group.programs.count)
        let hasWork = hasWork(name, at: at)
        let limit = health.rssLimitBytes ?? 1 << 30
        for child in rosters[name] ?? [] where child.isAlive && child.spawnedAt <= at {
            look(child, at: at, hasWork: hasWork, limit: limit, into: &events)
        }
    }

    private mutating func look(_ child: Child, at: Instant, hasWork: Bool, limit: Int64, into events: inout [Event]) {
        publish(child, at: at, hasWork: hasWork, into: &events)
        guard !isSamplerStalled else { return }
        let isMissed =
            !isCalm && weather.missedSample > 0 && !child.missesLastSample && dice.fraction() < weather.missedSample
        child.missesLastSample = isMissed
        guard !isMissed else { return }
        var sample = child.body.sample(at: at, limit: limit)
        if !isCalm, weather.tornSample > 0, dice.fraction() < weather.tornSample {
            tear(&sample)
            child.body.shownInKernel = 0
        } else if child.body.isInKernel(at: at) {
            child.body.shownInKernel += 1
        } else if child.body.stoppedSince != nil {
            child.body.shownStoppedAt = clock
        }
        samplesTaken += 1
        events.append(.worker(child.worker, .sampled(sample)))
    }

    private mutating func publish(_ child: Child, at: Instant, hasWork: Bool, into events: inout [Event]) {
        var facts = child.body.facts(at: at, hasWork: hasWork)
        if isPumpStalled {
            // It is read when the pump turns again, and counts from then.
            let before = child.unread ?? (false, false)
            child.unread = (before.alive || facts.lastAlive != nil, before.progress || facts.lastProgress != nil)
            return
        }
        if let unread = child.unread {
            child.unread = nil
            child.body.readLate(&facts, at: at, unread)
        }
        if weather.logBurst > 0, facts.lastAlive != nil, dice.fraction() < weather.logBurst {
            facts.progressLineCount *= 1_000_000
            facts.errorLineCount += 1000
        }
        events.append(.worker(child.worker, .logged(facts)))
    }

    /// Half of the files could be read, or none.
    private mutating func tear(_ sample: inout Sample) {
        guard case .tree(var tree) = sample.readings else { return }
        switch dice.next() % 4 {
        case 0: sample.readings = .failure(3)
        case 1: sample.readings = .failure(13)
        case 2:
            tree.tightest = nil
            sample.readings = .tree(tree)
        default:
            tree.io = nil
            sample.readings = .tree(tree)
        }
    }

    /// Whether there is work for a group now; it comes and goes in hours.
    func hasWork(_ group: String, at: Instant) -> Bool {
        guard checkerDemand(group), !isCalm else { return true }
        let hour = UInt64(max(0, at.nanoseconds / 5_400_000_000_000))
        return (hour &* 2_654_435_761 >> 7) % 3 != 0
    }

    private func checkerDemand(_ group: String) -> Bool {
        active[group]?.programs.first.map { $0.health.demand != .none } ?? false
    }
}
