import ArgumentParser
import WardenOutbound
import WardenWire

/// The words behind `events`.
struct EventArguments: ParsableArguments {
    @Argument(help: "Only what happens to these workers; GROUP:* is a whole group.")
    var names: [String] = []

    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on until Ctrl-C.")
    var follows = false

    @Flag(name: .long, help: "Print JSON, a line for each event.")
    var json = false
}

extension CommandRunner {
    /// `events [-f] [NAME…]`.
    mutating func events(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(EventArguments.self, words, of: .events) else { return }
        guard try await isServerUp() else { return }
        let end = arguments.follows ? "" : "&follow=no"
        let path = "/api/v1/events?last=\(CtlLimits.askedEvents)\(end)"
        var stream = EventStream()
        let selection = EventSelection(arguments.names)
        let printsJSON = arguments.json || wantsJSON
        if arguments.follows { attention.begin() }
        defer { attention.end() }
        let (show, attention) = (say(_:), attention)
        let status = try await server.follow([path], untilEnd: true) { bytes in
            for event in stream.take(bytes) where selection.has(event) {
                show(printsJSON ? event.text : EventText.line(event))
            }
        } while: {
            !attention.isInterrupted()
        }
        guard let status, status != 200 else { return }
        say("ERROR (\(status == 404 ? "\(server.address) has no events: it is not Warden" : "status \(status)"))")
        exitCode = status == 404 ? ExitCode.unsupported : ExitCode.failure
    }
}

/// Server-sent events as they arrive, in pieces of any length.
struct EventStream {
    private var rest: [UInt8] = []

    /// The events that are whole now. What is no event, and what is no JSON, is passed over.
    mutating func take(_ bytes: [UInt8]) -> [JSONValue] {
        rest += bytes
        var events: [JSONValue] = []
        var start = 0
        while let end = rest[start...].firstIndex(of: 0x0A) {
            let line = rest[start..<end]
            start = end + 1
            let mark = Array("data: ".utf8)
            guard line.starts(with: mark), let event = HealthDocument.value(Array(line.dropFirst(mark.count)))
            else { continue }
            events.append(event)
        }
        rest.removeFirst(start)
        // A line that never ends is not one of ours.
        if rest.count > CtlLimits.eventBytes { rest = [] }
        return events
    }
}

/// Which events are wanted.
struct EventSelection {
    private let names: [Namespec]

    init(_ names: [String]) {
        self.names = names.contains("all") ? [] : names.map(Namespec.init)
    }

    /// Events of no worker, such as the daemon's own, are wanted when all are.
    func has(_ event: JSONValue) -> Bool {
        guard !names.isEmpty else { return true }
        guard let worker = event["worker"]?.string ?? event["incident"]?["worker"]?.string else { return false }
        let name = Namespec(worker)
        return names.contains { $0.group == name.group && ($0.process == nil || $0.process == name.process) }
    }
}

/// Events for a terminal.
enum EventText {
    /// `2026-11-23T14:00:01.250Z  ami:w_01  RUNNING  from STARTING, pid 4711`.
    static func line(_ event: JSONValue) -> String {
        func text(_ name: String, of value: JSONValue? = nil) -> String { (value ?? event)[name]?.string ?? "" }
        let words: [String]
        switch text("type") {
        case "state":
            let pid = event["pid"]?.integer.map { ", pid \($0)" } ?? ""
            let expected = event["expected"]?.bool == false ? ", unexpected" : ""
            words = [text("worker"), text("state"), "from \(text("from"))\(pid)\(expected)"]
        case "health":
            words = [text("worker"), "\(condition(event)) (\(text("grade")))", text("reason")]
        case "incident":
            let incident = event["incident"] ?? .null
            let outcome = incident["outcome"]?.string.map { ": \($0)" } ?? ""
            words = [
                text("worker", of: incident), "incident \(text("id", of: incident)) \(text("phase"))",
                "\(condition(incident)), \(text("action", of: incident))\(outcome)",
            ]
        case "group": words = [text("group"), "group", text("change")]
        case "daemon": words = ["warden", text("state")]
        case "lost": words = ["some events are not remembered any more"]
        case let other: words = [other, event.text]
        }
        return ([text("at")] + words).filter { !$0.isEmpty }.joined(separator: "  ")
    }

    private static func condition(_ value: JSONValue) -> String {
        let className = value["class"]?.string ?? ""
        return value["cause"]?.string.map { "\(className)/\($0)" } ?? className
    }
}
