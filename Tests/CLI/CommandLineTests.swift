import Testing
import WardenConfig
import WardenOutbound
import wardenctl

/// From the command line to a command and a server.
@Suite struct CommandLineTests {
    @Test(
        "Lines are split as supervisorctl splits them.",
        arguments: [
            ("status", "status", ""), ("  status  a b ", "status", "a b"), ("tail -100000 foo", "tail", "-100000 foo"),
            ("tail-f foo", "tail", "-f foo"), ("?start", "help", "start"), ("? start", "help", "start"),
            ("signal USR1\tx", "signal", "USR1\tx"), ("*x", "", "*x"), ("pause-health x", "pause-health", "x"),
            ("pause-healthy x", "pause", "-healthy x"), ("EOF", "EOF", ""),
        ])
    func lines(_ line: String, _ name: String, _ rest: String) {
        let text = CommandText(line, dashedNames: CommandName.dashed)
        #expect(text?.name == name)
        #expect(text?.rest == rest)
    }

    @Test("An empty line is no command.", arguments: ["", "  ", "\t\n"])
    func emptyLines(_ line: String) {
        #expect(CommandText(line, dashedNames: []) == nil)
    }

    @Test(
        "Names.",
        arguments: [
            ("cat", "cat", "cat"), ("g:p", "g", "p"), ("g:*", "g", nil), ("g:", "g", nil), ("g:p:q", "g", "p:q"),
        ] as [(String, String, String?)])
    func namespecs(_ text: String, _ group: String, _ process: String?) {
        #expect(Namespec(text).group == group)
        #expect(Namespec(text).process == process)
    }

    @Test("Options end at the first word that is none; the rest is one line.")
    func options() throws {
        let invocation = try Invocation([
            "-c", "f", "-su", "-uname", "--pass=x=y", "-i", "--json", "tail -5", "a", "-x",
        ])
        #expect(invocation.configurationFile == "f")
        #expect(invocation.serverURL == "u")
        #expect(invocation.username == "name")
        #expect(invocation.password == "x=y")
        #expect(invocation.isInteractive)
        #expect(invocation.wantsJSON)
        #expect(invocation.line == "tail -5 a -x")
    }

    @Test(
        "Spellings of options.",
        arguments: [
            ["--configuration", "f"], ["--conf=f"], ["-cf"], ["-ic", "f"], ["-c", "f", "--"],
            ["--history-file", "h", "-r", "h", "--history_file=h", "-c", "f"],
        ])
    func spellings(_ arguments: [String]) throws {
        let invocation = try Invocation(arguments)
        #expect(invocation.configurationFile == "f")
        #expect(invocation.isInteractive)
    }

    @Test(
        "Mistakes on the command line.",
        arguments: [
            (["-x"], "option -x not recognized"), (["--bogus"], "option --bogus not recognized"),
            (["-c"], "option -c requires argument"), (["--serverurl"], "option --serverurl requires argument"),
            (["--help=1"], "option --help must not have an argument"), (["--h"], "option --h not a unique prefix"),
        ])
    func mistakes(_ arguments: [String], _ text: String) {
        #expect(throws: Invocation.Mistake(text: text)) { try Invocation(arguments) }
    }

    @Test("Help in every spelling.", arguments: ["-h", "-?", "--help", "-ih"])
    func help(_ argument: String) throws {
        #expect(try Invocation([argument]).wantsHelp)
    }

    @Test(
        "Addresses.",
        arguments: [
            ("unix:///run/w.sock", ControlAddress.unix(path: "/run/w.sock")),
            ("http://h:9001", .tcp(host: "h", port: 9001)),
            ("http://h", .tcp(host: "h", port: 80)), ("http://h:1/RPC2", .tcp(host: "h", port: 1)),
            ("http://[::1]:9", .tcp(host: "::1", port: 9)), ("https://h", .tls(host: "h", port: 443)),
            ("https://[::1]:9/x", .tls(host: "::1", port: 9)),
            ("https://", nil), ("unix://", nil), ("h:1", nil),
            ("http://:1", nil), ("http://h:0", nil), ("http://h:x", nil), ("http://h:65536", nil), ("http://[::1", nil),
        ] as [(String, ControlAddress?)])
    func addresses(_ url: String, _ address: ControlAddress?) {
        #expect(ControlAddress(url: url) == address)
    }

