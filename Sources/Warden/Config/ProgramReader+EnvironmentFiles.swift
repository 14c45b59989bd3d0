extension ProgramReader {
    /// The variables of `env_file`: paths with commas between, later files over earlier ones; `-PATH` may be missing.
    mutating func environmentFiles(_ loading: inout Loading) -> [String: String] {
        let paths = loading.read("env_file", view, default: [], Values.nonemptyList)
        var variables: [String: String] = [:]
        for written in paths where !written.isEmpty {
            let mayBeMissing = written.hasPrefix("-")
            let path = Values.expandingHome(String(written.dropFirst(mayBeMissing ? 1 : 0)).trimmed, loading.host)
            guard path.hasPrefix("/") else {
                loading.error(
                    "env_file", view,
                    "\(quoted(path)) is not an absolute path; write %(here)s/… for one beside this file")
                continue
            }
            if mayBeMissing, !loading.host.fileExists(path) { continue }
            variables.merge(read(path, &loading)) { _, later in later }
        }
        return variables
    }

    private func read(_ path: String, _ loading: inout Loading) -> [String: String] {
        switch loading.host.readFile(path) {
        case .failure(let failure):
            loading.error(
                "env_file", view, "cannot read \(quoted(path)): \(failure.text); write -\(path) if it may be missing")
            return [:]
        case .success(let bytes):
            do {
                return try EnvironmentFile.parse(bytes)
            } catch {
                loading.diagnostics.error(
                    Place(file: path, line: error.line), "env_file of [\(view.name)]: \(error.message)")
                return [:]
            }
        }
    }
}
