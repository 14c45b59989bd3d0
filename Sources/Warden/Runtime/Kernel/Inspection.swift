import WardenCore
import WardenLinux
import WardenWire

/// Looks a worker over on a reader's thread.
enum ForensicsCollector {
    /// Everything that can be had before the deadline.
    ///
    /// - Parameters:
    ///   - pid: the supervised process.
    ///   - worker: whose output the last lines are.
    ///   - pump: knows the last lines.
    ///   - signal: sent to every process of the tree that catches it; what they write then is in the last lines.
    ///   - deadline: nothing new is begun after it.
    static func collect(pid: Int32, worker: WorkerID, pump: Pump, signal: Signal?, deadline: Instant) -> Forensics {
        var forensics = Census.examine(pid, until: deadline)
        if let signal { ask(pid, signal, until: deadline, &forensics) }
        if let lines = lastLines(of: worker, pump, until: deadline) {
            forensics.lastLines = lines
        } else {
            forensics.gaps.append("last lines: the log pump did not answer in time")
        }
        return forensics
    }

    /// Nobody is sent a signal that would end it.
    private static func ask(_ pid: Int32, _ signal: Signal, until deadline: Instant, _ forensics: inout Forensics) {
        let catching = ProcessTree.members(of: pid).members.filter {
            SignalsCaught.contains(signal, by: $0.identity.pid)
        }
        guard !catching.isEmpty else {
            forensics.gaps.append("\(signal.name): the worker does not catch it")
            return
        }
        ProcessTree.deliver(signal, to: catching)
        let answersBy = min(deadline, MonotonicClock.now() + RuntimeLimits.forensicsAnswer)
        // Without a descriptor for it the lines are read at once, which may be too soon.
        _ = (try? Mailbox<Never>(capacity: 1))?.wait(until: answersBy)
    }

    private static func lastLines(of worker: WorkerID, _ pump: Pump, until deadline: Instant) -> [String]? {
        // No descriptor left for a mailbox: the lines are a gap, and said to be one.
        guard let answer = try? Mailbox<[String]>(capacity: 1) else { return nil }
        let posting = pump.lastLines(of: worker) { _ = answer.post($0) }
        guard case .accepted = posting, answer.wait(until: deadline) else { return nil }
        return answer.drain().first
    }
}

extension DescriptorCensus {
    /// Counts a process's descriptors by kind, now.
    ///
    /// - Returns: `nil` when it is gone or may not be looked at.
    init?(of pid: Int32, _ snapshot: WorkerSnapshot) {
        let deadline = MonotonicClock.now() + .seconds(5)
        guard let census = try? Census.take(of: pid, until: deadline) else { return nil }
        // Read now rather than from the last sample, so that count and kinds belong together.
        let limit = (try? ResourceLimit.read(ResourceLimit.descriptors, of: pid))?.limit
        let reading = DescriptorReading(
            pid: pid, count: census.total,
            softLimit: Int(clamping: limit?.soft ?? UInt64(clamping: snapshot.readings?.tightest?.softLimit ?? 0)),
            hardLimit: Int(clamping: limit?.hard ?? UInt64(clamping: snapshot.readings?.tightest?.hardLimit ?? 0)))
        self.init(worker: snapshot.name, reading: reading, kinds: census.kinds, trend: snapshot.descriptorTrend)
    }
}
