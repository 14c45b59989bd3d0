/// Everything that the configuration says of one slot, resolved: the part that supervises, the part that launches, the
/// part that captures and the part that watches.
///
/// Two specs are equal when nothing that matters to a running worker differs; `update` restarts only those that differ.
package struct ProgramSpec: Hashable, Codable, Sendable {
    /// The slot's name.
    package var name: SlotName
    /// The name in `[program:NAME]`; `[health:NAME]` sections refer to it.
    package var program: String
    /// When to start, restart and stop.
    package var supervision: SupervisionSpec
    /// What to execute, and as whom.
    package var launch: LaunchSpec
    /// Where standard output goes.
    package var standardOutput: LogSpec
    /// Where standard error goes; `nil` when `redirect_stderr` sends it into standard output.
    package var standardError: LogSpec?
    /// How it is watched and what is done about what is seen.
    package var health: HealthSpec

    /// - Parameters: as the properties of the same names.
    package init(
        name: SlotName, program: String, supervision: SupervisionSpec, launch: LaunchSpec, standardOutput: LogSpec,
        standardError: LogSpec?, health: HealthSpec
    ) {
        self.name = name
        self.program = program
        self.supervision = supervision
        self.launch = launch
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.health = health
    }
}

/// When a slot starts, restarts and stops: supervisord's options of the same names.
package struct SupervisionSpec: Hashable, Codable, Sendable {
    /// What an exit after RUNNING leads to.
    package enum AutoRestart: String, Hashable, Codable, Sendable {
        /// Never restarted.
        case never = "false"
        /// Restarted when the exit code is not in `exitCodes`, or a signal ended it.
        case unexpected
        /// Always restarted.
        case always = "true"
    }

    /// Which processes a stop reaches.
    package enum KillTree: String, Hashable, Codable, Sendable {
        /// The whole tree for programs that a `[health:NAME]` section names, else supervisord's stopasgroup rule.
        case automatic = "auto"
        /// The whole tree.
        case yes
        /// The main process, or its group as `stopasgroup` and `killasgroup` say.
        case no
    }

    /// `ready`: what makes a program that was started RUNNING.
    package enum Readiness: Hashable, Codable, Sendable {
        /// It stayed up for longer than `startsecs`.
        case startSeconds
        /// `READY=1` on its own NOTIFY_SOCKET.
        case notify
        /// A line of its output that matches a regular expression.
        case line(String)
        /// The first success of the `probe` of its health section.
        case probe

        /// As log lines and errors call it.
        package var word: String {
            switch self {
            case .startSeconds: "startsecs"
            case .notify: "notify"
            case .line: "line"
            case .probe: "probe"
            }
        }
    }

    /// `priority`: low starts first and stops last.
    package var priority: Int = 999
    /// `depends_on`: names of programs and groups, all of whose slots must be ready before this one starts.
    package var dependsOn: [String] = []
    /// `ready`. Unless it is `startsecs`, `startSeconds` is the time-out of the readiness; 0 waits for ever.
    package var readiness: Readiness = .startSeconds
    /// `restart_delay`: before a start that follows an exit or a failed start, doubled with each one more in a row up
    /// to `maximumBackoff`; `nil` is supervisord's rule (at once after an exit, n seconds after the nth failed start).
    package var restartDelay: Duration?
    /// `max_backoff`: the longest of these delays; `nil` is `Limits.linearBackoff` or `Limits.doublingBackoff`.
    package var maximumBackoff: Duration?
    /// `essential`: the daemon stops everything and exits non-zero when this one is down for good.
    package var isEssential = false
    /// `stop_command`: run before the stop signal, as the program's user in its environment.
    package var stopCommand: String?
    /// `autostart`.
    package var autostart = true
    /// `autorestart`.
    package var autorestart: AutoRestart = .unexpected
    /// `startsecs`: RUNNING after staying up longer than this; with another readiness, the time-out for it.
    package var startSeconds: Duration = .seconds(1)
    /// `startretries`: failed starts before FATAL; `nil` is `infinite`.
    package var startRetries: Int? = 3
    /// `exitcodes`: the expected ones.
    package var exitCodes: Set<Int32> = [0]
    /// `stopsignal`.
    package var stopSignal = Signal.terminate
    /// `stopwaitsecs`: from the stop signal to SIGKILL, and between SIGKILLs.
    package var stopWait: Duration = .seconds(10)
    /// `stopasgroup`: the stop signal goes to the process group.
    package var stopAsGroup = false
    /// `killasgroup`: SIGKILL goes to the process group.
    package var killAsGroup = false
    /// `kill_tree`.
    package var killTree: KillTree = .automatic
    /// True when a `[health:NAME]` section names the program or its group; decides `killTree == .automatic`.
    package var isNamedByHealthSection = false

    /// The defaults of supervisord 4.3.0.
    package init() {}

    /// Whether ending this worker means ending its whole tree.
    package var endsTree: Bool {
        switch killTree {
        case .yes: true
        case .no: false
        case .automatic: isNamedByHealthSection
        }
    }
}

