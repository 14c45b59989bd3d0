import WardenCore
import WardenRuntime

/// The kernel's part: processes, and answers to what is asked about them.
extension SimulatedMachine {
    mutating func spawn(_ worker: WorkerID, _ spec: ProgramSpec, restartCount: Int, reason: RestartReason?) {
        note("spawn \(worker.slot.number).\(worker.generation.number) \(spec.name.qualified)")
        let real = active[spec.name.group]?.programs.first { $0.name == spec.name } ?? spec
        namesOfSlots[worker.slot] = spec.name
        checker.spawned(worker, real, reason: reason)
        if let failure = failure() {
            checker.ended(worker, spec.name)
            let delay: Duration = failure.stage == .stuck ? .seconds(10) : .milliseconds(1)
            heap.schedule(.event(.worker(worker, .spawnFailed(failure))), at: clock + delay)
            return
        }
        let body = body(for: real)
        let delay = Duration.milliseconds(dice.fraction() < 0.9 ? 2 : Int64(3000 * dice.fraction()))
        let child = Child(
            worker: worker, spec: real, body: body, pid: Int32(100 + dice.next() % 8), spawnedAt: clock + delay)
        children[worker.slot] = child
        rosters[spec.name.group, default: []].removeAll { !$0.isAlive }
        rosters[spec.name.group, default: []].append(child)
        // Pids come from a handful, so that each is met again.
        heap.schedule(.event(.worker(worker, .spawned(pid: child.pid))), at: child.spawnedAt)
        if spec.supervision.readiness == .notify, isCalm || dice.fraction() < 0.8 {
            let delay = Duration.milliseconds(Int64(5 + dice.fraction() * 8000))
            heap.schedule(.event(.worker(worker, .becameReady)), at: clock + delay)
        }
        switch body.kind {
        case .crashing:
            let status: ExitStatus = dice.fraction() < 0.5 ? .code(1) : .signal(11, coreDumped: false)
            heap.schedule(.bodyEnds(worker, status), at: body.turnsAt)
        case .finishing: heap.schedule(.bodyEnds(worker, .code(0)), at: body.turnsAt)
        case .stillborn: heap.schedule(.bodyEnds(worker, .code(2)), at: child.spawnedAt + .milliseconds(200))
        default: break
        }
        if mutation == .startsTwice, dice.fraction() < 0.01 {
            self.spawn(worker, spec, restartCount: restartCount, reason: reason)
        }
    }

    private mutating func failure() -> SpawnFailure? {
        if isCalm { return nil }
        if isDiskFull {
            return SpawnFailure(stage: .openLog, errorNumber: 28, subject: "/log", explanation: "no space left")
        }
        if dice.fraction() < weather.spawnError {
            return SpawnFailure(stage: .clone, errorNumber: 11, subject: "", explanation: "try again")
        }
        if dice.fraction() < weather.spawnStuck {
            return SpawnFailure(stage: .stuck, errorNumber: 0, subject: "open log", explanation: "")
        }
        return nil
    }

    private mutating func body(for spec: ProgramSpec) -> Body {
        var kind = Body.well[Int(dice.next() % UInt64(Body.well.count))]
        // Most turn within hours; some take days.
        var turnsAfter = Duration.seconds(300 + (dice.fraction() < 0.3 ? 120_000 : 15_000) * dice.fraction())
        let (isIll, isCursed) = (dice.fraction() < weather.illness, dice.fraction() < weather.curse * 0.2)
        if spec.name.group == "base" {
            kind = isIll && !isCalm ? .crashing : .steady
        } else if isCalm {
            kind = .steady
        } else if let curse = curses[spec.name], clock < curse.until {
            kind = curse.kind
            turnsAfter = .seconds(20 + 100 * dice.fraction())
        } else if isIll {
            kind = Body.ill[Int(dice.next() % UInt64(Body.ill.count))]
            if isCursed { curses[spec.name] = (kind, clock + .seconds(3600 * 8 * dice.fraction())) }
        }
        if kind == .lazy, spec.health.demand == .none { kind = .steady }
        return Body(kind, spec.health, startedAt: clock, turnsAfter: turnsAfter, dice: &dice)
    }

    mutating func end(_ worker: WorkerID, _ status: ExitStatus, into events: inout [Event]) {
        guard let child = children[worker.slot], child.worker == worker, child.isAlive else { return }
        if child.spawnedAt > clock {
            // The kernel tells first that it started.
            heap.schedule(.childEnds(worker, status), at: child.spawnedAt)
            return
        }
        if child.body.isInKernel(at: clock) {
            heap.schedule(.childEnds(worker, status), at: child.body.kernelWaitEndsAt)
            return
        }
        children[worker.slot]?.isAlive = false
        checker.ended(worker, child.spec.name)
        events.append(.worker(worker, .exited(status)))
    }

