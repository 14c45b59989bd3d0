import Hummingbird
import WardenCore
import WardenWire

/// /api/v1/daemon: the daemon itself, what it has too little of, and why it doubts what it sees.
struct DaemonRoutes {
    let backend: any ControlBackend

    func add(to router: Router<ControlContext>) {
        router.get("api/v1/daemon") { _, _ in Response(DaemonRoutes.json(backend.daemonIdentity())) }
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
