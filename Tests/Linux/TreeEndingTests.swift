import Glibc
import Testing
import WardenCore
import WardenLinux

/// What a main process leaves behind is ended; each test counts children, so it has a process of its own.
@Suite("What is left of a tree", .serialized)
struct TreeEndingTests {
    private static let slot = SlotName(group: "group", process: "process_00")

    private static func bereaved(_ root: Int32, generation: UInt32 = 3) -> Bereaved {
        Bereaved(slot: slot, generation: Generation(generation), root: root, wasOurs: true)
    }

    private static func end(_ trees: [Bereaved], seconds: Int = 20) -> [Int: TreeEnding.Outcome] {
        var outcomes: [Int: TreeEnding.Outcome] = [:]
        TreeEnding.end(trees, until: MonotonicClock.now() + .seconds(seconds), isOwned: { _ in false }) {
            outcomes[$0] = $1
        }
        return outcomes
    }

    /// Waits until `count` orphans are there, each of them executing what it is to be.
    private static func orphans(_ count: Int) -> [TreeMember] {
        var found: [TreeMember] = []
        _ = Launchpad.until {
            found = ProcessTree.orphans { _ in false }.filter { orphan in
                orphan.isAlive && HostFiles.read("/proc/\(orphan.identity.pid)/comm") == .success(Array("sleep\n".utf8))
            }
            return found.count >= count
        }
        return found
    }

    @Test("by the environment, by the process group without one; not what has left all of it")
    func kinds() async {
        await #expect(processExitsWith: .success) {
            try DaemonProcess.becomeSubreaper()
            let script = "setsid sleep 1000 & sleep 1000 & env -i sleep 1000 & env -i setsid sleep 1000 & exit 4"
            var living = try Launchpad.launch(["sh", "-c", script])
            let root = living.child.pid
            try #require(try Launchpad.end(of: &living.child) == .code(4))
            let found = Self.orphans(4)
            try #require(found.count == 4)
            // An older generation's end is nothing to them, nor is another slot's.
            var other = Self.bereaved(1)
            other.slot = SlotName(group: "group", process: "process_01")
            let untouched = Self.end([Self.bereaved(1, generation: 2), other])
            #expect(untouched == [0: TreeEnding.Outcome(), 1: TreeEnding.Outcome()])
            #expect(found.allSatisfy { !$0.isGone })

            let outcome = Self.end([Self.bereaved(root)])[0]
            #expect(outcome?.ended == 3 && outcome?.left == [])
            let left = found.filter { !$0.isGone }
            #expect(left.count == 1)
            #expect(
                left.allSatisfy {
                    $0.group != root && $0.session != root && WorkerTrace(pid: $0.identity.pid) == nil
                })
            // Unless it was seen while it was below somebody.
            var knowing = Self.bereaved(root)
            knowing.known = left.map(\.identity)
            #expect(Self.end([knowing])[0]?.ended == 1)
            #expect(left.allSatisfy { $0.isGone })
        }
    }

    @Test("a bomb, and a chain whose parents end, each in a session of its own")
    func bombs() async {
        await #expect(processExitsWith: .success) {
            try DaemonProcess.becomeSubreaper()
            let chain = """
                import os, time
                end = time.monotonic() + 30
                while time.monotonic() < end:
                    if os.fork(): os._exit(0)
                    os.setsid()
                """
            let bomb = """
                import os, signal, time
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
                end = time.monotonic() + 30
                for depth in range(7):
                    if os.fork() == 0: os.setsid()
                while time.monotonic() < end:
                    if os.fork() == 0: os._exit(0)
                    time.sleep(0.02)
                """
            for script in [chain, bomb] {
                var living = try Launchpad.launch(["python3", "-c", script])
                let root = living.child.pid
                #expect(
                    Launchpad.until { !ProcessTree.orphans { $0 == root }.filter(\.isAlive).isEmpty || script == bomb })
                if script == bomb {
                    #expect(Launchpad.until { ProcessTree.members(of: root).members.count > 60 })
                    try living.child.deliver(.kill)
                }
                _ = try Launchpad.end(of: &living.child)
                let outcome = Self.end([Self.bereaved(root)])[0]
                #expect(outcome?.left == [])
                // Whatever had been born would be a child of ours by now.
                let left = ProcessTree.orphans(limit: .max) { _ in false }.filter(\.isAlive)
                #expect(left.isEmpty, "of the \(script == bomb ? "bomb" : "chain"): \(left)")
                while !Strangers.reap(unless: { _ in false }).reaped.isEmpty {}
            }
        }
    }

    @Test("at the deadline who is left is told")
    func deadline() async {
        await #expect(processExitsWith: .success) {
            try DaemonProcess.becomeSubreaper()
            var living = try Launchpad.launch(["sh", "-c", "sleep 1000 & exit 0"])
            let root = living.child.pid
            _ = try Launchpad.end(of: &living.child)
            let found = Self.orphans(1)
            let outcome = Self.end([Self.bereaved(root)], seconds: -1)[0]
            #expect(outcome?.ended == 0 && outcome?.left.map(\.identity) == found.map(\.identity))
            #expect(Self.end([Self.bereaved(root)])[0]?.ended == 1)
        }
    }
}
