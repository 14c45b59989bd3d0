import ArgumentParser

/// The words behind `why` and `fds`.
struct WorkerArguments: ParsableArguments {
    @Argument(help: "A worker, as status lists it.")
    var name: String

    @Flag(name: .long, help: "Print JSON.")
    var json = false
}

/// The words behind `incident`.
struct OneIncidentArguments: ParsableArguments {
    @Argument(help: "An incident's id, as incidents lists it.")
    var id: String

    @Flag(name: .long, help: "Print JSON.")
    var json = false
}

/// The words behind `incidents`.
struct IncidentArguments: ParsableArguments {
    @Argument(help: "A worker, as status lists it; without one, all of them.")
    var name: String?

    @Option(name: .long, help: "At most so many, the newest first.")
    var limit = CtlLimits.askedIncidents

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit takes a number from 1 to 1000") }
    }
}

/// The words behind `pause-health` and `resume-health`.
struct WorkersArguments: ParsableArguments {
    @Argument(help: "Workers, GROUP:*, or all.")
    var names: [String]

    func validate() throws {
        guard !names.isEmpty else { throw ValidationError("a worker's name is missing") }
    }
}

extension CommandRunner {
    /// The arguments of one of Warden's own commands; says what is wrong with them and returns `nil`.
    mutating func arguments<Arguments: ParsableArguments>(
        _ type: Arguments.Type, _ words: [String], of name: CommandName
    ) -> Arguments? {
        do {
            return try Arguments.parse(words)
        } catch {
            misuse("Error: \(Arguments.message(for: error))", of: name, code: ExitCode.usage)
            return nil
        }
    }
}
