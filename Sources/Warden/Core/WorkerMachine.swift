/// The life of one slot's process: supervisord's state machine, every start and every stop of it.
///
/// One method per fact; each returns the orders that follow from it, in order. The machine has no clock: deadlines are
/// in `deadline`, and `timeReached` is told when one may have passed.
package struct WorkerMachine: Hashable, Codable, Sendable {
    /// One start of the slot.
    package struct Run: Hashable, Codable, Sendable {
        /// Which start it is.
        package var generation: Generation
        /// When it was ordered.
        package var startedAt: Moment
        /// The main process, once execve(2) has succeeded.
        package var pid: Int32?
        /// It has said that it is ready, before it was known that execve(2) had succeeded.
        package var isReady = false

        /// - Parameters: as the properties of the same names.
        package init(generation: Generation, startedAt: Moment, pid: Int32?) {
            self.generation = generation
            self.startedAt = startedAt
            self.pid = pid
        }
    }

    /// What comes after a stop.
    package enum Purpose: Hashable, Codable, Sendable {
        /// The slot stays down.
        case stay
        /// The slot starts again, whatever autorestart and the exit code say.
        case startAgain(RestartReason)
        /// It did not become ready in time: this was a failed start.
        case retry
    }

    /// A start that waits until what the slot depends on is ready.
    package struct AwaitedStart: Hashable, Codable, Sendable {
        /// As `start` was told.
        package var reason: RestartReason?
    }

    /// A stop under way.
    package struct Stop: Hashable, Codable, Sendable {
        /// How far it has got.
        package enum Step: Hashable, Codable, Sendable {
            /// `stop_command` was run; its deadline brings the stop signal.
            case command
            /// The stop signal was sent; its deadline brings SIGKILL.
            case signal
        }

        /// What comes after it.
        package var purpose: Purpose
        /// When the stop signal is sent after a `stop_command`, or SIGKILL, again and again.
        package var escalatesAt: Instant
        /// A person, or the daemon's end, wants it: Warden's own decisions no longer count.
        package var isByRequest: Bool
        /// How far it has got.
        package var step = Step.signal

        /// - Parameters: as the properties of the same names.
        package init(purpose: Purpose, escalatesAt: Instant, isByRequest: Bool) {
            self.purpose = purpose
            self.escalatesAt = escalatesAt
            self.isByRequest = isByRequest
        }
    }

    /// The states, each with what has a meaning only in it.
    package enum State: Hashable, Codable, Sendable {
        /// Never started, or stopped by request. To: starting.
        case stopped
        /// Ordered, and not up long enough or not ready. To: running, backoff, stopping, and exited or starting by way
        /// of running.
        case starting(Run)
        /// Up for longer than startsecs, or ready. To: exited, starting (by way of exited), stopping.
        case running(Run)
        /// Failed to start, or ended and has a `restart_delay`; tried again at `retryAt`. To: starting, fatal, stopped.
        case backoff(retryAt: Instant)
        /// Told to end. To: stopped, starting (by way of stopped), backoff, fatal (by way of backoff), unknown.
        case stopping(Run, Stop)
        /// Ended by itself after running. To: starting, backoff.
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
        /// Look whether the next start may happen, after the end of this generation.
        case prepare(Generation)
        /// Run `stop_command` for this generation.
        case runStopCommand(Generation)
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
    package internal(set) var spec: SupervisionSpec
    /// The present state.
    package internal(set) var state: State = .stopped
    /// The last generation that was ordered.
    package internal(set) var generation = Generation(0)
    /// Failed starts in a row: supervisord's backoff counter.
    package internal(set) var tries = 0
    /// supervisord's `spawnerr`.
    package internal(set) var spawnError = ""
    /// How the last process ended; `nil` before that and after the next start.
    package internal(set) var exitStatus: ExitStatus?
    /// When the last start was ordered.
    package internal(set) var startedAt: Moment?
    /// When the last process ended.
    package internal(set) var stoppedAt: WallTime?
    /// What it depends on and is not ready now: no start happens while there is something.
    package internal(set) var heldBy: [String] = []
    /// The start that waits for it.
    package internal(set) var awaitedStart: AwaitedStart?
    /// What stands before the next start. `due` is set by whoever knows what has to be prepared.
    package internal(set) var preparation = Preparation.none
    /// Of a stop under way: when SIGKILL was sent first.
    package internal(set) var killedSince: Instant?
    /// SIGKILL has not ended it for so long that it is not sent often any more.
    package internal(set) var isUndying = false
    /// Its process is of a former daemon, which left nothing else: it keeps the slot UNKNOWN until it is gone.
    package internal(set) var isLeftOver = false
    /// Failed starts and short lives in a row, which `restart_delay` doubles by.
    var shortLives = 0
    let name: String

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
        case .starting(let run): run.pid == nil || waitsForEver ? nil : run.startedAt.instant + spec.startSeconds
        case .backoff(let retryAt): awaitedStart == nil ? retryAt : nil
        case .stopping(_, let stop): stop.escalatesAt
        case .stopped, .running, .exited, .fatal, .unknown: nil
        }
    }

    /// How a process is made to end.
    package enum Force: Hashable, Codable, Sendable {
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
            shortLives = 0
            // A person who asks once more does not want to wait for what was being waited for.
            if reason == .user, preparation != .due { preparation = .none }
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
            return beginStop(of: run, purpose, isByRequest: isByRequest, force: force, at: now)
        case .stopping(let run, var stop):
            if isByRequest || !stop.isByRequest {
                stop.purpose = purpose
                stop.isByRequest = isByRequest
            }
            if force == .kill {
                stop.step = .signal
                killedSince = killedSince ?? now.instant
            }
            state = .stopping(run, stop)
            return force == .kill ? [.signal(run.generation, .kill, killReach)] : []
        case .backoff:
            guard isByRequest else { return [] }
            dropAwaitedStart()
            state = .stopped
            return [change(from: .backoff, to: .stopped)]
        case .unknown(let run, _) where isLeftOver:
            return beginStop(of: run, purpose, isByRequest: isByRequest, force: force, at: now)
        case .stopped, .exited, .fatal, .unknown:
            if isByRequest { dropAwaitedStart() }
            return []
        }
    }

    /// The daemon is ending, and a slot that waits to be tried again never will be.
    package mutating func abandonRetry() -> [Order] {
        dropAwaitedStart()
        guard case .backoff = state else { return [] }
        tries = 0
        state = .fatal
        return [change(from: .backoff, to: .fatal)]
    }

    /// New options that do not need a restart take effect.
    package mutating func adopt(_ spec: SupervisionSpec) {
        self.spec = spec
    }

    /// A start that waits does not come about any more.
    package mutating func dropAwaitedStart() {
        awaitedStart = nil
        givePreparationUp()
    }

    /// What the slot depends on has changed: a start that waited for it happens when nothing holds it any more.
    ///
    /// - Parameters:
    ///   - names: what is not ready now, as `depends_on` has it.
    ///   - now: the time.
    package mutating func held(by names: [String], at now: Moment) -> [Order] {
        heldBy = names
        guard names.isEmpty, let awaitedStart else { return [] }
        return launch(reason: awaitedStart.reason, at: now)
    }

    // MARK: - Facts

    /// execve(2) succeeded.
    package mutating func spawned(pid: Int32, at now: Moment) -> [Order] {
        switch state {
        case .starting(var run):
            run.pid = pid
            state = .starting(run)
            let line = Order.log(.info, "spawned: '\(name)' with pid \(pid)")
            return [line] + (run.isReady ? enterRunning(run) : timeReached(at: now))
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
            let told: [Order] = [.log(.error, "spawnerr: \(name): \(text)"), .release(run.generation)]
            return told + (failure.isShortage ? waitForRoom(at: now) : fail(at: now))
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
        if isLeftOver {
            isLeftOver = false
            spawnError = ""
        }
        switch state {
        case .starting(let run):
            stoppedAt = now.wall
            // The turn of the loop that would have said RUNNING may not have come yet: the clock decides, not the loop.
            if spec.readiness != .startSeconds || now.instant - run.startedAt.instant < spec.startSeconds {
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

    /// It has said that it is ready, or was found to be.
    package mutating func becameReady() -> [Order] {
        guard spec.readiness != .startSeconds, case .starting(var run) = state else { return [] }
        if run.pid != nil { return enterRunning(run) }
        run.isReady = true
        state = .starting(run)
        return []
    }

    /// `stop_command` has ended. One that succeeded leaves the worker until the deadline; after any other the stop
    /// signal follows at once.
    package mutating func stopCommandEnded(_ result: HookResult, at now: Moment) -> [Order] {
        guard case .stopping(let run, let stop) = state, stop.step == .command else { return [] }
        let reason: String
        switch result {
        case .exited(code: 0, _): return []
        case .exited(let code, _): reason = "exit status \(code)"
        case .failed(let text), .couldNotRun(let text): reason = text
        }
        let line = "stop_command of '\(name)' failed (\(reason)); sending \(spec.stopSignal.name)"
        return [.log(.warn, line)] + sendStopSignal(to: run, stop, at: now)
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
            return spec.readiness == .startSeconds ? enterRunning(run) : notReadyInTime(run, at: now)
        case .backoff:
            return launch(reason: .exit, at: now)
        case .stopping(let run, let stop) where stop.step == .command:
            let line = "stop_command of '\(name)' has not ended it in time; sending \(spec.stopSignal.name)"
            return [.log(.warn, line)] + sendStopSignal(to: run, stop, at: now)
        case .stopping(let run, var stop):
            killedSince = killedSince ?? now.instant
            stop.escalatesAt = now.instant + killInterval
            state = .stopping(run, stop)
            return [
                .log(.warn, "killing '\(name)' (\(run.pid ?? 0)) with SIGKILL"),
                .signal(run.generation, .kill, killReach),
            ]
        case .stopped, .running, .exited, .fatal, .unknown:
            return []
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
