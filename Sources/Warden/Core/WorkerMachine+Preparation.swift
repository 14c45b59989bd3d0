/// What stands between the end of one generation and the start of the next, where anything does.
extension WorkerMachine {
    /// How far the next start is prepared.
    package enum Preparation: Hashable, Codable, Sendable {
        /// Nothing has to be prepared. To: due, when a generation ends.
        case none
        /// A generation has ended, and the next start has to be prepared first. To: under way.
        case due
        /// The old tree is being looked at; a start waits for it. To: none, quarantined, and due when it is given up.
        case underWay
        /// The start waits until what forbids it has passed. To: none, and due when it is given up.
        case quarantined
    }

    /// The next start may happen now.
    package mutating func prepared(at now: Moment) -> [Order] {
        switch preparation {
        case .none, .due: return []
        case .underWay, .quarantined: break
        }
        preparation = .none
        guard let awaitedStart else { return [] }
        return launch(reason: awaitedStart.reason, at: now)
    }

    /// The next start must not happen yet. BACKOFF is supervisord's word for what starts again by itself.
    ///
    /// - Parameter text: why, for people.
    package mutating func quarantined(_ text: String) -> [Order] {
        guard preparation == .underWay || preparation == .quarantined, awaitedStart != nil else { return [] }
        preparation = .quarantined
        spawnError = "Quarantined: \(text)"
        let from = processState
        if from == .backoff { return [] }
        // While a start is awaited no clock ends this state.
        state = .backoff(retryAt: .distantFuture)
        return [change(from: from, to: .backoff, isExpected: false)]
    }

    /// Nobody waits for the start any more; the next one has to be prepared anew.
    mutating func givePreparationUp() {
        if preparation != .none { preparation = .due }
    }

    /// A process of a former daemon lives, of which nothing else is known: no other may be started beside it.
    ///
    /// - Returns: empty when this slot is past its beginning.
    mutating func foundLeftOver(pid: Int32, at now: Moment) -> [Order] {
        guard case .stopped = state, run == nil else { return [] }
        isLeftOver = true
        spawnError = "pid \(pid) is left over from a former daemon; a stop ends it"
        state = .unknown(Run(generation: generation, startedAt: now, pid: pid), isInternal: false)
        return [change(from: .stopped, to: .unknown, pid: pid, isExpected: false)]
    }

    /// Between two SIGKILLs: of one that has not helped for long, another is no use, and would fill the log.
    var killInterval: Duration {
        max(spec.stopWait, isUndying ? Limits.undyingKillInterval : .seconds(1))
    }
}
