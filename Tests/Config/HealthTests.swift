import Testing
import WardenConfig
import WardenCore

@Suite struct HealthTests {
    /// A section's text, and what it makes of the defaults.
    struct Case: Sendable {
        let options: String
        let change: @Sendable (inout HealthSpec) -> Void

        init(_ options: String, _ change: @escaping @Sendable (inout HealthSpec) -> Void) {
            self.options = options
            self.change = change
        }
    }

    private static func health(_ options: String) -> LoadResult {
        FakeHost().body("[health:x]\n\(options)\n[program:x]\ncommand=/bin/x")
    }

    /// Goal: every key of the manual reaches its property.
    @Test(arguments: [
        Case("enabled=no", { $0.enabled = false }),
        Case("interval=500ms", { $0.interval = .milliseconds(500) }),
        Case("grace=0", { $0.grace = .zero }),
        Case("grace=10m", { $0.grace = .seconds(600) }),
        Case("confirm=2 of 64", { $0.confirm = .init(needed: 2, window: 64) }),
        Case("fd_warning=75.5%", { $0.descriptorWarning = .percentUsed(75.5) }),
        Case("fd_dark=16 free", { $0.descriptorDark = .free(16) }),
        Case("fd_first_aid=force", { $0.firstAid = .force }),
        Case("leak_horizon=6d", { $0.leakHorizon = .seconds(6 * 86400) }),
        Case("rss_warning=10GB", { $0.rssWarningBytes = 10 << 30 }),
        Case("rss_limit=512 mb", { $0.rssLimitBytes = 512 << 20 }),
        Case("rss_limit=none", { $0.rssLimitBytes = nil }),
        Case("rss_scope=process", { $0.rssScope = .process }),
        Case("heartbeat=file:/run/x.beat", { $0.heartbeat = .file("/run/x.beat") }),
        Case("heartbeat=notify", { $0.heartbeat = .notify }),
        Case("heartbeat=none", { $0.heartbeat = .none }),
        Case("heartbeat_timeout=5m", { $0.heartbeatTimeout = .seconds(300) }),
        Case("heartbeat_timeout=none", { $0.heartbeatTimeout = nil }),
        Case(
            "progress_timeout=1h\nprogress_pattern=b",
            {
                $0.progressTimeout = .seconds(3600)
                $0.progressPattern = "b"
            }),
        Case("alive_pattern=^a (b|c): 100%", { $0.alivePattern = "^a (b|c): 100%" }),
        Case("error_pattern=x[#]y[;]", { $0.errorPattern = "x[#]y[;]" }),
        Case("error_pattern=", { $0.errorPattern = nil }),
        Case("error_burst=3 in 10s", { $0.errorBurst = .init(count: 3, within: .seconds(10)) }),
        Case("demand=exec:/bin/q --len 'a b'", { $0.demand = .command("/bin/q --len 'a b'") }),
        Case("demand=none", { $0.demand = .none }),
        Case("probe=exec:/bin/true", { $0.probe = .command("/bin/true") }),
        Case("probe_interval=1m", { $0.probeInterval = .seconds(60) }),
        Case("probe_timeout=5s", { $0.probeTimeout = .seconds(5) }),
        Case("probe_failures=1", { $0.probeFailures = 1 }),
        Case("drain_command=/bin/drain", { $0.drainCommand = "/bin/drain" }),
        Case("drain_signal=USR1", { $0.drainSignal = Signal(10) }),
        Case("drain_signal=none", { $0.drainSignal = nil }),
        Case("drain_timeout=2m", { $0.drainTimeout = .seconds(120) }),
        Case("max_unavailable=25%", { $0.maximumUnavailable = .percent(25) }),
        Case("max_unavailable=2", { $0.maximumUnavailable = .count(2) }),
        Case(
            "restart_backoff=0..1m",
            {
                $0.backoffFirst = .zero
                $0.backoffMaximum = .seconds(60)
            }),
        Case("restart_budget=100 in 1d", { $0.restartBudget = .init(count: 100, within: .seconds(86400)) }),
        Case("recover_within=3m", { $0.recoverWithin = .seconds(180) }),
        Case("forensics=false", { $0.forensics = false }),
        Case("forensics_budget=1s", { $0.forensicsBudget = .seconds(1) }),
        Case("forensics_command=/bin/look", { $0.forensicsCommand = "/bin/look" }),
        Case(
            "on_leaking=none",
            {
                $0.actions[.leaking(.fds)] = .none
                $0.actions[.leaking(.rss)] = .none
            }),
        Case("on_dark=errors:kill", { $0.actions[.dark(.errors)] = .kill }),
        Case(
            "on_hung=silent:alert, no-progress:none",
            {
                $0.actions[.hung(.silent)] = .alert
                $0.actions[.hung(.noProgress)] = .none
            }),
        Case("on_bloated=kill", { $0.actions[.bloated(.rss)] = .kill }),
        Case(
            "on_dark=emfile:alert, restart",
            {
                $0.actions[.dark(.emfile)] = .alert
                $0.actions[.dark(.errors)] = .restart
                $0.actions[.dark(.probe)] = .restart
            }),
    ])
    func keys(example: Case) {
        var expected = HealthSpec()
        example.change(&expected)
        let result = Self.health(example.options)
        // Read and kept, though this version does not act on each of them.
        #expect(result.lines.filter { !$0.contains("this version") } == [])
        #expect(result.program?.health == expected)
    }

