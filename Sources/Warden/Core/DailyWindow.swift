/// Some hours of each day, in local time: from the first minute to before the last, over midnight where that is
/// earlier.
package struct DailyWindow: Hashable, Codable, Sendable {
    /// Minutes after midnight, 0 to 1439.
    package var from: Int
    /// Minutes after midnight, 1 to 1440; not inside the window any more.
    package var to: Int

    /// - Parameters:
    ///   - from: the first minute after midnight.
    ///   - to: the minute after the last.
    package init(from: Int, to: Int) {
        self.from = from
        self.to = to
    }

    /// Whether a minute after midnight lies inside.
    package func contains(_ minute: Int) -> Bool {
        from < to ? minute >= from && minute < to : minute >= from || minute < to
    }
}

extension HealthSpec {
    /// Whether verdicts that are not proven may be acted on now.
    ///
    /// - Parameters:
    ///   - time: the wall clock.
    ///   - offset: local time less UTC, in seconds.
    package func actsNow(at time: WallTime, utcOffsetSeconds offset: Int) -> Bool {
        if actBetween.isEmpty { return true }
        let seconds = (time.seconds + Int64(offset)) % 86_400
        let minute = Int((seconds + 86_400) % 86_400) / 60
        return actBetween.contains { $0.contains(minute) }
    }
}
