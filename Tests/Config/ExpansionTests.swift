import Testing
import WardenConfig
import WardenCore

@Suite struct ExpansionTests {
    /// Goal: Python's `%` formatting; the expected texts are CPython 3.11's.
    @Test(arguments: [
        ("%(process_num)d", "7"), ("%(process_num)02d", "07"), ("%(process_num)-4d|", "7   |"),
        ("%(process_num)4d|", "   7|"), ("%(process_num)+d", "+7"), ("%(process_num) d", " 7"),
        ("%(process_num)+05d", "+0007"), ("%(process_num).3d", "007"), ("%(process_num)5.3d", "  007"),
        ("%(process_num)05.3d", "00007"), ("%(process_num)i", "7"), ("%(process_num)u", "7"),
        ("%(process_num)ld", "7"), ("%(numprocs)x", "1"), ("%(process_num)#x", "0x7"), ("%(process_num)#X", "0X7"),
        ("%(process_num)#o", "0o7"), ("%(process_num)#06x", "0x0007"), ("%(process_num)s", "7"),
        ("%(process_num)05s", "    7"), ("%(process_num)r", "7"), ("%(process_num)c", "\u{7}"),
        ("%(process_num)e", "7.000000e+00"), ("%(process_num).0e", "7e+00"), ("%(process_num)#.0e", "7.e+00"),
        ("%(process_num)E", "7.000000E+00"), ("%(process_num)f", "7.000000"), ("%(process_num).2f", "7.00"),
        ("%(process_num)08.2f", "00007.00"), ("%(process_num)g", "7"), ("%(process_num)#g", "7.00000"),
        ("%(program_name)s", "x"), ("%(program_name)5s|", "    x|"), ("%(program_name)-5s|", "x    |"),
        ("%(program_name)r", "'x'"), ("%(program_name)c", "x"), ("%(host_node_name).2s", "gp"),
        ("%(group_name)s", "x"), ("%(here)s", "/etc"), ("%(ENV_TOKEN)s", "t0ken"), ("%(ENV_PERCENT)s", "100%d"),
        ("100%%", "100%"), ("%%(process_num)d", "%(process_num)d"), ("%(program_name)%", "%"),
        ("a%(ENV_OWN)sb", "ahib"),
        ("%(ENV_OWN)a", "'hi'"),
    ])
    func formats(text: String, expected: String) {
        let result = FakeHost().body(
            "[program:x]\ncommand=/bin/x\nnumprocs_start=7\nenvironment=OWN=hi\ndirectory=" + text)
        #expect(result.lines == [])
        #expect(result.program?.launch.directory == expected)
    }

