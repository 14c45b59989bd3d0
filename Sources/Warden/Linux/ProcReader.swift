internal import CWardenLinux
internal import Glibc
package import WardenCore

/// Reads what a sample is made of: one worker's tree, from /proc, as cheaply as it can be had.
///
/// One per thread; its buffers are used again for every file.
package final class ProcReader {
    /// Ways of reading that are not the kernel's best, for tests.
    package struct Fallbacks: OptionSet, Hashable, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// As before Linux 6.2: the size of /proc/PID/fd is 0, and descriptors are counted one by one.
        package static let countByReading = Fallbacks(rawValue: 1)
        /// As without the right to call prlimit(2): /proc/PID/limits is read.
        package static let limitsFile = Fallbacks(rawValue: 2)
    }

    private let fallbacks: Fallbacks
    private let root: Descriptor
    private let buffer: UnsafeMutableRawBufferPointer
    private let ticksPerSecond: UInt64
    private let pageBytes: Int64
    private let freezer: ProcFreezer
    private var pending: [Int32] = []

    /// - Parameter fallbacks: ways to take although there are better ones.
    /// - Throws: whatever opening /proc gives.
    package init(fallbacks: Fallbacks = []) throws(KernelFailure) {
        self.fallbacks = fallbacks
        root = try Descriptor.open("/proc", O_RDONLY | O_DIRECTORY)
        freezer = ProcFreezer()
        buffer = .allocate(byteCount: ProcLimits.fileBytes, alignment: 16)
        ticksPerSecond = UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
        pageBytes = Int64(max(1, sysconf(CInt(_SC_PAGESIZE))))
    }

    deinit { buffer.deallocate() }

    /// Reads a worker's tree. A descendant that vanishes meanwhile is left out; the root that vanishes is ESRCH.
    ///
    /// - Parameter pid: the supervised process.
    package func read(_ pid: Int32) -> Sample.Readings {
        var tree = TreeSum()
        pending.removeAll(keepingCapacity: true)
        pending.append(pid)
        var next = 0
        while next < pending.count {
            do throws(KernelFailure) {
                try readProcess(pending[next], isRoot: next == 0, into: &tree)
            } catch {
                if next == 0 { return .failure(error.errorNumber == ENOENT ? ESRCH : error.errorNumber) }
            }
            next += 1
        }
        return .tree(tree.readings(ticksPerSecond: ticksPerSecond, pageBytes: pageBytes))
    }

    /// The processes that the last reading found, parents before children.
    internal var members: [Int32] { pending }

    /// A number that changes whenever a file is written to: its size and the time of its last change, folded.
    ///
    /// - Parameter path: `heartbeat = file:PATH`.
    /// - Returns: `nil` when there is no such file.
    package static func mark(ofFile path: String) -> UInt64? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let time = UInt64(bitPattern: Int64(status.st_mtim.tv_sec)) &* 1_000_000_000 &+ UInt64(status.st_mtim.tv_nsec)
        // Spread the size over all bits, or a byte more and a nanosecond less would cancel out.
        return time ^ (UInt64(bitPattern: Int64(status.st_size)) &* 0x9E37_79B9_7F4A_7C15)
    }

    private func readProcess(_ pid: Int32, isRoot: Bool, into tree: inout TreeSum) throws(KernelFailure) {
        let process = try ProcDirectory(pid: pid, root: root)
        let text = try bytes(of: "stat", process)
        guard let stat = ProcStat(text) else {
            // A process that ends at this moment gives an empty file; a text that makes no sense is an I/O error.
            throw KernelFailure("read stat of process", "\(pid)", text.isEmpty ? ESRCH : EIO)
        }
        tree.add(stat, of: pid, isRoot: isRoot)
        if isRoot { tree.isFrozen = freezer.holds(process, buffer) }
        // It has ended and is only not reaped yet: it has nothing left to be read.
        if stat.state != .zombie, stat.state != .dead {
            tree.add(descriptors: descriptors(of: process))
            readIO(of: process, into: &tree)
            tree.add(switches: switches(of: process))
        }
        findChildren(of: process, threadCount: stat.threadCount, &tree)
    }

    private func bytes(
        of name: StaticString, _ process: borrowing ProcDirectory
    ) throws(KernelFailure) -> UnsafeRawBufferPointer {
        let count = try process.read(ProcDirectory.pointer(name), into: buffer)
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    // MARK: - Descriptors

    private func descriptors(of process: borrowing ProcDirectory) -> DescriptorReading? {
        guard let count = descriptorCount(of: process), let limits = limits(of: process) else { return nil }
        return DescriptorReading(
            pid: process.pid, count: count, softLimit: limits.soft, hardLimit: limits.hard)
    }

    // One stat(2): since Linux 6.2 the size of the directory is the number of descriptors, whatever that is.
    private func descriptorCount(of process: borrowing ProcDirectory) -> Int? {
        if !fallbacks.contains(.countByReading) {
            var status = stat()
            guard fstatat(process.number, "fd", &status, 0) == 0 else { return nil }
            if status.st_size > 0 { return Int(status.st_size) }
        }
        var count = 0
        do throws(KernelFailure) {
            try process.forEachNumber(in: "fd") { _ in
                count += 1
                return count < ProcLimits.countedDescriptors
            }
        } catch {
            return nil
        }
        return count
    }

    private func limits(of process: borrowing ProcDirectory) -> (soft: Int, hard: Int)? {
        if !fallbacks.contains(.limitsFile) {
            var limit = warden_limit()
            if warden_prlimit(process.pid, CInt(RLIMIT_NOFILE.rawValue), nil, &limit) == 0 {
                return (Int(clamping: limit.soft), Int(clamping: limit.hard))
            }
        }
        do throws(KernelFailure) {
            return ProcText.descriptorLimits(try bytes(of: "limits", process))
        } catch {
            return nil
        }
    }

    // MARK: - Counters

    private func readIO(of process: borrowing ProcDirectory, into tree: inout TreeSum) {
        do throws(KernelFailure) {
            tree.add(io: ProcText.io(try bytes(of: "io", process)))
        } catch {
            // A process that has just ended is left out; one that may not be read makes the sum unknown.
            if error.errorNumber != ESRCH, error.errorNumber != ENOENT { tree.add(io: nil) }
        }
    }

    private func switches(of process: borrowing ProcDirectory) -> UInt64? {
        do throws(KernelFailure) {
            return ProcText.count(of: "voluntary_ctxt_switches:", in: try bytes(of: "status", process))
        } catch {
            return nil
        }
    }

    // MARK: - The tree

    // A child belongs to the thread that forked it: each has a list of its own.
    private func findChildren(of process: borrowing ProcDirectory, threadCount: Int, _ tree: inout TreeSum) {
        if threadCount <= 1 {
            findChildren(of: process.pid, process, &tree)
            return
        }
        var threads: [Int32] = []
        do throws(KernelFailure) {
            try process.forEachNumber(in: "task") { thread in
                threads.append(thread)
                return threads.count < ProcLimits.threads
            }
        } catch {
            // It has just ended, and its children are somebody else's.
            return
        }
        for thread in threads { findChildren(of: thread, process, &tree) }
    }

    private func findChildren(of thread: Int32, _ process: borrowing ProcDirectory, _ tree: inout TreeSum) {
        let count: Int
        do throws(KernelFailure) {
            count = try readChildren(of: thread, process)
        } catch {
            return
        }
        var words = ProcWords(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        while let child = words.count() {
            guard let pid = Int32(exactly: child), !pending.contains(pid) else { continue }
            if pending.count >= Limits.treeProcesses {
                tree.isTruncated = true
                return
            }
            pending.append(pid)
        }
    }

    private func readChildren(
        of thread: Int32, _ process: borrowing ProcDirectory
    ) throws(KernelFailure) -> Int {
        // A closure cannot capture what is borrowed: the name is made first.
        var name: [CChar] = []
        try ProcDirectory.withName(thread, prefix: "task/", suffix: "/children") { pointer throws(KernelFailure) in
            name.append(contentsOf: UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
        }
        return try process.read(name, into: buffer)
    }
}

/// Adds up a tree.
private struct TreeSum {
    var isTruncated = false
    var isFrozen = false
    private var readings = TreeReadings(processCount: 0, threadCount: 0)
    private var cpuTicks: UInt64 = 0
    private var pages: Int64 = 0
    private var rootPages: Int64 = 0
    private var io: IOReading? = IOReading(readBytes: 0, writtenBytes: 0, readCalls: 0, writeCalls: 0)
    private var voluntarySwitches: UInt64? = 0

    mutating func add(_ stat: ProcStat, of pid: Int32, isRoot: Bool) {
        readings.processCount += 1
        readings.threadCount += stat.threadCount
        cpuTicks &+= stat.cpuTicks
        pages &+= stat.residentPages
        if isRoot {
            rootPages = stat.residentPages
            // A letter that no kernel has used yet: alive, at any rate.
            readings.rootState = stat.state ?? .sleeping
        } else if stat.state == .stopped {
            readings.stoppedDescendantCount += 1
        }
        if stat.state == .uninterruptible {
            readings.uninterruptibleCount += 1
            if readings.uninterruptible == nil { readings.uninterruptible = pid }
        }
    }

    mutating func add(descriptors: DescriptorReading?) {
        guard let descriptors else { return }
        if let tightest = readings.tightest, tightest.free <= descriptors.free { return }
        readings.tightest = descriptors
    }

    // One process that may not be read makes the sum worthless: only its standing still says something.
    mutating func add(io more: IOReading?) {
        guard let sum = io, let more else {
            io = nil
            return
        }
        io = IOReading(
            readBytes: sum.readBytes &+ more.readBytes, writtenBytes: sum.writtenBytes &+ more.writtenBytes,
            readCalls: sum.readCalls &+ more.readCalls, writeCalls: sum.writeCalls &+ more.writeCalls)
    }

    mutating func add(switches: UInt64?) {
        guard let sum = voluntarySwitches, let switches else {
            voluntarySwitches = nil
            return
        }
        voluntarySwitches = sum &+ switches
    }

    func readings(ticksPerSecond: UInt64, pageBytes: Int64) -> TreeReadings {
        var readings = readings
        readings.isTruncated = isTruncated
        readings.isFrozen = isFrozen
        readings.cpuTime = .nanoseconds(Int64(clamping: cpuTicks &* (1_000_000_000 / ticksPerSecond)))
        readings.treeRSSBytes = pages.multipliedReportingOverflow(by: pageBytes).partialValue
        readings.rootRSSBytes = rootPages.multipliedReportingOverflow(by: pageBytes).partialValue
        readings.io = io
        readings.voluntarySwitches = voluntarySwitches
        return readings
    }
}
