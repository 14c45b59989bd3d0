import Hummingbird
import WardenCore
import WardenWire

/// /metrics, for Prometheus.
struct MetricsRoutes {
    let backend: any ControlBackend

    func add(to api: inout APIRouter) {
        let operation = APIOperation(
            method: .get, path: "/metrics", id: "getMetrics",
            summary: "Workers and the daemon in Prometheus' text format 0.0.4.", mediaType: "text/plain",
            answer: .name, problems: [503])
        api.add(operation) { _, _ in
            Response(bytes: try await report().encoded(), mediaType: MetricsText.mediaType)
        }
    }

    private func report() async throws(Problem) -> MetricsReport {
        let clock = ContinuousClock()
        let asked = clock.now
        let workers: [WorkerSnapshot]
        switch await backend.perform(.snapshot(.all)) {
        case .snapshots(let snapshots): workers = snapshots
        case .refused(let refusal): throw Problem(refusal)
        case .done, .outcomes, .explanations, .differences, .updated, .daemonState, .drill:
            throw Problem(status: 500, title: "Internal Server Error", detail: "the daemon gave no listing")
        }
        let answerTime = clock.now - asked
        let identity = backend.daemonIdentity()
        return MetricsReport(
            workers: workers, daemon: backend.readings(), version: identity.version,
            startedAt: identity.startedAt.wall, isReady: identity.mood == .running,
            doubts: identity.health.doubts.count, shortages: identity.health.shortages.count, answerTime: answerTime)
    }
}
