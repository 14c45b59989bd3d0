internal import Glibc

/// Programs of others that the daemon may run for itself, such as py-spy.
package enum TrustedTool {
    /// Looks a program up in the directories of a path, of which only those count that nobody but root, or the user
    /// that this process is, can write to: whatever a worker's user could put there is not run.
    ///
    /// - Parameters:
    ///   - name: the program's name, without a slash.
    ///   - path: the daemon's own PATH.
    /// - Returns: its path with every link resolved; `nil` when there is none.
    package static func find(_ name: String, path: String) -> String? {
        for directory in path.split(separator: ":").prefix(64) where directory.hasPrefix("/") {
            guard let found = realpath("\(directory)/\(name)", nil) else { continue }
            defer { free(found) }
            let resolved = String(cString: found)
            if isOutOfReach(resolved), access(resolved, X_OK) == 0 { return resolved }
        }
        return nil
    }

    /// The file and every directory above it.
    internal static func isOutOfReach(_ path: String) -> Bool {
        var path = path[...]
        var status = stat()
        guard stat(String(path), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        while true {
            guard stat(path.isEmpty ? "/" : String(path), &status) == 0 else { return false }
            guard status.st_uid == 0 || status.st_uid == geteuid() else { return false }
            // In a directory like /tmp others may make files, but not replace what is not theirs.
            let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
            guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 || isSticky else { return false }
            guard let slash = path.lastIndex(of: "/") else { return true }
            path = path[..<slash]
        }
    }

    /// Whether a process may read the memory of another one of the same user: Yama does not restrict it.
    package static var mayReadSameUser: Bool {
        guard let scope = ProcessTree.contents(of: "/proc/sys/kernel/yama/ptrace_scope", atMost: 16) else {
            return true
        }
        return scope.first == UInt8(ascii: "0")
    }

    /// Whether a process executes a Python interpreter, by the name of its program.
    ///
    /// - Parameter pid: the process.
    package static func isPython(_ pid: Int32) -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { room in
            guard let start = room.baseAddress else { return false }
            let length = readlink("/proc/\(pid)/exe", start, room.count)
            guard length > 0 else { return false }
            let path = String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
            return path.split(separator: "/").last?.hasPrefix("python") ?? false
        }
    }
}
