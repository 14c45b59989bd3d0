import NIOCore
import Synchronization

/// A descriptor that is held so that it can be given up when there are no others: then a client that waits can be
/// accepted and told 503, and the event loop does not spin on a connection that accept(2) cannot take.
final class DescriptorReserve: Sendable {
    private let held = Mutex<NIOFileHandle?>(nil)

    init() {
        takeBack()
    }

    /// Whether there is a descriptor to give up.
    var isHeld: Bool { held.withLock { $0 != nil } }

    /// Frees the descriptor.
    /// - Returns: false when it was free already.
    func giveUp() -> Bool {
        let handle = held.withLock { handle in
            defer { handle = nil }
            return handle
        }
        guard let handle else { return false }
        // A failed close(2) frees the descriptor on Linux all the same.
        try? handle.close()
        return true
    }

    /// Holds a descriptor again, if there is one to be had.
    func takeBack() {
        held.withLock { handle in
            guard handle == nil else { return }
            // EMFILE: somebody else needs it more; the next connection that closes tries again.
            handle = try? NIOFileHandle(_deprecatedPath: "/dev/null", mode: .read, flags: .default)
        }
    }

    deinit {
        _ = giveUp()
    }
}
