import WardenOutbound
import WardenWire

extension CommandRunner {
    /// `tail -f`: until Ctrl-C, or until the server ends it.
    mutating func follow(_ path: String) async throws(ServerFailure) {
        say("==> Press Ctrl-C to exit <==")
        attention.begin()
        defer { attention.end() }
        let attention = attention
        let status = try await server.follow([path], untilEnd: true, pour) { !attention.isInterrupted() }
        if attention.isInterrupted() { say("") }
        guard let status, status != 200 else { return }
        complain("\(server.address)\(path) Cannot read, status code \(status)")
        exitCode = ExitCode.failure
    }

    /// `fg NAME`: both outputs are shown, and what is typed goes to the process, until Ctrl-C or Ctrl-D.
    mutating func foreground(_ names: [String]) async throws(ServerFailure) {
        guard try await isServerUp() else { return }
        guard let name = names.first else { return misuse("ERROR: no process name supplied", of: .foreground) }
        guard names.count == 1 else { return refuse("ERROR: too many process names supplied") }
        let entry: ProcessEntry
        do {
            entry = ProcessEntry(try await server.call("supervisor.getProcessInfo", [.string(name)]))
        } catch .fault(let fault) where fault.kind == .badName {
            return refuse("ERROR: bad process name supplied")
        } catch .fault(let fault) {
            return say("ERROR: <Fault \(fault.code): '\(fault.string)'>")
        }
        guard entry.isRunning else { return refuse("ERROR: process not running") }
        say("==> Press Ctrl-C to exit <==")
        attention.begin()
        defer { attention.end() }
        let path = "/logtail/\(name.percentEncoded(keeping: ":"))"
        let (server, attention) = (server, attention)
        var complaint: String?
        _ = try await server.follow(["\(path)/stdout", "\(path)/stderr"], untilEnd: false, pour) {
            if attention.isInterrupted() { return false }
            switch attention.typed() {
            case .nothing: return true
            case .end: return false
            case .line(let line):
                complaint = await Self.forward(line, to: name, server)
                return complaint == nil
            }
        }
        if let complaint { say(complaint) }
        say("Exiting foreground")
    }

    /// - Returns: why the process can no longer be typed to; `nil` when it can.
    private static func forward(_ line: String, to name: String, _ server: Server) async -> String? {
        do throws(ServerFailure) {
            _ = try await server.call("supervisor.sendProcessStdin", [.string(name), .string(line + "\n")])
            let entry = ProcessEntry(try await server.call("supervisor.getProcessInfo", [.string(name)]))
            return entry.isRunning ? nil : "Process got killed"
        } catch {
            switch error {
            case .fault(let fault) where fault.kind == .notRunning: return "Process got killed"
            case .fault(let fault): return "ERROR: <Fault \(fault.code): '\(fault.string)'>"
            case .connection, .status, .malformed: return FailureText.line(error, address: server.address)
            }
        }
    }

    private mutating func refuse(_ line: String) {
        say(line)
        exitCode = ExitCode.failure
    }

    /// Every process, for completion; none when the server cannot be asked.
    func processEntries() async -> [ProcessEntry] {
        do throws(ServerFailure) {
            return (try await server.call("supervisor.getAllProcessInfo", []).array ?? []).map(ProcessEntry.init)
        } catch {
            return []
        }
    }
}
