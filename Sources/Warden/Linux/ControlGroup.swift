internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A control group of one worker: every process that the worker has made is in it, whatever its parent, session or
/// process group.
package struct ControlGroup: ~Copyable, Sendable {
    /// Its name: slot and generation, `12.3`.
    package let name: String
    /// Its directory.
    package let path: String
    private let directory: Descriptor

    internal init(name: String, path: String) throws(KernelFailure) {
        directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        self.name = name
        self.path = path
    }

    /// The directory, for `SpawnPlan.cgroup`.
    package var descriptor: CInt { directory.rawValue }

    /// Whether a process lives in it or below it; zombies do not count. `nil` when the group is gone.
    package var isPopulated: Bool? { event("populated") }

    /// Whether all its processes stand still. `nil` when the group is gone.
    package var isFrozen: Bool? { event("frozen") }

    /// The processes in it and below it, those of other namespaces left out; at most `ControlGroupLimits.members`.
    package var members: [Int32] { ControlGroupFiles.members(of: path) }

    /// Has all its processes stand still, or go on. The kernel does so soon, not at once: see `isFrozen`.
    ///
    /// - Parameter isFrozen: stand still.
    /// - Throws: ENOENT and ENODEV when the group is gone.
    package func freeze(_ isFrozen: Bool) throws(KernelFailure) {
        try write(isFrozen ? "1" : "0", to: "cgroup.freeze")
    }

    /// Kills everything in it and below it, those included that are being born.
    ///
    /// - Parameter avoidsKillFile: do as on a kernel before 5.14, so that the way around it can be tested: freeze, kill
    ///   one by one, thaw, which takes up to `killRounds` times `roundTime`.
    /// - Throws: EACCES. A group that is gone is no error.
    package func killAll(avoidsKillFile: Bool = false) throws(KernelFailure) {
        if !avoidsKillFile {
            do throws(KernelFailure) {
                try write("1", to: "cgroup.kill")
                return
            } catch {
                if error.errorNumber == ENODEV { return }
                if error.errorNumber != ENOENT { throw error }
            }
        }
        guard isPopulated != nil else { return }
        try freeze(true)
        // The thawed ones die: nothing else can be done about a group that does not take the word.
        defer { try? freeze(false) }
        for _ in 0..<ControlGroupLimits.killRounds {
            for pid in members { ControlGroupFiles.end(pid, in: path) }
            if awaitEmpty(until: MonotonicClock.now() + ControlGroupLimits.roundTime) { return }
        }
    }

    /// Waits until no process lives in it. For threads that may wait.
    ///
    /// - Parameter deadline: when to give up.
    /// - Returns: whether it is empty, or gone.
    package func awaitEmpty(until deadline: Instant) -> Bool {
        guard let events = try? open("cgroup.events", O_RDONLY) else { return true }  // Gone.
        while true {
            if isPopulated != true { return true }
            let rest = deadline - MonotonicClock.now()
            if rest <= .zero { return false }
            // POLLPRI comes with every change since the file was read; a read arms it.
            var byte: UInt8 = 0
            _ = pread(events.rawValue, &byte, 1, 0)
            if isPopulated != true { return true }
            var entry = pollfd(fd: events.rawValue, events: Int16(POLLPRI), revents: 0)
            _ = poll(&entry, 1, CInt(clamping: max(1, rest.inNanoseconds / 1_000_000)))
        }
    }

    /// Removes it, and what is below it. It must be empty.
    ///
    /// - Returns: whether it is gone; one with a process in it is not.
    @discardableResult
    package func remove() -> Bool { ControlGroupFiles.remove(path, depth: 0) }

    /// How much its processes had to wait in the last ten seconds, in percent; `nil` where the kernel does not say.
    package var pressure: ControlGroupPressure { ControlGroupPressure(path: path) }

    private func event(_ word: StaticString) -> Bool? {
        // The reason does not matter: what cannot be read is gone.
        guard let file = try? open("cgroup.events", O_RDONLY) else { return nil }
        var buffer: InlineArray<256, UInt8> = InlineArray(repeating: 0)
        var span = buffer.mutableSpan
        return span.withUnsafeMutableBytes { bytes in
            // As above.
            guard let size = try? file.read(into: bytes), size > 0 else { return nil }
            return ProcText.count(of: word, in: UnsafeRawBufferPointer(rebasing: bytes[..<size])).map { $0 == 1 }
        }
    }

    private func open(_ file: String, _ flags: CInt) throws(KernelFailure) -> Descriptor {
        let base = directory.rawValue
        let place = path
        return Descriptor(
            owning: try Kernel.retry("open", "\(place)/\(file)") { openat(base, file, flags | O_CLOEXEC) })
    }

    internal func write(_ text: String, to file: String) throws(KernelFailure) {
        let target = try open(file, O_WRONLY)
        let number = target.rawValue
        let bytes = Array(text.utf8)
        _ = try Kernel.retry("write", "\(path)/\(file)") { Glibc.write(number, bytes, bytes.count) }
    }
}

