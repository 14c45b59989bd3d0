import Hummingbird
import WardenCore
import WardenWire

extension WorkerRoutes {
    /// `samples` under a worker: what its verdicts were computed from, block by block.
    ///
    /// `since`, in seconds since the epoch, leaves out what is older; `after` goes on behind the `next` of the last
    /// answer.
    func addRecords(to workers: RouterGroup<ControlContext>) {
        workers.get(":name/samples") { request, context in
            let name = try context.workerName()
            guard case .slot(let group, let process) = Selection(namespec: name) else { throw Problem(.badName(name)) }
            var query = RecordQuery(
                worker: SlotName(group: group, process: process), since: WallTime(microseconds: .min), after: 0,
                limit: ControlLimits.records)
            if let after = try WorkerRoutes.number("after", request) { query.after = after }
            if let seconds = try WorkerRoutes.number("since", request) {
                query.since = WallTime(microseconds: seconds.multipliedReportingOverflow(by: 1_000_000).partialValue)
            }
            return Response(try await records(query))
        }
    }

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

    private static func number(_ name: String, _ request: Request) throws(Problem) -> Int64? {
        guard let text = request.uri.queryParameters[Substring(name)] else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw Problem(status: 400, title: "Bad Request", detail: "\(name) is not a whole number from 0")
        }
        return number
    }
}
