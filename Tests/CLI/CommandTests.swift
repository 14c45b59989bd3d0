import Testing
import WardenOutbound
import WardenWire
import wardenctl

/// Whole commands against canned answers: lines and exit codes as supervisorctl 4.3.0 has them.
@Suite struct CommandTests {
    private static let three: XMLRPCValue = .array([
        info("cat", "cat", 20, "RUNNING", "pid 7, uptime 0:01:00", pid: 7), info("g", "a", 20, "RUNNING", "x", pid: 8),
        info("g", "b", 0, "STOPPED", "Not started"),
    ])
    private static let cat = "cat                              RUNNING   pid 7, uptime 0:01:00"
    private static let a = "g:a                              RUNNING   x"
    private static let b = "g:b                              STOPPED   Not started"

    private static func server(_ answers: [String: Result<XMLRPCValue, ServerFailure>] = [:]) -> FakeServer {
        let server = FakeServer()
        server.answers["supervisor.getAllProcessInfo"] = .success(three)
        for (method, answer) in answers { server.answers[method] = answer }
        return server
    }

    private static func fault(_ kind: XMLRPCFault.Kind, _ subject: String = "") -> Result<XMLRPCValue, ServerFailure> {
        .failure(.fault(XMLRPCFault(kind, subject)))
    }

    @Test(
        "status: names, groups, unknown names, and which code wins.",
        arguments: [
            ("status", [cat, a, b], 3), ("status all x", [cat, a, b], 3), ("status cat", [cat], 0),
            ("status g:a cat", [a, cat], 0), ("status g:*", [a, b], 3), ("status g:", [a, b], 3),
            ("status no", ["no: ERROR (no such process)"], 4), ("status no:*", ["no: ERROR (no such group)"], 4),
            ("status no cat", ["no: ERROR (no such process)", cat], 4),
            ("status no g:b", ["no: ERROR (no such process)", b], 3), ("status g", ["g: ERROR (no such process)"], 4),
        ] as [(String, [String], Int32)])
    func status(_ line: String, _ lines: [String], _ code: Int32) async {
        let result = await result(of: line, Self.server())
        #expect(result == CommandResult(lines: lines, exitCode: code))
    }

