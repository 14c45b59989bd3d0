package import WardenCore

/// A whole configuration, validated and resolved: nothing in it needs the host again.
package struct Configuration: Hashable, Sendable {
    /// `[group:x]` sections in their order, then programs, event listeners and fcgi-programs outside any group, each a
    /// group of its own.
    package var groups: [GroupSpec]
    /// `[supervisord]`, with the command line's switches over it.
    package var daemon: DaemonSettings
    /// `[unix_http_server]` sections.
    package var unixServers: [UnixServer]
    /// `[inet_http_server]` sections.
    package var inetServers: [InetServer]
    /// `[supervisorctl]`; `nil` when there is none.
    package var client: ClientSettings?
    /// `[alert:NAME]` sections.
    package var alerts: [AlertSettings]
    /// `[warden]`.
    package var warden: WardenSettings
    /// The XML-RPC namespaces of `[rpcinterface:x]` sections with supervisord's own factory.
    package var rpcNamespaces: [String]

    /// - Parameters: as the properties of the same names.
    package init(
        groups: [GroupSpec], daemon: DaemonSettings, unixServers: [UnixServer] = [], inetServers: [InetServer] = [],
        client: ClientSettings? = nil, alerts: [AlertSettings] = [], warden: WardenSettings = WardenSettings(),
        rpcNamespaces: [String] = []
    ) {
        self.groups = groups
        self.daemon = daemon
        self.unixServers = unixServers
        self.inetServers = inetServers
        self.client = client
        self.alerts = alerts
        self.warden = warden
        self.rpcNamespaces = rpcNamespaces
    }
}

/// `[supervisord]`.
package struct DaemonSettings: Hashable, Sendable {
    /// Where the daemon's own log goes.
    package enum Log: Hashable, Sendable {
        /// A file, absolute.
        case file(String)
        /// `syslog`.
        case syslog
    }

    /// `loglevel`, the most important first.
    package enum LogLevel: String, Hashable, Sendable, CaseIterable {
        /// What needs a person, down to what only a developer wants; each level includes those before it.
        case critical, error, warn, info, debug, trace, blather
    }

    /// `logfile` (default `supervisord.log` in the working directory).
    package var log: Log
    /// `logfile_maxbytes`; 0 never rotates (default 50 MB).
    package var logMaximumBytes: Int64 = 50 << 20
    /// `logfile_backups` (default 10).
    package var logBackupCount = 10
    /// `loglevel` (default info).
    package var logLevel = LogLevel.info
    /// `pidfile`, absolute (default `supervisord.pid` in the working directory).
    package var pidFile: String
    /// `umask`, applied only when daemonizing (default 022).
    package var umask: UInt32 = 0o022
    /// `nodaemon`: stay in the foreground (default false).
    package var isForeground = false
    /// `silent`: in the foreground, no log on standard output (default false).
    package var isSilent = false
    /// `minfds`: descriptors that the daemon must be able to open (default 1024).
    package var minimumDescriptors = 1024
    /// `minprocs`: processes that the daemon must be able to start (default 200).
    package var minimumProcesses = 200
    /// `nocleanup`: keep old AUTO logs at start (default false).
    package var keepsOldLogs = false
    /// `childlogdir`: where AUTO logs go (default the directory for temporary files).
    package var childLogDirectory: String
    /// `user` (default none: the daemon stays who it is).
    package var user: LaunchSpec.Identity?
    /// `directory`, entered only when daemonizing (default none).
    package var directory: String?
    /// `strip_ansi`: remove escape sequences from workers' logs (default false).
    package var stripsANSI = false
    /// `environment`: added to every worker's; already in each `LaunchSpec` (default empty).
    package var environment: [String: String] = [:]
    /// `identifier` (default `supervisor`).
    package var identifier = "supervisor"

    /// The defaults of supervisord 4.3.0.
    /// - Parameters:
    ///   - currentDirectory: the daemon's working directory, absolute.
    ///   - temporaryDirectory: the directory for temporary files.
    package init(currentDirectory: String, temporaryDirectory: String) {
        let base = currentDirectory == "/" ? "" : currentDirectory
        log = .file(base + "/supervisord.log")
        pidFile = base + "/supervisord.pid"
        childLogDirectory = temporaryDirectory
    }
}

/// A user name and a password: plain, as `{SHA}` and a hexadecimal digest, or as `{PBKDF2-SHA256}` and its three parts.
package struct ServerCredentials: Hashable, Sendable {
    /// The user's name.
    package var username: String
    /// The password as the file has it: never logged, listed or sent.
    package var password: String

    /// - Parameters: as the properties of the same names.
    package init(username: String, password: String) {
        self.username = username
        self.password = password
    }
}

/// `[unix_http_server]`.
package struct UnixServer: Hashable, Sendable {
    /// The part of the section's name after the colon; `nil` without one.
    package var name: String?
    /// `file`, absolute.
    package var path: String
    /// `chmod` (default 0700).
    package var mode: UInt32
    /// The user of `chown`; `nil` leaves it.
    package var ownerID: UInt32?
    /// The group of `chown`; `nil` leaves it.
    package var groupID: UInt32?
    /// `username` and `password`; `nil` without.
    package var credentials: ServerCredentials?

    /// - Parameters: as the properties of the same names.
    package init(
        name: String? = nil, path: String, mode: UInt32 = 0o700, ownerID: UInt32? = nil, groupID: UInt32? = nil,
        credentials: ServerCredentials? = nil
    ) {
        self.name = name
        self.path = path
        self.mode = mode
        self.ownerID = ownerID
        self.groupID = groupID
        self.credentials = credentials
    }
}

/// `[inet_http_server]`.
package struct InetServer: Hashable, Sendable {
    /// The part of the section's name after the colon; `nil` without one.
    package var name: String?
    /// The host of `port`, lower case; empty for every address.
    package var host: String
    /// The number of `port`, from 1 to 65535.
    package var port: Int
    /// `username` and `password`; `nil` without.
    package var credentials: ServerCredentials?

    /// - Parameters: as the properties of the same names.
    package init(name: String? = nil, host: String, port: Int, credentials: ServerCredentials? = nil) {
        self.name = name
        self.host = host
        self.port = port
        self.credentials = credentials
    }
}

/// `[supervisorctl]`.
package struct ClientSettings: Hashable, Sendable {
    /// `serverurl`: `http://…` or `unix://` and an absolute path (default `http://localhost:9001`).
    package var serverURL = "http://localhost:9001"
    /// `username` (default none).
    package var username: String?
    /// `password` (default none).
    package var password: String?
    /// `prompt` (default `supervisor`).
    package var prompt = "supervisor"
    /// `history_file`, absolute (default none).
    package var historyFile: String?

    /// supervisorctl's defaults.
    package init() {}
}
