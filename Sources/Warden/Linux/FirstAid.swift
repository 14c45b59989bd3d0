internal import CWardenLinux
internal import Glibc
package import WardenCore

/// First aid at EMFILE: a running process gets descriptors again, from one system call to the next.
package enum FirstAid {
    /// Raises a process's soft RLIMIT_NOFILE to its hard limit. Does not block.
    ///
    /// prlimit(2) knows pids only, so a stranger who got the number meanwhile must be excluded. The supervised process
    /// is our own child, whose number nobody gets before we reap it. For a descendant a pidfd is held: if that still
    /// says alive afterwards, the number was its own all the time; if not, what was changed is put back.
    ///
    /// - Parameters:
    ///   - pid: the process.
    ///   - root: the supervised process, not reaped, of whose tree it must be.
    ///   - limit: goes no higher than this.
    /// - Returns: what came of it.
    package static func raise(_ pid: Int32, inTreeOf root: Int32, atMost limit: Int) -> LimitRaise {
        do throws(KernelFailure) {
            if pid == root { return try raise(pid, atMost: limit) }
            let handle = Descriptor(
                owning: CInt(try Kernel.check("open process", "\(pid)", Int(warden_pidfd_open(pid)))))
            guard ProcessTree.members(of: root).members.contains(where: { $0.identity.pid == pid }) else {
                return .refused(reason: "pid \(pid) is not of this worker any more")
            }
            let raised = try raise(pid, atMost: limit)
            guard case .raised(_, let from, _) = raised, hasEnded(handle) else { return raised }
            try setSoftLimit(of: pid, to: UInt64(from))
            return .refused(reason: "pid \(pid) has just ended")
        } catch {
            return .refused(reason: "\(error)")
        }
    }

    private static func raise(_ pid: Int32, atMost limit: Int) throws(KernelFailure) -> LimitRaise {
        let before = try ResourceLimit.read(ResourceLimit.descriptors, of: pid).limit
        let wanted = min(before.hard, UInt64(limit))
        guard before.soft < wanted else {
            return .refused(reason: "pid \(pid) has a soft limit of \(before.soft), which is all that it may have")
        }
        try setSoftLimit(of: pid, to: wanted)
        return .raised(pid: pid, from: Int(clamping: before.soft), to: Int(clamping: wanted))
    }

    private static func setSoftLimit(of pid: Int32, to soft: UInt64) throws(KernelFailure) {
        let hard = try ResourceLimit.read(ResourceLimit.descriptors, of: pid).limit.hard
        try ResourceLimit(resource: ResourceLimit.descriptors, limit: .init(soft: min(soft, hard), hard: hard))
            .apply(to: pid)
    }

    private static func hasEnded(_ handle: borrowing Descriptor) -> Bool {
        var waiting = pollfd(fd: handle.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) > 0
    }
}