    @Test("BACKOFF and STARTING are no failures of status.")
    func statusOfTheRestless() async {
        let server = Self.server()
        server.answers["supervisor.getAllProcessInfo"] = .success(
            .array([info("x", "x", 30, "BACKOFF", "e\u{1B}[1m"), info("y", "y", 10, "STARTING")]))
        #expect(
            await result(of: "status", server)
                == CommandResult(
                    lines: [
                        "x                                BACKOFF   e\\x1b[1m",
                        "y                                STARTING  ",
                    ], exitCode: 0))
    }

    private static let worker =
        #"{"name":"cat","state":"RUNNING","health":{"class":"dark","cause":"emfile","#
        + #""grade":"proven"}}"#

    @Test("status shows health where the server has it, without changing the exit code.")
    func statusWithHealth() async {
        let server = Self.server()
        server.documents["/api/v1/workers"] = ControlAnswer(
            status: 200,
            body: Array(
                #"[\#(Self.worker),{"name":"g:a","health":{"class":"healthy","cause":null,"grade":"strong"}}]"#.utf8))
        #expect(
            await result(of: "status cat g:a", server)
                == CommandResult(lines: [Self.cat + "  dark/emfile (proven)", Self.a + "  healthy"], exitCode: 0))
    }

    @Test("status --json prints what Warden says, and for a supervisord what can be said.")
    func statusJSON() async {
        let server = Self.server()
        let rest =
            #""health":null,"fds":null,"fd_limit":null,"fd_pid":null,"rss_bytes":null,"#
            + #""heartbeat_age_seconds":null,"restarts":null,"last_restart":null}"#
        let plain =
            #"{"name":"cat","group":"cat","state":"RUNNING","pid":7,"exit_status":null,"generation":null,"#
            + #""uptime_seconds":60,"# + rest
        #expect(await result(of: "status --json cat", server) == CommandResult(lines: ["[\(plain)]"], exitCode: 0))
        server.documents["/api/v1/workers"] = ControlAnswer(status: 200, body: Array("[\(Self.worker)]".utf8))
        #expect(
            await result(of: "status cat no", server, wantsJSON: true)
                == CommandResult(lines: ["stderr no: ERROR (no such process)", "[\(Self.worker)]"], exitCode: 4))
    }

    @Test(
        "start, stop and signal: the line and the code of each fault.",
        arguments: [
            ("start x", nil, "x: started", 0), ("start x", .alreadyStarted, "x: ERROR (already started)", 0),
            ("start x", .badName, "x: ERROR (no such process)", 1), ("start x", .noFile, "x: ERROR (no such file)", 1),
            ("start x", .notExecutable, "x: ERROR (file is not executable)", 1),
            ("start x", .spawnError, "x: ERROR (spawn error)", 7),
            ("start x", .abnormalTermination, "x: ERROR (abnormal termination)", 7),
            ("start x", .failed, "x: ERROR (FAILED: s)", 1), ("stop x", nil, "x: stopped", 0),
            ("stop x", .notRunning, "x: ERROR (not running)", 0), ("stop x", .badName, "x: ERROR (no such process)", 1),
            ("stop x", .failed, "FAILED: s", 1), ("signal HUP x", nil, "x: signalled", 0),
            ("signal HUP x", .notRunning, "x: ERROR (not running)", 7),
            ("signal NO x", .badSignal, "x: ERROR (bad signal name)", 1),
            ("start g:*", .badName, "g: ERROR (no such group)", 2),
            ("stop g:*", .badName, "g: ERROR (no such group)", 1),
            ("signal HUP g:*", .badName, "g: ERROR (no such group)", 1),
        ] as [(String, XMLRPCFault.Kind?, String, Int32)])
    func oneProcess(_ line: String, _ kind: XMLRPCFault.Kind?, _ text: String, _ code: Int32) async {
        let answer = kind.map { Self.fault($0, "s") } ?? .success(.bool(true))
        let server = Self.server()
        for verb in ["start", "stop", "signal"] {
            server.answers["supervisor.\(verb)Process"] = answer
            server.answers["supervisor.\(verb)ProcessGroup"] = answer
        }
        #expect(await result(of: line, server) == CommandResult(lines: [text], exitCode: code))
    }

    @Test("A group's results come one by one, and the worst code stays.")
    func group() async {
        let results = XMLRPCValue.array([entry("g", "a", 80), entry("g", "b", 50), entry("g", "c", 60)])
        let server = Self.server(["supervisor.startProcessGroup": .success(results)])
        #expect(
            await result(of: "start g:*", server)
                == CommandResult(
                    lines: ["g:a: started", "g:b: ERROR (spawn error)", "g:c: ERROR (already started)"], exitCode: 7))
    }

    @Test("restart stops everything named before it starts anything.")
    func restart() async {
        let server = Self.server([
            "supervisor.stopProcess": .success(.bool(true)), "supervisor.startProcess": .success(.bool(true)),
        ])
        #expect(
            await result(of: "restart a b", server)
                == CommandResult(
                    lines: ["a: stopped", "b: stopped", "a: started", "b: started"], exitCode: 0))
        #expect(
            server.asked == [
                "supervisor.stopProcess a", "supervisor.stopProcess b", "supervisor.startProcess a",
                "supervisor.startProcess b",
            ])
    }

    @Test("`all` is one call, and the signal's name goes with it.")
    func all() async {
        let server = Self.server(["supervisor.signalAllProcesses": .success(.array([entry("g", "a", 80)]))])
        #expect(await result(of: "signal HUP all", server) == CommandResult(lines: ["g:a: signalled"], exitCode: 0))
        #expect(server.asked == ["supervisor.signalAllProcesses HUP"])
    }

    @Test(
        "Missing arguments.",
        arguments: [
            ("start", "Error: start requires a process name", 2), ("stop", "Error: stop requires a process name", 1),
            ("restart", "Error: restart requires a process name", 1),
            ("signal HUP", "Error: signal requires a signal name and a process name", 1),
            ("tail", "Error: too few arguments", 1), ("tail -5", "Error: tail requires process name", 1),
            ("tail a b", "Error: bad channel 'b'", 1), ("tail -x a", "Error: bad argument -x", 1),
            ("maintail a", "Error: bad argument a", 1), ("clear", "Error: clear requires a process name", 1),
            ("reread x", "Error: reread accepts no arguments", 1),
            ("why", "Error: Missing expected argument '<name>'", 2),
            ("bogus x", "*** Unknown syntax: bogus x", 1),
        ] as [(String, String, Int32)])
    func misuse(_ line: String, _ first: String, _ code: Int32) async {
        let result = await result(of: line, Self.server())
        #expect(result.lines.first == first)
        #expect(result.exitCode == code)
    }

    @Test("pid of the daemon, of one and of all.")
    func pid() async {
        let server = Self.server([
            "supervisor.getPID": .success(.int(1)),
            "supervisor.getProcessInfo up": .success(info("u", "u", 20, "", pid: 9)),
            "supervisor.getProcessInfo down": .success(info("d", "d", 0, "")),
            "supervisor.getProcessInfo no": Self.fault(.badName, "no"),
        ])
        #expect(await result(of: "pid", server) == CommandResult(lines: ["1"], exitCode: 0))
        #expect(await result(of: "pid up", server) == CommandResult(lines: ["9"], exitCode: 0))
        #expect(await result(of: "pid down", server) == CommandResult(lines: ["0"], exitCode: 7))
        #expect(await result(of: "pid no", server) == CommandResult(lines: ["No such process no"], exitCode: 1))
        #expect(await result(of: "pid all", server) == CommandResult(lines: ["7", "8", "0"], exitCode: 0))
    }

    @Test("tail is raw, from the end, from the named stream.")
    func tail() async {
        let server = Self.server([
            "supervisor.readProcessStdoutLog": .success(.string("a\u{1B}[1m")),
            "supervisor.readProcessStderrLog": Self.fault(.noFile),
            "supervisor.readLog": .success(.string("log")),
        ])
        #expect(await result(of: "tail x", server) == CommandResult(lines: ["raw a\u{1B}[1m\n"], exitCode: 0))
        #expect(
            await result(of: "tail -5 x STDERR", server)
                == CommandResult(lines: ["x: ERROR (no log file)"], exitCode: 1))
        #expect(await result(of: "maintail -7", server) == CommandResult(lines: ["raw log\n"], exitCode: 0))
        #expect(
            server.asked == [
                "supervisor.readProcessStdoutLog x -1600 0", "supervisor.readProcessStderrLog x -5 0",
                "supervisor.readLog -7 0",
            ])
    }

    @Test("tail -f follows until the server ends it.")
    func follow() async {
        let server = Self.server()
        #expect(
            await result(of: "tail -f g:a stderr", server)
                == CommandResult(
                    lines: [
                        "==> Press Ctrl-C to exit <==",
                        "stderr unix:///run/fake.sock/logtail/g:a/stderr Cannot read, status code 404",
                    ], exitCode: 1))
        server.chunks = ["one\n", "two"]
        #expect(
            await result(of: "maintail -f", server)
                == CommandResult(
                    lines: ["==> Press Ctrl-C to exit <==", "raw one\n", "raw two"], exitCode: 0))
        #expect(server.asked.last == "STREAM /mainlogtail")
    }

    private static func changes(_ added: [String], _ changed: [String], _ removed: [String]) -> XMLRPCValue {
        .array([.array([added, changed, removed].map { .array($0.map { .string($0) }) })])
    }

    @Test("reread sorts what differs.")
    func reread() async {
        let server = Self.server(["supervisor.reloadConfig": .success(Self.changes(["z"], ["m"], ["a"]))])
        #expect(
            await result(of: "reread", server)
                == CommandResult(lines: ["a: disappeared", "m: changed", "z: available"], exitCode: 0))
        server.answers["supervisor.reloadConfig"] = .success(Self.changes([], [], []))
        #expect(
            await result(of: "reread", server)
                == CommandResult(lines: ["No config updates to processes"], exitCode: 0))
        server.answers["supervisor.reloadConfig"] = Self.fault(.cannotReread, "f:1: one\nf:2: two")
        #expect(
            await result(of: "reread", server)
                == CommandResult(lines: ["ERROR: CANT_REREAD: f:1: one", "f:2: two"], exitCode: 1))
    }

    @Test("update removes, then replaces, then adds.")
    func update() async {
        let server = Self.server([
            "supervisor.reloadConfig": .success(Self.changes(["new"], ["g"], ["old"])),
            "supervisor.stopProcessGroup": .success(.array([entry("g", "a", 80)])),
            "supervisor.removeProcessGroup": .success(.bool(true)),
            "supervisor.addProcessGroup": .success(.bool(true)),
        ])
        #expect(
            await result(of: "update", server)
                == CommandResult(
                    lines: [
                        "old: stopped", "old: removed process group", "g: stopped", "g: updated process group",
                        "new: added process group",
                    ], exitCode: 0))
        #expect(
            await result(of: "update new nope", server)
                == CommandResult(
                    lines: ["ERROR: no such group: nope", "new: added process group"], exitCode: 1))
        func updated(kept: [String]) -> XMLRPCValue {
            .structure([
                .init("stopped", .array([.string("g:a")])), .init("kept", .array(kept.map { .string($0) })),
            ])
        }
        server.answers["warden.updateProcessGroup"] = .success(updated(kept: ["g:b"]))
        #expect(await result(of: "update g", server).lines.suffix(2) == ["g:a: stopped", "g: updated process group"])
        server.answers["warden.updateProcessGroup"] = .success(updated(kept: []))
        #expect(await result(of: "update g", server).lines.suffix(2) == ["g: stopped", "g: updated process group"])
        server.answers["supervisor.stopProcessGroup"] = .success(.array([entry("old", "old", 30)]))
        #expect(
            await result(of: "update old", server)
                == CommandResult(
                    lines: ["ERROR: no such group: old", "old: stopped", "old: has problems; not removing"], exitCode: 1
                ))
        #expect(await result(of: "update all", server).lines.contains("old: has problems; not removing"))
    }

    @Test(
        "add and remove; a group that is active already is no failure.",
        arguments: [
            ("add x", nil, "x: added process group", 0),
            ("add x", .alreadyAdded, "ERROR: process group already active", 0),
            ("add x", .badName, "ERROR: no such process/group: x", 1),
            ("add x", .shutdownState, "ERROR: shutting down", 1),
            ("remove x", nil, "x: removed process group", 0),
            ("remove x", .stillRunning, "ERROR: process/group still running: x", 1),
            ("remove x", .badName, "ERROR: no such process/group: x", 1),
        ] as [(String, XMLRPCFault.Kind?, String, Int32)])
    func groups(_ line: String, _ kind: XMLRPCFault.Kind?, _ text: String, _ code: Int32) async {
        let answer = kind.map { Self.fault($0) } ?? .success(.bool(true))
        let server = Self.server([
            "supervisor.addProcessGroup": answer, "supervisor.removeProcessGroup": answer,
        ])
        #expect(await result(of: line, server) == CommandResult(lines: [text], exitCode: code))
    }

    @Test("avail.")
    func avail() async {
        let config = XMLRPCValue.structure([
            .init("name", .string("a")), .init("group", .string("g")), .init("inuse", .bool(true)),
            .init("autostart", .bool(false)), .init("group_prio", .int(999)), .init("process_prio", .int(5)),
        ])
        let server = Self.server(["supervisor.getAllConfigInfo": .success(.array([config]))])
        #expect(
            await result(of: "avail", server)
                == CommandResult(
                    lines: ["g:a                              in use    manual    999:5"], exitCode: 0))
    }

    @Test("In the shell, shutdown and reload ask first.")
    func confirmation() async {
        let server = Self.server([
            "supervisor.shutdown": .success(.bool(true)), "supervisor.restart": .success(.bool(true)),
        ])
        let question = "? Really shut the remote supervisord process down y/N? "
        #expect(await result(of: "shutdown", server) == CommandResult(lines: ["Shut down"], exitCode: 0))
        #expect(
            await result(of: "shutdown", server, isInteractive: true, replies: ["n"])
                == CommandResult(lines: [question], exitCode: 0))
        #expect(
            await result(of: "shutdown", server, isInteractive: true, replies: ["Yes"])
                == CommandResult(lines: [question, "Shut down"], exitCode: 0))
        #expect(await result(of: "reload", server, isInteractive: true).exitCode == 1)
        #expect(server.asked == ["supervisor.shutdown", "supervisor.shutdown"])
    }

    @Test("help lists every command, and each has its own.")
    func help() async {
        let overview = await result(of: "help", Self.server()).lines.joined(separator: " ")
        for name in CommandName.allCases where name != .end {
            #expect(overview.contains(name.rawValue))
            #expect(await result(of: "help \(name.rawValue)", Self.server()).lines == name.help)
            #expect(await result(of: "\(name.rawValue) --help", Self.server()).lines == name.help)
        }
        #expect(await result(of: "help x", Self.server()) == CommandResult(lines: ["*** No help on x"], exitCode: 0))
    }
}

