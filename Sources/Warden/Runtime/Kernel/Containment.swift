import Synchronization
import WardenConfig
import WardenCore
import WardenLinux

/// Holds workers together with all that they start: a control group each, where there is a tree of them, and threads
/// that end what a main process leaves behind.
///
/// The shell asks and goes on; what came of it is an answer in a mailbox.
final class Containment: Sendable {
    /// What is left of a worker is to be ended.
    struct Order: Sendable {
        var worker: WorkerID
        var bereaved: Bereaved
        /// The name of its control group.
        var group: String?
        /// Pids that are ours.
        var owned: [Int32: WorkerID]
        /// Those of commands.
        var commands: Set<Int32>
        var deadline: Instant
    }

    /// What came of an order.
    struct Answer: Sendable {
        var worker: WorkerID
        var slot: SlotName
        var outcome: TreeEnding.Outcome
    }

    /// A child, and the name of the group that it was to be born into.
    struct Born: ~Copyable {
        var spawned: SpawnedChild
        var group: String?

        consuming func takeSpawned() -> SpawnedChild { spawned }
    }

    private struct Work: Sendable {
        var orders: [Order] = []
        var removals: [String] = []
        /// A thread is to come for it.
        var isExpected = false
    }

    /// Where the groups are; `nil` when workers get none.
    let tree: ControlGroupTree?
    /// Why they get none.
    let absence: String?
    let answers: Mailbox<Answer>
    private let threads: Readers
    private let work = Mutex(Work())
    /// Groups of workers that are over, in which somebody still lives.
    private let lingering = Mutex<Set<String>>([])
    /// Why ceilings do not hold.
    private let unheld = Mutex<[SlotName: String]>([:])
    private let log: @Sendable (LogRecord) -> Void

    /// - Parameters:
    ///   - place: where groups are made, or why none are.
    ///   - log: where to say what was done.
    init(
        _ place: Result<ControlGroupTree, NoControlGroups>, log: @escaping @Sendable (LogRecord) -> Void
    ) throws(KernelFailure) {
        switch place {
        case .success(let tree): (self.tree, absence) = (tree, nil)
        case .failure(let reason): (tree, absence) = (nil, reason.description)
        }
        answers = try Mailbox(capacity: RuntimeLimits.treeEndings, isPolled: true)
        threads = try Readers(name: "tree", threads: RuntimeLimits.treeThreads)
        self.log = log
    }

    /// Starts the threads.
    func start() throws(KernelFailure) {
        if let tree { log(LogRecord(.info, "workers get cgroups of their own below \(tree.path)")) }
        // The usual thing outside of systemd and containers; `why` says so of a worker for which it matters.
        if let absence { log(LogRecord(.debug, "workers get no cgroups of their own: \(absence)")) }
        try threads.start()
    }

    /// Where `[warden] cgroup` says that groups are.
    ///
    /// - Throws: why there are none; whoever did not say `auto` or `no` wants to know at once.
    static func place(_ setting: WardenSettings.ControlGroups) throws(NoControlGroups) -> ControlGroupTree {
        switch setting {
        case .auto, .yes: return try .delegated()
        case .no: throw NoControlGroups("cgroup = no")
        case .path(let path): return try .prepared(at: path)
        }
    }

    // MARK: - Births

    /// Starts a child in a group of its own, where that can be had, and within its ceilings.
    func spawn(
        _ plan: SpawnPlan, _ worker: WorkerID, of spec: ProgramSpec, by spawner: Spawner
    ) throws(SpawnFailure) -> Born {
        let group = tree.flatMap { $0.makeFresh(worker) }
        switch group {
        case .some(let group):
            if let ceilings = spec.launch.ceilings { hold(ceilings, group, spec.name) }
            var plan = plan
            plan.cgroup = group.descriptor
            plan.cgroupIsOptional = true
            return Born(spawned: try spawner.spawn(plan), group: group.name)
        case nil:
            if spec.launch.ceilings != nil { say(absence ?? "its cgroup could not be made", ofCeilingsOf: spec.name) }
            return Born(spawned: try spawner.spawn(plan), group: nil)
        }
    }

    /// A worker that cannot be held starts all the same, as it would everywhere else; people are told.
    private func hold(_ ceilings: ResourceCeilings, _ group: borrowing ControlGroup, _ name: SlotName) {
        do throws(NoControlGroups) {
            try tree?.enable(ceilings.controllers)
        } catch {
            return say(error.description, ofCeilingsOf: name)
        }
        do throws(KernelFailure) {
            try group.hold(ceilings)
            unheld.withLock { $0[name] = nil }
        } catch {
            say("\(error)", ofCeilingsOf: name)
        }
    }

    /// Once for each reason: a worker may be started often.
    private func say(_ reason: String, ofCeilingsOf name: SlotName) {
        let isNew = unheld.withLock { unheld in
            guard unheld[name] != nil || unheld.count < Limits.slots else { return true }
            return unheld.updateValue(reason, forKey: name) != reason
        }
        guard isNew else { return }
        let text = "\(name.qualified): nothing holds its memory_max and tasks_max: \(reason)"
        log(LogRecord(.warn, text, fields: ["WARDEN_WORKER": name.qualified]))
    }

