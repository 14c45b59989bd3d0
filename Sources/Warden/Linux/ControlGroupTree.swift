internal import CWardenLinux
internal import Glibc
package import WardenCore

/// The control group that the daemon itself is in, below which its workers get theirs.
///
/// Nothing is ever written to the files of this group itself: under systemd it is the unit's.
package struct ControlGroupTree: Hashable, Sendable {
    /// Its directory.
    package let path: String

    /// The daemon's own group; `nil` where there is no unified hierarchy.
    package static func own() -> ControlGroupTree? {
        guard let text = ProcessTree.contents(of: "/proc/self/cgroup", atMost: EdgeLimits.procReadBytes),
            let path = ControlGroupMount.find()?.directory(processGroups: text)
        else { return nil }
        return ControlGroupTree(path: path)
    }

    /// - Parameter path: a directory of the unified hierarchy.
    /// - Returns: `nil` when it is none.
    package init?(path: String) {
        // The reason does not matter: what cannot be opened is as good as absent.
        guard let directory = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY),
            warden_is_cgroup2(directory.rawValue) == 1
        else { return nil }
        self.path = path
    }

    /// Whether groups can be made in it, as far as its permissions tell. A file system that is mounted read-only
    /// (ProtectControlGroups=, most containers) refuses.
    package var isWritable: Bool {
        access(path, W_OK) == 0 && access("\(path)/cgroup.procs", W_OK) == 0
    }

    /// Makes a worker's group; one that is there already is taken, unless somebody lives in it.
    ///
    /// - Parameter worker: whose.
    /// - Returns: `nil` where it cannot be made: everything goes on without.
    package func make(_ worker: WorkerID) -> ControlGroup? { make(worker.storedText) }

    /// As the other `make`, for any name.
    ///
    /// - Parameter name: one word without a slash, not beginning with a dot.
    package func make(_ name: String) -> ControlGroup? { make(name, sharing: false) }

    /// - Parameter sharing: also where somebody lives.
    internal func make(_ name: String, sharing: Bool) -> ControlGroup? {
        guard Self.isName(name) else { return nil }
        let directory = "\(path)/\(name)"
        let isNew = mkdir(directory, 0o755) == 0
        guard isNew || errno == EEXIST, let group = open(name) else { return nil }
        // A worker that was left over lives there: a new one must not share its fate.
        if !isNew, !sharing, group.isPopulated == true { return nil }
        return group
    }

    /// A group that is there.
    ///
    /// - Parameter worker: whose.
    /// - Returns: `nil` when it is not: nobody lives in it then. systemd removes empty ones when the daemon ends.
    package func open(_ worker: WorkerID) -> ControlGroup? { open(worker.storedText) }

    /// As the other `open`, for any name.
    ///
    /// - Parameter name: one word without a slash, not beginning with a dot.
    package func open(_ name: String) -> ControlGroup? {
        guard Self.isName(name) else { return nil }
        // The reason does not matter: what cannot be opened is as good as absent.
        return try? ControlGroup(name: name, path: "\(path)/\(name)")
    }

    /// The names of the groups in it, in no order; systemd's own (`.control`) are left out.
    package var names: [String] { ControlGroupFiles.names(below: path) }

    /// Those of workers, whatever daemon made them.
    package var workers: [WorkerID] { names.compactMap { Self.worker(of: $0) } }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && !name.contains("/") && name.utf8.count <= 255
    }
}