/// A server that cannot be asked.
@Suite struct UnreachableTests {
    private static func server(_ failure: ServerFailure) -> FakeServer {
        let server = FakeServer()
        for method in ["getVersion", "reloadConfig", "shutdown"] {
            server.answers["supervisor.\(method)"] = .failure(failure)
        }
        return server
    }

    private static let address = "unix:///run/fake.sock"

    @Test(
        "Refused, no socket, another version, no namespace: line and exit code.",
        arguments: [
            ("start x", ServerFailure.connection(.refused), "\(address) refused connection", 4),
            ("status", .connection(.refused), "\(address) refused connection", 4),
            ("version", .connection(.noSuchSocket), "\(address) no such file", 7),
            ("status", .connection(.noSuchSocket), "\(address) no such file", 4),
            ("shutdown", .connection(.refused), "ERROR: \(address) refused connection (already shut down?)", 1),
            ("shutdown", .fault(XMLRPCFault(.shutdownState)), "ERROR: already shutting down", 0),
            (
                "update", .connection(.noSuchSocket),
                "error: <class 'FileNotFoundError'>, [Errno 2] No such file or directory: file: \(address) line: 0", 1
            ),
            (
                "start x", .fault(XMLRPCFault(.shutdownState)),
                "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: \(address) line: 0", 1
            ),
            ("start x", .connection(.unauthorized), "Server requires authentication", 1),
            (
                "status", .connection(.connectFailed(errno: 13)),
                "error: <class 'PermissionError'>, [Errno 13] Permission denied: file: \(address) line: 0", 1
            ),
        ] as [(String, ServerFailure, String, Int32)])
    func unreachable(_ line: String, _ failure: ServerFailure, _ first: String, _ code: Int32) async {
        let result = await result(of: line, Self.server(failure))
        #expect(result.lines.first == first)
        #expect(result.exitCode == code)
    }