/// What to execute, and as whom. Nothing in it needs to be looked up again when a worker starts.
package struct LaunchSpec: Hashable, Codable, Sendable {
    /// A user and groups, resolved when the configuration was loaded.
    package struct Identity: Hashable, Codable, Sendable {
        /// The user's name, for messages and initgroups.
        package var name: String
        /// User id.
        package var userID: UInt32
        /// Primary group id.
        package var groupID: UInt32
        /// Supplementary group ids, the primary one included.
        package var groupIDs: [UInt32]

        /// - Parameters: as the properties of the same names.
        package init(name: String, userID: UInt32, groupID: UInt32, groupIDs: [UInt32]) {
            self.name = name
            self.userID = userID
            self.groupID = groupID
            self.groupIDs = groupIDs
        }
    }

    /// A soft and a hard limit.
    package struct Limit: Hashable, Codable, Sendable {
        /// The limit that the kernel enforces.
        package var soft: UInt64
        /// The ceiling of the soft one.
        package var hard: UInt64

        /// - Parameters:
        ///   - soft: the limit that the kernel enforces.
        ///   - hard: the ceiling of the soft one.
        package init(soft: UInt64, hard: UInt64) {
            self.soft = soft
            self.hard = hard
        }
    }

    /// `command`, split into arguments. The first is searched in the worker's PATH unless it has a slash.
    package var arguments: [String]
    /// `command` as it stands in the configuration, expanded.
    package var commandText: String
    /// `directory`; `nil` is the daemon's own.
    package var directory: String?
    /// `umask`; `nil` inherits.
    package var umask: UInt32?
    /// `user`; `nil` keeps the daemon's own.
    package var user: Identity?
    /// The program's own and `[supervisord]`'s variables, later ones winning; added to the daemon's environment.
    package var environment: [String: String]
    /// `serverurl` as given to the child in SUPERVISOR_SERVER_URL; `nil` when there is no server.
    package var serverURL: String?
    /// `serverurl` is the program's own, and not AUTO.
    package var hasOwnServerURL = false
    /// `rlimit_nofile`; `nil` keeps what the daemon was started with.
    package var descriptorLimit: Limit?
    /// `memory_max` and `tasks_max`; `nil` without either.
    package var ceilings: ResourceCeilings?
    /// The socket that is the standard input of every process of an `[fcgi-program:x]`; `nil` for others.
    package var socket: SharedSocketSpec?
    /// Its standard output is the protocol of event listeners.
    package var isListener = false

    /// - Parameter arguments: the command and its arguments, at least one.
    package init(arguments: [String]) {
        self.arguments = arguments
        commandText = arguments.joined(separator: " ")
        environment = [:]
    }
}

