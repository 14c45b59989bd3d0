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

/// The words behind `pause-health`.
struct PauseArguments: ParsableArguments {
    @Argument(help: "Workers, GROUP:*, or all.")
    var names: [String]
    @Option(name: .customLong("for"), help: "End the pause by itself after so long: 30m, 2h, 1d.")
    var duration: String?

    /// The time in seconds; `nil` without one.
    var seconds: Double? { duration.flatMap(Self.seconds) }

    /// `30m`, `2h` or `1d` in seconds; `nil` for anything else.
    static func seconds(_ duration: String) -> Double? {
        guard let unit = duration.last, let factor = Self.units[unit],
            let number = Double(duration.dropLast())
        else { return nil }
        return number * factor
    }

    private static let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    func validate() throws {
        guard !names.isEmpty else { throw ValidationError("a worker's name is missing") }
        if duration != nil, !(seconds.map { $0 > 0 && $0 <= 366 * 86_400 } ?? false) {
            throw ValidationError("--for takes a time such as 30m, 2h or 1d")
        }
    }
}

/// The words behind `resume-health`.
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
