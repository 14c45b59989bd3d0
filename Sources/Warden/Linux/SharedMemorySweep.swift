internal import CWardenLinux
internal import Glibc
internal import WardenCore

/// Removes what torch has left in /dev/shm for processes that are dead: `torch_PID_RANDOM_COUNTER`.
///
/// With its `file_system` strategy torch names every tensor that two processes share, and leaves the removal to its own
/// `torch_shm_manager`. Where that is killed with the tree, the files stay until the host restarts.
package enum SharedMemorySweep {
    /// What came of it.
    package struct Outcome: Hashable, Sendable {
        /// Files that were removed.
        package var files = 0
        /// The bytes that they held.
        package var bytes: Int64 = 0
        /// Why nothing, or not all, was removed; `nil` when there is nothing to say.
        package var problem: String?

        /// Nothing was removed.
        package init() {}
    }

    /// Removes the files of the dead among some processes. Nothing else is touched: no other name, no other owner, no
    /// directory, link, pipe or socket, and nothing whose pid is alive, whoever that may be now.
    ///
    /// - Parameters:
    ///   - directory: /dev/shm.
    ///   - pids: the processes of an old tree.
    ///   - owner: the user that the program runs as.
    /// - Returns: what was removed.
    package static func sweep(_ directory: String = "/dev/shm", of pids: Set<Int32>, ownedBy owner: UInt32) -> Outcome {
        var outcome = Outcome()
        do throws(KernelFailure) {
            let held = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            let names = try names(in: held, directory) { creator(of: $0).map { pids.contains($0) } ?? false }
            var isAlive: [Int32: Bool] = [:]
            for name in names.prefix(EdgeLimits.sweptFiles) {
                guard let pid = creator(of: name) else { continue }
                let lives = isAlive[pid] ?? lives(pid)
                isAlive[pid] = lives
                if !lives { remove(name, held, owner, &outcome) }
            }
            if names.count > EdgeLimits.sweptFiles {
                outcome.problem = "\(directory) holds more than \(EdgeLimits.sweptFiles) files of it"
            }
        } catch {
            outcome.problem = "\(error)"
        }
        return outcome
    }

    /// A zombie has given back everything but its number.
    private static func lives(_ pid: Int32) -> Bool {
        switch TreeMember(pid: pid)?.state {
        case .zombie?, .dead?: false
        case .running?, .sleeping?, .uninterruptible?, .stopped?, .traced?, .idle?: true
        // A letter that is not known is a process; no answer is none.
        case nil: TreeMember(pid: pid) != nil
        }
    }

    /// The process that a file is named after: torch_PID_RANDOM, with a counter behind it in newer versions.
    package static func creator(of name: String) -> Int32? {
        guard name.hasPrefix("torch_") else { return nil }
        let parts = name.dropFirst("torch_".count).split(separator: "_", omittingEmptySubsequences: false)
        let isNumber = { (part: Substring) in !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard (2...3).contains(parts.count), parts.allSatisfy(isNumber) else { return nil }
        return Int32(parts[0])
    }

    // The directory is sticky: between the look and the removal only the owner can put another file in its place, and
    // then only one of his own. A link is never followed.
    private static func remove(
        _ name: String, _ directory: borrowing Descriptor, _ owner: UInt32, _ outcome: inout Outcome
    ) {
        var status = stat()
        guard fstatat(directory.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
            status.st_mode & S_IFMT == S_IFREG, status.st_uid == owner
        else { return }
        guard unlinkat(directory.rawValue, name, 0) == 0 else {
            outcome.problem = "\(KernelFailure("remove", name, errno))"
            return
        }
        outcome.files += 1
        outcome.bytes += Int64(status.st_size)
    }

    private static func names(
        in directory: borrowing Descriptor, _ path: String, where isWanted: (String) -> Bool
    ) throws(KernelFailure) -> [String] {
        let number = try HostFiles.duplicate(directory.rawValue)
        guard let stream = fdopendir(number) else {
            let cause = errno
            _ = close(number)
            throw KernelFailure("read", path, cause)
        }
        defer { _ = closedir(stream) }
        var names: [String] = []
        while names.count <= EdgeLimits.sweptFiles, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if isWanted(name) { names.append(name) }
        }
        return names
    }
}
