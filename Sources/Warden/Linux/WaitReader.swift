internal import Glibc
package import WardenCore

/// Reads what every thread of a worker's tree waits for, from /proc/PID/task/TID/syscall and its neighbours.
///
/// For a thread that may be abandoned: a stuck process can make a reading of /proc block. It stops nobody and writes
/// nothing.
package final class WaitReader {
    private enum Object: Hashable {
        case pipe(String)
        case socket
        case other
    }

    /// A thread that waits on a pipe, by its place in the table.
    private struct PipeWait {
        var row: Int
        var link: String
        var isRead: Bool
    }

    private let reader: ProcReader
    private let root: Descriptor
    private let buffer: UnsafeMutableRawBufferPointer
    private let architecture: SystemCall.Architecture?
    private var table = WaitTable(takenAt: .origin)
    private var pipeWaits: [PipeWait] = []
    private var parents: Set<Int32> = []
    private var caughtMask: UInt64 = 0

    /// - Throws: whatever opening /proc gives.
    package init() throws(KernelFailure) {
        reader = try ProcReader()
        root = try Descriptor.open("/proc", O_RDONLY | O_DIRECTORY)
        buffer = .allocate(byteCount: ProcLimits.fileBytes, alignment: 16)
        architecture = .own
    }

    deinit { buffer.deallocate() }

    /// Reads a tree.
    ///
    /// - Parameters:
    ///   - pid: the supervised process.
    ///   - stacks: read the kernel stacks, too. It needs root.
    ///   - deadline: what is not read by then is a gap.
    package func read(_ pid: Int32, stacks: Bool = false, until deadline: Instant) -> WaitTable {
        table = WaitTable(takenAt: MonotonicClock.now())
        pipeWaits = []
        parents = []
        caughtMask = 0
        if architecture == nil { gap("waits: this processor's system calls are not known") }
        switch reader.read(pid) {
        case .failure(let errorNumber): gap("waits: \(Kernel.text(of: errorNumber))")
        case .tree(let tree):
            if tree.isTruncated { gap("waits: the tree has too many processes") }
            for member in reader.members { readProcess(member, stacks: stacks, until: deadline) }
        }
        table.caughtSignals = ThreadStatus.wakingSignals(in: caughtMask)
        judgeChildren()
        judgePipes(until: deadline)
        return table
    }

    private func gap(_ text: String) {
        if !table.gaps.contains(text) { table.gaps.append(text) }
    }

    // MARK: - Threads

    private func readProcess(_ pid: Int32, stacks: Bool, until deadline: Instant) {
        do throws(KernelFailure) {
            let process = try ProcDirectory(pid: pid, root: root)
            guard let stat = ProcStat(try bytes("stat", process)) else { return }
            parents.insert(stat.parent)
            // Its main thread has ended, but others may live: only a whole process that ended has nothing to read.
            if stat.state == .zombie, stat.threadCount <= 1 { return }
            if !table.hasTimer { table.hasTimer = try bytes("timers", process).isEmpty == false }
            var threads: [Int32] = []
            try process.forEachNumber(in: "task") { thread in
                threads.append(thread)
                return threads.count <= Limits.waitThreads
            }
            for thread in threads {
                guard table.rows.count < Limits.waitThreads else {
                    gap("waits: more than \(Limits.waitThreads) threads")
                    return
                }
                guard MonotonicClock.now() < deadline else {
                    gap("waits: out of time")
                    return
                }
                try readThread(thread, process, stacks: stacks)
            }
        } catch {
            // What has just ended waits for nothing.
            if error.errorNumber == ESRCH || error.errorNumber == ENOENT { return }
            gap("waits: \(error)")
        }
    }

    private func readThread(
        _ tid: Int32, _ process: borrowing ProcDirectory, stacks: Bool
    ) throws(KernelFailure) {
        let text: ThreadStatus?
        do throws(KernelFailure) {
            text = ThreadStatus(try bytes(of: tid, "/status", process))
        } catch {
            if error.errorNumber == ESRCH || error.errorNumber == ENOENT { return }
            throw error
        }
        guard let status = text else {
            gap("waits: the status of thread \(tid) makes no sense")
            return
        }
        if status.state == .zombie || status.state == .dead { return }
        caughtMask |= status.caughtSignals
        var row = WaitTable.Row(
            pid: process.pid, tid: tid, name: status.name.withUnsafeBytes { QuotedLine.text(of: $0) },
            state: status.state.map { String(UnicodeScalar($0.rawValue)) } ?? "?", switches: status.switches,
            wait: .unknown)
        guard let reading = SystemCall.reading(try bytes(of: tid, "/syscall", process)) else {
            gap("waits: the system call of thread \(tid) makes no sense")
            return
        }
        var pipe: PipeWait?
        switch reading {
        case .running: row.wait = .running
        case .outside: row.wait = .unknown
        case .call(let call): pipe = judge(call, &row, process)
        }
        switch status.state {
        case .uninterruptible: row.wait = .kernel
        case .stopped, .traced: row.wait = .held
        case .running: row.wait = .running
        case .sleeping, .zombie, .dead, .idle, nil:
            if let pipe { pipeWaits.append(pipe) }
        }
        // Not the reason of any verdict: without the right to read it there is none.
        if stacks { row.stack = (try? stack(of: tid, process)) ?? [] }
        table.rows.append(row)
    }

    private func judge(
        _ call: SystemCall, _ row: inout WaitTable.Row, _ process: borrowing ProcDirectory
    ) -> PipeWait? {
        guard let architecture, let (name, meaning) = call.meaning(on: architecture) else {
            row.call = "system call \(call.number)"
            return nil
        }
        row.call = name
        let (number, isRead): (Int32, Bool)
        switch meaning {
        case .wait(let wait):
            row.wait = wait
            return nil
        case .read(let descriptor): (number, isRead) = (descriptor, true)
        case .write(let descriptor): (number, isRead) = (descriptor, false)
        }
        row.wait = .descriptor
        guard let link = link(number, of: process) else { return nil }
        row.descriptor = "\(number) \(link)"
        if link.hasPrefix("socket:") { row.wait = .socket }
        guard link.hasPrefix("pipe:[") else { return nil }
        row.wait = .pipe
        return PipeWait(row: table.rows.count, link: link, isRead: isRead)
    }

    private func stack(of tid: Int32, _ process: borrowing ProcDirectory) throws(KernelFailure) -> [String] {
        KernelStack.frames(try bytes(of: tid, "/stack", process))
    }

    // MARK: - Other ends

    /// A process without a child in the tree waits for one that is elsewhere.
    private func judgeChildren() {
        for index in table.rows.indices where table.rows[index].wait == .child {
            if !parents.contains(table.rows[index].pid) { table.rows[index].wait = .unknown }
        }
    }

    private func judgePipes(until deadline: Instant) {
        guard !pipeWaits.isEmpty else { return }
        markOwnOutput(until: deadline)
        // It costs a look at every process of the host: only where the pipes alone are open.
        let isPipe = Set(pipeWaits.map(\.row))
        let others = table.rows.indices.filter { !isPipe.contains($0) }
        guard table.gaps.isEmpty, !table.hasTimer, others.allSatisfy({ table.rows[$0].wait.isClosed }),
            pipeWaits.allSatisfy({ table.rows[$0.row].wait == .pipe })
        else { return }
        var open = Set(pipeWaits.map(\.link))
        if isEveryEndInside(pipeWaits, until: deadline) { open = [] }
        for wait in pipeWaits where !open.contains(wait.link) {
            table.rows[wait.row].wait = wait.isRead ? .pipeRead : .pipeWrite
        }
    }

    /// Pipes that it writes to and that this daemon reads.
    private func markOwnOutput(until deadline: Instant) {
        let written = Set(pipeWaits.filter { !$0.isRead }.map(\.link))
        guard !written.isEmpty else { return }
        var found: Set<String> = []
        var budget = WaitLimits.outsideDescriptors
        // Our own files can be read; if not, the pipes stay what they are: open.
        try? forEachEnd(of: getpid(), among: written, &budget, until: deadline) { link, canRead, _ in
            if canRead { found.insert(link) }
        }
        for wait in pipeWaits where !wait.isRead && found.contains(wait.link) {
            table.rows[wait.row].wait = .ownOutput
        }
    }

    /// Whether no process outside the tree holds an end that could end one of the waits. What cannot be read counts as
    /// holding one.
    private func isEveryEndInside(_ waits: [PipeWait], until deadline: Instant) -> Bool {
        let inside = Set(reader.members)
        let read = Set(waits.filter(\.isRead).map(\.link))
        let written = Set(waits.filter { !$0.isRead }.map(\.link))
        var budget = WaitLimits.outsideDescriptors
        var isInside = true
        do throws(KernelFailure) {
            for pid in try processes() where !inside.contains(pid) {
                do throws(KernelFailure) {
                    try forEachEnd(of: pid, among: read.union(written), &budget, until: deadline) {
                        if $1 && written.contains($0) || $2 && read.contains($0) { isInside = false }
                    }
                } catch {
                    if error.errorNumber != ESRCH, error.errorNumber != ENOENT { throw error }
                }
                if !isInside || budget <= 0 || MonotonicClock.now() >= deadline { return false }
            }
        } catch {
            return false
        }
        return isInside
    }

    private func processes() throws(KernelFailure) -> [Int32] {
        guard let directory = opendir("/proc") else { throw KernelFailure("list", "/proc", errno) }
        defer { _ = closedir(directory) }
        var pids: [Int32] = []
        while let entry = readdir(directory) {
            let value = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                ProcWords.count(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.firstIndex(of: 0) ?? 0)]))
            }
            if let pid = value.flatMap(Int32.init(exactly:)) { pids.append(pid) }
            if pids.count > WaitLimits.outsiders { throw KernelFailure("list", "/proc", E2BIG) }
        }
        // Hidden from us (hidepid) is not absent.
        guard pids.contains(1) else { throw KernelFailure("list", "/proc", EACCES) }
        return pids
    }

    private func forEachEnd(
        of pid: Int32, among links: Set<String>, _ budget: inout Int, until deadline: Instant,
        _ body: (_ link: String, _ canRead: Bool, _ canWrite: Bool) -> Void
    ) throws(KernelFailure) {
        let process = try ProcDirectory(pid: pid, root: root)
        var numbers: [Int32] = []
        let room = budget
        try process.forEachNumber(in: "fd") { number in
            numbers.append(number)
            return numbers.count <= room
        }
        budget -= numbers.count
        for (index, number) in numbers.enumerated() {
            if index % 256 == 255, MonotonicClock.now() >= deadline {
                budget = 0
                return
            }
            guard let link = link(number, of: process), links.contains(link) else { continue }
            // The permissions of the link are the descriptor's mode.
            let mode = mode(number, of: process)
            body(link, mode & S_IRUSR != 0, mode & S_IWUSR != 0)
        }
    }

    // MARK: - Files

    private func bytes(
        _ name: StaticString, _ process: borrowing ProcDirectory
    ) throws(KernelFailure) -> UnsafeRawBufferPointer {
        let count = try process.read(ProcDirectory.pointer(name), into: buffer)
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    private func bytes(
        of thread: Int32, _ file: StaticString, _ process: borrowing ProcDirectory
    ) throws(KernelFailure) -> UnsafeRawBufferPointer {
        // A closure cannot capture what is borrowed: the name is made first.
        var name: [CChar] = []
        try ProcDirectory.withName(thread, prefix: "task/", suffix: file) { pointer throws(KernelFailure) in
            name.append(contentsOf: UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
        }
        let count = try process.read(name, into: buffer)
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    private func link(_ number: Int32, of process: borrowing ProcDirectory) -> String? {
        let base = process.number
        // Closed meanwhile: nothing can be said.
        return try? ProcDirectory.withName(number, prefix: "fd/") { name in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { room -> String? in
                guard let start = room.baseAddress else { return nil }
                let length = readlinkat(base, name, start, room.count)
                if length < 0 { return nil }
                return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
            }
        }
    }

    private func mode(_ number: Int32, of process: borrowing ProcDirectory) -> mode_t {
        let base = process.number
        // Closed meanwhile: as if it could do both, which is the safe side.
        let mode = try? ProcDirectory.withName(number, prefix: "fd/") { name -> mode_t? in
            var status = stat()
            return fstatat(base, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mode : nil
        }
        return mode ?? (S_IRUSR | S_IWUSR)
    }
}

/// /proc/PID/task/TID/stack.
package enum KernelStack {
    /// The functions' names, innermost first, without offsets.
    ///
    /// - Parameter text: the file: `[<0>] futex_wait+0x67/0x120` a line.
    package static func frames(_ text: UnsafeRawBufferPointer) -> [String] {
        var frames: [String] = []
        for line in text.split(separator: UInt8(ascii: "\n")).prefix(WaitLimits.frames) {
            guard let space = line.firstIndex(of: UInt8(ascii: " ")) else { continue }
            let name = line[line.index(after: space)...].prefix { $0 != UInt8(ascii: "+") }
            frames.append(QuotedLine.text(of: UnsafeRawBufferPointer(rebasing: name)))
        }
        return frames
    }
}
