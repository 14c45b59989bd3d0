import Glibc
import Testing
import WardenCore
import WardenLinux

/// What a child must not inherit, and what must not stay behind. Each counts something of the whole process, so each
/// runs in a process of its own.
@Suite("Isolation of children")
struct SpawnIsolationTests {
    @Test("blocked, ignored and handled signals are all at their defaults in the child")
    func signals() async {
        await #expect(processExitsWith: .success) {
            SignalSource.blockForProcess()
            signal(SIGUSR2, SIG_IGN)
            signal(SIGALRM, { _ in })
            for way: Spawner.Avoidance in [[], .clone3] {
                // cat sets up no signal of its own, as sh and grep do.
                let flight = try Launchpad.fly(
                    Launchpad.plan(["cat", "/proc/self/status"]), spawner: Spawner(avoiding: way))
                let none = "0000000000000000"
                #expect(flight.output.contains("SigBlk:\t\(none)\nSigIgn:\t\(none)\nSigCgt:\t\(none)\n"))
            }
            // And the daemon has its own mask back.
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            #expect(sigismember(&mask, SIGTERM) == 1)
            #expect(sigismember(&mask, SIGSEGV) == 0)
        }
    }

    @Test("a child has the descriptors of its plan and no others")
    func descriptorsOfChild() async {
        await #expect(processExitsWith: .success) {
            // Three that a careless library left without FD_CLOEXEC, one of them with a high number.
            let first = try Descriptor.open("/dev/null", O_RDONLY)
            try #require(dup(first.rawValue) >= 0)
            try #require(dup(first.rawValue) >= 0)
            try #require(dup2(first.rawValue, 900) == 900)
            for way: Spawner.Avoidance in [[], .clone3, .closeRange, [.clone3, .closeRange]] {
                let flight = try Launchpad.fly(
                    Launchpad.plan(["ls", "/proc/self/fd"]), spawner: Spawner(avoiding: way))
                // The fourth is the directory that ls itself reads.
                #expect(flight.output == "0\n1\n2\n3\n")
            }
        }
    }

    @Test("sources that lie in each other's places are not overwritten")
    func overlap() async {
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let a = try Descriptor.open(try scratch.file("a", "A"), O_RDONLY)
            let b = try Descriptor.open(try scratch.file("b", "B"), O_RDONLY)
            let c = try Descriptor.open(try scratch.file("c", "C"), O_RDONLY)
            try #require(dup2(a.rawValue, 40) == 40 && dup2(b.rawValue, 41) == 41 && dup2(c.rawValue, 42) == 42)
            // 40 and 41 change places, 42 stays, 43 gets a copy of 40.
            let closed = Array(repeating: CInt(-1), count: 37)
            let files = (40...43).map { "/proc/self/fd/\($0)" }
            let flight = try Launchpad.fly(Launchpad.plan(["cat"] + files), extra: closed + [41, 40, 42, 40])
            #expect(flight.reading == .executed)
            #expect(flight.output == "BACA")
        }
    }

    @Test("the report pipe survives where a descriptor of the child is to go")
    func reportInTheWay() async {
        await #expect(processExitsWith: .success) {
            // With a table this large the report pipe's own number lies in it.
            let null = try Descriptor.open("/dev/null", O_RDONLY)
            let extra = Array(repeating: null.rawValue, count: EdgeLimits.childDescriptors - 3)
            let flight = try Launchpad.fly(Launchpad.plan(["/nonexistent"]), extra: extra)
            #expect(flight.reading.failure?.errorNumber == ENOENT)
        }
    }

    @Test("neither a success nor a failure leaves a descriptor or a zombie behind")
    func descriptorsOfParent() async {
        await #expect(processExitsWith: .success) {
            try await settle()
            let before = try openDescriptors()
            for _ in 0..<20 {
                _ = try Launchpad.fly(Launchpad.plan(["true"]))
                _ = try Launchpad.fly(Launchpad.plan(["/nonexistent"]))
                // It must fail; that it does is another test's matter.
                _ = try? Launchpad.fly(Launchpad.plan(["a\0b"]))
            }
            #expect(try openDescriptors() == before)
            #expect(Strangers.reap(unless: { _ in false }) == Strangers.Sweep())
        }
    }

    @Test("a full descriptor table is a failure to make pipes, and leaves nothing behind")
    func fullTable() async {
        await #expect(processExitsWith: .success) {
            try await settle()
            var plan = Launchpad.plan(["true"])
            plan.descriptors = [0, 1, 2]
            let former = try ResourceLimit.read(ResourceLimit.descriptors)
            let small = LaunchSpec.Limit(soft: 100, hard: former.limit.hard)
            try ResourceLimit(resource: ResourceLimit.descriptors, limit: small).apply()
            var fillers: [CInt] = []
            while case let filler = dup(0), filler >= 0 { fillers.append(filler) }
            let count = try countedWithRoom(former, small)
            // How many are enough is not said here: other threads of the test's process come and go with theirs.
            var failures: [SpawnFailure] = []
            var spawned: SpawnedChild?
            while spawned == nil {
                do throws(SpawnFailure) {
                    spawned = try Spawner().spawn(plan)
                } catch {
                    failures.append(error)
                    #expect(error.errorNumber == EMFILE && [.pipe, .clone].contains(error.stage))
                    #expect(try countedWithRoom(former, small) == count)
                    close(fillers.removeLast())
                }
            }
            #expect(!failures.isEmpty)
            try former.apply()
            if var child = spawned.take()?.takeChild() {
                #expect(try Launchpad.end(of: &child) == .code(0))
            }
        }
    }

    @Test("a child that hangs in execve is told from one that failed, with the step it is in")
    func stuck() async {
        await #expect(processExitsWith: .success) {
            // A lease makes whoever opens the file wait until the holder gives it up.
            signal(SIGIO, SIG_IGN)
            let setLease: CInt = 1024
            let scratch = try Scratch()
            let script = try scratch.file("script", "#!/bin/sh\n", mode: 0o755)
            let holder = try Descriptor.open(script, O_RDWR)
            try #require(fcntl(holder.rawValue, setLease, F_WRLCK) == 0)

            var plan = Launchpad.plan([script])
            plan.directory = "/"
            plan.descriptors = [0, 1, 2]
            var spawned = try Spawner().spawn(plan)
            var stages: [SpawnFailure.Stage] = []
            // The pipe wakes nobody on the way: only its end does.
            var poller = try Poller()
            try poller.add(spawned.report.readinessDescriptor, token: 1, [])
            let isStuck = Launchpad.until {
                if case .pending(let stage?) = spawned.report.read() { stages.append(stage) }
                return stages.last == .execute
            }
            #expect(isStuck)
            #expect(try poller.wait(until: MonotonicClock.now()).isEmpty)
            let failure = spawned.report.stuck(at: .execute)
            #expect(failure.stage == .stuck)
            #expect(failure.subject == "execute \(script)")

            try #require(fcntl(holder.rawValue, setLease, F_UNLCK) == 0)
            // The descriptor would make execve(2) answer ETXTBSY; what matters is that the report now ends.
            let end = try Launchpad.conclude(spawned.report)
            #expect(end == .executed || end.failure?.errorNumber == ETXTBSY)
            #expect(try Launchpad.end(of: &spawned.child) != nil)
        }
    }
}

/// How many descriptors there are in a table that is itself too full to count them.
func countedWithRoom(_ roomy: ResourceLimit, _ small: LaunchSpec.Limit) throws -> Int {
    try roomy.apply()
    defer { #expect(throws: Never.self) { try ResourceLimit(resource: roomy.resource, limit: small).apply() } }
    return try openDescriptors()
}

/// Makes the timer of the library that runs the test open its descriptor now, and not while descriptors are counted or
/// there are none left.
func settle() async throws {
    try await Task.sleep(for: .nanoseconds(1))
}

/// How many descriptors this process has open of the kinds that a spawn makes: pipes and pidfds.
func openDescriptors() throws -> Int {
    let directory = try #require(opendir("/proc/self/fd"))
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
        var target = [CChar](repeating: 0, count: 256)
        let size = withUnsafePointer(to: &entry.pointee.d_name.0) { readlinkat(dirfd(directory), $0, &target, 255) }
        let text = String(decoding: target.prefix(max(0, size)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if text.hasPrefix("pipe:") || text.contains("pidfd") { count += 1 }
    }
    return count
}
