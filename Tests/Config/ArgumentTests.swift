import Testing
import WardenConfig
import WardenCore

@Suite struct ArgumentTests {
    /// A command line, and what it makes of no switches.
    struct Case: Sendable {
        let words: [String]
        let change: @Sendable (inout DaemonArguments) -> Void

        init(_ words: [String], _ change: @escaping @Sendable (inout DaemonArguments) -> Void) {
            self.words = words
            self.change = change
        }
    }

    private static func parsed(_ words: [String]) throws -> DaemonArguments {
        switch try DaemonArguments.parse(words) {
        case .run(let arguments): arguments
        case .help, .version: throw UsageError("not a run")
        }
    }

    /// Goal: every switch, short, long, in clusters and abbreviated.
    @Test(arguments: [
        Case(["-c", "f"], { $0.configuration = "f" }),
        Case(["-cf"], { $0.configuration = "f" }),
        Case(["--configuration", "f"], { $0.configuration = "f" }),
        Case(["--configuration=f"], { $0.configuration = "f" }),
        Case(["--conf=a=b"], { $0.configuration = "a=b" }),
        Case(
            ["-nc", "f"],
            {
                $0.isForeground = true
                $0.configuration = "f"
            }),
        Case(
            ["-nskt"],
            {
                $0.isForeground = true
                $0.isSilent = true
                $0.keepsOldLogs = true
                $0.stripsANSI = true
            }),
        Case(
            ["--nodaemon", "--silent"],
            {
                $0.isForeground = true
                $0.isSilent = true
            }),
        Case(
            ["--nocl", "--strip_ansi"],
            {
                $0.keepsOldLogs = true
                $0.stripsANSI = true
            }),
        Case(["-u", "debian"], { $0.user = "debian" }),
        Case(["-m", "077"], { $0.umask = 0o77 }),
        Case(
            ["-d", "/tmp", "-l", "x.log"],
            {
                $0.directory = "/tmp"
                $0.logFile = "x.log"
            }),
        Case(
            ["-y", "1MB", "-z3"],
            {
                $0.logMaximumBytes = 1 << 20
                $0.logBackupCount = 3
            }),
        Case(["-e", "Debug"], { $0.logLevel = .debug }),
        Case(
            ["-j", "p", "-i", "me", "-q", "/tmp"],
            {
                $0.pidFile = "p"
                $0.identifier = "me"
                $0.childLogDirectory = "/tmp"
            }),
        Case(
            ["-a", "10", "--minprocs", "20"],
            {
                $0.minimumDescriptors = 10
                $0.minimumProcesses = 20
            }),
        Case(["--profile_options", "calls"], { $0.profileOptions = "calls" }),
        Case(
            ["--check", "--shadow"],
            {
                $0.isCheck = true
                $0.isShadow = true
            }),
        Case(["--ch", "/tmp"], { $0.childLogDirectory = "/tmp" }),
        Case(["-c", ""], { $0.configuration = "" }),
        Case(["-c", "-n"], { $0.configuration = "-n" }),
        Case(["-n", "--"], { $0.isForeground = true }),
        Case([], { _ in }),
    ])
    func switches(example: Case) throws {
        var expected = DaemonArguments()
        example.change(&expected)
        #expect(try Self.parsed(example.words) == expected)
    }

    /// Goal: help and version answer before anything that follows is looked at, but not before the scan.
    @Test(arguments: [
        (["-h"], DaemonArguments.Request.help), (["-?"], .help), (["--help"], .help), (["-nh"], .help),
        (["-v"], .version), (["--version"], .version), (["-v", "-m", "x"], .version),
    ])
    func answers(words: [String], expected: DaemonArguments.Request) throws {
        #expect(try DaemonArguments.parse(words) == expected)
    }

