internal import Glibc
package import WardenCore

extension Census {
    /// Looks a worker over before it is ended: what its threads wait for, its processes, its descriptors by kind, its
    /// limits and what surrounds it. Whatever cannot be had is named as a gap.
    ///
    /// For a thread that may be abandoned: a stuck process can make a reading of /proc block.
    ///
    /// - Parameters:
    ///   - pid: the supervised process.
    ///   - deadline: nothing new is begun after it.
    package static func examine(_ pid: Int32, until deadline: Instant) -> Forensics {
        var forensics = Forensics()
        // First of all: whoever looks closer may wake a thread.
        addThreads(of: pid, until: deadline, to: &forensics)
        let tightest = addProcesses(of: pid, until: deadline, to: &forensics)
        if MonotonicClock.now() >= deadline {
            forensics.gaps.append("descriptors, limits, pressure: out of time")
            return forensics
        }
        addDescriptors(of: tightest, until: deadline, to: &forensics)
        if let limits = Surroundings.limits(of: tightest) { forensics.limits = limits }
        forensics.pressure = Surroundings.pressure(around: pid)
        return forensics
    }

    /// The kinds of descriptors of the process with the least headroom in a tree.
    ///
    /// - Parameters:
    ///   - pid: the supervised process.
    ///   - deadline: what is not read by then is estimated from what was.
    /// - Returns: `nil` when the tree is gone or may not be looked at.
    package static func kinds(ofTightestIn pid: Int32, until deadline: Instant) -> [Forensics.KindCount]? {
        do throws(KernelFailure) {
            var tightest = pid
            if case .tree(let readings) = try ProcReader().read(pid) { tightest = readings.tightest?.pid ?? pid }
            return try take(of: tightest, until: deadline).kinds
        } catch {
            return nil
        }
    }

    private static func addThreads(of pid: Int32, until deadline: Instant, to forensics: inout Forensics) {
        do throws(KernelFailure) {
            let table = try WaitReader().read(pid, stacks: true, until: deadline)
            let shown = table.rows.prefix(ProcLimits.tableThreads)
            forensics.threads = shown.map(\.line)
            forensics.stacks = shown.filter { !$0.stack.isEmpty }.map {
                "\($0.tid) \($0.stack.joined(separator: " < "))"
            }
            forensics.gaps += table.gaps
            if table.rows.count > shown.count {
                forensics.gaps.append("threads: \(table.rows.count - shown.count) more are not listed")
            }
        } catch {
            forensics.gaps.append("waits: \(error)")
        }
    }

    private static func addDescriptors(of pid: Int32, until deadline: Instant, to forensics: inout Forensics) {
        do throws(KernelFailure) {
            let census = try take(of: pid, until: deadline)
            forensics.descriptorKinds = census.kinds
            if census.readCount < census.total {
                forensics.gaps.append(
                    "descriptors: counts are estimated from \(census.readCount) of \(census.total)")
            }
        } catch {
            forensics.gaps.append("descriptors: \(error)")
        }
    }

    // Answers with the process that has the least headroom, whose descriptors are of interest.
    private static func addProcesses(
        of pid: Int32, until deadline: Instant, to forensics: inout Forensics
    ) -> Int32 {
        var tightest = pid
        do throws(KernelFailure) {
            let reader = try ProcReader()
            if case .tree(let readings) = reader.read(pid) { tightest = readings.tightest?.pid ?? pid }
            let root = try Descriptor.open("/proc", O_RDONLY | O_DIRECTORY)
            let pids = reader.members
            for member in pids.prefix(ProcLimits.tableProcesses) {
                if MonotonicClock.now() >= deadline {
                    forensics.gaps.append("processes: out of time")
                    break
                }
                if let line = processLine(of: member, root) { forensics.processes.append(line) }
            }
            if pids.count > ProcLimits.tableProcesses {
                forensics.gaps.append("processes: \(pids.count - ProcLimits.tableProcesses) more are not listed")
            }
            if forensics.processes.isEmpty { forensics.gaps.append("processes: the worker has ended") }
        } catch {
            forensics.gaps.append("processes: \(error)")
        }
        return tightest
    }

    /// `PID COMMAND STATE WCHAN`, as far as it can be read; `nil` when the process has ended.
    private static func processLine(of pid: Int32, _ root: borrowing Descriptor) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            do throws(KernelFailure) {
                let process = try ProcDirectory(pid: pid, root: root)
                let count = try process.read(ProcDirectory.pointer("stat"), into: buffer)
                guard let stat = ProcStat(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return nil }
                let command = stat.command.withUnsafeBytes { QuotedLine.text(of: $0) }
                let state = stat.state.map { String(UnicodeScalar($0.rawValue)) } ?? "?"
                return "\(pid) \(command) \(state) \(waitChannel(of: process, buffer))"
            } catch {
                return nil
            }
        }
    }

    private static func waitChannel(
        of process: borrowing ProcDirectory, _ buffer: UnsafeMutableRawBufferPointer
    ) -> String {
        do throws(KernelFailure) {
            let count = try process.read(ProcDirectory.pointer("wchan"), into: buffer)
            let name = QuotedLine.text(of: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return name.isEmpty || name == "0" ? "-" : name
        } catch {
            // It needs the right to trace.
            return "-"
        }
    }
}
