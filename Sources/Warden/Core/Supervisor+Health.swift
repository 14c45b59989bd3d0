extension Supervisor {
    /// The sampler read a worker.
    mutating func sampled(_ sample: Sample, of id: SlotID, at now: Moment, dice: inout Dice) {
        let isDoubtful = !localHealth.doubts.isEmpty
        var (isCensusDue, isComparisonDue) = (false, false)
        var block: RecordBlock?
        let offset = utcOffsetSeconds
        let news = withSlot(id) { slot -> SampleNews in
            // Verdicts are on hold while the worker is looked over: that alone may make it look stopped or silent.
            if case .collecting = slot.policy.phase { return .none }
            guard slot.tracker != nil else { return .none }
            slot.observe(sample)
            block = slot.record(sample, isDoubtful: isDoubtful, utcOffsetSeconds: offset, at: now)
            let isChanged = slot.tracker?.sampled(sample, isDoubtful: isDoubtful, at: now) ?? false
            isCensusDue = slot.tracker?.takesCensus() ?? false
            isComparisonDue = slot.tracker?.takesComparison() ?? false
            let isDemandDue = slot.isDemandDue(at: now.instant)
            let isWaitReadingDue = slot.tracker?.isWaitReadingDue(at: now.instant) ?? false
            // The way of nearly all samples: healthy, as before, and nothing under way.
            if !isChanged, !isDemandDue, !isWaitReadingDue, slot.policy.isAtRest, slot.leftOpen == nil,
                slot.tracker?.verdict.condition == .healthy
            {
                slot.policy.wasWell(at: now.instant)
                return .none
            }
            return .some(isChanged: isChanged, isDemandDue: isDemandDue, isWaitReadingDue: isWaitReadingDue)
        }
        if let block { directives.append(.storeRecord(block)) }
        if isCensusDue { takeCensus(of: id) }
        if isComparisonDue { compareWithSiblings(id, at: now) }
        guard case .some(let isChanged, let isDemandDue, let isWaitReadingDue)? = news else { return }
        if isWaitReadingDue { askForWaits(id, at: now) }
        if isDemandDue { askForDemand(id, at: now) }
        healthMoved(id, isChanged: isChanged, at: now, dice: &dice)
    }

    private enum SampleNews {
        case none
        case some(isChanged: Bool, isDemandDue: Bool, isWaitReadingDue: Bool)
    }

    /// What is believed of a worker may have changed: tell, close what is over, and decide.
    mutating func healthMoved(_ id: SlotID, isChanged: Bool, at now: Moment, dice: inout Dice) {
        guard let slot = slots[id], let tracker = slot.tracker else { return }
        let verdict = tracker.verdict
        if isChanged {
            tell(verdict, of: slot)
            note(.judged(verdict.condition, verdict.grade), of: id, at: now)
            let reason = verdict.reason.isEmpty ? "" : ": \(verdict.reason)"
            note(.verdict, "\(verdict.condition.name) (\(verdict.grade.rawValue))\(reason)", of: id, at: now)
            growthMoved(id, verdict)
            correlationMoved(id, verdict, at: now)
        }
        let isWell = verdict.condition == .healthy
        _ = withSlot(id) { isWell ? $0.policy.wasWell(at: now.instant) : $0.policy.wasUnwell() }
        if let open = slot.policy.openAlert, open.verdict.condition != verdict.condition {
            let elapsed = now.instant - open.verdict.since.instant
            let closed = withSlot(id) { $0.policy.closeAlert(isWell: isWell, elapsed: elapsed) } ?? nil
            if let closed { record(closed, of: id, alert: .closed) }
        }
        observeOutcome(id, tracker, at: now)
        if isWell, slot.leftOpen != nil, tracker.hasRecovered { resolve(id) }
        // Its own outcome may just have freed the seat: then those who waited for it come first.
        if seatOffers.isEmpty {
            consider(id, at: now, dice: &dice)
        } else {
            seatOffers.insert(id, at: 0)
        }
    }

    private mutating func tell(_ verdict: Verdict, of slot: Slot) {
        isStatusStale = true
        announce(.health(slot.spec.name, verdict))
        let level: LogRecord.Level =
            switch verdict.condition {
            case .starting, .healthy: .info
            case .leaking, .dark, .hung, .bloated, .paused, .unknown: .warn
            }
        let reason = verdict.reason.isEmpty ? "" : " (\(verdict.grade.rawValue)): \(verdict.reason)"
        directives.append(
            .log(
                LogRecord(
                    level, "health: \(slot.spec.name.qualified) is \(verdict.condition.name)\(reason)",
                    fields: [
                        "WARDEN_WORKER": slot.spec.name.qualified, "WARDEN_HEALTH": verdict.condition.name,
                        "WARDEN_GRADE": verdict.grade.rawValue,
                    ])))
    }

    /// Did the last restart help?
    private mutating func observeOutcome(_ id: SlotID, _ tracker: HealthTracker, at now: Moment) {
        guard case .observing(let incident, _, _)? = slots[id]?.policy.phase else { return }
        let closed: Incident?
        if tracker.verdict.condition == incident.verdict.condition {
            closed = withSlot(id) { $0.policy.unhelped() } ?? nil
        } else if tracker.hasRecovered {
            closed = withSlot(id) { $0.policy.recovered(at: now.instant) } ?? nil
        } else {
            closed = nil
        }
        if let closed { close(closed, of: id, at: now) }
    }

    /// A deadline of the slot's policy has passed.
    mutating func policyTimeReached(_ id: SlotID, at now: Moment, dice: inout Dice) {
        guard let slot = slots[id], let deadline = slot.policy.deadline, deadline <= now.instant else { return }
        switch slot.policy.phase {
        case .idle, .ending: break
        case .waiting:
            _ = withSlot(id) { $0.policy.woke() }
            consider(id, at: now, dice: &dice)
        case .collecting: forensicsCollected(nil, of: id, at: now)
        case .draining: stopForIncident(id, at: now)
        case .aiding: firstAidEnded(nil, of: id, at: now)
        case .easing: quietMomentCame(id, at: now)
        case .observing:
            let closed = withSlot(id) { $0.policy.unhelped() } ?? nil
            if let closed { close(closed, of: id, at: now) }
        }
    }

    // MARK: - Deciding

    /// Decides about a slot's present verdict.
    mutating func consider(_ id: SlotID, at now: Moment, dice: inout Dice) {
        guard mood == .running, let slot = slots[id], let tracker = slot.tracker else { return }
        switch slot.machine.state {
        case .starting, .running: break
        case .stopped, .backoff, .stopping, .exited, .fatal, .unknown: return
        }
        // A remembered verdict is shown, but nobody is restarted for what is over.
        guard tracker.holds(tracker.verdict.condition) else { return }
        let hold = hold(on: tracker.verdict, slot, at: now)
        let isActedOn: Bool =
            switch slot.spec.health.actions.action(for: tracker.verdict) {
            case .none, .alert: false
            case .restart, .drain, .kill: true
            }
        // Its stop would last as long as that wait; the next sample shows which it is.
        if isActedOn, hold == nil, tracker.isInKernel { return note(nil, tracker.verdict, of: id, at: now) }
        if isActedOn, hold == nil, let latest = slot.latestTimeForPlannedRestart(at: now.instant) {
            plan(id, tracker.verdict, latest: latest, at: now, dice: &dice)
            return note(nil, tracker.verdict, of: id, at: now)
        }
        if hold == nil, isActedOn, !mayBeActedOn(id, tracker.verdict, at: now) {
            return note(nil, tracker.verdict, of: id, at: now)
        }
        let hasSeat = isActedOn && hasSeat(in: slot.spec.name.group)
        let step = withSlot(id) {
            $0.policy.decide(tracker.verdict, $0.spec.health, hasSeat: hasSeat, hold: hold, at: now.instant)
        }
        note(step, tracker.verdict, of: id, at: now)
        switch step {
        case .nothing?, nil: if slots[id]?.policy.phase == .idle { canaryCannotGo(id) }
        case .alert(let hold)?: alert(id, tracker.verdict, heldBackBy: hold?.rawValue, at: now, dice: &dice)
        case .begin(let action)?: begin(action, id, tracker.verdict, at: now, dice: &dice)
        case .giveUp?: giveUp(id, tracker.verdict, at: now, dice: &dice)
        }
        if slot.policy.phase != slots[id]?.policy.phase { isStatusStale = true }
    }

    /// Why a verdict is not acted on now, if it is not.
    func hold(on verdict: Verdict, _ slot: Slot, at now: Moment) -> RestartPolicy.Hold? {
        if slot.isHealthPaused { return .paused }
        if isShadow { return .shadow }
        if !localHealth.doubts.isEmpty { return .localHealth }
        if slot.tracker?.isKeptInKernel ?? false { return .inKernel }
        if verdict.grade < .proven,
            !slot.spec.health.actsNow(at: now.wall, utcOffsetSeconds: utcOffsetSeconds)
        {
            return .hours
        }
        return nil
    }

    mutating func hasSeat(in name: String) -> Bool {
        guard let group = groups[name] else { return true }
        let taken = group.slots.count { id in
            slots.position(of: id).map { slots.change(at: $0, { $0.policy.holdsSeat }) } ?? false
        }
        return taken < group.spec.maximumUnavailable.of(group.slots.count)
    }

    /// A seat may have become free: those who waited longest come first. All are asked, since the first may have to
    /// wait for its backoff, or may be well again.
    private mutating func offerSeats(in name: String) {
        guard let group = groups[name] else { return }
        var waiting: [(since: Instant, id: SlotID)] = []
        for id in group.slots {
            guard let position = slots.position(of: id) else { continue }
            if case .waiting(_, let since) = slots.entries[position].policy.phase { waiting.append((since, id)) }
        }
        waiting.sort { ($0.since, $0.id) > ($1.since, $1.id) }
        seatOffers.append(contentsOf: waiting.map(\.id))
    }

    func newIncident(
        _ id: SlotID, _ verdict: Verdict, _ action: HealthAction, at now: Moment, dice: inout Dice
    ) -> Incident? {
        guard let slot = slots[id] else { return nil }
        let seconds = String(max(0, now.wall.seconds), radix: 36)
        let chance = String(dice.next() % 1_679_616 + 1_679_616, radix: 36).suffix(4)
        return Incident(
            id: "\(seconds)-\(chance)", worker: slot.spec.name, generation: slot.machine.generation, at: now.wall,
            verdict: verdict, action: action)
    }

    mutating func alert(
        _ id: SlotID, _ verdict: Verdict, heldBackBy hold: String?, at now: Moment, dice: inout Dice
    ) {
        guard var incident = newIncident(id, verdict, .alert, at: now, dice: &dice) else { return }
        incident.heldBackBy = hold
        _ = withSlot(id) { $0.policy.alerted(incident) }
        if isToldByAnother(id, verdict, at: now) {
            incident.heldBackBy = [incident.heldBackBy, "told once: a shared cause is suspected"].compactMap { $0 }
                .joined(separator: "; ")
            _ = withSlot(id) { $0.policy.alerted(incident) }
            quietIncidents.insert(incident.id)
        }
        record(incident, of: id, alert: .opened)
        examine(incident, of: id, at: now)
    }

    private mutating func giveUp(_ id: SlotID, _ verdict: Verdict, at now: Moment, dice: inout Dice) {
        guard var incident = newIncident(id, verdict, .alert, at: now, dice: &dice) else { return }
        incident.heldBackBy = "restart_budget is spent"
        incident.outcome = .gaveUp
        close(incident, of: id, at: now)
    }

    mutating func begin(
        _ action: HealthAction, _ id: SlotID, _ verdict: Verdict, at now: Moment, dice: inout Dice
    ) {
        guard let slot = slots[id], let incident = newIncident(id, verdict, action, at: now, dice: &dice) else {
            return
        }
        // What was only told until now is acted on from here, as an incident of its own: whoever opened an alert for it
        // would else wait for its end for ever.
        if let told = withSlot(id, { $0.policy.closeAlert(isWell: false, elapsed: .zero) }) ?? nil {
            record(told, of: id, alert: .closed)
        }
        let health = slot.spec.health
        if isFollower(id, verdict.condition) { quietIncidents.insert(incident.id) }
        if !verdict.isDrill { correlation.began(id, verdict.condition) }
        note(.began(action, verdict.condition), of: id, at: now)
        let aided = firstAidTarget(slot, verdict, action)
        _ = withSlot(id) {
            $0.policy.began(incident, health, isAided: aided != nil, at: now.instant, dice: &dice)
        }
        directives.append(
            .log(
                LogRecord(
                    .warn,
                    "incident \(incident.id): \(action.rawValue) \(slot.spec.name.qualified), "
                        + "\(verdict.condition.name): \(verdict.reason)", fields: fields(of: incident))))
        if let aided {
            // 25 microseconds that make it work again come first; people are told when it is known.
            directives.append(.raiseDescriptorLimit(slot.worker, pid: aided))
            return
        }
        record(incident, of: id, alert: .opened)
        lookOver(id, at: now)
    }

    /// Forensics, if they are wanted; then the rest.
    mutating func lookOver(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        let health = slot.spec.health
        if health.forensics {
            directives.append(
                .collectForensics(slot.worker, budget: health.forensicsBudget, command: health.forensicsCommand))
        } else {
            forensicsCollected(nil, of: id, at: now)
        }
    }

    // MARK: - Acting

    /// The worker was looked over, or there was no time for it: now it ends.
    mutating func forensicsCollected(_ forensics: Forensics?, of id: SlotID, at now: Moment) {
        guard case .collecting? = slots[id]?.policy.phase else {
            if let forensics { examined(forensics, of: id) }
            return
        }
        examinations[id] = nil
        _ = withSlot(id) { slot in
            let growth = slot.tracker?.growthOfKinds(until: forensics, in: slot.policy.incident) ?? []
            slot.policy.collected(forensics, adding: growth)
        }
        guard let slot = slots[id], let incident = slot.policy.incident else { return }
        if forensics != nil { record(incident, of: id, alert: nil) }
        if easeIfAided(slot, incident, at: now) { return }
        if incident.action == .drain, beginDrain(slot, incident, at: now) { return }
        stopForIncident(id, at: now)
    }

    /// - Returns: false when the worker cannot be drained: no command and no signal, or it hangs.
    mutating func beginDrain(_ slot: Slot, _ incident: Incident, at now: Moment) -> Bool {
        if case .hung = incident.verdict.condition { return false }
        let health = slot.spec.health
        if let command = health.drainCommand {
            directives.append(.runHook(slot.worker, .drain, command: command, timeout: health.drainTimeout))
        } else if let signal = health.drainSignal {
            directives.append(.signal(slot.worker, signal, .processIfCaught))
        } else {
            return false
        }
        _ = withSlot(slot.id) { $0.policy.drainBegan(deadline: now.instant + health.drainTimeout) }
        isStatusStale = true
        return true
    }

    /// The stop sequence of Warden's own decision; the slot starts again after it.
    mutating func stopForIncident(_ id: SlotID, at now: Moment) {
        guard let incident = slots[id]?.policy.incident else { return }
        let orders = withSlot(id) { slot in
            slot.policy.endingBegan()
            return slot.machine.stop(
                .startAgain(.health(incident.verdict.condition)), isByRequest: false,
                force: incident.action == .kill ? .kill : .stopSignal, at: now)
        }
        apply(orders ?? [], to: id, at: now)
        isStatusStale = true
    }

    /// A hook ended.
    mutating func hookEnded(
        _ hook: Hook, _ result: HookResult, of id: SlotID, at now: Moment, dice: inout Dice
    ) {
        switch hook {
        case .demand:
            let answer = DemandAnswer(result)
            _ = withSlot(id) { slot in
                slot.demandDueAt = now.instant + max(slot.spec.health.interval, Limits.demandInterval)
                slot.demand = DemandReading(answer: answer, at: now)
                slot.tracker?.demandRead(answer.amount, at: now.instant)
            }
            if answer.amount == 0 { quietMomentCame(id, at: now) }
        case .drain:
            // A drain command that failed will not end the worker; one that succeeded leaves it until the deadline.
            switch result {
            case .exited(code: 0, _): break
            case .exited, .failed, .couldNotRun:
                if case .draining? = slots[id]?.policy.phase { stopForIncident(id, at: now) }
            }
        case .probe:
            if slots[id]?.readinessDueAt != nil {
                readinessAnswered(result, of: id, at: now)
            } else {
                probeAnswered(result, of: id, at: now, dice: &dice)
            }
        case .stop: apply(withSlot(id) { $0.machine.stopCommandEnded(result, at: now) } ?? [], to: id, at: now)
        }
    }

    private mutating func askForDemand(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        // Due again when the answer is there, or when it can no longer come.
        _ = withSlot(id) { $0.demandDueAt = now.instant + Limits.demandTimeout * 2 }
        let timeout = Limits.demandTimeout
        switch slot.spec.health.demand {
        case .none: break
        case .command(let command):
            directives.append(.runHook(slot.worker, .demand, command: command, timeout: timeout))
        case .http(let url): directives.append(.queryDemand(slot.worker, url: url, timeout: timeout))
        }
    }

    // MARK: - Incidents

    /// The incident has its outcome.
    mutating func close(_ incident: Incident, of id: SlotID, at now: Moment) {
        guard let slot = slots[id] else { return }
        let name = slot.spec.name.qualified
        let outcome: String =
            switch incident.outcome {
            case .recovered(let after)?: "recovered in \(after.spoken)"
            case .unhelped?: "unhelped"
            case .gaveUp?: "gave up (\(incident.heldBackBy ?? "restarts did not help")); kept as it is"
            case .superseded?, nil: "superseded"
            }
        note(.outcome, "\(incident.verdict.condition.name) \(incident.action.rawValue): \(outcome)", of: id, at: now)
        _ = withSlot(id) { slot in
            if slot.lastRestart?.reason == .health(incident.verdict.condition) {
                slot.lastRestart?.outcome = incident.outcome
            }
        }
        let mark = incident.verdict.isDrill ? "drill of " : ""
        lastOutcome = "\(mark)\(name) \(incident.verdict.condition.name) \(incident.action.rawValue): \(outcome)"
        isStatusStale = true
        directives.append(
            .log(
                LogRecord(
                    incident.outcome?.recoveredSeconds == nil ? .warn : .info,
                    "incident \(incident.id): \(name) \(incident.verdict.condition.name): \(outcome)",
                    fields: fields(of: incident))))
        record(settleSuspicion(incident, of: id, at: now), of: id, alert: .closed)
        offerSeats(in: slot.spec.name.group)
        drillClosed(incident, of: id, at: now)
    }

    mutating func record(_ incident: Incident, of id: SlotID, alert phase: Alert.Phase?) {
        _ = withSlot(id) { $0.remember(incident) }
        directives.append(.recordIncident(incident))
        guard let phase else { return }
        let isQuiet = isQuiet(incident)
        if phase == .closed { quietIncidents.remove(incident.id) }
        if isQuiet { return }
        if phase == .closed, !incident.verdict.isDrill { _ = withSlot(id) { $0.keepOpen(incident) } }
        post(Alert(phase: phase, incident: incident))
    }

    /// What could not be helped is over: whoever was told of it is told.
    mutating func resolve(_ id: SlotID) {
        guard let left = slots[id]?.leftOpen, !left.isEmpty else { return }
        _ = withSlot(id) { $0.leftOpen = nil }
        for incident in left { post(Alert(phase: .resolved, incident: incident)) }
    }

    private mutating func post(_ alert: Alert) {
        directives.append(.alert(alert))
        tellListeners(.action(alert))
    }

    private func fields(of incident: Incident) -> [String: String] {
        [
            "WARDEN_WORKER": incident.worker.qualified, "WARDEN_HEALTH": incident.verdict.condition.name,
            "WARDEN_INCIDENT": incident.id, "WARDEN_ACTION": incident.action.rawValue,
            "WARDEN_OUTCOME": incident.outcome?.name ?? "pending",
        ]
    }

    /// A person's command about a slot: it ends what Warden began, and closes the breaker.
    mutating func commanded(_ id: SlotID, to order: RecordedFact.Order, at now: Moment) {
        if drills[id]?.isPretending ?? false { endDrill(id, because: "it is stopped or started", at: now) }
        note(.ordered(order), of: id, at: now)
        tellIfAiding(id)
        dropRespawn(id, at: now)
        correlation.forget(id)
        tellings.forget(id)
        let (incident, told) =
            withSlot(id) { slot in
                slot.policy.commanded()
                return (slot.policy.superseded(), slot.policy.closeAlert(isWell: false, elapsed: .zero))
            } ?? (nil, nil)
        if let told { record(told, of: id, alert: .closed) }
        if let incident { close(incident, of: id, at: now) }
        resolve(id)
    }
}
