/// How a worker's process ended, from waitid(2).
package enum ExitStatus: Hashable, Codable, Sendable {
    /// It exited with a code, 0 to 255.
    case code(Int32)
    /// A signal ended it.
    case signal(Int32, coreDumped: Bool)
    /// It ended where its status could not be had.
    case unknown
}

/// Why a worker could not be started: the step of the way to execve(2) that failed, and its errno.
package struct SpawnFailure: Error, Hashable, Codable, Sendable {
    /// The steps, in order. The daemon's own come first, then the child's.
    package enum Stage: String, Hashable, Codable, Sendable, CaseIterable {
        /// The command was not found, or is not executable.
        case lookUp = "look up command"
        /// A log file could not be opened.
        case openLog = "open log"
        /// A pipe could not be made.
        case pipe = "make pipes"
        /// The socket of an fcgi-program could not be made.
        case socket = "make socket"
        /// clone3(2) failed.
        case clone = "clone"
        case processGroup = "set process group"
        case signals = "reset signals"
        case limits = "set resource limits"
        case descriptors = "set up descriptors"
        case groups = "set groups"
        case user = "set user"
        case directory = "change directory"
        case umask = "set umask"
        case execute = "execute"
        /// The child did not reach execve(2) before its deadline; the stage it stuck at is in `subject`.
        case stuck = "spawn stuck"
    }

    /// The step that failed.
    package var stage: Stage
    /// The errno, 0 when there is none (`stuck`).
    package var errorNumber: Int32
    /// The path or name that it was about, empty when there is none.
    package var subject: String
    /// The errno in words, from strerror(3).
    package var explanation: String

    /// The host or the daemon had not enough of something: EAGAIN (processes), ENOMEM, ENFILE, EMFILE, ENOBUFS, or
    /// ENOSPC for a log. The program is not to blame, and a later try may well succeed.
    package var isShortage: Bool {
        switch errorNumber {
        case 11, 12, 23, 24, 105: true
        case 28: stage == .openLog
        default: false
        }
    }

    /// - Parameters: as the properties of the same names.
    package init(stage: Stage, errorNumber: Int32, subject: String, explanation: String) {
        self.stage = stage
        self.errorNumber = errorNumber
        self.subject = subject
        self.explanation = explanation
    }
}

/// What happened to one worker.
package enum WorkerFact: Hashable, Sendable {
    /// execve(2) succeeded.
    case spawned(pid: Int32)
    /// It never ran; nothing of it is left.
    case spawnFailed(SpawnFailure)
    /// Its main process was reaped.
    case exited(ExitStatus)
    /// A signal could not be delivered: an errno other than ESRCH.
    case signalFailed(Int32)
    /// The sampler read it.
    case sampled(Sample)
    /// The pump read its output.
    case logged(LogFacts)
    /// `WATCHDOG=1` arrived on its own NOTIFY_SOCKET.
    case beat
    /// It has said that it is ready: `READY=1`, or the line of `ready = line:`.
    case becameReady
    /// Its forensics were collected, or their budget ran out.
    case forensicsCollected(Forensics)
    /// A hook of it ended.
    case hookEnded(Hook, HookResult)
    /// An event listener said something in its protocol.
    case said([ListenerWord])
    /// Nothing can be written to its standard input any more, and an event was to be.
    case inputClosed
    /// Its descriptors were counted by kind.
    case censusTaken([Forensics.KindCount])
    /// What its threads wait for was read.
    case waitsRead(WaitReport)
    /// First aid was given, or could not be.
    case descriptorLimitRaised(LimitRaise)
    /// For a drill its limit was lowered, or could not be.
    case descriptorLimitLowered(LimitLowering)
    /// What is left of it after its end was looked at, before its slot starts again.
    case respawnPrepared(RespawnReport)
}

/// What a worker wrote, for listeners that subscribe to it.
package struct WorkerOutput: Hashable, Codable, Sendable {
    /// As what it is told.
    package enum Kind: Hashable, Codable, Sendable {
        /// PROCESS_LOG_…: as it was read.
        case log
        /// PROCESS_COMMUNICATION_…: what stood between the two tokens.
        case communication
    }

    /// Who wrote it; its generation may be over.
    package var worker: WorkerID
    /// The process that its pipe was given to.
    package var pid: Int32
    /// Which of the two outputs.
    package var channel: OutputChannel
    /// As what it is told.
    package var kind: Kind
    /// The text; bytes that are no UTF-8 are replaced.
    package var text: String

    /// - Parameters: as the properties of the same names.
    package init(worker: WorkerID, pid: Int32, channel: OutputChannel, kind: Kind, text: String) {
        self.worker = worker
        self.pid = pid
        self.channel = channel
        self.kind = kind
        self.text = text
    }
}

/// The commands that Warden runs for a worker, as the program's user.
package enum Hook: Hashable, Codable, Sendable {
    /// `drain_command`.
    case drain
    /// `demand`; the number that a URL's answer holds counts as the output of a command with exit code 0.
    case demand
    /// `probe`, whatever its kind; a connection that was made and an answer that was good count as exit code 0.
    case probe
    /// `stop_command`.
    case stop
}