    /// Goal: usage errors read as supervisord's and exit 2.
    @Test(arguments: [
        (["-x"], "option -x not recognized"), (["--nope"], "option --nope not recognized"),
        (["--checks"], "option --checks not recognized; did you mean 'check'?"),
        (["--no"], "option --no not a unique prefix"), (["-c"], "option -c requires argument"),
        (["--logfile"], "option --logfile requires argument"),
        (["--nodaemon=1"], "option --nodaemon must not have an argument"),
        (["start", "-n"], "positional arguments are not supported: ['start', '-n']"),
        (["-n", "-"], "positional arguments are not supported: ['-']"),
        (["-n", "-n"], "conflicting command line option '-n'"),
        (["-n", "--nodaemon"], "conflicting command line option '--nodaemon'"),
        (["-m", "9"], "invalid value for -m '9': '9' is not an octal number"),
        (["-y", "1TB"], "invalid value for -y '1TB': '1TB' is not a size; write bytes, or a number with KB, MB or GB"),
        (["--minfds=x"], "invalid value for --minfds 'x': 'x' is not a whole number"),
        (
            ["-e", "loud"],
            "invalid value for -e 'loud': 'loud' is not one of critical, error, warn, info, debug, trace, blather"
        ),
        (["-h", "--nope"], "option --nope not recognized"),
    ])
    func usageErrors(words: [String], expected: String) {
        let error = #expect(throws: UsageError.self) { try DaemonArguments.parse(words) }
        #expect(error?.description == "Error: \(expected)\nFor help, use warden -h")
        #expect(UsageError.exitCode == 2)
    }

    /// Goal: the help names every switch of the manual.
    @Test(arguments: [
        "-c/--configuration FILENAME", "-n/--nodaemon", "-s/--silent", "-u/--user USER", "-m/--umask UMASK",
        "-d/--directory DIRECTORY", "-l/--logfile FILENAME", "-y/--logfile_maxbytes BYTES", "-z/--logfile_backups NUM",
        "-e/--loglevel LEVEL", "-j/--pidfile FILENAME", "-i/--identifier STR", "-q/--childlogdir DIRECTORY",
        "-k/--nocleanup", "-a/--minfds NUM", "-t/--strip_ansi", "--minprocs NUM", "--profile_options OPTIONS",
        "-v/--version", "-h/--help", "--check", "--shadow",
    ])
    func help(name: String) {
        #expect(DaemonArguments.help.contains("\n\(name) -- "))
    }

    /// Goal: switches win over the file, and what only the host can judge is judged at load.
    @Test func overrides() throws {
        let arguments = try Self.parsed([
            "-n", "-l", "/tmp/l", "-y0", "-e", "warn", "-j", "p.pid", "-i", "cli", "-q", "/var/log", "-a", "7", "-u",
            "debian",
        ])
        let daemon = try #require(
            FakeHost().load("[supervisord]\nlogfile=/var/log/x\nidentifier=file\nminprocs=3\nsilent=true", arguments)
                .configuration?.daemon)
        #expect(daemon.log == .file("/tmp/l"))
        #expect(daemon.logMaximumBytes == 0)
        #expect(daemon.logLevel == .warn)
        #expect(daemon.pidFile == "/srv/p.pid")
        #expect(daemon.identifier == "cli")
        #expect(daemon.childLogDirectory == "/var/log")
        #expect(daemon.minimumDescriptors == 7)
        #expect(daemon.minimumProcesses == 3)
        #expect(daemon.isForeground && daemon.isSilent)
        #expect(daemon.user?.userID == 1000)
        let wrong = FakeHost().load("[supervisord]", try Self.parsed(["-d", "/none", "-l", "/none/x", "-u", "ghost"]))
        #expect(wrong.configuration == nil)
        #expect(
            wrong.lines == [
                "command line: -u: the host has no user 'ghost'; create it or correct the name",
                "command line: -d: '/none' is not an existing directory",
            ])
    }

    /// Goal: Warden's own place first, then supervisord's, relative ones with a warning for root.
    @Test func search() throws {
        #expect(
            ConfigurationLoader.searchPaths(program: "/opt/warden/bin/warden") == [
                "/etc/warden/warden.conf", "/opt/warden/etc/supervisord.conf", "/opt/warden/supervisord.conf",
                "supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf",
            ])
        #expect(ConfigurationLoader.searchPaths(program: "warden")[1] == "etc/supervisord.conf")
        #expect(ConfigurationLoader.searchPaths(program: "/bin/warden")[1] == "/etc/supervisord.conf")
        var world = FakeHost()
        let error = #expect(throws: UsageError.self) {
            try ConfigurationLoader.find(program: "/usr/bin/warden", host: world.host)
        }
        #expect(error?.message.hasPrefix("No config file found at default paths (/etc/warden/warden.conf, ") == true)
        world.files["supervisord.conf"] = ""
        let relative = try ConfigurationLoader.find(program: "/usr/bin/warden", host: world.host)
        #expect(relative.path == "supervisord.conf")
        #expect(relative.warning?.severity == .warning)
        world.files["/etc/warden/warden.conf"] = ""
        let own = try ConfigurationLoader.find(program: "/usr/bin/warden", host: world.host)
        #expect(own.path == "/etc/warden/warden.conf")
        #expect(own.warning == nil)
    }
}
