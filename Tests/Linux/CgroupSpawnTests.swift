import Glibc
import Testing
import WardenCore
import WardenLinux

/// A cgroup of the test's own, in the unified hierarchy.
private struct Cgroup: ~Copyable {
    static let root: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first { root in
        access("\(root)/cgroup.procs", W_OK) == 0 && access("\(root)/cgroup.controllers", F_OK) == 0
    }

    let path: String
    let directory: Descriptor

    init(_ name: String) throws {
        let path = "\(try #require(Self.root))/warden-test-\(name)-\(getpid())"
        try #require(mkdir(path, 0o755) == 0)
        directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        self.path = path
    }

    func write(_ text: String, to file: String) throws {
        let descriptor = try Descriptor.open("\(path)/\(file)", O_WRONLY)
        _ = try Array(text.utf8).withUnsafeBytes { try descriptor.write($0) }
    }

    deinit {
        rmdir(path)
    }
}

@Suite("Spawning into a cgroup", .enabled(if: Cgroup.root != nil, "no writable cgroup v2 hierarchy"), .serialized)
struct CgroupSpawnTests {
    @Test("a child is born in its cgroup", arguments: [Spawner.Avoidance([]), .clone3])
    func born(way: Spawner.Avoidance) throws {
        let cgroup = try Cgroup("born")
        var plan = Launchpad.plan(["cat", "/proc/self/cgroup"])
        plan.cgroup = cgroup.directory.rawValue
        let flight = try Launchpad.fly(plan, spawner: Spawner(avoiding: way))
        let line = flight.output.split(separator: "\n").first { $0.hasPrefix("0::") }
        #expect(line?.hasSuffix("/warden-test-born-\(getpid())") == true)
    }

    @Test("a directory that is no cgroup is a failure to clone, whichever way", arguments: [false, true])
    func noCgroup(avoidsClone3: Bool) throws {
        let directory = try Descriptor.open("/tmp", O_RDONLY | O_DIRECTORY)
        var plan = Launchpad.plan(["true"])
        plan.cgroup = directory.rawValue
        let failure: SpawnFailure?
        if avoidsClone3 {
            failure = try Launchpad.fly(plan, spawner: Spawner(avoiding: .clone3)).reading.failure
        } else {
            failure = #expect(throws: SpawnFailure.self) { _ = try Launchpad.fly(plan) }
        }
        #expect(failure?.stage == .clone)
        #expect(failure?.subject == "into its cgroup")
    }

    @Test("a child that never got to its first step is stuck before it, and can be killed")
    func frozen() throws {
        let cgroup = try Cgroup("frozen")
        try cgroup.write("1", to: "cgroup.freeze")
        var plan = Launchpad.plan(["true"])
        plan.cgroup = cgroup.directory.rawValue
        plan.descriptors = [0, 1, 2]
        var spawned = try Spawner().spawn(plan)
        #expect(spawned.report.read() == .pending(nil))
        #expect(spawned.report.stuck(at: nil).subject == "before the first step")
        try spawned.child.deliver(.kill)
        #expect(try Launchpad.end(of: &spawned.child) == .signal(SIGKILL, coreDumped: false))
        // Another test's child may hold a copy of the pipe until its execve(2).
        let deadline = MonotonicClock.now() + .seconds(10)
        var reading = spawned.report.read()
        while reading != .executed, MonotonicClock.now() < deadline {
            sched_yield()
            reading = spawned.report.read()
        }
        #expect(reading == .executed)
    }
}
