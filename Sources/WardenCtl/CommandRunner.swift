import WardenCore
import WardenOutbound
package import WardenWire

/// What a command tells the person at the terminal.
package enum CommandOutput: Hashable, Sendable {
    /// A line, safe for a terminal, without its line end.
    case line(String)
    /// Bytes of a log, as they are.
    case raw([UInt8])
    /// A line for standard error.
    case error(String)
}

/// Carries out commands as supervisorctl 4.3.0 does: its lines, its exit codes.
package struct CommandRunner<Server: ControlServer> {
    /// What happens after a command.
    package enum Next: Hashable, Sendable {
        /// The shell reads the next line.
        case goOn
        /// The shell ends.
        case quit
    }

    var server: Server
    let isInteractive: Bool
    let wantsJSON: Bool
    private let tell: (CommandOutput) -> Void
    private let ask: (_ question: String, _ isSecret: Bool) -> String?
    let attention: Attention
    /// Reads a configuration's programs: of this file, or of the daemon's.
    let programs: (_ file: String?) -> ProgramSource
    /// The exit code so far.
    ///
    /// As in supervisorctl the last failure counts, and a success does not take it back.
    package internal(set) var exitCode = ExitCode.success

    /// - Parameters:
    ///   - server: who is asked.
    ///   - isInteractive: questions may be asked before something is shut down.
    ///   - wantsJSON: commands that list print JSON.
    ///   - tell: takes what the commands say.
    ///   - ask: puts a question to the person; `nil` when nobody answers.
    ///   - attention: the person, while a log is followed.
    ///   - programs: reads a configuration's programs, for what is tried on records.
    package init(
        server: Server, isInteractive: Bool, wantsJSON: Bool, tell: @escaping (CommandOutput) -> Void,
        ask: @escaping (_ question: String, _ isSecret: Bool) -> String?, attention: Attention = .nobody,
        programs: @escaping (_ file: String?) -> ProgramSource = { ProgramSource(file: $0, host: .client()) }
    ) {
        self.programs = programs
        self.server = server
        self.isInteractive = isInteractive
        self.wantsJSON = wantsJSON
        self.tell = tell
        self.ask = ask
        self.attention = attention
    }

    /// Carries out one line.
    /// - Parameter line: a command and its arguments.
    /// - Returns: whether the shell goes on.
    package mutating func run(_ line: String) async -> Next {
        guard let text = CommandText(line, dashedNames: CommandName.dashed) else { return .goOn }
        guard let name = CommandName(rawValue: text.name) else {
            say("*** Unknown syntax: \(text.line)")
            exitCode = ExitCode.failure
            return .goOn
        }
        // To supervisorctl these are names of processes, which nothing can have.
        if text.words.contains("--help") || text.words.contains("-h") {
            help(name.rawValue)
            return .goOn
        }
        do {
            return try await perform(name, text)
        } catch .connection(.unauthorized) where isInteractive {
            say("Server requires authentication")
            guard let username = ask("Username:", false), let password = ask("Password:", true) else { return .quit }
            say("")
            server.authenticate(ControlCredentials(username: username, password: password))
            return await run(line)
        } catch .connection(.unauthorized) {
            // supervisorctl tries a second time, which is where its second line comes from.
            say("Server requires authentication")
            report(.connection(.unauthorized))
        } catch {
            report(error)
        }
        return .goOn
    }

    private mutating func perform(_ name: CommandName, _ text: CommandText) async throws(ServerFailure) -> Next {
        switch name {
        case .status: try await status(text.words)
        case .pid: try await pid(text.words)
        case .start: try await start(text.words)
        case .stop: try await stop(text.words)
        case .restart: try await restart(text.words)
        case .signal: try await sendSignal(text.words)
        case .tail: try await tail(text.words)
        case .maintail: try await maintail(text.words)
        case .clear: try await clear(text.words)
        case .reread: try await reread(text.words)
        case .update: try await update(text.words)
        case .add: try await add(text.words)
        case .remove: try await remove(text.words)
        case .alert: try await alert(text.words)
        case .avail: try await avail(text.words)
        case .shutdown: try await shutdown(text.words)
        case .reload: try await reload(text.words)
        case .upgrade: try await upgrade(text.words)
        case .check:
            let code = CheckCommand(tell: tell).run(text.words)
            if code != ExitCode.success { exitCode = code }
        case .hashPassword:
            let code = HashPasswordCommand(tell: tell, ask: ask).run(text.words)
            if code != ExitCode.success { exitCode = code }
        case .open: try await open(text.rest)
        case .foreground: try await foreground(text.words)
        case .version: try await version(text.words)
        case .why: try await why(text.words)
        case .tune: try await tune(text.words)
        case .drill: try await drill(text.words)
        case .replay: try await replay(text.words)
        case .events: try await events(text.words)
        case .fds: try await fds(text.words)
        case .incident: try await incident(text.words)
        case .incidents: try await incidents(text.words)
        case .pauseHealth: try await setHealth(paused: true, text.words)
        case .resumeHealth: try await setHealth(paused: false, text.words)
        case .help: help(text.rest)
        case .exit, .quit, .end:
            say("")
            return .quit
        }
        return .goOn
    }

    // MARK: Saying

    /// One line, made safe for the terminal.
    func say(_ line: String) {
        tell(.line(line.escapedForTerminal))
    }

    /// Text of several lines, each made safe for the terminal.
    func sayLines(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) { say(String(line)) }
    }

    func pour(_ bytes: [UInt8]) {
        tell(.raw(bytes))
    }

    func complain(_ line: String) {
        tell(.error(line.escapedForTerminal))
    }

    /// A yes from the person, which is only asked for in the shell.
    ///
    /// Nobody there to answer is a failure.
    mutating func isConfirmed(_ question: String) -> Bool {
        guard isInteractive else { return true }
        guard let answer = ask(question, false) else {
            say("error: <class 'EOFError'>, EOF when reading a line: file: \(server.address) line: 0")
            exitCode = ExitCode.failure
            return false
        }
        return answer.lowercased().hasPrefix("y")
    }

    /// A mistake in the arguments: the message and how the command is used.
    mutating func misuse(_ message: String, of name: CommandName, code: Int32 = ExitCode.failure) {
        say(message)
        for line in name.help { say(line) }
        exitCode = code
    }

    // MARK: Faults

    /// A fault of one process: those that mean "it does not run" have their own code.
    mutating func note(_ code: Int, ignoring ignored: XMLRPCFault.Kind? = nil) {
        exitCode = FaultRule.exitCode(after: code, ignoring: ignored) ?? exitCode
    }

    /// Before most commands: whether the server can be asked at all.
    ///
    /// Says why not.
    mutating func isServerUp() async throws(ServerFailure) -> Bool {
        do {
            let version = try await server.call("supervisor.getVersion", []).string ?? ""
            guard version != "3.0" else { return true }
            say("Sorry, wardenctl speaks version 3.0 of the interface and the server speaks version \(version).")
            exitCode = ExitCode.notInstalled
        } catch .connection(.refused) {
            say("\(server.address) refused connection")
            exitCode = ExitCode.refused
        } catch .connection(.noSuchSocket) {
            say("\(server.address) no such file")
            exitCode = ExitCode.notRunning
        } catch .fault(let fault) where fault.kind == .unknownMethod {
            say(
                "Sorry, supervisord responded but did not recognize the supervisor namespace; its configuration "
                    + "needs the section [rpcinterface:supervisor].")
            exitCode = ExitCode.unsupported
        }
        return false
    }

    /// The line for what no command expects, in the words that scripts look for.
    mutating func report(_ failure: ServerFailure) {
        say(FailureText.line(failure, address: server.address))
        if let remedy = FailureText.remedy(failure, address: server.address) { complain(remedy) }
        exitCode = ExitCode.failure
    }
}

