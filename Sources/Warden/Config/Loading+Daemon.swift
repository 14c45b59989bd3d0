import WardenCore

/// `[supervisord]` and the switches over it.
extension Loading {
    mutating func daemonSettings(_ arguments: DaemonArguments) -> DaemonSettings {
        var settings = DaemonSettings(
            currentDirectory: host.currentDirectory, temporaryDirectory: temporaryDirectory())
        if let section = document.section("supervisord") {
            read(view(of: section), into: &settings)
        } else {
            diagnostics.error(
                Place(file: mainFile, line: 0),
                "the configuration has no [supervisord] section; add one, it may be empty")
        }
        apply(arguments, to: &settings)
        daemonEnvironment = settings.environment
        for (name, value) in settings.environment { environmentScope["ENV_" + name] = .text(value) }
        return settings
    }

    /// Where Python's tempfile would go.
    private func temporaryDirectory() -> String {
        let named = ["TMPDIR", "TEMP", "TMP"].compactMap { host.environment[$0] }
        return (named + ["/tmp", "/var/tmp", "/usr/tmp"]).first(where: host.isDirectory) ?? host.currentDirectory
    }

    private mutating func read(_ view: SectionView, into settings: inout DaemonSettings) {
        settings.log = read("logfile", view, default: settings.log, Values.daemonLog)
        settings.logMaximumBytes = read(
            "logfile_maxbytes", view, default: settings.logMaximumBytes, Values.byteSize)
        settings.logBackupCount = read("logfile_backups", view, default: settings.logBackupCount, Values.count)
        settings.logLevel = read("loglevel", view, default: settings.logLevel, Values.choice)
        settings.pidFile = read("pidfile", view, default: settings.pidFile, Values.absolutePath)
        settings.umask = read("umask", view, default: settings.umask, Values.octal)
        settings.isForeground = read("nodaemon", view, default: false, Values.boolean)
        settings.isSilent = read("silent", view, default: false, Values.boolean)
        settings.minimumDescriptors = read("minfds", view, default: settings.minimumDescriptors, Values.count)
        settings.minimumProcesses = read("minprocs", view, default: settings.minimumProcesses, Values.count)
        settings.keepsOldLogs = read("nocleanup", view, default: false, Values.boolean)
        settings.childLogDirectory = read(
            "childlogdir", view, default: settings.childLogDirectory, Values.absoluteDirectory)
        settings.user = readOptional("user", view, Values.user)
        settings.directory = readOptional("directory", view, Values.existingDirectory)
        settings.stripsANSI = read("strip_ansi", view, default: false, Values.boolean)
        settings.identifier = read("identifier", view, default: settings.identifier, Values.text)
        var environmentView = view
        environmentView.scope["host_node_name"] = .text(host.hostNodeName)
        let scope = environmentView.scope
        let here = view.entry("environment")?.here ?? ""
        settings.environment = read("environment", environmentView, default: [:]) { (text) throws(ValueError) in
            try Values.environment(Self.expandedAgain(text, scope, here))
        }
    }

    /// supervisord 4.3.0 expands some options twice, so that a plain `%` must be written `%%%%` there.
    ///
    /// Where the second expansion makes no sense, which supervisord refuses, the first one stands.
    static func expandedAgain(_ text: String, _ scope: [String: ExpansionValue], _ here: String) -> String {
        do {
            return try PythonFormat.expand(text) { $0 == "here" ? .text(here) : scope[$0] }
        } catch {
            return text
        }
    }

    private mutating func apply(_ arguments: DaemonArguments, to settings: inout DaemonSettings) {
        if let text = arguments.logFile {
            settings.log = switched("-l", text, settings.log, Values.daemonLog)
        }
        if let text = arguments.pidFile {
            settings.pidFile = switched("-j", text, settings.pidFile, Values.absolutePath)
        }
        if let text = arguments.childLogDirectory {
            settings.childLogDirectory = switched("-q", text, settings.childLogDirectory, Values.absoluteDirectory)
        }
        if let text = arguments.user {
            settings.user = switched("-u", text, settings.user, Values.user)
        }
        if let text = arguments.directory {
            settings.directory = switched("-d", text, settings.directory, Values.existingDirectory)
        }
        settings.logMaximumBytes = arguments.logMaximumBytes ?? settings.logMaximumBytes
        settings.logBackupCount = arguments.logBackupCount ?? settings.logBackupCount
        settings.logLevel = arguments.logLevel ?? settings.logLevel
        settings.umask = arguments.umask ?? settings.umask
        settings.isForeground = arguments.isForeground || settings.isForeground
        settings.isSilent = arguments.isSilent || settings.isSilent
        settings.minimumDescriptors = arguments.minimumDescriptors ?? settings.minimumDescriptors
        settings.minimumProcesses = arguments.minimumProcesses ?? settings.minimumProcesses
        settings.keepsOldLogs = arguments.keepsOldLogs || settings.keepsOldLogs
        settings.stripsANSI = arguments.stripsANSI || settings.stripsANSI
        settings.identifier = arguments.identifier ?? settings.identifier
        if arguments.profileOptions != nil {
            diagnostics.warn(.commandLine, "--profile_options is accepted and does nothing: it profiles Python")
        }
    }

    private mutating func switched<Value>(
        _ switchName: String, _ text: String, _ fallback: Value,
        _ convert: (String, ConfigurationHost) throws(ValueError) -> Value
    ) -> Value {
        do {
            return try convert(text, host)
        } catch {
            diagnostics.error(.commandLine, "\(switchName): \(error.message)")
            return fallback
        }
    }
}

extension Place {
    static let commandLine = Place(file: "command line", line: 0)
}

extension Values {
    static func daemonLog(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> DaemonSettings.Log {
        text == "syslog" ? .syslog : .file(normalizedPath(try logPath(text, host), host))
    }

    static func absolutePath(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        normalizedPath(try pathInExistingDirectory(text, host), host)
    }

    /// A directory of logs, which is made when it is not there.
    static func absoluteDirectory(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        let path = expandingHome(text, host)
        guard host.isDirectory(path) || !host.fileExists(path) else {
            throw ValueError("\(quoted(path)) is not a directory")
        }
        return normalizedPath(path, host)
    }
}
