/// A count, or a percentage of a whole.
package enum Share: Hashable, Codable, Sendable {
    /// So many.
    case count(Int)
    /// So many of a hundred.
    case percent(Int)

    /// The share of `total`: percentages round down, and at least 1.
    package func of(_ total: Int) -> Int {
        switch self {
        case .count(let count): max(1, count)
        case .percent(let percent): max(1, total * percent / 100)
        }
    }
}

/// `[health]` as it holds for one program: section 5.2 of the manual, every key resolved.
package struct HealthSpec: Hashable, Codable, Sendable {
    /// `confirm`: a sampled rule counts when it held in `needed` of the last `window` samples.
    package struct Confirmation: Hashable, Codable, Sendable {
        /// N of "N of M", from 1.
        package var needed: Int
        /// M of "N of M", at most `Limits.confirmWindow`.
        package var window: Int

        /// - Parameters:
        ///   - needed: N, from 1 to `window`.
        ///   - window: M.
        package init(needed: Int, window: Int) {
            self.needed = needed
            self.window = window
        }
    }

    /// A line on the way to a full descriptor table.
    package enum DescriptorThreshold: Hashable, Codable, Sendable {
        /// So many percent of the soft limit are used.
        case percentUsed(Double)
        /// At most so many descriptors are free.
        case free(Int)

        /// Whether `count` of `limit` has reached the line.
        package func isReached(count: Int, limit: Int) -> Bool {
            switch self {
            case .percentUsed(let percent): Double(count) * 100 >= Double(limit) * percent
            case .free(let free): limit - count <= free
            }
        }
    }

    /// `fd_first_aid`.
    package enum FirstAid: String, Hashable, Codable, Sendable {
        /// Never raise a worker's limit.
        case no
        /// Raise it when the soft limit is above 1024.
        case yes
        /// Raise it whatever it is.
        case force
    }

    /// `rss_scope`.
    package enum MemoryScope: String, Hashable, Codable, Sendable {
        /// The supervised process alone.
        case process
        /// The whole tree.
        case tree
    }

    /// `heartbeat`: where life shows.
    package enum Heartbeat: Hashable, Codable, Sendable {
        /// In the captured output.
        case log
        /// In the growth of a file.
        case file(String)
        /// In `WATCHDOG=1` on the worker's own NOTIFY_SOCKET.
        case notify
        /// Nowhere.
        case none
    }

    /// `error_burst`: N error lines (those within one second count as one) in a duration.
    package struct Burst: Hashable, Codable, Sendable {
        /// N, from 1 to `Limits.errorEpisodes`.
        package var count: Int
        /// The duration.
        package var within: Duration

        /// - Parameters:
        ///   - count: N.
        ///   - within: the duration.
        package init(count: Int, within: Duration) {
            self.count = count
            self.within = within
        }
    }

    /// `demand`: how much work is waiting.
    package enum DemandSource: Hashable, Codable, Sendable {
        /// Not configured: unknown.
        case none
        /// A command that prints a number.
        case command(String)
        /// A URL with a JSON pointer as its fragment.
        case http(String)
    }

    /// `probe`: a question asked of the worker.
    package enum Probe: Hashable, Codable, Sendable {
        /// Not configured.
        case none
        /// A command whose exit status answers.
        case command(String)
        /// A TCP connection: host and port.
        case tcp(String)
        /// A URL that answers 2xx.
        case http(String)
    }

    /// `restart_budget`: N restarts in a duration, per slot and cause.
    package struct Budget: Hashable, Codable, Sendable {
        /// N, from 1 to `Limits.budgetRestarts`.
        package var count: Int
        /// The duration.
        package var within: Duration

        /// - Parameters:
        ///   - count: N.
        ///   - within: the duration.
        package init(count: Int, within: Duration) {
            self.count = count
            self.within = within
        }
    }

    /// `enabled`: watch at all.
    package var enabled = true
    /// `interval`: time between samples.
    package var interval: Duration = .seconds(5)
    /// `grace`: after a start, only proven verdicts; ends early at the first progress line.
    package var grace: Duration = .seconds(60)
    /// `confirm`.
    package var confirm = Confirmation(needed: 3, window: 5)
    /// `fd_warning`, of the soft limit of the process with least headroom.
    package var descriptorWarning: DescriptorThreshold = .percentUsed(80)
    /// `fd_dark`, of the same.
    package var descriptorDark: DescriptorThreshold = .percentUsed(95)
    /// `fd_first_aid`.
    package var firstAid: FirstAid = .yes
    /// `leak_horizon`: `leaking` when exhaustion is nearer.
    package var leakHorizon: Duration = .seconds(24 * 3600)
    /// `rss_warning`, in bytes.
    package var rssWarningBytes: Int64?
    /// `rss_limit`, in bytes: `bloated` above it.
    package var rssLimitBytes: Int64?
    /// `rss_scope`.
    package var rssScope: MemoryScope = .tree
    /// `heartbeat`.
    package var heartbeat: Heartbeat = .log
    /// `heartbeat_timeout`; `nil`: learned, and alert only.
    package var heartbeatTimeout: Duration?
    /// `progress_timeout`: demand without a progress line.
    package var progressTimeout: Duration?
    /// `alive_pattern`; `nil`: any line.
    package var alivePattern: String?
    /// `progress_pattern`; `nil`: none.
    package var progressPattern: String?
    /// `error_pattern`, beside EMFILE in its usual spellings; `nil`: none.
    package var errorPattern: String?
    /// `error_burst`.
    package var errorBurst = Burst(count: 5, within: .seconds(60))
    /// `demand`.
    package var demand: DemandSource = .none
    /// `probe`.
    package var probe: Probe = .none
    /// `probe_interval`.
    package var probeInterval: Duration = .seconds(10)
    /// `probe_timeout`.
    package var probeTimeout: Duration = .seconds(2)
    /// `probe_failures` in a row.
    package var probeFailures = 3
    /// `on_leaking`, `on_dark`, `on_hung`, `on_bloated`, merged per cause.
    package var actions = ActionTable()
    /// `drain_command`, run as the program's user in its environment.
    package var drainCommand: String?
    /// `drain_signal`, sent only to a worker that catches it.
    package var drainSignal: Signal?
    /// `drain_timeout`.
    package var drainTimeout: Duration = .seconds(60)
    /// `max_unavailable`, per group.
    package var maximumUnavailable: Share = .count(1)
    /// `restart_backoff`'s FIRST: before the second restart for a cause.
    package var backoffFirst: Duration = .seconds(1)
    /// `restart_backoff`'s MAX.
    package var backoffMaximum: Duration = .seconds(300)
    /// `restart_budget`.
    package var restartBudget = Budget(count: 5, within: .seconds(3600))
    /// `recover_within`, after grace; else `unhelped`.
    package var recoverWithin: Duration = .seconds(120)
    /// `act_between`: hours of the day, in local time, in which verdicts that are not proven are acted on; empty:
    /// always.
    package var actBetween: [DailyWindow] = []
    /// `forensics`.
    package var forensics = true
    /// `forensics_budget`.
    package var forensicsBudget: Duration = .seconds(3)
    /// `forensics_command`, run as the program's user in its environment.
    package var forensicsCommand: String?
    /// `forensics_signal`: sent first to a worker that catches it, for the stacks that it then writes to its log.
    package var forensicsSignal: Signal?
    /// `gpu_wait`, `shm_sweep` and `quarantine`: what must be true before the next start.
    package var respawn = RespawnSpec()

    /// The defaults of the manual.
    package init() {}
}

