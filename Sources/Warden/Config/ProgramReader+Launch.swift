import WardenCore

/// The options that are expanded for each slot.
extension ProgramReader {
    /// `environment`, `directory` and `command`; the program's own variables expand in what follows them.
    mutating func launch(_ loading: inout Loading) -> LaunchSpec? {
        let files = environmentFiles(&loading)
        for (name, value) in files { view.scope["ENV_" + name] = .text(value) }
        let environment = environment(&loading)?.merging(files) { own, _ in own }
        for (name, value) in environment ?? [:] { view.scope["ENV_" + name] = .text(value) }
        let command = loading.readOptional("command", view) { (text) throws(ValueError) in
            (text: text, words: try Values.commandWords(text))
        }
        guard let environment, let command else { return nil }
        let arguments = command.words
        var launch = LaunchSpec(arguments: arguments)
        launch.commandText = command.text
        launch.directory = loading.readOptional("directory", view, Values.text)
        launch.environment = loading.daemonEnvironment.merging(environment) { _, own in own }
        warnIfMissing(arguments[0], of: launch, &loading)
        return launch
    }

    /// A command that is not there may come later, with a mount or a deployment: a warning, never an error. Relative
    /// paths are left to the start, which knows the directory.
    private func warnIfMissing(_ command: String, of launch: LaunchSpec, _ loading: inout Loading) {
        let exists = loading.host.isExecutable
        let isThere: Bool
        if command.hasPrefix("/") {
            isThere = exists(command)
        } else if command.contains("/") {
            return
        } else {
            let paths = [launch.environment["PATH"], loading.host.environment["PATH"]].compactMap { $0 }
            let directories = paths.flatMap { $0.split(separator: ":") }
            isThere = directories.isEmpty || directories.contains { exists("\($0)/\(command)") }
        }
        if !isThere { loading.warn("command", view, "there is no command \(quoted(command)) yet; it cannot start") }
    }

    private func environment(_ loading: inout Loading) -> [String: String]? {
        guard view.entry("environment") != nil else { return [:] }
        return loading.readOptional("environment", view, Values.environment)
    }
}

extension Loading {
    /// Where one stream goes.
    mutating func logSpec(_ stream: String, _ view: SectionView) -> LogSpec {
        let host = host
        let key = stream + "_logfile"
        let here = view.entry(key)?.here ?? ""
        var spec = LogSpec()
        spec.maximumBytes = read(key + "_maxbytes", view, default: spec.maximumBytes, Values.byteSize)
        spec.backupCount = read(key + "_backups", view, default: spec.backupCount, Values.count)
        spec.captureBytes = read(stream + "_capture_maxbytes", view, default: 0, Values.byteSize)
        spec.emitsEvents = read(stream + "_events_enabled", view, default: false, Values.boolean)
        spec.writesSyslog = read(stream + "_syslog", view, default: false, Values.boolean)
        spec.compresses = read("log_compress", view, default: false, Values.boolean)
        spec.prefix = read("log_prefix", view, default: nil, Values.linePrefix)
        let text = read(key, view, default: "AUTO") { Self.expandedAgain($0, view.scope, here) }
        switch text.lowercased() {
        case "auto":
            spec.destination = .automatic
            if spec.maximumBytes == 0, view.entry(key + "_maxbytes") != nil {
                warn(key + "_maxbytes", view, "an AUTO log without rotation can fill the file system; set it above 0")
            }
        case "none", "off", "": spec.destination = .none
        case "syslog":
            // As supervisord rewrites it.
            spec.destination = .none
            spec.writesSyslog = true
            warn(key, view, "this way of saying it is deprecated; write \(stream)_syslog=true and \(key)=NONE")
        default:
            do {
                spec.destination = .file(try Values.logPath(text, host))
            } catch {
                self.error(key, view, error.message)
            }
            let directory = Values.directory(of: Values.expandingHome(text, host))
            if !directory.isEmpty, !host.fileExists(directory) {
                warn(
                    key, view,
                    "the directory \(quoted(directory)) does not exist yet; it is made when the program starts")
            }
        }
        return spec
    }
}

extension Values {
    static func commandWords(_ text: String) throws(ValueError) -> [String] {
        let words = try ShellWords.split(text)
        guard words.first?.isEmpty == false else { throw ValueError("the command is empty") }
        guard words.allSatisfy({ $0.utf8.count < ConfigLimits.argumentBytes }) else {
            throw ValueError("an argument has \(ConfigLimits.argumentBytes) bytes or more, which the kernel refuses")
        }
        return words
    }

    static func autoRestart(_ text: String) throws(ValueError) -> SupervisionSpec.AutoRestart {
        switch text.lowercased() {
        case "yes", "true", "on", "1": return .always
        case "no", "false", "off", "0": return .never
        case "unexpected": return .unexpected
        default: throw ValueError("\(quoted(text)) is not true, false or unexpected")
        }
    }

    /// `nil` is `infinite`.
    static func startRetries(_ text: String) throws(ValueError) -> Int? {
        text.lowercased() == "infinite" ? nil : try count(text)
    }

    static func killTree(_ text: String) throws(ValueError) -> SupervisionSpec.KillTree {
        if text.lowercased() == "auto" { return .automatic }
        guard let flag = try? boolean(text) else {  // Its own message would not tell of `auto`.
            throw ValueError("\(quoted(text)) is not auto, yes or no")
        }
        return flag ? .yes : .no
    }

    /// `none` is `nil`.
    static func taskLimit(_ text: String) throws(ValueError) -> Int? {
        guard text.lowercased() != "none" else { return nil }
        let tasks = try integer(text)
        guard tasks > 0 else { throw ValueError("\(quoted(text)) must be more than 0; write none for no limit") }
        return tasks
    }

    static func readiness(_ text: String) throws(ValueError) -> SupervisionSpec.Readiness {
        switch text.lowercased() {
        case "startsecs": return .startSeconds
        case "notify": return .notify
        case "probe": return .probe
        case _ where text.hasPrefix("line:") && text.utf8.count > 5: return .line(String(text.dropFirst(5)))
        default: throw ValueError("\(quoted(text)) is not startsecs, notify, probe or line:REGEX")
        }
    }

    /// `SOFT[:HARD]`; without HARD the daemon's own hard limit stays, as a reserve for first aid.
    static func descriptorLimit(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> LaunchSpec.Limit {
        let halves = text.halves(around: ":")
        let soft = try integer(halves?.0 ?? text)
        guard soft >= 16 else { throw ValueError("\(soft) descriptors are too few; at least 16") }
        guard let halves else {
            return LaunchSpec.Limit(soft: UInt64(soft), hard: max(UInt64(soft), host.descriptorHardLimit))
        }
        let hard = try integer(halves.1)
        guard hard >= soft else { throw ValueError("the hard limit \(hard) is below the soft limit \(soft)") }
        return LaunchSpec.Limit(soft: UInt64(soft), hard: UInt64(hard))
    }
}
