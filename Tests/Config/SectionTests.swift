import Testing
import WardenConfig
import WardenCore

@Suite struct SectionTests {
    /// Goal: an empty [supervisord] has supervisord's defaults.
    @Test func daemonDefaults() throws {
        let daemon = try #require(FakeHost().load("[supervisord]").configuration?.daemon)
        #expect(daemon == DaemonSettings(currentDirectory: "/srv", temporaryDirectory: "/tmp"))
        #expect(daemon.log == .file("/srv/supervisord.log"))
        #expect(daemon.pidFile == "/srv/supervisord.pid")
        #expect(daemon.childLogDirectory == "/tmp")
    }

    /// Goal: every option of [supervisord] reaches its place.
    @Test func daemonOptions() throws {
        let result = FakeHost().load(
            """
            [supervisord]
            logfile=/var/log//d.log
            logfile_maxbytes=1GB
            logfile_backups=3
            loglevel=DEBUG
            pidfile=/tmp/d.pid
            umask=077
            nodaemon=true
            silent=true
            minfds=65536
            minprocs=300
            nocleanup=true
            childlogdir=/var/log
            user=debian
            directory=/tmp
            strip_ansi=true
            environment=A=1
            identifier=me
            """)
        #expect(result.lines == [])
        var expected = DaemonSettings(currentDirectory: "/srv", temporaryDirectory: "/tmp")
        expected.log = .file("/var/log/d.log")
        expected.logMaximumBytes = 1 << 30
        expected.logBackupCount = 3
        expected.logLevel = .debug
        expected.pidFile = "/tmp/d.pid"
        expected.umask = 0o77
        expected.isForeground = true
        expected.isSilent = true
        expected.minimumDescriptors = 65536
        expected.minimumProcesses = 300
        expected.keepsOldLogs = true
        expected.childLogDirectory = "/var/log"
        expected.user = LaunchSpec.Identity(name: "debian", userID: 1000, groupID: 1000, groupIDs: [1000, 7])
        expected.directory = "/tmp"
        expected.stripsANSI = true
        expected.environment = ["A": "1"]
        expected.identifier = "me"
        #expect(result.configuration?.daemon == expected)
    }

