import WardenCore
import WardenLinux

/// What is kept for the daemon that comes after a sudden end of this one, and how this one goes on after another.
extension KernelMachine {
    var remembers: Bool { keeper.isKept }

    mutating func remember(_ memories: [SupervisorMemory]) {
        keeper.remember(memories)
        for file in parts.logs.takeNewAutomatic() { keeper.remember(file.known, file.number) }
    }

    /// Goes on with the workers of a daemon that ended all of a sudden: they never noticed.
    ///
    /// - Parameter remains: its descriptors are owned from here on.
    mutating func adopt(_ remains: Remains) {
        for damage in remains.damages {
            log(LogRecord(.critical, "Part of what the former daemon knew cannot be read: \(damage)"))
        }
        var remains = remains
        var held: Set<WorkerID> = []
        var unborn: Set<WorkerID> = []
        for (worker, pid) in remains.supervisor.runningWorkers() {
            if let spec = remains.supervisor.spec(of: worker.slot), adopt(worker, spec, pid: pid, from: &remains) {
                held.insert(worker)
            } else if pid == nil {
                unborn.insert(worker)
            }
        }
        adoptOutputs(&remains, held, unborn)
        adoptSockets(remains, held)
        for (name, incident) in remains.incidents { parts.scribe.store(incident, owed: name) }
        for (name, alert) in remains.alerts { parts.scribe.send(alert, owed: name) }
        let inheritance = Inheritance(workers: held, delivered: remains.delivered)
        pending.insert(.inherited(inheritance), at: 0)
        dropRest(of: remains)
    }

    /// - Returns: false when its process is not held.
    private mutating func adopt(
        _ worker: WorkerID, _ spec: ProgramSpec, pid: Int32?, from remains: inout Remains
    ) -> Bool {
        let kept = remains.processes.removeValue(forKey: worker)
        // Killed between the storing of the pidfd and the opening of the gate: it is held, and never was a worker.
        if pid == nil, let kept, Child.endedAtGate(kept, within: RuntimeLimits.gatePatience) {
            remains.processes[worker] = kept
            return false
        }
        // One of which the service manager had no room: its pid is enough if it still is the one that was started.
        let found = kept ?? pid.flatMap { LeftOvers.open($0, spec.name, of: worker.generation) }
        guard let found else { return false }
        let process = Descriptor(owning: found)
        let known = pid ?? Child.pid(of: process.rawValue) ?? 0
        let told = DaemonState.Worker(
            worker: worker, spec: spec, pid: known, pidfd: process.take(),
            input: remains.inputs.removeValue(forKey: worker), unsent: [],
            notifyPath: notifySocketPath(worker, spec),
            notifySocket: remains.notifySockets.removeValue(forKey: worker), isReaped: false, isReleased: false,
            hasFailed: false)
        adopt(told)
        // Its gate was opened: it has executed its program, or tells otherwise by its exit.
        if pid == nil { pending.append(.worker(worker, .spawned(pid: known))) }
        return true
    }

    /// The pipes of workers that live, and what is still to be read of those that do not.
    ///
    /// - Parameter unborn: those that never were. The same worker is about to be started with pipes of its own, which
    ///   the end of these must not take along.
    private mutating func adoptOutputs(_ remains: inout Remains, _ held: Set<WorkerID>, _ unborn: Set<WorkerID>) {
        var ended: Set<WorkerID> = []
        for (worker, stream, number) in remains.outputs {
            guard let spec = remains.supervisor.spec(of: worker.slot), !unborn.contains(worker) else {
                _ = Descriptor(owning: number)
                keeper.release(.output(worker, stream))
                continue
            }
            let log = stream == .standardOutput ? spec.standardOutput : spec.standardError ?? LogSpec()
            let pid = workers[worker]?.child.pid ?? 0
            let treatment = StreamTreatment(
                log, of: spec, pid: pid, isListener: spec.launch.isListener && stream == .standardOutput, ground)
            attach(
                worker, stream, Descriptor(owning: number), to: target(of: spec, stream, log), rules: rules(of: spec),
                treatment)
            if !held.contains(worker) { ended.insert(worker) }
        }
        remains.outputs = []
        for worker in ended { _ = parts.pump.workerExited(worker) }
    }

    /// A socket lives as long as one of those that have it.
    private mutating func adoptSockets(_ remains: Remains, _ held: Set<WorkerID>) {
        for (number, told) in remains.sharedSockets {
            let use = SharedSocketUse(adopting: told)
            use.number = number
            use.users.formIntersection(held)
            if use.users.isEmpty {
                keeper.drop(use)
            } else {
                sharedSockets[told.key] = use
            }
        }
    }

    private func target(of spec: ProgramSpec, _ stream: OutputStream, _ log: LogSpec) -> LogTarget {
        do throws(SpawnFailure) {
            return try parts.logs.target(of: spec.name, stream, log)
        } catch {
            self.log(LogRecord(.error, "The output of \(spec.name.qualified) is dropped: \(error.explanation)"))
            return .nowhere
        }
    }

    /// Of workers that are over, and whose end the former daemon knew.
    private func dropRest(of remains: Remains) {
        for (worker, number) in remains.processes {
            _ = Descriptor(owning: number)
            keeper.release(.process(worker))
        }
        for (worker, number) in remains.inputs {
            _ = Descriptor(owning: number)
            keeper.release(.input(worker))
        }
        for (worker, number) in remains.notifySockets {
            _ = Descriptor(owning: number)
            keeper.release(.notify(worker))
        }
    }

    // MARK: - Left-overs

    mutating func holdLeftOver(_ worker: WorkerID, _ spec: ProgramSpec, pid: Int32) {
        guard let number = LeftOvers.open(pid, spec.name) else {
            pending.append(.worker(worker, .exited(.unknown)))
            return
        }
        let told = DaemonState.Worker(
            worker: worker, spec: spec, pid: pid, pidfd: number, input: nil, unsent: [], notifyPath: nil,
            notifySocket: nil, isReaped: false, isReleased: false, hasFailed: false)
        adopt(told, isWatched: false)
    }

    // MARK: - Spawning

    /// Has a worker's pipes kept before it is born: what it writes is read by somebody, whatever becomes of us.
    func keep(_ worker: WorkerID, output: CInt, error: CInt?, input: CInt?, notifySocket: CInt?) {
        keeper.store(output, as: .output(worker, .standardOutput))
        if let error { keeper.store(error, as: .output(worker, .standardError)) }
        if let input { keeper.store(input, as: .input(worker)) }
        if let notifySocket { keeper.store(notifySocket, as: .notify(worker)) }
    }

    /// Nothing was born.
    func letGo(_ worker: WorkerID) {
        for stream in OutputStream.allCases { keeper.release(.output(worker, stream)) }
        for name in [StoredName.process(worker), .input(worker), .notify(worker)] { keeper.release(name) }
    }
}
