import ArgumentParser
import WardenCore
import WardenWire

/// The words behind `tune`.
struct TuneArguments: ParsableArguments {
    @Argument(help: "A worker, or a group.")
    var name: String

    @Option(name: .long, help: "The least time that must have been seen: 10m, 6h. One hour if not told.")
    var least: String?

    /// The same in seconds.
    var leastSeconds: Double { least.flatMap(PauseArguments.seconds) ?? 3600 }

    func validate() throws {
        if let least, PauseArguments.seconds(least).map({ $0 <= 0 }) ?? true {
            throw ValidationError("--least takes a time such as 10m or 6h")
        }
    }
}

/// What was seen of one worker: by the daemon since it began, or in the records of this long.
private struct WorkerSeen {
    var documents: [JSONValue]
    var span: Duration?
}

extension ProgramSpec {
    /// A program of which nothing is known but its name.
    fileprivate static func usual(_ name: SlotName) -> ProgramSpec {
        ProgramSpec(
            name: name, program: name.group, supervision: SupervisionSpec(), launch: LaunchSpec(arguments: []),
            standardOutput: LogSpec(), standardError: nil, health: HealthSpec())
    }
}

extension CommandRunner {
    /// What the records show of a worker while it was well, where they reach further than what the daemon remembers.
    private mutating func recorded(
        _ worker: ProcessEntry, _ program: String, beside seen: JSONValue
    ) async throws(ServerFailure) -> WorkerSeen {
        let remembered = WorkerSeen(documents: [seen], span: nil)
        let (group, process) = (worker.group, worker.process)
        guard let records = try await records(of: worker.name, since: nil, isQuiet: true), records.blockCount > 0
        else { return remembered }
        let name = SlotName(group: group, process: process)
        // What counts as well is the rules' to say; without a configuration they are those of the manual.
        let (replay, _) = records.replayed(as: programs(nil).program(name) ?? .usual(name))
        let documents = replay.observed.map { $0.json(program: program) }
        let watched = documents.reduce(0) { $0 + ($1["watched_seconds"]?.double ?? 0) }
        guard let span = replay.span, watched > seen["watched_seconds"]?.double ?? 0 else { return remembered }
        return WorkerSeen(
            documents: documents, span: .microseconds(max(0, span.to.microseconds - span.from.microseconds)))
    }

    /// `tune NAME|GROUP`.
    mutating func tune(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(TuneArguments.self, words, of: .tune) else { return }
        guard try await isServerUp() else { return }
        let asked = Namespec(arguments.name)
        let infos = (try await server.call("supervisor.getAllProcessInfo", []).array ?? []).map(ProcessEntry.init)
        let workers = infos.filter {
            $0.name == arguments.name || $0.group == asked.group && (asked.process ?? $0.group) == asked.group
        }
        guard !workers.isEmpty else {
            say("\(arguments.name): ERROR (no such process or group)")
            exitCode = ExitCode.failure
            return
        }
        var programs: [(name: String, seen: [WorkerSeen])] = []
        for worker in workers {
            guard let document = try await document(of: worker.name, "/why") else { return }
            let seen = document["observed"] ?? .null
            let program = seen["program"]?.string ?? worker.group
            let recorded = try await recorded(worker, program, beside: seen)
            if let index = programs.firstIndex(where: { $0.name == program }) {
                programs[index].seen.append(recorded)
            } else {
                programs.append((program, [recorded]))
            }
        }
        for program in programs {
            let text = TuneText(
                program.name, program.seen.flatMap(\.documents), span: program.seen.compactMap(\.span).max())
            if let refusal = text.refusal(least: arguments.leastSeconds) {
                say(refusal)
                exitCode = ExitCode.failure
            } else {
                for line in text.lines { say(line) }
            }
        }
    }
}
