import WardenConfig
import WardenCore
import WardenLinux
import WardenOutbound

extension KernelMachine {
    mutating func runHook(_ worker: WorkerID, _ hook: Hook, command: String, timeout: Duration) {
        do throws(HookFailure) {
            let words: [String]
            switch CommandWords.split(command) {
            case .success(let split): words = split
            case .failure(let failure): throw HookFailure(reason: failure.text)
            }
            try startHook(worker, .hook(hook), words, timeout)
        } catch {
            pending.append(.worker(worker, .hookEnded(hook, .couldNotRun(reason: error.reason))))
        }
    }

    mutating func probe(_ worker: WorkerID, _ probe: HealthSpec.Probe, timeout: Duration) {
        let answer = answer(.probe, of: worker)
        let isTaken: Bool
        switch probe {
        case .none: return
        case .command(let command): return runHook(worker, .probe, command: command, timeout: timeout)
        case .tcp(let address):
            isTaken = parts.readers.submit(deadline: MonotonicClock.now() + timeout + .seconds(5)) {
                answer(TCPProbe.ask(address, within: timeout))
            }
        case .http(let url): isTaken = parts.prober.ask(url, within: timeout, reply: answer)
        }
        if !isTaken { answer(.couldNotRun(reason: "too many probes wait")) }
    }

    mutating func queryDemand(_ worker: WorkerID, url: String, timeout: Duration) {
        let answer = answer(.demand, of: worker)
        guard !parts.prober.fetchNumber(url, within: timeout, reply: answer) else { return }
        answer(.couldNotRun(reason: "too many questions wait"))
    }

    private func answer(_ hook: Hook, of worker: WorkerID) -> @Sendable (HookResult) -> Void {
        let inbox = parts.inbox
        return { _ = inbox.post(.worker(worker, .hookEnded(hook, $0))) }
    }

    struct HookFailure: Error {
        var reason: String
    }

    mutating func startHook(
        _ worker: WorkerID, _ purpose: HookPurpose, _ words: [String], _ timeout: Duration
    ) throws(HookFailure) {
        guard let process = workers[worker] else { throw HookFailure(reason: "the worker is gone") }
        guard hooks.count < RuntimeLimits.hooksAtOnce else { throw HookFailure(reason: "too many hooks run") }
        guard !words.isEmpty else { throw HookFailure(reason: "the command is empty") }
        do {
            try requireHeadroom(for: process.spec, isFirst: false)
            let output = PipeEnds(try Pipe())
            try output.reader.setNonblocking()
            let nothing = try Descriptor.open("/dev/null", 0)
            let plan = plan(
                of: purpose, words, process, [nothing.rawValue, output.writer.rawValue, output.writer.rawValue])
            let hookProcess = HookProcess(
                worker: worker, purpose: purpose, spawned: try spawner.spawn(plan), output: output.takeReader(),
                deadline: MonotonicClock.now() + timeout)
            try adopt(hookProcess)
        } catch let failure as SpawnFailure {
            throw HookFailure(reason: WorkerMachine.explain(failure))
        } catch {
            throw HookFailure(reason: "\(error)")
        }
    }

    private func plan(
        of purpose: HookPurpose, _ words: [String], _ process: WorkerProcess, _ descriptors: [CInt]
    ) -> SpawnPlan {
        var (launch, base) = (process.spec.launch, ground.environment)
        if case .forensics(.pythonStacks) = purpose {
            // It may have to run as root, so nothing of the worker's environment goes with it (LD_PRELOAD).
            launch = LaunchSpec(arguments: words)
            launch.user = TrustedTool.mayReadSameUser ? process.spec.launch.user : nil
            launch.directory = "/"
            base = BaseEnvironment(["PATH": "/usr/bin:/bin"])
        }
        return SpawnPlan(
            hook: words, of: launch,
            mark: WorkerMark(name: process.spec.name, generation: process.worker.generation, restartCount: 0),
            workerPID: process.isReaped ? nil : process.child.pid, base: base, limits: ground.limits,
            descriptors: descriptors)
    }

    mutating func adopt(_ hook: HookProcess) throws(KernelFailure) {
        let number = UInt64(UInt32(bitPattern: hook.child.pid))
        hooks[number] = hook
        try watch(hook.child.readinessDescriptor, .hookExit(number))
        try watch(hook.output.rawValue, .hookOutput(number))
    }

    mutating func readHookOutput(_ number: UInt64) {
        guard let hook = hooks[number] else { return }
        let isOver = withUnsafeTemporaryAllocation(byteCount: RuntimeLimits.hookOutputBytes, alignment: 1) { buffer in
            while true {
                // An error here is the end: the exit status says the rest.
                guard let count = try? hook.output.read(into: buffer) else { return false }
                if count == 0 { return true }
                let room = hook.purpose.outputBytes - hook.collected.count
                hook.collected.append(contentsOf: buffer.prefix(min(count, max(0, room))))
            }
        }
        guard isOver else { return }
        unwatch(hook.output.rawValue) { if case .hookOutput(number) = $0 { true } else { false } }
    }

    mutating func hookExited(_ number: UInt64) {
        guard let hook = hooks[number] else { return }
        readHookOutput(number)
        let status: ExitStatus
        do throws(KernelFailure) {
            guard let reaped = try hook.child.reap() else { return }
            status = reaped
        } catch {
            status = .unknown
        }
        var result = result(of: hook, status)
        if case .failed(let failure)? = hook.report?.read() {
            result = .couldNotRun(reason: WorkerMachine.explain(failure))
        }
        unwatch(hook.output.rawValue) { if case .hookOutput(number) = $0 { true } else { false } }
        unwatch(hook.child.readinessDescriptor) { if case .hookExit(number) = $0 { true } else { false } }
        hooks[number] = nil
        switch hook.purpose {
        case .hook(let purpose): pending.append(.worker(hook.worker, .hookEnded(purpose, result)))
        case .successor(let request): successorTried(request, result)
        case .forensics(let part):
            let failure: String? =
                switch result {
                case .exited(code: 0, _): nil
                case .exited(let code, _): "exit code \(code)"
                case .failed(let reason), .couldNotRun(let reason): reason
                }
            examinationEnded(part, of: hook.worker, hook.collected, failure)
        }
    }

    private func result(of hook: HookProcess, _ status: ExitStatus) -> HookResult {
        if hook.isTimedOut { return .failed(reason: "timed out") }
        let output = String(decoding: hook.collected.prefix(Limits.quotedLineBytes), as: UTF8.self)
        switch status {
        // What a shell says of a command that is not executable or not found.
        case .code(let code) where code == 126 || code == 127:
            let line = output.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
            return .couldNotRun(reason: "exit status \(code)\(line)")
        case .code(let code): return .exited(code: code, output: output)
        // Not ours: it crashed, or the host had no memory for it. Either says nothing of the worker.
        case .signal, .unknown: return .couldNotRun(reason: WorkerMachine.describe(status))
        }
    }

    /// Its whole group ends; the answer comes with its exit.
    mutating func hookTimedOut(_ number: UInt64) {
        guard let hook = hooks[number] else { return }
        hook.isTimedOut = true
        // Only ESRCH can be the answer, and then the exit is on its way.
        _ = try? hook.child.deliverToGroup(.kill)
        _ = try? hook.child.deliver(.kill)
    }
}
