import Glibc
import Testing
import WardenCore
import WardenLinux

/// Ways to the same child: as this kernel does it, and as older kernels and containers make us do it.
private let ways: [Spawner.Avoidance] = [[], .clone3, .closeRange, [.clone3, .closeRange]]

@Suite("Spawning")
struct SpawnTests {
    @Test("a child runs its command and its exit code comes back", arguments: ways)
    func runs(way: Spawner.Avoidance) throws {
        let plan = Launchpad.plan(["sh", "-c", "echo out; echo err >&2; exit 37"])
        let flight = try Launchpad.fly(plan, spawner: Spawner(avoiding: way))
        #expect(flight.reading == .executed)
        #expect(flight.output == "out\nerr\n")
        #expect(flight.status == .code(37))
    }

    @Test("a signal that ends a child is told from an exit code", arguments: [SIGTERM, SIGKILL, SIGUSR1, 34])
    func signalled(number: Int32) throws {
        let flight = try Launchpad.fly(Launchpad.plan(["sh", "-c", "kill -\(number) $$"]))
        #expect(flight.status == .signal(number, coreDumped: false))
    }

    @Test("every step that fails is named with its errno and its subject", arguments: Mishap.allCases, ways)
    func fails(mishap: Mishap, way: Spawner.Avoidance) throws {
        let scratch = try Scratch()
        var plan = Launchpad.plan(["true"])
        let subject = try mishap.cause(&plan, scratch)
        let flight = try Launchpad.fly(plan, spawner: Spawner(avoiding: way), extra: mishap.extraDescriptors)
        let failure = flight.reading.failure
        #expect(failure?.stage == mishap.stage)
        #expect(failure?.errorNumber == mishap.errorNumber)
        #expect(failure?.subject == subject)
        #expect(failure?.explanation.hasPrefix(String(cString: strerror(mishap.errorNumber))) == true)
        #expect(flight.status == .code(127))
    }

    @Test("a script without its interpreter is not reported as missing itself")
    func missingInterpreter() throws {
        let scratch = try Scratch()
        let script = try scratch.file("script", "#!/nonexistent/python3\n", mode: 0o755)
        let failure = try Launchpad.fly(Launchpad.plan([script])).reading.failure
        #expect(failure?.subject == script)
        #expect(
            failure?.explanation
                == "No such file or directory (the file is there: its interpreter or loader is missing)")
    }

    @Test("candidates that are missing or refused are passed over for one that runs")
    func candidates() throws {
        let scratch = try Scratch()
        let refused = try scratch.file("true", "", mode: 0o644)
        var plan = Launchpad.plan(["true"])
        plan.candidates = ["/nonexistent/true", refused, "\(refused)/below", "/bin/true"]
        #expect(try Launchpad.fly(plan).status == .code(0))
        plan.candidates = ["/nonexistent/true", refused, "/nonexistent/too"]
        #expect(
            try Launchpad.fly(plan).reading.failure
                == SpawnFailure(
                    stage: .execute, errorNumber: EACCES, subject: refused, explanation: "Permission denied"))
    }

    @Test("a plan that cannot be carried out is refused before anything is born")
    func refused() throws {
        #expect(throws: SpawnFailure.self) { _ = try Launchpad.fly(Launchpad.plan(["echo", "a\0b"])) }
        let nobody = LaunchSpec.Identity(name: "odd", userID: .max, groupID: 0, groupIDs: [])
        let refusal = #expect(throws: SpawnFailure.self) {
            _ = try Launchpad.fly(Launchpad.plan(["id"]) { $0.user = nobody })
        }
        #expect(refusal?.stage == .user)
    }

    @Test("directory, umask, user, groups and limits are what the plan says")
    func surroundings() throws {
        let scratch = try Scratch()
        try #require(chmod(scratch.path, 0o755) == 0)
        let script = "pwd; umask; id -u; id -g; id -G; ulimit -Sn; ulimit -Hn"
        let plan = Launchpad.plan(["sh", "-c", script]) { launch in
            launch.directory = scratch.path
            launch.umask = 0o027
            launch.user = .init(name: "nobody", userID: 65534, groupID: 65534, groupIDs: [65534, 12, 34])
            launch.descriptorLimit = .init(soft: 77, hard: 99)
        }
        let expected = "\(scratch.path)\n0027\n65534\n65534\n65534 12 34\n77\n99\n"
        #expect(try Launchpad.fly(plan).output == expected)
    }

    @Test("a tiny descriptor limit does not keep the child from starting", arguments: ways)
    func tinyLimit(way: Spawner.Avoidance) throws {
        let plan = Launchpad.plan(["sh", "-c", "ulimit -n"]) { $0.descriptorLimit = .init(soft: 4, hard: 4) }
        #expect(try Launchpad.fly(plan, spawner: Spawner(avoiding: way)).output == "4\n")
    }

    @Test("the worker's variables: supervisord's, the configured ones, Warden's; none of systemd's")
    func environment() throws {
        let base = BaseEnvironment([
            "PATH": "/usr/bin:/bin", "KEPT": "yes", "OVER": "daemon", "NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1",
            "WATCHDOG_PID": "1", "LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "a", "INVOCATION_ID": "x",
            "JOURNAL_STREAM": "1:2", "CREDENTIALS_DIRECTORY": "/x", "SYSTEMD_EXEC_PID": "1",
            "MEMORY_PRESSURE_WATCH": "/x", "MEMORY_PRESSURE_WRITE": "x",
        ])
        let plan = Launchpad.plan(["env"], base: base) { launch in
            launch.environment = ["OVER": "program", "OWN": "a b"]
            launch.serverURL = "unix:///run/warden.sock"
        }
        let lines = try Launchpad.fly(plan).output.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "KEPT=yes", "OVER=program", "OWN=a b", "PATH=/usr/bin:/bin", "SUPERVISOR_ENABLED=1",
                "SUPERVISOR_GROUP_NAME=group", "SUPERVISOR_PROCESS_NAME=process_00",
                "SUPERVISOR_SERVER_URL=unix:///run/warden.sock", "WARDEN_GENERATION=3", "WARDEN_RESTART_COUNT=2",
                "WARDEN_SLOT=group:process_00",
            ])
    }

    @Test("a child leads its own process group, unless told not to", arguments: [true, false])
    func processGroup(leads: Bool) throws {
        var plan = Launchpad.plan(["sh", "-c", "cut -d' ' -f5 /proc/$$/stat"])
        plan.leadsGroup = leads
        let flight = try Launchpad.fly(plan)
        #expect(flight.output == "\(leads ? flight.pid : getpgrp())\n")
    }

    @Test("a command of a worker runs with the worker's user and environment")
    func hook() throws {
        var launch = LaunchSpec(arguments: ["/nonexistent"])
        launch.user = .init(name: "nobody", userID: 65534, groupID: 65534, groupIDs: [65534])
        launch.environment = ["OWN": "value"]
        let mark = WorkerMark(name: SlotName(group: "g", process: "p"), generation: Generation(1), restartCount: 0)
        let plan = SpawnPlan(
            hook: ["/bin/sh", "-c", "id -u; echo $OWN $WARDEN_SLOT"], of: launch, mark: mark,
            base: BaseEnvironment([:]), descriptors: [])
        #expect(try Launchpad.fly(plan).output == "65534\nvalue g:p\n")
    }
}

