import WardenCore
import WardenLinux

extension KernelMachine {
    mutating func lowerDescriptorLimit(of worker: WorkerID, pid: Int32) {
        guard let process = workers[worker], !process.isReaped else { return }
        let answer = DescriptorDrill.lower(pid, inTreeOf: process.child.pid)
        pending.append(.worker(worker, .descriptorLimitLowered(answer)))
    }

    mutating func restoreDescriptorLimit(of worker: WorkerID, pid: Int32, from lowered: Int, to soft: Int) {
        guard let process = workers[worker], !process.isReaped else { return }
        let failures = DescriptorDrill.restore(pid, inTreeOf: process.child.pid, from: lowered, to: soft)
        for failure in failures {
            log(
                LogRecord(
                    .error, "The soft limit of descriptors that a drill has lowered stays at \(lowered): \(failure)"))
        }
    }
}
