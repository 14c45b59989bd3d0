import Synchronization
import WardenCore
import WardenLinux
import WardenOutbound
import WardenWire

/// What has happened, counted for /metrics.
///
/// Restarts are counted from what the history has at the start; everything else from the daemon's start, for a counter
/// may begin anew, but never jump.
final class Tallies: Sendable {
    private struct State {
        var counts = DaemonCounts()
        /// Incidents that were counted, the newest last: each is told several times.
        var told = RecentIDs()
        /// Those that were counted with their outcome.
        var ended = RecentIDs()
    }

    private let state = Mutex(State())
    private let beganAt = WallClock.now()

    /// All of it, as it is now.
    var counts: DaemonCounts { state.withLock { $0.counts } }

    /// Before anything is counted.
    ///
    /// - Parameters:
    ///   - restarts: of former lives of the daemon.
    ///   - destinations: of alerts: each is there from the beginning, with zeros.
    func begin(restarts: [SlotName: [String: Int]], destinations: [String]) {
        state.withLock { state in
            state.counts.restarts = restarts
            for name in destinations { state.counts.deliveries[name] = DaemonCounts.Deliveries() }
        }
    }

    /// A worker was started again.
    func restarted(_ worker: SlotName, _ reason: RestartReason) {
        state.withLock { $0.counts.restarts[worker, default: [:]][reason.name, default: 0] += 1 }
    }

    /// An incident is new, or has changed. Those of drills do not count.
    func note(_ incident: Incident) {
        if incident.verdict.isDrill { return }
        let name = incident.verdict.condition.className
        state.withLock { state in
            // One of a former life was counted there.
            if incident.at >= beganAt, state.told.insert(incident.id) {
                state.counts.incidents[name, default: 0] += 1
            }
            guard let outcome = incident.outcome, state.ended.insert(incident.id) else { return }
            state.counts.endings[.init(className: name, outcome: outcome.name), default: 0] += 1
        }
    }

    /// An attempt was made.
    func attempted(_ report: DeliveryReport) {
        state.withLock { state in
            var deliveries = state.counts.deliveries[report.destination] ?? .init()
            switch report.result {
            case .delivered: deliveries.delivered += 1
            case .retrying: deliveries.retrying += 1
            case .gaveUp: deliveries.gaveUp += 1
            }
            state.counts.deliveries[report.destination] = deliveries
        }
    }
}

/// The last ids that were seen.
private struct RecentIDs {
    private var known: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    /// - Returns: whether it is new.
    mutating func insert(_ id: String) -> Bool {
        guard known.insert(id).inserted else { return false }
        if order.count < RuntimeLimits.talliedIncidents {
            order.append(id)
        } else {
            known.remove(order[oldest])
            order[oldest] = id
            oldest = (oldest + 1) % order.count
        }
        return true
    }
}

/// Where the daemon's own readings come from.
struct OwnGauges: Sendable {
    var loops: LoopBeats
    /// Counts bytes.
    var pump: LoopBeat
    /// Counts samples.
    var sampler: LoopBeat
    var tallies: Tallies
    var sender: AlertSender

    var readings: DaemonReadings {
        let now = MonotonicClock.now()
        var readings = DaemonReadings()
        readings.process = DaemonProcess.readings
        readings.loops = loops.loops.map { loop in
            let reading = loop.beat.reading
            return LoopReading(
                name: loop.name, turns: reading.turns, sinceTurn: max(.zero, now - reading.lastTurnAt),
                blockedFor: reading.call.map { max(.zero, now - $0.since) } ?? .zero)
        }
        readings.logBytes = pump.workDone
        readings.samples = sampler.workDone
        readings.counts = tallies.counts
        for (name, count) in sender.waitingCounts { readings.counts.deliveries[name, default: .init()].waiting = count }
        return readings
    }
}
