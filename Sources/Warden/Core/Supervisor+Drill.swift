/// Drills: a policy is proved before it is needed.
extension Supervisor {
    // MARK: - Commands

    mutating func startDrill(_ order: DrillOrder, _ id: SlotID, for request: RequestID, at now: Moment) {
        guard let slot = slots[id] else { return }
        if let obstacle = obstacle(to: order, slot, at: now) {
            let text = "\(slot.spec.name.qualified) cannot be drilled: \(obstacle)"
            directives.append(.reply(request, .refused(.failed(text))))
            return
        }
        guard let tracker = slot.tracker, let base = tracker.window.readings else { return }
        let drill = Drill(
            order, of: slot.spec.name, slot.machine.generation, tracker, base, slot.spec.health, at: now)
        drills[id] = drill
        drillReports[id] = nil
        tellDrill(id, .warn, "begins\(order.acts ? ", and what is decided is done" : ""): \(drill.report.means)")
        note(.order, "drill \(order.kind.rawValue) begins", of: id, at: now)
        if order.kind == .emfile, let pid = base.tightest?.pid {
            directives.append(.lowerDescriptorLimit(slot.worker, pid: pid))
        }
        directives.append(.reply(request, .drill(drill.report)))
        isStatusStale = true
    }

    /// Ends it, because a person says so.
    mutating func stopDrill(_ id: SlotID, for request: RequestID, at now: Moment) {
        guard let name = slots[id]?.spec.name.qualified else { return }
        guard drills[id] != nil else {
            directives.append(.reply(request, .refused(.failed("no drill of \(name) is under way"))))
            return
        }
        endDrill(id, because: "stopped by a person", at: now)
        guard let report = drillReports[id] else { return }
        directives.append(.reply(request, .drill(report)))
    }

    /// How it goes; whoever asks wants it to go on.
    mutating func watchDrill(_ id: SlotID, for request: RequestID, at now: Moment) {
        if let lease = drills[id]?.order.lease { drills[id]?.leaseEndsAt = now.instant + lease }
        let name = slots[id]?.spec.name.qualified ?? "?"
        let report = drills[id]?.report ?? drillReports[id]
        directives.append(
            .reply(request, report.map(Reply.drill) ?? .refused(.failed("\(name) was not drilled"))))
    }

    private func obstacle(to order: DrillOrder, _ slot: Slot, at now: Moment) -> String? {
        if drills[slot.id] != nil { return "a drill is under way already" }
        guard slot.machine.processState == .running else { return "it is not RUNNING" }
        guard let tracker = slot.tracker else { return "its health is not watched" }
        guard tracker.verdict.condition == .healthy else { return "it is \(tracker.verdict.condition.name)" }
        guard slot.policy.phase == .idle else {
            return slot.policy.pendingAction(at: now.instant) ?? "something is under way"
        }
        guard tracker.window.readings != nil else { return "there is no sample of it yet" }
        return Drill.obstacle(order.kind, tracker, slot.spec.health)
    }

    // MARK: - Facts

    /// Shows the drill what it pretends.
    ///
    /// - Returns: the fact as it is without the drill.
    mutating func drilled(_ fact: WorkerFact, of id: SlotID, at now: Moment) -> WorkerFact {
        guard var drill = drills[id], let slot = slots[id], drill.generation == slot.machine.generation else {
            return fact
        }
        var honest = fact
        switch fact {
        case .sampled(let sample):
            _ = drill.tracker.sampled(
                drill.pretended(sample, slot.spec.health), isDoubtful: !localHealth.doubts.isEmpty, at: now)
            honest = .sampled(drill.undone(sample))
            // A descriptor that it has given back since is one with which it can go on.
            if drill.isPretending, let lowered = drill.lowered {
                directives.append(.lowerDescriptorLimit(slot.worker, pid: lowered.pid))
            }
        case .logged(let facts):
            _ = drill.tracker.logged(drill.pretended(facts), at: now)
            honest = .logged(drill.undone(facts))
        case .beat:
            if !drill.order.kind.isSilent { drill.tracker.beat(at: now.instant) }
        case .hookEnded(.demand, let result):
            drill.tracker.demandRead(DemandAnswer(result).amount, at: now.instant)
        case .descriptorLimitLowered(.lowered(let pid, let from, let to)):
            drill.lowered = Drill.Lowered(pid: pid, from: drill.lowered?.from ?? from, to: to)
        case .spawned, .spawnFailed, .exited, .signalFailed, .becameReady, .forensicsCollected, .hookEnded, .said,
            .inputClosed, .censusTaken, .waitsRead, .descriptorLimitRaised, .descriptorLimitLowered,
            .respawnPrepared:
            break
        }
        drills[id] = drill
        return honest
    }

