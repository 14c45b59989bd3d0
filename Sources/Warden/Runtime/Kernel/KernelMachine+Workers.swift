import WardenCore
import WardenLinux

extension ProgramSpec {
    /// Its log files.
    fileprivate var logCount: Int {
        [standardOutput, standardError].count { $0 != nil && $0?.destination != LogSpec.Destination.none }
    }

    /// Descriptors that the daemon holds for it while it runs.
    fileprivate var heldDescriptors: Int {
        let pipes = standardError == nil ? 2 : 3
        let socket = health.heartbeat == .notify || supervision.readiness == .notify ? 1 : 0
        return pipes + 1 + logCount + socket
    }
}

extension KernelMachine {
    mutating func spawn(_ worker: WorkerID, _ spec: ProgramSpec, restartCount: Int, reason: RestartReason?) {
        // The first start in this life of the daemon is one more start of a slot that ran in an earlier one.
        let recorded = reason ?? (restartCount > 0 ? .exit : nil)
        if let recorded { parts.scribe.store(spec.name, recorded, worker.generation) }
        do throws(SpawnFailure) {
            try start(worker, spec, restartCount: restartCount)
        } catch {
            leaveSharedSocket(worker)
            letGo(worker)
            pending.append(.worker(worker, .spawnFailed(error)))
        }
    }

    private mutating func start(
        _ worker: WorkerID, _ spec: ProgramSpec, restartCount: Int
    ) throws(SpawnFailure) {
        try requireHeadroom(for: spec, isFirst: !placed.contains(worker.slot))
        for path in try parts.logs.makeDirectories(for: spec) {
            log(LogRecord(.info, "made log directory \(path) for \(spec.name.qualified)"))
        }
        let outputTarget = try parts.logs.target(of: spec.name, .standardOutput, spec.standardOutput)
        var errorTarget: LogTarget?
        if let standardError = spec.standardError {
            errorTarget = try parts.logs.target(of: spec.name, .standardError, standardError)
        }
        let notifyPath = notifySocketPath(worker, spec)
        let notifySocket = try makeNotifySocket(notifyPath, spec)
        let socket = try sharedSocket(of: worker, spec)
        let output = try Self.pipe()
        let input = try Self.pipe()
        // With redirect_stderr this one stays unused, which costs less than two ways through here.
        let errors = try Self.pipe()
        let errorNumber = errorTarget == nil ? output.writer.rawValue : errors.writer.rawValue
        var plan = SpawnPlan(
            launch: spec.launch,
            mark: WorkerMark(name: spec.name, generation: worker.generation, restartCount: restartCount),
            base: ground.environment, limits: ground.limits, notifySocket: notifyPath,
            descriptors: [socket ?? input.reader.rawValue, output.writer.rawValue, errorNumber])
        _ = try CommandLookup.find(plan)
        let notifyNumber: CInt? =
            switch notifySocket {
            case .some(let socket): socket.readinessDescriptor
            case nil: nil
            }
        keep(
            worker, output: output.reader.rawValue, error: errorTarget == nil ? nil : errors.reader.rawValue,
            input: socket == nil ? input.writer.rawValue : nil, notifySocket: notifyNumber)
        plan.waitsAtGate = keeper.isKept
        var born = try containment.spawn(plan, worker, of: spec, by: spawner)
        keeper.store(born.spawned.child.readinessDescriptor, as: .process(worker))
        born.spawned.openGate()
        vacated[worker.slot] = nil
        let rules = rules(of: spec)
        let (pid, group) = (born.spawned.child.pid, born.group)
        attach(
            worker, .standardOutput, output.takeReader(), to: outputTarget, rules: rules,
            StreamTreatment(
                spec.standardOutput, of: spec, pid: pid, isListener: spec.launch.isListener, ground))
        if let errorTarget {
            attach(
                worker, .standardError, errors.takeReader(), to: errorTarget, rules: rules,
                StreamTreatment(spec.standardError ?? LogSpec(), of: spec, pid: pid, isListener: false, ground))
        }
        let process = WorkerProcess(
            worker: worker, spec: spec, spawned: born.takeSpawned(), input: Self.inputEnd(input, socket),
            notifySocket: notifySocket, now: MonotonicClock.now())
        process.group = group
        adopt(process)
    }

