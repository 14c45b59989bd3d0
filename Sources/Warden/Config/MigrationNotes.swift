/// What is better under Warden, option by option, and what to do about what it refuses.
enum MigrationNotes {
    /// Why a section as a whole is better; `nil` when it is the same.
    static func section(_ name: String) -> String? {
        switch kind(of: name) {
        case "unix_http_server":
            "a second daemon on a live socket is refused, and a socket that vanished is made again"
        case "inet_http_server":
            "Host and Origin are checked, so that no web page can steer the daemon through a browser"
        case "supervisord": "a reload reads the new configuration first, and refuses a bad one while all goes on"
        case "eventlistener:": "an event that a listener rejects goes back to its own pool alone"
        case "fcgi-program:": "keeps its socket in a [group] too"
        default: nil
        }
    }

    /// Why an option is better; `nil` when it is the same.
    static func better(_ section: String, _ key: String, _ value: String) -> String? {
        let kind = kind(of: section)
        if ["unix_http_server", "inet_http_server"].contains(kind) { return server(key, value) }
        if kind == "supervisord" { return daemon(key) }
        guard ["program:", "eventlistener:", "fcgi-program:"].contains(kind) else { return nil }
        return program(key, value)
    }

    private static func server(_ key: String, _ value: String) -> String? {
        switch key {
        case "password": "compared in constant time"
        case "port" where value.contains("["): "IPv6 is served"
        default: nil
        }
    }

    private static func daemon(_ key: String) -> String? {
        switch key {
        case "logfile": "a full disk does not stop supervision; what was lost is counted and said"
        case "strip_ansi": "codes that come in two pieces are taken out, too"
        case "minfds": "programs get this limit, not the one that the daemon raised for itself"
        default: nil
        }
    }

    private static func program(_ key: String, _ value: String) -> String? {
        switch key {
        case "command": "a start that fails says at which step, and why"
        case "stdout_logfile", "stderr_logfile":
            value.hasPrefix("/dev/") || value.hasPrefix("/proc/")
                ? "written without \"Illegal seek\", whatever the limits of rotation say"
                : "a reader that stalls, or a disk that is full, holds up this program's log alone"
        case "stdout_capture_maxbytes", "stderr_capture_maxbytes":
            Int(value) == 0 ? nil : "nothing of what follows the closing token is lost at exit"
        case "stdout_syslog", "stderr_syslog": "a system log that is gone, or stuck, holds up nobody for long"
        case "startsecs", "stopwaitsecs": "measured on a clock that does not jump"
        default: nil
        }
    }

    /// What to do about a problem; `nil` when its message says so itself.
    static func remedy(_ message: String) -> String? {
        guard message.contains("Python plug-in") else { return nil }
        return "take the section out, if what it adds is not needed; otherwise stay with supervisord"
    }

    private static func kind(of section: String) -> String {
        SectionKind.all.first { $0.matches(section) }?.name ?? ""
    }
}