    /// Goal: a wrong value is an error at its line that says what would be right.
    @Test(arguments: [
        ("enabled=perhaps", "'perhaps' is not a boolean"),
        ("interval=5", "'5' has no unit; did you mean 5s?"),
        ("interval=1ms", "'1ms' is too short; at least 100ms"),
        ("interval=5 weeks", "'5 weeks' has an unknown unit; the units are ms, s, m, h and d"),
        ("grace=soon", "'soon' is not a duration"),
        ("grace=-5s", "'-5s' is not a duration"),
        ("grace=99999d", "'99999d' is too long"),
        ("grace=99999999999999999999s", "'99999999999999999999s' is not a duration"),
        ("grace=9223372036854775807d", "is too long"),
        ("confirm=3/5", "'3/5' is not N of M, such as 3 of 5"),
        ("confirm=6 of 5", "N must be from 1 to M"),
        ("confirm=0 of 5", "N must be from 1 to M"),
        ("confirm=3 of 65", "M at most 64"),
        ("fd_warning=80", "'80' is not a percentage"),
        ("fd_warning=0%", "'0%' is not a percentage above 0%"),
        ("fd_dark=nan%", "'nan%' is not a percentage"),
        ("fd_dark=101%", "'101%' is not a percentage"),
        ("fd_dark=-1 free", "-1 free descriptors cannot be"),
        ("fd_first_aid=always", "'always' is not one of force, no, yes"),
        ("leak_horizon=0s", "'0s' must be more than 0"),
        ("rss_limit=12G", "'12G' is not a size"),
        ("rss_limit=0", "'0' must be more than 0; write none for no limit"),
        ("rss_scope=group", "'group' is not one of process, tree"),
        ("heartbeat=logs", "'logs' is not log, file:PATH, notify or none"),
        ("heartbeat=file:x", "'x' is not an absolute path"),
        ("heartbeat_timeout=0s", "'0s' must be more than 0"),
        ("alive_pattern=a(b", "bad pattern at offset 3: missing closing parenthesis in 'a(b'"),
        ("progress_pattern=)", "bad pattern at offset 1"),
        ("error_pattern=((", "bad pattern at offset 2"),
        ("error_burst=5", "'5' is not N in DURATION, such as 5 in 60s"),
        ("error_burst=0 in 5s", "0 is not between 1 and 64"),
        ("error_burst=65 in 5s", "65 is not between 1 and 64"),
        ("error_burst=5 in 0s", "'0s' must be more than 0"),
        ("demand=/bin/q", "not none, exec:COMMAND or http(s)://"),
        ("demand=exec:", "the command is empty"),
        ("demand=exec:/bin/q 'a", "no closing quotation mark"),
        ("demand=http://h/q", "the URL has no #/json/pointer"),
        ("demand=http:///q#/a", "the URL has no host"),
        ("probe=icmp://h", "not none, exec:COMMAND, tcp://HOST:PORT or http(s)://"),
        ("probe=tcp://:80", "has no host"),
        ("probe=tcp://h:0", "port 0 is not between 1 and 65535"),
        ("probe=https://", "the URL has no host"),
        ("probe_interval=0s", "at least 100ms"),
        ("probe_failures=0", "0 must be at least 1"),
        ("on_dark=reboot", "'reboot' is not one of none, alert, restart, drain, kill"),
        ("on_dark=emfiles:restart", "dark has no cause 'emfiles'"),
        ("on_dark=emfile:restrat", "did you mean 'restart'?"),
        ("on_dark=", "'' is not one of none"),
        ("drain_signal=NOPE", "'NOPE' is not a signal's name"),
        ("max_unavailable=0", "0 is not between 1 and"),
        ("max_unavailable=101%", "101% is not between 1% and 100%"),
        ("restart_backoff=1s", "'1s' is not FIRST..MAX, such as 1s..5m"),
        ("restart_backoff=5m..1s", "the first is longer than the last"),
        ("restart_budget=101 in 1h", "101 is not between 1 and 100"),
        ("recover_within=x", "'x' is not a duration"),
        ("forensics=x", "'x' is not a boolean"),
        ("forensics_command='", "no closing quotation mark"),
        ("hartbeat_timeout=5m", "unknown key 'hartbeat_timeout'; did you mean 'heartbeat_timeout'?"),
        ("probe_timeout=20s", "probe_timeout is longer than probe_interval"),
    ])
    func errors(option: String, expected: String) {
        // A probe, so that its durations matter; none where the option is the probe itself.
        let probe = option.hasPrefix("probe_timeout") ? "\nprobe=exec:/bin/true" : ""
        let result = Self.health(option + probe)
        #expect(result.configuration == nil)
        #expect(result.errors.count == 1, "\(result.lines)")
        #expect(result.lines.first?.hasPrefix("/etc/w.conf:3: [health:x] ") == true, "\(result.lines)")
        #expect(result.lines.first?.contains(expected) == true, "\(result.lines)")
    }

