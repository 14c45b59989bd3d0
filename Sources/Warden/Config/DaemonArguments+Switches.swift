/// One switch of the daemon.
struct Switch {
    enum Kind {
        case help, version, configuration, foreground, silent, user, umask, directory, logFile, logMaximumBytes
        case logBackupCount, logLevel, pidFile, identifier, childLogDirectory, keepOldLogs, minimumDescriptors
        case minimumProcesses, stripANSI, profileOptions, check, shadow
    }

    var kind: Kind
    var short: Character?
    var long: String
    /// What the help text calls its argument; `nil` when it takes none.
    var argument: String?
    var help: String
    /// Warden's own switches are taken only in full, so that supervisord's abbreviations stay what they were.
    var isWarden = false

    static let all: [Switch] = [
        Switch(.configuration, "c", "configuration", "FILENAME", "configuration file path (searches if not given)"),
        Switch(.foreground, "n", "nodaemon", nil, "run in the foreground (same as 'nodaemon=true')"),
        Switch(.silent, "s", "silent", nil, "no logs to stdout (same as 'silent=true')"),
        Switch(.help, "h", "help", nil, "print this usage message and exit (-? does the same)"),
        Switch(.version, "v", "version", nil, "print the version and exit"),
        Switch(.user, "u", "user", "USER", "run the daemon as this user (or numeric uid)"),
        Switch(.umask, "m", "umask", "UMASK", "use this umask when daemonized (default is 022)"),
        Switch(.directory, "d", "directory", "DIRECTORY", "directory to change to when daemonized"),
        Switch(.logFile, "l", "logfile", "FILENAME", "write the daemon's own log to FILENAME"),
        Switch(.logMaximumBytes, "y", "logfile_maxbytes", "BYTES", "limit the size of the log file"),
        Switch(.logBackupCount, "z", "logfile_backups", "NUM", "number of rotated log files to keep"),
        Switch(.logLevel, "e", "loglevel", "LEVEL", "critical, error, warn, info, debug, trace or blather"),
        Switch(.pidFile, "j", "pidfile", "FILENAME", "write the daemon's pid to FILENAME"),
        Switch(.identifier, "i", "identifier", "STR", "identifier used for this instance of the daemon"),
        Switch(.childLogDirectory, "q", "childlogdir", "DIRECTORY", "the directory for AUTO logs of workers"),
        Switch(.keepOldLogs, "k", "nocleanup", nil, "do not remove old AUTO logs at startup"),
        Switch(.minimumDescriptors, "a", "minfds", "NUM", "the number of file descriptors needed to start"),
        Switch(.stripANSI, "t", "strip_ansi", nil, "remove ANSI escape sequences from workers' output"),
        Switch(.minimumProcesses, nil, "minprocs", "NUM", "the number of processes needed to start"),
        Switch(.profileOptions, nil, "profile_options", "OPTIONS", "accepted for compatibility; does nothing"),
        Switch(.check, nil, "check", nil, "print every problem of the configuration and exit: 2 on errors, 0 without"),
        Switch(.shadow, nil, "shadow", nil, "decide, record and tell what would be done for health, but do nothing"),
    ]

    init(_ kind: Kind, _ short: Character?, _ long: String, _ argument: String?, _ help: String) {
        self.kind = kind
        self.short = short
        self.long = long
        self.argument = argument
        self.help = help
        isWarden = kind == .check || kind == .shadow
    }
}

extension DaemonArguments {
    /// What `-h` prints, ending in a newline.
    package static let help: String = {
        let lines = Switch.all.map { option in
            let names = (option.short.map { "-\($0)/" } ?? "") + "--" + option.long
            let argument = option.argument.map { " " + $0 } ?? ""
            return "\(names)\(argument) -- \(option.help)\n"
        }
        return "warden -- run and watch a set of workers.\n\nUsage: warden [options]\n\nOptions:\n" + lines.joined()
    }()
}

/// getopt(3) as Python has it: short clusters, long names by any unambiguous beginning.
struct SwitchScanner {
    struct Value {
        var text: String
        var isShort: Bool
    }

    private var rest: ArraySlice<String>
    private var found: [(Switch, Value)] = []

    static func scan(_ arguments: [String]) throws(UsageError) -> [(Switch, Value)] {
        var scanner = SwitchScanner(rest: arguments[...])
        try scanner.run()
        return scanner.found
    }

    private init(rest: ArraySlice<String>) {
        self.rest = rest
    }

    private mutating func run() throws(UsageError) {
        while let word = rest.first, word.hasPrefix("-"), word != "-" {
            rest = rest.dropFirst()
            if word == "--" { break }
            if word.hasPrefix("--") {
                try takeLong(String(word.dropFirst(2)))
            } else {
                try takeShort(word.dropFirst())
            }
        }
        guard rest.isEmpty else {
            let list = rest.map(quoted).joined(separator: ", ")
            throw UsageError("positional arguments are not supported: [\(list)]")
        }
    }

    private mutating func takeShort(_ cluster: Substring) throws(UsageError) {
        var cluster = cluster
        while let letter = cluster.popFirst() {
            let match = letter == "?" ? Switch.all.first { $0.kind == .help } : Switch.all.first { $0.short == letter }
            guard let match else { throw UsageError("option -\(letter) not recognized") }
            guard match.argument != nil else {
                found.append((match, Value(text: "", isShort: true)))
                continue
            }
            let text: String
            if !cluster.isEmpty {
                text = String(cluster)
                cluster = ""
            } else if let next = rest.popFirst() {
                text = next
            } else {
                throw UsageError("option -\(letter) requires argument")
            }
            found.append((match, Value(text: text, isShort: true)))
        }
    }

    private mutating func takeLong(_ word: String) throws(UsageError) {
        let equals = word.firstIndex(of: "=")
        let name = String(word[..<(equals ?? word.endIndex)])
        let given = equals.map { String(word[$0...].dropFirst()) }
        let match = try option(named: name)
        guard match.argument != nil else {
            guard given == nil else { throw UsageError("option --\(match.long) must not have an argument") }
            found.append((match, Value(text: "", isShort: false)))
            return
        }
        guard let text = given ?? rest.popFirst() else {
            throw UsageError("option --\(match.long) requires argument")
        }
        found.append((match, Value(text: text, isShort: false)))
    }

    private func option(named name: String) throws(UsageError) -> Switch {
        if let exact = Switch.all.first(where: { $0.long == name }) { return exact }
        let matches = Switch.all.filter { !$0.isWarden && $0.long.hasPrefix(name) }
        guard let match = matches.first else {
            let hint = Spelling.suggestion(for: name, among: Switch.all.map(\.long))
            throw UsageError("option --\(name) not recognized\(hint)")
        }
        guard matches.count == 1 else { throw UsageError("option --\(name) not a unique prefix") }
        return match
    }
}