    /// Goal: wrong values in the sections that are not programs are errors at their lines.
    @Test(arguments: [
        ("pidfile=/none/x", "[supervisord] pidfile: the directory '/none' does not exist"),
        ("logfile_maxbytes=1TB", "'1TB' is not a size"),
        ("logfile_backups=x", "'x' is not a whole number"),
        ("loglevel=warning", "'warning' is not one of critical, error, warn, info, debug, trace, blather"),
        ("umask=9", "'9' is not an octal number"),
        ("nodaemon=x", "'x' is not a boolean"),
        ("minfds=x", "'x' is not a whole number"),
        ("childlogdir=/etc/w.conf", "'/etc/w.conf' is not a directory"),
        ("logfile=/etc/w.conf/x", "'/etc/w.conf' is not a directory"),
        ("directory=/none", "'/none' is not an existing directory"),
        ("user=ghost", "the host has no user 'ghost'"),
        ("environment=A", "expected KEY=\"value\" pairs"),
        ("[unix_http_server]", "[unix_http_server] has no file; add file=…"),
        ("[unix_http_server]\nfile=/s\nchmod=rwx", "'rwx' is not an octal number"),
        ("[unix_http_server]\nfile=/s\nchown=ghost", "no user 'ghost'"),
        ("[unix_http_server]\nfile=/s\nchown=root:ghosts", "no group 'ghosts'"),
        ("[unix_http_server]\nfile=/s\nusername=u", "there is no password; write both or neither"),
        ("[inet_http_server]\nport=1\npassword=secret", "there is no username; write both or neither"),
        (
            "[inet_http_server]\nport=1\nusername=u\npassword={PBKDF2-SHA256}600000$00ff",
            "the stored password is damaged; make one with: wardenctl hash-password"
        ),
        ("[inet_http_server]", "[inet_http_server] has no port"),
        ("[inet_http_server]\nport=0", "port 0 is not between 1 and 65535"),
        ("[inet_http_server]\nport=h:", "'' is not a whole number"),
        ("[inet_http_server]\nport=http", "'http' is not a whole number"),
        ("[supervisorctl]\nserverurl=ftp://h", "'ftp://h' is not http://HOST:PORT or unix://PATH"),
        ("[rpcinterface:x]", "[rpcinterface:x] has no supervisor.rpcinterface_factory"),
        ("[warden]\nhistory_keep=30", "'30' has no unit; did you mean 30s?"),
        ("[warden]\nhistory=", "the value is empty"),
        ("[warden]\ncgroup=maybe", "'maybe' is not auto, yes, no or a path"),
        ("[warden]\nmetrics=x", "'x' is not a boolean"),
        ("[warden]\nreaders=adm, ghosts", "the host has no user or group 'ghosts'"),
        ("[warden]\ntcp_without_password=no", "'no' is not one of full, read, refuse"),
        ("[warden]\ntls_key=/etc", "tls_certificate and tls_key must be set together"),
        ("[warden]\ntls_key=/none\ntls_certificate=/etc", "'/none' does not exist"),
        ("[warden]\nhistroy=/x", "[warden] unknown key 'histroy'; did you mean 'history'?"),
        ("[alert:a]", "[alert:a] has no url; add url=…"),
        ("[alert:a]\nurl=hooks.example.org", "the URL does not begin with http:// or https://"),
        ("[alert:a]\nurl=https://h/\nformat=xml", "'xml' is not one of json, slack, alertmanager, pagerduty"),
        ("[alert:a]\nurl=https://h/\nevents=dark, fatal", "'fatal' is not one of"),
        ("[alert:a]\nurl=https://h/\nevents=", "no event is named"),
        ("[alert:a]\nurl=https://h/\ntimeout=0s", "'0s' must be more than 0"),
        ("[alert:a]\nurl=https://h/\ninclude_log=x", "'x' is not a boolean"),
        ("[alert:a]\nurl=https://h/\nuri=x", "[alert:a] unknown key 'uri'; did you mean 'url'?"),
        ("[health]\nconfrim=3 of 5", "[health] unknown key 'confrim'; did you mean 'confirm'?"),
    ])
    func errors(text: String, expected: String) {
        let result = FakeHost().body(text)
        #expect(result.configuration == nil)
        #expect(result.errors.count == 1, "\(result.lines)")
        #expect(result.errors.first?.contains(expected) == true, "\(result.lines)")
        #expect(result.lines.allSatisfy { !$0.contains("secret") && !$0.contains("hooks.example") })
    }

    /// Goal: a slip in a name is a warning with what was meant; the rest of the file still counts.
    @Test(arguments: [
        (
            "loglvl=info",
            "/etc/w.conf:2: warning: [supervisord] unknown key 'loglvl' is ignored; did you mean 'loglevel'?"
        ),
        ("[programm:x]", "/etc/w.conf:2: warning: unknown section [programm:x] is ignored; did you mean [program:x]?"),
        (
            "[Supervisord]",
            "/etc/w.conf:2: warning: unknown section [Supervisord] is ignored; did you mean [supervisord]?"
        ),
        ("[program]", "/etc/w.conf:2: warning: unknown section [program] is ignored; did you mean [program:NAME]?"),
        ("[healthy:x]", "/etc/w.conf:2: warning: unknown section [healthy:x] is ignored; did you mean [health:x]?"),
        ("[other-tool]\nx=1", "/etc/w.conf:2: warning: unknown section [other-tool] is ignored"),
        (
            "[ctlplugin:x]\nsupervisor.ctl_factory=a:b",
            "/etc/w.conf:2: warning: [ctlplugin:x] is for supervisorctl, which works on Warden's socket; "
                + "wardenctl cannot load plug-ins"
        ),
    ])
    func unknownNames(text: String, expected: String) {
        let result = FakeHost().body(text)
        #expect(result.configuration != nil)
        #expect(result.lines == [expected])
    }

