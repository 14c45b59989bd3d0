internal import CWardenLinux
internal import Glibc
package import WardenCore

/// An epoll: what one thread waits for.
package struct Poller: ~Copyable, Sendable {
    /// What to be woken for. Hang-ups and errors always wake; an empty interest is for them alone.
    package struct Interest: OptionSet, Hashable, Sendable {
        /// The bits.
        package let rawValue: UInt32

        /// - Parameter rawValue: the bits.
        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Something can be read.
        package static let readable = Interest(rawValue: EPOLLIN.rawValue)
        /// Something can be written.
        package static let writable = Interest(rawValue: EPOLLOUT.rawValue)
        /// Wake once per change, not as long as the state lasts.
        package static let edge = Interest(rawValue: EPOLLET.rawValue)
    }

    /// One thing that happened.
    package struct Ready: Hashable, Sendable {
        /// As it was given to `add`.
        package var token: UInt64
        /// Something can be read, or the end was reached.
        package var isReadable: Bool
        /// Something can be written.
        package var isWritable: Bool
        /// The other side is gone, or an error is pending.
        package var isHungUp: Bool
    }

    private let epoll: Descriptor
    private var events: [epoll_event]

    /// - Throws: EMFILE and ENFILE.
    package init() throws(KernelFailure) {
        epoll = Descriptor(owning: try Kernel.retry("make epoll", "") { epoll_create1(CInt(EPOLL_CLOEXEC)) })
        events = Array(repeating: epoll_event(), count: EdgeLimits.eventsPerWait)
    }

    /// Begins to watch a descriptor, which must be removed before it is closed.
    ///
    /// - Parameters:
    ///   - descriptor: what to watch; regular files cannot be.
    ///   - token: comes back with every event.
    ///   - interest: what to be woken for.
    /// - Throws: EEXIST when it is watched already, EPERM for what cannot be watched, ENOSPC past the user's limit.
    package borrowing func add(_ descriptor: CInt, token: UInt64, _ interest: Interest) throws(KernelFailure) {
        try control(CInt(EPOLL_CTL_ADD), descriptor, token, interest)
    }

    /// Changes what a watched descriptor wakes for.
    ///
    /// - Parameters:
    ///   - descriptor: what is watched.
    ///   - token: comes back with every event from now on.
    ///   - interest: what to be woken for from now on.
    /// - Throws: ENOENT when it is not watched.
    package borrowing func change(_ descriptor: CInt, token: UInt64, _ interest: Interest) throws(KernelFailure) {
        try control(CInt(EPOLL_CTL_MOD), descriptor, token, interest)
    }

    /// Stops watching a descriptor. Nothing happens when it was not watched.
    ///
    /// Closing alone is not enough: a child that is on its way to execve(2) still has a copy, and a pidfd or pipe would
    /// go on waking us with a token that is no longer known.
    package borrowing func remove(_ descriptor: CInt) {
        var event = epoll_event()
        _ = epoll_ctl(epoll.rawValue, CInt(EPOLL_CTL_DEL), descriptor, &event)
    }

    /// Waits until something happens, or until the deadline.
    ///
    /// - Parameter deadline: when to give up; `nil` never does; one that has passed only looks.
    /// - Returns: what happened, at most `EdgeLimits.eventsPerWait`; empty at the deadline, and after a signal.
    /// - Throws: nothing that can happen to a living epoll.
    package mutating func wait(until deadline: Instant?) throws(KernelFailure) -> [Ready] {
        let timeout = deadline.map { max(0, ($0 - MonotonicClock.now()).inNanoseconds) } ?? -1
        let descriptor = epoll.rawValue
        let count = events.withUnsafeMutableBufferPointer { events in
            let capacity = CInt(events.count)
            let answer = warden_epoll_wait_nanoseconds(descriptor, events.baseAddress, capacity, timeout)
            if answer != -ENOSYS { return answer }
            // Linux 5.10: milliseconds, rounded up, or the last one would be spent in a busy loop.
            let milliseconds = timeout < 0 ? -1 : min((timeout + 999_999) / 1_000_000, Int64(CInt.max))
            let coarse = epoll_wait(descriptor, events.baseAddress, capacity, CInt(milliseconds))
            return coarse < 0 ? -errno : coarse
        }
        if count == -EINTR { return [] }
        return events.prefix(try Kernel.check("wait for epoll", "", Int(count))).map { event in
            let happened = event.events
            return Ready(
                token: event.data.u64, isReadable: happened & EPOLLIN.rawValue != 0,
                isWritable: happened & EPOLLOUT.rawValue != 0,
                isHungUp: happened & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0)
        }
    }

    private borrowing func control(
        _ operation: CInt, _ descriptor: CInt, _ token: UInt64, _ interest: Interest
    ) throws(KernelFailure) {
        let epoll = epoll.rawValue
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        try Kernel.retry("watch descriptor", "\(descriptor)") { epoll_ctl(epoll, operation, descriptor, &event) }
    }
}
