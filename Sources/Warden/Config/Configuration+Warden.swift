internal import WardenCore

/// `[alert:NAME]`.
package struct AlertSettings: Hashable, Sendable {
    /// The body that the receiver understands.
    package enum Format: String, Hashable, Sendable, CaseIterable {
        /// Warden's own body, and those of the services of these names.
        case json, slack, alertmanager, pagerduty
    }

    /// A class of verdicts, or an outcome.
    package enum Event: String, Hashable, Sendable, CaseIterable {
        /// A verdict of this class was acted on or alerted.
        case leaking, dark, hung, bloated, paused, unknown
        /// A restart had this outcome.
        case recovered, unhelped, gaveUp = "gave-up", superseded
    }

    /// The section's NAME.
    package var name: String
    /// `url`: a secret; show scheme and host only.
    package var url: String
    /// `format` (default json).
    package var format = Format.json
    /// `events` (default leaking, dark, hung, bloated, recovered, unhelped, gave-up).
    package var events: Set<Event> = [.leaking, .dark, .hung, .bloated, .recovered, .unhelped, .gaveUp]
    /// `secret`, which signs the body and is never logged, listed or sent (default none).
    package var secret: String?
    /// `timeout` of one attempt (default 10s).
    package var timeout: Duration = .seconds(10)
    /// `retry_for`: how long an alert that cannot be delivered is tried again (default 24h).
    package var retryFor: Duration = .seconds(86400)
    /// `include_log`: whether log lines may leave the host (default false).
    package var includesLog = false

    /// - Parameters:
    ///   - name: the section's NAME.
    ///   - url: where to post.
    package init(name: String, url: String) {
        self.name = name
        self.url = url
    }
}

/// `[warden]`.
package struct WardenSettings: Hashable, Sendable {
    /// `cgroup`: whether workers get cgroups of their own.
    package enum ControlGroups: Hashable, Sendable {
        /// Where a delegated cgroup can be had.
        case auto
        /// Always; without one the daemon does not start.
        case yes
        /// Never.
        case no
        /// Below this directory of the hierarchy, which is made if it is not there; else the daemon does not start.
        case path(String)
    }

    /// `tcp_without_password`: what a TCP socket without a password serves.
    package enum OpenAccess: String, Hashable, Sendable, CaseIterable {
        /// Everything.
        case full
        /// What does not change anything.
        case read
        /// Nothing.
        case refuse
    }

    /// `history`: the database's path, absolute; `nil` for none (default /var/lib/warden/history.db).
    package var historyPath: String? = "/var/lib/warden/history.db"
    /// `history_keep`: how long rows stay (default 30d).
    package var historyKeep: Duration = .seconds(30 * 86400)
    /// `record_samples`: how long what verdicts were computed from stays, for `wardenctl replay`; `nil` records nothing
    /// (default 7d).
    package var recordKeep: Duration? = .seconds(7 * 86400)
    /// `cgroup` (default auto).
    package var controlGroups = ControlGroups.auto
    /// `metrics`: serve /metrics (default true).
    package var servesMetrics = true
    /// `journal`: write to systemd's journal where there is one (default true).
    package var writesJournal = true
    /// Users of `readers`, who may only look (default none).
    package var readerUserIDs: Set<UInt32> = []
    /// Groups of `readers`, whose members may only look (default none).
    package var readerGroupIDs: Set<UInt32> = []
    /// `tcp_without_password`; `nil` is full on loopback and read elsewhere (default none).
    package var tcpWithoutPassword: OpenAccess?
    /// `host_pressure`: PSI cpu `some` of the last ten seconds above which Warden does not act, in percent; `nil` for
    /// none (default 50%).
    package var hostPressurePercent: Double? = 50
    /// `shared_cause`: workers that turn bad alike within this time are suspected to share the cause; `nil` for never
    /// (default 60s).
    package var sharedCauseWindow: Duration? = Limits.sharedCauseWindow
    /// `tls_certificate`, absolute; set together with the key (default none).
    package var tlsCertificate: String?
    /// `tls_key`, absolute (default none).
    package var tlsKey: String?

    /// The defaults of the manual.
    package init() {}
}