/// What a worker and all that it starts may have together, held by the kernel where the worker has a cgroup with the
/// controllers for it.
package struct ResourceCeilings: Hashable, Codable, Sendable {
    /// `memory_max` in bytes; beyond it the kernel kills the worker with its whole tree.
    package var memoryBytes: Int64?
    /// `tasks_max`: processes and threads; beyond it fork(2) and clone(2) fail with EAGAIN.
    package var tasks: Int?

    /// - Parameters: as the properties of the same names.
    package init(memoryBytes: Int64? = nil, tasks: Int? = nil) {
        self.memoryBytes = memoryBytes
        self.tasks = tasks
    }

    /// The cgroup controllers that hold them.
    package var controllers: [String] {
        (memoryBytes == nil ? [] : ["memory"]) + (tasks == nil ? [] : ["pids"])
    }
}

/// A socket that listens, and that all processes of one `[fcgi-program:x]` share.
package struct SharedSocketSpec: Hashable, Codable, Sendable {
    /// Where it listens.
    package enum Address: Hashable, Codable, Sendable {
        /// `tcp://HOST:PORT`.
        case tcp(host: String, port: UInt16)
        /// `unix://` and an absolute path.
        case unix(path: String)

        /// As it is written in the configuration.
        package var url: String {
            switch self {
            case .tcp(let host, let port): "tcp://\(host):\(port)"
            case .unix(let path): "unix://\(path)"
            }
        }
    }

    /// Where it listens.
    package var address: Address
    /// The file's user of `socket_owner`, else of `user`; `nil` leaves it.
    package var ownerID: UInt32?
    /// The file's group of `socket_owner`, else of `user`; `nil` leaves it.
    package var groupID: UInt32?
    /// `socket_mode` of the file.
    package var mode: UInt32
    /// `socket_backlog`, from 1 to 65535; `nil` is the largest.
    package var backlog: Int32?

    /// - Parameters: as the properties of the same names.
    package init(
        address: Address, ownerID: UInt32? = nil, groupID: UInt32? = nil, mode: UInt32 = 0o700, backlog: Int32? = nil
    ) {
        self.address = address
        self.ownerID = ownerID
        self.groupID = groupID
        self.mode = mode
        self.backlog = backlog
    }
}

/// Where one stream of a worker goes.
package struct LogSpec: Hashable, Codable, Sendable {
    /// The kinds of destination.
    package enum Destination: Hashable, Codable, Sendable {
        /// `NONE`: read and dropped (it still counts as a heartbeat).
        case none
        /// `AUTO`: a file named by the daemon in `childlogdir`.
        case automatic
        /// A file, fifo or device.
        case file(String)
    }

    /// Where it goes.
    package var destination: Destination = .automatic
    /// `*_logfile_maxbytes`; 0 never rotates.
    package var maximumBytes: Int64 = 50 * 1024 * 1024
    /// `*_logfile_backups`; 0 truncates in place.
    package var backupCount: Int = 10
    /// `*_capture_maxbytes`: the last so many bytes between the tokens of capture mode make an event; 0 is off.
    package var captureBytes: Int64 = 0
    /// `*_events_enabled`: everything that is written makes PROCESS_LOG events.
    package var emitsEvents = false
    /// `*_syslog`: each line goes to the system log, too.
    package var writesSyslog = false
    /// `log_prefix`: what stands before each line; `nil` is nothing.
    package var prefix: LinePrefix?
    /// `log_compress`: rotated files are compressed.
    package var compresses = false

    /// The defaults of supervisord 4.3.0: AUTO, 50 MB, 10 backups.
    package init() {}
}

/// A group: slots that are started, stopped and kept available together.
package struct GroupSpec: Hashable, Codable, Sendable {
    /// The group's name.
    package var name: String
    /// `priority` of the group: low starts first and stops last.
    package var priority: Int
    /// Its slots, in the order of the configuration.
    package var programs: [ProgramSpec]
    /// At most so many without an outcome because of Warden's own decisions.
    package var maximumUnavailable: Share
    /// What its processes listen to; `nil` unless it is an `[eventlistener:x]`.
    package var pool: PoolSpec?

    /// - Parameters: as the properties of the same names.
    package init(name: String, priority: Int, programs: [ProgramSpec], maximumUnavailable: Share = .count(1)) {
        self.name = name
        self.priority = priority
        self.programs = programs
        self.maximumUnavailable = maximumUnavailable
    }
}
