/// A worker that is looked over although nothing is done to it: people who are only told want to know as much.
struct Examination: Hashable, Codable, Sendable {
    /// The incident that it is for.
    var incident: String
    /// A later answer is not waited for.
    var dueAt: Instant
}

extension Supervisor {
    /// An incident was opened of which people are told, and no more.
    mutating func examine(_ incident: Incident, of id: SlotID, at now: Moment) {
        guard let slot = slots[id], slot.spec.health.forensics, slot.machine.run?.pid != nil,
            !incident.verdict.isDrill, !quietIncidents.contains(incident.id)
        else { return }
        switch hold(on: incident.verdict, slot, at: now) {
        // Shadow does nothing, and a host that is pressed has enough to do.
        case .shadow?, .localHealth?: return
        case .paused?, .hours?, .inKernel?, nil: break
        }
        if case .leaking = incident.verdict.condition {
            guard leaksExamined[id] != slot.machine.generation else { return }
            leaksExamined[id] = slot.machine.generation
        }
        examinations = examinations.filter { $0.value.dueAt > now.instant }
        guard examinations[id] == nil, examinations.count < Limits.examinations else { return }
        let health = slot.spec.health
        examinations[id] = Examination(
            incident: incident.id, dueAt: now.instant + health.forensicsBudget + Limits.examinationMargin)
        directives.append(.examine(slot.worker, budget: health.forensicsBudget, command: health.forensicsCommand))
    }

    /// What was found goes into the incident, if that is still open.
    mutating func examined(_ forensics: Forensics, of id: SlotID) {
        guard let examination = examinations.removeValue(forKey: id) else { return }
        let incident = withSlot(id) { slot in
            let growth = slot.tracker?.growthOfKinds(until: forensics, in: slot.policy.openAlert) ?? []
            return slot.policy.examined(examination.incident, forensics, adding: growth)
        }
        if let incident = incident ?? nil { record(incident, of: id, alert: nil) }
    }
}
