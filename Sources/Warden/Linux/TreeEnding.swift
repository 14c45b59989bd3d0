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
        let urgency = Urgency()
        defer { urgency.end() }
        var efforts = trees.map { Effort(tree: $0) }
        var open = Set(trees.indices)
        // Those that are stopped keep their places in the table of processes, which a fork bomb would fill anew.
        let stopUntil = MonotonicClock.now() + (deadline - MonotonicClock.now()) / 2
        var deathToll = DeathToll()
        while !open.isEmpty {
            let now = MonotonicClock.now()
            find(&efforts, open, &deathToll, isOwned: isOwned)
            var isNew = false
            for position in open.sorted() {
                if efforts[position].isOver || now >= deadline {
                    report(position, efforts[position].outcome)
                    open.remove(position)
                } else if efforts[position].stop() {
                    isNew = true
                    if now >= stopUntil { efforts[position].kill() }
                } else {
                    efforts[position].kill()
                }
            }
            // Those that were killed need a moment to die; one that forks gets none.
            if !isNew { MonotonicClock.rest(for: ControlGroupLimits.dyingTime) }
        }
    }

    private static func find(
        _ efforts: inout [Effort], _ open: Set<Int>, _ deathToll: inout DeathToll, isOwned: (Int32) -> Bool
    ) {
        var traces: [Int32: WorkerTrace] = [:]
        let all = ProcessTree.orphans(limit: ControlGroupLimits.members, unless: isOwned)
        let orphans = all.filter(\.isAlive)
        let isRestless = deathToll.hasRisen(all) { identity in open.contains { efforts[$0].knows(identity) } }
        for orphan in orphans where !open.contains(where: { efforts[$0].knows(orphan.identity) }) {
            traces[orphan.identity.pid] = WorkerTrace(pid: orphan.identity.pid)
        }
        let strays = open.contains { !efforts[$0].tree.wasOurs } ? LeftOvers.byEnvironment(isOwned: isOwned) : []
        for position in open { efforts[position].look(at: orphans, traces, strays, isOwned: isOwned) }
        if isRestless { for position in open { efforts[position].lookAgain() } }
    }
}

/// One tree on its way to its end.
private struct Effort {
    let tree: Bereaved
    /// Its living processes, the tops of what is left, as they were found last.
    var found: [TreeMember] = []
    private var stopped: [ProcessIdentity: TreeMember] = [:]
    private var killed: Set<ProcessIdentity> = []
    /// Looks in a row that have found nobody.
    private var emptyLooks = 0
    /// Somebody lived who names no worker.
    private var hasSeenNameless = false

    init(tree: Bereaved) {
        self.tree = tree
    }

    /// Nobody is left.
    ///
    /// One look may miss a tree whose processes end all the time: the list of children is not read at one blow, and who
    /// is ending has no environment any more. So one is enough only where there was nothing of the kind.
    var isOver: Bool { emptyLooks >= (stopped.isEmpty && !hasSeenNameless ? 1 : ControlGroupLimits.lastLooks) }

    var outcome: TreeEnding.Outcome {
        var outcome = TreeEnding.Outcome()
        outcome.left = found
        outcome.ended = killed.subtracting(found.map(\.identity)).count
        return outcome
    }

    /// It was found to belong here before.
    func knows(_ identity: ProcessIdentity) -> Bool { stopped[identity] != nil || killed.contains(identity) }

    mutating func look(
        at orphans: [TreeMember], _ traces: [Int32: WorkerTrace], _ strays: [LeftOver], isOwned: (Int32) -> Bool
    ) {
        // A process of that number now is another, and so is its group.
        let isRootGone = TreeMember(pid: tree.root) == nil
        found = orphans.filter { orphan in
            if knows(orphan.identity) { return true }
            if let trace = traces[orphan.identity.pid], trace.slot == tree.slot.qualified,
                trace.generation <= tree.generation
            {
                return true
            }
            return isRootGone && (orphan.group == tree.root || orphan.session == tree.root)
        }
        if !tree.wasOurs { found += strays.compactMap { tree.claims($0) } }
        let known = Set(found.map(\.identity))
        for identity in Set(tree.known).union(stopped.keys) where !known.contains(identity) && !isOwned(identity.pid) {
            guard let member = TreeMember(pid: identity.pid), member.identity == identity, member.isAlive else {
                continue
            }
            found.append(member)
        }
        let mine = Set(found.map(\.identity))
        if orphans.contains(where: { traces[$0.identity.pid] == nil && !mine.contains($0.identity) }) {
            hasSeenNameless = true
        }
        emptyLooks = found.isEmpty ? emptyLooks + 1 : 0
    }

    /// Somebody has died whom nobody had seen: what forks and ends all the time was missed by this look.
    mutating func lookAgain() { emptyLooks = 0 }

    /// - Returns: whether one was found that was not stopped before.
    mutating func stop() -> Bool {
        ProcessTree.stop(found.map(\.identity), &stopped) { killed.contains($0) }
    }

    mutating func kill() {
        ProcessTree.killAll(stopped)
        killed.formUnion(stopped.keys)
        stopped = [:]
    }
}

/// Orphans that are dead already when they are seen for the first time.
private struct DeathToll {
    private var dead: Set<ProcessIdentity> = []
    private var risenCount = 0

    /// Whether there are more than at the last look; after so many risings it does not matter any more: where others'
    /// orphans come and go all the time, a stop must have an end, too.
    mutating func hasRisen(_ orphans: [TreeMember], isKnown: (ProcessIdentity) -> Bool) -> Bool {
        let former = dead
        dead = Set(orphans.filter { !$0.isAlive }.map(\.identity))
        guard risenCount < ControlGroupLimits.restlessLooks else { return false }
        guard dead.contains(where: { !former.contains($0) && !isKnown($0) }) else { return false }
        risenCount += 1
        return true
    }
}

/// Lets the calling thread go before others, as far as it may: where a hundred processes run for all they are worth, it
/// would get a hundredth of a processor otherwise.
private struct Urgency {
    private let isRaised: Bool

    init() {
        var parameter = sched_param(sched_priority: 1)
        // Without the right to: as everybody else.
        isRaised = sched_setscheduler(0, SCHED_RR | CInt(bitPattern: resetOnFork), &parameter) == 0
    }

    func end() {
        guard isRaised else { return }
        var parameter = sched_param(sched_priority: 0)
        _ = sched_setscheduler(0, SCHED_OTHER, &parameter)
    }
}

/// SCHED_RESET_ON_FORK, which the C library has only for its own extensions.
private let resetOnFork: UInt32 = 0x4000_0000

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
