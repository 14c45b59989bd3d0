/// A command line that makes no sense.
package struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let message: String

    /// - Parameter message: what is wrong.
    package init(_ message: String) {
        self.message = message
    }

    /// As supervisord puts it, to be printed on standard error with a newline.
    package var description: String { "Error: \(message)\nFor help, use warden -h" }

    /// How the daemon exits after it.
    package static let exitCode: Int32 = 2
}

/// The daemon's switches: all of supervisord's, and `--check` and `--shadow`.
///
/// What is `nil` or `false` leaves the file's value. Paths and users are checked when the configuration is loaded.
package struct DaemonArguments: Hashable, Sendable {
    /// What the command line asks for.
    package enum Request: Hashable, Sendable {
        /// Run, or with `isCheck` check the configuration.
        case run(DaemonArguments)
        /// Print the help text and exit 0.
        case help
        /// Print the version and exit 0.
        case version
    }

    /// `-c`, `--configuration`; `nil` searches.
    package var configuration: String?
    /// `-n`, `--nodaemon`.
    package var isForeground = false
    /// `-s`, `--silent`.
    package var isSilent = false
    /// `-u`, `--user`.
    package var user: String?
    /// `-m`, `--umask`.
    package var umask: UInt32?
    /// `-d`, `--directory`.
    package var directory: String?
    /// `-l`, `--logfile`.
    package var logFile: String?
    /// `-y`, `--logfile_maxbytes`.
    package var logMaximumBytes: Int64?
    /// `-z`, `--logfile_backups`.
    package var logBackupCount: Int?
    /// `-e`, `--loglevel`.
    package var logLevel: DaemonSettings.LogLevel?
    /// `-j`, `--pidfile`.
    package var pidFile: String?
    /// `-i`, `--identifier`.
    package var identifier: String?
    /// `-q`, `--childlogdir`.
    package var childLogDirectory: String?
    /// `-k`, `--nocleanup`.
    package var keepsOldLogs = false
    /// `-a`, `--minfds`.
    package var minimumDescriptors: Int?
    /// `--minprocs`.
    package var minimumProcesses: Int?
    /// `-t`, `--strip_ansi`.
    package var stripsANSI = false
    /// `--profile_options`: accepted, does nothing.
    package var profileOptions: String?
    /// `--check`: print every problem of the configuration and exit.
    package var isCheck = false
    /// `--shadow`: decide, record and tell, but do nothing.
    package var isShadow = false

    /// No switches.
    package init() {}

    /// Reads a command line.
    ///
    /// - Parameter arguments: without the program's own name.
    /// - Returns: what is asked for.
    /// - Throws: a usage error; asking for help or the version is none.
    package static func parse(_ arguments: [String]) throws(UsageError) -> Request {
        let options = try SwitchScanner.scan(arguments)
        var result = DaemonArguments()
        var seen: Set<String> = []
        for (option, value) in options {
            if option.kind == .help { return .help }
            if option.kind == .version { return .version }
            let written = value.isShort ? "-\(option.short ?? "?")" : "--\(option.long)"
            guard seen.insert(option.long).inserted else {
                throw UsageError("conflicting command line option '\(written)'")
            }
            do {
                try result.set(option.kind, value.text)
            } catch {
                throw UsageError("invalid value for \(written) \(quoted(value.text)): \(error.message)")
            }
        }
        return .run(result)
    }

    private mutating func set(_ kind: Switch.Kind, _ text: String) throws(ValueError) {
        switch kind {
        case .configuration: configuration = text
        case .foreground: isForeground = true
        case .silent: isSilent = true
        case .user: user = text
        case .umask: umask = try Values.octal(text)
        case .directory: directory = text
        case .logFile: logFile = text
        case .logMaximumBytes: logMaximumBytes = try Values.byteSize(text)
        case .logBackupCount: logBackupCount = try Values.count(text)
        case .logLevel: logLevel = try Values.choice(text)
        case .pidFile: pidFile = text
        case .identifier: identifier = text
        case .childLogDirectory: childLogDirectory = text
        case .keepOldLogs: keepsOldLogs = true
        case .minimumDescriptors: minimumDescriptors = try Values.count(text)
        case .minimumProcesses: minimumProcesses = try Values.count(text)
        case .stripANSI: stripsANSI = true
        case .profileOptions: profileOptions = text
        case .check: isCheck = true
        case .shadow: isShadow = true
        case .help, .version: break
        }
    }
}