/// How a hook ended.
package enum HookResult: Hashable, Sendable {
    /// It exited: the code and the first `Limits.quotedLineBytes` bytes of its output.
    case exited(code: Int32, output: String)
    /// It was killed or ran out of time; of a connection: it was refused, or nobody answered in time.
    case failed(reason: String)
    /// The question was never put: no such command, no descriptor of ours left, no address, no trust in a certificate.
    /// It says nothing about the worker.
    case couldNotRun(reason: String)
}

/// What was found out about a worker before it was ended, in bounded size.
package struct Forensics: Hashable, Codable, Sendable {
    /// Descriptors by kind, most frequent first: (`pipe`, 248).
    package struct KindCount: Hashable, Codable, Sendable {
        /// `pipe`, `socket`, `anon_inode:[eventpoll]`, `/dev/shm`, a device, `file`.
        package var kind: String
        /// How many.
        package var count: Int

        /// - Parameters:
        ///   - kind: what the links point at.
        ///   - count: how many.
        package init(kind: String, count: Int) {
            self.kind = kind
            self.count = count
        }
    }

    /// Descriptors of the tightest process by kind, most frequent first.
    package var descriptorKinds: [KindCount] = []
    /// One line per process: pid, command, state, wait channel.
    package var processes: [String] = []
    /// The last lines of the log.
    package var lastLines: [String] = []
    /// Output of `forensics_command`.
    package var commandOutput: String = ""
    /// One line per thread: what it waits for.
    package var threads: [String] = []
    /// One line per thread: its kernel stack, innermost first. Only root may read it.
    package var stacks: [String] = []
    /// Stacks of Python threads, as py-spy prints them.
    package var pythonStacks: [String] = []
    /// Limits of the process with the least headroom, one a line.
    package var limits: [String] = []
    /// Pressure on the host and on the worker's cgroup, and the cgroup's own counts, one a line.
    package var pressure: [String] = []
    /// What could not be collected, and why.
    package var gaps: [String] = []

    /// Nothing collected.
    package init() {}
}

/// Everything that can happen, as the core sees it.
package enum Event: Hashable, Sendable {
    /// Something happened to a worker. Dropped when the generation is not the slot's present one.
    case worker(WorkerID, WorkerFact)
    /// A worker wrote what listeners may want to hear of. Counts for every generation: the last words of one may come
    /// after its exit.
    case wrote(WorkerOutput)
    /// A deadline given by `nextDeadline` may have passed.
    case timeReached
    /// The daemon is up: sockets listen, logs are open. Starts the autostart workers.
    case ready
    /// A client asks.
    case requested(RequestID, Command)
    /// A client went away; nothing is owed to it any more.
    case abandoned(RequestID)
    /// A configuration was read, as a `.loadConfiguration` directive asked.
    case configurationLoaded(RequestID?, Result<[GroupSpec], ConfigurationRefusal>)
    /// The daemon shall stop everything and then exit, or start anew in place.
    case endRequested(End)
    /// How far the daemon itself may be trusted to have watched.
    case localHealth(LocalHealth)
    /// Local time less UTC, in seconds: at the start, and when summer time begins or ends.
    case localTimeMoved(utcOffsetSeconds: Int)
    /// The binary that is to take over was tried: `nil` when it can read what it will be told; else why not.
    case successorExamined(RequestID?, refusal: String?)
    /// Processes of workers live that nobody has told us of; before `.ready`.
    case leftOversFound([LeftOverWorker])
    /// What a daemon that was killed had is held; once, before anything else.
    case inherited(Inheritance)
}

/// Why a configuration was not taken: the text for people, every problem with its file and line.
package struct ConfigurationRefusal: Error, Hashable, Sendable {
    /// One problem per line, `FILE:LINE: message`.
    package var text: String

    /// - Parameter text: one problem per line.
    package init(text: String) {
        self.text = text
    }
}

/// How the daemon ends.
package enum End: Hashable, Codable, Sendable {
    /// Stop everything, exit 0.
    case shutdown
    /// Stop everything, exit 1: an essential program is down for good.
    case failure
    /// Stop everything, then start anew in place, with the configuration read again.
    case restart
    /// Stop nothing: another binary takes over in place, with every worker.
    case upgrade
}

/// Doubts about ourselves. While any is raised, silence clocks hold and restarts decay to alerts.
package struct LocalHealth: Hashable, Codable, Sendable {
    /// What is wrong with us, each in words a person can use; empty when all is well.
    package var doubts: [String]
    /// What there is too little of, and what was given up for it, each in words a person can use: no reason to doubt.
    package var shortages: [String]

    /// - Parameters: as the properties of the same names.
    package init(doubts: [String] = [], shortages: [String] = []) {
        self.doubts = doubts
        self.shortages = shortages
    }

    /// Also as a binary told it that knew of no shortages.
    ///
    /// - Parameter decoder: of the state.
    /// - Throws: when there are no doubts in it.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        doubts = try container.decode([String].self, forKey: .doubts)
        shortages = try container.decodeIfPresent([String].self, forKey: .shortages) ?? []
    }
}
