/// The rules: from a window to the conditions that hold. A rule says what it saw and which line that crossed.
package enum Classifier {
    /// A condition that holds, as sure as it is.
    package struct Finding: Hashable, Codable, Sendable {
        /// Class and cause.
        package var condition: Condition
        /// How sure.
        package var grade: Grade
        /// What was seen, and which line it crossed.
        package var evidence: [Evidence]
        /// The evidence in one line for a person.
        package var reason: String
        /// People are told, and no more, whatever the configured action.
        package var isAdvisory = false
    }

    /// Rules about silence: no heartbeat, and what the tree does meanwhile.
    ///
    /// Silent while I/O and CPU stand still for `heartbeat_timeout`: hung/silent. Silent, but with I/O or some CPU:
    /// twice that. Silent, burning a core without I/O for twice that: hung/livelock. With demand zero: nothing.
    ///
    /// Without `heartbeat_timeout` the same by the silence that was learned; that is weak, and only told.
    package static func silence(_ window: HealthWindow, _ spec: HealthSpec, at now: Instant) -> Finding? {
        guard spec.heartbeat != .none, window.demand != .zero else { return nil }
        if let timeout = spec.heartbeatTimeout { return silence(window, timeout, "heartbeat_timeout", at: now) }
        guard let learned = window.learning.limit,
            var finding = silence(window, learned, "what was learned", at: now)
        else { return nil }
        finding.grade = .weak
        finding.isAdvisory = true
        finding.evidence[0].rule = "learned_silence"
        finding.reason += " (no heartbeat_timeout is set; \(learned.spoken) was learned from its own lines)"
        return finding
    }

    private static func silence(
        _ window: HealthWindow, _ timeout: Duration, _ name: String, at now: Instant
    ) -> Finding? {
        let silence = window.silence(at: now)
        guard silence >= timeout else { return nil }
        let grade: Grade = if case .some = window.demand { .strong } else { .weak }
        let seen = Evidence(
            rule: "heartbeat_timeout", value: .number(silence.inSeconds), threshold: .number(timeout.inSeconds))
        let still = window.stillness(at: now)
        if still >= timeout {
            let stands = Evidence(
                rule: "tree_stands_still", value: .number(still.inSeconds), threshold: .number(timeout.inSeconds))
            return Finding(
                condition: .hung(.silent), grade: grade, evidence: [seen, stands] + stoppedDescendants(window),
                reason: "no heartbeat for \(silence.spoken), tree's I/O and CPU stand still for \(still.spoken)"
                    + stoppedText(window))
        }
        guard silence >= timeout * 2 else { return nil }
        let pegged = window.pegged(at: now)
        if pegged >= timeout * 2 {
            let burns = Evidence(
                rule: "cpu_pegged_without_io", value: .number(pegged.inSeconds),
                threshold: .number((timeout * 2).inSeconds))
            return Finding(
                condition: .hung(.livelock), grade: grade, evidence: [seen, burns],
                reason: "no heartbeat for \(silence.spoken), a core burnt without I/O for \(pegged.spoken)")
        }
        // The core was found burning one sample after the line fell silent: its clock may finish, or the wrong cause
        // would be told.
        if pegged >= timeout { return nil }
        return Finding(
            condition: .hung(.silent), grade: grade, evidence: [seen],
            reason: "no heartbeat for \(silence.spoken), twice \(name), though the tree still moves")
    }

    /// Demand without progress for `progress_timeout`. Never without a demand that says `some`.
    package static func noProgress(_ window: HealthWindow, _ spec: HealthSpec, at now: Instant) -> Finding? {
        guard let timeout = spec.progressTimeout, spec.progressPattern != nil,
            case .some(let amount, let since) = window.demand
        else { return nil }
        let last = max(window.lastProgress?.at ?? window.startedAt, since, window.clocksHeldUntil)
        let without = min(now, window.drainedAt) - last
        guard without >= timeout else { return nil }
        return Finding(
            condition: .hung(.noProgress), grade: .strong,
            evidence: [
                Evidence(
                    rule: "progress_timeout", value: .number(without.inSeconds), threshold: .number(timeout.inSeconds)),
                Evidence(rule: "demand", value: .number(amount), threshold: .number(0)),
            ],
            reason: "\(whole(amount)) waiting, no progress for \(without.spoken)")
    }

    /// A full descriptor table with error lines since: proven. A burst of EMFILE lines over a table that is at least
    /// half full: strong. Both only without progress since.
    ///
    /// - Parameters:
    ///   - window: what was seen.
    ///   - spec: the settings.
    ///   - isFullConfirmed: the table was full in N of the last M samples.
    ///   - now: the time.
    package static func descriptorDarkness(
        _ window: HealthWindow, _ spec: HealthSpec, isFullConfirmed: Bool, at now: Instant
    ) -> Finding? {
        guard let tightest = window.readings?.tightest else { return nil }
        // Descriptors that came back (a garbage collection) speak for the worker, whatever the samples before said.
        if isFullConfirmed, tightest.isFull, let since = window.fullSince {
            let errors = window.episodes.filter { $0.mark.at >= since }
            if let last = errors.last {
                return Finding(
                    condition: .dark(.emfile), grade: .proven,
                    evidence: [
                        Evidence(
                            rule: "free_descriptors", value: .number(Double(tightest.free)),
                            threshold: .number(Double(tightest.fullAtFree))),
                        Evidence(rule: "error_since_full", value: .text(last.text), threshold: .number(1)),
                    ],
                    reason: "\(tightest.count) of \(tightest.softLimit) descriptors used (pid \(tightest.pid)), "
                        + "\(count(errors.count, "error")) since, no progress")
            }
        }
        let exhausted = window.episodes.filter(\.saysDescriptorsExhausted)
        guard tightest.count * 2 >= tightest.softLimit, let burst = burst(exhausted, spec, at: now) else {
            return nil
        }
        return Finding(
            condition: .dark(.emfile), grade: .strong,
            evidence: [
                Evidence(
                    rule: "descriptors_used", value: .number(Double(tightest.count)),
                    threshold: .number(Double(tightest.softLimit / 2))),
                burst,
            ],
            reason: "\(exhausted.count) times \"too many open files\" without progress, "
                + "\(tightest.count) of \(tightest.softLimit) descriptors used (pid \(tightest.pid))")
    }

    /// A burst of error lines without a progress line between, the last of them not long ago.
    package static func errors(_ window: HealthWindow, _ spec: HealthSpec, at now: Instant) -> Finding? {
        guard let burst = burst(window.episodes, spec, at: now), let last = window.episodes.last else { return nil }
        return Finding(
            condition: .dark(.errors), grade: .strong,
            evidence: [burst, Evidence(rule: "last_error", value: .text(last.text), threshold: .number(1))],
            reason: "\(window.episodes.count) errors without progress, last: \(last.text)")
    }

    /// Over `rss_limit`.
    package static func bloat(_ tree: TreeReadings, _ spec: HealthSpec) -> Finding? {
        guard let limit = spec.rssLimitBytes, memory(tree, spec) > limit else { return nil }
        return Finding(
            condition: .bloated(.rss), grade: .strong,
            evidence: [
                Evidence(
                    rule: "rss_limit", value: .number(Double(memory(tree, spec))), threshold: .number(Double(limit)))
            ],
            reason: "\(bytes(memory(tree, spec))) resident, limit \(bytes(limit))")
    }

    /// The root process is held still from outside.
    package static func pause(_ tree: TreeReadings) -> Finding? {
        if tree.isFrozen { return held(.frozen, tree, "its cgroup is frozen") }
        switch tree.rootState {
        case .traced: return held(.traced, tree, "a debugger holds it")
        case .stopped: return held(.stopped, tree, "it was stopped by a signal; SIGCONT lets it go on")
        case .running, .sleeping, .uninterruptible, .zombie, .dead, .idle: return nil
        }
    }

    /// Its files may not be read.
    package static func blindness(_ errorNumber: Int32) -> Finding {
        Finding(
            condition: .unknown(.unreadable), grade: .proven,
            evidence: [
                Evidence(rule: "sample_errno", value: .number(Double(errorNumber)), threshold: .number(0))
            ],
            reason: "its /proc files cannot be read (errno \(errorNumber)); run warden as root or as the same user")
    }
}

