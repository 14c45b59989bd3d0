import WardenCore
import WardenLinux

extension KernelMachine {
    mutating func raiseDescriptorLimit(of worker: WorkerID, pid: Int32) {
        guard let process = workers[worker], !process.isReaped else { return }
        let raise = FirstAid.raise(pid, inTreeOf: process.child.pid, atMost: Limits.aidedDescriptors)
        pending.append(.worker(worker, .descriptorLimitRaised(raise)))
    }
}
