import Testing
import WardenConfig
import WardenCore

/// The dialect of supervisord 4.3.0, seen through `directory`, which takes any text as it is.
@Suite struct DialectTests {
    /// Goal: each rule of the file's syntax gives the value that supervisord 4.3.0 gives.
    @Test(arguments: [
        ("directory=/a", "/a"),
        ("directory: /a", "/a"),
        ("DiRectory = /a", "/a"),
        ("directory = /a=b:c  ", "/a=b:c"),
        ("  directory = /a", nil as String?),
        ("directory=/a ; comment", "/a"),
        ("directory=/a # comment", "/a"),
        ("directory=/a\t#comment", "/a"),
        ("directory=/a;b#c ;d", "/a;b#c"),
        ("directory=\"/a ;b\"", "\"/a"),
        ("directory=/a\n; comment\n# comment\n  ; comment", "/a"),
        ("directory=/a;b ;c\n  d #e", "/a;b\nd"),
        ("directory=/a\n\n  b\n\n\n", "/a\n\nb"),
        ("directory=/a\n  ; comment\n  b", "/a\nb"),
        ("directory=\n  /a", "\n/a"),
        ("directory=/a\ndirectory=/b", "/b"),
        ("directory=/a\n\tx = y", "/a\nx = y"),
        ("directory=/a\r\nautostart=false\r\n", "/a"),
        ("directory=/a\rautostart=false\r", "/a"),
        ("directory=/\u{20AC}", "/\u{20AC}"),
        ("directory=/a\u{A0}; cut", "/a"),
        ("directory=/a\n[group:g]\nprograms=x\n[program:x]\ndirectory=/b", "/b"),
    ])
    func values(text: String, expected: String?) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\n" + text)
        #expect(result.errors == [])
        #expect(result.program?.launch.directory == expected)
    }

    /// Goal: `[DEFAULT]` leaks into supervisord's sections and not into Warden's.
    @Test func defaultsLeak() throws {
        let result = FakeHost().load(
            """
            [DEFAULT]
            autorestart=true
            interval=1h
            history_keep=1d
            [supervisord]
            [health]
            [warden]
            [program:x]
            command=/bin/x
            [program:y]
            command=/bin/y
            autorestart=false
            """)
        #expect(result.lines == [])
        #expect(result.programs.map(\.supervision.autorestart) == [.always, .never])
        #expect(result.programs.first?.health.interval == .seconds(5))
        #expect(result.configuration?.warden == WardenSettings())
    }

    /// Goal: what is not a configuration is said with its line, and every such line is said.
    @Test(arguments: [
        ("x=1", ["/etc/w.conf:1: 'x=1' stands before the first section header; write [supervisord] above it"]),
        (
            "[supervisord]\nnonsense\n=x\n[]",
            [
                "/etc/w.conf:2: 'nonsense' is neither a section header nor KEY=VALUE",
                "/etc/w.conf:3: '=x' has no key before its '='",
                "/etc/w.conf:4: '[]' is neither a section header nor KEY=VALUE",
            ]
        ),
        (
            "[supervisord]\nidentifier=\u{FF}",
            ["/etc/w.conf:2: this line is not UTF-8; save the file as UTF-8"]
        ),
        ("[supervisord]\nidentifier=a\0b", ["/etc/w.conf:2: this line has a NUL byte"]),
        (
            "[program:x]\ncommand=/bin/x",
            ["/etc/w.conf: the configuration has no [supervisord] section; add one, it may be empty"]
        ),
        ("", ["/etc/w.conf: the configuration has no [supervisord] section; add one, it may be empty"]),
    ])
    func malformed(text: String, expected: [String]) {
        let result = FakeHost().load(text)
        #expect(result.configuration == nil)
        #expect(Array(result.lines.prefix(expected.count)) == expected)
    }

    /// Goal: a byte order mark does not hide the first section.
    @Test func byteOrderMark() {
        #expect(FakeHost().load("\u{FEFF}[supervisord]\n").lines == [])
    }

    /// Goal: a header without its bracket is an ordinary key for supervisord; say so.
    @Test func headerWithoutBracket() {
        let result = FakeHost().body("[program:a]\ncommand=/bin/a\n[program:b\ncommand=/bin/b")
        #expect(result.programs.map(\.launch.arguments) == [["/bin/b"]])
        #expect(
            result.lines == [
                "/etc/w.conf:4: warning: [program:a] '[program:b' looks like a section header without its closing ]"
            ])
    }

    /// Goal: a file that is not there is an error without a line.
    @Test func missingFile() {
        let result = ConfigurationLoader.load(
            path: "/etc/none.conf", arguments: DaemonArguments(), host: FakeHost().host)
        #expect(result.configuration == nil)
        #expect(result.lines == ["/etc/none.conf: cannot read the configuration: No such file or directory"])
    }

    /// Goal: included files merge key by key, in sorted order, keep their file and line, and bring no further files.
    @Test func includes() {
        var world = FakeHost()
        world.files["/etc/conf.d/b.conf"] = "[program:x]\npriority=2\nnumprocs=oops\n"
        world.files["/etc/conf.d/a.conf"] = "[program:x]\ncommand=%(here)s/x\npriority=1\n[include]\nfiles=c.conf"
        world.files["/etc/c.conf"] = "[program:z]\ncommand=/bin/z"
        let result = world.load(
            """
            [supervisord]
            [include]
            files = conf.d/*.conf /none/*
               %(host_node_name)s.conf
            """
        )
        #expect(result.includedFiles == ["/etc/conf.d/a.conf", "/etc/conf.d/b.conf"])
        #expect(
            result.lines == [
                "/etc/w.conf:3: warning: no file matches '/none/*'",
                "/etc/w.conf:3: warning: no file matches '/etc/gpu7.conf'",
                "/etc/conf.d/b.conf:3: [program:x] numprocs: 'oops' is not a whole number",
            ])
        world.files["/etc/conf.d/b.conf"] = "[program:x]\npriority=2\n"
        let good = world.load("[supervisord]\n[include]\nfiles=conf.d/*.conf\n[program:x]\ndirectory=%(here)s")
        #expect(good.lines == [])
        #expect(good.program?.launch.arguments == ["/etc/conf.d/x"])
        #expect(good.program?.launch.directory == "/etc")
        #expect(good.program?.supervision.priority == 2)
    }

    /// Goal: an included file that cannot be read is left out, as in supervisord, but not silently.
    @Test func unreadableInclude() {
        var world = FakeHost()
        world.unreadable["/etc/conf.d/a.conf"] = "Permission denied"
        let result = world.body("[include]\nfiles=conf.d/*.conf")
        #expect(result.configuration != nil)
        #expect(
            result.warnings == [
                "cannot read the included file '/etc/conf.d/a.conf', so it is left out: Permission denied"
            ])
    }

    /// Goal: [include] without files is an error.
    @Test func includeWithoutFiles() {
        #expect(FakeHost().body("[include]").errors == ["[include] has no files setting"])
    }
}
