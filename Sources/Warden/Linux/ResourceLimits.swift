internal import CWardenLinux
internal import Glibc
package import WardenCore

extension ResourceLimit {
    /// RLIMIT_NOFILE.
    package static let descriptors = Int32(RLIMIT_NOFILE.rawValue)
    /// RLIMIT_NPROC.
    package static let processes = Int32(6)

    /// The limit's name, as getrlimit(2) writes it.
    package var resourceName: String {
        switch resource {
        case Self.descriptors: "RLIMIT_NOFILE"
        case Self.processes: "RLIMIT_NPROC"
        default: "resource limit \(resource)"
        }
    }

    /// Reads a limit.
    ///
    /// - Parameters:
    ///   - resource: RLIMIT_*.
    ///   - pid: whose; 0 is this process.
    /// - Returns: the limit as it is now.
    /// - Throws: ESRCH and EPERM.
    package static func read(_ resource: Int32, of pid: Int32 = 0) throws(KernelFailure) -> ResourceLimit {
        var raw = warden_limit()
        try Kernel.check("read limits of process", "\(pid)", Int(warden_prlimit(pid, resource, nil, &raw)))
        return ResourceLimit(resource: resource, limit: .init(soft: raw.soft, hard: raw.hard))
    }

    /// Sets this limit.
    ///
    /// - Parameter pid: whose; 0 is this process.
    /// - Throws: ESRCH; EPERM when the hard limit would rise without the right to; EINVAL.
    package func apply(to pid: Int32 = 0) throws(KernelFailure) {
        var raw = warden_limit(resource: resource, soft: limit.soft, hard: limit.hard)
        let answer = warden_prlimit(pid, resource, &raw, nil)
        try Kernel.check("set \(resourceName) of process", "\(pid)", Int(answer))
    }
}

/// The limits that the daemon was started with, which are its workers' too. It raises its own afterwards.
package struct DaemonLimits: Hashable, Codable, Sendable {
    /// RLIMIT_NOFILE at start.
    package let descriptors: LaunchSpec.Limit
    /// RLIMIT_NPROC at start.
    package let processes: LaunchSpec.Limit

    /// Reads both. Before the daemon raises its own.
    ///
    /// - Throws: nothing that a running Linux knows of.
    package static func capture() throws(KernelFailure) -> DaemonLimits {
        DaemonLimits(
            descriptors: try ResourceLimit.read(ResourceLimit.descriptors).limit,
            processes: try ResourceLimit.read(ResourceLimit.processes).limit)
    }

    /// What workers get: the limits at start, the soft ones at least `minfds` and `minprocs`, as under supervisord.
    ///
    /// - Parameters:
    ///   - minimumDescriptors: `minfds`.
    ///   - minimumProcesses: `minprocs`.
    ///   - isOwnAlone: the soft limit of descriptors was raised for the daemon itself, because a service manager keeps
    ///     descriptors for it: workers get `usualSoftDescriptors` then.
    /// - Returns: both limits, for `SpawnPlan.limits`.
    package func forWorkers(
        minimumDescriptors: UInt64, minimumProcesses: UInt64, isOwnAlone: Bool = false
    ) -> [ResourceLimit] {
        var own = descriptors
        if isOwnAlone { own.soft = min(own.soft, DaemonLimits.usualSoftDescriptors) }
        return [
            ResourceLimit(resource: ResourceLimit.descriptors, limit: own.raised(to: minimumDescriptors)),
            ResourceLimit(resource: ResourceLimit.processes, limit: processes.raised(to: minimumProcesses)),
        ]
    }

    /// Raises this process's own limits: descriptors to the hard limit, or `minfds` if that is more.
    ///
    /// - Parameters:
    ///   - minimumDescriptors: `minfds`.
    ///   - minimumProcesses: `minprocs`.
    /// - Throws: EPERM when a hard limit is too low and may not be raised; supervisord refuses to start then.
    package func raiseOwn(minimumDescriptors: UInt64, minimumProcesses: UInt64) throws(KernelFailure) {
        let wanted = descriptors.raised(to: max(minimumDescriptors, min(descriptors.hard, DaemonLimits.ownDescriptors)))
        try ResourceLimit(resource: ResourceLimit.descriptors, limit: wanted).apply()
        let processes = processes.raised(to: minimumProcesses)
        if processes != self.processes {
            try ResourceLimit(resource: ResourceLimit.processes, limit: processes).apply()
        }
    }

    /// The soft limit that processes usually have: select(2) breaks beyond it.
    package static let usualSoftDescriptors: UInt64 = 1024
    /// The daemon's own descriptors at most, whatever the hard limit: some forty per worker are far more than it uses.
    package static let ownDescriptors: UInt64 = 524_288
}

extension LaunchSpec.Limit {
    /// This limit with the soft part at least `minimum`, and the hard one no lower than the soft.
    internal func raised(to minimum: UInt64) -> LaunchSpec.Limit {
        let soft = max(self.soft, minimum)
        return LaunchSpec.Limit(soft: soft, hard: max(hard, soft))
    }
}
