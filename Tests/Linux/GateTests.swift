import CWardenLinux
import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("The gate before the program", .serialized)
struct GateTests {
    @Test(
        "a child whose gate is opened runs; one whose gate is never opened never does, and says so",
        arguments: [Spawner.Avoidance([]), .clone3, .closeRange], [true, false])
    func opened(way: Spawner.Avoidance, opens: Bool) throws {
        var plan = Launchpad.plan(["echo", "ran"])
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        let (reader, writer) = try Launchpad.ends()
        let output = Descriptor(owning: reader)
        let input = Descriptor(owning: writer)
        plan.descriptors = [null.rawValue, input.rawValue, input.rawValue]
        plan.waitsAtGate = true
        var spawned = try Spawner(avoiding: way).spawn(plan)
        close(input.take())
        #expect(spawned.report.read() == .pending(nil))
        if opens {
            let isOpen = spawned.openGate()
            #expect(isOpen)
        } else {
            spawned.gate = nil
        }
        let reading = try Launchpad.conclude(spawned.report)
        #expect(try Launchpad.readAll(output) == (opens ? "ran\n" : ""))
        let end: WardenCore.ExitStatus = opens ? .code(0) : .signal(SIGSTKFLT, coreDumped: false)
        #expect(try Launchpad.end(of: &spawned.child) == end)
        #expect(reading.failure?.errorNumber == (opens ? nil : ECANCELED))
        #expect(opens == (reading == .executed))
    }

    @Test("whoever holds the pidfd of one that ended at its gate knows that it never ran")
    func neverRan() throws {
        var plan = Launchpad.plan(["sh", "-c", "exit 127"])
        plan.descriptors = [0, 1, 2]
        plan.waitsAtGate = true
        for opens in [false, true] {
            var spawned = try Spawner().spawn(plan)
            let kept = Descriptor(owning: dup(spawned.child.readinessDescriptor))
            #expect(!Child.endedAtGate(kept.rawValue, within: .zero), "it lives")
            if opens { _ = spawned.openGate() } else { spawned.gate = nil }
            _ = try Launchpad.end(of: &spawned.child)
            let keepsStatus = warden_pidfd_hangs_up(kept.rawValue) == 1
            #expect(Child.endedAtGate(kept.rawValue, within: .seconds(5)) == (keepsStatus && !opens))
        }
    }

    @Test("nothing happens where there is no gate, and a dead child's gate opens for nobody")
    func dead() throws {
        var plan = Launchpad.plan(["true"])
        plan.descriptors = [0, 1, 2]
        var ungated = try Spawner().spawn(plan)
        let isOpen = ungated.openGate()
        #expect(isOpen)
        #expect(try Launchpad.end(of: &ungated.child) == .code(0))

        plan.waitsAtGate = true
        var gated = try Spawner().spawn(plan)
        try gated.child.deliver(.kill)
        #expect(try Launchpad.end(of: &gated.child) == .signal(SIGKILL, coreDumped: false))
    }

    @Test("a gate among the places of the child's own descriptors is moved out of their way")
    func crowded() async {
        await #expect(processExitsWith: .success) {
            // So many places that the gate's own number is one of them.
            let output = try Pipe()
            let input = try Pipe()
            var plan = Launchpad.plan(["sh", "-c", "read line; echo got $line > /dev/fd/59"])
            plan.descriptors = [CInt](repeating: 0, count: 60)
            plan.descriptors[0] = input.reader.rawValue
            plan.descriptors[59] = output.writer.rawValue
            plan.waitsAtGate = true
            var spawned = try Spawner().spawn(plan)
            let isOpen = spawned.openGate()
            #expect(isOpen)
            _ = try Array("words\n".utf8).withUnsafeBytes { try input.writer.write($0) }
            #expect(try Launchpad.end(of: &spawned.child) == .code(0))
            try output.reader.setNonblocking()
            var buffer = [UInt8](repeating: 0, count: 64)
            let size = try buffer.withUnsafeMutableBytes { try output.reader.read(into: $0) } ?? 0
            #expect(String(decoding: buffer.prefix(size), as: UTF8.self) == "got words\n")
        }
    }

    @Test("no descriptor stays behind, whichever way it ends")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            let before = try openDescriptors()
            for opens in [true, false] {
                var plan = Launchpad.plan(["true"])
                plan.descriptors = [0, 1, 2]
                plan.waitsAtGate = true
                var spawned = try Spawner().spawn(plan)
                if opens { spawned.openGate() } else { spawned.gate = nil }
                _ = try Launchpad.end(of: &spawned.child)
            }
            var plan = Launchpad.plan(["tr\0ue"])
            plan.waitsAtGate = true
            #expect(throws: SpawnFailure.self) { _ = try Spawner().spawn(plan) }
            #expect(try openDescriptors() == before)
        }
    }

    @Test("a daemon that is killed before it opens the gate leaves no program behind; after it, it does")
    func killed() async {
        await #expect(processExitsWith: .success) {
            try DaemonProcess.becomeSubreaper()
            for opens in [false, true, false, true] {
                let (reader, writer) = try Launchpad.ends()
                let output = Descriptor(owning: reader)
                let child = Forking.child {
                    var plan = Launchpad.plan(["echo", "ran"])
                    plan.descriptors = [-1, writer, writer]
                    plan.waitsAtGate = true
                    guard let spawned = try? Spawner().spawn(plan) else { return }  // Shows as nothing that ran.
                    var living = spawned
                    if opens { living.openGate() }
                    kill(getpid(), SIGKILL)
                }
                close(writer)
                let pid = try #require(child)
                // Ends only when the program's process is gone too.
                #expect(try Launchpad.readAll(output) == (opens ? "ran\n" : ""))
                var codes: [Int32] = []
                for _ in 0..<2 {
                    var status: Int32 = 0
                    let ended = waitpid(-1, &status, 0)
                    if ended != pid { codes.append(status) }
                }
                #expect(codes == [opens ? 0 : SIGSTKFLT])
            }
        }
    }

    @Test("what a gate costs", .enabled(if: getenv("WARDEN_MEASURE") != nil))
    func cost() throws {
        for gated in [false, true, false, true] {
            var plan = Launchpad.plan(["true"])
            plan.descriptors = [0, 1, 2]
            plan.waitsAtGate = gated
            var total: Duration = .zero
            for _ in 0..<200 {
                let start = MonotonicClock.now()
                var spawned = try Spawner().spawn(plan)
                spawned.openGate()
                _ = try Launchpad.conclude(spawned.report)
                total += MonotonicClock.now() - start
                _ = try Launchpad.end(of: &spawned.child)
            }
            print("gate \(gated): \(total / 200) from clone to execve")
        }
    }
}