extension Classifier {
    private static func held(_ cause: Condition.Pause, _ tree: TreeReadings, _ reason: String) -> Finding {
        let state = String(UnicodeScalar(tree.rootState.rawValue))
        return Finding(
            condition: .paused(cause), grade: .proven,
            evidence: [Evidence(rule: "process_state", value: .text(state), threshold: .text("held"))], reason: reason)
    }

    /// N episodes within the duration; or N in a row of which the last show a rhythm: at least three cycles that all
    /// failed, each no longer than twice the other. It is over when the next error stays away: an idle worker writes no
    /// progress line that could say so.
    static func burst(_ episodes: [LogFacts.Episode], _ spec: HealthSpec, at now: Instant) -> Evidence? {
        let wanted = max(1, spec.errorBurst.count)
        guard episodes.count >= wanted, let last = episodes.last else { return nil }
        let within = spec.errorBurst.within
        let age = now - last.mark.at
        let isQuick = age <= within && last.mark.at - episodes[episodes.count - wanted].mark.at <= within
        guard isQuick || spec.progressPattern != nil && isRhythm(episodes, spec, age: age) else { return nil }
        return Evidence(
            rule: isQuick ? "error_burst" : "error_cycles", value: .number(Double(episodes.count)),
            threshold: .number(Double(wanted)))
    }

