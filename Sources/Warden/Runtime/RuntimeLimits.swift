import WardenCore

/// The limits of the daemon's own machinery. Every queue between two threads has its size here.
enum RuntimeLimits {
    /// Events waiting for the shell: requests, log facts, outcomes.
    static let inboxEvents = 65_536
    /// Requests in flight from all clients; beyond it control answers that it is overloaded.
    static let requestsInFlight = 2048
    /// Lines waiting to be written to the daemon's own log; the oldest are dropped, and counted.
    static let logLines = 4096
    /// Bytes of workers' output waiting to be copied into it (`loglevel = debug`).
    static let copiedOutputBytes = 8 * 1024 * 1024
    /// The name in the system log: supervisord's, which filters look for.
    static let syslogIdentifier = "supervisord"
    /// How long the descriptors of a worker that has ended are kept from workers that were never there.
    static let vacatedPlaces: Duration = .seconds(4)
    /// How long workers of a former daemon are looked for before the first start.
    static let leftOverSearch: Duration = .seconds(5)
    /// Incidents and alerts that are remembered for the next daemon until the history has them.
    static let owedMatters = 500
    /// Incidents, alerts and restarts waiting for the database.
    static let scribeOrders = 16_384
    /// Incidents, restarts and ends of deliveries that wait in memory for a history that cannot be written to; of more
    /// the oldest restarts go first, and then the oldest of all.
    static let unwritten = 2000
    /// How often such a history is tried again.
    static let historyRetry: Duration = .seconds(1)
    /// Things that are said to be short at once.
    static let shortages = 64
    /// Blocks of recorded samples waiting for the database; more are dropped, and counted.
    static let waitingRecords = 4096
    /// Blocks of recorded samples that one question to the history may bring.
    static let recordsPerQuery = 128
    /// After so many bytes of them the history is pruned, though it is not yet time to.
    static let recordBytesPerPrune = 32 * 1024 * 1024
    /// Alerts that are read back from the history at once.
    static let owedAlerts = 1000
    /// Messages waiting for the service manager; only the newest status matters.
    static let notices = 64
    /// Jobs waiting for the readers.
    static let readerJobs = 256
    /// Threads for what can block on a stuck target.
    static let readerThreads = 4
    /// Threads that end what workers leave behind, apart from the readers: a restart waits for them.
    static let treeThreads = 2
    /// How long the rest of a tree may take to die once its main process has; then the stop or restart goes on.
    static let treeEnd: Duration = .seconds(5)
    /// Trees that are being ended at once.
    static let treeEndings = 16_384
    /// Processes of a tree that are signalled before its main process is; those beyond it come just after.
    static let treeAtOnce = 64
    /// Groups of workers that are over and in which somebody lives, which are removed when the last has gone.
    static let lingeringGroups = 4096
    /// Processes that could not be ended and are named in the log.
    static let namedSurvivors = 8
    /// Bytes of a hook's output that are kept.
    static let hookOutputBytes = 4096
    /// Bytes of the output of `forensics_command` or py-spy that are kept.
    static let forensicsOutputBytes = 64 * 1024
    /// Lines of Python stacks that are kept.
    static let stackLines = 1000
    /// What a worker gets to write its stacks after `forensics_signal`.
    static let forensicsAnswer: Duration = .milliseconds(500)
    /// Processes of a tree among which a Python interpreter is looked for.
    static let pythonCandidates = 16
    /// Bytes that clients have sent to one worker's standard input and that it has not read yet.
    static let inputBytes = 1024 * 1024
    /// PROCESS_LOG and PROCESS_COMMUNICATION events on their way to the shell; more are dropped, and counted.
    static let outputEvents = 4096
    /// Bytes of them.
    static let outputEventBytes = 32 * 1024 * 1024
    /// Hooks that run at once; more are refused, which counts as failed.
    static let hooksAtOnce = 64
    /// How long a child may take from clone(2) to execve(2).
    static let spawnDeadline: Duration = .seconds(10)
    /// A thread that has neither turned nor declared a blocking call for this long is late.
    static let lateAfter: Duration = .seconds(10)
    /// A reading of the host's pressure that is older says nothing.
    static let pressureAge: Duration = .seconds(10)
    /// How often the shell looks after the other threads.
    static let watchInterval: Duration = .seconds(1)
    /// How long a copy of the daemon's log on standard output waits for its reader.
    static let copyPatience: Duration = .milliseconds(100)
    /// How long a new binary may take to show that it can take over.
    static let successorTrial: Duration = .seconds(5)
    /// How long each of the other threads may take to stand still for it.
    static let handoverPatience: Duration = .seconds(2)
    /// What the other threads get to finish when the daemon ends.
    static let farewell: Duration = .seconds(2)
    /// How long descriptors are counted by kind in passing; what is not read by then is estimated.
    static let censusTime: Duration = .seconds(2)
    /// How often the history is pruned.
    static let pruneInterval: Duration = .seconds(3600)
    /// Incidents that one question to the history may bring.
    static let incidentsPerQuery = 1000
}
