internal import Glibc
package import WardenCore

/// The wall clock as the host's time zone shows it. For texts that supervisord writes in local time.
package enum LocalClock {
    /// The parts of a time, in the host's zone.
    ///
    /// - Parameter time: the time.
    /// - Returns: the year, the month and day from 1, hour, minute, second.
    package static func parts(
        of time: WallTime
    ) -> (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        var seconds = time_t(time.seconds)
        var parts = tm()
        _ = localtime_r(&seconds, &parts)
        return (
            Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour),
            Int(parts.tm_min), Int(parts.tm_sec)
        )
    }

    /// `2026-04-29 12:00:00,123`: how supervisord's log lines begin.
    ///
    /// - Parameter time: the time.
    package static func logStamp(of time: WallTime) -> String {
        let parts = parts(of: time)
        let milliseconds = Int(((time.microseconds % 1_000_000) + 1_000_000) % 1_000_000) / 1000
        let day = "\(padded(parts.year, 4))-\(padded(parts.month, 2))-\(padded(parts.day, 2))"
        let time = "\(padded(parts.hour, 2)):\(padded(parts.minute, 2)):\(padded(parts.second, 2))"
        return "\(day) \(time),\(padded(milliseconds, 3))"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension LocalClock {
    /// Local time less UTC at a time, in seconds.
    ///
    /// - Parameter time: the time.
    package static func utcOffsetSeconds(at time: WallTime) -> Int {
        var seconds = time_t(time.seconds)
        var parts = tm()
        _ = localtime_r(&seconds, &parts)
        return Int(parts.tm_gmtoff)
    }
}