    /// Our end of a worker's standard input; `nil` when that is a socket.
    private static func inputEnd(_ pipe: consuming PipeEnds, _ socket: CInt?) -> Descriptor? {
        guard socket == nil else { return nil }
        // Nothing that can happen to a pipe of ours refuses it.
        _ = try? pipe.writer.setNonblocking()
        return pipe.takeWriter()
    }

    private static func pipe() throws(SpawnFailure) -> PipeEnds {
        do throws(KernelFailure) {
            return PipeEnds(try Pipe())
        } catch {
            throw pipeFailure(error.errorNumber)
        }
    }

    /// The last descriptors are not for workers, and the last but these not for those that were not there yet.
    func requireHeadroom(for spec: ProgramSpec, isFirst: Bool) throws(SpawnFailure) {
        let now = MonotonicClock.now()
        let reading = DescriptorHeadroom.read()
        let atOnce = DescriptorHeadroom.perStart + (keeper.isKept ? DescriptorHeadroom.perGate : 0)
        var needed = atOnce + DescriptorHeadroom.keptFromClients(of: reading.limit)
        if isFirst {
            needed = max(needed, spec.heldDescriptors + DescriptorHeadroom.keptFromWorkers(of: reading.limit))
            // Whoever ended just now is about to come back, and its place is not for the first that asks.
            for place in vacated.values where now - place.since < RuntimeLimits.vacatedPlaces {
                needed += place.descriptors
            }
        }
        // The pump opens the logs of those that were started just now a little later: they are counted, not looked for.
        for other in workers.values where other.isNew(at: now) { needed += other.spec.logCount }
        // EMFILE, said a little earlier than the kernel would. Idle clients make room for the next try.
        guard reading.free >= needed else {
            sockets?.shedClients()
            throw Self.pipeFailure(24)
        }
    }

    private static func pipeFailure(_ errorNumber: Int32) -> SpawnFailure {
        SpawnFailure(
            stage: .pipe, errorNumber: errorNumber, subject: "",
            explanation: Kernel.text(of: errorNumber) + "; raise LimitNOFILE or minfds")
    }

    func notifySocketPath(_ worker: WorkerID, _ spec: ProgramSpec) -> String? {
        spec.health.heartbeat == .notify || spec.supervision.readiness == .notify
            ? "\(ground.runtimeDirectory)/notify-\(worker.slot.number).sock" : nil
    }

    private func makeNotifySocket(
        _ path: String?, _ spec: ProgramSpec
    ) throws(SpawnFailure) -> WorkerNotifySocket? {
        guard let path else { return nil }
        do throws(KernelFailure) {
            return try WorkerNotifySocket(path: path, owner: spec.launch.user?.userID)
        } catch {
            throw SpawnFailure(
                stage: .pipe, errorNumber: error.errorNumber, subject: path,
                explanation: Kernel.text(of: error.errorNumber))
        }
    }

    func attach(
        _ worker: WorkerID, _ stream: OutputStream, _ reader: consuming Descriptor, to target: LogTarget,
        rules: ScanRules, _ treatment: StreamTreatment
    ) {
        if case .full = parts.pump.attach(worker, stream, reader, to: target, rules: rules, treatment: treatment) {
            log(LogRecord(.error, "The pump is overloaded; \(stream.name) of a worker is not read"))
        }
    }

    /// The patterns of a program. The configuration has compiled each before, so a failure here means no memory.
    mutating func rules(of spec: ProgramSpec) -> ScanRules {
        let health = spec.health
        var rules = ScanRules(
            alive: pattern(health.alivePattern), progress: pattern(health.progressPattern),
            error: pattern(health.errorPattern))
        if case .line(let expression) = spec.supervision.readiness { rules.ready = pattern(expression) }
        return rules
    }

