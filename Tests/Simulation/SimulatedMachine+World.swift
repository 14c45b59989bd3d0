import WardenCore

/// The world's part: people, and what befalls workers, clocks and observers.
extension SimulatedMachine {
    private mutating func later(_ happening: Happening, _ hours: Double?) {
        guard let hours else { return }
        heap.schedule(happening, at: clock + .seconds(60 + hours * 3600 * 2 * dice.fraction()))
    }

    private mutating func pick<T>(_ choices: [T]) -> T? {
        choices.isEmpty ? nil : choices[Int(dice.next() % UInt64(choices.count))]
    }

    private var names: [SlotName] { active.values.flatMap { $0.programs.map(\.name) }.sorted() }

    private func selected(_ selection: Selection) -> [SlotName] {
        switch selection {
        case .all: names
        case .group(let group): names.filter { $0.group == group }
        case .slot(let group, let process): [SlotName(group: group, process: process)]
        }
    }

    mutating func newRequest(_ errand: Errand? = nil) -> RequestID {
        defer { nextRequest += 1 }
        let request = RequestID(nextRequest)
        requests[request] = errand
        return request
    }

    // MARK: - People

    mutating func personActs(into events: inout [Event]) {
        guard !isCalm else { return }
        later(.personActs, weather.peopleHours)
        guard let name = pick(names) else { return }
        let selection: Selection =
            dice.fraction() < 0.8 ? .slot(group: name.group, process: name.process) : .group(name.group)
        switch dice.next() % 10 {
        case 0:
            stop(selection, errand: nil, into: &events)
            heap.schedule(.personStarts(selection), at: clock + .seconds(2000 * dice.fraction()))
            // Nobody waits for the answer of some.
            if dice.fraction() < 0.1 {
                let request = RequestID(nextRequest - 1)
                checker.abandoned(request)
                events.append(.abandoned(request))
            }
        case 1: start(selection, into: &events)
        case 2, 3: stop(selection, errand: .start(selection), into: &events)
        case 4:
            signalsOfPeople = selected(selection).count
            let signal = pick([Signal(1), Signal(10), Signal.terminate, Signal.kill]) ?? .terminate
            events.append(.requested(newRequest(), .signal(selection, signal)))
        case 5: pause(selection, into: &events)
        case 6:
            for name in selected(selection) { checker.paused(name, until: nil, isPaused: false) }
            events.append(.requested(newRequest(), .resumeHealth(selection)))
        case 7: if weather.isReconfigured { edit(into: &events) }
        case 8: events.append(.requested(newRequest(), .explain(selection)))
        default: events.append(.requested(newRequest(), .snapshot(.all)))
        }
    }

    private mutating func pause(_ selection: Selection, into events: inout [Event]) {
        let duration: Duration? = dice.fraction() < 0.5 ? .seconds(7200 * dice.fraction()) : nil
        for name in selected(selection) {
            checker.paused(name, until: duration.map { clock + $0 }, isPaused: true)
        }
        events.append(
            .requested(
                newRequest(), duration.map { .pauseHealthFor(selection, $0) } ?? .pauseHealth(selection)))
    }

    private mutating func stop(_ selection: Selection, errand: Errand?, into events: inout [Event]) {
        let request = newRequest(errand)
        checker.stopRequested(selected(selection), by: request)
        events.append(.requested(request, .stop(selection, wait: true)))
        if mutation == .undoesStops, dice.fraction() < 0.2 {
            heap.schedule(.event(.requested(newRequest(), .start(selection, wait: false))), at: clock + .seconds(60))
        }
    }

    mutating func start(_ selection: Selection, into events: inout [Event]) {
        checker.commanded(selected(selection))
        events.append(.requested(newRequest(), .start(selection, wait: dice.fraction() < 0.5)))
    }

    private mutating func edit(into events: inout [Event]) {
        newest = WorldSpec.edited(newest, &dice)
        guard let group = pick(newest.map(\.name).filter { $0 != "base" }) else { return }
        events.append(.requested(newRequest(.load(then: group)), .reread))
    }

    mutating func beginUpdate(of group: String, into events: inout [Event]) {
        let names = names.filter { $0.group == group }
        let request = newRequest(.update(group))
        checker.updateRequested(names, by: request)
        events.append(.requested(request, .stopOutdated(group)))
    }

    mutating func reply(_ request: RequestID, _ reply: Reply) {
        note("reply \(request.number) \(reply.word)")
        checker.replied(request, reply)
        guard let errand = requests.removeValue(forKey: request) else { return }
        let soon = clock + .milliseconds(5)
        switch errand {
        case .start(let selection): heap.schedule(.personStarts(selection), at: soon)
        case .load(let group):
            if case .differences = reply { heap.schedule(.personUpdates(group), at: soon) }
        case .update(let name):
            guard let group = newest.first(where: { $0.name == name }) else { return }
            checker.commanded(names.filter { $0.group == name })
            heap.schedule(.event(.requested(newRequest(.adopt(group)), .updateGroup(name))), at: soon)
            // Whoever was stopped for nothing is started by the person who did it.
            heap.schedule(.personStarts(.group(name)), at: soon + .seconds(60))
        case .adopt(let group):
            guard case .updated = reply else { return }
            active[group.name] = group
            checker.adopt(group)
        }
    }

    // MARK: - Harm

