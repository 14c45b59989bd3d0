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
                    returning: ContainmentReport(endsTree: endsTree, worker: id, pid: pid, containment))
            }
            if !isTaken { continuation.resume(returning: nil) }
        }
    }
}

extension ContainmentReport {
    fileprivate init(endsTree: Bool, worker: WorkerID, pid: Int32, _ containment: Containment) {
        self.init(endsTree: endsTree)
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
        let pressure = found.pressure
        (cpuPercent, memoryPercent) = (pressure.cpuSomePercent, pressure.memoryFullPercent)
        ioPercent = pressure.ioFullPercent
    }
}
