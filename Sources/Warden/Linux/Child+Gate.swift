internal import CWardenLinux
internal import Glibc
internal import WardenCore

extension Child {
    /// Whether a process of a former daemon ended at its gate, which nobody was left to open: then no program ever ran.
    ///
    /// It ends as soon as that daemon has; what may take a moment is that its new parent reaps it, and this waits for
    /// it. Not for one that has executed a program.
    ///
    /// - Parameters:
    ///   - pidfd: holds the process, which is not a child.
    ///   - patience: at most so long.
    /// - Returns: false also where the kernel does not keep exit codes (before 6.15).
    package static func endedAtGate(_ pidfd: CInt, within patience: Duration) -> Bool {
        guard warden_pidfd_hangs_up(pidfd) == 1 else { return false }
        if let pid = pid(of: pidfd), hasExecuted(pid) { return false }
        let deadline = MonotonicClock.now() + patience
        while warden_pidfd_is_over(pidfd, true) != 1 {
            let left = deadline - MonotonicClock.now()
            guard left > .zero else { return false }
            var entry = pollfd(fd: pidfd, events: 0, revents: 0)
            _ = poll(&entry, 1, CInt(max(1, min(left.inNanoseconds / 1_000_000, 1000))))
        }
        var status: Int32 = 0
        guard warden_pidfd_exit(pidfd, &status) == 0 else { return false }
        return status & 0x7F == WARDEN_GATE_SIGNAL
    }

    /// Whether it runs something other than this daemon's own program, which every child has until it executes another.
    private static func hasExecuted(_ pid: Int32) -> Bool {
        guard let own = program("self"), let other = program("\(pid)") else { return false }
        return own != other
    }

    private static func program(_ process: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { room in
            guard let start = room.baseAddress else { return nil }
            let length = readlink("/proc/\(process)/exe", start, room.count)
            guard length > 0 else { return nil }
            let path = String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
            // An upgrade has put another file in its place.
            let mark = " (deleted)"
            return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
        }
    }
}
