/// Paths, as supervisord reads them.
extension Values {
    /// `~` and `~user` at the start become home directories; an unknown user leaves the path as it is.
    static func expandingHome(_ path: String, _ host: ConfigurationHost) -> String {
        guard path.hasPrefix("~") else { return path }
        let user = path.dropFirst().prefix { $0 != "/" }
        let home = user.isEmpty ? host.environment["HOME"] ?? host.homeDirectory("") : host.homeDirectory(String(user))
        guard let home else { return path }
        var base = home[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        let result = base + path.dropFirst(1 + user.count)
        return result.isEmpty ? "/" : String(result)
    }

    /// Absolute, without `.`, `..` and doubled slashes.
    static func normalizedPath(_ text: String, _ host: ConfigurationHost) -> String {
        let expanded = expandingHome(text, host)
        let absolute = expanded.hasPrefix("/") ? expanded : host.currentDirectory + "/" + expanded
        var parts: [Substring] = []
        for part in absolute.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// What is before the last slashes; empty without one.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        var directory = path[..<slash]
        while directory.hasSuffix("/") { directory = directory.dropLast() }
        return directory.isEmpty ? "/" : String(directory)
    }

    static func existingDirectory(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        let path = expandingHome(text, host)
        guard host.isDirectory(path) else { throw ValueError("\(quoted(path)) is not an existing directory") }
        return path
    }

    /// A file that need not exist in a directory that must.
    static func pathInExistingDirectory(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        let path = expandingHome(text, host)
        let directory = directory(of: path)
        guard directory.isEmpty || host.isDirectory(directory) else {
            throw ValueError("the directory \(quoted(directory)) does not exist; create it (mkdir -p) and try again")
        }
        return path
    }

    /// A file whose directory is made when it is first needed; only what is there and no directory is in the way.
    static func logPath(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        let path = expandingHome(text, host)
        let directory = directory(of: path)
        guard directory.isEmpty || host.isDirectory(directory) || !host.fileExists(directory) else {
            throw ValueError("\(quoted(directory)) is not a directory")
        }
        return path
    }

    static func existingFile(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        let path = normalizedPath(text, host)
        guard host.fileExists(path) else { throw ValueError("\(quoted(path)) does not exist") }
        return path
    }
}
