import ArgumentParser
import WardenOutbound
import WardenWire

/// The words behind `alert`.
struct AlertArguments: ParsableArguments {
    @Argument(help: "`test`, and the names of the alerts that are to be tested.")
    var words: [String] = []

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    /// Those that are to be tested; `nil`: all are to be listed.
    var tested: [String]? { words.isEmpty ? nil : Array(words.dropFirst()) }

    func validate() throws {
        guard let first = words.first else { return }
        guard first == "test" else { throw ValidationError("\(first) is not known; alert takes test, or nothing") }
        guard words.count > 1 else { throw ValidationError("the name of an alert is missing: alert test NAME") }
    }
}

extension CommandRunner {
    /// `alert` and `alert test NAME…`.
    mutating func alert(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(AlertArguments.self, words, of: .alert) else { return }
        guard try await isServerUp() else { return }
        guard let names = arguments.tested else {
            guard let list = try read(try await server.get("/api/v1/alerts"), of: nil) else { return }
            if arguments.json || wantsJSON { return say(list.text) }
            for line in AlertText.lines(list.array ?? []) { say(line) }
            return
        }
        var found: [JSONValue] = []
        for name in names {
            let answer = try await server.post("/api/v1/alerts/\(name.percentEncoded(keeping: ""))/test", [])
            guard let result = try read(answer, of: nil) else { continue }
            if result["delivered"]?.bool != true { exitCode = ExitCode.failure }
            found.append(result)
            if !arguments.json, !wantsJSON { say(AlertText.line(ofTest: result)) }
        }
        if arguments.json || wantsJSON { say(JSONValue.array(found).text) }
    }
}

/// Alerts for a terminal.
enum AlertText {
    /// A line for each destination.
    static func lines(_ alerts: [JSONValue]) -> [String] {
        guard !alerts.isEmpty else { return ["nobody is told of incidents: the configuration has no [alert:NAME]"] }
        return alerts.map { alert in
            let events = (alert["events"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
            let columns = ["name", "format", "address"].map { alert[$0]?.string ?? "" }
            return "\(columns.joined(separator: "  "))  \(events)"
        }
    }

    /// What came of a test.
    static func line(ofTest test: JSONValue) -> String {
        let place = "\(test["name"]?.string ?? "") (\(test["address"]?.string ?? ""))"
        if test["delivered"]?.bool == true { return "\(place): delivered" }
        return "\(place): ERROR (not delivered: \(test["reason"]?.string ?? "no reason was given"))"
    }
}