/// What Warden may do about a verdict.
package enum HealthAction: String, Hashable, Codable, Sendable, CaseIterable {
    /// Nothing; the verdict is still shown.
    case none
    /// Tell people.
    case alert
    /// Stop sequence, then start.
    case restart
    /// Drain command or signal, wait for its exit, start.
    case drain
    /// SIGKILL, then start.
    case kill
}

/// Which action answers which condition: `on_leaking`, `on_dark`, `on_hung` and `on_bloated`.
package struct ActionTable: Hashable, Codable, Sendable {
    private var overrides: [Condition: HealthAction] = [:]

    /// The defaults: leaking alerts; dark/emfile and dark/probe restart, dark/errors alerts; hung restarts, but
    /// hung/uninterruptible alerts; bloated restarts.
    package init() {}

    /// The action for a verdict: of what may be wrong because it was only learned, people are told and no more.
    package func action(for verdict: Verdict) -> HealthAction {
        let action = self[verdict.condition]
        return verdict.isAdvisory && action != .none ? .alert : action
    }

    /// The action for `condition`; what is never acted on (starting, healthy, paused, unknown) gives `.none`.
    package subscript(condition: Condition) -> HealthAction {
        get {
            if let override = overrides[condition] { return override }
            switch condition {
            case .starting, .healthy, .paused, .unknown: return .none
            case .leaking, .dark(.errors), .hung(.uninterruptible): return .alert
            case .dark(.emfile), .dark(.probe), .hung, .bloated: return .restart
            }
        }
        set { overrides[condition] = newValue }
    }
}
