import WardenCore
import WardenLinux

extension KernelMachine {
    mutating func readWaits(_ worker: WorkerID) {
        guard let process = workers[worker], !process.isReaped else { return }
        let (inbox, pid) = (parts.inbox, process.child.pid)
        let deadline = MonotonicClock.now() + WaitLimits.readingTime
        // When no thread is free, or the reading is stuck, the question comes again.
        parts.readers.submit(deadline: deadline + .seconds(5)) {
            let report: WaitReport
            do throws(KernelFailure) {
                report = try WaitReader().read(pid, until: deadline).report
            } catch {
                report = WaitReport(takenAt: MonotonicClock.now(), threads: [], gaps: ["waits: \(error)"])
            }
            _ = inbox.post(.worker(worker, .waitsRead(report)))
        }
    }
}
