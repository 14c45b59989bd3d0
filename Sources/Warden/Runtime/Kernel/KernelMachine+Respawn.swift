import WardenCore
import WardenLinux

extension KernelMachine {
    mutating func prepareRespawn(_ worker: WorkerID, _ spec: RespawnSpec, launch: LaunchSpec) {
        let inbox = parts.inbox
        guard let record = treeRecords[worker.slot] else {
            var report = RespawnReport()
            report.remarks = ["its old tree was not noted: gpu_wait, shm_sweep and quarantine were set after its start"]
            pending.append(.worker(worker, .respawnPrepared(report)))
            return
        }
        let (gpus, owned) = (parts.gpus, Set(workersByPID.keys))
        let visible = launch.environment["CUDA_VISIBLE_DEVICES"] ?? ground.environment["CUDA_VISIBLE_DEVICES"]
        let owner = launch.user?.userID ?? HostFiles.userID()
        let deadline = MonotonicClock.now() + Limits.respawnAnswer
        let isTaken = parts.readers.submit(deadline: deadline) {
            let report = OldTree(record: record, owner: owner).look(spec, gpus, visibleDevices: visible) {
                owned.contains($0)
            }
            _ = inbox.post(.worker(worker, .respawnPrepared(report)))
        }
        // Without an answer the core looks again, and goes on without at its own deadline.
        if !isTaken { log(LogRecord(.warn, "An old tree is not looked at: no reader is free")) }
    }

    /// Begins to note the processes of a slot's workers, where its next start is to be prepared.
    mutating func noteTree(of process: WorkerProcess) {
        let slot = process.worker.slot
        guard !process.spec.health.respawn.isOff else {
            treeRecords[slot] = nil
            return
        }
        let record = treeRecords[slot] ?? TreeRecord()
        treeRecords[slot] = record
        record.began(process.child.pid)
    }

    /// A worker is about to be signalled, which its tree may not survive.
    func noteTreeBeforeSignal(_ process: WorkerProcess) {
        guard let record = treeRecords[process.worker.slot] else { return }
        record.saw(ProcessTree.members(of: process.child.pid).members.map(\.identity.pid))
    }
}

/// What is left of a slot's former workers.
private struct OldTree: Sendable {
    var record: TreeRecord
    /// The user that the program runs as.
    var owner: UInt32

    /// Looks, and sweeps what may be swept. Files first: a driver that is stuck does not keep them.
    func look(
        _ spec: RespawnSpec, _ gpus: GPUInspector, visibleDevices: String?, unless isOwned: (Int32) -> Bool
    ) -> RespawnReport {
        var report = RespawnReport()
        let survivors = record.survivors(unless: isOwned)
        report.leftOvers = survivors.prefix(Limits.treeProcesses).map { .init(pid: $0.identity.pid, state: $0.state) }
        if spec.sweepsSharedMemory {
            let swept = SharedMemorySweep.sweep(of: record.pids, ownedBy: owner)
            (report.sweptFiles, report.sweptBytes) = (swept.files, swept.bytes)
            if let problem = swept.problem { report.remarks.append("shm_sweep: \(problem)") }
        }
        if spec.asksGPU {
            let pids = record.pids.union(survivors.map(\.identity.pid))
            report.gpu = gpus.look(
                for: pids, devices: GPUInspector.devices(visible: visibleDevices), remarks: &report.remarks)
        }
        switch report.gpu {
        // Whoever is asked about again has to be known still.
        case .held, .unanswered, .lost: break
        case .notAsked, .absent, .free: if survivors.isEmpty { record.forgetTheDead() }
        }
        return report
    }
}