    private mutating func pattern(_ expression: String?) -> Pattern? {
        guard let expression else { return nil }
        if let known = patterns[expression] { return known }
        do throws(PatternFailure) {
            let pattern = try Pattern(expression)
            patterns[expression] = pattern
            return pattern
        } catch {
            log(LogRecord(.error, "Cannot compile \(error)"))
            return nil
        }
    }

    private mutating func adopt(_ process: WorkerProcess) {
        let worker = process.worker
        workers[worker] = process
        workersByPID[process.child.pid] = worker
        noteTree(of: process)
        let reportNumber = process.report?.readinessDescriptor ?? -1
        let notifyNumber = process.notifySocket?.readinessDescriptor
        do throws(KernelFailure) {
            try watch(process.child.readinessDescriptor, .exit(worker), for: process.child.readinessInterest)
            // Only the end matters: what the child says on its way is read at the deadline.
            try watch(reportNumber, .report(worker), for: [])
            if let notifyNumber { try watch(notifyNumber, .notifySocket(worker)) }
        } catch {
            // ENOSPC or ENOMEM of epoll: a child that cannot be watched must not live.
            log(LogRecord(.critical, "Cannot watch \(process.spec.name.qualified): \(error)"))
            spawnStuck(worker)
        }
    }

    // MARK: - The way to the program

    mutating func readReport(of worker: WorkerID) {
        guard let process = workers[worker], let reading = process.report?.read() else { return }
        switch reading {
        case .pending(let stage):
            if let stage { process.lastStage = stage }
        case .executed:
            dropReport(of: process)
            confirmGroup(of: process)
            beginSampling(process)
            pending.append(.worker(worker, .spawned(pid: process.child.pid)))
        case .failed(let failure):
            dropReport(of: process)
            process.hasFailed = true
            _ = parts.pump.workerExited(worker)
            pending.append(.worker(worker, .spawnFailed(failure)))
        }
    }

    func beginSampling(_ process: WorkerProcess) {
        let health = process.spec.health
        guard health.enabled else { return }
        let file: String? = if case .file(let path) = health.heartbeat { path } else { nil }
        let posting = parts.sampler.watch(
            process.worker, pid: process.child.pid, every: health.interval, heartbeatFile: file,
            record: treeRecords[process.worker.slot])
        if case .full = posting {
            log(LogRecord(.error, "The sampler is overloaded; \(process.spec.name.qualified) is not watched"))
        }
    }

    /// The child did not get to its program in time.
    mutating func spawnStuck(_ worker: WorkerID) {
        guard let process = workers[worker] else { return }
        let failure =
            process.report?.stuck(at: process.lastStage)
            ?? SpawnFailure(stage: .stuck, errorNumber: 0, subject: "unwatched", explanation: "")
        dropReport(of: process)
        process.hasFailed = true
        // ESRCH is as good; nothing else can be said of our own child.
        _ = try? process.child.deliver(.kill)
        _ = parts.pump.workerExited(worker)
        pending.append(.worker(worker, .spawnFailed(failure)))
    }

    private mutating func dropReport(of process: WorkerProcess) {
        guard let number = process.report?.readinessDescriptor else { return }
        let worker = process.worker
        unwatch(number) { if case .report(worker) = $0 { true } else { false } }
        process.report = nil
    }

    // MARK: - Exits

