internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A process that is known by its pidfd: whatever becomes of its pid, no stranger is ever signalled or waited for.
///
/// Either our own child, or one that was adopted: a child of the daemon that died, whose parent is now another process.
package struct Child: ~Copyable, Sendable {
    /// The process id. Another's, once `reap` has answered.
    package let pid: Int32
    /// It is ours to wait for. One that is not is reaped by its new parent.
    package let isOurs: Bool
    private let pidfd: Descriptor
    private var isReaped = false
    /// The pidfd of a process that was reaped says so by a hang-up, and then holds its exit status (Linux 6.9, 6.15).
    private let hangsUp: Bool

    /// Our own child.
    ///
    /// - Parameters:
    ///   - pid: the process id.
    ///   - pidfd: its pidfd.
    package init(pid: Int32, pidfd: consuming Descriptor) {
        self.pid = pid
        self.pidfd = pidfd
        isOurs = true
        hangsUp = false
    }

    /// A process whose pidfd was kept or found, whoever its parent is: after a restart in place it is still our child.
    ///
    /// - Parameters:
    ///   - pid: the process id that it has, or had.
    ///   - pidfd: its pidfd.
    ///   - avoidsExitInformation: do as on a kernel before 6.13, so that the way around it can be tested.
    package init(adopting pid: Int32, pidfd: consuming Descriptor, avoidsExitInformation: Bool = false) {
        var exit = warden_exit()
        // ECHILD is the answer for another's child.
        isOurs = warden_wait_pidfd(pidfd.rawValue, true, &exit) >= 0
        hangsUp = !avoidsExitInformation && warden_pidfd_hangs_up(pidfd.rawValue) == 1
        self.pid = pid
        self.pidfd = pidfd
    }

    /// The pid that a pidfd names, from its fdinfo.
    ///
    /// - Parameter pidfd: any descriptor.
    /// - Returns: `nil` when its process was reaped, or when it is none.
    package static func pid(of pidfd: CInt) -> Int32? {
        let text = ProcessTree.contents(of: "/proc/self/fdinfo/\(pidfd)", atMost: EdgeLimits.procReadBytes) ?? []
        for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: "Pid:".utf8) {
            let digits = line.drop { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) && $0 != UInt8(ascii: "-") }
            return Int32(String(decoding: digits, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
        }
        return nil
    }

    /// Ready, in the way of `readinessInterest`, once the process has ended. For an epoll to watch, for the store of
    /// the service manager, and for a new binary.
    package var readinessDescriptor: CInt { pidfd.rawValue }

    /// What an epoll is to wake for.
    ///
    /// An adopted one wakes by its hang-up alone: it can be read as soon as the process is dead, but its status is
    /// there only when its parent has reaped it, and until then an epoll would spin. Kernels without that hang-up
    /// (before 6.9) keep no status either, so there the death is all that one can wait for.
    package var readinessInterest: Poller.Interest { isOurs || !hangsUp ? .readable : [] }

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
    /// From Linux 6.9 on the pidfd names the group, and that holds for adopted ones as well.
    ///
    /// Before, somebody else reaps an adopted one, and may do so between our look at the pidfd, which must not be over,
    /// and the signal. A stranger is hit only if within these two system calls the pid is also given away, which takes
    /// a whole round of pids, and becomes a group's.
    ///
    /// - Parameter signal: what to send.
    /// - Returns: false when there is nobody left in it, which is not an error.
    /// - Throws: EPERM and EINVAL.
    @discardableResult
    package borrowing func deliverToGroup(_ signal: Signal) throws(KernelFailure) -> Bool {
        if isReaped { return false }
        var answer = warden_pidfd_send_signal_to_group(pidfd.rawValue, signal.number)
        if answer == -EINVAL {
            // A zombie takes signal 0 still; who has been reaped answers ESRCH.
            if !isOurs, warden_pidfd_send_signal(pidfd.rawValue, 0) == -ESRCH { return false }
            answer = warden_signal_group(pid, signal.number)
        }
        if answer == -ESRCH { return false }
        try Kernel.check("send signal \(signal.number) to process group", "\(pid)", Int(answer))
        return true
    }

    /// Whether it has ended, without reaping it.
    ///
    /// - Throws: ECHILD when it was our child and was reaped before.
    package borrowing func peekExit() throws(KernelFailure) -> ExitStatus? {
        isOurs ? try wait(keeping: true) : adoptedExit()
    }

    /// Reaps it if it has ended, or has been reaped by its new parent. From then on its pid may be another's.
    ///
    /// - Returns: `nil` while it lives; a stopped one lives. `.unknown` for an adopted one where the kernel does not
    ///   keep the status (before 6.15).
    /// - Throws: ECHILD when it was our child and was reaped before.
    package mutating func reap() throws(KernelFailure) -> ExitStatus? {
        let status = isOurs ? try wait(keeping: false) : adoptedExit()
        if status != nil { isReaped = true }
        return status
    }

    private borrowing func adoptedExit() -> ExitStatus? {
        // Asked for first: should it be reaped just after, the status is there.
        guard warden_pidfd_is_over(pidfd.rawValue, hangsUp) == 1 else { return nil }
        if !hangsUp { return .unknown }
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
