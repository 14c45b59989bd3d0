import WardenConfig
import WardenCore
import WardenLinux

extension KernelMachine {
    /// Nothing is on its way that a successor could not be told: no child is between clone(2) and execve(2), and no
    /// fact waits for the supervisor.
    var isSettled: Bool {
        pending.isEmpty && workers.values.allSatisfy { $0.report == nil && $0.ending == nil }
    }

    /// What the next binary has to know of processes and sockets.
    func tell(
        _ supervisor: Supervisor, pumped: [PumpedWorker], listening: [DaemonState.Listening], limits: DaemonLimits
    ) -> DaemonState {
        let now = MonotonicClock.now()
        return DaemonState(
            limits: limits, nextRequest: parts.bridge.nextRequest, supervisor: supervisor,
            workers: workers.values.map(\.told), commands: hooks.values.compactMap { $0.told(at: now) }, pumped: pumped,
            sharedSockets: sharedSockets.map { key, use in
                DaemonState.Shared(key: key, socket: use.socket.descriptor, users: use.users, number: use.number)
            },
            listening: listening, logs: parts.logs.known, memory: keeper.memoryDescriptor,
            stored: keeper.storedNames)
    }

    /// Goes on with what a former binary had. The descriptors are owned from here on.
    mutating func adopt(_ state: DaemonState) {
        for told in state.sharedSockets { sharedSockets[told.key] = SharedSocketUse(adopting: told) }
        for told in state.workers { adopt(told) }
        for told in state.commands { adopt(told) }
        for told in state.pumped {
            let spec = state.workers.first { $0.worker == told.worker }?.spec
            if case .full = parts.pump.adopt(told, rules: spec.map { rules(of: $0) } ?? ScanRules()) {
                log(LogRecord(.error, "The pump is overloaded; the output of a worker is not read"))
            }
        }
    }

    /// - Parameter isWatched: what it does with its life matters; else only its end does.
    mutating func adopt(_ told: DaemonState.Worker, isWatched: Bool = true) {
        let process = WorkerProcess(adopting: told)
        let worker = told.worker
        workers[worker] = process
        process.group = containment.tree?.name(of: worker, pid: told.pid)
        do throws(KernelFailure) {
            if let number = process.notifySocket?.readinessDescriptor { try watch(number, .notifySocket(worker)) }
            guard !process.isReaped else { return }
            workersByPID[told.pid] = worker
            try watch(process.child.readinessDescriptor, .exit(worker), for: process.child.readinessInterest)
            if process.unsent.count > 0 { flushInput(of: worker) }
        } catch {
            log(LogRecord(.critical, "Cannot watch \(told.spec.name.qualified): \(error)"))
        }
        if !process.hasFailed, isWatched {
            noteTree(of: process)
            beginSampling(process)
        }
    }

    private mutating func adopt(_ told: DaemonState.Command) {
        do throws(KernelFailure) {
            try adopt(HookProcess(adopting: told, at: MonotonicClock.now()))
        } catch {
            pending.append(.worker(told.worker, .hookEnded(told.hook, .couldNotRun(reason: "\(error)"))))
        }
    }

    // MARK: - The trial

    mutating func examineSuccessor(of supervisor: Supervisor, for request: RequestID?) {
        do {
            guard let path = ground.executable, DaemonProcess.mayExecute(path) else {
                throw HookFailure(reason: "the binary could be replaced by others than root, or is not there")
            }
            guard let limits = ground.startLimits else { throw HookFailure(reason: "no limits are known") }
            let state = tell(supervisor, pumped: [], listening: [], limits: limits)
            try startTrial(of: path, told: HandoverFile.make(state.encoded()), for: request)
        } catch let failure as HookFailure {
            pending.append(.successorExamined(request, refusal: failure.reason))
        } catch {
            pending.append(.successorExamined(request, refusal: "\(error)"))
        }
    }

    private mutating func startTrial(
        of path: String, told: consuming Descriptor, for request: RequestID?
    ) throws {
        let output = PipeEnds(try Pipe())
        try output.reader.setNonblocking()
        let nobody = WorkerID(slot: SlotID(0), generation: Generation(0))
        let plan = SpawnPlan(
            own: [path] + CommandLine.arguments.dropFirst(), base: ground.environment,
            variables: DaemonProcess.trialEnvironment,
            descriptors: [told.rawValue, output.writer.rawValue, output.writer.rawValue])
        try adopt(
            HookProcess(
                worker: nobody, purpose: .successor(request), spawned: try spawner.spawn(plan),
                output: output.takeReader(), deadline: MonotonicClock.now() + RuntimeLimits.successorTrial))
    }

    /// How the trial went.
    mutating func successorTried(_ request: RequestID?, _ result: HookResult) {
        let refusal: String? =
            switch result {
            case .exited(code: 0, _): nil
            case .exited(_, let output): "the new binary cannot take over: \(output)"
            case .failed(let reason), .couldNotRun(let reason): "the new binary cannot take over: \(reason)"
            }
        pending.append(.successorExamined(request, refusal: refusal))
    }
}

extension WorkerProcess {
    fileprivate var told: DaemonState.Worker {
        DaemonState.Worker(
            worker: worker, spec: spec, pid: child.pid, pidfd: child.readinessDescriptor, input: inputNumber,
            unsent: unsent.waiting, notifyPath: notifySocket?.path, notifySocket: notifySocket?.readinessDescriptor,
            isReaped: isReaped, isReleased: isReleased, hasFailed: hasFailed)
    }
}

extension HookProcess {
    /// `nil` for what is looked over: its deadline ends that.
    fileprivate func told(at now: Instant) -> DaemonState.Command? {
        guard case .hook(let hook) = purpose else { return nil }
        return DaemonState.Command(
            worker: worker, hook: hook, pid: child.pid, pidfd: child.readinessDescriptor, output: output.rawValue,
            endsIn: deadline - now, collected: collected, isTimedOut: isTimedOut)
    }
}

extension SharedSocketUse {
    convenience init(adopting told: DaemonState.Shared) {
        self.init(SharedSocket(adopting: Descriptor(owning: told.socket)), users: told.users)
        number = told.number
    }
}
