package import WardenConfig
package import WardenOutbound

/// Which server is asked, and as whom.
package struct ServerChoice: Hashable, Sendable {
    /// The address as it was written, for messages.
    package var url: String
    /// Where to connect.
    package var address: ControlAddress
    /// What is sent for Basic authentication.
    package var credentials: ControlCredentials?
    /// The shell's prompt, without `> `.
    package var prompt: String
    /// Where the shell keeps its history; `nil` keeps none.
    package var historyFile: String?

    /// Where Warden listens when no configuration says otherwise.
    package static let standardURL = "unix:///run/warden/warden.sock"

    /// The command line first, then `[supervisorctl]` of the configuration, then Warden's own socket.
    /// - Parameters:
    ///   - invocation: the command line.
    ///   - program: the path by which wardenctl was called: supervisord's places are beside it.
    ///   - host: what reads files.
    /// - Throws: when the address is none, or a configuration that is needed cannot be used.
    package init(
        _ invocation: Invocation, program: String, host: ConfigurationHost
    ) throws(Invocation.Mistake) {
        let settings = try ServerChoice.settings(invocation, program: program, host: host)
        url = invocation.serverURL ?? settings?.serverURL ?? ServerChoice.standardURL
        prompt = settings?.prompt ?? ClientSettings().prompt
        historyFile = invocation.historyFile ?? settings?.historyFile
        guard let address = ControlAddress(url: url) else {
            let origin = invocation.serverURL == nil ? "serverurl" : "-s"
            throw Invocation.Mistake(
                text:
                    "invalid value for \(origin) '\(url)': it takes http://HOST:PORT, https://HOST:PORT or unix://PATH")
        }
        self.address = address
        let username = invocation.username ?? settings?.username
        let password = invocation.password ?? settings?.password
        if let username, let password {
            credentials = ControlCredentials(username: username, password: password)
        }
    }

    private static func settings(
        _ invocation: Invocation, program: String, host: ConfigurationHost
    ) throws(Invocation.Mistake) -> ClientSettings? {
        if let path = invocation.configurationFile {
            guard host.fileExists(path) else {
                throw Invocation.Mistake(text: "could not find config file \(path)")
            }
            return try load(path, host)
        }
        let paths = ConfigurationLoader.searchPaths(program: program)
        guard let path = paths.first(where: host.fileExists) else { return nil }
        do {
            return try load(path, host)
        } catch {
            // With -s the file is only good for a name and a password; one that cannot be read shall not be in the way.
            if invocation.serverURL != nil { return nil }
            throw error
        }
    }

    private static func load(
        _ path: String, _ host: ConfigurationHost
    ) throws(Invocation.Mistake) -> ClientSettings {
        let (client, diagnostics) = ConfigurationLoader.loadClient(path: path, host: host)
        if let client { return client }
        let problems = diagnostics.filter { $0.severity == .error }.map(\.description)
        throw Invocation.Mistake(text: problems.joined(separator: "\n"))
    }
}
