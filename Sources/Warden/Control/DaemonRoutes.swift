import Hummingbird
import WardenCore
import WardenWire

/// /api/v1/daemon: the daemon itself, what it has too little of, and why it doubts what it sees.
struct DaemonRoutes {
    let backend: any ControlBackend

    func add(to api: inout APIRouter) {
        let operation = APIOperation(
            method: .get, path: "/api/v1/daemon", id: "getDaemon",
            summary: "The daemon: who it is, what it has too little of, and why it doubts what it sees.",
            answer: .named("Daemon"))
        api.add(operation) { _, _ in Response(DaemonRoutes.json(backend.daemonIdentity())) }
    }

    private static func json(_ identity: DaemonIdentity) -> JSONValue {
        .object([
            "pid": .integer(Int64(identity.pid)), "identifier": .string(identity.identifier),
            "version": .string(identity.version), "state": .string(identity.mood.word),
            "started_at": .string(identity.startedAt.wall.rfc3339),
            "doubts": .array(identity.health.doubts.map { .string($0) }),
            "shortages": .array(identity.health.shortages.map { .string($0) }),
        ])
    }
}