/// Things that go wrong between clone3(2) and execve(2).
enum Mishap: CaseIterable, Sendable {
    case missing, notExecutable, isDirectory, unknownFormat, tooLong, noDirectory, fileAsDirectory, badLimit
    case tooManyGroups, badDescriptor

    var stage: SpawnFailure.Stage {
        switch self {
        case .missing, .notExecutable, .isDirectory, .unknownFormat, .tooLong: .execute
        case .noDirectory, .fileAsDirectory: .directory
        case .badLimit: .limits
        case .tooManyGroups: .groups
        case .badDescriptor: .descriptors
        }
    }

    var errorNumber: Int32 {
        switch self {
        case .missing, .noDirectory: ENOENT
        case .notExecutable, .isDirectory: EACCES
        case .unknownFormat: ENOEXEC
        case .tooLong: E2BIG
        case .fileAsDirectory: ENOTDIR
        case .badLimit, .tooManyGroups: EINVAL
        case .badDescriptor: EBADF
        }
    }

    var extraDescriptors: [CInt] { self == .badDescriptor ? [999_999] : [] }

    /// Spoils the plan.
    ///
    /// - Returns: the subject that the failure has to name.
    func cause(_ plan: inout SpawnPlan, _ scratch: borrowing Scratch) throws -> String {
        switch self {
        case .missing: plan.candidates = ["\(scratch.path)/missing"]
        case .notExecutable: plan.candidates = [try scratch.file("plain", "#!/bin/sh\n")]
        case .isDirectory: plan.candidates = [scratch.path]
        case .unknownFormat: plan.candidates = [try scratch.file("odd", "no format\n", mode: 0o755)]
        case .tooLong: plan.arguments.append(String(repeating: "x", count: 200_000))
        case .noDirectory: plan.directory = "\(scratch.path)/missing"
        case .fileAsDirectory: plan.directory = try scratch.file("plain")
        case .badLimit:
            plan.limits = [ResourceLimit(resource: ResourceLimit.descriptors, limit: .init(soft: 20, hard: 10))]
        case .tooManyGroups:
            let groups = Array(repeating: UInt32(7), count: 70_000)
            plan.user = .init(name: "crowd", userID: 65534, groupID: 65534, groupIDs: groups)
        case .badDescriptor: break
        }
        switch self {
        case .missing: return "true"
        case .notExecutable, .isDirectory, .unknownFormat, .tooLong: return plan.candidates[0]
        case .noDirectory, .fileAsDirectory: return plan.directory ?? ""
        case .badLimit: return "RLIMIT_NOFILE"
        case .tooManyGroups: return "crowd"
        case .badDescriptor: return "descriptor 3"
        }
    }
}

extension SpawnReport.Reading {
    var failure: SpawnFailure? {
        if case .failed(let failure) = self { return failure }
        return nil
    }
}
