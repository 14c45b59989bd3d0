internal import Glibc

/// Tells whether the cgroup freezer (version 2) holds a process. State letters do not: a frozen process shows S or D.
internal struct ProcFreezer: ~Copyable {
    private let mount: Descriptor?

    internal init() {
        // Without it nothing is ever frozen; the reason does not matter.
        mount = ControlGroupMount.find().flatMap { try? Descriptor.open($0.path, O_RDONLY | O_DIRECTORY) }
    }

    internal borrowing func holds(_ process: borrowing ProcDirectory, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let base: CInt
        switch mount {
        case .some(let mount): base = mount.rawValue
        case .none: return false
        }
        do throws(KernelFailure) {
            let count = try process.read(ProcDirectory.pointer("cgroup"), into: buffer)
            guard let path = Self.eventsPath(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return false }
            let events = Descriptor(
                owning: try Kernel.retry("open events of", "cgroup") { openat(base, path, O_RDONLY | O_CLOEXEC) })
            guard let size = try events.read(into: buffer) else { return false }
            return ProcText.count(of: "frozen", in: UnsafeRawBufferPointer(rebasing: buffer[..<size])) == 1
        } catch {
            // The root of the hierarchy has no such file, and cannot be frozen.
            return false
        }
    }

    /// `cgroup.events` of the cgroup that /proc/PID/cgroup names, relative to the mount, as a C string.
    internal static func eventsPath(_ text: UnsafeRawBufferPointer) -> [CChar]? {
        var start = 0
        while start < text.count {
            let rest = UnsafeRawBufferPointer(rebasing: text[start...])
            guard let end = LineEnd.firstLineFeed(in: rest) else { return nil }
            if rest.starts(with: "0::/".utf8) {
                var path = rest[4..<end].map { CChar(bitPattern: $0) }
                if path.isEmpty { return nil }
                path.append(contentsOf: "/cgroup.events".utf8.map { CChar(bitPattern: $0) })
                path.append(0)
                return path
            }
            start += end + 1
        }
        return nil
    }
}
