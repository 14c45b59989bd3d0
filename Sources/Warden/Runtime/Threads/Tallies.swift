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
    private let state = Mutex(DaemonCounts())
    private let beganAt = WallClock.now()

    /// All of it, as it is now.
    var counts: DaemonCounts { state.withLock { $0 } }

    /// Before anything is counted.
    ///
    /// - Parameters:
    ///   - restarts: of former lives of the daemon.
    ///   - destinations: of alerts: each is there from the beginning, with zeros.
    func begin(restarts: [SlotName: [String: Int]], destinations: [String]) {
        state.withLock { counts in
            counts.restarts = restarts
            for name in destinations { counts.deliveries[name] = DaemonCounts.Deliveries() }
        }
    }

    /// A worker was started again.
    func restarted(_ worker: SlotName, _ reason: RestartReason) {
        state.withLock { $0.restarted(worker, reason) }
    }

    /// An incident is new, or has changed.
    func note(_ incident: Incident) {
        state.withLock { $0.noted(incident, since: beganAt) }
    }

    /// An attempt was made.
    func attempted(_ report: DeliveryReport) {
        state.withLock { counts in
            switch report.result {
            case .delivered: counts.deliveries[report.destination, default: .init()].delivered += 1
            case .retrying: counts.deliveries[report.destination, default: .init()].retrying += 1
            case .gaveUp: counts.deliveries[report.destination, default: .init()].gaveUp += 1
            }
        }
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
