internal import Glibc
internal import WardenCore

/// The descriptors that this process may still open.
///
/// Workers and clients do not get the last ones. Logs that rotate, the history and the configuration need some, and so
/// does libdispatch below Swift's tasks: its monitor reads /proc/self/task once a second and traps when it cannot.
package enum DescriptorHeadroom {
    /// Kept back from workers.
    package static let keptFromWorkers = 16
    /// Kept back from clients: fewer, so that a person can still look when the workers have taken all.
    package static let keptFromClients = 8
    /// What one worker holds: three pipe ends, its pidfd, two logs, a socket of its own.
    package static let perWorker = 7
    /// What a start needs for a moment: the other ends, and the spawn report's, too.
    package static let perStart = 12

    /// At most so many can still be opened: the numbers from the lowest free one up to the soft limit.
    ///
    /// - Returns: 0 when none can be, whatever the reason.
    package static func free() -> Int {
        do throws(KernelFailure) {
            let lowest = try Descriptor.open("/dev/null", O_RDONLY)
            let limit = try ResourceLimit.read(ResourceLimit.descriptors).limit
            return max(0, Int(clamping: limit.soft) - Int(lowest.rawValue))
        } catch {
            return 0
        }
    }
}
