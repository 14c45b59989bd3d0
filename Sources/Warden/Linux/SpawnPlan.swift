package import WardenCore

/// A resource limit that a child takes on.
package struct ResourceLimit: Hashable, Sendable {
    /// RLIMIT_*.
    package var resource: Int32
    /// Soft and hard.
    package var limit: LaunchSpec.Limit

    /// - Parameters:
    ///   - resource: RLIMIT_*.
    ///   - limit: soft and hard.
    package init(resource: Int32, limit: LaunchSpec.Limit) {
        self.resource = resource
        self.limit = limit
    }
}

/// Everything about one child that is decided before it is born.
package struct SpawnPlan: Sendable {
    /// The arguments, the command as it was written first.
    package var arguments: [String]
    /// Paths to execute, tried in turn by the rules of execvp(3).
    package var candidates: [String]
    /// `NAME=VALUE` each, without an ending NUL.
    package var environment: [[UInt8]]
    /// Where to go before executing; `nil` stays where the daemon is.
    package var directory: String?
    /// The umask; `nil` inherits.
    package var umask: UInt32?
    /// Whom to become; `nil` stays what the daemon is.
    package var user: LaunchSpec.Identity?
    /// Limits to take on.
    package var limits: [ResourceLimit]
    /// Borrowed descriptors: the one at index i becomes the child's descriptor i, -1 leaves i closed. At most
    /// `EdgeLimits.childDescriptors`; the child gets no others.
    package var descriptors: [CInt]
    /// A borrowed descriptor of a cgroup's directory to be born into.
    package var cgroup: CInt?
    /// Whether a cgroup that does not take it is done without.
    package var cgroupIsOptional = false
    /// Whether it waits, as its last step before executing, until its gate is opened.
    package var waitsAtGate = false
    /// Whether it leads a process group of its own.
    package var leadsGroup = true

    /// The plan of a worker.
    ///
    /// - Parameters:
    ///   - launch: the configured part.
    ///   - mark: who the worker is.
    ///   - base: the daemon's environment.
    ///   - limits: what workers get instead of the daemon's own limits (`DaemonLimits.forWorkers`).
    ///   - notifySocket: the path of the worker's own NOTIFY_SOCKET, if it has one.
    ///   - descriptors: as the property of the same name.
    package init(
        launch: LaunchSpec, mark: WorkerMark, base: BaseEnvironment, limits: [ResourceLimit] = [],
        notifySocket: String? = nil, descriptors: [CInt]
    ) {
        self.init(
            launch: launch, variables: mark.variables(launch: launch, notifySocket: notifySocket), base: base,
            limits: limits, descriptors: descriptors)
    }

    /// The plan of a command that is run for a worker: same user, directory and environment, other arguments.
    ///
    /// - Parameters:
    ///   - arguments: the command and its arguments, at least one.
    ///   - launch: the worker's configured part.
    ///   - mark: who the worker is.
    ///   - workerPID: its main process, which the command finds in WARDEN_PID; `nil` when it is gone.
    ///   - base: the daemon's environment.
    ///   - limits: as for the worker.
    ///   - descriptors: as the property of the same name.
    package init(
        hook arguments: [String], of launch: LaunchSpec, mark: WorkerMark, workerPID: Int32? = nil,
        base: BaseEnvironment, limits: [ResourceLimit] = [], descriptors: [CInt]
    ) {
        var launch = launch
        launch.arguments = arguments
        var variables = mark.variables(launch: launch, notifySocket: nil)
        variables["WARDEN_PID"] = workerPID.map { String($0) }
        self.init(launch: launch, variables: variables, base: base, limits: limits, descriptors: descriptors)
    }

    /// The plan of a command of the daemon's own: its user, its directory.
    ///
    /// - Parameters:
    ///   - arguments: the command and its arguments, at least one.
    ///   - base: the daemon's environment.
    ///   - variables: what is added to it.
    ///   - descriptors: as the property of the same name.
    package init(
        own arguments: [String], base: BaseEnvironment, variables: [String: String], descriptors: [CInt]
    ) {
        self.init(
            launch: LaunchSpec(arguments: arguments), variables: variables, base: base, limits: [],
            descriptors: descriptors)
    }

    private init(
        launch: LaunchSpec, variables: [String: String], base: BaseEnvironment, limits: [ResourceLimit],
        descriptors: [CInt]
    ) {
        precondition(!launch.arguments.isEmpty)
        precondition(descriptors.count <= EdgeLimits.childDescriptors)
        arguments = launch.arguments
        environment = base.merged(with: variables)
        directory = launch.directory
        umask = launch.umask
        user = launch.user
        candidates = CommandLookup.candidates(
            for: launch.arguments[0], paths: [variables["PATH"], base["PATH"]].compactMap { $0 })
        self.limits = limits
        if let own = launch.descriptorLimit {
            self.limits.removeAll { $0.resource == ResourceLimit.descriptors }
            self.limits.append(ResourceLimit(resource: ResourceLimit.descriptors, limit: own))
        }
        self.descriptors = descriptors
    }
}
