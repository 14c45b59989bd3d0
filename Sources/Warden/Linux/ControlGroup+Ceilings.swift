internal import CWardenLinux
internal import Glibc
package import WardenCore

/// What the processes of a group have together, and may have; what the kernel does not say is `nil`.
package struct ControlGroupUsage: Hashable, Sendable {
    /// Memory in bytes, page cache included.
    package var memoryBytes: UInt64?
    /// Its ceiling; `nil` without one.
    package var memoryMaximumBytes: UInt64?
    /// Processes that the kernel killed at that ceiling.
    package var memoryKills: UInt64?
    /// Processes and threads.
    package var tasks: UInt64?
    /// Their ceiling; `nil` without one.
    package var taskMaximum: UInt64?
    /// How often fork(2) or clone(2) failed at that ceiling.
    package var refusedTasks: UInt64?
}

extension ControlGroup {
    /// Sets what its processes may have together. The controllers must have been enabled.
    ///
    /// - Parameter ceilings: those that are `nil` are left as they are.
    /// - Throws: ENOENT without the controller, EACCES.
    package func hold(_ ceilings: ResourceCeilings) throws(KernelFailure) {
        if let bytes = ceilings.memoryBytes {
            try write("\(bytes)", to: "memory.max")
            // A worker that has lost one of its processes waits for it for ever: all of it goes, and comes back whole.
            try write("1", to: "memory.oom.group")
        }
        if let tasks = ceilings.tasks { try write("\(tasks)", to: "pids.max") }
    }

    /// What its processes have and may have.
    package var usage: ControlGroupUsage {
        var usage = ControlGroupUsage()
        usage.memoryBytes = number(in: "memory.current")
        usage.memoryMaximumBytes = number(in: "memory.max")
        usage.memoryKills = count(of: "oom_kill", in: "memory.events")
        usage.tasks = number(in: "pids.current")
        usage.taskMaximum = number(in: "pids.max")
        usage.refusedTasks = count(of: "max", in: "pids.events")
        return usage
    }

    private func contents(_ file: String) -> [UInt8]? {
        ProcessTree.contents(of: "\(path)/\(file)", atMost: EdgeLimits.procReadBytes)
    }

    /// `max` is no number.
    private func number(in file: String) -> UInt64? {
        contents(file)?.withUnsafeBytes { bytes in
            var words = ProcWords(bytes)
            return words.count()
        }
    }

    private func count(of word: StaticString, in file: String) -> UInt64? {
        contents(file)?.withUnsafeBytes { ProcText.count(of: word, in: $0) }
    }
}

extension ControlGroupMount {
    /// The controllers of the group that is mounted there, such as `memory` and `pids`.
    package var controllers: Set<String> { ControlGroupFiles.words("\(path)/cgroup.controllers") }
}

extension ControlGroupTree {
    /// The controllers that can be enabled for the groups in it.
    package var controllers: Set<String> { ControlGroupFiles.words("\(path)/cgroup.controllers") }

    /// Has the kernel count and hold resources for each group of this tree.
    ///
    /// A group that is divided so may have no process of its own. Under systemd `DelegateSubgroup=` sees to that; the
    /// root of a container is made so, by moving whoever lives in it one level down. The unit's own group with the
    /// daemon in it is left alone, and refused by the kernel: before systemd 254 nothing could be started in it again.
    ///
    /// - Parameter names: controllers such as `memory`.
    /// - Throws: why they cannot be had.
    package func enable(_ names: [String]) throws(NoControlGroups) {
        let wanted = Set(names).subtracting(ControlGroupFiles.words("\(path)/cgroup.subtree_control"))
        guard !wanted.isEmpty else { return }
        let missing = wanted.subtracting(controllers)
        guard missing.isEmpty else {
            throw NoControlGroups("\(path) has no controller \(missing.sorted().joined(separator: ", "))")
        }
        let order = wanted.sorted().map { "+\($0)" }.joined(separator: " ")
        do throws(KernelFailure) {
            do throws(KernelFailure) {
                try write(order, to: "cgroup.subtree_control")
            } catch  where error.errorNumber == EBUSY && isRootOfContainer {
                try moveResidentsDown()
                try write(order, to: "cgroup.subtree_control")
            }
        } catch {
            guard error.errorNumber == EBUSY else { throw NoControlGroups("\(error)") }
            throw NoControlGroups(
                "\(path) has processes of its own; its unit needs DelegateSubgroup= (systemd 254 or later)")
        }
    }

    /// Whether it is all that a container sees. The host's own root has no such file.
    private var isRootOfContainer: Bool {
        ControlGroupMount.find()?.path == path && access("\(path)/cgroup.type", F_OK) == 0
    }

    /// Moves whoever lives in the tree's own directory into a group `daemon` below it. Those that are born meanwhile
    /// are moved in the next round.
    ///
    /// - Throws: EACCES and EBUSY.
    package func moveResidentsDown() throws(KernelFailure) {
        guard let place = make("daemon", sharing: true) else { return }
        for _ in 0..<ControlGroupLimits.namesakes {
            let residents = ControlGroupFiles.residents(of: path)
            if residents.isEmpty { return }
            for pid in residents {
                do throws(KernelFailure) {
                    try place.write("\(pid)", to: "cgroup.procs")
                } catch  where error.errorNumber == ESRCH {
                    continue
                }
            }
        }
    }

    private func write(_ text: String, to file: String) throws(KernelFailure) {
        try ControlGroup(name: "", path: path).write(text, to: file)
    }
}
