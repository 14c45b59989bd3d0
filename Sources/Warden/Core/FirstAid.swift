/// What came of first aid at EMFILE.
package enum LimitRaise: Hashable, Sendable {
    /// The soft limit of this process was raised.
    case raised(pid: Int32, from: Int, to: Int)
    /// It was not, in words for a person.
    case refused(reason: String)
}

/// What first aid did, as evidence and in words.
struct FirstAidGiven {
    let evidence: Evidence
    let reason: String

    init(pid: Int32, from: Int, to: Int) {
        evidence = Evidence(rule: "first_aid", value: .number(Double(to)), threshold: .number(Double(from)))
        reason = "; first aid: soft limit of pid \(pid) raised from \(from) to \(to)"
    }
}

extension Verdict {
    /// What first aid did, in a few words for the status line; `nil` where none was given.
    package var firstAid: String? {
        guard let given = evidence.first(where: { $0.rule == "first_aid" }), case .number(let limit) = given.value
        else { return nil }
        return "limit raised to \(Int(limit))"
    }
}

extension RestartPolicy {
    /// First aid was given, could not be, or was not answered in time. Now the worker is looked over.
    ///
    /// - Parameters:
    ///   - evidence: what was done, with the same in words; `nil` when nothing was.
    ///   - spec: for the time that looking over may take.
    ///   - now: the time.
    mutating func aidEnded(_ evidence: (Evidence, reason: String)?, _ spec: HealthSpec, at now: Instant) {
        guard case .aiding(var incident, _) = phase else { return }
        if let (piece, reason) = evidence {
            incident.verdict.evidence.append(piece)
            incident.verdict.reason += reason
        }
        phase = .collecting(incident, deadline: now + spec.forensicsBudget + .seconds(1))
    }

    /// The worker works again: it may finish what it is at.
    mutating func easingBegan(deadline: Instant) {
        guard case .ending(let incident) = phase else { return }
        phase = .easing(incident, deadline: deadline)
    }
}

extension Supervisor {
    /// Whether a worker that is to be drained can be helped until then: its full process has a soft limit that may and
    /// can be raised, and was not raised before.
    func firstAidTarget(_ slot: Slot, _ verdict: Verdict, _ action: HealthAction) -> Int32? {
        guard action == .drain, verdict.condition == .dark(.emfile), !verdict.isDrill,
            slot.aidedGeneration != slot.machine.generation,
            let tightest = slot.tracker?.window.readings?.tightest,
            tightest.softLimit < min(tightest.hardLimit, Limits.aidedDescriptors)
        else { return nil }
        switch slot.spec.health.firstAid {
        case .no: return nil
        // Programs that use select(2) break when they get descriptors from 1024 on.
        case .yes: return tightest.softLimit > 1024 ? tightest.pid : nil
        case .force: return tightest.pid
        }
    }

    /// First aid was answered, or its time is over: tell people of the incident, and look the worker over.
    mutating func firstAidEnded(_ raise: LimitRaise?, of id: SlotID, at now: Moment) {
        guard let slot = slots[id], case .aiding? = slots[id]?.policy.phase else { return }
        var given: (Evidence, reason: String)?
        switch raise {
        case .raised(let pid, let from, let to)?:
            let aid = FirstAidGiven(pid: pid, from: from, to: to)
            given = (aid.evidence, aid.reason)
        case .refused(let reason)?: log(slot, .warn, "first aid could not be given: \(reason)")
        case nil: log(slot, .warn, "first aid was not answered")
        }
        let health = slot.spec.health
        _ = withSlot(id) { slot in
            slot.policy.aidEnded(given, health, at: now.instant)
            guard let given else { return }
            slot.aidedGeneration = slot.machine.generation
            slot.tracker?.aided(given.0, reason: given.reason)
        }
        guard let incident = slots[id]?.policy.incident else { return }
        if let given { log(slot, .info, "incident \(incident.id)\(given.reason)") }
        record(incident, of: id, alert: .opened)
        isStatusStale = true
        lookOver(id, at: now)
    }

    /// The worker's end, or a person, came before the answer to first aid: nobody has been told of the incident yet.
    mutating func tellIfAiding(_ id: SlotID) {
        guard case .aiding(let incident, _)? = slots[id]?.policy.phase else { return }
        record(incident, of: id, alert: .opened)
    }

    /// Once first aid has helped, the worker is drained when it is quiet; until then it works.
    ///
    /// - Returns: false when it was not helped.
    mutating func easeIfAided(_ slot: Slot, _ incident: Incident, at now: Moment) -> Bool {
        guard incident.verdict.firstAid != nil else { return false }
        let deadline = now.instant + slot.spec.health.drainTimeout
        _ = withSlot(slot.id) { $0.policy.easingBegan(deadline: deadline) }
        isStatusStale = true
        if slot.tracker?.window.demand == .zero { quietMomentCame(slot.id, at: now) }
        return true
    }

    /// A progress line, demand zero, or the end of the time for it: now the worker is drained.
    mutating func quietMomentCame(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id], case .easing(let incident, _) = slot.policy.phase else { return }
        _ = withSlot(id) { $0.policy.endingBegan() }
        if beginDrain(slot, incident, at: now) { return }
        stopForIncident(id, at: now)
    }

    private mutating func log(_ slot: Slot, _ level: LogRecord.Level, _ text: String) {
        let name = slot.spec.name.qualified
        directives.append(.log(LogRecord(level, "\(name): \(text)", fields: ["WARDEN_WORKER": name])))
    }
}
