internal import Glibc
package import WardenCore

/// What is left of a worker whose main process is gone, as far as it can be told without a control group.
package struct Bereaved: Hashable, Sendable {
    /// Its slot.
    package var slot: SlotName
    /// Which start of it.
    package var generation: Generation
    /// The main process that was, which led a process group.
    package var root: Int32
    /// It was our child, so its orphans came to us. Those of one that was adopted after a crash went elsewhere.
    package var wasOurs: Bool
    /// Processes that were seen in its tree while it lived.
    package var known: [ProcessIdentity]

    /// - Parameters: as the properties of the same names.
    package init(slot: SlotName, generation: Generation, root: Int32, wasOurs: Bool, known: [ProcessIdentity] = []) {
        self.slot = slot
        self.generation = generation
        self.root = root
        self.wasOurs = wasOurs
        self.known = known
    }
}

/// Ends whole trees, for threads that may wait.
package enum TreeEnding {
    /// What came of it.
    package struct Outcome: Hashable, Sendable {
        /// Processes that were killed.
        package var ended = 0
        /// Those that were alive still at the deadline.
        package var left: [TreeMember] = []

        /// Nothing was there.
        package init() {}
    }

    /// Kills everything in a control group, until nobody lives there.
    ///
    /// - Parameters:
    ///   - group: the worker's.
    ///   - deadline: when to give up.
    /// - Throws: EACCES and its kin: the group cannot be used.
    package static func end(_ group: borrowing ControlGroup, until deadline: Instant) throws(KernelFailure) -> Outcome {
        var outcome = Outcome()
        outcome.ended = group.members.count
        repeat {
            try group.killAll()
            let round = MonotonicClock.now() + ControlGroupLimits.killWait
            if group.awaitEmpty(until: min(deadline, round)) { return outcome }
        } while MonotonicClock.now() < deadline
        outcome.left = group.members.compactMap { TreeMember(pid: $0) }
        outcome.ended -= min(outcome.ended, outcome.left.count)
        return outcome
    }

    /// Kills what is left of trees, round after round, until a look finds nobody.
    ///
    /// Found are: orphans that came to us and whose environment names the worker, or that are in the process group or
    /// session of its main process; what is below them; and what was known before. One that left its tree, its group
    /// and its environment behind before anybody looked is not found: only a control group holds that.
    ///
    /// - Parameters:
    ///   - trees: what to end.
    ///   - deadline: when to give up.
    ///   - isOwned: whether a pid is one of ours: a worker's or a command's.
    ///   - report: told of each tree, by its position, as soon as it is over.
    package static func end(
        _ trees: [Bereaved], until deadline: Instant, isOwned: (Int32) -> Bool, report: (Int, Outcome) -> Void
    ) {
        var killed: [Set<ProcessIdentity>] = Array(repeating: [], count: trees.count)
        var open = Set(trees.indices)
        while !open.isEmpty {
            let isLate = MonotonicClock.now() >= deadline
            let found = find(trees, open, isOwned: isOwned)
            var isNew = false
            for position in open.sorted() {
                let members = found[position] ?? []
                if members.isEmpty || isLate {
                    var outcome = Outcome()
                    outcome.left = members
                    outcome.ended = killed[position].subtracting(members.map(\.identity)).count
                    report(position, outcome)
                    open.remove(position)
                    continue
                }
                let before = killed[position].count
                for identity in ProcessTree.endAll(members.map(\.identity)) { killed[position].insert(identity) }
                isNew = isNew || killed[position].count > before
            }
            // Those that were killed need a moment to die; one that forks gets none.
            if !isNew { MonotonicClock.rest(for: ControlGroupLimits.dyingTime) }
        }
    }

    private static func find(
        _ trees: [Bereaved], _ open: Set<Int>, isOwned: (Int32) -> Bool
    ) -> [Int: [TreeMember]] {
        var found: [Int: [TreeMember]] = [:]
        var traces: [Int32: WorkerTrace] = [:]
        let orphans = ProcessTree.orphans(limit: ControlGroupLimits.members, unless: isOwned).filter(\.isAlive)
        for orphan in orphans { traces[orphan.identity.pid] = WorkerTrace(pid: orphan.identity.pid) }
        let strays = open.contains { !trees[$0].wasOurs } ? LeftOvers.byEnvironment(isOwned: isOwned) : []
        for position in open {
            let tree = trees[position]
            // A process of that number now is another, and so is its group.
            let isRootGone = TreeMember(pid: tree.root) == nil
            var members = orphans.filter { orphan in
                if let trace = traces[orphan.identity.pid], trace.slot == tree.slot.qualified,
                    trace.generation <= tree.generation
                {
                    return true
                }
                return isRootGone && (orphan.group == tree.root || orphan.session == tree.root)
            }
            if !tree.wasOurs { members += strays.compactMap { tree.claims($0) } }
            for identity in tree.known where !isOwned(identity.pid) {
                guard let member = TreeMember(pid: identity.pid), member.identity == identity, member.isAlive,
                    !members.contains(member)
                else { continue }
                members.append(member)
            }
            found[position] = members
        }
        return found
    }
}

extension Bereaved {
    /// One of the host's processes whose environment says that it belongs here.
    fileprivate func claims(_ stray: LeftOver) -> TreeMember? {
        guard case .environment(let trace) = stray.evidence, trace.slot == slot.qualified,
            trace.generation == generation, let member = TreeMember(pid: stray.identity.pid),
            member.identity == stray.identity, member.isAlive
        else { return nil }
        return member
    }
}

extension TreeMember {
    /// Neither a zombie nor gone.
    package var isAlive: Bool { state != .zombie && state != .dead }
}
