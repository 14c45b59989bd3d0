/// Raw readings of one worker at one instant. An error is a reading too.
package struct Sample: Hashable, Codable, Sendable {
    /// What could be read.
    package enum Readings: Hashable, Codable, Sendable {
        /// The worker's files could not be read: an errno, such as ESRCH or EACCES.
        case failure(Int32)
        /// The whole tree.
        case tree(TreeReadings)
    }

    /// When the first file was read.
    package var takenAt: Instant
    /// What could be read.
    package var readings: Readings

    /// - Parameters:
    ///   - takenAt: when the first file was read.
    ///   - readings: what could be read.
    package init(takenAt: Instant, readings: Readings) {
        self.takenAt = takenAt
        self.readings = readings
    }
}

/// The descriptors of one process of a tree.
package struct DescriptorReading: Hashable, Codable, Sendable {
    /// The process.
    package var pid: Int32
    /// Open descriptors.
    package var count: Int
    /// Its own soft RLIMIT_NOFILE; `Int.max` when unlimited.
    package var softLimit: Int
    /// Its own hard RLIMIT_NOFILE; `Int.max` when unlimited.
    package var hardLimit: Int

    /// - Parameters: as the properties of the same names.
    package init(pid: Int32, count: Int, softLimit: Int, hardLimit: Int) {
        self.pid = pid
        self.count = count
        self.softLimit = softLimit
        self.hardLimit = hardLimit
    }

    /// Descriptors that can still be opened; never negative (a limit may be lowered below the count).
    package var free: Int { max(0, softLimit - count) }

    /// At most this many free is "full": the last few of a small limit weigh as much as one percent of a large one.
    package var fullAtFree: Int { max(8, softLimit / 100) }

    /// Whether the table counts as full.
    package var isFull: Bool { free <= fullAtFree }
}

/// /proc/PID/io, summed over a tree. Only change matters: exactly zero of it is what tells hung from idle.
package struct IOReading: Hashable, Codable, Sendable {
    /// `rchar`: bytes read.
    package var readBytes: UInt64
    /// `wchar`: bytes written.
    package var writtenBytes: UInt64
    /// `syscr`: read calls.
    package var readCalls: UInt64
    /// `syscw`: write calls.
    package var writeCalls: UInt64

    /// - Parameters: as the properties of the same names.
    package init(readBytes: UInt64, writtenBytes: UInt64, readCalls: UInt64, writeCalls: UInt64) {
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
        self.readCalls = readCalls
        self.writeCalls = writeCalls
    }
}

/// The state letter of a process in /proc/PID/stat.
package enum KernelState: UInt8, Hashable, Codable, Sendable {
    case running = 0x52  // R
    case sleeping = 0x53  // S
    case uninterruptible = 0x44  // D
    case stopped = 0x54  // T
    case traced = 0x74  // t
    case zombie = 0x5A  // Z
    case dead = 0x58  // X
    case idle = 0x49  // I
}

