import Glibc
import Testing
import WardenCore
import WardenLinux

/// What became of a child that was followed to its end.
struct Flight {
    var reading: SpawnReport.Reading
    var output: String
    var status: WardenCore.ExitStatus?
    var pid: Int32
}

/// A child that lives, for tests that do something to it.
struct Living: ~Copyable {
    var child: Child
    let output: Descriptor
}

/// Starts children as the shell does, and follows them.
enum Launchpad {
    static let patience: Duration = .seconds(20)

    static func plan(
        _ arguments: [String], base: BaseEnvironment = BaseEnvironment(["PATH": "/usr/bin:/bin"]),
        _ configure: (inout LaunchSpec) -> Void = { _ in }
    ) -> SpawnPlan {
        var launch = LaunchSpec(arguments: arguments)
        configure(&launch)
        let mark = WorkerMark(
            name: SlotName(group: "group", process: "process_00"), generation: Generation(3), restartCount: 2)
        return SpawnPlan(launch: launch, mark: mark, base: base, descriptors: [])
    }

    /// Starts `plan` with /dev/null as its input and a pipe for both outputs, and waits for its end.
    static func fly(
        _ plan: SpawnPlan, spawner: Spawner = Spawner(), extra: [CInt] = []
    ) throws -> Flight {
        var plan = plan
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        let (reader, writer) = try ends()
        let output = Descriptor(owning: reader)
        let input = Descriptor(owning: writer)
        plan.descriptors = [null.rawValue, writer, writer] + extra
        var spawned = try spawner.spawn(plan)
        // The output ends only when nobody can write to it any more.
        close(input.take())
        let reading = try conclude(spawned.report)
        let text = try readAll(output)
        let status = try end(of: &spawned.child)
        return Flight(reading: reading, output: text, status: status, pid: spawned.child.pid)
    }

    /// Starts `arguments` and returns once the child runs them.
    static func launch(_ arguments: [String], _ configure: (inout LaunchSpec) -> Void = { _ in }) throws -> Living {
        var plan = plan(arguments, configure)
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        let (reader, writer) = try ends()
        let output = Descriptor(owning: reader)
        let input = Descriptor(owning: writer)
        plan.descriptors = [null.rawValue, input.rawValue, input.rawValue]
        let spawned = try Spawner().spawn(plan)
        let reading = try conclude(spawned.report)
        try #require(reading == .executed)
        return Living(child: spawned.takeChild(), output: output)
    }

    /// Waits for the report's end.
    static func conclude(_ report: borrowing SpawnReport) throws -> SpawnReport.Reading {
        var poller = try Poller()
        try poller.add(report.readinessDescriptor, token: 1, [])
        let ready = try poller.wait(until: MonotonicClock.now() + patience)
        try #require(ready.count == 1 && ready[0].isHungUp)
        return report.read()
    }

    /// Waits for the child's end and reaps it.
    static func end(of child: inout Child) throws -> WardenCore.ExitStatus? {
        var poller = try Poller()
        try poller.add(child.readinessDescriptor, token: 1, .readable)
        _ = try poller.wait(until: MonotonicClock.now() + patience)
        return try child.reap()
    }

    static func ends() throws -> (CInt, CInt) {
        let pipe = try Pipe()
        return pipe.takeEnds()
    }

    static func readAll(_ descriptor: borrowing Descriptor) throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let size = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) } ?? 0
            if size == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<size]
        }
    }

    /// Looks until something holds: for what the kernel announces to nobody, such as a state letter.
    static func until(_ condition: () -> Bool) -> Bool {
        let deadline = MonotonicClock.now() + patience
        while !condition() {
            if MonotonicClock.now() > deadline { return false }
            sched_yield()
        }
        return true
    }
}

/// A directory that is gone after the test.
struct Scratch: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/warden-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = try #require(made)
    }

    /// Makes a file, by a process of its own: a writing descriptor here would be inherited by children of other tests
    /// that are just being born, and executing the file would then fail with ETXTBSY.
    func file(_ name: String, _ text: String = "", mode: mode_t = 0o644) throws -> String {
        let file = "\(path)/\(name)"
        let script = "printf %s \"$1\" > \"$2\" && chmod \(String(mode, radix: 8)) \"$2\""
        let flight = try Launchpad.fly(Launchpad.plan(["sh", "-c", script, "sh", text, file]))
        try #require(flight.status == .code(0))
        return file
    }

    deinit {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                unlink("\(path)/\(name)")
            }
            closedir(directory)
        }
        rmdir(path)
    }
}