/// How much the processes of a group had to wait, in percent of the last ten seconds.
package struct ControlGroupPressure: Hashable, Sendable {
    /// Some was ready to run and had to wait for a CPU.
    package var cpuSomePercent: Double?
    /// All stood still for want of memory.
    package var memoryFullPercent: Double?
    /// All stood still for a disk.
    package var ioFullPercent: Double?

    internal init(path: String) {
        func share(_ kind: String, _ file: String) -> Double? {
            ProcessTree.contents(of: "\(path)/\(file)", atMost: EdgeLimits.procReadBytes).flatMap {
                PressureGauge.share(kind, in: String(decoding: $0, as: UTF8.self))
            }
        }
        cpuSomePercent = share("some", "cpu.pressure")
        memoryFullPercent = share("full", "memory.pressure")
        ioFullPercent = share("full", "io.pressure")
    }
}

/// What is done with the files of groups by path.
internal enum ControlGroupFiles {
    /// The names of the groups below one, in no order; systemd's own (`.control`) are left out.
    internal static func names(below path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { _ = closedir(stream) }
        var names: [String] = []
        while names.count < ControlGroupLimits.groups, let entry = readdir(stream) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The words of a file such as `cgroup.controllers`; none when it cannot be read.
    internal static func words(_ path: String) -> Set<String> {
        let text = ProcessTree.contents(of: path, atMost: EdgeLimits.procReadBytes) ?? []
        return Set(String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init))
    }

    /// The processes in a group itself.
    internal static func residents(of path: String) -> [Int32] {
        let text = ProcessTree.contents(of: "\(path)/cgroup.procs", atMost: ControlGroupLimits.listBytes) ?? []
        // 0 stands for a process of another pid namespace.
        return text.split(separator: UInt8(ascii: "\n"))
            .compactMap { Int32(String(decoding: $0, as: UTF8.self)) }.filter { $0 > 0 }
    }

    /// The same with those below it.
    internal static func members(of path: String) -> [Int32] {
        var members: [Int32] = []
        var groups = [(path, 0)]
        while let (group, depth) = groups.popLast(), members.count < ControlGroupLimits.members {
            members += residents(of: group)
            if depth < ControlGroupLimits.depth {
                groups += names(below: group).map { ("\(group)/\($0)", depth + 1) }
            }
        }
        return members
    }

    /// Kills one process if it still is in the group: the pidfd comes first, and the check second.
    internal static func end(_ pid: Int32, in path: String) {
        let number = warden_pidfd_open(pid)
        if number < 0 { return }
        let pidfd = Descriptor(owning: number)
        guard let text = ProcessTree.contents(of: "/proc/\(pid)/cgroup", atMost: EdgeLimits.procReadBytes),
            let own = ControlGroupMount.find()?.directory(processGroups: text),
            own == path || own.hasPrefix(path + "/")
        else { return }
        _ = warden_pidfd_send_signal(pidfd.rawValue, Signal.kill.number)
    }

    internal static func remove(_ path: String, depth: Int) -> Bool {
        if rmdir(path) == 0 || errno == ENOENT { return true }
        guard errno == EBUSY || errno == ENOTEMPTY, depth < ControlGroupLimits.depth else { return false }
        var isEmptied = false
        for name in names(below: path) { isEmptied = remove("\(path)/\(name)", depth: depth + 1) || isEmptied }
        return isEmptied && (rmdir(path) == 0 || errno == ENOENT)
    }
}
