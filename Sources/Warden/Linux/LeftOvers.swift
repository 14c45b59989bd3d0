internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A process of a worker that nobody supervises: its daemon is gone, and did not tell us of it.
package struct LeftOver: Hashable, Sendable {
    /// What tells whose it is.
    package enum Evidence: Hashable, Sendable {
        /// It lives in this worker's control group.
        case controlGroup(WorkerID)
        /// Its environment names this slot and generation.
        case environment(WorkerTrace)
    }

    /// Which process.
    package var identity: ProcessIdentity
    /// What tells whose it is.
    package var evidence: Evidence
}

/// The search for them, at the start.
package enum LeftOvers {
    /// Finds processes of workers that are not among those that are known.
    ///
    /// First the groups below our own, which miss nobody; then the environments of all processes, where WARDEN_SLOT and
    /// WARDEN_GENERATION are handed down from parent to child. Those of another daemon that lives are left out: the top
    /// of such a tree is the child of a process with our name. What has dropped its environment is not found by it.
    ///
    /// It reads files of every process of the host, about 20 us each, and waits for one that holds its memory map: call
    /// it where that may be.
    ///
    /// - Parameters:
    ///   - tree: our own group; `nil` where there is none.
    ///   - isKnown: whether a worker is adopted.
    ///   - isOwned: whether a pid is one of ours, or is below one of them.
    /// - Returns: what was found, those of groups first.
    package static func find(
        below tree: ControlGroupTree?, isKnown: (WorkerID) -> Bool, isOwned: (Int32) -> Bool
    ) -> [LeftOver] {
        var found = inGroups(below: tree, isKnown: isKnown)
        let seen = Set(found.map(\.identity.pid))
        found += byEnvironment { isOwned($0) || seen.contains($0) }
        return found
    }

    /// Opens the process of a worker by its pid, if it still is the one that was started: its environment names it.
    ///
    /// - Parameters:
    ///   - pid: as it was.
    ///   - name: of its slot.
    ///   - generation: of the worker; `nil` for any.
    /// - Returns: a pidfd; `nil` when it is gone, or another.
    package static func open(_ pid: Int32, _ name: SlotName, of generation: Generation? = nil) -> CInt? {
        let number = warden_pidfd_open(pid)
        if number < 0 { return nil }
        let pidfd = Descriptor(owning: number)
        // The pidfd first: should the pid become another's in between, it names nobody any more.
        guard let trace = WorkerTrace(pid: pid), trace.slot == name.qualified,
            generation == nil || trace.generation == generation, warden_pidfd_send_signal(number, 0) == 0
        else { return nil }
        return pidfd.take()
    }

    /// The workers that nobody supervises, by the environments of their processes: one of each slot, the one that has
    /// lived longest.
    ///
    /// For the start of a daemon that has no worker yet. See `find` for what it costs.
    package static func workers() -> [LeftOverWorker] {
        var found: [String: (identity: ProcessIdentity, trace: WorkerTrace)] = [:]
        for leftOver in byEnvironment(isOwned: { _ in false }) {
            guard case .environment(let trace) = leftOver.evidence else { continue }
            let key = "\(trace.serverURL ?? "") \(trace.slot)"
            let identity = leftOver.identity
            if let known = found[key]?.identity,
                (known.startTicks, known.pid) < (identity.startTicks, identity.pid)
            {
                continue
            }
            found[key] = (identity, trace)
        }
        return found.values.sorted { $0.identity.pid < $1.identity.pid }.map { identity, trace in
            LeftOverWorker(
                name: trace.slot, generation: trace.generation, pid: identity.pid, serverURL: trace.serverURL)
        }
    }

    /// Those in groups below our own.
    package static func inGroups(below tree: ControlGroupTree?, isKnown: (WorkerID) -> Bool) -> [LeftOver] {
        guard let tree else { return [] }
        var found: [LeftOver] = []
        for name in tree.names {
            guard let worker = ControlGroupTree.worker(of: name), !isKnown(worker), let group = tree.open(name) else {
                continue
            }
            for pid in group.members {
                guard let member = TreeMember(pid: pid), member.state != .zombie else { continue }
                found.append(LeftOver(identity: member.identity, evidence: .controlGroup(worker)))
            }
        }
        return found
    }

    /// Those whose environment names a worker.
    ///
    /// - Parameter isOwned: whether a pid is one of ours: neither it nor what descends from it is left over.
    package static func byEnvironment(isOwned: (Int32) -> Bool) -> [LeftOver] {
        var marked: [Int32: (member: TreeMember, trace: WorkerTrace)] = [:]
        for pid in processes() where pid != getpid() {
            guard let member = TreeMember(pid: pid), member.state != .zombie, let trace = WorkerTrace(pid: pid),
                // The pid may have become another's between the two files.
                TreeMember(pid: pid)?.identity == member.identity
            else { continue }
            marked[pid] = (member, trace)
        }
        let name = ProcessTree.contents(of: "/proc/self/comm", atMost: 64)
        return marked.values.compactMap { member, trace in
            var top = member
            var steps = 0
            while let parent = marked[top.parent], steps < ControlGroupLimits.depth * 64 {
                if isOwned(top.identity.pid) { return nil }
                top = parent.member
                steps += 1
            }
            if isOwned(top.identity.pid) || isSupervised(top, by: name) { return nil }
            return LeftOver(identity: member.identity, evidence: .environment(trace))
        }.sorted { $0.identity.pid < $1.identity.pid }
    }

    /// Whether the parent of a process is another daemon like this one. Our own children are not: they are known, or
    /// they are orphans that came to us.
    private static func isSupervised(_ top: TreeMember, by name: [UInt8]?) -> Bool {
        guard top.parent > 1, top.parent != getpid(), let name else { return false }
        return ProcessTree.contents(of: "/proc/\(top.parent)/comm", atMost: 64) == name
    }

    private static func processes() -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { _ = closedir(directory) }
        var pids: [Int32] = []
        while pids.count < ControlGroupLimits.searchedProcesses, let entry = readdir(directory) {
            let pid = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                Int32(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
            }
            if let pid { pids.append(pid) }
        }
        return pids
    }
}