/// Which exit code a fault of one process leads to.
package enum FaultRule {
    /// - Parameters:
    ///   - code: the fault's code, 80 for none.
    ///   - ignored: a fault that does not count, such as ALREADY_STARTED for `start`.
    /// - Returns: `nil` when the exit code stays as it is.
    package static func exitCode(after code: Int, ignoring ignored: XMLRPCFault.Kind? = nil) -> Int32? {
        guard let kind = XMLRPCFault.Kind(rawValue: code) else { return ExitCode.failure }
        if kind == ignored || kind == .success { return nil }
        switch kind {
        case .spawnError, .abnormalTermination, .notRunning: return ExitCode.notRunning
        default: return ExitCode.failure
        }
    }
}

/// Failures that no command expects, as lines.
package enum FailureText {
    /// As supervisorctl prints an exception: `error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: …`.
    ///
    /// - Parameters:
    ///   - failure: what happened.
    ///   - address: the server's address.
    /// - Returns: one line.
    package static func line(_ failure: ServerFailure, address: String) -> String {
        let (type, text) =
            switch failure {
            case .fault(let fault): ("xmlrpc.client.Fault", "<Fault \(fault.code): '\(fault.string)'>")
            case .status(let status):
                ("xmlrpc.client.ProtocolError", "<ProtocolError for 127.0.0.1/RPC2: \(status) \(reason(status))>")
            case .malformed(let text): ("ValueError", text)
            case .connection(let error): connection(error)
            }
        return "error: <class '\(type)'>, \(text): file: \(address) line: 0"
    }

    private static func connection(_ error: ControlClientError) -> (String, String) {
        switch error {
        case .refused: ("ConnectionRefusedError", "[Errno 111] Connection refused")
        case .noSuchSocket: ("FileNotFoundError", "[Errno 2] No such file or directory")
        case .connectFailed(errno: 13): ("PermissionError", "[Errno 13] Permission denied")
        case .connectFailed(let number): ("OSError", "[Errno \(number)] cannot connect")
        case .unknownHost(let host): ("socket.gaierror", "[Errno -2] no address is known for \(host)")
        case .unauthorized:
            ("xmlrpc.client.ProtocolError", "<ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>")
        case .untrusted(let reason): ("ssl.SSLError", reason)
        case .timedOut: ("TimeoutError", "the server did not answer in time")
        case .connectionLost: ("ConnectionResetError", "[Errno 104] the server hung up before its answer was complete")
        case .answerTooLong(let limit): ("ValueError", "the answer is longer than \(limit) bytes")
        case .failed(let text): ("http.client.HTTPException", text)
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Error"
        }
    }

    /// What a person can do about it, if that is known.
    /// - Parameters:
    ///   - failure: what happened.
    ///   - address: the server's address.
    /// - Returns: one line for standard error.
    package static func remedy(_ failure: ServerFailure, address: String) -> String? {
        switch failure {
        case .connection(.connectFailed(errno: 13)):
            "wardenctl: you may not use \(address); become root, or a user that the socket's mode admits"
        case .connection(.noSuchSocket), .connection(.refused):
            "wardenctl: is the daemon running? Name another server with -s, or a configuration with -c"
        case .connection(.unauthorized):
            "wardenctl: give the server's name and password with -u and -p, or in [supervisorctl]"
        case .status(503): "wardenctl: the daemon is too busy, try again"
        case .fault, .connection, .status, .malformed: nil
        }
    }
}
