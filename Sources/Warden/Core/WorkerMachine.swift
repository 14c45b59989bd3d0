/// The life of one slot's process: supervisord's state machine, every start and every stop of it.
///
/// One method per fact; each returns the orders that follow from it, in order. The machine has no clock: deadlines are
/// in `deadline`, and `timeReached` is told when one may have passed.
package struct WorkerMachine: Hashable, Sendable {
    /// One start of the slot.
    package struct Run: Hashable, Sendable {
        /// Which start it is.
        package var generation: Generation
        /// When it was ordered.
        package var startedAt: Moment
        /// The main process, once execve(2) has succeeded.
        package var pid: Int32?

        /// - Parameters: as the properties of the same names.
        package init(generation: Generation, startedAt: Moment, pid: Int32?) {
            self.generation = generation
            self.startedAt = startedAt
            self.pid = pid
        }
    }

    /// What comes after a stop.
    package enum Purpose: Hashable, Sendable {
        /// The slot stays down.
        case stay
        /// The slot starts again, whatever autorestart and the exit code say.
        case startAgain(RestartReason)
    }

    /// A stop under way.
    package struct Stop: Hashable, Sendable {
        /// What comes after it.
        package var purpose: Purpose
        /// When SIGKILL is sent, again and again.
        package var escalatesAt: Instant
        /// A person, or the daemon's end, wants it: Warden's own decisions no longer count.
        package var isByRequest: Bool

        /// - Parameters: as the properties of the same names.
        package init(purpose: Purpose, escalatesAt: Instant, isByRequest: Bool) {
            self.purpose = purpose
            self.escalatesAt = escalatesAt
            self.isByRequest = isByRequest
        }
    }

    /// The states, each with what has a meaning only in it.
    package enum State: Hashable, Sendable {
        /// Never started, or stopped by request. To: starting.
        case stopped
        /// Ordered, and not up long enough. To: running, backoff, stopping, and exited or starting by way of running.
        case starting(Run)
        /// Up for longer than startsecs. To: exited, starting (by way of exited), stopping.
        case running(Run)
        /// Failed to start; tried again at `retryAt`. To: starting, fatal, stopped.
        case backoff(retryAt: Instant)
        /// Told to end. To: stopped, starting (by way of stopped), unknown.
        case stopping(Run, Stop)
        /// Ended by itself after running. To: starting.
        case exited
        /// Failed to start too often, or broken inside. To: starting.
        case fatal
        /// Could not be signalled, or an impossible fact was seen of it; it may still run. When its exit is seen, to:
        /// stopped, or fatal after an impossible fact.
        case unknown(Run, isInternal: Bool)
    }

    /// What follows from a fact.
    package enum Order: Hashable, Sendable {
        /// Start this generation; the reason is `nil` for the first start of a slot.
        case spawn(Generation, RestartReason?)
        /// Signal this generation.
        case signal(Generation, Signal, Reach)
        /// This generation is gone: sweep what is left and forget it.
        case release(Generation)
        /// The state changed; `tries` and `isExpected` are for the listeners' payload.
        case changed(from: ProcessState, to: ProcessState, pid: Int32?, tries: Int, isExpected: Bool)
        /// A line for the daemon's log.
        case log(LogRecord.Level, String)
        /// A fact that cannot be.
        case violated(String)
    }

    /// The options of the slot.
    package private(set) var spec: SupervisionSpec
    /// The present state.
    package private(set) var state: State = .stopped
    /// The last generation that was ordered.
    package private(set) var generation = Generation(0)
    /// Failed starts in a row: supervisord's backoff counter.
    package private(set) var tries = 0
    /// supervisord's `spawnerr`.
    package private(set) var spawnError = ""
    /// How the last process ended; `nil` before that and after the next start.
    package private(set) var exitStatus: ExitStatus?
    /// When the last start was ordered.
    package private(set) var startedAt: Moment?
    /// When the last process ended.
    package private(set) var stoppedAt: WallTime?
    private let name: String

    /// - Parameters:
    ///   - name: the process's name, for log lines.
    ///   - spec: the options of the slot.
    package init(name: String, spec: SupervisionSpec) {
        self.name = name
        self.spec = spec
    }

    /// supervisord's word for the state.
    package var processState: ProcessState {
        switch state {
        case .stopped: .stopped
        case .starting: .starting
        case .running: .running
        case .backoff: .backoff
        case .stopping: .stopping
        case .exited: .exited
        case .fatal: .fatal
        case .unknown: .unknown
        }
    }

    /// The run that is up, if one is.
    package var run: Run? {
        switch state {
        case .starting(let run), .running(let run), .stopping(let run, _), .unknown(let run, _): run
        case .stopped, .backoff, .exited, .fatal: nil
        }
    }

    /// The next instant at which `timeReached` has something to do.
    package var deadline: Instant? {
        switch state {
        case .starting(let run): run.pid == nil ? nil : run.startedAt.instant + spec.startSeconds
        case .backoff(let retryAt): retryAt
        case .stopping(_, let stop): stop.escalatesAt
        case .stopped, .running, .exited, .fatal, .unknown: nil
        }
    }

    /// How a process is made to end.
    package enum Force: Hashable, Sendable {
        /// The stop signal, and SIGKILL after `stopwaitsecs`.
        case stopSignal
        /// SIGKILL.
        case kill
        /// No signal: it is ending already.
        case none
    }

    // MARK: - Orders from outside

    /// A start was asked for. Does nothing while a process is up, except that a stop under way will start again.
    package mutating func start(reason: RestartReason?, at now: Moment) -> [Order] {
        switch state {
        case .stopped, .exited, .fatal, .backoff:
            return launch(reason: reason, at: now)
        case .stopping(let run, var stop):
            stop.purpose = .startAgain(reason ?? .user)
            state = .stopping(run, stop)
            return []
        case .starting, .running, .unknown:
            return []
        }
    }

    /// The process shall end.
    ///
    /// - Parameters:
    ///   - purpose: what comes after it. A person's stop wins over a restart under way, never the other way round.
    ///   - isByRequest: a person, or the daemon's end, wants it.
    ///   - force: by which signal.
    ///   - now: the time.
    package mutating func stop(
        _ purpose: Purpose, isByRequest: Bool, force: Force = .stopSignal, at now: Moment
    ) -> [Order] {
        switch state {
        case .starting(let run), .running(let run):
            let from = processState
            let stop = Stop(purpose: purpose, escalatesAt: now.instant + spec.stopWait, isByRequest: isByRequest)
            state = .stopping(run, stop)
            let entered = change(from: from, to: .stopping, pid: run.pid)
            switch force {
            case .stopSignal: return [entered, .signal(run.generation, spec.stopSignal, stopReach)]
            case .kill: return [entered, .signal(run.generation, .kill, killReach)]
            case .none: return [entered]
            }
        case .stopping(let run, var stop):
            if isByRequest || !stop.isByRequest {
                stop.purpose = purpose
                stop.isByRequest = isByRequest
            }
            state = .stopping(run, stop)
            return force == .kill ? [.signal(run.generation, .kill, killReach)] : []
        case .backoff:
            guard isByRequest else { return [] }
            state = .stopped
            return [change(from: .backoff, to: .stopped)]
        case .stopped, .exited, .fatal, .unknown:
            return []
        }
    }

    /// The daemon is ending, and a slot that waits to be tried again never will be.
    package mutating func abandonRetry() -> [Order] {
        guard case .backoff = state else { return [] }
        tries = 0
        state = .fatal
        return [change(from: .backoff, to: .fatal)]
    }

    /// New options that do not need a restart take effect.
    package mutating func adopt(_ spec: SupervisionSpec) {
        self.spec = spec
    }

    // MARK: - Facts

    /// execve(2) succeeded.
    package mutating func spawned(pid: Int32, at now: Moment) -> [Order] {
        switch state {
        case .starting(var run):
            run.pid = pid
            state = .starting(run)
            let line = Order.log(.info, "spawned: '\(name)' with pid \(pid)")
            return [line] + timeReached(at: now)
        case .stopping(var run, let stop):
            run.pid = pid
            state = .stopping(run, stop)
            return [.log(.info, "spawned: '\(name)' with pid \(pid)")]
        case .stopped, .running, .backoff, .exited, .fatal, .unknown:
            return violated("spawned while \(processState.word)")
        }
    }

    /// It never ran, and nothing of it is left.
    package mutating func spawnFailed(_ failure: SpawnFailure, at now: Moment) -> [Order] {
        let text = WorkerMachine.explain(failure)
        switch state {
        case .starting(let run):
            spawnError = text
            stoppedAt = now.wall
            return [.log(.error, "spawnerr: \(name): \(text)"), .release(run.generation)] + fail(at: now)
        case .stopping(let run, let stop):
            spawnError = text
            stoppedAt = now.wall
            return [.log(.error, "spawnerr: \(name): \(text)")]
                + ended(run, stop, .info, "never started", at: now)
        case .stopped, .running, .backoff, .exited, .fatal, .unknown:
            return violated("failed to spawn while \(processState.word)")
        }
    }

    /// Its main process was reaped.
    package mutating func exited(_ status: ExitStatus, at now: Moment) -> [Order] {
        switch state {
        case .starting(let run):
            stoppedAt = now.wall
            // The turn of the loop that would have said RUNNING may not have come yet: the clock decides, not the loop.
            if now.instant - run.startedAt.instant < spec.startSeconds {
                return exitedTooQuickly(run, status, at: now)
            }
            let success = enterRunning(run)
            return success + exitedFromRunning(run, status, at: now)
        case .running(let run):
            stoppedAt = now.wall
            return exitedFromRunning(run, status, at: now)
        case .stopping(let run, let stop):
            stoppedAt = now.wall
            exitStatus = status
            return ended(run, stop, isExpected(status) ? .info : .warn, WorkerMachine.describe(status), at: now)
        case .unknown(let run, let isInternal):
            stoppedAt = now.wall
            exitStatus = status
            state = isInternal ? .fatal : .stopped
            return [
                .release(run.generation),
                change(from: .unknown, to: processState, pid: run.pid, isExpected: !isInternal),
            ]
        case .stopped, .backoff, .exited, .fatal:
            return violated("exited while \(processState.word)")
        }
    }

    /// A signal could not be delivered, for another reason than that the process is gone.
    package mutating func signalFailed(_ errorNumber: Int32) -> [Order] {
        switch state {
        case .stopping(let run, _):
            state = .unknown(run, isInternal: false)
            spawnError = "cannot signal pid \(run.pid ?? 0): errno \(errorNumber)"
            return [
                .log(.critical, "unknown problem killing \(name) (\(run.pid ?? 0)): errno \(errorNumber)"),
                change(from: .stopping, to: .unknown, pid: run.pid, isExpected: false),
            ]
        case .starting, .running:
            // A person's signal, or a drain signal: the process is as it was.
            return [.log(.warn, "cannot signal '\(name)': errno \(errorNumber)")]
        case .stopped, .backoff, .exited, .fatal, .unknown:
            return []
        }
    }

    /// The deadline may have passed.
    package mutating func timeReached(at now: Moment) -> [Order] {
        guard let deadline, now.instant >= deadline else { return [] }
        switch state {
        case .starting(let run):
            return enterRunning(run)
        case .backoff:
            return launch(reason: .exit, at: now)
        case .stopping(let run, var stop):
            stop.escalatesAt = now.instant + max(spec.stopWait, .seconds(1))
            state = .stopping(run, stop)
            return [
                .log(.warn, "killing '\(name)' (\(run.pid ?? 0)) with SIGKILL"),
                .signal(run.generation, .kill, killReach),
            ]
        case .stopped, .running, .exited, .fatal, .unknown:
            return []
        }
    }

    // MARK: - Steps

    private var stopReach: Reach { spec.endsTree ? .tree : spec.stopAsGroup ? .group : .process }
    private var killReach: Reach { spec.endsTree ? .tree : spec.killAsGroup ? .group : .process }

    private mutating func launch(reason: RestartReason?, at now: Moment) -> [Order] {
        let from = processState
        generation = generation.next
        spawnError = ""
        exitStatus = nil
        startedAt = now
        state = .starting(Run(generation: generation, startedAt: now, pid: nil))
        return [change(from: from, to: .starting), .spawn(generation, reason)]
    }

    private mutating func enterRunning(_ run: Run) -> [Order] {
        tries = 0
        state = .running(run)
        let seconds = Int(spec.startSeconds.inSeconds)
        return [
            change(from: .starting, to: .running, pid: run.pid),
            .log(
                .info,
                "success: \(name) entered RUNNING state, process has stayed up for > than \(seconds) seconds "
                    + "(startsecs)"),
        ]
    }

    /// A start has failed: try again later, or give up.
    private mutating func fail(at now: Moment) -> [Order] {
        tries += 1
        let backoff = change(from: .starting, to: .backoff, isExpected: false)
        if let limit = spec.startRetries, tries > limit {
            tries = 0
            state = .fatal
            return [
                backoff, change(from: .backoff, to: .fatal, isExpected: false),
                .log(.info, "gave up: \(name) entered FATAL state, too many start retries too quickly"),
            ]
        }
        // supervisord's delay: as many seconds as there were failures. Never more than a minute, so that
        // `startretries = infinite` cannot drift into hours.
        state = .backoff(retryAt: now.instant + .seconds(min(tries, 60)))
        return [backoff]
    }

    private mutating func exitedTooQuickly(_ run: Run, _ status: ExitStatus, at now: Moment) -> [Order] {
        spawnError = WorkerMachine.tooQuickly
        exitStatus = status
        // "Not expected" whatever the status was: before startsecs even exit code 0 is a failure to start.
        let line = "exited: \(name) (\(WorkerMachine.describe(status)); not expected)"
        return [.log(.warn, line), .release(run.generation)] + fail(at: now)
    }

    private func isExpected(_ status: ExitStatus) -> Bool {
        switch status {
        case .code(let code): spec.exitCodes.contains(code)
        case .signal, .unknown: false
        }
    }

    private mutating func exitedFromRunning(_ run: Run, _ status: ExitStatus, at now: Moment) -> [Order] {
        let isExpected = isExpected(status)
        exitStatus = status
        spawnError = isExpected ? "" : "Bad exit code \(WorkerMachine.code(of: status))"
        let level: LogRecord.Level = isExpected ? .info : .warn
        let expectation = isExpected ? "expected" : "not expected"
        let orders: [Order] = [
            .log(level, "exited: \(name) (\(WorkerMachine.describe(status)); \(expectation))"),
            .release(run.generation),
            change(from: .running, to: .exited, pid: run.pid, isExpected: isExpected),
        ]
        state = .exited
        switch spec.autorestart {
        case .always: return orders + launch(reason: .exit, at: now)
        case .unexpected: return isExpected ? orders : orders + launch(reason: .exit, at: now)
        case .never: return orders
        }
    }

    /// A stop has come to its end.
    private mutating func ended(
        _ run: Run, _ stop: Stop, _ level: LogRecord.Level, _ how: String, at now: Moment
    ) -> [Order] {
        let orders: [Order] = [
            .log(level, "stopped: \(name) (\(how))"), .release(run.generation),
            change(from: .stopping, to: .stopped, pid: run.pid),
        ]
        state = .stopped
        switch stop.purpose {
        case .stay: return orders
        case .startAgain(let reason): return orders + launch(reason: reason, at: now)
        }
    }

    private func change(from: ProcessState, to: ProcessState, pid: Int32? = nil, isExpected: Bool = true) -> Order {
        .changed(from: from, to: to, pid: pid, tries: tries, isExpected: isExpected)
    }

    private mutating func violated(_ what: String) -> [Order] {
        let from = processState
        spawnError = "internal: \(what)"
        guard let run else {
            state = .fatal
            let entered = change(from: from, to: .fatal, isExpected: false)
            return [.violated("\(name): \(what)")] + (from == .fatal ? [] : [entered])
        }
        state = .unknown(run, isInternal: true)
        let entered = change(from: from, to: .unknown, pid: run.pid, isExpected: false)
        let orders: [Order] = [.violated("\(name): \(what)"), .signal(run.generation, .kill, .tree)]
        return orders + (from == .unknown ? [] : [entered])
    }
}

