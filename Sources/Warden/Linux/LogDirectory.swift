internal import CWardenLinux
internal import Glibc
package import WardenCore

/// Directories of log files that are not there yet.
package enum LogDirectory {
    /// Makes a directory, and those above it.
    ///
    /// Each is made as the program's user where that user may, so that its links lead nowhere that it could not go
    /// itself. Only where it may not, in a directory of somebody else's, is it made as the daemon, and stays the
    /// daemon's: the daemon writes the logs.
    ///
    /// - Parameters:
    ///   - path: the directory; absolute, or from where the daemon is.
    ///   - user: the program's; `nil` is the daemon's own.
    /// - Returns: what was made, the uppermost first; nothing where it was there.
    /// - Throws: whatever mkdir(2) says. That somebody else has made it meanwhile is not an error.
    package static func make(_ path: String, as user: LaunchSpec.Identity?) throws(KernelFailure) -> [String] {
        var missing: [String] = []
        var rest = path
        while !rest.isEmpty, rest != "/", !HostFiles.exists(rest) {
            missing.append(rest)
            rest = rest.lastIndex(of: "/").map { String(rest[..<$0]) } ?? ""
        }
        var made: [String] = []
        for directory in missing.reversed() where try make(one: directory, as: user) { made.append(directory) }
        return made
    }

    private static func make(one path: String, as user: LaunchSpec.Identity?) throws(KernelFailure) -> Bool {
        var cause: CInt = EACCES
        if let user, user.userID != geteuid(), geteuid() == 0 {
            // Of this thread alone, unlike setfsuid's greater siblings in the C library.
            cause = -warden_make_directory_as(path, 0o755, user.userID, user.groupID)
        }
        if cause == EACCES || cause == EPERM { cause = mkdir(path, 0o755) == 0 ? 0 : errno }
        if cause == 0 { return true }
        if cause == EEXIST, HostFiles.isDirectory(path) { return false }
        throw KernelFailure("make directory", path, cause)
    }
}
