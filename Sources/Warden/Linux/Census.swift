internal import Glibc
package import WardenCore

/// What a process's descriptors are, by kind: on the way to a restart, never in passing. It costs some microseconds per
/// descriptor, and in the watched process a little memory for each.
package struct Census: Hashable, Sendable {
    /// Kinds, most frequent first; equal counts by name. At most `ProcLimits.descriptorKinds`, the rest added up as
    /// `other`.
    package var kinds: [Forensics.KindCount] = []
    /// Descriptors in all.
    package var total = 0
    /// Descriptors whose kind was read. When it is less than `total`, the counts were scaled up.
    package var readCount = 0

    /// Counts the descriptors of a process.
    ///
    /// - Parameters:
    ///   - pid: the process.
    ///   - deadline: what is not read by then is estimated from what was.
    /// - Throws: ESRCH; EACCES without the right to look.
    package static func take(of pid: Int32, until deadline: Instant) throws(KernelFailure) -> Census {
        let root = try Descriptor.open("/proc", O_RDONLY | O_DIRECTORY)
        let process = try ProcDirectory(pid: pid, root: root)
        var numbers: [Int32] = []
        try process.forEachNumber(in: "fd") { number in
            numbers.append(number)
            return numbers.count < ProcLimits.countedDescriptors
        }
        var census = Census()
        census.total = numbers.count
        var counts: [String: Int] = [:]
        let wanted = min(numbers.count, ProcLimits.sampledDescriptors)
        for index in 0..<wanted {
            // Evenly over the whole table: a leak fills its end.
            let number = numbers[index * numbers.count / wanted]
            guard let kind = kind(of: number, process) else { continue }
            census.readCount += 1
            counts[kind, default: 0] += 1
            if index % 64 == 63, MonotonicClock.now() > deadline { break }
        }
        census.kinds = scaled(counts, read: census.readCount, total: census.total)
        return census
    }

    /// The kind of a descriptor, from what its link in /proc/PID/fd points at.
    ///
    /// `pipe`, `socket`, `anon_inode:[eventfd]`, `/dev/nvidia0`, `/dev/pts`, `/dev/shm`, `memfd`, `file`.
    ///
    /// - Parameter link: the link's target.
    package static func kind(ofLink link: String) -> String {
        if link.hasPrefix("anon_inode:") { return link }
        if link.hasPrefix("/memfd:") { return "memfd" }
        if link.hasPrefix("/dev/shm/") { return "/dev/shm" }
        if link.hasPrefix("/dev/") {
            let name = link.hasSuffix(" (deleted)") ? String(link.dropLast(10)) : link
            // Terminals are one kind, whatever their numbers.
            guard let slash = name.lastIndex(of: "/"), slash > name.index(name.startIndex, offsetBy: 4) else {
                return name
            }
            let last = name[name.index(after: slash)...]
            return last.allSatisfy(\.isNumber) ? String(name[..<slash]) : name
        }
        if link.hasPrefix("/") { return "file" }
        // `pipe:[123]`, `socket:[123]`, `net:[123]`.
        return String(link.prefix { $0 != ":" })
    }

    /// Counts of a part, scaled to the whole.
    ///
    /// - Parameters:
    ///   - counts: how many of each kind were read.
    ///   - read: how many were read.
    ///   - total: how many there are.
    package static func scaled(_ counts: [String: Int], read: Int, total: Int) -> [Forensics.KindCount] {
        guard read > 0 else { return [] }
        let sorted = counts.map { entry in
            let count = Double(entry.value) * Double(total) / Double(read)
            return Forensics.KindCount(kind: entry.key, count: Int(count.rounded()))
        }.sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
        guard sorted.count > ProcLimits.descriptorKinds else { return sorted }
        let shown = sorted.prefix(ProcLimits.descriptorKinds - 1)
        let rest = sorted.dropFirst(shown.count).reduce(0) { $0 + $1.count }
        return shown + [Forensics.KindCount(kind: "other", count: rest)]
    }

    private static func kind(of number: Int32, _ process: borrowing ProcDirectory) -> String? {
        let base = process.number
        do throws(KernelFailure) {
            return try ProcDirectory.withName(number, prefix: "fd/") { name in
                withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { buffer in
                    let room = buffer.bindMemory(to: CChar.self)
                    guard let start = room.baseAddress else { return nil }
                    let length = readlinkat(base, name, start, room.count)
                    // Closed meanwhile.
                    if length < 0 { return nil }
                    return kind(ofLink: String(decoding: buffer[..<length], as: UTF8.self))
                }
            }
        } catch {
            return nil
        }
    }
}
