import Hummingbird
import WardenCore
import WardenWire

/// /api/v1/incidents.
struct IncidentRoutes {
    let backend: any ControlBackend

    /// Incidents in an answer whose request names no number.
    private static let usualLimit = 50

    func add(to router: Router<ControlContext>) {
        router.get("api/v1/incidents") { request, _ in
            let query = try query(request)
            return Response(.array(await backend.incidents(query).prefix(query.limit).map { $0.json() }))
        }
        router.get("api/v1/incidents/:id") { _, context in
            let id = context.parameters.get("id")?.percentDecoded ?? ""
            let found = await backend.incidents(IncidentQuery(id: id, limit: 1))
            guard let incident = found.first, incident.id == id else {
                throw Problem(status: 404, title: "Not Found", detail: "there is no incident \(id)")
            }
            return Response(incident.json(.full))
        }
    }

    private func query(_ request: Request) throws(Problem) -> IncidentQuery {
        var query = IncidentQuery(limit: IncidentRoutes.usualLimit)
        if let text = request.uri.queryParameters["limit"] {
            guard let limit = Int(text), (1...ControlLimits.incidents).contains(limit) else {
                throw Problem(
                    status: 400, title: "Bad Request", detail: "limit is a number from 1 to \(ControlLimits.incidents)")
            }
            query.limit = limit
        }
        if let text = request.uri.queryParameters["worker"] {
            guard case .slot(let group, let process) = Selection(namespec: String(text)) else {
                throw Problem(.badName(String(text)))
            }
            query.worker = SlotName(group: group, process: process)
        }
        return query
    }
}