    @Test("Another version of the interface, and a server without the namespace.")
    func foreign() async {
        let server = FakeServer()
        server.answers["supervisor.getVersion"] = .success(.string("4.0"))
        #expect(await result(of: "start x", server).exitCode == 5)
        server.answers["supervisor.getVersion"] = .failure(.fault(XMLRPCFault(.unknownMethod)))
        #expect(await result(of: "start x", server).exitCode == 3)
        #expect(await result(of: "status", server).exitCode == 4)
    }

    @Test("In the shell a 401 asks for name and password and tries again.")
    func authentication() async {
        let server = Self.server(.connection(.unauthorized))
        server.answers["supervisor.getSupervisorVersion"] = .success(.string("4.3.0"))
        #expect(
            await result(of: "version", server, isInteractive: true, replies: ["u", "p"])
                == CommandResult(
                    lines: ["Server requires authentication", "? Username:", "? Password:", "", "4.3.0"], exitCode: 0))
        #expect(server.users == ["u:p"])
    }

    @Test(
        "Exit codes of faults.",
        arguments: [
            (80, nil), (10, 1), (50, 7), (40, 7), (70, 7), (60, 1), (30, 1), (999, 1),
        ] as [(Int, Int32?)])
    func faultRule(_ fault: Int, _ code: Int32?) {
        #expect(FaultRule.exitCode(after: fault) == code)
        #expect(FaultRule.exitCode(after: 60, ignoring: .alreadyStarted) == nil)
    }
}
