package import WardenCore

/// The time as the sender sees it: tests hand in their own.
package struct OutboundClock: Sendable {
    /// Now, from an arbitrary origin.
    package var now: @Sendable () -> Instant
    /// Waits for so long.
    ///
    /// Throws when the task is cancelled, and only then.
    package var sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters: as the properties of the same names.
    package init(now: @escaping @Sendable () -> Instant, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// CLOCK_MONOTONIC, from the moment of this call.
    package static var system: OutboundClock {
        // On Linux the suspending clock is CLOCK_MONOTONIC and the continuous one CLOCK_BOOTTIME.
        let clock = SuspendingClock()
        let origin = clock.now
        return OutboundClock(
            now: { Instant(nanoseconds: origin.duration(to: clock.now).inNanoseconds) },
            sleep: { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) })
    }
}
