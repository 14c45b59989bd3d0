/// What the life-long probe has said of one generation.
///
/// Three answers are told apart. A success ends everything that was held against the worker. A failure counts, unless
/// it came before the start-up gate was open or while we could not trust it. A question that could not be put counts as
/// neither.
package struct ProbeStanding: Hashable, Codable, Sendable {
    /// The last answer.
    package enum Answer: Hashable, Codable, Sendable {
        /// The worker answered as it should.
        case good
        /// It did not.
        case bad(reason: String)
        /// Nobody asked it: the probe itself cannot run.
        case notAsked(reason: String)
    }

    /// The last answer; `nil` before the first.
    package private(set) var answer: Answer?
    /// When it came.
    package private(set) var answeredAt: Moment?
    /// Failures in a row that count.
    package private(set) var failuresInARow = 0
    /// When the first of them came.
    package private(set) var failingSince: Instant?
    /// It has succeeded in this generation.
    package private(set) var hasSucceeded = false

    /// Nothing asked yet.
    package init() {}

    /// The worker was seen to be held still from outside: what it did not answer meanwhile is not its fault.
    mutating func excused() {
        failuresInARow = 0
        failingSince = nil
    }

    /// Whether the last answer leaves nothing to be desired, or there is nobody who could ask.
    package var isContent: Bool {
        switch answer {
        case .good, .notAsked: true
        case .bad, nil: false
        }
    }

    /// An answer came.
    ///
    /// - Parameters:
    ///   - result: how the probe ended.
    ///   - counts: a failure counts: the start-up gate is open, and neither the worker nor we are held still.
    ///   - now: the time.
    mutating func answered(_ result: HookResult, counts: Bool, at now: Moment) {
        answeredAt = now
        switch result {
        case .exited(code: 0, _):
            answer = .good
            hasSucceeded = true
            failuresInARow = 0
            failingSince = nil
        case .exited(let code, let output):
            let line = output.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
            failed("exit status \(code)\(line)", counts: counts, at: now.instant)
        case .failed(let reason): failed(reason, counts: counts, at: now.instant)
        case .couldNotRun(let reason): answer = .notAsked(reason: reason)
        }
    }

    private mutating func failed(_ reason: String, counts: Bool, at now: Instant) {
        answer = .bad(reason: reason)
        guard counts else { return }
        failuresInARow += 1
        failingSince = failingSince ?? now
    }
}

/// What `why` says of a probe.
package struct ProbeReport: Hashable, Sendable {
    /// What it has said.
    package var standing: ProbeStanding
    /// `probe_failures`.
    package var failuresNeeded: Int

    /// - Parameters: as the properties of the same names.
    package init(standing: ProbeStanding, failuresNeeded: Int) {
        self.standing = standing
        self.failuresNeeded = failuresNeeded
    }
}

extension Classifier {
    /// `probe_failures` in a row, and no success since.
    ///
    /// Only once the worker has been looked at since the first of them: a probe may be asked more often than samples
    /// come, and who is stopped, traced or frozen cannot answer.
    ///
    /// - Parameters:
    ///   - probe: what was answered.
    ///   - spec: how many failures count.
    ///   - sampledAt: when the worker was read last; `nil`: never.
    ///   - now: the time.
    static func probeFailure(
        _ probe: ProbeStanding, _ spec: HealthSpec, sampledAt: Instant?, at now: Instant
    ) -> Finding? {
        guard probe.failuresInARow >= spec.probeFailures, let since = probe.failingSince, let sampledAt,
            sampledAt > since
        else { return nil }
        // The last answer may be that the probe could not run: then the failures before it still stand.
        let reason: String = if case .bad(let reason)? = probe.answer { reason } else { "failing" }
        return Finding(
            condition: .dark(.probe), grade: .strong,
            evidence: [
                Evidence(
                    rule: "probe_failures", value: .number(Double(probe.failuresInARow)),
                    threshold: .number(Double(spec.probeFailures))),
                Evidence(rule: "probe_answer", value: .text(reason), threshold: .text("success")),
            ],
            reason: "the probe failed \(probe.failuresInARow) times in a row in \((now - since).spoken): \(reason)")
    }
}