    /// What the drill has seen may be what it is for; or something else has come.
    mutating func drillMoved(_ fact: WorkerFact, of id: SlotID, at now: Moment, dice: inout Dice) {
        guard let drill = drills[id], drill.report.incident == nil else { return }
        switch fact {
        case .exited(let status):
            endDrill(id, because: "the worker ended meanwhile (\(status.drillWords))", isGone: true, at: now)
            return
        case .descriptorLimitLowered(.refused(let reason)):
            endDrill(id, because: "its limit could not be lowered: \(reason)", at: now)
            return
        case .sampled, .logged: break
        default: return
        }
        guard let slot = slots[id], let tracker = slot.tracker else { return }
        switch tracker.verdict.condition {
        case .healthy, .starting: break
        case .leaking, .dark, .hung, .bloated, .paused, .unknown:
            endDrill(id, because: "the worker is \(tracker.verdict.condition.name) without it", at: now)
            return
        }
        let verdict = drill.tracker.verdict
        if verdict.condition == .healthy || verdict.condition == .starting { return }
        drills[id]?.report.verdict = verdict.marked(as: drill.order)
        isStatusStale = true
        guard drill.order.kind.isMet(by: verdict.condition), drill.tracker.holds(verdict.condition) else { return }
        drillDetected(id, verdict.marked(as: drill.order), at: now, dice: &dice)
    }

    private mutating func drillDetected(_ id: SlotID, _ verdict: Verdict, at now: Moment, dice: inout Dice) {
        guard let slot = slots[id], let drill = drills[id] else { return }
        let after = now.instant - drill.startedAt.instant
        drills[id]?.report.detectedAfter = after
        tellDrill(id, .warn, "\(verdict.condition.name) (\(verdict.grade.rawValue)) after \(after.spoken)")
        // What comes now, the worker's end included, needs descriptors.
        restoreLimit(id)
        let hold = hold(on: verdict, slot, at: now)
        let action = slot.spec.health.actions.action(for: verdict)
        // On a copy: what would be decided charges no budget and closes no breaker.
        var policy = slot.policy
        let step = policy.decide(
            verdict, slot.spec.health, hasSeat: hasSeat(in: slot.spec.name.group), hold: hold, at: now.instant)
        let would = drill.order.acts ? "" : "would "
        var text: String
        switch step {
        case .nothing where action == .none: text = "nothing: the configuration names no action"
        case .nothing: text = "nothing yet: \(policy.pendingAction(at: now.instant) ?? "restart_budget is spent")"
        case .alert(let hold): text = "\(would)alert" + (hold.map { ", no more: \($0.rawValue)" } ?? "")
        case .begin(let action): text = "\(would)\(action.rawValue)"
        case .giveUp: text = "\(would)give up: restart_budget is spent"
        }
        drills[id]?.report.decision = text
        tellDrill(id, .warn, text)
        note(.decision, "drill: \(verdict.condition.name) after \(after.spoken): \(text)", of: id, at: now)
        if drill.order.acts, case .begin(let action) = step {
            begin(action, id, verdict, at: now, dice: &dice)
            drills[id]?.report.incident = slots[id]?.policy.incident?.id
            return
        }
        tellOnly(id, verdict, text, at: now, dice: &dice)
        endDrill(id, because: "done", at: now)
    }

    /// People are told as they would be, and that it is over.
    private mutating func tellOnly(
        _ id: SlotID, _ verdict: Verdict, _ decision: String, at now: Moment, dice: inout Dice
    ) {
        guard var incident = newIncident(id, verdict, .alert, at: now, dice: &dice) else { return }
        incident.heldBackBy = "drill: \(decision)"
        drills[id]?.report.incident = incident.id
        record(incident, of: id, alert: .opened)
        incident.outcome = .superseded
        record(incident, of: id, alert: .closed)
    }

