/// Rules about hangs that need more than silence.
extension Classifier {
    /// Every thread of the tree waits for something that only the tree itself can signal, and has not moved between
    /// two looks: proven. Where a caught signal could wake it: strong, and a restart only where silence may act too.
    package static func deadlock(_ window: HealthWindow, _ spec: HealthSpec, _ watch: WaitWatch) -> Finding? {
        guard let proof = watch.proof, window.demand != .zero else { return nil }
        let report = proof.report
        let span = report.takenAt - proof.since
        var evidence = [
            Evidence(
                rule: "threads_waiting_for_ever", value: .number(Double(report.threads.count)),
                threshold: .number(Double(report.threads.count))),
            Evidence(
                rule: "waits_unmoved", value: .number(span.inSeconds),
                threshold: .number(Limits.waitProofSpan.inSeconds)),
        ]
        let reason = "\(report.summary), unmoved for \(span.spoken)"
        guard report.closure == .closedButForSignals else {
            return Finding(
                condition: .hung(.deadlock), grade: .proven, evidence: evidence,
                reason: "\(reason); nothing outside can wake it")
        }
        let signals = report.caughtSignals.joined(separator: ", ")
        evidence.append(Evidence(rule: "caught_signals", value: .text(signals), threshold: .text("none")))
        var finding = Finding(
            condition: .hung(.deadlock), grade: .strong, evidence: evidence,
            reason: "\(reason); nothing outside can wake it but \(signals), which it catches")
        if case .some = window.demand { return finding }
        finding.isAdvisory = spec.heartbeatTimeout == nil
        return finding
    }

    /// The same process in state D in N of M samples, or the same thread in it in report after report, and the tree
    /// without I/O or CPU, for as long as the kernel's own check takes to call a task hung. A restart would not help:
    /// not even SIGKILL reaches it.
    package static func uninterruptible(
        _ window: HealthWindow, _ watch: WaitWatch, isConfirmed: Bool, at now: Instant
    ) -> Finding? {
        let still = window.stillness(at: now)
        if isConfirmed, let since = window.uninterruptibleSince, let pid = window.readings?.uninterruptible {
            return stuckInKernel("pid \(pid)", pid, for: min(now - since, still))
        }
        guard let wait = watch.kernelWait else { return nil }
        return stuckInKernel(
            "thread \(wait.thread.tid) of pid \(wait.thread.pid)", wait.thread.tid,
            for: min(wait.until - wait.since, still))
    }

    private static func stuckInKernel(_ who: String, _ number: Int32, for stuck: Duration) -> Finding? {
        guard stuck >= Limits.uninterruptibleAfter else { return nil }
        return Finding(
            condition: .hung(.uninterruptible), grade: .strong,
            evidence: [
                Evidence(
                    rule: "uninterruptible", value: .number(stuck.inSeconds),
                    threshold: .number(Limits.uninterruptibleAfter.inSeconds)),
                Evidence(rule: "uninterruptible_task", value: .number(Double(number)), threshold: .text("D")),
            ],
            reason: "\(who) is stuck in the kernel (state D) for \(stuck.spoken); a driver, a disk or a network "
                + "file system does not answer, and no signal reaches it")
    }
}
