import WardenCore

/// `[warden]` and `[alert:NAME]`.
extension Loading {
    mutating func wardenSettings() -> WardenSettings {
        var settings = WardenSettings()
        guard let section = document.section("warden") else { return settings }
        let view = view(of: section, .warden)
        settings.historyPath = read("history", view, default: settings.historyPath, Values.historyPath)
        settings.historyKeep = read("history_keep", view, default: settings.historyKeep, Values.positiveDuration)
        settings.recordKeep = read("record_samples", view, default: settings.recordKeep, Values.optionalDuration)
        settings.controlGroups = read("cgroup", view, default: settings.controlGroups, Values.controlGroups)
        settings.servesMetrics = read("metrics", view, default: settings.servesMetrics, Values.boolean)
        settings.writesJournal = read("journal", view, default: settings.writesJournal, Values.boolean)
        let readers = readOptional("readers", view, Values.readers)
        settings.readerUserIDs = readers?.users ?? []
        settings.readerGroupIDs = readers?.groups ?? []
        settings.tcpWithoutPassword = readOptional("tcp_without_password", view, Values.choice)
        settings.hostPressurePercent = read(
            "host_pressure", view, default: settings.hostPressurePercent, Values.optionalPercent)
        settings.sharedCauseWindow = read(
            "shared_cause", view, default: settings.sharedCauseWindow, Values.optionalDuration)
        settings.tlsCertificate = readOptional("tls_certificate", view, Values.existingFile)
        settings.tlsKey = readOptional("tls_key", view, Values.existingFile)
        let keys = (section.entries["tls_certificate"] != nil, section.entries["tls_key"] != nil)
        if keys.0 != keys.1 {
            error(keys.0 ? "tls_certificate" : "tls_key", view, "tls_certificate and tls_key must be set together")
        } else if let certificate = settings.tlsCertificate, let key = settings.tlsKey {
            if let fault = host.tlsFault(certificate, key) {
                error(fault.isInKey ? "tls_key" : "tls_certificate", view, fault.text)
            }
        }
        return settings
    }

    mutating func alerts() -> [AlertSettings] {
        document.sections("alert:").compactMap { section in
            let view = view(of: section, .warden)
            guard let name = sectionName(section) else { return nil }
            guard let url = readRequired("url", view, Values.webURL) else { return nil }
            var alert = AlertSettings(name: name, url: url)
            alert.format = read("format", view, default: alert.format, Values.choice)
            alert.url = Values.alertURL(url, alert.format)
            alert.events = read("events", view, default: alert.events, Values.alertEvents)
            alert.secret = readOptional("secret", view, Values.webhookSecret)
            if alert.format == .pagerduty, alert.secret == nil {
                error("format", view, "pagerduty needs the integration's routing key; add secret=…")
            }
            alert.timeout = read("timeout", view, default: alert.timeout, Values.positiveDuration)
            alert.retryFor = read("retry_for", view, default: alert.retryFor, Values.duration)
            alert.includesLog = read("include_log", view, default: alert.includesLog, Values.boolean)
            return alert
        }
    }
}

extension Values {
    /// The URL to which a format is posted: what is only a host gets the path that its receiver has.
    static func alertURL(_ url: String, _ format: AlertSettings.Format) -> String {
        let path: String
        switch format {
        case .json, .slack: return url
        case .alertmanager: path = "/api/v2/alerts"
        case .pagerduty: path = "/v2/enqueue"
        }
        let host = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? ""
        switch host.firstIndex(where: { "/?#".contains($0) }) {
        case nil: return url + path
        case let end? where host[end...] == "/": return url.dropLast() + path
        case _?: return url
        }
    }

    /// `whsec_` and the base64 of a key as Standard Webhooks has them, or any other text, which is not quoted.
    static func webhookSecret(_ text: String) throws(ValueError) -> String {
        let text = try nonempty(text)
        let prefix = "whsec_"
        guard text.hasPrefix(prefix) else { return text }
        let key = text.dropFirst(prefix.count)
        let letters = key.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/") }
        guard !letters.isEmpty, key.count % 4 == 0, key.dropFirst(letters.count).allSatisfy({ $0 == "=" }),
            key.count - letters.count <= 2
        else { throw ValueError("what follows whsec_ is not base64") }
        return text
    }

    /// An absolute path; `none` is `nil`.
    static func historyPath(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> String? {
        text.lowercased() == "none" ? nil : normalizedPath(try nonempty(text), host)
    }

    /// `auto`, `yes`, `no`, or an absolute path.
    static func controlGroups(
        _ text: String, _ host: ConfigurationHost
    ) throws(ValueError) -> WardenSettings.ControlGroups {
        switch text.lowercased() {
        case "auto": return .auto
        case "yes": return .yes
        case "no": return .no
        default:
            guard text.hasPrefix("/") else { throw ValueError("\(quoted(text)) is not auto, yes, no or a path") }
            return .path(normalizedPath(text, host))
        }
    }

    /// Names between commas: a user, `@group`, or a group when there is no such user.
    static func readers(
        _ text: String, _ host: ConfigurationHost
    ) throws(ValueError) -> (users: Set<UInt32>, groups: Set<UInt32>) {
        var result: (users: Set<UInt32>, groups: Set<UInt32>) = ([], [])
        for name in try list(text) {
            if !name.hasPrefix("@"), let user = host.user(name) {
                result.users.insert(user.userID)
            } else if let group = host.group(name.hasPrefix("@") ? String(name.dropFirst()) : name) {
                result.groups.insert(group)
            } else {
                throw ValueError("the host has no user or group \(quoted(name))")
            }
        }
        return result
    }

    /// Classes and outcomes between commas, or `all`.
    static func alertEvents(_ text: String) throws(ValueError) -> Set<AlertSettings.Event> {
        if text.lowercased() == "all" { return Set(AlertSettings.Event.allCases) }
        var events: Set<AlertSettings.Event> = []
        for name in try list(text) { events.insert(try choice(name)) }
        guard !events.isEmpty else { throw ValueError("no event is named") }
        return events
    }
}
