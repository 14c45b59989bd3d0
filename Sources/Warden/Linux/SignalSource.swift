internal import CWardenLinux
internal import Glibc
package import WardenCore

/// The daemon's signals as a descriptor to read: no handler ever runs.
package struct SignalSource: ~Copyable, Sendable {
    /// A signal that arrived. Several of one kind may arrive as one.
    package struct Receipt: Hashable, Sendable {
        /// Which.
        package var signal: Signal
        /// Who sent it, as far as the kernel says; 0 for its own.
        package var sender: Int32
    }

    /// What the daemon listens to: TERM, INT and QUIT end it, HUP restarts in place, USR2 opens logs anew, CHLD
    /// announces exits. USR1 is here so that it does not end the daemon, as it does supervisord.
    package static let signals = [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD].map { Signal($0) }

    private let descriptor: Descriptor

    /// Blocks the daemon's signals and ignores SIGPIPE. In the first lines of main: threads inherit the mask when they
    /// are made, and one that did not would be killed by the first SIGTERM.
    package static func blockForProcess() {
        var set = mask
        _ = pthread_sigmask(SIG_BLOCK, &set, nil)
        _ = warden_ignore_broken_pipes()
    }

    /// Waits for a signal that ends the daemon. For a daemon that has not got as far as its loop; the signal is taken.
    ///
    /// - Parameter duration: how long at most.
    /// - Returns: whether there was one.
    package static func waitForEnd(atMost duration: Duration) -> Bool {
        var set = sigset_t()
        _ = sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGQUIT] { _ = sigaddset(&set, number) }
        let nanoseconds = max(0, duration.inNanoseconds)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        return sigtimedwait(&set, nil, &time) > 0
    }

    /// - Throws: EMFILE and ENFILE.
    package init() throws(KernelFailure) {
        var set = Self.mask
        let flags = CInt(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = Descriptor(owning: try Kernel.retry("make signalfd", "") { signalfd(-1, &set, flags) })
    }

    /// Readable while a signal waits. For an epoll to watch: in the thread that drains it.
    package var readinessDescriptor: CInt { descriptor.rawValue }

    /// Takes the signals that wait, at most `EdgeLimits.signalsPerDrain`.
    package borrowing func drain() -> [Receipt] {
        var infos = Array(repeating: signalfd_siginfo(), count: EdgeLimits.signalsPerDrain)
        let size = infos.withUnsafeMutableBytes { Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count) }
        // Nothing waits, or the kernel refuses: either way there is nothing to act on.
        if size <= 0 { return [] }
        return infos.prefix(size / MemoryLayout<signalfd_siginfo>.size).map { info in
            Receipt(signal: Signal(Int32(info.ssi_signo)), sender: Int32(truncatingIfNeeded: info.ssi_pid))
        }
    }

    private static var mask: sigset_t {
        var set = sigset_t()
        _ = sigemptyset(&set)
        for signal in signals { _ = sigaddset(&set, signal.number) }
        return set
    }
}