    /// Why a worker's ceilings are not held; `nil` when they are, or when it has none.
    func trouble(withCeilingsOf name: SlotName) -> String? { unheld.withLock { $0[name] } }

    // MARK: - Ends

    /// Ends what is left of a worker.
    ///
    /// - Returns: false when no thread can be had for it.
    func end(_ order: Order) -> Bool { expect { $0.orders.append(order) } }

    /// Adds to the work, and has a thread come for it unless one is on its way.
    @discardableResult
    private func expect(_ add: (inout Work) -> Void) -> Bool {
        let isExpected = work.withLock { work in
            defer { work.isExpected = true }
            add(&work)
            return work.isExpected
        }
        if isExpected { return true }
        let deadline = MonotonicClock.now() + RuntimeLimits.treeEnd + .seconds(1)
        let isTaken = threads.submit(deadline: deadline) { self.carryOut() }
        if !isTaken { forgetStuckWork() }
        return isTaken
    }

    /// The thread that was to come does not: the next one that is asked takes it all.
    func forgetStuckWork() { work.withLock { $0.isExpected = false } }

    /// Sends a signal to all of a group but the main process, which has got it.
    func deliver(_ signal: Signal, toGroup name: String, except pid: Int32) {
        let isTaken = threads.submit(deadline: MonotonicClock.now() + RuntimeLimits.treeEnd) { [self] in
            guard let group = tree?.open(name) else { return }
            if signal == .kill {
                // What cannot be killed so is ended with its main process.
                _ = try? group.killAll()
                return
            }
            ProcessTree.deliver(signal, to: group.members.filter { $0 != pid }.compactMap { TreeMember(pid: $0) })
        }
        if !isTaken { log(LogRecord(.warn, "only a main process got \(signal.name): the tree threads are stuck")) }
    }

    /// The same by descent, for those of a tree that have not got it yet.
    func deliver(_ signal: Signal, below pid: Int32, except seen: Set<ProcessIdentity>) {
        _ = threads.submit(deadline: MonotonicClock.now() + RuntimeLimits.treeEnd) {
            ProcessTree.deliver(
                signal, to: ProcessTree.members(of: pid).members.filter { !seen.contains($0.identity) })
        }
    }

    /// A worker is over: its group goes, once nobody lives there any more.
    func remove(_ worker: WorkerID, group: String? = nil) {
        guard tree != nil else { return }
        expect { $0.removals.append(group ?? worker.storedText) }
    }

    /// Removes the groups in which nobody lives and that are no living worker's.
    func removeEmpty(unless isKnown: (WorkerID) -> Bool = { _ in false }) {
        tree?.removeEmpty(unless: isKnown)
    }

    private func carryOut() {
        let work = work.withLock { work in
            defer { work = Work() }
            return work
        }
        var loose: [Order] = []
        var grouped: [Order] = []
        for order in work.orders {
            guard let group = order.group.flatMap({ tree?.open($0) }) else {
                loose.append(order)
                continue
            }
            do throws(KernelFailure) {
                // All of them first, then they are waited for.
                try group.killAll()
                grouped.append(order)
            } catch {
                log(LogRecord(.error, "\(order.bereaved.slot.qualified): \(error); its tree is ended one by one"))
                loose.append(order)
            }
        }
        for order in grouped { endGrouped(order) }
        endLoose(loose)
        remove(work.removals)
    }

    private func endGrouped(_ order: Order) {
        var outcome = TreeEnding.Outcome()
        if let group = order.group.flatMap({ tree?.open($0) }) {
            // It took the word a moment ago.
            outcome = (try? TreeEnding.end(group, until: order.deadline)) ?? outcome
        }
        answer(order, outcome)
    }

    private func endLoose(_ orders: [Order]) {
        guard let deadline = orders.map(\.deadline).max() else { return }
        TreeEnding.end(orders.map(\.bereaved), until: deadline) { pid in
            orders.contains { $0.owned[pid] != nil || $0.commands.contains(pid) }
        } report: { position, outcome in
            answer(orders[position], outcome)
        }
    }

    private func answer(_ order: Order, _ outcome: TreeEnding.Outcome) {
        _ = answers.post(Answer(worker: order.worker, slot: order.bereaved.slot, outcome: outcome))
    }

    private func remove(_ names: [String]) {
        guard let tree else { return }
        let candidates = lingering.withLock { lingering in
            // What there is no room for goes at the next start.
            lingering.formUnion(names.prefix(max(0, RuntimeLimits.lingeringGroups - lingering.count)))
            return lingering
        }
        for name in candidates {
            // Gone, or empty and removed.
            let isGone = tree.open(name)?.remove() ?? true
            if isGone { lingering.withLock { _ = $0.remove(name) } }
        }
    }
}
