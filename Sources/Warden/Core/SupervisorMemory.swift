/// What a daemon leaves behind should it be killed: the supervisor in small parts, each kept anew when it has changed.
///
/// Left out is what can be learned again by looking: samples, trends, and the clients that waited. All times are of
/// this start of the host.
package enum SupervisorMemory: Sendable {
    /// An incident that is about to be stored. These and the alerts come in the order of their directives.
    case incident(Incident)
    /// An alert that is about to be posted.
    case alert(Alert)
    /// What is true of all slots together.
    case standing(StandingMemory)
    /// A group by its name; `nil`: it is neither active nor configured any more.
    case group(String, GroupMemory?)
    /// A slot; `nil`: it is gone.
    case slot(SlotID, SlotMemory?)
}

/// What is true of all slots together. See `Supervisor` for each.
package struct StandingMemory: Codable, Sendable {
    /// The configured groups in their order.
    var newest: [String]
    var mood: Supervisor.Mood
    var earlierStarts: [SlotName: Int]
    var nextSlotNumber: UInt32
    var hall: ListenerHall
    var stopsWaiting: Set<SlotID>
    var refused: [String]
    var endReason: String?
    var lastOutcome: String?
    var quietIncidents: Set<String>
    var correlation: CorrelationGuard
    var tellings: CorrelationGuard
    var drills: [SlotID: Drill]
    var drillReports: [SlotID: DrillReport]
    var respawns: [SlotID: RespawnPreparation]
    var leaksExamined: [SlotID: Generation]
    var quarantines: [SlotID: QuarantinedSlot]
    var utcOffsetSeconds: Int
}

/// A group as it is configured, and as it runs.
package struct GroupMemory: Codable, Sendable {
    /// As configured; `nil`: it is not any more.
    var newest: GroupSpec?
    /// As it runs; `nil`: as it is configured, or not at all.
    var active: GroupSpec?
    /// Its slots; `nil`: it is not active.
    var slots: [SlotID]?
}

/// A slot without what is believed of its process.
package struct SlotMemory: Codable, Sendable {
    /// Its name, which tells the program in its group.
    package var name: SlotName
    /// `nil`: what its group says.
    var spec: ProgramSpec?
    var machine: WorkerMachine
    var policy: RestartPolicy
    var isHealthPaused: Bool
    var healthPausedUntil: Instant?
    var earlierStarts: Int
    var lastRestart: RestartRecord?
    /// Without forensics, which the history has.
    var incidents: [Incident]
    var chronicle: Chronicle
    var lastSpawnFailure: SpawnFailure?
    var aidedGeneration: Generation?
    var leftOpen: [Incident]?
}

/// All that a daemon that was killed has left of its supervisor.
package struct RememberedSupervisor: Sendable {
    /// What was true of all slots.
    package var standing: StandingMemory
    /// The groups by name.
    package var groups: [String: GroupMemory]
    /// The slots.
    package var slots: [SlotID: SlotMemory]

    /// - Parameters: as the properties of the same names.
    package init(standing: StandingMemory, groups: [String: GroupMemory], slots: [SlotID: SlotMemory]) {
        self.standing = standing
        self.groups = groups
        self.slots = slots
    }

    /// The generation of a slot that was ordered last, as far as it runs.
    package func runningWorkers() -> [(worker: WorkerID, pid: Int32?)] {
        slots.sorted { $0.key < $1.key }.compactMap { id, slot in
            slot.machine.run.map { (WorkerID(slot: id, generation: $0.generation), $0.pid) }
        }
    }

    /// The options of a slot, for whoever goes on with its process.
    ///
    /// - Parameter id: the slot.
    /// - Returns: `nil` when there is no such slot.
    package func spec(of id: SlotID) -> ProgramSpec? {
        guard let slot = slots[id] else { return nil }
        if let spec = slot.spec { return spec }
        guard let group = groups[slot.name.group] else { return nil }
        return (group.active ?? group.newest)?.programs.first { $0.name == slot.name }
    }
}

/// What found its way to the next daemon of the processes.
package struct Inheritance: Hashable, Sendable {
    /// Workers whose process is held, alive or dead.
    package var workers: Set<WorkerID>
    /// The serial of the last event that each listener was sent.
    package var delivered: [SlotID: UInt64]

    /// - Parameters: as the properties of the same names.
    package init(workers: Set<WorkerID>, delivered: [SlotID: UInt64]) {
        self.workers = workers
        self.delivered = delivered
    }
}

extension Incident {
    var withoutForensics: Incident {
        var incident = self
        incident.forensics = nil
        return incident
    }
}