    mutating func reap(_ worker: WorkerID) {
        guard let process = workers[worker], !process.isReaped else { return }
        // What the report says happened before the exit; a program of a millisecond has both ready at once.
        readReport(of: worker)
        let status: ExitStatus
        do throws(KernelFailure) {
            endGroup(of: process)
            guard let reaped = try process.child.reap() else { return }
            status = reaped
        } catch {
            log(LogRecord(.error, "Cannot reap \(process.spec.name.qualified): \(error)"))
            status = .unknown
        }
        process.isReaped = true
        placed.insert(worker.slot)
        workersByPID[process.child.pid] = nil
        unwatch(process.child.readinessDescriptor) { if case .exit(worker) = $0 { true } else { false } }
        _ = parts.sampler.forget(worker)
        closeInput(of: process)
        leaveSharedSocket(worker)
        if !process.hasFailed {
            _ = parts.pump.workerExited(worker)
            if process.report != nil { executedUnseen(process) }
            endTree(of: process, status)
        }
        dropIfDone(process)
    }

    /// It died between its last word and execve(2): killed from outside.
    private mutating func executedUnseen(_ process: WorkerProcess) {
        dropReport(of: process)
        pending.append(.worker(process.worker, .spawned(pid: process.child.pid)))
    }

    mutating func reapStrangers() {
        let owned = workersByPID
        let hookPIDs = Set(hooks.values.map { $0.child.pid })
        let sweep = Strangers.reap { owned[$0] != nil || hookPIDs.contains($0) }
        lastSweep = sweep
        for pid in sweep.reaped { log(LogRecord(.debug, "reaped unknown pid \(pid)")) }
    }

    mutating func release(_ worker: WorkerID, sweep: Bool) {
        containment.remove(worker, group: workers[worker]?.group)
        if let process = workers[worker] {
            process.isReleased = true
            dropIfDone(process)
            if sweep, !process.isTreeEnded { endLeftOvers(of: process) }
        }
        reapStrangers()
    }

    private mutating func dropIfDone(_ process: WorkerProcess) {
        guard process.isReaped, process.isReleased || process.hasFailed else { return }
        let worker = process.worker
        if let number = process.notifySocket?.readinessDescriptor {
            unwatch(number) { if case .notifySocket(worker) = $0 { true } else { false } }
        }
        for name in [StoredName.process(worker), .input(worker), .notify(worker)] { keeper.release(name) }
        workers[worker] = nil
        if process.isReleased {
            vacated[worker.slot] = (process.spec.heldDescriptors, MonotonicClock.now())
        }
        examinations[worker] = nil
    }

    // MARK: - Signals

    mutating func signal(_ worker: WorkerID, _ signal: Signal, _ reach: Reach) {
        guard let process = workers[worker], !process.isReaped else { return }
        noteTreeBeforeSignal(process)
        do throws(KernelFailure) {
            switch reach {
            case .process: try process.child.deliver(signal)
            case .processIfCaught:
                guard SignalsCaught.contains(signal, by: process.child.pid) else {
                    pending.append(.worker(worker, .signalFailed(95)))  // ENOTSUP
                    return
                }
                try process.child.deliver(signal)
            case .group: try process.child.deliverToGroup(signal)
            case .tree: try signalTree(of: process, signal)
            }
        } catch {
            pending.append(.worker(worker, .signalFailed(error.errorNumber)))
        }
    }

    mutating func readNotifications(of worker: WorkerID) {
        guard let notifications = workers[worker]?.notifySocket?.drain() else { return }
        // It executes before it speaks, but both may be found at once.
        readReport(of: worker)
        for notification in notifications {
            for word in notification.words {
                switch word {
                case .beat: pending.append(.worker(worker, .beat))
                case .ready: pending.append(.worker(worker, .becameReady))
                case .stopping, .reloading, .status: break
                }
            }
        }
    }
}

/// The two ends of a pipe, each of which can be given away.
struct PipeEnds: ~Copyable {
    var reader: Descriptor
    var writer: Descriptor

    init(_ pipe: consuming Pipe) {
        let ends = pipe.takeEnds()
        reader = Descriptor(owning: ends.reader)
        writer = Descriptor(owning: ends.writer)
    }

    consuming func takeReader() -> Descriptor { reader }
    consuming func takeWriter() -> Descriptor { writer }
}
