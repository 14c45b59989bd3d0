internal import CWardenLinux
internal import Glibc
package import WardenCore

/// What the daemon does to its own process, in the order of the calls here. All of it before threads start.
package enum DaemonProcess {
    /// Becomes the parent of its workers' orphans: they are reaped here, and can be found when a worker is ended.
    ///
    /// - Throws: nothing that a running Linux knows of.
    package static func becomeSubreaper() throws(KernelFailure) {
        try Kernel.check("become subreaper", "", Int(warden_become_subreaper()))
    }

    /// Becomes another user for good: groups, group, user.
    ///
    /// - Parameter identity: whom to become.
    /// - Throws: EPERM when that is not allowed.
    package static func become(_ identity: LaunchSpec.Identity) throws(KernelFailure) {
        let groups = identity.groupIDs.isEmpty ? [identity.groupID] : identity.groupIDs
        // One who is that user already (and not root) may do none of this and needs none of it.
        if getuid() == identity.userID, geteuid() == identity.userID, identity.userID != 0 { return }
        try Kernel.retry("set groups of user", identity.name) { setgroups(groups.count, groups) }
        try Kernel.retry("set group of user", identity.name) { setgid(identity.groupID) }
        try Kernel.retry("become user", identity.name) { setuid(identity.userID) }
    }

    /// Goes into the background as supervisord does: one fork, a session of its own, /dev/null for the standard
    /// streams. The caller goes on in the child; the parent has exited with 0.
    ///
    /// - Parameters:
    ///   - directory: where to go; `nil` stays.
    ///   - umask: the new umask.
    /// - Throws: EAGAIN from fork(2); ENOENT and its kin for the directory, before anything is done.
    package static func daemonize(directory: String?, umask: UInt32) throws(KernelFailure) {
        if let directory { try Kernel.retry("change directory to", directory) { chdir(directory) } }
        let null = try Descriptor.open("/dev/null", O_RDWR)
        try Kernel.check("go into the background", "", Int(warden_daemonize()))
        let number = null.rawValue
        for stream: CInt in 0...2 { try Kernel.retry("redirect", "standard streams") { dup2(number, stream) } }
        // The descriptor may itself be one of them, when the daemon was started with it closed.
        if number <= 2 { _ = null.take() }
        _ = Glibc.umask(umask)
    }

    /// Opens /dev/null in the place of standard streams that are closed: the next file to be opened would take it, and
    /// be written to by whatever prints.
    ///
    /// - Throws: whatever open(2) says of /dev/null.
    package static func fillStandardStreams() throws(KernelFailure) {
        for stream: CInt in 0...2 where fcntl(stream, F_GETFD) < 0 {
            // The lowest free number is this very one.
            let number = try Kernel.retry("open", "/dev/null") { Glibc.open("/dev/null", O_RDWR) }
            precondition(number == stream)
        }
    }

    /// This process's id.
    package static var pid: Int32 { getpid() }
}

/// The file that holds the daemon's pid.
package struct PIDFile: ~Copyable, Sendable {
    private let path: String
    private let text: [UInt8]

    /// Writes it, over a former one.
    ///
    /// - Parameters:
    ///   - path: where.
    ///   - pid: what to write.
    /// - Throws: whatever open(2) and write(2) say; supervisord goes on without the file then.
    package init(path: String, pid: Int32) throws(KernelFailure) {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        let text = Array("\(pid)\n".utf8)
        let number = file.rawValue
        try Kernel.retry("write", path) { text.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) } }
        self.path = path
        self.text = text
    }

    deinit {
        // A daemon that was started beside this one may have written its own pid over ours.
        if ProcessTree.contents(of: path, atMost: 32) == text { _ = unlink(path) }
    }
}