    /// Goal: larger numbers round as in C.
    @Test(arguments: [
        ("%(process_num)e", "1.234567e+06"), ("%(process_num).3e", "1.235e+06"), ("%(process_num)g", "1.23457e+06"),
        ("%(process_num).9g", "1234567"), ("%(process_num).2g", "1.2e+06"), ("%(process_num)X", "12D687"),
        ("%(process_num)o", "4553207"), ("%(process_num)012d", "000001234567"),
    ])
    func largeNumbers(text: String, expected: String) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\nnumprocs_start=1234567\ndirectory=" + text)
        #expect(result.program?.launch.directory == expected)
    }

    /// Goal: what cannot be expanded is an error that says why and what would do.
    @Test(arguments: [
        ("%(program)s", "contains the name 'program', which cannot be expanded; the names here are"),
        ("%(programname)s", "did you mean 'program_name'?"),
        ("%(ENV_TOKN)s", "did you mean 'ENV_TOKEN'?"),
        ("%(ENV_NOWHERE_TO_BE_FOUND)s", "the daemon's environment has no variable 'NOWHERE_TO_BE_FOUND'"),
        ("date +%s", "'%s' at index 6 has no (name); write %% for a plain %"),
        ("100%", "incomplete format at index 3"),
        ("%(program_name", "incomplete format key at index 0"),
        ("%(program_name)d", "%d needs a number, not text"),
        ("%(program_name)y", "unsupported format character 'y' at index 15"),
        ("%Y", "unsupported format character 'Y' at index 1"),
        ("%(program_name)99999s", "width too big"),
        ("%(program_name)*d", "unsupported format character '*'"),
        ("%(group_name)c%(host_node_name)c", "%c needs a number or one character"),
    ])
    func refusals(text: String, expected: String) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\ndirectory=" + text)
        #expect(result.configuration == nil)
        #expect(result.errors.count == 1)
        #expect(result.errors.first?.contains(expected) == true, "\(result.errors)")
        #expect(result.diagnostics.first?.line == 4)
    }

    /// Goal: which names are known where, as in supervisord's table.
    @Test(arguments: [
        ("[program:x]\ncommand=/bin/%(process_num)d-%(numprocs)d-%(group_name)s", true),
        ("[program:x]\ncommand=/bin/x\nenvironment=A=\"%(process_num)d\",B=\"%(host_node_name)s\"", true),
        ("[program:x]\ncommand=/bin/x\nstdout_logfile=/tmp/%(process_num)d%(ENV_A)s\nenvironment=A=1", true),
        ("[program:x]\ncommand=/bin/x\nstdout_logfile_backups=%(process_num)d", true),
        ("[program:x]\ncommand=/bin/x\npriority=%(process_num)d", false),
        ("[program:x]\ncommand=/bin/x\nautostart=%(numprocs)d", false),
        ("[program:x]\ncommand=/bin/x\numask=%(process_num)d", false),
        ("[program:x]\ncommand=/bin/x\nuser=%(program_name)s", false),
        ("[program:debian]\ncommand=/bin/x\nuser=%(program_name)s", true),
        ("[program:x]\ncommand=/bin/x\npriority=%(ENV_A)s\nenvironment=A=1", false),
        ("identifier=%(host_node_name)s", false),
        ("identifier=%(ENV_TOKEN)s%(here)s", true),
        ("environment=A=\"%(host_node_name)s\"", true),
        ("environment=A=1\n[program:x]\ncommand=/bin/%(ENV_A)s", true),
        ("environment=A=1\nidentifier=%(ENV_A)s", false),
        ("[unix_http_server]\nfile=%(here)s/%(ENV_TOKEN)s", true),
        ("[unix_http_server]\nfile=%(program_name)s", false),
        ("[supervisorctl]\nprompt=%(host_node_name)s", false),
        ("[supervisorctl]\nprompt=%(ENV_TOKEN)s", true),
        ("[program:x]\ncommand=/bin/x\n[group:g]\nprograms=%(ENV_X)s", false),
    ])
    func scopes(text: String, isKnown: Bool) {
        let result = FakeHost().body(text)
        #expect((result.configuration != nil) == isKnown, "\(result.lines)")
    }

    /// Goal: a program's own variables expand in its command and win over the daemon's, which reach every child.
    @Test func environments() throws {
        let result = FakeHost().body(
            """
            environment=A="1",SHARED="yes",B=/x.y+z-(1):2
            [program:x]
            environment=A="2", C='%(ENV_TOKEN)s %(process_num)d',D="a,b"
            command=/bin/x %(ENV_A)s %(ENV_SHARED)s
            """)
        let launch = try #require(result.program?.launch)
        #expect(launch.arguments == ["/bin/x", "2", "yes"])
        #expect(
            launch.environment == ["A": "2", "SHARED": "yes", "B": "/x.y+z-(1):2", "C": "t0ken 0", "D": "a,b"])
        #expect(result.configuration?.daemon.environment == ["A": "1", "SHARED": "yes", "B": "/x.y+z-(1):2"])
    }

    /// Goal: supervisord expands [supervisord] environment and log files twice; what it refuses is taken plainly.
    @Test(arguments: [("%%%%", "%"), ("100%%", "100%"), ("%%d", "%d"), ("x", "x")])
    func twice(text: String, expected: String) {
        let result = FakeHost().body(
            "environment=A=\"\(text)\"\n[program:x]\ncommand=/bin/x\nstdout_logfile=/tmp/\(text)")
        #expect(result.configuration?.daemon.environment == ["A": expected])
        #expect(result.program?.standardOutput.destination == .file("/tmp/\(expected)"))
    }

    /// Goal: in Warden's sections only %(ENV_X)s and %(here)s are replaced.
    @Test(arguments: [
        (#"^\d+%"#, #"^\d+%"#), ("%s %d %(x)s %%", "%s %d %(x)s %%"), ("%(here)s/%(ENV_TOKEN)s", "/etc/t0ken"),
        ("%(here)d", "%(here)d"), ("%(ENV_TOKEN", nil as String?), ("%", "%"), ("%()s", "%()s"),
    ])
    func literal(text: String, expected: String?) {
        let result = FakeHost().body("[health]\nerror_pattern=\(text)\n[program:x]\ncommand=/bin/x")
        #expect(result.program?.health.errorPattern == expected)
    }

    /// Goal: an unknown variable in Warden's sections is an error, not an empty text.
    @Test func unknownVariable() {
        let result = FakeHost().body("[alert:a]\nurl=%(ENV_TOKN)s")
        #expect(result.errors == ["[alert:a] url: cannot expand %(ENV_TOKN)s; did you mean 'ENV_TOKEN'?"])
    }
}
