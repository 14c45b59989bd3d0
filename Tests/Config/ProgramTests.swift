import Testing
import WardenConfig
import WardenCore

@Suite struct ProgramTests {
    /// Goal: a program with nothing but a command has supervisord's defaults.
    @Test func defaults() throws {
        let result = FakeHost().body("[program:cat]\ncommand=/bin/cat")
        let spec = try #require(result.program)
        #expect(result.lines == [])
        #expect(spec.name == SlotName(group: "cat", process: "cat"))
        #expect(spec.supervision == SupervisionSpec())
        #expect(spec.launch == LaunchSpec(arguments: ["/bin/cat"]))
        #expect(spec.standardOutput == LogSpec())
        #expect(spec.standardError == LogSpec())
        #expect(spec.health == HealthSpec())
        #expect(result.configuration?.groups.first?.priority == 999)
        #expect(result.configuration?.groups.first?.maximumUnavailable == .count(1))
    }

    /// Goal: every option reaches its place.
    @Test func everyOption() throws {
        let result = FakeHost().body(
            """
            [program:x]
            command=/bin/x 'a b' "c \\" \\d" e\\ f ''
            process_name=p%(process_num)d
            numprocs=2
            numprocs_start=5
            priority=-3
            autostart=off
            startsecs=0
            startretries=infinite
            autorestart=TRUE
            exitcodes=0, 2,255
            stopsignal=sigusr1
            stopwaitsecs=30
            stopasgroup=1
            user=debian
            redirect_stderr=yes
            stdout_logfile=/tmp/x.log
            stdout_logfile_maxbytes=2 mb
            stdout_logfile_backups=0
            directory=/srv
            umask=027
            serverurl=http://h:1
            rlimit_nofile=100:200
            kill_tree=yes
            memory_max=4GB
            tasks_max=300
            stdout_syslog=true
            log_compress=on
            log_prefix={name}{{}} [{stream}]
            """)
        #expect(result.lines == [])
        let spec = try #require(result.programs.last)
        #expect(result.programs.map(\.name.process) == ["p5", "p6"])
        var supervision = SupervisionSpec()
        supervision.priority = -3
        supervision.autostart = false
        supervision.startSeconds = .zero
        supervision.startRetries = nil
        supervision.autorestart = .always
        supervision.exitCodes = [0, 2, 255]
        supervision.stopSignal = Signal(10)
        supervision.stopWait = .seconds(30)
        supervision.stopAsGroup = true
        supervision.killAsGroup = true
        supervision.killTree = .yes
        #expect(spec.supervision == supervision)
        var launch = LaunchSpec(arguments: ["/bin/x", "a b", "c \" \\d", "e f", ""])
        launch.directory = "/srv"
        launch.umask = 0o27
        launch.user = LaunchSpec.Identity(name: "debian", userID: 1000, groupID: 1000, groupIDs: [1000, 7])
        launch.serverURL = "http://h:1"
        launch.hasOwnServerURL = true
        launch.descriptorLimit = LaunchSpec.Limit(soft: 100, hard: 200)
        launch.ceilings = ResourceCeilings(memoryBytes: 4 << 30, tasks: 300)
        launch.commandText = spec.launch.commandText
        #expect(spec.launch == launch)
        #expect(spec.launch.commandText.hasPrefix("/bin/x 'a b'"))
        #expect(spec.standardOutput.destination == .file("/tmp/x.log"))
        #expect(spec.standardOutput.maximumBytes == 2 << 20)
        #expect(spec.standardOutput.backupCount == 0)
        #expect(spec.standardOutput.writesSyslog)
        #expect(spec.standardOutput.compresses)
        #expect(
            spec.standardOutput.prefix
                == LinePrefix([.field(.name), .text("{} ["), .field(.stream), .text("] ")]))
        #expect(spec.standardError == nil)
    }

    /// Goal: a wrong value is one error with its file and line, whatever its type.
    @Test(arguments: [
        ("priority=high", "'high' is not a whole number"),
        ("priority=99999999999999999999", "'99999999999999999999' is too large"),
        ("autostart=maybe", "'maybe' is not a boolean; write true or false"),
        ("autorestart=never", "'never' is not true, false or unexpected"),
        ("startsecs=1s", "'1s' is not a whole number"),
        ("startretries=many", "'many' is not a whole number"),
        ("exitcodes=0,256", "exit code 256 is not between 0 and 255"),
        ("exitcodes=0,", "'' is not a whole number"),
        ("stopsignal=TREM", "'TREM' is not a signal's name; did you mean 'TERM'?"),
        ("stopsignal=99", "'99' is not a signal's number"),
        ("stopwaitsecs=", "'' is not a whole number"),
        ("stopasgroup=true\nkillasgroup=false", "cannot be false while stopasgroup is true"),
        ("user=ghost", "the host has no user 'ghost'"),
        ("redirect_stderr=2", "'2' is not a boolean"),
        ("stdout_logfile_maxbytes=50M", "'50M' is not a size; write bytes, or a number with KB, MB or GB"),
        ("stdout_logfile_backups=x", "'x' is not a whole number"),
        ("stdout_capture_maxbytes=x", "'x' is not a size"),
        ("stdout_events_enabled=x", "'x' is not a boolean"),
        ("stderr_syslog=x", "'x' is not a boolean"),
        ("umask=8", "'8' is not an octal number"),
        ("umask=77777", "'77777' is out of range"),
        ("numprocs=x", "'x' is not a whole number"),
        ("numprocs=2", "%(process_num) must be present within process_name when numprocs > 1"),
        ("numprocs=2\nprocess_name=a", "write process_name=%(program_name)s_%(process_num)02d"),
        ("numprocs=99999999", "99999999 is more than the 16384 processes"),
        ("numprocs_start=x", "'x' is not a whole number"),
        ("process_name=a:b", "the name 'a:b' must not contain ':'"),
        ("process_name=%(here)s", "the name '/etc' must not contain '/'"),
        ("process_name=", "the name is empty"),
        ("environment=A", "expected KEY=\"value\" pairs with commas between; the first is not one"),
        ("environment=A=\"x #y\"", "no closing quotation mark; a ; or # after a space starts a comment"),
        ("environment=A=b,C", "what follows 'A' is not one"),
        ("environment=A=", "the first is not one"),
        ("command=", "the command is empty"),
        ("command=''", "the command is empty"),
        ("command=/bin/x 'a", "no closing quotation mark; a ; or #"),
        ("command=/bin/x \\", "no character after the backslash"),
        ("rlimit_nofile=many", "'many' is not a whole number"),
        ("rlimit_nofile=200:100", "the hard limit 100 is below the soft limit 200"),
        ("rlimit_nofile=3", "3 descriptors are too few"),
        ("memory_max=much", "'much' is not a size"),
        ("tasks_max=0", "'0' must be more than 0; write none for no limit"),
        ("kill_tree=maybe", "'maybe' is not auto, yes or no"),
        ("depends_on=nothing", "there is no program or group 'nothing'"),
        ("restart_delay=5", "'5' has no unit; did you mean 5s?"),
        ("max_backoff=0s", "'0s' must be more than 0"),
        ("ready=soon", "'soon' is not startsecs, notify, probe or line:REGEX"),
        ("ready=line:(", "bad pattern at offset 1: missing closing parenthesis in '('"),
        ("stop_command='", "no closing quotation mark"),
        ("log_compress=gzip", "'gzip' is not a boolean"),
        ("log_prefix={nam}", "there is no field 'nam'; there are {time} {utc} {name}"),
        ("log_prefix={name", "a brace has no partner; a brace itself is written twice"),
        ("log_prefix=a}", "a brace has no partner"),
        ("essential=x", "'x' is not a boolean"),
        ("env_file=", "the value is empty"),
    ])
    func typeErrors(option: String, expected: String) throws {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\n" + option)
        #expect(result.configuration == nil)
        let error = try #require(result.diagnostics.first { $0.severity == .error })
        #expect(result.errors.count == 1, "\(result.lines)")
        #expect(error.message.contains(expected), "\(error)")
        #expect(error.description.hasPrefix("/etc/w.conf:\(option.contains("\n") ? 5 : 4): [program:x] "), "\(error)")
    }

    /// Goal: a command that is not there is a warning with its place, once for all slots, and never an error; it is
    /// looked for where a start would look.
    @Test func commandThatIsNotThere() {
        var world = FakeHost()
        world.missingCommands = ["/not/there", "/a/worker", "/b/worker"]
        let absolute = world.body("[program:x]\ncommand=/not/there --run\nnumprocs=2\nprocess_name=%(process_num)d")
        #expect(
            absolute.lines == [
                "/etc/w.conf:3: warning: [program:x] command: there is no command '/not/there' yet; it cannot start"
            ])
        let searched = world.body("[program:x]\ncommand=worker\nenvironment=PATH=\"/a:/b\"")
        #expect(searched.lines.count == 1)
        #expect(world.body("[program:x]\ncommand=worker\nenvironment=PATH=\"/a:/c\"").lines == [])
        #expect(world.body("[program:x]\ncommand=./worker").lines == [])
    }

    /// Goal: what supervisord takes, Warden takes.
    @Test(arguments: [
        "startsecs=-1", "stopwaitsecs=-5", "exitcodes=", "stopsignal=0", "stopsignal= 9", "numprocs=0", "numprocs=-1",
        "priority=1_000", "priority= +7", "stdout_logfile=", "stdout_logfile=None", "stdout_logfile=OFF",
        "stdout_logfile=auto", "stdout_logfile=none\nstdout_logfile_maxbytes=-1", "stdout_logfile_backups=-1",
        "umask=0o22", "user=1000",
        "environment=A=1,", "environment=", "serverurl=auto", "serverurl=", "directory=/not/there",
        "stdout_logfile=relative.log", "command=/not/there", "autorestart=1", "stopsignal=sigcld",
    ])
    func tolerated(option: String) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\n" + option)
        #expect(result.lines == [])
    }

    /// Goal: what is accepted and does nothing, or little, is said.
    @Test(arguments: [
        ("startretries=-1", "a negative number counts as 0; write infinite to try for ever"),
        ("restart_delay=5s\nmax_backoff=1s", "is shorter than restart_delay"),
        ("stdout_logfile=/none/x.log", "the directory '/none' does not exist yet; it is made when the program starts"),
        ("stderr_logfile=~/none/x.log", "the directory '/root/none' does not exist yet"),
        ("stdout_logfile=syslog", "this way of saying it is deprecated; write stdout_syslog=true"),
        ("stdout_logfile_maxbytes=0", "an AUTO log without rotation can fill the file system"),
        ("redirect_stderr=true\nstderr_logfile=/tmp/e", "it is ignored, because redirect_stderr is true"),
        ("comand=/bin/y", "unknown key 'comand' is ignored; did you mean 'command'?"),
        ("dependent_startup=true", "unknown key 'dependent_startup' is ignored"),
        ("stdout_logfil=/x", "did you mean 'stdout_logfile'?"),
    ])
    func warnings(option: String, expected: String) throws {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\n" + option)
        #expect(result.configuration != nil)
        #expect(result.warnings.count == 1, "\(result.lines)")
        #expect(result.warnings.first?.contains(expected) == true, "\(result.lines)")
    }

    /// Goal: a missing command is an error at the section.
    @Test func missingCommand() {
        #expect(
            FakeHost().body("[program:x]\nautostart=true").lines == [
                "/etc/w.conf:2: [program:x] has no command; add command=/path/to/program"
            ])
    }

    /// Goal: all problems are said, not only the first, and each once however many processes it concerns.
    @Test func allProblems() {
        let result = FakeHost().body(
            """
            [program:x]
            command=/bin/x
            process_name=%(process_num)d
            numprocs=3
            stdout_logfile=/none/%%.log
            startsecs=x
            [program:y]
            command=%(nope)s
            stderr_logfile=/none/x
            process_name=a:b
            """)
        #expect(result.diagnostics.map(\.line).sorted() == [6, 7, 9, 10, 11])
    }

    /// Goal: a name that breaks namespecs is refused at the section.
    @Test(arguments: ["a b", "a/b", "a:b", ""])
    func sectionNames(name: String) {
        let result = FakeHost().body("[program:\(name)]\ncommand=/bin/x")
        #expect(result.errors.count == 1)
        #expect(result.diagnostics.first?.line == 2)
    }

    /// Goal: only root can run a program as somebody else.
    @Test func userWithoutRoot() {
        var world = FakeHost()
        world.userID = 1000
        #expect(world.body("[program:x]\ncommand=/bin/x\nuser=debian").lines == [])
        #expect(
            world.body("[program:x]\ncommand=/bin/x\nuser=nobody").warnings == [
                "[program:x] user: only root can run a program as 'nobody'; it will not start"
            ])
    }

    /// Goal: no message shows what may be a secret.
    @Test(arguments: [
        "environment=A=p@hunter2", "environment=A=\"hunter2", "environment=A=\"%(hunter)s hunter2\"",
        "environment=A=\"hunter2 100%\"",
    ])
    func secrets(option: String) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\n" + option)
        #expect(result.errors.count == 1)
        #expect(result.lines.allSatisfy { !$0.contains("hunter2") }, "\(result.lines)")
    }

    /// Goal: only root can raise a hard limit.
    @Test func limitWithoutRoot() {
        var world = FakeHost()
        world.userID = 1000
        #expect(world.body("[program:x]\ncommand=/bin/x\nrlimit_nofile=64:524288").warnings == [])
        #expect(
            world.body("[program:x]\ncommand=/bin/x\nrlimit_nofile=64:524289").warnings == [
                "[program:x] rlimit_nofile: only root can raise the hard limit; the program will not start"
            ])
    }

    /// Goal: without HARD the daemon's hard limit stays.
    @Test(arguments: [("1024", 1024 as UInt64, 524_288 as UInt64), ("600000", 600_000, 600_000), ("64 : 128", 64, 128)])
    func descriptorLimits(text: String, soft: UInt64, hard: UInt64) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\nrlimit_nofile=" + text)
        #expect(result.program?.launch.descriptorLimit == LaunchSpec.Limit(soft: soft, hard: hard))
    }

    /// Goal: SUPERVISOR_SERVER_URL prefers the first Unix socket, then the last port.
    @Test(arguments: [
        ("", nil as String?),
        ("[inet_http_server]\nport=1\n[inet_http_server:b]\nport=*:2\n", "http://localhost:2"),
        ("[inet_http_server]\nport=H:1\n[unix_http_server]\nfile=/tmp/s\n", "unix:///tmp/s"),
    ])
    func serverURL(servers: String, expected: String?) {
        let result = FakeHost().body(servers + "[program:x]\ncommand=/bin/x")
        #expect(result.program?.launch.serverURL == expected)
    }
}
