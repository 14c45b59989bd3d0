internal import CWardenLinux
internal import Glibc

/// A thread with a name, its own stack size and every asynchronous signal blocked.
///
/// Signals of the process are read from one signalfd; a thread that left one unblocked would steal it. The signals of a
/// fault in the thread itself stay unblocked, so that a crash still leaves its backtrace.
package struct NamedThread: ~Copyable, Sendable {
    private let thread: pthread_t

    private init(thread: pthread_t) {
        self.thread = thread
    }

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: as ps and the kernel's messages show it; cut to 15 bytes.
    ///   - stackBytes: the size of its stack, at least 64 KiB.
    ///   - body: what it does; when it returns, the thread ends.
    /// - Returns: the thread, to be joined; when it is let go instead, the thread goes on by itself.
    /// - Throws: EAGAIN when there may be no more threads.
    package static func start(
        name: String, stackBytes: Int = ThreadLimits.stackBytes, body: sending @escaping () -> Void
    ) throws(KernelFailure) -> NamedThread {
        precondition(stackBytes >= ThreadLimits.minimumStackBytes)
        var attributes = pthread_attr_t()
        _ = pthread_attr_init(&attributes)
        defer { _ = pthread_attr_destroy(&attributes) }
        _ = pthread_attr_setstacksize(&attributes, stackBytes)

        // The mask is inherited at creation: blocked here, the new thread never has a moment without it.
        var former = sigset_t()
        var blocked = SignalMask.asynchronous
        _ = pthread_sigmask(SIG_BLOCK, &blocked, &former)
        defer { _ = pthread_sigmask(SIG_SETMASK, &former, nil) }

        let work = Unmanaged.passRetained(Work(name: name, body: body))
        var thread = pthread_t()
        let status = pthread_create(&thread, &attributes, enter, work.toOpaque())
        if status != 0 {
            work.release()
            throw KernelFailure("start thread", name, status)
        }
        return NamedThread(thread: thread)
    }

    /// Waits until the thread has ended.
    package consuming func join() {
        _ = pthread_join(thread, nil)
        discard self
    }

    deinit {
        // Nobody waits for it any more; without this its stack would stay.
        _ = pthread_detach(thread)
    }
}

/// The limits of a thread.
package enum ThreadLimits {
    /// The stack that a thread gets when nothing else is said.
    package static let stackBytes = 512 * 1024
    /// The smallest stack that a thread may have.
    package static let minimumStackBytes = 64 * 1024
}

/// Carries the body over to the new thread.
private final class Work {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
        self.name = name
        self.body = body
    }
}

private func enter(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
    _ = warden_set_thread_name(work.name)
    work.body()
    return nil
}

/// Sets of signals.
internal enum SignalMask {
    /// Every signal but those that a fault of the thread itself raises.
    internal static var asynchronous: sigset_t {
        var set = sigset_t()
        _ = sigfillset(&set)
        for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { _ = sigdelset(&set, signal) }
        return set
    }
}
