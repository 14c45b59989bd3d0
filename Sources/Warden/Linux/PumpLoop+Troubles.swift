internal import WardenCore

/// Logs that cannot be written to.
extension PumpLoop {
    /// The trouble of a log begins or ends.
    internal func tell(_ trouble: LogTrouble) {
        troubledLogs += trouble.failure == nil ? -1 : 1
        reports.trouble(trouble)
    }

    /// Their workers may be silent for a long time, and what was lost should be noted, and the trouble be over, as soon
    /// as there is room.
    internal func tryTroubledLogs(at now: Instant) throws(Relieved) {
        nextTrial = now + LogFileLimits.retryAfter
        for log in Array(logs.values) where log.isTroubled && !isBlocked(log) {
            let progress = try atDisk(.writeLog, of: log, for: .other, at: now) {
                log.recover(at: now) ? .written : .dropped(0)
            }
            if progress == .written, let over = log.changeOfTrouble(progress) { tell(over) }
        }
    }
}