    mutating func signal(_ worker: WorkerID, _ signal: Signal, _ reach: Reach) {
        note("signal \(worker.slot.number).\(worker.generation.number) \(signal.number) \(reach == .tree)")
        let isByPerson = signalsOfPeople > 0 && reach == .process
        if isByPerson { signalsOfPeople -= 1 }
        let isDrain = reach == .processIfCaught
        if isDrain {
            checker.ordered("drain signal", worker, namesOfSlots[worker.slot])
        } else {
            checker.signalled(worker, namesOfSlots[worker.slot], signal, isByPerson: isByPerson)
        }
        guard let child = children[worker.slot], child.worker == worker, child.isAlive else { return }
        if isDrain, dice.fraction() < 0.3 {
            heap.schedule(.event(.worker(worker, .signalFailed(95))), at: clock + .milliseconds(1))
            return
        }
        if signal == .resume {
            children[worker.slot]?.body.setStopped(false, at: clock)
            return
        }
        let isKill = signal == .kill
        if !isKill, !isCalm, child.body.ignoresStopSignal { return }
        if !isKill, child.body.stoppedSince != nil, reach != .tree { return }
        if isDrain {
            heap.schedule(
                .childEnds(worker, .code(0)), at: clock + child.spec.health.drainTimeout * (2 * dice.fraction()))
            return
        }
        let delay: Duration = isKill ? .milliseconds(1) : .milliseconds(Int64(dice.fraction() * 3000))
        heap.schedule(.childEnds(worker, .signal(signal.number, coreDumped: false)), at: clock + delay)
    }

    mutating func release(_ worker: WorkerID, sweep: Bool) {
        note("release \(worker.slot.number).\(worker.generation.number)")
        checker.released(worker, namesOfSlots[worker.slot])
        if children[worker.slot]?.worker == worker { children[worker.slot] = nil }
    }

    // MARK: - Answers

    /// When an answer comes that should come within a time; `nil`: never.
    private mutating func answerAt(within: Duration, mayBeLost: Bool = true) -> Instant? {
        if !isCalm, mayBeLost, lostInARow < 2, dice.fraction() < weather.lostAnswer {
            lostInARow += 1
            return nil
        }
        lostInARow = 0
        return clock + within * (dice.fraction() < weather.lateAnswer ? 1 : 0.3 * dice.fraction())
    }

    private mutating func answer(_ worker: WorkerID, within: Duration, _ fact: WorkerFact) {
        guard let at = answerAt(within: within) else { return }
        heap.schedule(.event(.worker(worker, fact)), at: at)
    }

    mutating func collectForensics(_ worker: WorkerID, budget: Duration, command: String?) {
        note("forensics \(worker.slot.number)")
        checker.lookedOver(worker, namesOfSlots[worker.slot], until: clock + budget)
        if mutation == .doesNotWaitForForensics {
            // The core believes that it is over, the checker knows that it is not.
            heap.schedule(.forged(.worker(worker, .forensicsCollected(Forensics()))), at: clock)
        }
        var found = Forensics()
        found.descriptorKinds = [Forensics.KindCount(kind: "pipe", count: Int(dice.next() % 200))]
        answer(worker, within: budget, .forensicsCollected(found))
    }

    mutating func takeCensus(of worker: WorkerID) {
        checker.ordered("census", worker, namesOfSlots[worker.slot])
        let count = children[worker.slot]?.body.descriptorCount(at: clock) ?? 0
        answer(worker, within: .seconds(1), .censusTaken([Forensics.KindCount(kind: "pipe", count: count)]))
    }

    mutating func readWaits(_ worker: WorkerID) {
        note("waits \(worker.slot.number)")
        checker.ordered("waits", worker, namesOfSlots[worker.slot])
        guard let child = children[worker.slot], child.worker == worker else { return }
        answer(worker, within: .seconds(1), .waitsRead(child.body.waits(at: clock)))
    }

    mutating func runHook(_ worker: WorkerID, _ hook: Hook, command: String, timeout: Duration) {
        note("hook \(worker.slot.number)")
        checker.ordered("hook", worker, namesOfSlots[worker.slot])
        if hook == .demand { return queryDemand(worker, url: command, timeout: timeout) }
        let isGood = dice.fraction() < 0.7
        if isGood, dice.fraction() < 0.7 {
            heap.schedule(.childEnds(worker, .code(0)), at: clock + timeout * (1.5 * dice.fraction()))
        }
        let result: HookResult = isGood ? .exited(code: 0, output: "") : .failed(reason: "timed out")
        answer(worker, within: timeout, .hookEnded(hook, result))
    }

