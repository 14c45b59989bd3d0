import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("The daemon's own process")
struct DaemonTests {
    @Test("workers get the limits that the daemon was started with, not those it raised for itself")
    func limits() async {
        await #expect(processExitsWith: .success) {
            let start = ResourceLimit(resource: ResourceLimit.descriptors, limit: .init(soft: 300, hard: 4000))
            try start.apply()
            let limits = try DaemonLimits.capture()
            try limits.raiseOwn(minimumDescriptors: 1024, minimumProcesses: 10)
            #expect(try ResourceLimit.read(ResourceLimit.descriptors).limit == .init(soft: 4000, hard: 4000))

            var plan = Launchpad.plan(["sh", "-c", "ulimit -Sn; ulimit -Hn"])
            plan.limits = limits.forWorkers(minimumDescriptors: 0, minimumProcesses: 0)
            #expect(try Launchpad.fly(plan).output == "300\n4000\n")
            plan.limits = limits.forWorkers(minimumDescriptors: 1024, minimumProcesses: 0)
            #expect(try Launchpad.fly(plan).output == "1024\n4000\n")
        }
    }

    @Test("a daemon becomes its user for good")
    func user() async {
        await #expect(processExitsWith: .success) {
            let nobody = try UserDatabase.identity(of: "nobody")
            try DaemonProcess.become(nobody)
            #expect(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534 && getgroups(0, nil) == 1)
            #expect(setuid(0) != 0)
            // Once more is no error; another user is.
            try DaemonProcess.become(nobody)
            let root = try UserDatabase.identity(of: "root")
            let refusal = #expect(throws: KernelFailure.self) { try DaemonProcess.become(root) }
            #expect(refusal?.errorNumber == EPERM)
            // And what it cannot do for a worker, the worker's report says.
            let flight = try Launchpad.fly(Launchpad.plan(["true"]) { $0.user = root })
            #expect(
                flight.reading.failure
                    == SpawnFailure(
                        stage: .groups, errorNumber: EPERM, subject: "root", explanation: "Operation not permitted"))
        }
    }

    @Test("in the background: a session of its own, /dev/null for the standard streams, the parent gone with 0")
    func background() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/fifo"
        try #require(mkfifo(path, 0o600) == 0)
        // Open for both, so that neither side waits for the other to come.
        let fifo = try Descriptor.open(path, O_RDWR | O_NONBLOCK)
        await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
            let fifo = try Descriptor.open(path, O_WRONLY)
            try DaemonProcess.daemonize(directory: "/", umask: 0o027)
            var streams: [String] = []
            for stream in 0...2 {
                var buffer = [CChar](repeating: 0, count: 64)
                _ = readlink("/proc/self/fd/\(stream)", &buffer, 63)
                streams.append(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
            let leads = getsid(0) == getpid()
            let text = "\(leads) \(streams.joined(separator: " ")) \(String(umask(0), radix: 8))\n"
            _ = try Array(text.utf8).withUnsafeBytes { try fifo.write($0) }
            _exit(0)
        }
        var poller = try Poller()
        try poller.add(fifo.rawValue, token: 1, .readable)
        _ = try poller.wait(until: MonotonicClock.now() + Launchpad.patience)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let size = try buffer.withUnsafeMutableBytes { try fifo.read(into: $0) } ?? 0
        #expect(String(decoding: buffer.prefix(size), as: UTF8.self) == "true /dev/null /dev/null /dev/null 27\n")
    }

    @Test("the pid file holds the pid, and goes unless another daemon wrote its own")
    func pidFile() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/warden.pid"
        do {
            let file = try PIDFile(path: path, pid: 4711)
            let text = try Launchpad.readAll(Descriptor.open(path, O_RDONLY))
            #expect(text == "4711\n")
            _ = consume file
        }
        #expect(access(path, F_OK) != 0)
        do {
            let file = try PIDFile(path: path, pid: 4711)
            _ = try scratch.file("warden.pid", "4712\n")
            _ = consume file
        }
        #expect(access(path, F_OK) == 0)
    }

    @Test("users are found by name and number, with all their groups")
    func users() throws {
        let root = try UserDatabase.identity(of: "root")
        #expect(root.userID == 0 && root.groupID == 0 && root.groupIDs.contains(0))
        #expect(try UserDatabase.identity(of: "65534").name == "nobody")
        #expect(try UserDatabase.groupID(of: "root") == 0)
        #expect(try UserDatabase.groupID(of: "0") == 0)
        #expect(throws: UserDatabase.Failure.noUser("no-such-user")) {
            _ = try UserDatabase.identity(of: "no-such-user")
        }
        #expect(throws: UserDatabase.Failure.noUser("4000000000")) { _ = try UserDatabase.identity(of: "4000000000") }
        #expect(throws: UserDatabase.Failure.noGroup("no-such-group")) {
            _ = try UserDatabase.groupID(of: "no-such-group")
        }
    }

    @Test("a command is searched where the worker would search it, then where the daemon would")
    func candidates() {
        #expect(CommandLookup.candidates(for: "x", paths: ["/a:/b/", "/c:/a"]) == ["/a/x", "/b/x", "/c/x"])
        #expect(CommandLookup.candidates(for: "./x", paths: ["/a"]) == ["./x"])
        #expect(CommandLookup.candidates(for: "x", paths: []) == ["/bin/x", "/usr/bin/x", "/usr/local/bin/x"])
        #expect(CommandLookup.candidates(for: "x", paths: [":/a::"]) == ["/a/x"])
    }

    @Test("before a start it is known whether there is a command, and whether it can be executed")
    func lookUp() throws {
        let scratch = try Scratch()
        let good = try scratch.file("good", "#!/bin/sh\n", mode: 0o755)
        let plain = try scratch.file("plain", "#!/bin/sh\n")
        #expect(try CommandLookup.find(Launchpad.plan([good])) == good)
        #expect(try CommandLookup.find(Launchpad.plan(["good"]) { $0.environment["PATH"] = scratch.path }) == good)
        #expect(try CommandLookup.find(Launchpad.plan(["./good"]) { $0.directory = scratch.path }) == "./good")
        let table: [(String, Int32, String, String)] = [
            ("\(scratch.path)/missing", ENOENT, "\(scratch.path)/missing", "No such file or directory"),
            ("no-such-command", ENOENT, "no-such-command", "No such file or directory"),
            (plain, EACCES, plain, "Permission denied"),
            (scratch.path, EISDIR, scratch.path, "Is a directory"),
        ]
        for (command, errorNumber, subject, explanation) in table {
            let failure = #expect(throws: SpawnFailure.self) {
                _ = try CommandLookup.find(Launchpad.plan([command]))
            }
            #expect(
                failure
                    == SpawnFailure(
                        stage: .lookUp, errorNumber: errorNumber, subject: subject, explanation: explanation))
        }
    }

    @Test("a value that is not UTF-8 reaches the worker byte for byte")
    func rawBytes() async {
        await #expect(processExitsWith: .success) {
            var bytes: [CChar] = [CChar(bitPattern: 0xFF), CChar(bitPattern: 0xE9), 0]
            setenv("RAW", &bytes, 1)
            setenv("NOTIFY_SOCKET", "/x", 1)
            let base = BaseEnvironment.current()
            #expect(base["NOTIFY_SOCKET"] == nil)
            let plan = Launchpad.plan(["sh", "-c", "printf '%s' \"$RAW\" | od -An -tx1"], base: base)
            let flight = try Launchpad.fly(plan)
            #expect(flight.output == " ff e9\n")
        }
    }
}
