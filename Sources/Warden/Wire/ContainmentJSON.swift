/// What holds a worker's tree together, as `why` tells it.
package struct ContainmentReport: Hashable, Sendable {
    /// A stop means its whole tree (`kill_tree`).
    package var endsTree: Bool
    /// The directory of its control group; `nil` when it has none of its own.
    package var group: String?
    /// Why it has none.
    package var absence: String?
    /// Processes in the group.
    package var processCount: Int?
    /// Memory of the group in bytes, page cache included.
    package var memoryBytes: UInt64?
    /// `memory_max`.
    package var memoryMaximumBytes: UInt64?
    /// Processes and threads of the group.
    package var tasks: UInt64?
    /// `tasks_max`.
    package var taskMaximum: UInt64?
    /// Processes that the kernel killed at `memory_max`.
    package var memoryKills: UInt64?
    /// How often a fork failed at `tasks_max`.
    package var refusedTasks: UInt64?
    /// Why `memory_max` and `tasks_max` are not held.
    package var ceilingsTrouble: String?
    /// How much of the last ten seconds some process of the group waited for a CPU, in percent.
    package var cpuPercent: Double?
    /// How much of them all of the group stood still for want of memory.
    package var memoryPercent: Double?
    /// The same for disks.
    package var ioPercent: Double?

    /// - Parameter endsTree: a stop means its whole tree.
    package init(endsTree: Bool) {
        self.endsTree = endsTree
    }

    /// `containment` of `GET /api/v1/workers/{name}/why`; what is not there is `null`.
    package var json: JSONValue {
        .object([
            "kill_tree": .bool(endsTree),
            "cgroup": JSONValue(group),
            "no_cgroup_because": JSONValue(absence),
            "processes": JSONValue(processCount),
            "memory_bytes": JSONValue(memoryBytes),
            "memory_max_bytes": JSONValue(memoryMaximumBytes),
            "memory_kills": JSONValue(memoryKills),
            "tasks": JSONValue(tasks),
            "tasks_max": JSONValue(taskMaximum),
            "refused_tasks": JSONValue(refusedTasks),
            "no_limits_because": JSONValue(ceilingsTrouble),
            "cpu_pressure_percent": JSONValue(cpuPercent),
            "memory_pressure_percent": JSONValue(memoryPercent),
            "io_pressure_percent": JSONValue(ioPercent),
        ])
    }
}
