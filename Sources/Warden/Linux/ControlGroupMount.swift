internal import CWardenLinux
internal import Glibc

/// Where the unified hierarchy of control groups is mounted: on /sys/fs/cgroup, or beside the older ones (hybrid), or
/// wherever a container has it.
package struct ControlGroupMount: Hashable, Sendable {
    /// The mount's directory.
    package var path: String
    /// Which group of the hierarchy is mounted there: `/`, unless a container sees only a part.
    package var root: String

    /// The mount that this process sees; `nil` when there is none.
    package static func find() -> ControlGroupMount? {
        guard let text = ProcessTree.contents(of: "/proc/self/mountinfo", atMost: ControlGroupLimits.mountInfoBytes)
        else { return nil }
        return ControlGroupMount(mountInfo: text)
    }

    /// Reads /proc/PID/mountinfo.
    ///
    /// - Parameter text: the file.
    /// - Returns: the last mount of that kind, which hides those before it at its place.
    package init?(mountInfo text: [UInt8]) {
        var found: ControlGroupMount?
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            // `36 35 98:0 /root /mount/point options tags - type source options`
            guard words.count > 6, let separator = words.firstIndex(of: [UInt8(ascii: "-")]),
                separator + 1 < words.count, words[separator + 1].elementsEqual("cgroup2".utf8)
            else { continue }
            found = ControlGroupMount(path: Self.unescaped(words[4]), root: Self.unescaped(words[3]))
        }
        guard let found else { return nil }
        self = found
    }

    private init(path: String, root: String) {
        self.path = path
        self.root = root
    }

    /// The directory of a process's group.
    ///
    /// - Parameter text: /proc/PID/cgroup.
    /// - Returns: `nil` when the process is outside of what is mounted here.
    package func directory(processGroups text: [UInt8]) -> String? {
        relativePath(processGroups: text).map { $0 == "/" ? path : path + $0 }
    }

    /// The same from the mount on: `/` or `/a/b`.
    internal func relativePath(processGroups text: [UInt8]) -> String? {
        for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: "0::/".utf8) {
            var name = String(decoding: line.dropFirst(3), as: UTF8.self)
            // `(deleted)`, and what lies above the root of our namespace, is nowhere to be found.
            if name.hasSuffix(" (deleted)") || name == "/.." || name.hasPrefix("/../") { return nil }
            if root != "/" {
                guard name == root || name.hasPrefix(root + "/") else { return nil }
                name.removeFirst(root.count)
            }
            return name.isEmpty ? "/" : name
        }
        return nil
    }

    // Spaces, tabs, line ends and backslashes are written as `\040`.
    private static func unescaped(_ word: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = word
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            guard byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The limits of what is read and done in control groups.
package enum ControlGroupLimits {
    /// Bytes of /proc/self/mountinfo: a host with thousands of containers has megabytes.
    package static let mountInfoBytes = 8 * 1024 * 1024
    /// Processes of one group, and of those below it, that are listed.
    package static let members = 65_536
    /// Bytes of one cgroup.procs.
    package static let listBytes = 1024 * 1024
    /// Groups below one that are looked into.
    package static let groups = 4096
    /// Levels of groups below one.
    package static let depth = 16
    /// Names that are tried for the group of one worker.
    package static let namesakes = 8
    /// Rounds of signals where cgroup.kill does not exist.
    package static let killRounds = 64
    /// How long one cgroup.kill is waited for before the next.
    package static let killWait: Duration = .milliseconds(500)
    /// What killed processes get to die before they are looked at again.
    package static let dyingTime: Duration = .milliseconds(1)
    /// Looks in a row that must find nobody before something that had to be ended is taken for gone.
    package static let lastLooks = 8
    /// Looks that do not count as the last because orphans have died meanwhile whom nobody had seen alive.
    package static let restlessLooks = 200
    /// How long one of those rounds waits for the group to be empty.
    package static let roundTime: Duration = .milliseconds(5)
    /// Processes of the host whose environment is read in a search for left-over workers.
    package static let searchedProcesses = 65_536
}
