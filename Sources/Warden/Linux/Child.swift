internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A process that is known by its pidfd: whatever becomes of its pid, no stranger is ever signalled or waited for.
package struct Child: ~Copyable, Sendable {
    /// The process id. Another's, once `reap` has answered.
    package let pid: Int32
    private let pidfd: Descriptor
    private var isReaped = false

    /// - Parameters:
    ///   - pid: the process id.
    ///   - pidfd: its pidfd.
    package init(pid: Int32, pidfd: consuming Descriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Readable once the process has ended. For an epoll to watch, for the store of the service manager, and for a new
    /// binary.
    package var readinessDescriptor: CInt { pidfd.rawValue }

    /// Sends a signal to the process alone.
    ///
    /// - Parameter signal: what to send.
    /// - Returns: false when it has been reaped already, which is not an error.
    /// - Throws: EPERM and EINVAL.
    @discardableResult
    package borrowing func deliver(_ signal: Signal) throws(KernelFailure) -> Bool {
        let answer = warden_pidfd_send_signal(pidfd.rawValue, signal.number)
        if answer == -ESRCH { return false }
        try Kernel.check("send signal \(signal.number) to process", "\(pid)", Int(answer))
        return true
    }

    /// Sends a signal to the process group that the child leads.
    ///
    /// Only while the child is unreaped: until then the kernel gives its pid to no other process and no other group.
    ///
    /// - Parameter signal: what to send.
    /// - Returns: false when there is nobody left in it, which is not an error.
    /// - Throws: EPERM and EINVAL.
    @discardableResult
    package borrowing func deliverToGroup(_ signal: Signal) throws(KernelFailure) -> Bool {
        if isReaped { return false }
        let answer = warden_signal_group(pid, signal.number)
        if answer == -ESRCH { return false }
        try Kernel.check("send signal \(signal.number) to process group", "\(pid)", Int(answer))
        return true
    }

    /// Whether it has ended, without reaping it.
    ///
    /// - Throws: ECHILD when it is not a child of this process (it was adopted), or was reaped before.
    package borrowing func peekExit() throws(KernelFailure) -> ExitStatus? {
        try wait(keeping: true)
    }

    /// Reaps it if it has ended. From then on its pid may be another's.
    ///
    /// - Returns: `nil` while it lives; a stopped one lives.
    /// - Throws: ECHILD when it is not a child of this process (it was adopted), or was reaped before.
    package mutating func reap() throws(KernelFailure) -> ExitStatus? {
        let status = try wait(keeping: false)
        if status != nil { isReaped = true }
        return status
    }

    /// How a process that is not our child ended, once its pidfd is readable (Linux 6.15 and later).
    ///
    /// - Returns: `.unknown` when the kernel does not say.
    package borrowing func adoptedExit() -> ExitStatus {
        var status: Int32 = 0
        return warden_pidfd_exit(pidfd.rawValue, &status) == 0 ? ExitStatus(waitStatus: status) : .unknown
    }

    private borrowing func wait(keeping: Bool) throws(KernelFailure) -> ExitStatus? {
        var exit = warden_exit()
        try Kernel.check("wait for process", "\(pid)", Int(warden_wait_pidfd(pidfd.rawValue, keeping, &exit)))
        return exit.pid == 0 ? nil : ExitStatus(exit)
    }
}

extension ExitStatus {
    internal init(_ exit: warden_exit) {
        switch exit.code {
        case CInt(CLD_EXITED): self = .code(exit.status)
        case CInt(CLD_KILLED): self = .signal(exit.status, coreDumped: false)
        case CInt(CLD_DUMPED): self = .signal(exit.status, coreDumped: true)
        default: self = .unknown
        }
    }

    /// - Parameter waitStatus: as wait(2) packs it.
    internal init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .code(waitStatus >> 8 & 0xFF) : .signal(signal, coreDumped: waitStatus & 0x80 != 0)
    }
}

/// Children that nobody asked for: orphans of workers, which the kernel gives to the nearest subreaper.
package enum Strangers {
    /// What a sweep found.
    package struct Sweep: Hashable, Sendable {
        /// The strangers that were reaped, in order.
        package var reaped: [Int32] = []
        /// One of our own that has ended and waits to be reaped by its pidfd. It hides the strangers behind it: reap
        /// it, then sweep again.
        package var hiddenBehind: Int32?
        /// More may be waiting: the sweep ended at its limit.
        package var isCutShort = false

        /// Nothing found.
        package init() {}
    }

    /// Reaps children that have ended and are not ours, at most `EdgeLimits.strangersPerSweep`.
    ///
    /// Each is looked at before it is reaped: a blind wait would take an exit status away from its pidfd.
    ///
    /// - Parameter isOwned: whether a pid is one of ours that is not reaped yet.
    /// - Returns: what it found.
    package static func reap(unless isOwned: (Int32) -> Bool) -> Sweep {
        var sweep = Sweep()
        for _ in 0..<EdgeLimits.strangersPerSweep {
            var exit = warden_exit()
            // ECHILD: no children at all.
            if warden_wait(0, true, &exit) < 0 || exit.pid == 0 { return sweep }
            let pid = exit.pid
            if isOwned(pid) {
                sweep.hiddenBehind = pid
                return sweep
            }
            if warden_wait(pid, false, &exit) == 0, exit.pid == pid { sweep.reaped.append(pid) }
        }
        sweep.isCutShort = true
        return sweep
    }
}
