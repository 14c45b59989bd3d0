package import WardenCore

/// What every thread of a tree waits for, as it was read: the report for the rules, and the table for people.
package struct WaitTable: Hashable, Sendable {
    /// One thread.
    package struct Row: Hashable, Sendable {
        /// Its process.
        package var pid: Int32
        /// The thread.
        package var tid: Int32
        /// Its name.
        package var name: String
        /// Its state letter; `?` for one that is not known.
        package var state: String
        /// Its context switches.
        package var switches: UInt64
        /// The system call in which it waits; `nil` when it runs, or is not in one.
        package var call: String?
        /// What it waits for.
        package var wait: WaitReport.Wait
        /// The descriptor that it reads or writes, and what that is: `3 pipe:[4711]`.
        package var descriptor: String?
        /// Frames of its kernel stack, innermost first; empty where they may not be read.
        package var stack: [String] = []

        /// `TID NAME STATE CALL: what it waits for`.
        package var line: String {
            let object = descriptor.map { " \($0)" } ?? ""
            return "\(tid) \(name) \(state) \(call ?? "-")\(object): \(Row.text(wait))"
        }

        private static func text(_ wait: WaitReport.Wait) -> String {
            switch wait {
            case .futex: "a lock of its own process, for ever"
            case .pipeRead: "data from a pipe that only its own tree writes to, for ever"
            case .pipeWrite: "room in a pipe that only its own tree reads, for ever"
            case .child: "the end of a child"
            case .timeout: "time, or something sooner"
            case .sharedFutex: "a lock that other processes may share"
            case .socket: "a socket"
            case .poll: "one of several descriptors"
            case .signal: "a signal"
            case .pipe: "a pipe whose other end is outside its tree"
            case .ownOutput: "warden to read its output"
            case .descriptor: "a file, a device or an event"
            case .lock: "a lock of the kernel"
            case .kernel: "the kernel (D)"
            case .held: "SIGCONT, or a debugger"
            case .unknown: "something that is not known"
            case .running: "nothing: it runs"
            }
        }
    }

    /// Every thread that has not ended, by process and thread.
    package var rows: [Row] = []
    /// When the reading began.
    package var takenAt: Instant
    /// Signals that a process of the tree catches and that may come from outside, by name, each once.
    package var caughtSignals: [String] = []
    /// A process of the tree has a POSIX timer.
    package var hasTimer = false
    /// What could not be read, and why.
    package var gaps: [String] = []

    /// - Parameter takenAt: when the reading began.
    package init(takenAt: Instant) {
        self.takenAt = takenAt
    }

    /// What the rules need of it.
    package var report: WaitReport {
        WaitReport(
            takenAt: takenAt,
            threads: rows.map { .init(pid: $0.pid, tid: $0.tid, switches: $0.switches, wait: $0.wait) },
            caughtSignals: caughtSignals, hasTimer: hasTimer, gaps: gaps)
    }
}

/// The limits of reading waits.
package enum WaitLimits {
    /// Processes outside the tree whose descriptors are looked through for the other end of a pipe.
    package static let outsiders = 8192
    /// Descriptors of theirs, in all.
    package static let outsideDescriptors = 262_144
    /// Frames of a kernel stack that are kept.
    package static let frames = 16
    /// How long one reading may take; what is missing then is a gap.
    package static let readingTime: Duration = .seconds(2)
}
