import Hummingbird
import WardenCore
import WardenWire

/// /api/v1/workers.
struct WorkerRoutes {
    let backend: any ControlBackend

    func add(to router: Router<ControlContext>) {
        let workers = router.group("api/v1/workers")
        workers.get { _, _ in
            try await Response(.array(snapshots(.all).sorted { $0.name < $1.name }.map(\.json)))
        }
        workers.get(":name") { _, context in
            try await Response(worker(context).json)
        }
        workers.get(":name/why") { _, context in
            try await why(context)
        }
        workers.get(":name/descriptors") { _, context in
            try await descriptors(context)
        }
        addRecords(to: workers)
        addChanges(to: workers)
    }

    private func addChanges(to workers: RouterGroup<ControlContext>) {
        workers.post(":name/start") { request, context in
            try await change(request, context) { .start($0, wait: $1["wait"]?.bool ?? true) }
        }
        workers.post(":name/stop") { request, context in
            try await change(request, context) { .stop($0, wait: $1["wait"]?.bool ?? true) }
        }
        workers.post(":name/restart") { request, context in
            try await restart(request, context)
        }
        workers.post(":name/signal") { request, context in
            try await change(request, context) { (selection, body) throws(Problem) in
                let text = body["signal"]?.string ?? body["signal"]?.integer.map { String($0) } ?? ""
                guard let signal = Signal(parsing: text) else { throw Problem(.badSignal(text)) }
                return .signal(selection, signal)
            }
        }
        workers.post(":name/pause-health") { request, context in
            try await change(request, context) { (selection, body) throws(Problem) in
                guard let wish = body["for_seconds"], wish != .null else { return .pauseHealth(selection) }
                guard let seconds = wish.double, seconds > 0, seconds <= 366 * 86_400 else {
                    throw Problem(
                        status: 400, title: "Bad Request", detail: "for_seconds is not a number from 0 to a year")
                }
                return .pauseHealthFor(selection, .seconds(seconds))
            }
        }
        addDrills(to: workers)
        workers.post(":name/resume-health") { request, context in
            try await change(request, context) { selection, _ in .resumeHealth(selection) }
        }
    }

    // MARK: Looking

    private func snapshots(_ selection: Selection) async throws(Problem) -> [WorkerSnapshot] {
        switch await backend.perform(.snapshot(selection)) {
        case .snapshots(let snapshots): return snapshots
        case .refused(let refusal): throw Problem(refusal)
        case .done, .outcomes, .explanations, .differences, .updated, .daemonState, .drill: throw WorkerRoutes.noAnswer
        }
    }

    private func worker(_ context: ControlContext) async throws(Problem) -> WorkerSnapshot {
        let name = try context.workerName()
        let selection = Selection(namespec: name)
        guard case .slot = selection, let worker = try await snapshots(selection).first else {
            throw Problem(.badName(name))
        }
        return worker
    }

    private func why(_ context: ControlContext) async throws -> Response {
        let name = try context.workerName()
        let selection = Selection(namespec: name)
        guard case .slot = selection else { throw Problem(.badName(name)) }
        switch await backend.perform(.explain(selection)) {
        case .explanations(let explanations):
            guard let explanation = explanations.first else { throw Problem(.badName(name)) }
            let containment = await backend.containment(of: explanation.snapshot)
            return Response(explanation.json(with: containment))
        case .refused(let refusal): throw Problem(refusal)
        case .done, .outcomes, .snapshots, .differences, .updated, .daemonState, .drill: throw WorkerRoutes.noAnswer
        }
    }

    private func descriptors(_ context: ControlContext) async throws -> Response {
        let worker = try await worker(context)
        guard let census = await backend.census(of: worker.name) else {
            throw Problem(
                status: 409, title: "Conflict",
                detail: "\(worker.name.qualified) does not run, or its descriptors cannot be read")
        }
        return Response(census.json)
    }

    // MARK: Changing

    /// Reads the body, does the command, and tells what came of it.
    func change(
        _ request: Request, _ context: ControlContext,
        _ command: (Selection, JSONValue) throws(Problem) -> Command
    ) async throws -> Response {
        let (selection, body) = try await order(request, context)
        let command = try command(selection, body)
        let reply = await backend.perform(command)
        if command.isAboutDrill, case .refused(.failed(let reason)) = reply {
            // Nothing has failed: the worker is not as it would have to be.
            throw Problem(status: 409, title: "Conflict", detail: reason)
        }
        return try Response(WorkerRoutes.result(reply))
    }

    /// Stop, then start.
    ///
    /// A worker that does not run is no reason not to start it.
    private func restart(_ request: Request, _ context: ControlContext) async throws -> Response {
        let (selection, body) = try await order(request, context)
        let stopped = await backend.perform(.stop(selection, wait: true))
        if case .refused(let refusal) = stopped {
            guard case .notRunning = refusal else { throw Problem(refusal) }
        }
        let start = Command.start(selection, wait: body["wait"]?.bool ?? true)
        return try Response(WorkerRoutes.result(await backend.perform(start)))
    }

    private func order(
        _ request: Request, _ context: ControlContext
    ) async throws -> (Selection, JSONValue) {
        try context.requireOperator()
        let name = try context.workerName()
        let bytes = try await request.collectedBody(context)
        if bytes.isEmpty { return (Selection(namespec: name), .object([:])) }
        do {
            return (Selection(namespec: name), try JSONValue(decoding: bytes))
        } catch {
            throw Problem(status: 400, title: "Bad Request", detail: "the body is not JSON: \(error)")
        }
    }

    /// One worker: `{"done":true}`, or a problem.
    ///
    /// A group: what came of each.
    private static func result(_ reply: Reply) throws(Problem) -> JSONValue {
        switch reply {
        case .refused(let refusal): throw Problem(refusal)
        case .outcomes(let outcomes):
            return .object(["outcomes": .array(outcomes.map(WorkerRoutes.outcome))])
        case .drill(let report): return report.json
        case .done, .snapshots, .explanations, .differences, .updated, .daemonState:
            return .object(["done": .bool(true)])
        }
    }

    private static func outcome(_ outcome: SlotOutcome) -> JSONValue {
        .object([
            "worker": .string(outcome.name.qualified),
            "done": .bool(outcome.refusal == nil),
            "error": JSONValue(outcome.refusal.map { Problem($0).detail }),
        ])
    }

    private static let noAnswer = Problem(
        status: 500, title: "Internal Server Error", detail: "the daemon gave no listing")
}

extension ControlContext {
    /// The worker that the path names.
    /// - Throws: 404 when it is not a name.
    func workerName() throws(Problem) -> String {
        guard let name = parameters.get("name")?.percentDecoded, !name.isEmpty else {
            throw Problem(.badName(parameters.get("name") ?? ""))
        }
        return name
    }
}
