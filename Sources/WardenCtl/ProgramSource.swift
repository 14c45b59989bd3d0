package import WardenConfig
package import WardenCore

/// The programs of a configuration on disk, for what is tried on records.
package struct ProgramSource {
    /// The file; `nil` when none was found.
    package let path: String?
    /// Why there are none; `nil` when there are.
    package let failure: String?
    private let programs: [SlotName: ProgramSpec]
    private let host: ConfigurationHost

    /// - Parameters:
    ///   - file: the configuration; `nil` looks where the daemon looks.
    ///   - host: what reads files.
    package init(file: String?, host: ConfigurationHost) {
        self.host = host
        let program = CommandLine.arguments.first ?? "wardenctl"
        guard let path = file ?? ConfigurationLoader.searchPaths(program: program).first(where: host.fileExists)
        else {
            (path, failure, programs) = (nil, "no configuration was found; name one with --config", [:])
            return
        }
        self.path = path
        let result = ConfigurationLoader.load(path: path, arguments: DaemonArguments(), host: host)
        // A program that has errors of its own is not in the way of the others.
        guard let configuration = result.configuration ?? result.remainder?.configuration else {
            let errors = result.diagnostics.filter { $0.severity == .error }.map(\.description)
            (failure, programs) = (errors.first ?? "\(path) cannot be used", [:])
            return
        }
        failure = nil
        let specs = configuration.groups.flatMap(\.programs).map { ($0.name, $0) }
        programs = Dictionary(specs) { first, _ in first }
    }

    /// A worker's specification; `nil` when the configuration has none of this name.
    package func program(_ name: SlotName) -> ProgramSpec? { programs[name] }

    /// The same with other settings of its health.
    ///
    /// - Parameters:
    ///   - program: the specification.
    ///   - settings: `KEY=VALUE`, in order.
    /// - Throws: for what is none, or cannot be tried.
    package func trying(
        _ settings: [String], on program: ProgramSpec
    ) throws(HealthTrialError) -> ProgramSpec {
        var program = program
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw HealthTrialError(text: "--set takes KEY=VALUE, not \(setting)") }
            try program.health.trySetting(String(parts[0]).trimmed, to: String(parts[1]).trimmed, host: host)
        }
        return program
    }
}
