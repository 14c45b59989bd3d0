import Synchronization
import WardenCore
import WardenOutbound

/// A clock that stands still but for the pauses it is asked for.
final class FakeClock: Sendable {
    private let state = Mutex((now: Instant.origin, pauses: [Duration]()))

    var pauses: [Duration] { state.withLock(\.pauses) }

    var clock: OutboundClock {
        OutboundClock(
            now: { self.state.withLock(\.now) },
            epochSeconds: { 1_700_000_000 + self.state.withLock(\.now).nanoseconds / 1_000_000_000 },
            sleep: { pause in
                self.state.withLock {
                    $0.now = $0.now + pause
                    $0.pauses.append(pause)
                }
            })
    }
}

/// Everything that was reported, in order.
final class Reports: Sendable {
    private let state = Mutex([DeliveryReport]())

    var all: [DeliveryReport] { state.withLock(\.self) }

    /// As short words: `1 delivered`, `1 retrying`, `1 gave up: REASON`.
    var words: [String] {
        all.map { report in
            switch report.result {
            case .delivered: "\(report.id) delivered"
            case .retrying: "\(report.id) retrying"
            case .gaveUp(let reason): "\(report.id) gave up: \(reason)"
            }
        }
    }

    func take(_ report: DeliveryReport) {
        state.withLock { $0.append(report) }
    }
}

func destination(_ name: String = "hook", port: UInt16, scheme: String = "http") -> AlertDestination {
    var destination = AlertDestination(name: name, url: "\(scheme)://127.0.0.1:\(port)/services/T0SECRET?token=S3CRET")
    destination.timeout = .seconds(30)
    return destination
}

func alert(
    _ id: Int64 = 1, to name: String = "hook", body: String = "{}", retryFor: Duration = .seconds(3600)
) -> OutboundAlert {
    OutboundAlert(
        id: id, destination: name, key: "\(name) incident-\(id) opened", body: Array(body.utf8), retryFor: retryFor)
}

/// Submits everything, delivers it, and returns when the sender has nothing left.
func deliver(
    _ alerts: [OutboundAlert], to destinations: [AlertDestination], clock: FakeClock = FakeClock()
) async -> Reports {
    let reports = Reports()
    let sender = AlertSender(
        destinations: destinations, clock: clock.clock, seed: 1,
        sign: { "\($1):\(String(decoding: $0, as: UTF8.self))" },
        report: { reports.take($0) })
    for alert in alerts { _ = sender.submit(alert) }
    sender.finish()
    await sender.run()
    return reports
}
