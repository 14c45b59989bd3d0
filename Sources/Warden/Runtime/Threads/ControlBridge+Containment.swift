import WardenControl
import WardenCore
import WardenLinux
import WardenWire

extension ControlBridge {
    func containment(of worker: WorkerSnapshot) async -> ContainmentReport? {
        guard let pid = worker.pid else { return nil }
        let id = WorkerID(slot: worker.slot, generation: worker.generation)
        let (endsTree, containment) = (endsTree(worker.name), containment)
        return await withCheckedContinuation { continuation in
            let isTaken = readers.submit(deadline: MonotonicClock.now() + .seconds(5)) {
                continuation.resume(
                    returning: ContainmentReport(
                        endsTree: endsTree, worker: id, name: worker.name, pid: pid, containment))
            }
            if !isTaken { continuation.resume(returning: nil) }
        }
    }
}

extension ContainmentReport {
    fileprivate init(endsTree: Bool, worker: WorkerID, name slot: SlotName, pid: Int32, _ containment: Containment) {
        self.init(endsTree: endsTree)
        ceilingsTrouble = containment.trouble(withCeilingsOf: slot)
        guard let tree = containment.tree else {
            absence = containment.absence
            return
        }
        guard let name = tree.name(of: worker, pid: pid), let found = tree.open(name) else {
            absence = "it was started without one"
            return
        }
        group = found.path
        processCount = found.members.count
        let usage = found.usage
        (memoryBytes, memoryMaximumBytes, memoryKills) = (
            usage.memoryBytes, usage.memoryMaximumBytes, usage.memoryKills
        )
        (tasks, taskMaximum, refusedTasks) = (usage.tasks, usage.taskMaximum, usage.refusedTasks)
        let pressure = found.pressure
        (cpuPercent, memoryPercent) = (pressure.cpuSomePercent, pressure.memoryFullPercent)
        ioPercent = pressure.ioFullPercent
    }
}
