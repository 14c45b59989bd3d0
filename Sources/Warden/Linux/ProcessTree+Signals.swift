internal import CWardenLinux
internal import Glibc
package import WardenCore

extension ProcessTree {
    /// Sends a signal to processes that were read before, and to no other that has got one of their pids since.
    ///
    /// - Parameters:
    ///   - signal: what to send.
    ///   - members: whom to send it to.
    ///   - wakesStopped: send SIGCONT after it to those that are stopped, which would not see it otherwise.
    /// - Returns: how many got it.
    @discardableResult
    package static func deliver(
        _ signal: Signal, to members: [TreeMember], wakesStopped: Bool = true
    ) -> Int {
        var count = 0
        for member in members {
            guard let pidfd = handle(of: member.identity) else { continue }
            if warden_pidfd_send_signal(pidfd.rawValue, signal.number) == 0 { count += 1 }
            if wakesStopped, member.state == .stopped, signal != .kill {
                _ = warden_pidfd_send_signal(pidfd.rawValue, Signal.resume.number)
            }
        }
        return count
    }

    /// Kills trees with everything in them.
    ///
    /// A tree that is killed from a list loses those that are born meanwhile. So it is stopped first, pass after pass,
    /// until no process is new: a stopped process forks no more.
    ///
    /// - Parameter roots: the tops of the trees; those that are gone are left out.
    /// - Returns: how many processes were killed.
    @discardableResult
    package static func end(_ roots: [ProcessIdentity]) -> Int {
        var stopped: [ProcessIdentity: TreeMember] = [:]
        for _ in 0..<EdgeLimits.treePasses {
            if !stop(roots, &stopped, unless: { _ in false }) { break }
        }
        killAll(stopped)
        return stopped.count
    }

    /// One pass over trees: stops everything in them that is not stopped yet.
    ///
    /// - Parameters:
    ///   - roots: the tops of the trees.
    ///   - stopped: what was stopped before; what is new is added.
    ///   - isDoomed: those that were killed before, and are dying.
    /// - Returns: whether something was new.
    internal static func stop(
        _ roots: [ProcessIdentity], _ stopped: inout [ProcessIdentity: TreeMember],
        unless isDoomed: (ProcessIdentity) -> Bool
    ) -> Bool {
        var isGrown = false
        for root in roots {
            let members = members(of: root.pid, limit: ControlGroupLimits.members).members
            guard members.first?.identity == root else { continue }
            let new = members.filter { stopped[$0.identity] == nil && !isDoomed($0.identity) }
            deliver(Signal(SIGSTOP), to: new, wakesStopped: false)
            for member in new { stopped[member.identity] = member }
            isGrown = isGrown || !new.isEmpty
        }
        return isGrown
    }

    /// Kills what was stopped.
    internal static func killAll(_ stopped: [ProcessIdentity: TreeMember]) {
        endSessions(of: Array(stopped.values))
        deliver(.kill, to: Array(stopped.values))
    }

    /// Kills the process groups of stopped processes that are in sessions of their own: at one blow, so that not even
    /// one whose members live for microseconds gets away.
    ///
    /// Nobody joins a session from outside, so all of such a group belongs to the tree. In the daemon's own session the
    /// groups of other workers are, too, and whoever likes may have joined one of those.
    private static func endSessions(of members: [TreeMember]) {
        let own = getsid(0)
        var groups: Set<Int32> = []
        for member in members where member.session > 0 && member.session != own && member.group > 1 {
            guard groups.insert(member.group).inserted, let now = TreeMember(pid: member.identity.pid) else { continue }
            // While a stopped one is in it, the group's number is nobody else's.
            guard now.identity == member.identity, now.group == member.group, now.session == member.session else {
                continue
            }
            _ = warden_signal_group(member.group, SIGKILL)
        }
    }

    // The pidfd comes first and the check second: what was checked is then what is signalled.
    private static func handle(of identity: ProcessIdentity) -> Descriptor? {
        let number = warden_pidfd_open(identity.pid)
        if number < 0 { return nil }
        let pidfd = Descriptor(owning: number)
        guard TreeMember(pid: identity.pid)?.identity == identity else { return nil }
        return pidfd
    }
}

/// What a process's environment says of the worker that it belongs to.
package struct WorkerTrace: Hashable, Sendable {
    /// WARDEN_SLOT: the slot's name as `SlotName.qualified` writes it.
    package var slot: String
    /// WARDEN_GENERATION.
    package var generation: Generation

    /// Reads /proc/PID/environ; `nil` when it is no worker's, or cannot be read.
    ///
    /// It waits for a process that holds its memory map: call it where that may be.
    ///
    /// - Parameter pid: the process id.
    package init?(pid: Int32) {
        let limit = EdgeLimits.environmentBytes
        guard let environment = ProcessTree.contents(of: "/proc/\(pid)/environ", atMost: limit) else { return nil }
        var slot: String?
        var generation: UInt32?
        for entry in environment.split(separator: 0) {
            slot = slot ?? Self.value(of: "WARDEN_SLOT=", in: entry)
            generation = generation ?? Self.value(of: "WARDEN_GENERATION=", in: entry).flatMap { UInt32($0) }
        }
        guard let slot, let generation else { return nil }
        self.slot = slot
        self.generation = Generation(generation)
    }

    private static func value(of prefix: String, in entry: ArraySlice<UInt8>) -> String? {
        guard entry.starts(with: prefix.utf8) else { return nil }
        return String(decoding: entry.dropFirst(prefix.utf8.count), as: UTF8.self)
    }
}
