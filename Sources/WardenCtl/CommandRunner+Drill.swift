import ArgumentParser
import WardenOutbound
import WardenWire

/// The words behind `drill`.
struct DrillArguments: ParsableArguments {
    /// What is drilled, and `stop`.
    static let kinds = ["emfile", "hang", "spin", "silence", "memory"]

    @Argument(help: "A worker, as status lists it.")
    var name: String

    @Argument(help: "emfile, hang, spin, silence or memory; stop ends a drill.")
    var kind: String

    @Flag(name: .long, help: "Do what is decided.")
    var act = false

    @Option(name: .customLong("for"), help: "End it after so long: 90s, 5m.")
    var duration: String?

    @Flag(name: .long, help: "Print JSON, once it has ended.")
    var json = false

    /// The time in seconds; `nil` without one.
    var seconds: Double? { duration.flatMap(PauseArguments.seconds) }

    func validate() throws {
        guard kind == "stop" || Self.kinds.contains(kind) else {
            throw ValidationError("what is drilled is one of \(Self.kinds.joined(separator: ", ")), or stop")
        }
        if duration != nil, !(seconds.map { $0 > 0 && $0 <= 3600 } ?? false) {
            throw ValidationError("--for takes a time such as 90s or 5m, at most 1h")
        }
    }
}

extension CommandRunner {
    /// `drill NAME KIND` and `drill NAME stop`.
    mutating func drill(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(DrillArguments.self, words, of: .drill) else { return }
        guard try await isServerUp() else { return }
        let path = "/api/v1/workers/\(arguments.name.percentEncoded(keeping: ""))/drill"
        if arguments.kind == "stop" {
            guard let report = try await ask("\(path)/stop", [], about: arguments.name) else { return }
            return say("\(arguments.name): drill \(report["kind"]?.string ?? "") stopped")
        }
        // It ends by itself when nobody asks for it any more: whoever started it may be killed.
        var order: JSONObject = [
            "kind": .string(arguments.kind), "act": .bool(arguments.act),
            "lease_seconds": .number(CtlLimits.drillLeaseSeconds),
        ]
        if let seconds = arguments.seconds { order["for_seconds"] = .number(seconds) }
        let body = JSONValue.object(order)
        guard let report = try await ask(path, body.encoded(), about: arguments.name) else { return }
        try await follow(report, path, arguments)
    }

    private mutating func follow(
        _ first: JSONValue, _ path: String, _ arguments: DrillArguments
    ) async throws(ServerFailure) {
        let isQuiet = arguments.json || wantsJSON
        var text = DrillText()
        var report = first
        attention.begin()
        defer { attention.end() }
        while true {
            if !isQuiet { for line in text.news(of: report) { say(line) } }
            guard report["end"]?.string == nil else { break }
            if attention.isInterrupted() {
                guard let last = try await ask("\(path)/stop", [], about: arguments.name) else { return }
                report = last
                continue
            }
            // Cancelled: the next call says so.
            try? await Task.sleep(for: CtlLimits.drillPause)
            guard let next = try await ask("\(path)/watch", [], about: arguments.name) else { return }
            report = next
        }
        if isQuiet { say(report.text) }
        if !DrillText.isPassed(report) { exitCode = ExitCode.failure }
    }

    private mutating func ask(
        _ path: String, _ body: [UInt8], about name: String
    ) async throws(ServerFailure) -> JSONValue? {
        try read(try await server.post(path, body), of: name)
    }
}

/// A drill as it goes, line by line.
struct DrillText {
    private var said: Set<String> = []
    private var lastVerdict = ""

    /// The lines that were not said before.
    mutating func news(of report: JSONValue) -> [String] {
        var lines: [String] = []
        func add(_ key: String, _ text: String) {
            if said.insert(key).inserted { lines.append(text) }
        }
        let name = report["worker"]?.string ?? "?"
        let limit = HealthText.spoken(report["limit_seconds"]?.double) ?? "?"
        let acts = report["act"]?.bool == true
        add(
            "begin",
            "\(name): drill \(report["kind"]?.string ?? "?"), at most \(limit); what is decided is "
                + (acts ? "done" : "told and not done"))
        if let means = report["means"]?.string, !means.isEmpty { add("means", "  \(means)") }
        if report["class"]?.string != nil {
            let verdict = HealthText.condition(report)
            if verdict != lastVerdict {
                lastVerdict = verdict
                lines.append("  \(verdict): \(report["reason"]?.string ?? "")")
            }
        }
        if let after = HealthText.spoken(report["detected_after_seconds"]?.double) {
            add("detected", "  detected after \(after)")
        }
        if let decision = report["decision"]?.string { add("decision", "  decision: \(decision)") }
        if acts, let incident = report["incident"]?.string { add("incident", "  incident: \(incident)") }
        if let outcome = report["outcome"]?.string {
            let after = HealthText.spoken(report["recovered_seconds"]?.double).map { " after \($0)" } ?? ""
            add("outcome", "  outcome: \(outcome)\(after)")
        }
        if let end = report["end"]?.string {
            add(
                "end",
                "\(name): drill \(DrillText.isPassed(report) ? "passed" : "failed")\(end == "done" ? "" : ": \(end)")")
        }
        return lines
    }

    /// Whether it was detected; with a real action, whether the worker has recovered.
    static func isPassed(_ report: JSONValue) -> Bool {
        guard report["end"]?.string == "done", report["detected_after_seconds"]?.double != nil else { return false }
        return report["act"]?.bool != true || report["outcome"]?.string == "recovered"
    }
}