    /// Goal: sockets, credentials and the client as supervisord reads them.
    @Test func servers() throws {
        let result = FakeHost().body(
            """
            [unix_http_server]
            file=run/../w.sock
            chmod=0770
            chown=debian:adm
            username=u
            password={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d
            [unix_http_server:two]
            file=~/two.sock
            chown=debian
            [inet_http_server]
            port=LOCALHOST:9001
            [inet_http_server:all]
            port=*:9002
            [inet_http_server:six]
            port=[::1]:9003
            [inet_http_server:bare]
            port=9004
            [supervisorctl]
            serverurl=unix://w.sock
            prompt=mine
            history_file=~/.history
            [rpcinterface:supervisor]
            supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
            [rpcinterface:twiddler]
            supervisor.rpcinterface_factory=supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
            """)
        let configuration = try #require(result.configuration)
        let credentials = ServerCredentials(
            username: "u", password: "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d")
        #expect(
            configuration.unixServers == [
                UnixServer(path: "/srv/w.sock", mode: 0o770, ownerID: 1000, groupID: 4, credentials: credentials),
                UnixServer(name: "two", path: "/root/two.sock", ownerID: 1000),
            ])
        #expect(
            configuration.inetServers == [
                InetServer(host: "localhost", port: 9001), InetServer(name: "all", host: "", port: 9002),
                InetServer(name: "six", host: "::1", port: 9003), InetServer(name: "bare", host: "", port: 9004),
            ])
        var client = ClientSettings()
        client.serverURL = "unix:///srv/w.sock"
        client.prompt = "mine"
        client.historyFile = "/root/.history"
        #expect(configuration.client == client)
        #expect(configuration.rpcNamespaces == ["supervisor"])
        #expect(result.warnings.count == 1)
    }

    /// Goal: the client alone loads without looking at the rest, and must have its section.
    @Test func clientAlone() {
        var world = FakeHost()
        world.files["/etc/c.conf"] = "[supervisorctl]\nprompt=p\n[program:x]\nnumprocs=oops\n[include]\nfiles=*.conf"
        world.files["/etc/d.conf"] = "[supervisord]"
        #expect(ConfigurationLoader.loadClient(path: "/etc/c.conf", host: world.host).client?.prompt == "p")
        #expect(ConfigurationLoader.loadClient(path: "/etc/c.conf", host: world.host).diagnostics == [])
        let missing = ConfigurationLoader.loadClient(path: "/etc/d.conf", host: world.host)
        #expect(missing.client == nil)
        #expect(
            missing.diagnostics.map(\.description) == [
                "/etc/d.conf: the file has no [supervisorctl] section; add one with a serverurl"
            ])
    }

    @Test("A secret that cannot be one, and one that is missing, are errors; its value is not shown.")
    func unusableSecrets() {
        let garbled = FakeHost().body("[alert:a]\nurl=https://h/\nsecret=whsec_a=b=")
        #expect(garbled.errors == ["[alert:a] secret: what follows whsec_ is not base64"])
        let missing = FakeHost().body("[alert:a]\nurl=https://h/\nformat=pagerduty")
        #expect(
            missing.errors == ["[alert:a] format: pagerduty needs the integration's routing key; add secret=…"])
    }

    @Test(
        "A receiver's own path is known; any other is kept.",
        arguments: [
            ("http://am:9093", "alertmanager", "http://am:9093/api/v2/alerts"),
            ("http://am:9093/", "alertmanager", "http://am:9093/api/v2/alerts"),
            ("https://h/am/api/v2/alerts", "alertmanager", "https://h/am/api/v2/alerts"),
            ("https://events.pagerduty.com", "pagerduty", "https://events.pagerduty.com/v2/enqueue"),
            ("https://h?a=b", "pagerduty", "https://h?a=b"), ("https://h", "json", "https://h"),
        ])
    func receiverPaths(_ url: String, _ format: String, _ expected: String) throws {
        let result = FakeHost().body("[alert:a]\nurl=\(url)\nformat=\(format)\nsecret=whsec_MfKQ9r8GKYqrTwjU")
        #expect(result.errors.isEmpty)
        #expect(try #require(result.configuration).alerts.map(\.url) == [expected])
    }

    /// Goal: [warden] and [alert:NAME] reach their places.
    @Test func wardenSections() throws {
        let result = FakeHost().body(
            """
            [warden]
            history=none
            history_keep=7d
            record_samples=none
            cgroup=no
            metrics=off
            journal=off
            readers=debian, @adm, adm
            tcp_without_password=refuse
            tls_certificate=/etc
            tls_key=/tmp
            [alert:ops]
            url=https://hooks.example.org/%(ENV_TOKEN)s?a=%20
            format=Slack
            events=gave-up,dark
            secret=s
            timeout=3s
            retry_for=0
            include_log=yes
            [alert:all]
            url=http://h
            events=all
            """)
        #expect(result.lines == [])
        var warden = WardenSettings()
        #expect(warden.historyPath == "/var/lib/warden/history.db")
        warden.historyPath = nil
        warden.historyKeep = .seconds(7 * 86400)
        #expect(warden.recordKeep == .seconds(7 * 86400))
        warden.recordKeep = nil
        warden.controlGroups = .no
        warden.servesMetrics = false
        warden.writesJournal = false
        warden.readerUserIDs = [1000]
        warden.readerGroupIDs = [4]
        warden.tcpWithoutPassword = .refuse
        warden.tlsCertificate = "/etc"
        warden.tlsKey = "/tmp"
        #expect(result.configuration?.warden == warden)
        var alert = AlertSettings(name: "ops", url: "https://hooks.example.org/t0ken?a=%20")
        alert.format = .slack
        alert.events = [.gaveUp, .dark]
        alert.secret = "s"
        alert.timeout = .seconds(3)
        alert.retryFor = .zero
        alert.includesLog = true
        #expect(result.configuration?.alerts.first == alert)
        #expect(result.configuration?.alerts.last?.events.count == AlertSettings.Event.allCases.count)
    }

    /// Goal: the report is sorted by file and line, and exits 2 on errors alone.
    @Test func report() {
        let items = [
            Diagnostic(severity: .warning, file: "b", line: 2, message: "w"),
            Diagnostic(severity: .error, file: "b", line: 1, message: "e"),
            Diagnostic(severity: .error, file: "a", line: 10, message: "f"),
        ]
        #expect(DiagnosticReport(items).text == "a:10: f\nb:1: e\nb:2: warning: w\n")
        #expect(DiagnosticReport(items).exitCode == 2)
        #expect(DiagnosticReport([items[0]]).exitCode == 0)
        #expect(DiagnosticReport([]).text == "")
    }

    /// Goal: a certificate and a key that do not go together are an error at the line of the one that is to be mended.
    @Test(arguments: [(true, "tls_key", 4), (false, "tls_certificate", 3)])
    func uselessCertificates(isInKey: Bool, key: String, line: Int) {
        var world = FakeHost()
        world.files["/etc/w.conf"] =
            "[supervisord]\n[warden]\ntls_certificate=/etc\ntls_key=/tmp\n[inet_http_server]\nport=1\n"
        var host = world.host
        host.tlsFault = { _, _ in ConfigurationHost.TLSFault(isInKey: isInKey, text: "it is broken") }
        let result = ConfigurationLoader.load(path: "/etc/w.conf", arguments: DaemonArguments(), host: host)
        #expect(result.configuration == nil)
        #expect(result.lines.contains { $0.hasPrefix("/etc/w.conf:\(line): ") && $0.hasSuffix("\(key): it is broken") })
    }
}
