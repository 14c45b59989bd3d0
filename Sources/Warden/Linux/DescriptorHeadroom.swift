internal import Glibc
internal import WardenCore

/// The descriptors that this process may still open.
///
/// Workers and clients do not get the last ones. Logs that rotate, the history and the configuration need some, and so
/// does libdispatch below Swift's tasks: its monitor reads /proc/self/task once a second and traps when it cannot.
package enum DescriptorHeadroom {
    /// What a start needs for a moment: three pipes, the spawn report's, and the pidfd.
    package static let perStart = 9
    /// What the gate of a start needs beside that.
    package static let perGate = 2

    /// Kept back from workers that were not there yet: a seventh of a small limit. One that is started again may use
    /// half of it, so that it gets its place back.
    ///
    /// - Parameter limit: the soft limit.
    package static func keptFromWorkers(of limit: Int) -> Int { min(16, max(8, limit / 7)) }

    /// Kept back from clients: fewer, so that a person can still look when the workers have taken all.
    ///
    /// - Parameter limit: the soft limit.
    package static func keptFromClients(of limit: Int) -> Int { keptFromWorkers(of: limit) / 2 }

    /// What can still be opened, and out of how many.
    package struct Reading: Hashable, Sendable {
        /// How many; 0 when none can be, whatever the reason.
        package var free: Int
        /// The soft limit.
        package var limit: Int

        /// Whether a worker could be started beside everything else that is.
        package var isComfortable: Bool { free >= keptFromWorkers(of: limit) + perStart }
        /// Whether a client more may be served.
        package var hasRoomForClient: Bool { free >= keptFromClients(of: limit) }
    }

    /// How it stands now. Costs no descriptor from Linux 6.2 on.
    package static func read() -> Reading {
        let limit: Int
        do throws(KernelFailure) {
            limit = Int(clamping: try ResourceLimit.read(ResourceLimit.descriptors).limit.soft)
        } catch {
            return Reading(free: 0, limit: 0)
        }
        var status = stat()
        if stat("/proc/self/fd", &status) == 0, status.st_size > 0 {
            return Reading(free: max(0, limit - Int(status.st_size)), limit: limit)
        }
        // Before that: at most the numbers from the lowest free one up. EMFILE: there is none.
        guard let lowest = try? Descriptor.open("/dev/null", O_RDONLY) else { return Reading(free: 0, limit: limit) }
        return Reading(free: max(0, limit - Int(lowest.rawValue)), limit: limit)
    }
}
