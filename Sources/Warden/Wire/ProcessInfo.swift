package import WardenCore

/// A wall-clock time in the daemon's time zone.
///
/// The zone's rules are the caller's, so that this room stays pure.
package typealias LocalTime = (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int)

/// One of a worker's two outputs.
package enum OutputStream: String, Hashable, Sendable, CaseIterable {
    /// Standard output.
    case stdout
    /// Standard error.
    case stderr
}

extension WorkerSnapshot {
    /// The 14 fields of `supervisor.getProcessInfo`, in supervisord's order.
    /// - Parameters:
    ///   - localTime: a wall-clock time in the daemon's time zone.
    ///   - logPath: where a stream goes whose file the daemon named itself (`AUTO`); empty when it goes nowhere.
    /// - Returns: the structure.
    package func processInfo(
        localTime: (WallTime) -> LocalTime, logPath: (SlotName, OutputStream) -> String = { _, _ in "" }
    ) -> XMLRPCValue {
        func path(_ log: LogSpec?, _ stream: OutputStream) -> String {
            switch log?.destination {
            case nil, .none?: ""
            case .automatic?: logPath(name, stream)
            case .file(let path)?: path
            }
        }
        let outputPath = path(standardOutput, .stdout)
        return .structure([
            .init("name", .string(name.process)),
            .init("group", .string(name.group)),
            .init("start", .int(startedAt?.wall.seconds ?? 0)),
            .init("stop", .int(stoppedAt?.seconds ?? 0)),
            .init("now", .int(takenAt.wall.seconds)),
            .init("state", .int(Int64(state.rawValue))),
            .init("statename", .string(state.word)),
            .init("spawnerr", .string(spawnError)),
            .init("exitstatus", .int(supervisordExitStatus)),
            .init("logfile", .string(outputPath)),
            .init("stdout_logfile", .string(outputPath)),
            .init("stderr_logfile", .string(path(standardError, .stderr))),
            .init("pid", .int(Int64(pid ?? 0))),
            .init("description", .string(stateDescription(localTime: localTime))),
        ])
    }

    /// What stands behind the state in `status`: process and uptime, when it stopped, or why it does not run.
    /// - Parameter localTime: a wall-clock time in the daemon's time zone.
    /// - Returns: one line, empty for STARTING, STOPPING and UNKNOWN.
    package func stateDescription(localTime: (WallTime) -> LocalTime) -> String {
        // supervisord has no state for it: the process is as down as it was, and this says why it does not start.
        if !waitingFor.isEmpty { return "waiting for \(waitingFor.joined(separator: ", "))" }
        switch state {
        case .running:
            // The monotonic clock: supervisord's uptime jumps with the wall clock.
            let uptime = startedAt.map { takenAt.instant - $0.instant } ?? .zero
            return "pid \(pid ?? 0), uptime \(uptime.asTimedelta)"
        case .fatal, .backoff:
            return spawnError.isEmpty ? "unknown error (try \"tail \(name.process)\")" : spawnError
        case .stopped, .exited:
            guard startedAt != nil else { return "Not started" }
            return WorkerSnapshot.stopText(localTime(stoppedAt ?? WallTime(microseconds: 0)))
        case .starting, .stopping, .unknown:
            return ""
        }
    }

    /// supervisord's number: the code, -1 for a signal or an end that nobody saw, and 0 for none.
    ///
    /// An exit before startsecs counts as none, which is why BACKOFF and FATAL always show 0.
    private var supervisordExitStatus: Int64 {
        if state == .backoff || state == .fatal || spawnError == WorkerMachine.tooQuickly { return 0 }
        return switch exitStatus {
        case nil: 0
        case .code(let code)?: Int64(code)
        case .signal?, .unknown?: -1
        }
    }

    /// `Nov 22 03:27 PM`, as strftime(3) writes `%b %d %I:%M %p` in the C locale.
    private static func stopText(_ time: LocalTime) -> String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = months.indices.contains(time.month - 1) ? months[time.month - 1] : "???"
        let hour = time.hour % 12 == 0 ? 12 : time.hour % 12
        let half = time.hour < 12 ? "AM" : "PM"
        return "\(month) \(time.day.padded(to: 2)) \(hour.padded(to: 2)):\(time.minute.padded(to: 2)) \(half)"
    }
}

extension Duration {
    /// As Python prints a timedelta of whole seconds: `0:01:05`, `1 day, 2:03:04`, `12 days, 0:00:00`.
    package var asTimedelta: String {
        let total = max(0, components.seconds)
        let days = total / 86400
        let minutes = Int(total % 3600 / 60).padded(to: 2)
        let clock = "\(total % 86400 / 3600):\(minutes):\(Int(total % 60).padded(to: 2))"
        return days == 0 ? clock : "\(days) day\(days == 1 ? "" : "s"), \(clock)"
    }
}

extension Int {
    /// With zeros in front, at least `width` digits.
    func padded(to width: Int) -> String {
        let digits = String(magnitude)
        let zeros = String(repeating: "0", count: Swift.max(0, width - digits.utf8.count))
        return (self < 0 ? "-" : "") + zeros + digits
    }
}
