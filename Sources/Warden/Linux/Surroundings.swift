/// What stands around a worker: its limits, and the pressure on the host and on its cgroup. For people, in an incident.
package enum Surroundings {
    /// The lines of /proc/PID/limits that workers run into.
    ///
    /// - Parameter pid: the process.
    /// - Returns: `nil` when they cannot be read.
    package static func limits(of pid: Int32) -> [String]? {
        guard let text = ProcessTree.contents(of: "/proc/\(pid)/limits", atMost: EdgeLimits.procReadBytes) else {
            return nil
        }
        let wanted = ["Max open files", "Max processes", "Max address space", "Max data size", "Max locked memory"]
        return lines(text).filter { line in wanted.contains { line.hasPrefix($0) } }
    }

    /// Pressure on the host, then what the worker's cgroup says of itself.
    ///
    /// - Parameter pid: a process of the worker.
    package static func pressure(around pid: Int32) -> [String] {
        var found: [String] = []
        for resource in ["cpu", "memory", "io"] {
            found += labelled("host \(resource)", "/proc/pressure/\(resource)")
        }
        guard let cgroup = cgroupDirectory(of: pid) else { return found }
        for name in ["cpu.pressure", "memory.pressure", "io.pressure"] {
            found += labelled("cgroup \(name.prefix { $0 != "." })", "\(cgroup)/\(name)")
        }
        for name in ["memory.current", "memory.max", "memory.events", "pids.current", "pids.max", "cgroup.freeze"] {
            found += labelled("cgroup \(name)", "\(cgroup)/\(name)")
        }
        return found
    }

    /// The unified hierarchy's directory of a process, unless it is the root.
    private static func cgroupDirectory(of pid: Int32) -> String? {
        guard let text = ProcessTree.contents(of: "/proc/\(pid)/cgroup", atMost: EdgeLimits.procReadBytes),
            let mount = ControlGroupMount.find(), let path = mount.directory(processGroups: text), path != mount.path
        else { return nil }
        return path
    }

    private static func labelled(_ label: String, _ path: String) -> [String] {
        lines(ProcessTree.contents(of: path, atMost: EdgeLimits.procReadBytes) ?? []).map { "\(label): \($0)" }
    }

    /// Lines with their white space squeezed.
    private static func lines(_ text: [UInt8]) -> [String] {
        text.split(separator: UInt8(ascii: "\n")).map { line in
            line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map { String(decoding: $0, as: UTF8.self) }
                .joined(separator: " ")
        }
    }
}
