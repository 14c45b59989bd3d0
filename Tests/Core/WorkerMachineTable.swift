import WardenCore

/// The table of `WorkerMachineTableTests`: what is ordered, and which state follows (`nil`: the same).
extension WorkerMachineTableTests {
    typealias Row = (orders: [Order], state: State?)

    static func expected(_ place: Place, _ fact: Fact) -> Row {
        switch place {
        case .stopped: whenDown(fact, .stopped, generation: 2 - 1)
        case .exited: whenDown(fact, .exited, generation: 2)
        case .fatal: whenDown(fact, .fatal, generation: 5)
        case .ordered, .starting: whenStarting(fact, place == .ordered ? unborn : run)
        case .running: whenRunning(fact)
        case .backoff: inBackoff(fact)
        case .stopping: whenStopping(fact, .stay, isByRequest: true)
        case .restarting: whenStopping(fact, .startAgain(.health(.dark(.emfile))), isByRequest: false)
        case .unknown: whenUnknown(fact, isInternal: false)
        case .broken: whenUnknown(fact, isInternal: true)
        }
    }

    // MARK: - Words

    private static func changed(
        _ from: ProcessState, _ to: ProcessState, pid: Int32? = nil, tries: Int = 0, isExpected: Bool = true
    ) -> Order {
        .changed(from: from, to: to, pid: pid, tries: tries, isExpected: isExpected)
    }

    private static func launch(
        from: ProcessState, _ generation: UInt32, _ reason: RestartReason?, tries: Int = 0
    ) -> [Order] {
        [changed(from, .starting, tries: tries), .spawn(Generation(generation), reason)]
    }

    private static func launched(_ generation: UInt32) -> State {
        .starting(.init(generation: Generation(generation), startedAt: at(100), pid: nil))
    }

    private static func stopping(
        _ run: WorkerMachine.Run, _ purpose: WorkerMachine.Purpose, isByRequest: Bool, escalatesAt: Double = 110
    ) -> State {
        .stopping(run, .init(purpose: purpose, escalatesAt: instant(escalatesAt), isByRequest: isByRequest))
    }

    private static let release = Order.release(Generation(1))
    private static let hung = RestartReason.health(.hung(.silent))
    private static let cannotFind = Order.log(.error, "spawnerr: w0: can't find command '/usr/bin/worker'")

    private static func signal(_ signal: Signal, _ reach: Reach = .process) -> Order {
        .signal(Generation(1), signal, reach)
    }

    /// An impossible fact where nothing runs: FATAL, and nothing to kill.
    private static func impossible(_ what: String, from: ProcessState) -> Row {
        (
            [.violated("w0: \(what)")] + (from == .fatal ? [] : [changed(from, .fatal, isExpected: false)]), .fatal
        )
    }

    /// An impossible fact where something runs: it is killed, and the slot is UNKNOWN until its exit is seen.
    private static func broken(_ what: String, from: ProcessState) -> Row {
        let orders: [Order] = [.violated("w0: \(what)"), signal(.kill, .tree)]
        let entered = from == .unknown ? [] : [changed(from, .unknown, pid: 77, isExpected: false)]
        return (orders + entered, .unknown(ran, isInternal: true))
    }

    // MARK: - Rows

    private static func whenDown(_ fact: Fact, _ state: ProcessState, generation: UInt32) -> Row {
        switch fact {
        case .start: (launch(from: state, generation, .user), launched(generation))
        case .stopByPerson, .restartByWarden, .killByWarden, .abandonRetry, .signalFailed, .timeReached: ([], nil)
        case .spawned: impossible("spawned while \(state.word)", from: state)
        case .spawnFailed: impossible("failed to spawn while \(state.word)", from: state)
        case .exitedWell, .exitedBadly: impossible("exited while \(state.word)", from: state)
        }
    }

    private static func whenStarting(_ fact: Fact, _ run: WorkerMachine.Run) -> Row {
        let entered = changed(.starting, .stopping, pid: run.pid)
        let failed = changed(.starting, .backoff, tries: 1, isExpected: false)
        let retry = State.backoff(retryAt: instant(101))
        switch fact {
        case .start, .abandonRetry, .timeReached: return ([], nil)
        case .stopByPerson: return ([entered, signal(.terminate)], stopping(run, .stay, isByRequest: true))
        case .restartByWarden:
            return ([entered, signal(.terminate)], stopping(run, .startAgain(hung), isByRequest: false))
        case .killByWarden:
            return ([entered, signal(.kill)], stopping(run, .startAgain(hung), isByRequest: false))
        case .spawned:
            return ([.log(.info, "spawned: 'w0' with pid 77")], .starting(self.run))
        case .spawnFailed: return ([cannotFind, release, failed], retry)
        case .exitedWell:
            return ([.log(.warn, "exited: w0 (exit status 0; not expected)"), release, failed], retry)
        case .exitedBadly:
            return ([.log(.warn, "exited: w0 (terminated by SIGKILL; not expected)"), release, failed], retry)
        case .signalFailed: return ([.log(.warn, "cannot signal 'w0': errno 1")], nil)
        }
    }

