/// What came of loading a configuration.
package struct LoadResult: Sendable {
    /// `nil` when any diagnostic is an error.
    package let configuration: Configuration?
    /// Every problem that was found, not only the first.
    package let diagnostics: [Diagnostic]
    /// The files that `[include]` brought in, in the order in which they were read.
    package let includedFiles: [String]
    /// What the daemon may start with all the same; `nil` when there is none, and when there is no error at all.
    package var remainder: Remainder?

    /// A configuration without the programs that have errors in their own sections.
    ///
    /// supervisord starts nothing for one wrong path of one program. What is wrong elsewhere still stops the start.
    package struct Remainder: Sendable {
        /// Everything else.
        package let configuration: Configuration
        /// The programs that are left out, in the order of the configuration.
        package let refused: [String]
    }
}

/// From files to a configuration.
package enum ConfigurationLoader {
    /// Loads a configuration; what is wrong with it is in the diagnostics.
    ///
    /// - Parameters:
    ///   - path: the main file.
    ///   - arguments: the command line, which overrides the file.
    ///   - host: what needs to be known of the host.
    /// - Returns: a configuration, or at least one error.
    package static func load(path: String, arguments: DaemonArguments, host: ConfigurationHost) -> LoadResult {
        var loading = Loading(mainFile: path, host: host)
        guard loading.readFiles(withIncludes: true) else {
            return LoadResult(configuration: nil, diagnostics: loading.diagnostics.items, includedFiles: [])
        }
        let configuration = loading.configuration(arguments)
        return LoadResult(
            configuration: loading.diagnostics.hasErrors ? nil : configuration,
            diagnostics: loading.diagnostics.items, includedFiles: loading.includedFiles,
            remainder: loading.remainder(of: configuration))
    }

    /// Loads `[supervisorctl]` alone, as supervisorctl does: no other section is looked at and no file is included.
    ///
    /// - Parameters:
    ///   - path: the main file.
    ///   - host: what needs to be known of the host.
    /// - Returns: the client's settings, or at least one error.
    package static func loadClient(
        path: String, host: ConfigurationHost
    ) -> (client: ClientSettings?, diagnostics: [Diagnostic]) {
        var loading = Loading(mainFile: path, host: host)
        guard loading.readFiles(withIncludes: false) else { return (nil, loading.diagnostics.items) }
        let client = loading.client()
        if client == nil {
            loading.diagnostics.error(
                Place(file: path, line: 0), "the file has no [supervisorctl] section; add one with a serverurl")
        }
        return (loading.diagnostics.hasErrors ? nil : client, loading.diagnostics.items)
    }

    /// Where a configuration is looked for: Warden's own place, then supervisord's.
    ///
    /// - Parameter program: the path by which the program was called.
    /// - Returns: paths, some of them relative to the working directory.
    package static func searchPaths(program: String) -> [String] {
        let prefix = Values.directory(of: Values.directory(of: program))
        let base = prefix.isEmpty ? "" : prefix == "/" ? "/" : prefix + "/"
        return [
            "/etc/warden/warden.conf", base + "etc/supervisord.conf", base + "supervisord.conf", "supervisord.conf",
            "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf",
        ]
    }

    /// The first of the search paths that exists, and a warning when root takes one from the working directory.
    /// - Parameters:
    ///   - program: the path by which the program was called.
    ///   - host: what needs to be known of the host.
    /// - Returns: the path, and the warning if there is reason for one.
    /// - Throws: a usage error when there is none.
    package static func find(
        program: String, host: ConfigurationHost
    ) throws(UsageError) -> (path: String, warning: Diagnostic?) {
        let paths = searchPaths(program: program)
        guard let path = paths.first(where: host.fileExists) else {
            throw UsageError(
                "No config file found at default paths (\(paths.joined(separator: ", "))); "
                    + "use the -c option to specify a config file at a different path")
        }
        guard host.isRoot, !path.hasPrefix("/") else { return (path, nil) }
        let warning = Diagnostic(
            severity: .warning, file: path, line: 0,
            message: "root takes its configuration from the working directory; name it with -c and an absolute path")
        return (path, warning)
    }
}

/// One load: the document, what was found wrong with it, and what all sections share.
struct Loading {
    let mainFile: String
    let host: ConfigurationHost
    var document = Document()
    var diagnostics = DiagnosticList()
    var includedFiles: [String] = []
    /// `ENV_X` for the daemon's environment and, once it is read, `[supervisord] environment`.
    var environmentScope: [String: ExpansionValue]
    /// Slots made so far.
    var slotCount = 0
    /// Where in the result each group is.
    var groupIndices: [String: Int] = [:]
    /// Names that `[health:NAME]` may have.
    var healthNames: Set<String> = []
    /// The health sections, parsed once.
    var health = HealthSections()
    /// `serverurl=AUTO`.
    var serverURL: String?
    var daemonEnvironment: [String: String] = [:]
    /// Programs with an error in their own section, and how many errors these are.
    var refusedPrograms: [String] = []
    var programErrorCount = 0

    init(mainFile: String, host: ConfigurationHost) {
        self.mainFile = mainFile
        self.host = host
        environmentScope = [:]
        for (name, value) in host.environment { environmentScope["ENV_" + name] = .text(value) }
    }

    /// Every section in the order in which later ones need earlier ones.
    mutating func configuration(_ arguments: DaemonArguments) -> Configuration {
        warnOfUnknownNames()
        let daemon = daemonSettings(arguments)
        let unixServers = unixServers()
        let inetServers = inetServers()
        let warden = wardenSettings()
        serverURL = Self.serverURL(unixServers, inetServers, isTLS: warden.tlsCertificate != nil)
        health = healthSections()
        let groups = groups()
        refuseCycles()
        warnOfUnmatchedHealthSections()
        return Configuration(
            groups: groups, daemon: daemon, unixServers: unixServers, inetServers: inetServers, client: client(),
            alerts: alerts(), warden: warden, rpcNamespaces: rpcNamespaces())
    }

    /// supervisord prefers the first Unix socket, else takes the last TCP port.
    private static func serverURL(
        _ unixServers: [UnixServer], _ inetServers: [InetServer], isTLS: Bool
    ) -> String? {
        if let server = unixServers.first { return "unix://" + server.path }
        return inetServers.last.map { server in
            let host = server.host.isEmpty ? "localhost" : server.host
            // An IPv6 address has colons of its own.
            return "\(isTLS ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(server.port)"
        }
    }
}