/// A worker's tree at one instant: the supervised process and its descendants.
package struct TreeReadings: Hashable, Codable, Sendable {
    /// Processes in the tree, at least 1.
    package var processCount: Int
    /// True when the tree was larger than `Limits.treeProcesses` and the rest was not read.
    package var isTruncated: Bool
    /// The process with the least headroom under its own soft limit; `nil` when no count could be read.
    package var tightest: DescriptorReading?
    /// Resident bytes of the supervised process.
    package var rootRSSBytes: Int64
    /// Resident bytes of the tree (shared pages count once per process).
    package var treeRSSBytes: Int64
    /// I/O of the tree; `nil` when it may not be read.
    package var io: IOReading?
    /// User and system time of the tree's living processes and of the children that they reaped.
    package var cpuTime: Duration
    /// Voluntary context switches of the tree's main threads; `nil` when not read.
    package var voluntarySwitches: UInt64?
    /// Threads of the tree.
    package var threadCount: Int
    /// State of the supervised process.
    package var rootState: KernelState
    /// Descendants in state T.
    package var stoppedDescendantCount: Int
    /// Processes of the tree in state D.
    package var uninterruptibleCount: Int
    /// The cgroup freezer holds the worker.
    package var isFrozen: Bool
    /// One of them, the nearest to the root; `nil` when there is none.
    package var uninterruptible: Int32?
    /// `heartbeat = file:PATH`: size and modification time in nanoseconds folded into one number; any change is a beat.
    package var heartbeatFileMark: UInt64?

    /// - Parameters: as the properties of the same names.
    package init(
        processCount: Int = 1, isTruncated: Bool = false, tightest: DescriptorReading? = nil, rootRSSBytes: Int64 = 0,
        treeRSSBytes: Int64 = 0, io: IOReading? = nil, cpuTime: Duration = .zero, voluntarySwitches: UInt64? = nil,
        threadCount: Int = 1, rootState: KernelState = .sleeping, stoppedDescendantCount: Int = 0,
        uninterruptibleCount: Int = 0, isFrozen: Bool = false, heartbeatFileMark: UInt64? = nil
    ) {
        self.processCount = processCount
        self.isTruncated = isTruncated
        self.tightest = tightest
        self.rootRSSBytes = rootRSSBytes
        self.treeRSSBytes = treeRSSBytes
        self.io = io
        self.cpuTime = cpuTime
        self.voluntarySwitches = voluntarySwitches
        self.threadCount = threadCount
        self.rootState = rootState
        self.stoppedDescendantCount = stoppedDescendantCount
        self.uninterruptibleCount = uninterruptibleCount
        self.isFrozen = isFrozen
        self.heartbeatFileMark = heartbeatFileMark
    }
}

/// What the pump saw in a worker's output since it last said so. Both streams are counted as one sequence of lines.
package struct LogFacts: Hashable, Codable, Sendable {
    /// A line of the worker's output: its number since the start (from 1) and when it was read.
    package struct Mark: Hashable, Codable, Sendable {
        /// Number of the line since the worker's start, from 1.
        package var line: UInt64
        /// When it was read from the pipe.
        package var at: Instant

        /// - Parameters:
        ///   - line: number of the line since the worker's start.
        ///   - at: when it was read from the pipe.
        package init(line: UInt64, at: Instant) {
            self.line = line
            self.at = at
        }
    }

    /// One or more error lines within a second: a traceback repeats itself.
    package struct Episode: Hashable, Codable, Sendable {
        /// The first of its lines.
        package var mark: Mark
        /// One of its lines says EMFILE in one of its spellings.
        package var saysDescriptorsExhausted: Bool
        /// Its first line, at most `Limits.quotedLineBytes` bytes.
        package var text: String

        /// - Parameters: as the properties of the same names.
        package init(mark: Mark, saysDescriptorsExhausted: Bool, text: String) {
            self.mark = mark
            self.saysDescriptorsExhausted = saysDescriptorsExhausted
            self.text = text
        }
    }

    /// The last line that counts as alive, if there was one since.
    package var lastAlive: Mark?
    /// The last progress line, if there was one since.
    package var lastProgress: Mark?
    /// Error episodes since, oldest first, at most `Limits.errorEpisodes` (the oldest are dropped).
    package var episodes: [Episode]
    /// Error lines since, every one counted.
    package var errorLineCount: UInt64
    /// Progress lines since.
    package var progressLineCount: UInt64
    /// The last line since, at most `Limits.quotedLineBytes` bytes, control characters removed.
    package var lastLine: String?
    /// When every pipe of the worker was last found empty: until then silence is known.
    package var drainedAt: Instant
    /// The line of `ready = line:` was among them. Said once.
    package var saysReady = false

    /// - Parameters: as the properties of the same names.
    package init(
        lastAlive: Mark? = nil, lastProgress: Mark? = nil, episodes: [Episode] = [], errorLineCount: UInt64 = 0,
        progressLineCount: UInt64 = 0, lastLine: String? = nil, drainedAt: Instant
    ) {
        self.lastAlive = lastAlive
        self.lastProgress = lastProgress
        self.episodes = episodes
        self.errorLineCount = errorLineCount
        self.progressLineCount = progressLineCount
        self.lastLine = lastLine
        self.drainedAt = drainedAt
    }
}
