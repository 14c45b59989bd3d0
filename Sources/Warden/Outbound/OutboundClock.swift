package import WardenCore

/// The time as the sender sees it: tests hand in their own.
package struct OutboundClock: Sendable {
    /// Now, from an arbitrary origin.
    package var now: @Sendable () -> Instant
    /// Seconds since 1970-01-01 00:00:00 UTC, which receivers compare with their own clocks.
    package var epochSeconds: @Sendable () -> Int64
    /// Waits for so long.
    ///
    /// Throws when the task is cancelled, and only then.
    package var sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters: as the properties of the same names.
    package init(
        now: @escaping @Sendable () -> Instant, epochSeconds: @escaping @Sendable () -> Int64,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.epochSeconds = epochSeconds
        self.sleep = sleep
    }

    /// CLOCK_MONOTONIC, from the moment of this call.
    ///
    /// - Parameter epochSeconds: the wall clock: this room imports no C library.
    package static func system(epochSeconds: @escaping @Sendable () -> Int64) -> OutboundClock {
        // On Linux the suspending clock is CLOCK_MONOTONIC and the continuous one CLOCK_BOOTTIME.
        let clock = SuspendingClock()
        let origin = clock.now
        return OutboundClock(
            now: { Instant(nanoseconds: origin.duration(to: clock.now).inNanoseconds) }, epochSeconds: epochSeconds,
            sleep: { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) })
    }
}
