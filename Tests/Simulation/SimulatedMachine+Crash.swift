import WardenCore
import WardenRuntime
import WardenWire

/// The state as a killed daemon leaves it: the newest bytes of each part.
struct CrashMemory {
    var standing: [UInt8] = []
    var groups: [String: [UInt8]] = [:]
    var slots: [SlotID: [UInt8]] = [:]
    var crashes = 0

    /// What the next daemon makes of it.
    func supervisor(isShadow: Bool, sharedCauseWindow: Duration?) throws -> (Supervisor, RememberedSupervisor) {
        let remembered = RememberedSupervisor(
            standing: try StateDecoder.decode(StandingMemory.self, from: StateValue(decoding: standing)),
            groups: try groups.mapValues { try StateDecoder.decode(GroupMemory.self, from: StateValue(decoding: $0)) },
            slots: try slots.mapValues { try StateDecoder.decode(SlotMemory.self, from: StateValue(decoding: $0)) })
        let supervisor = Supervisor(
            remembering: remembered, isShadow: isShadow, sharedCauseWindow: sharedCauseWindow)
        return (supervisor, remembered)
    }
}

extension SimulatedMachine {
    var remembers: Bool { memory != nil }

    mutating func remember(_ memories: [SupervisorMemory]) {
        do {
            for part in memories {
                switch part {
                case .incident, .alert: break
                case .standing(let standing): memory?.standing = try StateEncoder.encode(standing).encoded()
                case .group(let name, let group):
                    memory?.groups[name] = try group.map { try StateEncoder.encode($0).encoded() }
                case .slot(let id, let slot):
                    memory?.slots[id] = try slot.map { try StateEncoder.encode($0).encoded() }
                }
            }
        } catch {
            checker.object("cannot be remembered: \(error)")
        }
    }

    mutating func holdLeftOver(_ worker: WorkerID, _ spec: ProgramSpec, pid: Int32) {
        checker.object("there are no left-overs here")
    }

    /// The daemon is killed: what it was waiting for is lost, the workers live on.
    ///
    /// - Parameter remembered: what the next daemon knows.
    /// - Returns: what it finds.
    mutating func crash(_ remembered: RememberedSupervisor) -> Event {
        memory?.crashes += 1
        note("crash")
        heap.removeAll { happening in
            guard case .event(.worker(_, let fact)) = happening else { return false }
            switch fact {
            case .spawned, .becameReady: return false
            default: return true
            }
        }
        let running = remembered.runningWorkers()
        var held: Set<WorkerID> = []
        for (worker, pid) in running {
            if let child = children[worker.slot], child.worker == worker, child.isAlive {
                held.insert(worker)
            } else if pid == nil {
                checker.birthLost(worker)
            }
        }
        return .inherited(Inheritance(workers: held, delivered: [:]))
    }
}