    private static func isRhythm(_ episodes: [LogFacts.Episode], _ spec: HealthSpec, age: Duration) -> Bool {
        let marks = episodes.suffix(4).map(\.mark.at)
        guard marks.count == 4 else { return false }
        let gaps = zip(marks.dropFirst(), marks).map { $0 - $1 }
        guard let shortest = gaps.min(), let longest = gaps.max() else { return false }
        return longest <= shortest * 2 && longest <= spec.errorBurst.within * 10 && age <= longest * 2
    }

    static func memory(_ tree: TreeReadings, _ spec: HealthSpec) -> Int64 {
        switch spec.rssScope {
        case .process: tree.rootRSSBytes
        case .tree: tree.treeRSSBytes
        }
    }

    private static func stoppedDescendants(_ window: HealthWindow) -> [Evidence] {
        guard let stopped = window.readings?.stoppedDescendantCount, stopped > 0 else { return [] }
        return [Evidence(rule: "stopped_descendants", value: .number(Double(stopped)), threshold: .number(0))]
    }

    private static func stoppedText(_ window: HealthWindow) -> String {
        guard let stopped = window.readings?.stoppedDescendantCount, stopped > 0 else { return "" }
        return ", \(count(stopped, "child", "children")) stopped"
    }

    static func line(_ threshold: HealthSpec.DescriptorThreshold, _ limit: Int) -> String {
        switch threshold {
        case .percentUsed(let percent): "\(whole(percent))% of \(limit)"
        case .free(let free): "\(free) free of \(limit)"
        }
    }

    private static func count(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(count) \(count == 1 ? one : many ?? one + "s")"
    }

    /// A number without a needless `.0`.
    static func whole(_ number: Double) -> String {
        // Not `rounded()`: it needs libm, which a program of the standard library alone does not link.
        abs(number) < 1e15 && Double(Int64(number)) == number ? String(Int64(number)) : String(number)
    }

    /// Bytes as a person says them, in powers of 1024, one decimal.
    static func bytes(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int64(value * 10 + 0.5)
        let fraction = unit == 0 || tenths % 10 == 0 ? "" : ".\(tenths % 10)"
        return "\(tenths / 10)\(fraction) \(units[unit])"
    }
}