    mutating func harm(into events: inout [Event]) {
        guard !isCalm else { return }
        later(.harm, weather.harmHours)
        let living = children.values.filter(\.isAlive).map(\.worker).sorted { $0.slot < $1.slot }
        guard let worker = pick(living), let child = children[worker.slot] else { return }
        switch dice.next() % 6 {
        case 0: end(worker, .signal(9, coreDumped: false), into: &events)
        case 1, 2: children[worker.slot]?.body.setStopped(child.body.stoppedSince == nil, at: clock)
        case 3:
            for slot in living.map(\.slot) { children[slot]?.body.setStopped(false, at: clock) }
        default: tellOldNews(of: worker, into: &events)
        }
    }

    /// What a former generation left behind arrives late, and must be dropped.
    private mutating func tellOldNews(of worker: WorkerID, into events: inout [Event]) {
        guard worker.generation.number > 1 else { return }
        let stale = WorkerID(slot: worker.slot, generation: Generation(worker.generation.number - 1))
        let facts: [WorkerFact] = [
            .exited(.code(0)), .forensicsCollected(Forensics()), .hookEnded(.drain, .exited(code: 0, output: "")),
            .hookEnded(.stop, .failed(reason: "old")), .spawned(pid: 1), .signalFailed(1), .becameReady,
        ]
        if let fact = pick(facts) { events.append(.worker(stale, fact)) }
    }

    /// Several turn ill in the same way at once.
    mutating func shareCause() {
        guard !isCalm else { return }
        later(.sharedCause, weather.sharedHours)
        guard let kind = pick(Body.contagious) else { return }
        let living = children.values.filter { $0.isAlive && $0.spec.name.group != "base" }.map(\.worker.slot).sorted()
        let count = Int(2 + dice.next() % 6)
        for slot in living.filter({ _ in dice.fraction() < 0.6 }).prefix(count) {
            if let child = children[slot], !child.body.isIll(at: clock) { child.body.turn(kind, at: clock) }
        }
    }

    /// The wall clock is set, or the host sleeps; the clock that decides does not move.
    mutating func stepClock(into events: inout [Event]) {
        guard !isCalm else { return }
        later(.clockSteps, weather.clockHours)
        if dice.fraction() < 0.3 {
            utcOffset = Int(dice.next() % 25) * 3600 - 12 * 3600
            events.append(.localTimeMoved(utcOffsetSeconds: utcOffset))
            return
        }
        let isSleep = dice.fraction() < 0.5
        wallOffset += Int64((isSleep ? dice.fraction() : 2 * dice.fraction() - 1) * 36_000_000_000)
        if isSleep { doubt("the host was suspended", into: &events, for: .seconds(30)) }
    }

    private mutating func doubt(_ text: String, into events: inout [Event], for duration: Duration) {
        checker.doubtsEndedAt = clock
        checker.isDoubtful = true
        events.append(.localHealth(LocalHealth(doubts: [text])))
        heap.schedule(.stallEnds(doubtless: true), at: clock + duration)
    }

    /// The sampler, the pump or the shell itself stands still for a while.
    mutating func stall(into events: inout [Event]) {
        guard !isCalm else { return }
        later(.stall, weather.stallHours)
        let duration = Duration.seconds(5 + 900 * dice.fraction())
        switch dice.next() % 4 {
        case 0:
            isSamplerStalled = true
            doubt("sampler late", into: &events, for: duration + .seconds(20))
            heap.schedule(.stallEnds(doubtless: false), at: clock + duration)
        case 1:
            // A pump that stands still says nothing, and what it has not drained is no silence.
            isPumpStalled = true
            heap.schedule(.stallEnds(doubtless: false), at: clock + duration)
        case 2:
            // Everything that was due comes at once and late.
            clock = clock + duration
            checker.now = clock
            doubt("warden's own loop was late", into: &events, for: .seconds(10))
        default: doubt("host pressure", into: &events, for: duration)
        }
    }

    mutating func endStall(doubtless: Bool, into events: inout [Event]) {
        guard doubtless else {
            isSamplerStalled = false
            isPumpStalled = false
            return
        }
        if checker.isDoubtful { checker.doubtsEndedAt = clock }
        checker.isDoubtful = false
        events.append(.localHealth(LocalHealth()))
    }

    // MARK: - After the faults

    /// Nothing goes wrong from here on; what is wrong already has to be dealt with.
    mutating func calmDown(into events: inout [Event]) {
        shareCause()
        isCalm = true
        isSamplerStalled = false
        isPumpStalled = false
        isDiskFull = false
        curses = [:]
        for slot in children.keys { children[slot]?.body.setStopped(false, at: clock) }
        if checker.isDoubtful { checker.doubtsEndedAt = clock }
        checker.isDoubtful = false
        events.append(.localHealth(LocalHealth()))
        for name in names { checker.paused(name, until: nil, isPaused: false) }
        events.append(.requested(newRequest(), .resumeHealth(.all)))
        // A person looks after what Warden gave up on.
        for name in names where checker.books[name]?.keptAsItIs.isEmpty == false {
            let selection = Selection.slot(group: name.group, process: name.process)
            stop(selection, errand: .start(selection), into: &events)
        }
        start(.all, into: &events)
    }

    /// Whatever was stopped, has finished or has failed is started once more.
    mutating func lastOrders(into events: inout [Event]) { start(.all, into: &events) }
}
