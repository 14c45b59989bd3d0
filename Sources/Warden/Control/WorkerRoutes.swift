import Hummingbird
import WardenCore
import WardenWire

/// /api/v1/workers.
struct WorkerRoutes {
    let backend: any ControlBackend

    /// Where one of them is.
    static let path = "/api/v1/workers/{name}"

    func add(to api: inout APIRouter) {
        let list = APIOperation(
            method: .get, path: "/api/v1/workers", id: "listWorkers", summary: "Every worker, by name.",
            answer: .list(.named("Worker")), problems: [503])
        api.add(list) { _, _ in
            try await Response(.array(snapshots(.all).sorted { $0.name < $1.name }.map(\.json)))
        }
        api.add(WorkerRoutes.look("", "Worker", "A worker.")) { _, context in
            try await Response(worker(context).json)
        }
        api.add(WorkerRoutes.look("why", "Why", "What is believed of a worker, why, and what is done about it.")) {
            try await why($1)
        }
        api.add(WorkerRoutes.look("descriptors", "Descriptors", "A worker's open descriptors by kind.", or: [409])) {
            try await descriptors($1)
        }
        addRecords(to: &api)
        addChanges(to: &api)
        addDrills(to: &api)
    }

    private func addChanges(to api: inout APIRouter) {
        let result = APISchema.either([.named("Done"), .named("Outcomes")])
        let wait = APIBody(fields: [
            APIField(name: "wait", kind: .flag, about: "Whether to answer only when it is done; true otherwise.")
        ])
        api.addChange(WorkerRoutes.change("start", "Starts.", wait, result)) {
            try await change($0, $1) { .start($0, wait: $1["wait"]?.bool ?? true) }
        }
        api.addChange(WorkerRoutes.change("stop", "Stops.", wait, result)) {
            try await change($0, $1) { .stop($0, wait: $1["wait"]?.bool ?? true) }
        }
        api.addChange(WorkerRoutes.change("restart", "Stops what runs, then starts.", wait, result)) {
            try await restart($0, $1)
        }
        let signal = APIBody(fields: [
            APIField(
                name: "signal", kind: .numberOrWord(Signal.numbers, Signal.words),
                about: "As in signal(7): its number, or its name with or without SIG.", isRequired: true)
        ])
        api.addChange(WorkerRoutes.change("signal", "Sends a signal to the main process.", signal, result)) {
            try await change($0, $1) { (selection, body) throws(Problem) in
                let text = body["signal"]?.string ?? body["signal"]?.integer.map { String($0) } ?? ""
                guard let signal = Signal(parsing: text) else { throw Problem(.badSignal(text)) }
                return .signal(selection, signal)
            }
        }
        let pause = APIBody(fields: [
            APIField(name: "for_seconds", kind: .seconds(upTo: 366 * 86_400), about: "Only so long.")
        ])
        api.addChange(WorkerRoutes.change("pause-health", "Verdicts are no longer acted on.", pause, result)) {
            try await change($0, $1) { selection, body in
                body.duration("for_seconds").map { .pauseHealthFor(selection, $0) } ?? .pauseHealth(selection)
            }
        }
        api.addChange(WorkerRoutes.change("resume-health", "Verdicts are acted on again.", .empty, result)) {
            try await change($0, $1) { selection, _ in .resumeHealth(selection) }
        }
    }

    /// GET of something under a worker.
    private static func look(
        _ name: String, _ schema: String, _ summary: String, or more: [Int] = []
    ) -> APIOperation {
        APIOperation(
            method: .get, path: name.isEmpty ? path : "\(path)/\(name)", id: "get\(schema)", summary: summary,
            parameters: [.worker], answer: .named(schema), problems: [404, 503] + more)
    }

    /// POST of something under a worker, or under all of a group.
    static func change(_ name: String, _ summary: String, _ body: APIBody, _ answer: APISchema) -> APIOperation {
        let words = name.split { $0 == "-" || $0 == "/" }
        let id = words.dropFirst().reduce(String(words.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
        return APIOperation(
            method: .post, path: "\(path)/\(name)", id: id, summary: summary, parameters: [.workers], body: body,
            answer: answer, problems: [404, 409, 500, 503])
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

    /// Does the command, and tells what came of it.
    func change(
        _ body: JSONValue, _ context: ControlContext,
        _ command: (Selection, JSONValue) throws(Problem) -> Command
    ) async throws -> Response {
        let command = try command(Selection(namespec: context.workerName()), body)
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
    private func restart(_ body: JSONValue, _ context: ControlContext) async throws -> Response {
        let selection = try Selection(namespec: context.workerName())
        let stopped = await backend.perform(.stop(selection, wait: true))
        if case .refused(let refusal) = stopped {
            guard case .notRunning = refusal else { throw Problem(refusal) }
        }
        let start = Command.start(selection, wait: body["wait"]?.bool ?? true)
        return try Response(WorkerRoutes.result(await backend.perform(start)))
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

extension Signal {
    /// What JSON may name.
    fileprivate static let numbers = (Int64(0)...64).filter { Signal(parsing: String($0)) != nil }

    /// What JSON may name.
    fileprivate static let words = knownNames + knownNames.map { "SIG" + $0 }
}
