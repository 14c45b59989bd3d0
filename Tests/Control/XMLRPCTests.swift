import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// supervisord's methods, as clients meet them.
@Suite struct XMLRPCTests {
    @Test func answersAreSupervisords() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            #expect(try await server.call("supervisor.getAPIVersion") == .success(.string("3.0")))
            #expect(try await server.call("supervisor.getVersion") == .success(.string("3.0")))
            #expect(try await server.call("supervisor.getSupervisorVersion") == .success(.string("4.3.0")))
            #expect(try await server.call("supervisor.getIdentification") == .success(.string("supervisor")))
            #expect(try await server.call("supervisor.getPID") == .success(.int(4242)))
            #expect(try await server.call("supervisor.getState") == .success(DaemonMood.running.xmlRPC))
            #expect(
                try await server.call("supervisor.reloadConfig")
                    == .success(.array([.array([.array([.string("new")]), .array([.string("cat")]), .array([])])])))
        }
    }

    @Test func listingIsSortedAndComplete() async throws {
        try await TestServer.run(FakeDaemon(["z", "many:many_01", "many:many_00", "cat"])) { (server) async throws in
            guard case .success(let list) = try await server.call("supervisor.getAllProcessInfo") else {
                Issue.record("a fault instead of a list")
                return
            }
            #expect(list.array?.map { $0["name"]?.string } == ["cat", "many_00", "many_01", "z"])
            #expect(list.array?.first?["description"] == .string("pid 1004, uptime 0:01:05"))
            #expect(
                try await server.call("supervisor.getProcessInfo", .string("many:many_00"))
                    == .success(try #require(list.array?[1])))
        }
    }

    /// Faults carry supervisord's number, word and subject, the subject being the name as the client gave it.
    @Test(
        arguments: [
            ("supervisor.nonsense", [], 1, "UNKNOWN_METHOD"),
            ("supervisor._private", [], 1, "UNKNOWN_METHOD"),
            ("supervisor.getPID.x", [], 1, "UNKNOWN_METHOD"),
            ("supervisor.getPID", [.int(1)], 2, "INCORRECT_PARAMETERS"),
            ("supervisor.startProcess", [], 2, "INCORRECT_PARAMETERS"),
            ("supervisor.startProcess", [.int(1)], 2, "INCORRECT_PARAMETERS"),
            ("supervisor.startProcess", [.string("nope")], 10, "BAD_NAME: nope"),
            ("supervisor.startProcess", [.string("cat:cat")], 60, "ALREADY_STARTED: cat:cat"),
            ("supervisor.startProcessGroup", [.string("nope")], 10, "BAD_NAME: nope"),
            ("supervisor.stopProcess", [.string("many_00")], 10, "BAD_NAME: many_00"),
            ("supervisor.signalProcess", [.string("cat"), .string("FOO")], 11, "BAD_SIGNAL: FOO"),
            ("supervisor.signalProcess", [.string("nope"), .string("FOO")], 10, "BAD_NAME: nope"),
            ("supervisor.getProcessInfo", [.string("many:*")], 10, "BAD_NAME: many:*"),
            ("supervisor.readProcessStdoutLog", [.string("cat"), .int(0), .int(0)], 20, "NO_FILE"),
            ("supervisor.readLog", [.int(0), .int(0)], 20, "NO_FILE"),
            ("supervisor.clearProcessLogs", [.string("many:*")], 10, "BAD_NAME: many:*"),
            ("supervisor.addProcessGroup", [.string("cat")], 90, "ALREADY_ADDED: cat"),
            ("supervisor.removeProcessGroup", [.string("many")], 91, "STILL_RUNNING: many"),
            ("system.methodHelp", [.string("no.such")], 4, "SIGNATURE_UNSUPPORTED"),
        ] as [(String, [XMLRPCValue], Int, String)]
    )
    func faults(method: String, parameters: [XMLRPCValue], code: Int, text: String) async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let answer = try await server.send(TestServer.request(method, parameters))
            #expect(answer.status == 200)
            #expect(
                try XMLRPCResponse(decoding: answer.body) == .fault(XMLRPCFault(code: code, string: text)))
        }
    }

    @Test func groupsAnswerWithAStatusForEach() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            let stopped = SlotOutcome(name: SlotName(group: "many", process: "many_00"), refusal: nil)
            let other = SlotOutcome(name: SlotName(group: "many", process: "many_01"), refusal: nil)
            #expect(
                try await server.call("supervisor.stopProcess", .string("many:*"))
                    == .success(.array([stopped.xmlRPC, other.xmlRPC])))
            #expect(try await server.call("supervisor.stopProcessGroup", .string("many")) == .success(.array([])))
            let bad = SlotOutcome(name: SlotName(group: "cat", process: "cat"), refusal: .badSignal("FOO"))
            #expect(
                try await server.call("supervisor.signalAllProcesses", .string("FOO"))
                    == .success(.array([bad.xmlRPC])))
        }
    }

    @Test func numbersOfSignalsAreTaken() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            #expect(
                try await server.call("supervisor.signalProcess", .string("cat"), .int(10)) == .success(.bool(true)))
            #expect(
                try await server.call("supervisor.signalProcess", .string("cat"), .string("sigusr1"))
                    == .success(.bool(true)))
        }
        let signals = daemon.state.withLock { $0.commands }.filter { command in
            command == .signal(.slot(group: "cat", process: "cat"), Signal(10))
        }
        #expect(signals.count == 2)
    }

    @Test func waitIsPassedOn() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            _ = try await server.call("supervisor.stopProcess", .string("cat"), .bool(false))
            _ = try await server.call("supervisor.startProcess", .string("cat"))
        }
        let cat = Selection.slot(group: "cat", process: "cat")
        let commands = daemon.state.withLock { $0.commands }
        #expect(commands == [.stop(cat, wait: false), .start(cat, wait: true)])
    }

    @Test func multicallGivesBareValuesAndFaults() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            func call(_ name: String, _ parameters: [XMLRPCValue] = []) -> XMLRPCValue {
                .structure([.init("methodName", .string(name)), .init("params", .array(parameters))])
            }
            let calls: [XMLRPCValue] = [
                call("supervisor.getPID"), call("supervisor.startProcess", [.string("nope")]),
                call("system.multicall", [.array([])]), .structure([]),
            ]
            let recursive = XMLRPCFault(.incorrectParameters, "Recursive system.multicall forbidden")
            #expect(
                try await server.call("system.multicall", .array(calls))
                    == .success(
                        .array([
                            .int(4242), XMLRPCFault(.badName, "nope").value, recursive.value,
                            XMLRPCFault(.incorrectParameters, "No methodName").value,
                        ])))
        }
    }

    @Test func everyListedMethodHasHelpAndASignature() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            guard case .success(let list) = try await server.call("system.listMethods") else { return }
            let names = list.array?.compactMap(\.string) ?? []
            #expect(names == names.sorted())
            // Those of supervisord, and beside them only our own.
            #expect(names.count { !$0.hasPrefix("warden.") } == 41)
            for name in names {
                guard case .success(let help) = try await server.call("system.methodHelp", .string(name)),
                    case .success(let signature) = try await server.call("system.methodSignature", .string(name))
                else {
                    Issue.record("\(name) has no help or no signature")
                    continue
                }
                #expect(help.string?.isEmpty == false)
                #expect(signature.array?.isEmpty == false)
            }
        }
    }

    /// Everything but the event call and system.* is refused once the daemon stops.
    @Test func stoppingDaemonRefuses() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            #expect(try await server.call("supervisor.shutdown") == .success(.bool(true)))
            #expect(try await server.call("supervisor.getState") == .fault(XMLRPCFault(.shutdownState)))
            guard case .success = try await server.call("system.listMethods") else {
                Issue.record("system.listMethods was refused")
                return
            }
        }
    }

    @Test func configurationHas29Fields() async throws {
        try await TestServer.run(FakeDaemon()) { (server) async throws in
            guard case .success(let list) = try await server.call("supervisor.getAllConfigInfo"),
                case .structure(let members)? = list.array?.first
            else {
                Issue.record("no configuration")
                return
            }
            #expect(Set(members.map(\.name)).count == 29)
            #expect(list.array?.first?["command"] == .string("/bin/cat a b"))
            #expect(list.array?.first?["stdout_logfile"] == .string("auto"))
            #expect(list.array?.first?["stderr_logfile"] == .string("none"))
        }
    }

    @Test func standardInputIsPassedOn() async throws {
        let daemon = FakeDaemon()
        try await TestServer.run(daemon) { (server) async throws in
            #expect(
                try await server.call("supervisor.sendProcessStdin", .string("cat"), .string("hé\n"))
                    == .success(.bool(true)))
        }
        #expect(daemon.state.withLock { $0.inputs } == ["hé\n"])
    }
}
