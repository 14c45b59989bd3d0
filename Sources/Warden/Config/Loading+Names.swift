/// Which keys a section may have, and whose section it is.
struct SectionKind {
    /// The whole name, or with a colon at its end the beginning of it.
    var name: String
    /// supervisord ignores what it does not know, and other tools keep theirs there; Warden's own sections are strict.
    var isWarden = false
    /// `nil`: any key.
    var keys: Set<String>?

    func matches(_ section: String) -> Bool {
        name.hasSuffix(":") ? section.hasPrefix(name) : section == name || isServer && section.hasPrefix(name)
    }

    private var isServer: Bool { name.hasSuffix("_http_server") }

    static let all: [SectionKind] = [
        SectionKind(
            name: "supervisord",
            keys: [
                "logfile", "logfile_maxbytes", "logfile_backups", "loglevel", "pidfile", "umask", "nodaemon", "silent",
                "minfds", "minprocs", "nocleanup", "childlogdir", "user", "directory", "strip_ansi", "environment",
                "identifier",
            ]),
        SectionKind(name: "supervisorctl", keys: ["serverurl", "username", "password", "prompt", "history_file"]),
        SectionKind(name: "unix_http_server", keys: ["file", "chmod", "chown", "username", "password"]),
        SectionKind(name: "inet_http_server", keys: ["port", "username", "password"]),
        SectionKind(name: "include", keys: ["files"]),
        SectionKind(name: "program:", keys: program),
        SectionKind(
            name: "eventlistener:", keys: program.union(["events", "buffer_size", "event_length", "result_handler"])),
        SectionKind(
            name: "fcgi-program:",
            keys: program.union([
                "socket", "socket_owner", "socket_mode", "socket_backlog",
            ])),
        SectionKind(name: "group:", keys: ["programs", "priority"]),
        SectionKind(name: "rpcinterface:", keys: nil),
        SectionKind(name: "ctlplugin:", keys: nil),
        SectionKind(
            name: "warden", isWarden: true,
            keys: [
                "history", "history_keep", "record_samples", "cgroup", "metrics", "journal", "readers",
                "tcp_without_password",
                "host_pressure", "shared_cause",
                "tls_certificate", "tls_key",
            ]),
        SectionKind(name: "health", isWarden: true, keys: Set(HealthKeys.all.keys)),
        SectionKind(name: "health:", isWarden: true, keys: Set(HealthKeys.all.keys)),
        SectionKind(
            name: "alert:", isWarden: true,
            keys: [
                "url", "format", "events", "secret", "timeout", "retry_for", "include_log",
            ]),
    ]

    private static let program: Set<String> = [
        "command", "process_name", "numprocs", "numprocs_start", "priority", "autostart", "startsecs", "startretries",
        "autorestart", "exitcodes", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup", "user",
        "redirect_stderr", "stdout_logfile", "stdout_logfile_maxbytes", "stdout_logfile_backups",
        "stdout_capture_maxbytes", "stdout_events_enabled", "stdout_syslog", "stderr_logfile",
        "stderr_logfile_maxbytes", "stderr_logfile_backups", "stderr_capture_maxbytes", "stderr_events_enabled",
        "stderr_syslog", "environment", "directory", "umask", "serverurl",
        "depends_on", "env_file", "restart_delay", "max_backoff", "ready", "stop_command", "log_prefix",
        "log_compress", "rlimit_nofile", "kill_tree", "memory_max", "tasks_max", "essential",
    ]
}

extension Loading {
    mutating func warnOfUnknownNames() {
        for section in document.sections {
            guard let kind = SectionKind.all.first(where: { $0.matches(section.name) }) else {
                warnOfUnknownSection(section)
                continue
            }
            if kind.name == "ctlplugin:" {
                diagnostics.warn(
                    section.place,
                    "[\(section.name)] is for supervisorctl, which works on Warden's socket; "
                        + "wardenctl cannot load plug-ins"
                )
            }
            for (key, entry) in section.entries { check(key, entry, section, kind) }
        }
    }

    private mutating func warnOfUnknownSection(_ section: Section) {
        let written = section.argument.map { String(section.name.dropLast($0.count)) } ?? section.name
        let names = SectionKind.all.map(\.name)
        // A name in the wrong case, or with a slip, or without its colon.
        let hint = Spelling.nearest(to: written, among: names).map { name in
            let meant = name.hasSuffix(":") ? name + (section.argument ?? "NAME") : name
            return "; did you mean [\(meant)]?"
        }
        diagnostics.warn(section.place, "unknown section [\(section.name)] is ignored\(hint ?? "")")
    }

    private mutating func check(_ key: String, _ entry: Entry, _ section: Section, _ kind: SectionKind) {
        guard let keys = kind.keys, !keys.contains(key) else { return }
        let message: String
        if key.hasPrefix("[") {
            message = "\(quoted(key + ":" + entry.value)) looks like a section header without its closing ]"
        } else {
            let hint = Spelling.suggestion(for: key, among: keys.sorted())
            message = "unknown key \(quoted(key))\(kind.isWarden ? "" : " is ignored")\(hint)"
        }
        if kind.isWarden {
            diagnostics.error(entry.place, "[\(section.name)] \(message)")
        } else {
            diagnostics.warn(entry.place, "[\(section.name)] \(message)")
        }
    }
}
