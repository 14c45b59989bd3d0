import WardenCore

/// Every key of `[health]`: how its text becomes a change of a `HealthSpec`.
enum HealthKeys {
    typealias Change = (inout HealthSpec) -> Void
    typealias Parse = @Sendable (_ text: String, _ host: ConfigurationHost) throws(ValueError) -> Change

    static let all: [String: Parse] =
        sampling
        .merging(signs) { first, _ in first }
        .merging(questions) { first, _ in first }
        .merging(answers) { first, _ in first }
        .merging(respawns) { first, _ in first }

    /// A key whose value has one converter and one property.
    private static func key<Value>(
        _ path: any WritableKeyPath<HealthSpec, Value> & Sendable,
        _ convert: @escaping @Sendable (String) throws(ValueError) -> Value
    ) -> Parse {
        { (text, _) throws(ValueError) in
            let value = try convert(text)
            return { $0[keyPath: path] = value }
        }
    }

    private static let sampling: [String: Parse] = [
        "enabled": key(\.enabled, Values.boolean),
        "interval": key(\.interval, Values.interval),
        "grace": key(\.grace, Values.duration),
        "confirm": key(\.confirm, Values.confirmation),
        "fd_warning": key(\.descriptorWarning, Values.descriptorThreshold),
        "fd_dark": key(\.descriptorDark, Values.descriptorThreshold),
        "fd_first_aid": key(\.firstAid) { (text) throws(ValueError) in
            try Values.word(text, ["no": .no, "yes": .yes, "force": .force])
        },
        "leak_horizon": key(\.leakHorizon, Values.positiveDuration),
        "rss_warning": key(\.rssWarningBytes, Values.optionalByteSize),
        "rss_limit": key(\.rssLimitBytes, Values.optionalByteSize),
        "rss_scope": key(\.rssScope) { (text) throws(ValueError) in
            try Values.word(text, ["process": .process, "tree": .tree])
        },
    ]

    private static let signs: [String: Parse] = [
        "heartbeat": { (text, host) throws(ValueError) in
            let heartbeat = try Values.heartbeat(text, host)
            return { $0.heartbeat = heartbeat }
        },
        "heartbeat_timeout": key(\.heartbeatTimeout, Values.optionalDuration),
        "progress_timeout": key(\.progressTimeout, Values.optionalDuration),
        "alive_pattern": pattern(\.alivePattern),
        "progress_pattern": pattern(\.progressPattern),
        "error_pattern": pattern(\.errorPattern),
        "error_burst": key(\.errorBurst) { (text) throws(ValueError) in
            let rate = try Values.rate(text, limit: Limits.errorEpisodes)
            return HealthSpec.Burst(count: rate.count, within: rate.within)
        },
    ]

    private static func pattern(_ path: any WritableKeyPath<HealthSpec, String?> & Sendable) -> Parse {
        { (text, host) throws(ValueError) in
            try Values.checkPattern(text, host)
            return { $0[keyPath: path] = text.isEmpty ? nil : text }
        }
    }

    private static let questions: [String: Parse] = [
        "demand": key(\.demand, Values.demand),
        "probe": key(\.probe, Values.probe),
        "probe_interval": key(\.probeInterval, Values.interval),
        "probe_timeout": key(\.probeTimeout, Values.positiveDuration),
        "probe_failures": key(\.probeFailures, Values.positive),
    ]

    private static let answers: [String: Parse] = [
        "on_leaking": actions("leaking"),
        "on_dark": actions("dark"),
        "on_hung": actions("hung"),
        "on_bloated": actions("bloated"),
        "drain_command": key(\.drainCommand, Values.optionalCommand),
        "drain_signal": key(\.drainSignal, Values.optionalSignal),
        "drain_timeout": key(\.drainTimeout, Values.positiveDuration),
        "max_unavailable": key(\.maximumUnavailable, Values.share),
        "restart_backoff": { (text, _) throws(ValueError) in
            let range = try Values.range(text)
            return {
                $0.backoffFirst = range.first
                $0.backoffMaximum = range.last
            }
        },
        "restart_budget": key(\.restartBudget) { (text) throws(ValueError) in
            let rate = try Values.rate(text, limit: Limits.budgetRestarts)
            return HealthSpec.Budget(count: rate.count, within: rate.within)
        },
        "act_between": key(\.actBetween, Values.dailyWindows),
        "recover_within": key(\.recoverWithin, Values.positiveDuration),
        "forensics": key(\.forensics, Values.boolean),
        "forensics_budget": key(\.forensicsBudget, Values.positiveDuration),
        "forensics_command": key(\.forensicsCommand, Values.optionalCommand),
        "forensics_signal": key(\.forensicsSignal, Values.optionalSignal),
    ]

    private static let respawns: [String: Parse] = [
        "gpu_wait": key(\.respawn.gpuWait, Values.optionalDuration),
        "shm_sweep": key(\.respawn.sweepsSharedMemory, Values.boolean),
        "quarantine": key(\.respawn.quarantineAfter, Values.optionalDuration),
    ]

    private static func actions(_ className: String) -> Parse {
        { (text, _) throws(ValueError) in
            let actions = try Values.actions(text, className)
            return { spec in
                for (condition, action) in actions { spec.actions[condition] = action }
            }
        }
    }
}
