import WardenCore
import WardenLinux

/// What the machine looks at to know how far its own eyes may be trusted.
struct SelfWatchParts {
    var watch: SelfWatch
    let gauge = PressureGauge()
    /// `nil` before the first look.
    var utcOffsetSeconds: Int?
    var hasLooked = false
}

extension KernelMachine {
    /// - Parameters:
    ///   - now: the time.
    ///   - dueAt: when this look was due.
    /// - Returns: what is wrong with us, in words.
    mutating func lookAtOurselves(at now: Instant, dueAt: Instant) -> [String] {
        readPressure(at: now)
        let offset = LocalClock.utcOffsetSeconds(at: WallClock.now())
        if offset != own.utcOffsetSeconds {
            own.utcOffsetSeconds = offset
            pending.append(.localTimeMoved(utcOffsetSeconds: offset))
        }
        // The first look comes when the daemon has started, however long that took.
        let due = own.hasLooked ? dueAt : now
        own.hasLooked = true
        return own.watch.turned(
            at: now, dueAt: due, suspended: MonotonicClock.suspended(),
            pressure: own.gauge.pressure(at: now, noOlderThan: RuntimeLimits.pressureAge))
    }

    private func readPressure(at now: Instant) {
        guard own.watch.looksAtPressure, own.gauge.begins() else { return }
        let gauge = own.gauge
        if !parts.readers.submit(deadline: now + RuntimeLimits.pressureAge, { gauge.read() }) { gauge.abandon() }
    }
}
