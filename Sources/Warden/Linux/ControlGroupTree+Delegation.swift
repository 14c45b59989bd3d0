internal import CWardenLinux
internal import Glibc
package import WardenCore

/// Why workers get no control groups of their own.
package struct NoControlGroups: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, and what can be done about it.
    package let description: String

    /// - Parameter description: the reason, and what can be done about it.
    package init(_ description: String) {
        self.description = description
    }
}

extension ControlGroupTree {
    /// The group that somebody has handed to this daemon to divide: never a stranger's, such as a login session's.
    ///
    /// systemd says so of a unit with `Delegate=` by an extended attribute of its directory; with `DelegateSubgroup=`
    /// the daemon lives one level below it. In a container the whole of what can be seen is its own.
    ///
    /// - Throws: why there is none.
    package static func delegated() throws(NoControlGroups) -> ControlGroupTree {
        guard let mount = ControlGroupMount.find(),
            let text = ProcessTree.contents(of: "/proc/self/cgroup", atMost: EdgeLimits.procReadBytes),
            let path = mount.directory(processGroups: text)
        else { throw NoControlGroups("this host has no cgroup v2 hierarchy that the daemon could see") }
        var directory = path
        if !isDelegated(path) {
            let parent = parent(of: path)
            if path == mount.path {
                // The host's own root is everybody's; that of a namespace has all the files of any other group.
                guard access("\(path)/cgroup.type", F_OK) == 0 else {
                    throw NoControlGroups("the daemon is in the host's root cgroup; run it as a unit with Delegate=yes")
                }
            } else if path.hasPrefix(mount.path + "/"), parent != mount.path, isDelegated(parent) {
                directory = parent
            } else {
                throw NoControlGroups("\(path) is not delegated to the daemon; its unit needs Delegate=yes")
            }
        }
        return try usable(directory)
    }

    /// A group that was prepared for this daemon, wherever the daemon itself is.
    ///
    /// - Parameter path: its directory; made if the one above it is a group.
    /// - Throws: why it cannot be used.
    package static func prepared(at path: String) throws(NoControlGroups) -> ControlGroupTree {
        if access(path, F_OK) != 0, ControlGroupTree(path: parent(of: path)) != nil, mkdir(path, 0o755) != 0 {
            throw NoControlGroups("cannot make \(path): \(Kernel.text(of: errno))")
        }
        return try usable(path)
    }

    private static func usable(_ path: String) throws(NoControlGroups) -> ControlGroupTree {
        guard let tree = ControlGroupTree(path: path) else {
            throw NoControlGroups("\(path) is not a directory of the cgroup v2 hierarchy")
        }
        guard tree.isWritable else { throw NoControlGroups("the daemon may not make cgroups in \(path)") }
        return tree
    }

    /// What systemd marks the group of a unit with `Delegate=` with: the first for root, the second for everybody.
    private static func isDelegated(_ path: String) -> Bool {
        warden_has_attribute(path, "trusted.delegate", "1") == 1
            || warden_has_attribute(path, "user.delegate", "1") == 1
    }

    private static func parent(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    // MARK: - Names

    /// Makes a group for a worker, `SLOT.GENERATION`. Where one of that name is lived in by what a former daemon's
    /// worker left, it is another with a number behind: a new worker must not share the fate of the old.
    ///
    /// - Parameter worker: whose.
    /// - Returns: `nil` where none can be made: everything goes on without.
    package func makeFresh(_ worker: WorkerID) -> ControlGroup? {
        for number in 1...ControlGroupLimits.namesakes {
            let suffix = number == 1 ? "" : "-\(number)"
            if let group = make(worker.storedText + suffix) { return group }
            // Whatever else refused it would refuse the next as well.
            guard access("\(path)/\(worker.storedText)\(suffix)", F_OK) == 0 else { return nil }
        }
        return nil
    }

    /// Whose group it is, by its name.
    ///
    /// - Parameter name: of a group in this tree.
    /// - Returns: `nil` for what is no worker's.
    package static func worker(of name: String) -> WorkerID? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2 && Int(parts[1]) != nil else { return nil }
        return WorkerID(storedText: parts[0])
    }

    /// The group in which a worker's process lives.
    ///
    /// - Parameters:
    ///   - worker: whose.
    ///   - pid: its main process.
    /// - Returns: its name; `nil` when it is in none of this tree. When the process is gone, the worker's first name if
    ///   somebody lives there.
    package func name(of worker: WorkerID, pid: Int32) -> String? {
        guard let text = ProcessTree.contents(of: "/proc/\(pid)/cgroup", atMost: EdgeLimits.procReadBytes),
            let member = TreeMember(pid: pid), member.state != .zombie, member.state != .dead
        else { return open(worker)?.isPopulated == true ? worker.storedText : nil }
        guard let directory = ControlGroupMount.find()?.directory(processGroups: text), directory.hasPrefix(path + "/")
        else { return nil }
        let below = directory.utf8.dropFirst(path.utf8.count + 1)
        let name = String(decoding: below.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
        return Self.worker(of: name) == worker ? name : nil
    }

    /// Removes groups of workers in which nobody lives.
    ///
    /// - Parameter isKnown: those that are left as they are.
    /// - Returns: how many went.
    @discardableResult
    package func removeEmpty(unless isKnown: (WorkerID) -> Bool = { _ in false }) -> Int {
        var count = 0
        for name in names {
            guard let worker = Self.worker(of: name), !isKnown(worker), let group = open(name) else { continue }
            if group.isPopulated == false, group.remove() { count += 1 }
        }
        return count
    }
}
