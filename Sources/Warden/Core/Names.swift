/// The name of a slot, as people type it: `group:process`, or the bare name when both are equal.
package struct SlotName: Hashable, Codable, Comparable, Sendable {
    /// The group's name.
    package let group: String
    /// The process's name within its group.
    package let process: String

    /// - Parameters:
    ///   - group: the group's name, without a colon.
    ///   - process: the process's name, without a colon.
    package init(group: String, process: String) {
        self.group = group
        self.process = process
    }

    /// `group:process`, or `process` when the group has the same name (supervisorctl's namespec).
    package var qualified: String { group == process ? process : "\(group):\(process)" }

    /// supervisord's order: by group, then by process.
    package static func < (left: SlotName, right: SlotName) -> Bool {
        (left.group, left.process) < (right.group, right.process)
    }
}

/// A slot's number. Given out when the slot is configured and never used again in the daemon's life.
package struct SlotID: Hashable, Codable, Comparable, Sendable {
    /// The number itself.
    package let number: UInt32

    /// - Parameter number: the slot's number, from 1.
    package init(_ number: UInt32) {
        self.number = number
    }

    package static func < (left: SlotID, right: SlotID) -> Bool { left.number < right.number }
}

/// Which start of a slot, counted from 1. Zero before the first.
package struct Generation: Hashable, Codable, Comparable, Sendable {
    /// The count of starts.
    package let number: UInt32

    /// - Parameter number: the count of starts.
    package init(_ number: UInt32) {
        self.number = number
    }

    /// The generation of the next start.
    package var next: Generation { Generation(number &+ 1) }

    package static func < (left: Generation, right: Generation) -> Bool { left.number < right.number }
}

/// One worker: a slot and which start of it. Every event, timer and sample carries this.
package struct WorkerID: Hashable, Codable, Sendable {
    /// The slot.
    package let slot: SlotID
    /// Which start of the slot.
    package let generation: Generation

    /// - Parameters:
    ///   - slot: the slot.
    ///   - generation: which start of the slot.
    package init(slot: SlotID, generation: Generation) {
        self.slot = slot
        self.generation = generation
    }
}

/// The number of a request from a client, so that its answer finds the way back.
package struct RequestID: Hashable, Codable, Sendable {
    /// The number itself.
    package let number: UInt64

    /// - Parameter number: unique in the daemon's life.
    package init(_ number: UInt64) {
        self.number = number
    }
}
