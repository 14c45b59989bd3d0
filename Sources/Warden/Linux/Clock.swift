internal import Glibc
package import WardenCore

/// CLOCK_MONOTONIC: the clock that decides. It does not run while the host is suspended.
package enum MonotonicClock {
    /// Does nothing for a while. For threads that have nothing else to do.
    package static func rest(for duration: Duration) {
        let nanoseconds = max(0, duration.inNanoseconds)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        _ = nanosleep(&time, nil)
    }

    /// The time now.
    package static func now() -> Instant {
        Instant(nanoseconds: read(CLOCK_MONOTONIC))
    }

    /// CLOCK_BOOTTIME less CLOCK_MONOTONIC: how long the host has been suspended since it started. Growth means that it
    /// slept.
    package static func suspended() -> Duration {
        .nanoseconds(read(CLOCK_BOOTTIME) - read(CLOCK_MONOTONIC))
    }
}

/// CLOCK_REALTIME: the clock that is shown.
package enum WallClock {
    /// The time now.
    package static func now() -> WallTime {
        WallTime(microseconds: read(CLOCK_REALTIME) / 1000)
    }
}

extension Moment {
    /// Both clocks, read together.
    package static func now() -> Moment {
        Moment(instant: MonotonicClock.now(), wall: WallClock.now())
    }
}

private func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // Cannot fail: the clocks are constants that every Linux has.
    _ = clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