extension WorkerMachine {
    /// supervisord's `spawnerr` after an exit before startsecs.
    package static let tooQuickly = "Exited too quickly (process log may have details)"

    /// supervisord's number of an end: the exit code, -1 for everything else.
    private static func code(of status: ExitStatus) -> Int32 {
        if case .code(let code) = status { code } else { -1 }
    }

    /// supervisord's words for how a process ended.
    package static func describe(_ status: ExitStatus) -> String {
        switch status {
        case .code(let code): "exit status \(code)"
        case .signal(let number, let coreDumped):
            "terminated by \(Signal(number).name)\(coreDumped ? " (core dumped)" : "")"
        case .unknown: "exit status unknown"
        }
    }

    /// A failure to start in one line, with its stage and errno.
    package static func explain(_ failure: SpawnFailure) -> String {
        let subject = failure.subject.isEmpty ? "" : " '\(failure.subject)'"
        switch (failure.stage, failure.errorNumber) {
        case (.lookUp, 2): return "can't find command\(subject)"
        case (.lookUp, 13): return "command at\(subject) is not executable"
        case (.socket, _): return "could not create FastCGI socket \(failure.subject): \(failure.explanation)"
        case (.lookUp, 21): return "command at\(subject) is a directory"
        case (.stuck, _): return "spawn stuck at stage\(subject)"
        case (let stage, let errorNumber):
            return "cannot \(stage.rawValue)\(subject): \(failure.explanation) (errno \(errorNumber))"
        }
    }
}

extension Refusal {
    /// What a start of a command that cannot be executed is answered with.
    ///
    /// - Parameter failure: of the stage `lookUp`.
    package init(missing failure: SpawnFailure) {
        let text = WorkerMachine.explain(failure)
        self = failure.errorNumber == 2 ? .noFile(text) : .notExecutable(text)
    }
}
