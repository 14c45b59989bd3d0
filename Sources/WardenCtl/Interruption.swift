import Glibc
import Synchronization

/// Ctrl-C: ends what is being followed, or else the program.
enum Interruption {
    private static let isFollowing = Atomic(false)
    private static let wasInterrupted = Atomic(false)

    /// From now on Ctrl-C ends a followed log, and otherwise the program, with a new line and exit code 0: that is how
    /// both are meant to end.
    static func endsQuietly() {
        // Made before a signal can come: the handler must not be the first to touch them.
        wasInterrupted.store(isFollowing.load(ordering: .relaxed), ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            if Interruption.isFollowing.load(ordering: .relaxed) {
                Interruption.wasInterrupted.store(true, ordering: .relaxed)
                return
            }
            var newline: UInt8 = 0x0A
            _ = Glibc.write(STDOUT_FILENO, &newline, 1)
            _exit(0)
        }
        sigaction(SIGINT, &action, nil)
    }

    /// Whether Ctrl-C came since following began.
    static var hasHappened: Bool { wasInterrupted.load(ordering: .relaxed) }

    static func followingBegan() {
        wasInterrupted.store(false, ordering: .relaxed)
        isFollowing.store(true, ordering: .relaxed)
    }

    static func followingEnded() {
        isFollowing.store(false, ordering: .relaxed)
    }
}
