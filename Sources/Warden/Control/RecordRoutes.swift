import Hummingbird
import WardenCore
import WardenWire

extension WorkerRoutes {
    /// `samples` under a worker: what its verdicts were computed from, block by block.
    ///
    /// `since`, in seconds since the epoch, leaves out what is older; `after` goes on behind the `next` of the last
    /// answer.
    func addRecords(to api: inout APIRouter) {
        let operation = APIOperation(
            method: .get, path: "\(WorkerRoutes.path)/samples", id: "getSamples",
            summary: "What a worker's verdicts were computed from, block by block.",
            parameters: [
                .worker,
                APIParameter(
                    name: "since", place: .query, about: "Seconds since the epoch; what is older is left out.",
                    schema: .integer(0...Int(WorkerRoutes.latestSecond))),
                APIParameter(
                    name: "after", place: .query, about: "`next` of the answer before, to go on behind it.",
                    schema: .integer(0...Int.max)),
            ], answer: .named("Samples"), problems: [400, 404, 503])
        api.add(operation) { request, context in
            let name = try context.workerName()
            guard case .slot(let group, let process) = Selection(namespec: name) else { throw Problem(.badName(name)) }
            var query = RecordQuery(
                worker: SlotName(group: group, process: process), since: WallTime(microseconds: .min), after: 0,
                limit: ControlLimits.records)
            let fields = try QueryFields(request.uri.query)
            if let after = try fields.number("after", in: 0...Int64.max) { query.after = after }
            if let seconds = try fields.number("since", in: 0...WorkerRoutes.latestSecond) {
                query.since = WallTime(microseconds: seconds * 1_000_000)
            }
            return Response(try await records(query))
        }
    }

    /// The last that RFC 3339 can write.
    private static let latestSecond: Int64 = 253_402_300_799

    /// What is not yet stored is stored first, once for all the pages of an answer.
    private func records(_ query: RecordQuery) async throws(Problem) -> JSONValue {
        if query.after == 0 {
            let selection = Selection.slot(group: query.worker.group, process: query.worker.process)
            if case .refused(let refusal) = await backend.perform(.storeRecords(selection)) { throw Problem(refusal) }
        }
        let found = await backend.records(query)
        return .object([
            "worker": .string(query.worker.qualified),
            "blocks": .array(found.map(\.json)),
            "next": found.last.map { .integer($0.sequence) } ?? .null,
        ])
    }
}