    mutating func probe(_ worker: WorkerID, _ probe: HealthSpec.Probe, timeout: Duration) {
        checker.ordered("probe", worker, namesOfSlots[worker.slot])
        guard let child = children[worker.slot], child.worker == worker else { return }
        let isGood = child.isAlive && child.body.answersProbe(at: clock)
        var result: HookResult = isGood ? .exited(code: 0, output: "") : .exited(code: 1, output: "refused")
        if !isCalm, dice.fraction() < weather.lostAnswer { result = .couldNotRun(reason: "no descriptor left") }
        answer(worker, within: timeout, .hookEnded(.probe, result))
    }

    mutating func queryDemand(_ worker: WorkerID, url: String, timeout: Duration) {
        checker.ordered("demand", worker, namesOfSlots[worker.slot])
        guard let name = namesOfSlots[worker.slot] else { return }
        var result = HookResult.exited(code: 0, output: hasWork(name.group, at: clock) ? "3\n" : "0\n")
        if !isCalm, dice.fraction() < weather.lostAnswer { result = .failed(reason: "timed out") }
        answer(worker, within: timeout, .hookEnded(.demand, result))
    }

    mutating func lowerDescriptorLimit(of worker: WorkerID, pid: Int32) {
        note("lower \(worker.slot.number) \(pid)")
        let answer: LimitLowering =
            dice.fraction() < 0.8 ? .lowered(pid: pid, from: 256, to: 16) : .refused(reason: "EPERM")
        heap.schedule(.event(.worker(worker, .descriptorLimitLowered(answer))), at: clock + .milliseconds(1))
    }

    mutating func restoreDescriptorLimit(of worker: WorkerID, pid: Int32, from lowered: Int, to soft: Int) {
        note("restore \(worker.slot.number) \(pid) \(soft)")
    }

    mutating func examine(_ worker: WorkerID, budget: Duration, command: String?) {
        note("examine \(worker.slot.number)")
        checker.ordered("examination", worker, namesOfSlots[worker.slot])
        answer(worker, within: budget, .forensicsCollected(Forensics()))
    }

    mutating func prepareRespawn(_ worker: WorkerID, _ spec: RespawnSpec, launch: LaunchSpec) {
        note("prepare \(worker.slot.number)")
        answer(worker, within: .milliseconds(10), .respawnPrepared(RespawnReport()))
    }

    mutating func examineSuccessor(of supervisor: Supervisor, for request: RequestID?) { note("examine successor") }

    mutating func raiseDescriptorLimit(of worker: WorkerID, pid: Int32) {
        note("aid \(worker.slot.number)")
        checker.ordered("first aid", worker, namesOfSlots[worker.slot])
        if let name = namesOfSlots[worker.slot] { checker.books[name]?.aidedAt = clock }
        guard let before = children[worker.slot]?.body.softLimit else { return }
        var raise = LimitRaise.refused(reason: "EPERM")
        if dice.fraction() < 0.8 {
            raise = .raised(pid: pid, from: before, to: 65536)
            children[worker.slot]?.body.raiseLimit(to: 65536)
        }
        answer(worker, within: .milliseconds(10), .descriptorLimitRaised(raise))
    }

    mutating func loadConfiguration(for request: RequestID?) {
        let result: Result<[GroupSpec], ConfigurationRefusal> =
            !isCalm && dice.fraction() < 0.1
            ? .failure(ConfigurationRefusal(text: "warden.conf:1: no such option"))
            : .success(mutation?.configuration(newest) ?? newest)
        heap.schedule(.event(.configurationLoaded(request, result)), at: clock + .milliseconds(5))
    }

    // MARK: - Telling

    mutating func store(_ record: RecordBlock) {}

    mutating func store(_ incident: Incident) {
        note(incident.word)
        let minute = Int((wall.seconds + Int64(utcOffset)) % 86400 + 86400) % 86400 / 60
        if mutation == .forgetsOutcomes, incident.outcome != nil { return }
        let child = checker.books[incident.worker]?.living.flatMap { children[$0.slot] }
        checker.stored(incident, body: child?.isAlive == true ? child?.body : nil, minute: minute)
    }

    mutating func notify(_ notice: ServiceNotice) { note(notice.word) }

    mutating func log(_ record: LogRecord) {
        note(record.message)
        if record.message.hasPrefix("internal: ") { checker.object(record.message) }
    }

    mutating func announce(_ announcement: Announcement) {
        checker.announced(announcement)
        note(announcement.word)
    }

    mutating func post(_ alert: Alert) {
        note("alert \(alert.phase.rawValue) \(alert.incident.id) \(alert.eventName)")
        checker.posted(alert)
    }

    mutating func send(_ event: PoolEvent, to worker: WorkerID) { note("send \(event.serial)") }
    mutating func disregardOutput(of worker: WorkerID) { note("disregard \(worker.slot.number)") }
    mutating func writeInput(_ worker: WorkerID, _ bytes: [UInt8], for request: RequestID) { note("\(bytes.count)") }
}
