/// What the machine does once it knows what to do.
extension WorkerMachine {
    var stopReach: Reach { spec.endsTree ? .tree : spec.stopAsGroup ? .group : .process }
    var killReach: Reach { spec.endsTree ? .tree : spec.killAsGroup ? .group : .process }

    /// Whether a worker that never becomes ready is left as it is.
    var waitsForEver: Bool { spec.readiness != .startSeconds && spec.startSeconds == .zero }

    mutating func launch(reason: RestartReason?, at now: Moment) -> [Order] {
        guard heldBy.isEmpty else {
            let isNews = awaitedStart == nil
            awaitedStart = AwaitedStart(reason: reason)
            return isNews ? [.log(.info, "\(name) waits for \(heldBy.joined(separator: ", "))")] : []
        }
        switch preparation {
        case .none: break
        case .due:
            awaitedStart = AwaitedStart(reason: reason)
            preparation = .underWay
            return [.prepare(generation)]
        case .underWay, .quarantined:
            awaitedStart = AwaitedStart(reason: reason)
            return []
        }
        awaitedStart = nil
        (killedSince, isUndying) = (nil, false)
        let from = processState
        generation = generation.next
        spawnError = ""
        exitStatus = nil
        startedAt = now
        state = .starting(Run(generation: generation, startedAt: now, pid: nil))
        return [change(from: from, to: .starting), .spawn(generation, reason)]
    }

    mutating func enterRunning(_ run: Run) -> [Order] {
        tries = 0
        state = .running(run)
        let entered = change(from: .starting, to: .running, pid: run.pid)
        guard spec.readiness == .startSeconds else {
            return [
                entered, .log(.info, "success: \(name) entered RUNNING state, it is ready (\(spec.readiness.word))"),
            ]
        }
        let seconds = Int(spec.startSeconds.inSeconds)
        return [
            entered,
            .log(
                .info,
                "success: \(name) entered RUNNING state, process has stayed up for > than \(seconds) seconds "
                    + "(startsecs)"),
        ]
    }

    /// It is ended, and that was a failed start.
    mutating func notReadyInTime(_ run: Run, at now: Moment) -> [Order] {
        let seconds = Int(spec.startSeconds.inSeconds)
        spawnError = "Not ready within \(seconds) seconds (ready=\(spec.readiness.word))"
        let line = Order.log(
            .warn, "'\(name)' is not ready within \(seconds) seconds (\(spec.readiness.word)); ending it")
        return [line] + beginStop(of: run, .retry, isByRequest: false, force: .stopSignal, at: now)
    }

    // MARK: - Stops

    mutating func beginStop(
        of run: Run, _ purpose: Purpose, isByRequest: Bool, force: Force, at now: Moment
    ) -> [Order] {
        let entered = change(from: processState, to: .stopping, pid: run.pid)
        var stop = Stop(purpose: purpose, escalatesAt: now.instant + spec.stopWait, isByRequest: isByRequest)
        let order: [Order]
        switch force {
        case .stopSignal where spec.stopCommand != nil && run.pid != nil:
            stop.step = .command
            stop.escalatesAt = now.instant + stopCommandTimeout
            order = [.runStopCommand(run.generation)]
        case .stopSignal: order = [.signal(run.generation, spec.stopSignal, stopReach)]
        case .kill:
            killedSince = now.instant
            order = [.signal(run.generation, .kill, killReach)]
        case .none: order = []
        }
        state = .stopping(run, stop)
        return [entered] + order
    }

    /// `stopwaitsecs`, but never nothing: the command has to be given a chance.
    package var stopCommandTimeout: Duration { max(spec.stopWait, .seconds(1)) }

    mutating func sendStopSignal(to run: Run, _ stop: Stop, at now: Moment) -> [Order] {
        var stop = stop
        stop.step = .signal
        stop.escalatesAt = now.instant + spec.stopWait
        state = .stopping(run, stop)
        return [.signal(run.generation, spec.stopSignal, stopReach)]
    }

    // MARK: - Ends

    /// A start has failed: try again later, or give up.
    mutating func fail(from: ProcessState = .starting, at now: Moment) -> [Order] {
        tries += 1
        shortLives += 1
        let backoff = change(from: from, to: .backoff, isExpected: false)
        if let limit = spec.startRetries, tries > limit {
            tries = 0
            state = .fatal
            return [
                backoff, change(from: .backoff, to: .fatal, isExpected: false),
                .log(.info, "gave up: \(name) entered FATAL state, too many start retries too quickly"),
            ]
        }
        state = .backoff(retryAt: now.instant + retryDelay)
        return [backoff]
    }

