package import WardenCore

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
    /// Incidents that were counted: each is told several times.
    private var told = RecentIDs()
    /// Those that were counted with their outcome.
    private var ended = RecentIDs()

    /// Nothing has happened.
    package init() {}

    /// A worker was started again.
    package mutating func restarted(_ worker: SlotName, _ reason: RestartReason) {
        restarts[worker, default: [:]][reason.name, default: 0] += 1
    }

    /// An incident is new, or has changed. Those of drills do not count.
    ///
    /// - Parameters:
    ///   - incident: as it is now.
    ///   - start: when counting began: what is older was counted as new by a former life of the daemon.
    package mutating func noted(_ incident: Incident, since start: WallTime) {
        if incident.verdict.isDrill { return }
        let name = incident.verdict.condition.className
        if incident.at >= start, told.insert(incident.id) { incidents[name, default: 0] += 1 }
        guard let outcome = incident.outcome, ended.insert(incident.id) else { return }
        endings[Ending(className: name, outcome: outcome.name), default: 0] += 1
    }
}

/// The last ids that were seen.
private struct RecentIDs: Hashable, Sendable {
    private var known: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    /// - Returns: whether it is new.
    mutating func insert(_ id: String) -> Bool {
        guard known.insert(id).inserted else { return false }
        if order.count < WireLimits.countedIncidents {
            order.append(id)
        } else {
            known.remove(order[oldest])
            order[oldest] = id
            oldest = (oldest + 1) % order.count
        }
        return true
    }
}
