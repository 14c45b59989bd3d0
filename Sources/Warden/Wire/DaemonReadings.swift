/// What the daemon can say of itself in numbers. What is not known is `nil`, or not there.
package struct DaemonReadings: Hashable, Sendable {
    /// Its process.
    package var process: ProcessReadings?
    /// Its threads.
    package var loops: [LoopReading] = []
    /// Bytes that were taken from workers' pipes; counted from the daemon's start.
    package var logBytes: UInt64?
    /// Samples of workers that were taken; counted from the daemon's start.
    package var samples: UInt64?
    /// What has happened.
    package var counts = DaemonCounts()

    /// Nothing is known.
    package init() {}
}

/// A process, by the names that Prometheus' client libraries have for it.
package struct ProcessReadings: Hashable, Sendable {
    /// User and system time.
    package var cpuTime: Duration
    /// Resident bytes.
    package var residentBytes: Int64?
    /// Bytes of address space.
    package var virtualBytes: Int64?
    /// Open descriptors.
    package var openDescriptors: Int?
    /// The soft limit of descriptors; `nil` where there is none.
    package var descriptorLimit: Int?

    /// - Parameters: as the properties of the same names.
    package init(
        cpuTime: Duration, residentBytes: Int64? = nil, virtualBytes: Int64? = nil, openDescriptors: Int? = nil,
        descriptorLimit: Int? = nil
    ) {
        self.cpuTime = cpuTime
        self.residentBytes = residentBytes
        self.virtualBytes = virtualBytes
        self.openDescriptors = openDescriptors
        self.descriptorLimit = descriptorLimit
    }
}

/// One of the daemon's threads.
package struct LoopReading: Hashable, Sendable {
    /// What people are told it is, such as `log pump`.
    package var name: String
    /// Turns since the daemon's start.
    package var turns: UInt64
    /// Since the last turn began.
    package var sinceTurn: Duration
    /// How long it has been inside a call that may block; zero when it is in none.
    package var blockedFor: Duration

    /// - Parameters: as the properties of the same names.
    package init(name: String, turns: UInt64, sinceTurn: Duration, blockedFor: Duration = .zero) {
        self.name = name
        self.turns = turns
        self.sinceTurn = sinceTurn
        self.blockedFor = blockedFor
    }
}