    /// The real action of a drill has its outcome.
    mutating func drillClosed(_ incident: Incident, of id: SlotID, at now: Moment) {
        guard let drill = drills[id], drill.report.incident == incident.id, incident.outcome != nil else { return }
        drills[id]?.report.outcome = incident.outcome
        endDrill(id, because: "done", at: now)
    }

    // MARK: - The end

    /// - Parameter isGone: the process is no more, so there is nothing to restore.
    mutating func endDrill(_ id: SlotID, because reason: String, isGone: Bool = false, at now: Moment) {
        if isGone { drills[id]?.lowered = nil }
        restoreLimit(id)
        guard var drill = drills.removeValue(forKey: id) else { return }
        drill.report.end = reason
        drillReports[id] = drill.report
        let name = drill.report.worker.qualified
        note(.order, "drill \(drill.order.kind.rawValue) has ended: \(reason)", of: id, at: now)
        directives.append(
            .log(LogRecord(.info, "drill \(drill.order.kind.rawValue) of \(name) has ended: \(reason)")))
        isStatusStale = true
    }

    private mutating func restoreLimit(_ id: SlotID) {
        guard let lowered = drills[id]?.lowered, let slot = slots[id] else { return }
        drills[id]?.lowered = nil
        directives.append(
            .restoreDescriptorLimit(slot.worker, pid: lowered.pid, from: lowered.to, to: lowered.from))
    }

    /// Those whose time is over, those that nobody watches, and all of them when the daemon ends.
    mutating func endDrills(at now: Moment) {
        for id in drills.keys.sorted() {
            guard let drill = drills[id] else { continue }
            if mood != .running {
                endDrill(id, because: "the daemon ends", at: now)
            } else if let due = drill.deadline, due <= now.instant {
                let isLeft = drill.leaseEndsAt.map { $0 <= now.instant } ?? false
                endDrill(
                    id, because: isLeft ? "nobody watches it" : "not detected within \(drill.report.limit.spoken)",
                    at: now)
            }
        }
    }

    /// When the next drill is to be looked at.
    var drillDeadline: Instant? { drills.values.compactMap(\.deadline).min() }

    // MARK: - Telling

    /// A slot as it is shown: with its drill, and with what that pretends in the place of what is true.
    func snapshot(of slot: Slot, at now: Moment) -> WorkerSnapshot {
        var snapshot = slot.snapshot(at: now)
        addRespawn(to: &snapshot)
        snapshot.drill = drills[slot.id]?.report ?? drillReports[slot.id]
        guard let drill = drills[slot.id] else { return snapshot }
        if snapshot.verdict?.condition == .healthy, let verdict = drill.report.verdict { snapshot.verdict = verdict }
        let word = "drill \(drill.order.kind.rawValue)"
        snapshot.pendingAction = [word, snapshot.pendingAction].compactMap { $0 }.joined(separator: "; ")
        return snapshot
    }

    /// `; drill: w0 emfile`; empty without one.
    var drillStatus: String {
        if drills.isEmpty { return "" }
        let words = drills.values.map { "\($0.report.worker.process) \($0.order.kind.rawValue)" }.sorted()
        let more = words.count - Limits.statusNames
        return "; drill: " + words.prefix(Limits.statusNames).joined(separator: ", ")
            + (more > 0 ? " and \(more) more" : "")
    }

    private mutating func tellDrill(_ id: SlotID, _ level: LogRecord.Level, _ text: String) {
        guard let drill = drills[id] else { return }
        let name = drill.report.worker.qualified
        directives.append(
            .log(
                LogRecord(
                    level, "drill \(drill.order.kind.rawValue) of \(name): \(text)", fields: ["WARDEN_WORKER": name])))
    }
}

extension ExitStatus {
    fileprivate var drillWords: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number, _): "signal \(number)"
        case .unknown: "unknown how"
        }
    }
}

extension Supervisor {
    /// An answer that comes when its drill is over: nobody else would put the limit back.
    mutating func lateLowering(_ answer: LimitLowering, of id: SlotID) {
        guard drills[id] == nil, case .lowered(let pid, let from, let to) = answer, let slot = slots[id] else { return }
        directives.append(.restoreDescriptorLimit(slot.worker, pid: pid, from: to, to: from))
    }
}
