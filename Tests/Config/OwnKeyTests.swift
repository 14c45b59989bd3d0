import Testing
import WardenConfig
import WardenCore

/// Goal: the keys that Warden adds to `[program:x]` mean what the manual says, and what is wrong with them is said with
/// its place.
@Suite struct OwnKeyTests {
    private func supervision(_ options: String, _ health: String = "") -> SupervisionSpec? {
        FakeHost().body("[program:x]\ncommand=/bin/x\n\(options)\n\(health)").program?.supervision
    }

    @Test func defaults() throws {
        let spec = try #require(supervision(""))
        #expect(spec == SupervisionSpec())
        #expect(spec.dependsOn.isEmpty && spec.readiness == .startSeconds && !spec.isEssential)
        #expect(spec.restartDelay == nil && spec.maximumBackoff == nil && spec.stopCommand == nil)
    }

    @Test func values() throws {
        let spec = try #require(
            supervision(
                "restart_delay=500ms\nmax_backoff=5m\nstartretries=Infinite\nessential=yes\n"
                    + "stop_command=/bin/x -n %(process_num)d"
            ))
        #expect(spec.restartDelay == .milliseconds(500) && spec.maximumBackoff == .seconds(300))
        #expect(spec.startRetries == nil && spec.isEssential)
        #expect(spec.stopCommand == "/bin/x -n 0")
    }

    @Test(arguments: [
        ("ready=startsecs", "", SupervisionSpec.Readiness.startSeconds, 1),
        ("ready=Notify", "", .notify, 60),
        ("ready=notify\nstartsecs=5", "", .notify, 5),
        ("ready=notify\nstartsecs=0", "", .notify, 0),
        ("ready=line:^up: \\d+$", "", .line("^up: \\d+$"), 60),
        ("ready=probe", "[health:x]\nprobe=tcp://127.0.0.1:80", .probe, 60),
        ("ready=probe", "[health]\nprobe=exec:/bin/true", .probe, 60),
    ])
    func readiness(options: String, health: String, expected: SupervisionSpec.Readiness, seconds: Int) throws {
        let spec = try #require(supervision(options, health))
        #expect(spec.readiness == expected)
        #expect(spec.startSeconds == .seconds(seconds))
    }

    @Test(arguments: [
        ("ready=soon", "'soon' is not startsecs, notify, probe or line:REGEX"),
        ("ready=line:", "is not startsecs, notify, probe or line:REGEX"),
        ("ready=line:(", "bad pattern at offset 1: missing closing parenthesis"),
        ("ready=probe", "there is no probe; add probe=… to [health:x]"),
        ("restart_delay=5", "'5' has no unit; did you mean 5s?"),
        ("restart_delay=0s", "must be more than 0"),
        ("max_backoff=0", "must be more than 0"),
        ("essential=maybe", "is not a boolean"),
        ("stop_command=", "the command is empty"),
        ("stop_command='a", "no closing quotation mark"),
        ("depends_on=y", "there is no program or group 'y'"),
        ("depends_on=z, ok", "there is no program or group 'z'"),
        ("depends_on=x", "a cycle, in which nothing could ever start: 'x' depends on 'x'"),
        ("env_file=x.env", "'x.env' is not an absolute path"),
        ("env_file=/no.env", "cannot read '/no.env': No such file or directory; write -/no.env if it may be missing"),
    ])
    func refused(option: String, expected: String) {
        let result = FakeHost().body("[program:x]\ncommand=/bin/x\n\(option)\n[program:ok]\ncommand=/bin/ok")
        #expect(result.configuration == nil)
        #expect(result.lines.count == 1 && result.lines[0].hasPrefix("/etc/w.conf:4: [program:x] "), "\(result.lines)")
        #expect(result.lines.first?.contains(expected) == true, "\(result.lines)")
    }

    /// Goal: a missing directory of a log is made later; something else in its place is an error.
    @Test func logDirectoryThatIsNone() {
        var host = FakeHost()
        host.files = ["/file": ""]
        let result = host.body("[program:x]\ncommand=/bin/x\nstdout_logfile=/file/x.log")
        #expect(result.errors == ["[program:x] stdout_logfile: '/file' is not a directory"])
    }

    // MARK: - depends_on

    @Test func dependenciesOnProgramsAndGroups() {
        let result = FakeHost().body(
            "[program:web]\ncommand=/bin/x\ndepends_on=db, caches,db\n[program:db]\ncommand=/bin/x\n"
                + "[group:caches]\nprograms=one\n[program:one]\ncommand=/bin/x")
        #expect(result.lines == [])
        let web = result.programs.first { $0.program == "web" }
        #expect(web?.supervision.dependsOn == ["db", "caches"])
    }

    /// Goal: every program of a cycle is named at its own line, also when a group is part of it; others are not.
    @Test func cycles() {
        let result = FakeHost().body(
            "[program:a]\ncommand=/bin/x\ndepends_on=g\n[program:b]\ncommand=/bin/x\ndepends_on=c\n"
                + "[program:c]\ncommand=/bin/x\ndepends_on=a\n[program:d]\ncommand=/bin/x\ndepends_on=a\n"
                + "[group:g]\nprograms=b")
        let text = "depends_on: a cycle, in which nothing could ever start: "
        #expect(
            result.lines == [
                "/etc/w.conf:4: [program:a] \(text)'a' depends on 'b' depends on 'c' depends on 'a'",
                "/etc/w.conf:7: [program:b] \(text)'b' depends on 'c' depends on 'a' depends on 'b'",
                "/etc/w.conf:10: [program:c] \(text)'c' depends on 'a' depends on 'b' depends on 'c'",
            ])
    }

    // MARK: - One bad program

    /// Goal: the daemon can start without the programs whose own sections are wrong; a check and a reread still fail.
    @Test func remainder() throws {
        let result = FakeHost().body(
            "[program:bad]\ncommand=/bin/x\nuser=ghost\n[program:good]\ncommand=/bin/x\n"
                + "[group:mixed]\nprograms=worse,fine\n[program:worse]\ncommand=/bin/x\nautorestart=never\n"
                + "[program:fine]\ncommand=/bin/x")
        #expect(result.configuration == nil)
        #expect(result.errors.count == 2)
        let remainder = try #require(result.remainder)
        #expect(remainder.refused.sorted() == ["bad", "worse"])
        #expect(remainder.configuration.groups.map(\.name).sorted() == ["good", "mixed"])
        #expect(remainder.configuration.groups.flatMap(\.programs).map(\.program).sorted() == ["fine", "good"])
    }

    @Test(arguments: [
        "[program:x]\ncommand=/bin/x\nuser=ghost", "[program:x]\ncommand=/bin/x\n[supervisord]\nloglevel=loud",
        "[program:x]\ncommand=/bin/x\nuser=ghost\n[program:y]\ncommand=/bin/y\n[health:y]\ninterval=often",
        "[program:x]\ncommand=/bin/x",
    ])
    func noRemainder(body: String) {
        #expect(FakeHost().body(body).remainder == nil)
    }

    // MARK: - env_file

    private func environment(_ files: [String: String], _ options: String) -> LoadResult {
        var host = FakeHost()
        host.files = files
        return host.body("[program:x]\ncommand=/bin/x %(ENV_A)s\n" + options)
    }

    @Test(arguments: [
        ("A=1", "1"), ("A = 1 ", "1"), ("export A=1", "1"), ("\n# c\n; c\n\n  A=1 # c", "1"), ("A=a#b", "a#b"),
        ("A=", ""), ("A=#", ""), ("A=$B %d", "$B %d"), ("A='it''", nil), ("A='$B # \"x\"'", "$B # \"x\""),
        ("A=\"a\\n\\\"b\\\" \\$c \\d\"", "a\n\"b\" $c \\d"), ("A=\"two\nlines\"", "two\nlines"),
        ("A='1'#c\r\nB=2", "1"),
        ("\u{FEFF}A=1\r\n", "1"), ("A=1\nA=2", "2"), ("A='1' 2", nil), ("A", nil), ("=1", nil), ("1A=1", nil),
        ("A-B=1", nil), ("A=\"1", nil), ("export=1\nA=2", "2"), ("A=é", "é"),
    ])
    func environmentFiles(text: String, expected: String?) {
        let result = environment(["/x.env": text], "env_file=/x.env")
        #expect(result.program?.launch.environment["A"] == expected, "\(result.lines)")
        #expect((result.configuration == nil) == (expected == nil), "\(result.lines)")
        let isPlaced = result.lines.first?.hasPrefix("/x.env:1: env_file of [program:x]: ") ?? true
        #expect(isPlaced, "\(result.lines)")
    }

    @Test func environmentFilesInOrder() throws {
        let result = environment(
            ["/a.env": "A=a\nB=a\nC=a", "/b.env": "B=b\nC=b"],
            "env_file=/a.env, -/none.env, /b.env\nenvironment=C=\"own %(ENV_B)s\"")
        let launch = try #require(result.program?.launch)
        #expect(launch.environment == ["A": "a", "B": "b", "C": "own b"])
        #expect(launch.arguments == ["/bin/x", "a"])
    }

    @Test func environmentFileErrorHasItsLineAndNoValue() {
        let result = environment(["/x.env": "A=1\n\nSECRET hush\n"], "env_file=/x.env")
        #expect(
            result.lines.first
                == "/x.env:3: env_file of [program:x]: expected KEY=VALUE, with a key of letters, digits and _")
        #expect(!result.lines.contains { $0.contains("hush") })
    }
}
