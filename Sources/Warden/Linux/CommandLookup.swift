internal import Glibc
package import WardenCore

/// Where a command is found: supervisord's answers NO_FILE and NOT_EXECUTABLE are given before anything is started.
package enum CommandLookup {
    /// supervisord's directories when there is no PATH.
    private static let standardDirectories = ["/bin", "/usr/bin", "/usr/local/bin"]

    /// The paths that a command may mean, in the order in which they are tried.
    ///
    /// - Parameters:
    ///   - command: with a slash it is a path; without one it is searched.
    ///   - paths: values of PATH, the worker's before the daemon's. Empty parts, which mean the current directory, are
    ///     left out: what lies there is not what the configuration's author meant.
    /// - Returns: at least one path.
    package static func candidates(for command: String, paths: [String]) -> [String] {
        if command.utf8.contains(UInt8(ascii: "/")) || command.isEmpty { return [command] }
        var directories: [String] = []
        for path in paths {
            for part in path.split(separator: ":").map(String.init) where !directories.contains(part) {
                directories.append(part)
            }
        }
        if directories.isEmpty { directories = standardDirectories }
        return directories.map { $0.hasSuffix("/") ? $0 + command : "\($0)/\(command)" }
    }

    /// Whether a program's command can be executed, as far as stat(2) can tell.
    ///
    /// - Parameters:
    ///   - launch: the configured part of the program.
    ///   - base: the daemon's environment.
    /// - Throws: as `find`.
    package static func check(_ launch: LaunchSpec, base: BaseEnvironment) throws(SpawnFailure) {
        let name = SlotName(group: "", process: "")
        let mark = WorkerMark(name: name, generation: Generation(0), restartCount: 0)
        _ = try find(SpawnPlan(launch: launch, mark: mark, base: base, descriptors: []))
    }

    /// The first candidate that can be executed, as far as stat(2) can tell.
    ///
    /// A yes is no promise: the worker's user may lack a permission, or the file may be gone a moment later.
    ///
    /// - Parameter plan: its candidates and its directory, from which relative candidates are seen.
    /// - Returns: the candidate, as it is written in the plan.
    /// - Throws: `lookUp` with ENOENT when there is none, with EACCES or EISDIR when those that there are cannot be
    ///   executed.
    package static func find(_ plan: SpawnPlan) throws(SpawnFailure) -> String {
        var refused: SpawnFailure?
        for candidate in plan.candidates {
            var path = candidate
            if let directory = plan.directory, !candidate.hasPrefix("/") { path = "\(directory)/\(candidate)" }
            var status = stat()
            if stat(path, &status) != 0 { continue }
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            if !isDirectory && status.st_mode & 0o111 != 0 { return candidate }
            if refused == nil {
                let errorNumber = isDirectory ? EISDIR : EACCES
                refused = SpawnFailure(
                    stage: .lookUp, errorNumber: errorNumber, subject: candidate,
                    explanation: Kernel.text(of: errorNumber))
            }
        }
        throw refused
            ?? SpawnFailure(
                stage: .lookUp, errorNumber: ENOENT, subject: plan.arguments.first ?? "",
                explanation: Kernel.text(of: ENOENT))
    }
}
