import WardenOutbound
import WardenWire

/// How much of a log is wanted.
enum LogExtent: Hashable {
    /// The last so many bytes.
    case last(Int64)
    /// The end, as it grows.
    case follow

    /// supervisorctl's default.
    static let standard = LogExtent.last(1600)

    /// Reads `-f` and `-100`.
    init?(_ word: String) {
        guard word.hasPrefix("-") else { return nil }
        if word == "-f" {
            self = .follow
        } else if let count = Int64(word.dropFirst()), count != .min {
            self = .last(count)
        } else {
            return nil
        }
    }
}

extension CommandRunner {
    /// `tail [-f|-BYTES] NAME [stdout|stderr]`.
    mutating func tail(_ words: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard !words.isEmpty else { return misuse("Error: too few arguments", of: .tail) }
        guard words.count <= 3 else { return misuse("Error: too many arguments", of: .tail) }
        var names = words[...]
        let modifier = words[0].hasPrefix("-") ? names.popFirst() : nil
        guard let name = names.first else { return fail("Error: tail requires process name") }
        let channel = names.count > 1 ? names[names.endIndex - 1].lowercased() : "stdout"
        guard channel == "stdout" || channel == "stderr" else { return fail("Error: bad channel '\(channel)'") }
        guard let extent = modifier.map(LogExtent.init) ?? .standard else {
            return fail("Error: bad argument \(modifier ?? "")")
        }
        switch extent {
        case .follow:
            try await follow("/logtail/\(name.percentEncoded(keeping: ":"))/\(channel)")
        case .last(let count):
            let method = channel == "stdout" ? "readProcessStdoutLog" : "readProcessStderrLog"
            try await read(name, "supervisor.\(method)", [.string(name), .int(-count), .int(0)])
        }
    }

    /// `maintail [-f|-BYTES]`.
    mutating func maintail(_ words: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard words.count <= 1 else { return misuse("Error: too many arguments", of: .maintail) }
        guard let extent = words.first.map(LogExtent.init) ?? .standard else {
            return fail("Error: bad argument \(words[0])")
        }
        switch extent {
        case .follow: try await follow("/mainlogtail")
        case .last(let count): try await read("supervisord", "supervisor.readLog", [.int(-count), .int(0)])
        }
    }

    private mutating func fail(_ message: String) {
        say(message)
        exitCode = ExitCode.failure
    }

    /// Logs are the one thing that reaches the terminal as it is.
    private mutating func read(
        _ name: String, _ method: String, _ parameters: [XMLRPCValue]
    ) async throws(ServerFailure) {
        do {
            let text = try await server.call(method, parameters).string ?? ""
            pour(Array(text.utf8) + [0x0A])
        } catch .fault(let fault) where fault.kind == .noFile {
            fail("\(name): ERROR (no log file)")
        } catch .fault(let fault) where fault.kind == .failed {
            fail("\(name): ERROR (unknown error reading log)")
        } catch .fault(let fault) where fault.kind == .badName {
            fail("\(name): ERROR (no such process name)")
        }
    }

    /// `clear NAME…|all`.
    mutating func clear(_ names: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard !names.isEmpty else { return misuse("Error: clear requires a process name", of: .clear) }
        if names.contains("all") {
            for result in try await server.call("supervisor.clearAllProcessLogs", []).array ?? [] {
                let status = SlotStatus(result)
                sayCleared(status.name, status.code, status.text)
            }
            return
        }
        for name in names {
            let namespec = Namespec(name)
            // `group:*` is no process; supervisorctl shows what it was asked with.
            let shown = Namespec.text(group: namespec.group, process: namespec.process ?? "None")
            do {
                _ = try await server.call("supervisor.clearProcessLogs", [.string(name)])
                sayCleared(shown, XMLRPCFault.Kind.success.rawValue, "OK")
            } catch .fault(let fault) where fault.kind != .shutdownState && fault.kind != .unknownMethod {
                sayCleared(shown, fault.code, fault.string)
            }
        }
    }

    private mutating func sayCleared(_ name: String, _ code: Int, _ text: String) {
        switch XMLRPCFault.Kind(rawValue: code) {
        case .success?: say("\(name): cleared")
        case .badName?: say("\(name): ERROR (no such process)")
        case .failed?: say("\(name): ERROR (failed)")
        default: say("\(name): ERROR (\(text))")
        }
        note(code)
    }
}
