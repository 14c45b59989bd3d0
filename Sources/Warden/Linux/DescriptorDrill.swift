internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A drill's hand on a process: it cannot open another descriptor, until it is given back what it had.
package enum DescriptorDrill {
    /// Lowers a process's soft RLIMIT_NOFILE to its lowest free number, so that every new descriptor fails with EMFILE.
    /// Never raises it. Does not block.
    ///
    /// As in `FirstAid`, a pidfd tells whether the pid was somebody else's meanwhile.
    ///
    /// - Parameters:
    ///   - pid: the process.
    ///   - root: the supervised process, not reaped, of whose tree it must be.
    /// - Returns: what came of it.
    package static func lower(_ pid: Int32, inTreeOf root: Int32) -> LimitLowering {
        do throws(KernelFailure) {
            let handle = try open(pid)
            guard isMember(pid, of: root) else {
                return .refused(reason: "pid \(pid) is not of this worker any more")
            }
            let before = try ResourceLimit.read(ResourceLimit.descriptors, of: pid).limit
            guard let free = lowestFree(of: pid) else {
                return .refused(reason: "the descriptors of pid \(pid) cannot be listed")
            }
            let wanted = min(before.soft, UInt64(free))
            try set(wanted, of: pid, hard: before.hard)
            guard hasEnded(handle) else {
                return .lowered(pid: pid, from: Int(clamping: before.soft), to: Int(clamping: wanted))
            }
            try set(before.soft, of: pid, hard: before.hard)
            return .refused(reason: "pid \(pid) has just ended")
        } catch {
            return .refused(reason: "\(error)")
        }
    }

    /// Gives back what was lowered: to the process, and to those of the tree that it started with the lowered limit.
    ///
    /// - Parameters:
    ///   - pid: the process.
    ///   - root: the supervised process, not reaped.
    ///   - lowered: the soft limit that the drill has set; whoever has another is left alone.
    ///   - soft: the soft limit from before.
    /// - Returns: what failed, in words for a person; a process that has ended is no failure.
    package static func restore(_ pid: Int32, inTreeOf root: Int32, from lowered: Int, to soft: Int) -> [String] {
        var failures: [String] = []
        let members = ProcessTree.members(of: root).members.map(\.identity.pid)
        for member in members {
            do throws(KernelFailure) {
                let handle = try open(member)
                let present = try ResourceLimit.read(ResourceLimit.descriptors, of: member).limit
                guard present.soft == UInt64(lowered), isMember(member, of: root), !hasEnded(handle) else { continue }
                try set(min(UInt64(soft), present.hard), of: member, hard: present.hard)
            } catch {
                if error.errorNumber != ESRCH { failures.append("pid \(member): \(error)") }
            }
        }
        return failures
    }

    /// The number that the next descriptor would get.
    private static func lowestFree(of pid: Int32) -> Int? {
        guard let directory = opendir("/proc/\(pid)/fd") else { return nil }
        defer { closedir(directory) }
        var taken: Set<Int> = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = Int(name) { taken.insert(number) }
        }
        return (0...taken.count).first { !taken.contains($0) }
    }

    private static func open(_ pid: Int32) throws(KernelFailure) -> Descriptor {
        Descriptor(owning: CInt(try Kernel.check("open process", "\(pid)", Int(warden_pidfd_open(pid)))))
    }

    private static func isMember(_ pid: Int32, of root: Int32) -> Bool {
        pid == root || ProcessTree.members(of: root).members.contains { $0.identity.pid == pid }
    }

    private static func set(_ soft: UInt64, of pid: Int32, hard: UInt64) throws(KernelFailure) {
        try ResourceLimit(resource: ResourceLimit.descriptors, limit: .init(soft: soft, hard: hard)).apply(to: pid)
    }

    private static func hasEnded(_ handle: borrowing Descriptor) -> Bool {
        var waiting = pollfd(fd: handle.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) > 0
    }
}
