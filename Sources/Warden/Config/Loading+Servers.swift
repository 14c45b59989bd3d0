import WardenCore

/// The daemon's sockets, its client, and the XML-RPC namespaces.
extension Loading {
    /// supervisord takes every section whose name begins so, with or without a colon.
    mutating func unixServers() -> [UnixServer] {
        document.sections("unix_http_server").compactMap { section in
            let view = view(of: section)
            let host = host
            let credentials = credentials(view)
            let path = readRequired("file", view, Values.nonempty)
            let owner = readOptional("chown", view, Values.owner)
            let mode = read("chmod", view, default: 0o700, Values.octal)
            guard let path else { return nil }
            return UnixServer(
                name: section.argument, path: Values.normalizedPath(path, host), mode: mode, ownerID: owner?.user,
                groupID: owner?.group, credentials: credentials)
        }
    }

    mutating func inetServers() -> [InetServer] {
        document.sections("inet_http_server").compactMap { section in
            let view = view(of: section)
            let credentials = credentials(view)
            guard let address = readRequired("port", view, Values.inetAddress) else { return nil }
            return InetServer(
                name: section.argument, host: address.host, port: address.port, credentials: credentials)
        }
    }

    private mutating func credentials(_ view: SectionView) -> ServerCredentials? {
        let username = readOptional("username", view, Values.text)
        let password = readOptional("password", view, Values.serverPassword)
        switch (username, password) {
        case (let username?, let password?):
            return ServerCredentials(username: username, password: password)
        case (nil, nil): return nil
        case (.some, nil):
            // A password that could not be read has been reported.
            if view.entry("password") == nil { error("username", view, "there is no password; write both or neither") }
        case (nil, .some): error("password", view, "there is no username; write both or neither")
        }
        return nil
    }

    mutating func client() -> ClientSettings? {
        guard let section = document.section("supervisorctl") else { return nil }
        let view = view(of: section)
        let host = host
        var client = ClientSettings()
        client.serverURL = read("serverurl", view, default: client.serverURL, Values.serverURL)
        client.username = readOptional("username", view, Values.text)
        client.password = readOptional("password", view, Values.text)
        client.prompt = read("prompt", view, default: client.prompt, Values.text)
        let history = readOptional("history_file", view, Values.text) ?? ""
        client.historyFile = history.isEmpty ? nil : Values.normalizedPath(history, host)
        return client
    }

    /// Namespaces whose factory is supervisord's own; Python plug-ins cannot be loaded.
    mutating func rpcNamespaces() -> [String] {
        document.sections("rpcinterface:").compactMap { section in
            let key = "supervisor.rpcinterface_factory"
            let view = view(of: section)
            guard let factory = readRequired(key, view, Values.text) else { return nil }
            guard factory == "supervisor.rpcinterface:make_main_rpcinterface" else {
                warn(key, view, "\(quoted(factory)) is a Python plug-in, which Warden cannot load; it is left out")
                return nil
            }
            return section.argument
        }
    }
}

extension Values {
    /// Plain, `{SHA}…`, or `{PBKDF2-SHA256}ITERATIONS$SALT$HASH`, of which only the outside is looked at here.
    static func serverPassword(_ text: String) throws(ValueError) -> String {
        let prefix = "{PBKDF2-SHA256}"
        guard text.hasPrefix(prefix) else { return text }
        let parts = text.dropFirst(prefix.count).split(separator: "$", omittingEmptySubsequences: false)
        let isWhole =
            parts.count == 3 && Int(parts[0]).map { (1000...5_000_000).contains($0) } == true
            && (16...).contains(parts[1].utf8.count) && parts[1].utf8.count.isMultiple(of: 2)
            && parts[2].utf8.count == 64 && parts[1...].allSatisfy { $0.allSatisfy(\.isHexDigit) }
        // The value itself is a secret, and stays out of the message.
        guard isWhole else {
            throw ValueError("the stored password is damaged; make one with: wardenctl hash-password")
        }
        return text
    }

    static func nonempty(_ text: String) throws(ValueError) -> String {
        guard !text.isEmpty else { throw ValueError("the value is empty") }
        return text
    }

    /// What supervisorctl connects to.
    static func serverURL(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String {
        if text.hasPrefix("unix://") {
            return "unix://" + normalizedPath(String(text.dropFirst("unix://".count)), host)
        }
        guard let (scheme, rest) = text.halves(around: "://"), !rest.isEmpty, scheme == "http" || scheme == "https"
        else {
            throw ValueError("\(quoted(text)) is not http://HOST:PORT or unix://PATH")
        }
        return text
    }
}