    private static func whenRunning(_ fact: Fact) -> Row {
        let entered = changed(.running, .stopping, pid: 77)
        switch fact {
        case .start, .abandonRetry, .timeReached: return ([], nil)
        case .stopByPerson: return ([entered, signal(.terminate)], stopping(ran, .stay, isByRequest: true))
        case .restartByWarden:
            return ([entered, signal(.terminate)], stopping(ran, .startAgain(hung), isByRequest: false))
        case .killByWarden:
            return ([entered, signal(.kill)], stopping(ran, .startAgain(hung), isByRequest: false))
        case .spawned: return broken("spawned while RUNNING", from: .running)
        case .spawnFailed: return broken("failed to spawn while RUNNING", from: .running)
        case .exitedWell:
            return (
                [.log(.info, "exited: w0 (exit status 0; expected)"), release, changed(.running, .exited, pid: 77)],
                .exited
            )
        case .exitedBadly:
            let orders: [Order] = [
                .log(.warn, "exited: w0 (terminated by SIGKILL; not expected)"), release,
                changed(.running, .exited, pid: 77, isExpected: false),
            ]
            return (orders + launch(from: .exited, 2, .exit), launched(2))
        case .signalFailed: return ([.log(.warn, "cannot signal 'w0': errno 1")], nil)
        }
    }

    private static func inBackoff(_ fact: Fact) -> Row {
        switch fact {
        case .start: (launch(from: .backoff, 2, .user, tries: 1), launched(2))
        case .stopByPerson: ([changed(.backoff, .stopped, tries: 1)], .stopped)
        case .restartByWarden, .killByWarden, .signalFailed, .timeReached: ([], nil)
        case .abandonRetry: ([changed(.backoff, .fatal)], .fatal)
        case .spawned:
            ([.violated("w0: spawned while BACKOFF"), changed(.backoff, .fatal, tries: 1, isExpected: false)], .fatal)
        case .spawnFailed:
            (
                [
                    .violated("w0: failed to spawn while BACKOFF"),
                    changed(.backoff, .fatal, tries: 1, isExpected: false),
                ],
                .fatal
            )
        case .exitedWell, .exitedBadly:
            ([.violated("w0: exited while BACKOFF"), changed(.backoff, .fatal, tries: 1, isExpected: false)], .fatal)
        }
    }

    private static func whenStopping(_ fact: Fact, _ purpose: WorkerMachine.Purpose, isByRequest: Bool) -> Row {
        func stays(_ purpose: WorkerMachine.Purpose, _ isByRequest: Bool, _ escalatesAt: Double = 105) -> State {
            stopping(ran, purpose, isByRequest: isByRequest, escalatesAt: escalatesAt)
        }
        func ended(_ orders: [Order]) -> Row {
            let all = orders + [release, changed(.stopping, .stopped, pid: 77)]
            guard case .startAgain(let reason) = purpose else { return (all, .stopped) }
            return (all + launch(from: .stopped, 2, reason), launched(2))
        }
        // A person's stop is not changed by what Warden decides.
        let decided = isByRequest ? stays(purpose, true) : stays(.startAgain(hung), false)
        switch fact {
        case .start: return ([], stays(.startAgain(.user), isByRequest))
        case .stopByPerson: return ([], stays(.stay, true))
        case .restartByWarden: return ([], decided)
        case .killByWarden: return ([signal(.kill)], decided)
        case .abandonRetry, .timeReached: return ([], nil)
        case .spawned: return ([.log(.info, "spawned: 'w0' with pid 77")], nil)
        case .spawnFailed: return ended([cannotFind, .log(.info, "stopped: w0 (never started)")])
        case .exitedWell: return ended([.log(.info, "stopped: w0 (exit status 0)")])
        case .exitedBadly: return ended([.log(.warn, "stopped: w0 (terminated by SIGKILL)")])
        case .signalFailed:
            let orders: [Order] = [
                .log(.critical, "unknown problem killing w0 (77): errno 1"),
                changed(.stopping, .unknown, pid: 77, isExpected: false),
            ]
            return (orders, .unknown(ran, isInternal: false))
        }
    }

    private static func whenUnknown(_ fact: Fact, isInternal: Bool) -> Row {
        switch fact {
        case .start, .stopByPerson, .restartByWarden, .killByWarden, .abandonRetry, .signalFailed, .timeReached:
            ([], nil)
        case .spawned: broken("spawned while UNKNOWN", from: .unknown)
        case .spawnFailed: broken("failed to spawn while UNKNOWN", from: .unknown)
        case .exitedWell, .exitedBadly:
            (
                [release, changed(.unknown, isInternal ? .fatal : .stopped, pid: 77, isExpected: !isInternal)],
                isInternal ? .fatal : .stopped
            )
        }
    }
}