    /// There was not enough of something to start it, which says nothing of the program: it is tried again until there
    /// is, and costs none of `startretries`. (supervisord gives up, and somebody has to come and start it.)
    mutating func waitForRoom(at now: Moment) -> [Order] {
        shortLives += 1
        state = .backoff(retryAt: now.instant + min(.seconds(shortLives), Limits.shortageBackoff))
        return [change(from: .starting, to: .backoff, isExpected: false)]
    }

    /// Until the next try: supervisord's as many seconds as there were failures, or `restart_delay` doubled with each.
    private var retryDelay: Duration {
        guard let first = spec.restartDelay else {
            return min(.seconds(tries), spec.maximumBackoff ?? Limits.linearBackoff)
        }
        return doubled(first)
    }

    private func doubled(_ first: Duration) -> Duration {
        let longest = max(first, spec.maximumBackoff ?? Limits.doublingBackoff)
        var delay = first
        var count = 1
        while count < shortLives, delay < longest {
            delay = delay * 2
            count += 1
        }
        return min(delay, longest)
    }

    /// Starts again after an exit: at once as supervisord does, or after `restart_delay`.
    private mutating func startAgain(after run: Run, at now: Moment) -> [Order] {
        guard let first = spec.restartDelay else { return launch(reason: .exit, at: now) }
        // Whoever lived for as long as the longest delay begins with the shortest again.
        let longest = max(first, spec.maximumBackoff ?? Limits.doublingBackoff)
        shortLives = now.instant - run.startedAt.instant >= longest ? 1 : shortLives + 1
        let delay = doubled(first)
        if spawnError.isEmpty { spawnError = "Exited; starts again \(delay.spoken) later (restart_delay)" }
        state = .backoff(retryAt: now.instant + delay)
        return [change(from: .exited, to: .backoff, isExpected: false)]
    }

    mutating func exitedTooQuickly(_ run: Run, _ status: ExitStatus, at now: Moment) -> [Order] {
        spawnError =
            spec.readiness == .startSeconds
            ? WorkerMachine.tooQuickly : WorkerMachine.beforeReady
        exitStatus = status
        // "Not expected" whatever the status was: before startsecs even exit code 0 is a failure to start.
        let line = "exited: \(name) (\(WorkerMachine.describe(status)); not expected)"
        return [.log(.warn, line), .release(run.generation)] + fail(at: now)
    }

    /// It ended by itself, with one of `exitcodes`.
    var hasExitedAsExpected: Bool { exitStatus.map(isExpected) ?? false }

    func isExpected(_ status: ExitStatus) -> Bool {
        switch status {
        case .code(let code): spec.exitCodes.contains(code)
        case .signal, .unknown: false
        }
    }

    mutating func exitedFromRunning(_ run: Run, _ status: ExitStatus, at now: Moment) -> [Order] {
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
        case .always: return orders + startAgain(after: run, at: now)
        case .unexpected: return isExpected ? orders : orders + startAgain(after: run, at: now)
        case .never: return orders
        }
    }

    /// A stop has come to its end.
    mutating func ended(
        _ run: Run, _ stop: Stop, _ level: LogRecord.Level, _ how: String, at now: Moment
    ) -> [Order] {
        let over: [Order] = [.log(level, "stopped: \(name) (\(how))"), .release(run.generation)]
        let stopped = change(from: .stopping, to: .stopped, pid: run.pid)
        switch stop.purpose {
        case .stay:
            state = .stopped
            return over + [stopped]
        case .startAgain(let reason):
            state = .stopped
            return over + [stopped] + launch(reason: reason, at: now)
        case .retry: return over + fail(from: .stopping, at: now)
        }
    }

    func change(from: ProcessState, to: ProcessState, pid: Int32? = nil, isExpected: Bool = true) -> Order {
        .changed(from: from, to: to, pid: pid, tries: tries, isExpected: isExpected)
    }

    mutating func violated(_ what: String) -> [Order] {
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
    /// The same where readiness is not a matter of time.
    package static let beforeReady = "Exited before it was ready (process log may have details)"

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
        case (.lookUp, 21): return "command at\(subject) is a directory"
        case (.socket, _): return "could not create FastCGI socket \(failure.subject): \(failure.explanation)"
        case (.stuck, _): return "spawn stuck at stage\(subject)"
        case (let stage, let errorNumber):
            return "cannot \(stage.rawValue)\(subject): \(failure.explanation) (errno \(errorNumber))"
        }
    }
}
