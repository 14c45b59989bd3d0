import WardenCore
import WardenLinux

/// `kill_tree`: a worker has ended when nothing of its tree is left.
///
/// Its exit is told then, so that whoever asked for a stop is answered then, and the next generation does not meet the
/// old one. It is never waited for longer than `RuntimeLimits.treeEnd`, and never on this thread.
extension KernelMachine {
    // MARK: - Signals

    /// Sends a signal to everything of a worker.
    func signalTree(of process: WorkerProcess, _ signal: Signal) throws(KernelFailure) {
        let pid = process.child.pid
        if let group = process.group {
            try process.child.deliver(signal)
            if signal != .kill { try process.child.deliver(.resume) }
            containment.deliver(signal, toGroup: group, except: pid)
            return
        }
        // Read before the main process has it: what is below a dead one is not to be found any more.
        let reading = ProcessTree.members(of: pid, limit: RuntimeLimits.treeAtOnce)
        let members = Array(reading.members.dropFirst())
        process.note(members)
        try process.child.deliver(signal)
        if signal != .kill { try process.child.deliver(.resume) }
        ProcessTree.deliver(signal, to: members)
        if reading.isTruncated {
            containment.deliver(signal, below: pid, except: Set(reading.members.map(\.identity)))
        }
    }

    /// Whether the child is where it was to be born: one that was refused there lives outside.
    func confirmGroup(of process: WorkerProcess) {
        guard let name = process.group, containment.tree?.open(name)?.isPopulated != true,
            containment.tree?.name(of: process.worker, pid: process.child.pid) == nil,
            TreeMember(pid: process.child.pid)?.isAlive == true
        else { return }
        process.group = nil
        containment.remove(process.worker, group: name)
        let text = "\(process.spec.name.qualified) could not be put into a cgroup of its own"
        log(LogRecord(.warn, text, fields: ["WARDEN_WORKER": process.spec.name.qualified]))
    }

    // MARK: - The end of a tree

    /// Before the main process is reaped: until then nobody else's group can have its number.
    func endGroup(of process: WorkerProcess) {
        // What reaps it next meets the same error, and says so.
        guard process.spec.supervision.endsTree, !process.hasFailed,
            (try? process.child.peekExit()) ?? nil != nil
        else { return }
        // At one blow: what forks faster than it can be listed does not escape. EPERM of all of them: the rest of the
        // way finds them one by one, and says who is left.
        _ = try? process.child.deliverToGroup(.kill)
    }

    /// The main process was reaped. Its exit is told at once, or when the rest of its tree has ended too.
    mutating func endTree(of process: WorkerProcess, _ status: ExitStatus) {
        sayMemoryKills(of: process)
        let endsTree = process.spec.supervision.endsTree
        process.isTreeEnded = endsTree
        guard endsTree, !isAlone(process) else {
            pending.append(.worker(process.worker, .exited(status)))
            return
        }
        let dueAt = MonotonicClock.now() + RuntimeLimits.treeEnd
        process.ending = (status, dueAt + .seconds(1))
        guard containment.end(order(to: process, until: dueAt)) else {
            return tellExit(of: process, "no thread was free to end the rest of its tree")
        }
    }

    /// SIGKILL alone does not say who sent it.
    private func sayMemoryKills(of process: WorkerProcess) {
        guard let bytes = process.spec.launch.ceilings?.memoryBytes, let name = process.group,
            let kills = containment.tree?.open(name)?.usage.memoryKills, kills > 0
        else { return }
        let subject = process.spec.name.qualified
        let text = "\(subject): the kernel killed \(kills) of its processes at memory_max = \(bytes) bytes"
        log(LogRecord(.warn, text, fields: ["WARDEN_WORKER": subject]))
    }

    /// Only a group can tell so at once.
    private func isAlone(_ process: WorkerProcess) -> Bool {
        process.group.map { containment.tree?.open($0)?.isPopulated != true } ?? false
    }

    /// The program's `kill_tree` came after its end was told. Not waited for.
    func endLeftOvers(of process: WorkerProcess) {
        process.isTreeEnded = true
        _ = containment.end(order(to: process, until: MonotonicClock.now() + RuntimeLimits.treeEnd))
    }

    private func order(to process: WorkerProcess, until deadline: Instant) -> Containment.Order {
        Containment.Order(
            worker: process.worker,
            bereaved: Bereaved(
                slot: process.spec.name, generation: process.worker.generation, root: process.child.pid,
                wasOurs: process.child.isOurs, known: process.tree),
            group: process.group, owned: workersByPID, commands: Set(hooks.values.map { $0.child.pid }),
            deadline: deadline)
    }

    mutating func takeEndedTrees() {
        for answer in containment.answers.drain() {
            say(answer)
            if let process = workers[answer.worker] { tellExit(of: process, nil) }
        }
    }

    /// Whoever should have ended a tree is stuck.
    mutating func giveUpTrees(at now: Instant) {
        let late = workers.values.filter { process in process.ending.map { $0.dueAt <= now } ?? false }
        guard !late.isEmpty else { return }
        containment.forgetStuckWork()
        for process in late { tellExit(of: process, "the rest of its tree was not ended: /proc does not answer") }
    }

    private mutating func tellExit(of process: WorkerProcess, _ trouble: String?) {
        guard let ending = process.ending else { return }
        process.ending = nil
        if let trouble { log(LogRecord(.error, "\(process.spec.name.qualified): \(trouble)")) }
        pending.append(.worker(process.worker, .exited(ending.status)))
    }

    private func say(_ answer: Containment.Answer) {
        let name = answer.slot.qualified
        let outcome = answer.outcome
        if outcome.ended > 0 {
            let text = "ended \(outcome.ended) processes that \(name) left behind"
            log(LogRecord(.info, text, fields: ["WARDEN_WORKER": name]))
        }
        guard !outcome.left.isEmpty else { return }
        let pids = outcome.left.prefix(RuntimeLimits.namedSurvivors).map { member in
            "\(member.identity.pid)\(member.state == .uninterruptible ? " (state D)" : "")"
        }
        let more = outcome.left.count > pids.count ? ", …" : ""
        let text = "\(outcome.left.count) processes of \(name) could not be ended: pid \(pids.joined(separator: ", "))"
        log(LogRecord(.error, text + more, fields: ["WARDEN_WORKER": name]))
    }
}

extension WorkerProcess {
    /// Remembers processes of its tree, the newest at the expense of the oldest.
    fileprivate func note(_ members: [TreeMember]) {
        let new = members.map(\.identity).filter { !tree.contains($0) }
        tree = Array((tree + new).suffix(Limits.treeProcesses))
    }
}
