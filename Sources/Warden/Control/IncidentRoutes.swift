import Hummingbird
import WardenCore
import WardenWire

/// /api/v1/incidents.
struct IncidentRoutes {
    let backend: any ControlBackend

    /// Incidents in an answer whose request names no number.
    private static let usualLimit = 50

    func add(to api: inout APIRouter) {
        let list = APIOperation(
            method: .get, path: "/api/v1/incidents", id: "listIncidents", summary: "Incidents, newest first.",
            parameters: [
                APIParameter(
                    name: "limit", place: .query, about: "At most so many; \(IncidentRoutes.usualLimit) otherwise.",
                    schema: .integer(1...ControlLimits.incidents)),
                APIParameter(
                    name: "worker", place: .query, about: "Only those of this worker, `group:name` or the bare name.",
                    schema: .name),
            ], answer: .list(.named("Incident")), problems: [400, 404])
        api.add(list) { request, _ in
            let query = try query(request)
            return Response(.array(await backend.incidents(query).prefix(query.limit).map { $0.json() }))
        }
        let one = APIOperation(
            method: .get, path: "/api/v1/incidents/{id}", id: "getIncident", summary: "An incident with its forensics.",
            parameters: [
                APIParameter(name: "id", place: .path, about: "As incidents are listed.", schema: .name)
            ], answer: .named("IncidentWithForensics"), problems: [404])
        api.add(one) { _, context in
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
        let fields = try QueryFields(request.uri.query)
        if let limit = try fields.number("limit", in: 1...Int64(ControlLimits.incidents)) { query.limit = Int(limit) }
        if let text = try fields.name("worker") {
            guard case .slot(let group, let process) = Selection(namespec: text) else { throw Problem(.badName(text)) }
            query.worker = SlotName(group: group, process: process)
        }
        return query
    }
}
