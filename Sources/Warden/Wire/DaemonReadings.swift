package import WardenCore

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

/// What has happened, counted.
package struct DaemonCounts: Hashable, Sendable {
    /// How the deliveries to one destination went.
    package struct Deliveries: Hashable, Sendable {
        /// Attempts after which the alert had arrived.
        package var delivered = 0
        /// Attempts that failed and are followed by another.
        package var retrying = 0
        /// Alerts that were given up.
        package var gaveUp = 0
        /// Alerts that are under way: not delivered and not given up.
        package var waiting = 0

        /// None yet.
        package init() {}
    }

    /// An incident's class and outcome.
    package struct Ending: Hashable, Sendable {
        /// The verdict's class.
        package var className: String
        /// The outcome's name.
        package var outcome: String

        /// - Parameters: as the properties of the same names.
        package init(className: String, outcome: String) {
            self.className = className
            self.outcome = outcome
        }
    }

    /// Starts after the first by worker and reason, across the daemon's own restarts as far as the history goes.
    package var restarts: [SlotName: [String: Int]] = [:]
    /// Incidents by class, since the daemon's start.
    package var incidents: [String: Int] = [:]
    /// Incidents that have an outcome, since the daemon's start.
    package var endings: [Ending: Int] = [:]
    /// Alerts by the NAME of `[alert:NAME]`, since the daemon's start.
    package var deliveries: [String: Deliveries] = [:]

    /// Nothing has happened.
    package init() {}
}