    @Test("Text in a path.", arguments: [("a b/ü:%", "", "a%20b%2F%C3%BC%3A%25"), ("g:n_1-x.y~", ":", "g:n_1-x.y~")])
    func percentEncoding(_ text: String, _ kept: String, _ encoded: String) {
        #expect(text.percentEncoded(keeping: kept) == encoded)
    }
}

/// Which server is asked.
@Suite struct ServerChoiceTests {
    private static func host(_ files: [String: String]) -> ConfigurationHost {
        ConfigurationHost(
            readFile: { path in
                files[path].map { .success(Array($0.utf8)) } ?? .failure(.init("No such file or directory"))
            },
            glob: { _ in [] }, isDirectory: { _ in false }, fileExists: { files[$0] != nil },
            isExecutable: { _ in true }, user: { _ in nil },
            group: { _ in nil }, homeDirectory: { _ in nil }, compilePattern: { _ in nil },
            environment: ["PORT": "9009"], hostNodeName: "h", currentDirectory: "/cwd", userID: 1000,
            descriptorHardLimit: 1024)
    }

    private static func choice(_ arguments: [String], _ files: [String: String]) throws -> ServerChoice {
        try ServerChoice(Invocation(arguments), program: "/usr/bin/wardenctl", host: host(files))
    }

    private static let configured =
        "[supervisorctl]\nserverurl=http://h:%(ENV_PORT)s\nusername=u\npassword=p\nprompt=w\n"

    @Test("Nothing said and nothing found: Warden's own socket.")
    func standard() throws {
        let choice = try Self.choice(["status"], [:])
        #expect(choice.url == "unix:///run/warden/warden.sock")
        #expect(choice.credentials == nil)
        #expect(choice.prompt == "supervisor")
    }

    @Test("Warden's configuration goes before supervisord's; its server, user and prompt are taken.")
    func configuration() throws {
        let files = [
            "/etc/warden/warden.conf": Self.configured,
            "/etc/supervisord.conf": "[supervisorctl]\nserverurl=unix:///other\n",
        ]
        let choice = try Self.choice(["status"], files)
        #expect(choice.url == "http://h:9009")
        #expect(choice.credentials == ControlCredentials(username: "u", password: "p"))
        #expect(choice.prompt == "w")
    }

    @Test("The command line goes before the configuration.")
    func commandLine() throws {
        let choice = try Self.choice(["-s", "unix:///x", "-u", "me", "-c", "f", "status"], ["f": Self.configured])
        #expect(choice.url == "unix:///x")
        #expect(choice.credentials == ControlCredentials(username: "me", password: "p"))
    }

    @Test("A configuration that is needed has to be there and to have the section.")
    func problems() {
        #expect(throws: Invocation.Mistake(text: "could not find config file g")) { try Self.choice(["-c", "g"], [:]) }
        #expect(throws: Invocation.Mistake.self) { try Self.choice(["-c", "f"], ["f": "[supervisord]\n"]) }
        #expect(throws: Invocation.Mistake.self) {
            try Self.choice(["status"], ["/etc/supervisord.conf": "[supervisord]\n"])
        }
        #expect(throws: Invocation.Mistake.self) { try Self.choice(["-s", "ftp://x", "status"], [:]) }
    }

    @Test("With -s a configuration that was only found may be broken.")
    func brokenButNotNeeded() throws {
        let choice = try Self.choice(["-s", "unix:///x", "status"], ["/etc/supervisord.conf": "[supervisord]\n"])
        #expect(choice.url == "unix:///x")
    }
}