    /// Goal: what is allowed but cannot do what was meant is a warning.
    @Test(arguments: [
        ("fd_warning=95%", "fd_warning is not below fd_dark"),
        ("rss_warning=2GB\nrss_limit=1GB", "rss_warning is not below rss_limit"),
        ("on_dark=drain", "drain without drain_command or drain_signal is a plain restart"),
        ("progress_timeout=5m", "has no effect without progress_pattern"),
    ])
    func warnings(options: String, expected: String) {
        let result = Self.health(options)
        #expect(result.configuration != nil)
        #expect(result.warnings.count == 1, "\(result.lines)")
        #expect(result.warnings.first?.contains(expected) == true, "\(result.lines)")
    }

    /// Goal: program over group over defaults, key by key and cause by cause.
    @Test func levels() throws {
        let result = FakeHost().body(
            """
            [health]
            interval=1s
            grace=1s
            confirm=1 of 1
            on_dark=alert
            max_unavailable=2
            [health:g]
            grace=2s
            confirm=2 of 2
            on_dark=emfile:kill
            max_unavailable=50%
            [health:a]
            confirm=3 of 3
            on_dark=probe:none
            max_unavailable=9
            [group:g]
            programs=a,b
            [program:a]
            command=/bin/a
            [program:b]
            command=/bin/b
            [program:c]
            command=/bin/c
            """)
        #expect(
            result.lines == [
                "/etc/w.conf:16: warning: [health:a] max_unavailable: counts per group; write it in [health:GROUP]"
            ])
        let health = result.programs.map(\.health)
        #expect(result.programs.map(\.program) == ["a", "b", "c"])
        #expect(health.map(\.interval) == [.seconds(1), .seconds(1), .seconds(1)])
        #expect(health.map(\.grace) == [.seconds(2), .seconds(2), .seconds(1)])
        #expect(health.map(\.confirm.needed) == [3, 2, 1])
        #expect(health.map { $0.actions[.dark(.emfile)] } == [.kill, .kill, .alert])
        #expect(health.map { $0.actions[.dark(.probe)] } == [.none, .alert, .alert])
        #expect(health.map { $0.actions[.dark(.errors)] } == [.alert, .alert, .alert])
        #expect(result.configuration?.groups.map(\.maximumUnavailable) == [.percent(50), .count(2)])
        #expect(result.programs.map(\.supervision.isNamedByHealthSection) == [true, true, false])
    }

    /// Goal: a NAME that matches nothing is a warning with the nearest name.
    @Test func unmatched() {
        let result = FakeHost().body("[health:wroker]\n[program:worker]\ncommand=/bin/w")
        #expect(
            result.lines == [
                "/etc/w.conf:2: warning: [health:wroker] matches no program and no group; did you mean 'worker'?"
            ])
    }
}
