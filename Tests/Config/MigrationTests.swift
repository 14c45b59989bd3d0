import Testing
import WardenConfig

/// `wardenctl check --from-supervisor`: a verdict for every line.
@Suite struct MigrationTests {
    /// `LINE kind subject` of each finding in this file.
    private static func findings(_ text: String) -> [String] {
        ConfigurationLoader.migration(path: "/etc/w.conf", host: FakeHost(files: ["/etc/w.conf": text]).host)
            .map { "\($0.line) \($0.kind.rawValue) \($0.subject)" }
    }

    @Test("Every section and every option has its line.")
    func lines() {
        let findings = Self.findings(
            """
            [supervisord]
            identifier = x
            [program:cat]
            command = /bin/cat
            priority = 5
            dependent_startup = true
            [other-tool]
            key = value
            [ctlplugin:x]
            supervisor.ctl_factory = a:b
            [rpcinterface:y]
            supervisor.rpcinterface_factory = a:b
            """)
        #expect(
            findings == [
                "1 better [supervisord]", "2 same [supervisord] identifier", "3 same [program:cat]",
                "4 better [program:cat] command", "5 same [program:cat] priority",
                "6 ignored [program:cat] dependent_startup", "7 ignored [other-tool]", "8 ignored [other-tool] key",
                "9 ignored [ctlplugin:x]", "10 ignored [ctlplugin:x] supervisor.ctl_factory",
                "11 same [rpcinterface:y]", "12 refused [rpcinterface:y] supervisor.rpcinterface_factory",
            ])
    }

    @Test("What cannot be used is refused, where it stands.")
    func refusals() {
        #expect(
            Self.findings("[program:cat]\ncommand = cat\nautorestart = perhaps\n").contains(
                "3 refused [program:cat] autorestart"))
        #expect(Self.findings("[program:cat]\n").contains("1 refused [program:cat]"))
        #expect(Self.findings("text\n").contains { $0.hasPrefix("1 refused") })
    }

    @Test("A file that is not there is refused as a whole.")
    func missing() {
        let findings = ConfigurationLoader.migration(path: "/etc/none.conf", host: FakeHost().host)
        #expect(findings.map(\.kind) == [.refused])
    }
}
