internal import Synchronization
internal import WardenCore

/// Which processes a slot's workers have consisted of: what is needed to recognise what they leave behind.
///
/// A tree can only be read while it lives, so it is noted whenever it is sampled or signalled. A child that lived
/// between two samples is not known; nothing of it is ever touched.
package final class TreeRecord: Sendable {
    private struct State {
        var lastSeen: [Int32] = []
        /// By pid: a later process of the tree that got the same pid takes the place of the earlier one.
        var known: [Int32: ProcessIdentity] = [:]
        /// The oldest first.
        var order: [Int32] = []
        /// The supervised processes: the groups of their descendants.
        var roots: Set<Int32> = []
    }

    private let state = Mutex(State())

    /// Nothing is known.
    package init() {}

    /// A worker was started.
    package func began(_ root: Int32) {
        state.withLock { state in
            // Of those whose group nobody is in any more nothing can be left.
            if state.roots.count >= EdgeLimits.recordedRoots { state.roots = [] }
            state.roots.insert(root)
        }
        saw([root])
    }

    /// Processes of the living tree, as they were just read.
    ///
    /// - Parameter pids: the supervised process first.
    package func saw(_ pids: [Int32]) {
        state.withLock { state in
            // The way of nearly all samples.
            if pids == state.lastSeen { return }
            state.lastSeen = pids
            for pid in pids {
                guard let identity = TreeMember(pid: pid)?.identity else { continue }
                if state.known.updateValue(identity, forKey: pid) == nil { state.order.append(pid) }
            }
            let excess = state.order.count - EdgeLimits.recordedProcesses
            guard excess > 0 else { return }
            for pid in state.order.prefix(excess) { state.known[pid] = nil }
            state.order.removeFirst(excess)
        }
    }

    /// Every process that was seen.
    package var pids: Set<Int32> { state.withLock { Set($0.known.keys) } }

    /// What was seen and still lives, and orphans in the groups of the supervised processes. Zombies have ended.
    ///
    /// - Parameter isOwned: whether a pid is that of a worker, not an orphan.
    package func survivors(unless isOwned: (Int32) -> Bool) -> [TreeMember] {
        let (known, roots) = state.withLock { (Array($0.known.values), $0.roots) }
        var living: [Int32: TreeMember] = [:]
        for identity in known where !isOwned(identity.pid) {
            guard let member = TreeMember(pid: identity.pid), member.identity == identity else { continue }
            living[identity.pid] = member
        }
        for orphan in ProcessTree.orphans(unless: isOwned)
        where roots.contains(orphan.group) || roots.contains(orphan.session) {
            living[orphan.identity.pid] = orphan
        }
        return living.values.filter { $0.state != .zombie && $0.state != .dead }
            .sorted { $0.identity.pid < $1.identity.pid }
    }

    /// Nothing of it is left: its files are swept, and its numbers may be another's.
    package func forgetTheDead() {
        state.withLock { state in
            state.known = state.known.filter { TreeMember(pid: $0.key)?.identity == $0.value }
            state.order.removeAll { state.known[$0] == nil }
            state.lastSeen = []
            state.roots = []
        }
    }
}
