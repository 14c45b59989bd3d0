internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A process beyond doubt: a pid, and when it was started. A pid alone may be another's a moment later.
package struct ProcessIdentity: Hashable, Sendable {
    /// The process id.
    package var pid: Int32
    /// Clock ticks from the host's start to the process's.
    package var startTicks: UInt64

    /// - Parameters:
    ///   - pid: the process id.
    ///   - startTicks: clock ticks from the host's start to the process's.
    package init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }
}

/// One process of a tree.
package struct TreeMember: Hashable, Sendable {
    /// Which process.
    package var identity: ProcessIdentity
    /// Its parent when it was read.
    package var parent: Int32
    /// Its process group.
    package var group: Int32
    /// Its session.
    package var session: Int32
    /// Its state; `nil` for a letter that is not known.
    package var state: KernelState?

    /// A process as /proc/PID/stat has it now; `nil` when there is none, or nothing of it can be read.
    ///
    /// - Parameter pid: the process id.
    package init?(pid: Int32) {
        guard let text = ProcessTree.contents(of: "/proc/\(pid)/stat", atMost: EdgeLimits.procReadBytes) else {
            return nil
        }
        self.init(pid: pid, stat: text)
    }

    // The name is in parentheses and may itself hold spaces and parentheses: fields are counted from the last one.
    internal init?(pid: Int32, stat: [UInt8]) {
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        // Field 3 of proc(5) is the first here, field 22 (starttime) the twentieth.
        guard fields.count >= 20, let letter = fields[0].utf8.first, let parent = Int32(fields[1]),
            let group = Int32(fields[2]), let session = Int32(fields[3]), let startTicks = UInt64(fields[19])
        else { return nil }
        identity = ProcessIdentity(pid: pid, startTicks: startTicks)
        state = KernelState(rawValue: letter)
        self.parent = parent
        self.group = group
        self.session = session
    }
}

/// The processes that descend from one, by /proc/PID/task/TID/children.
package enum ProcessTree {
    /// A tree as it was when it was read.
    package struct Reading: Hashable, Sendable {
        /// Its processes, parents before children; empty when the root is gone.
        package var members: [TreeMember] = []
        /// There are more than the limit allowed.
        package var isTruncated = false
    }

    /// Reads a tree.
    ///
    /// - Parameters:
    ///   - root: the process at its top, which is its first member.
    ///   - limit: processes at most.
    /// - Returns: the tree as it is now.
    package static func members(of root: Int32, limit: Int = Limits.treeProcesses) -> Reading {
        var reading = Reading()
        guard let top = TreeMember(pid: root) else { return reading }
        reading.members.append(top)
        var seen: Set<Int32> = [root]
        var next = 0
        while next < reading.members.count {
            for pid in children(of: reading.members[next].identity.pid) where seen.insert(pid).inserted {
                guard let member = TreeMember(pid: pid) else { continue }
                if reading.members.count >= limit {
                    reading.isTruncated = true
                    return reading
                }
                reading.members.append(member)
            }
            next += 1
        }
        return reading
    }

    /// Children of this process that are not its own workers: orphans that the kernel gave to it as the subreaper.
    ///
    /// - Parameters:
    ///   - limit: processes at most.
    ///   - isOwned: whether a pid is one of ours that is not reaped yet.
    /// - Returns: the tops of the orphaned trees.
    package static func orphans(
        limit: Int = Limits.treeProcesses, unless isOwned: (Int32) -> Bool
    ) -> [TreeMember] {
        var orphans: [TreeMember] = []
        // The youngest come last in the list, and are looked at first: of a chain whose parents end all the time only
        // they live still.
        for pid in children(of: getpid()).reversed() where !isOwned(pid) {
            guard let member = TreeMember(pid: pid) else { continue }
            orphans.append(member)
            if orphans.count >= limit { break }
        }
        return orphans
    }

    /// The direct children of a process, those of all its threads.
    internal static func children(of pid: Int32) -> [Int32] {
        var pids: [Int32] = []
        for thread in numbers(in: "/proc/\(pid)/task") {
            guard let text = contents(of: "/proc/\(pid)/task/\(thread)/children", atMost: .max) else { continue }
            for word in text.split(separator: UInt8(ascii: " ")) {
                if let child = Int32(String(decoding: word, as: UTF8.self)) { pids.append(child) }
            }
        }
        return pids
    }

    private static func numbers(in path: String) -> [Int32] {
        guard let directory = opendir(path) else { return [] }
        defer { _ = closedir(directory) }
        var numbers: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = Int32(name) { numbers.append(number) }
        }
        return numbers
    }

    /// A file of /proc as a whole, or its first `limit` bytes; `nil` when it cannot be read.
    internal static func contents(of path: String, atMost limit: Int) -> [UInt8]? {
        // The reason does not matter here: what cannot be read counts as gone.
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        var contents: [UInt8] = []
        while contents.count < limit {
            let room = min(EdgeLimits.procReadBytes, limit - contents.count)
            var failed = false
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let size = Glibc.read(file.rawValue, buffer.baseAddress, room)
                failed = size < 0
                count = max(0, size)
            }
            if failed { return nil }
            if chunk.isEmpty { break }
            contents += chunk
        }
        return contents
    }
}
