package import WardenCore
package import WardenLinux

/// The daemon's threads as the shell sees them: each must turn, or be inside a call that it has declared.
package struct LoopBeats: Sendable {
    /// One thread.
    package struct Loop: Sendable {
        /// What people are told it is.
        package var name: String
        /// What it publishes.
        package var beat: LoopBeat

        /// - Parameters: as the properties of the same names.
        package init(name: String, beat: LoopBeat) {
            self.name = name
            self.beat = beat
        }
    }

    /// All of them.
    package let loops: [Loop]

    /// - Parameter loops: all of them.
    package init(loops: [Loop]) {
        self.loops = loops
    }

    /// What is wrong, in words a person can use, and whether the service manager may be told that all turn.
    ///
    /// A declared call past its deadline is a doubt and no more: the thread is stuck in the kernel, and restarting the
    /// daemon would not free it. Where the call only tells or stores something, nothing that is seen of the workers is
    /// in doubt: that is a wait. A thread that neither turns nor has declared anything is the daemon's own fault: no
    /// ping, and systemd starts it anew.
    package func examine(at now: Instant) -> (doubts: [String], waits: [String], mayPing: Bool) {
        var doubts: [String] = []
        var waits: [String] = []
        var mayPing = true
        for loop in loops {
            let reading = loop.beat.reading
            if let call = reading.call {
                guard now > call.deadline else { continue }
                let words = "\(call.call.rawValue): stuck \((now - call.since).spoken)"
                if call.call.onlyTells { waits.append(words) } else { doubts.append(words) }
            } else if now - reading.lastTurnAt > RuntimeLimits.lateAfter {
                doubts.append("\(loop.name) late \((now - reading.lastTurnAt).spoken)")
                mayPing = false
            }
        }
        return (doubts, waits, mayPing)
    }
}

extension BlockingCall {
    /// Nothing is learned from it about the workers.
    fileprivate var onlyTells: Bool {
        switch self {
        case .writeDaemonLog, .writeHistory, .tellServiceManager: true
        case .openLog, .writeLog, .readProcess, .readHeartbeatFile, .inspectWorker: false
        }
    }
}
