import ArgumentParser
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

extension CommandRunner {
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
        var programs: [(name: String, seen: [JSONValue])] = []
        for worker in workers {
            guard let document = try await document(of: worker.name, "/why") else { return }
            let seen = document["observed"] ?? .null
            let program = seen["program"]?.string ?? worker.group
            if let index = programs.firstIndex(where: { $0.name == program }) {
                programs[index].seen.append(seen)
            } else {
                programs.append((program, [seen]))
            }
        }
        for program in programs {
            let text = TuneText(program.name, program.seen)
            if let refusal = text.refusal(least: arguments.leastSeconds) {
                say(refusal)
                exitCode = ExitCode.failure
            } else {
                for line in text.lines { say(line) }
            }
        }
    }
}
