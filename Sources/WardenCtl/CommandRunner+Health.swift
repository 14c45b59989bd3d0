import WardenOutbound
import WardenWire

extension CommandRunner {
    /// `why NAME`.
    mutating func why(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(WorkerArguments.self, words, of: .why) else { return }
        guard let document = try await document(of: arguments.name, "/why") else { return }
        if arguments.json || wantsJSON { return say(document.text) }
        for line in WhyText.lines(document) { say(line) }
    }

    /// `fds NAME`.
    mutating func fds(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(WorkerArguments.self, words, of: .fds) else { return }
        guard let document = try await document(of: arguments.name, "/descriptors") else { return }
        if arguments.json || wantsJSON { return say(document.text) }
        for line in CensusText.lines(document) { say(line) }
    }

    /// `incidents [NAME]`.
    mutating func incidents(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(IncidentArguments.self, words, of: .incidents) else { return }
        guard try await isServerUp() else { return }
        let filter = arguments.name.map { "worker=\($0.percentEncoded(keeping: ""))&" } ?? ""
        let answer = try await server.get("/api/v1/incidents?\(filter)limit=\(arguments.limit)")
        guard let document = try read(answer, of: arguments.name) else { return }
        let list = document.array ?? document["incidents"]?.array ?? []
        if arguments.json || wantsJSON { return say(JSONValue.array(list).text) }
        for line in IncidentText.lines(list) { say(line) }
    }

    /// `incident ID`.
    mutating func incident(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(OneIncidentArguments.self, words, of: .incident) else { return }
        guard try await isServerUp() else { return }
        let answer = try await server.get("/api/v1/incidents/\(arguments.id.percentEncoded(keeping: ""))")
        guard let document = try read(answer, of: nil) else { return }
        if arguments.json || wantsJSON { return say(document.text) }
        for line in IncidentText.report(document) { say(line) }
    }

    /// `pause-health NAME…` and `resume-health NAME…`.
    mutating func setHealth(paused isPaused: Bool, _ words: [String]) async throws(ServerFailure) {
        let command = isPaused ? CommandName.pauseHealth : .resumeHealth
        let names: [String]
        var order: [UInt8] = []
        var expiry = ""
        if isPaused {
            guard let arguments = arguments(PauseArguments.self, words, of: command) else { return }
            names = arguments.names
            if let seconds = arguments.seconds, let text = arguments.duration {
                order = JSONValue.object(["for_seconds": .number(seconds)]).encoded()
                expiry = " for \(text)"
            }
        } else {
            guard let arguments = arguments(WorkersArguments.self, words, of: command) else { return }
            names = arguments.names
        }
        guard try await isServerUp() else { return }
        for name in try await expanded(names) {
            let answer = try await server.post(
                "/api/v1/workers/\(name.percentEncoded(keeping: ""))/\(command.rawValue)", order)
            if (200..<300).contains(answer.status) {
                say("\(name): health \(isPaused ? "paused" : "resumed")\(expiry)")
            } else {
                refuse(answer, name)
            }
        }
    }

    /// The names with `all` and `group:*` replaced by what they stand for.
    private mutating func expanded(_ names: [String]) async throws(ServerFailure) -> [String] {
        guard names.contains(where: { $0 == "all" || Namespec($0).process == nil }) else { return names }
        let infos = (try await server.call("supervisor.getAllProcessInfo", []).array ?? []).map(ProcessEntry.init)
        let selection = StatusSelection(names: names, entries: infos)
        for message in selection.messages { say(message) }
        if !selection.messages.isEmpty { exitCode = ExitCode.failure }
        return selection.entries.map(\.name)
    }

    /// A document about one worker; says why there is none and returns `nil`.
    mutating func document(of name: String, _ suffix: String) async throws(ServerFailure) -> JSONValue? {
        guard try await isServerUp() else { return nil }
        let answer = try await server.get("/api/v1/workers/\(name.percentEncoded(keeping: ""))\(suffix)")
        return try read(answer, of: name)
    }

    mutating func read(_ answer: ControlAnswer, of name: String?) throws(ServerFailure) -> JSONValue? {
        guard answer.status == 200 else {
            refuse(answer, name)
            return nil
        }
        guard let document = HealthDocument.value(answer.body) else {
            throw .malformed("the server's answer is not JSON")
        }
        return document
    }

    /// An answer that is not 200.
    ///
    /// Without a problem document it is not Warden that answered.
    private mutating func refuse(_ answer: ControlAnswer, _ name: String?) {
        exitCode = ExitCode.failure
        let prefix = name.map { "\($0): " } ?? ""
        switch (answer.status, HealthDocument.value(answer.body)?["detail"]?.string) {
        case (404, nil):
            say("\(prefix)ERROR (\(server.address) knows nothing of health: it is not Warden)")
            exitCode = ExitCode.unsupported
        case (404, _) where name != nil: say("\(prefix)ERROR (no such process)")
        case (let status, let detail): say("\(prefix)ERROR (\(detail ?? "status \(status)"))")
        }
    }
}

/// Documents of the JSON interface.
enum HealthDocument {
    /// The value, or `nil` when it is none.
    static func value(_ body: [UInt8]) -> JSONValue? {
        // Where no JSON was expected, such as an error page, the status says what happened.
        try? JSONValue(
            decoding: body, bodyLimit: ControlClientLimits.answerBytes, valueLimit: CtlLimits.documentValues)
    }
}
