import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("Children and trees")
struct ChildTests {
    @Test("a stopped child is not taken for an ended one")
    func stopped() throws {
        var living = try Launchpad.launch(["sleep", "1000"])
        let pid = living.child.pid
        try living.child.deliver(Signal(SIGSTOP))
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { TreeMember(pid: pid)?.state == .stopped })
        #expect(try living.child.reap() == nil)
        try living.child.deliver(.kill)
        #expect(try Launchpad.end(of: &living.child) == .signal(SIGKILL, coreDumped: false))
    }

    @Test("a look at an exit leaves it to be reaped, and afterwards nobody is signalled any more")
    func reaped() throws {
        var living = try Launchpad.launch(["sleep", "1000"])
        try living.child.deliver(.kill)
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { (try? living.child.peekExit()) == .signal(SIGKILL, coreDumped: false) })
        #expect(try living.child.deliver(.terminate))
        #expect(try living.child.reap() == .signal(SIGKILL, coreDumped: false))
        #expect(try !living.child.deliver(.terminate))
        #expect(try !living.child.deliverToGroup(.terminate))
        let refusal = #expect(throws: KernelFailure.self) { _ = try living.child.reap() }
        #expect(refusal?.errorNumber == ECHILD)
    }

    @Test("a signal to the group reaches the children of the child")
    func group() throws {
        var living = try Launchpad.launch(["sh", "-c", "sleep 1000 & sleep 1000 & wait"])
        let pid = living.child.pid
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { ProcessTree.members(of: pid).members.count == 3 })
        let members = ProcessTree.members(of: pid).members
        try living.child.deliverToGroup(.kill)
        #expect(try Launchpad.end(of: &living.child) == .signal(SIGKILL, coreDumped: false))
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { members.allSatisfy { $0.isGone } })
    }

    @Test("a tree is read with parents before children, and cut at the limit")
    func members() throws {
        var living = try Launchpad.launch(["sh", "-c", "sh -c 'sleep 1000; :' & sleep 1000; :"])
        let pid = living.child.pid
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { ProcessTree.members(of: pid).members.count == 4 })
        let reading = ProcessTree.members(of: pid)
        #expect(!reading.isTruncated)
        #expect(reading.members.first?.identity.pid == pid)
        var known: Set<Int32> = [getpid()]
        for member in reading.members {
            #expect(known.contains(member.parent))
            #expect(member.group == pid)
            known.insert(member.identity.pid)
        }
        let cut = ProcessTree.members(of: pid, limit: 2)
        #expect(cut.members.count == 2 && cut.isTruncated)
        #expect(ProcessTree.end([reading.members[0].identity]) == 4)
        #expect(try Launchpad.end(of: &living.child) == .signal(SIGKILL, coreDumped: false))
        #expect(ProcessTree.members(of: pid).members.isEmpty)
    }

    @Test("what is stopped is woken, so that it sees its SIGTERM")
    func woken() throws {
        // In the background: a foreground command is made with vfork(2), whose parent is not stoppable before the exec.
        var living = try Launchpad.launch(["sh", "-c", "sleep 1000 & wait"])
        let pid = living.child.pid
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { ProcessTree.members(of: pid).members.count == 2 })
        ProcessTree.deliver(Signal(SIGSTOP), to: ProcessTree.members(of: pid).members)
        // Nothing but the status can be expected here; an error is not it.
        #expect(Launchpad.until { ProcessTree.members(of: pid).members.allSatisfy { $0.state == .stopped } })
        #expect(ProcessTree.deliver(.terminate, to: ProcessTree.members(of: pid).members) == 2)
        #expect(try Launchpad.end(of: &living.child) == .signal(SIGTERM, coreDumped: false))
    }

    @Test("a process that got a remembered pid is not signalled")
    func reusedPID() throws {
        var living = try Launchpad.launch(["sleep", "1000"])
        var member = try #require(TreeMember(pid: living.child.pid))
        member.identity.startTicks -= 1
        #expect(ProcessTree.deliver(.kill, to: [member]) == 0)
        #expect(ProcessTree.end([member.identity]) == 0)
        #expect(try living.child.reap() == nil)
        try living.child.deliver(.kill)
        _ = try Launchpad.end(of: &living.child)
    }

    @Test("a name with spaces and parentheses does not shift the fields of stat")
    func oddName() throws {
        let scratch = try Scratch()
        try #require(symlink("/bin/sleep", "\(scratch.path)/a) R 1 (b") == 0)
        var living = try Launchpad.launch(["\(scratch.path)/a) R 1 (b", "1000"])
        #expect(TreeMember(pid: living.child.pid)?.parent == getpid())
        try living.child.deliver(.kill)
        _ = try Launchpad.end(of: &living.child)
    }

    @Test("a worker's environment tells whose it is")
    func trace() throws {
        var living = try Launchpad.launch(["sleep", "1000"])
        let trace = WorkerTrace(pid: living.child.pid)
        #expect(trace?.slot == "group:process_00")
        #expect(trace?.generation == Generation(3))
        #expect(WorkerTrace(pid: 1) == nil)
        try living.child.deliver(.kill)
        _ = try Launchpad.end(of: &living.child)
    }

    @Test("orphans of a worker are found and reaped; our own are left to their pidfds")
    func strangers() async {
        await #expect(processExitsWith: .success) {
            try DaemonProcess.becomeSubreaper()
            // The orphan leaves the session, as a daemon does.
            var living = try Launchpad.launch(["sh", "-c", "setsid sleep 1000 & exit 4"])
            let own = living.child.pid
            try #require(try Launchpad.end(of: &living.child) == .code(4))
            // The shell may end before its child has left the session, and within execve(2) there is no environment.
            #expect(
                Launchpad.until {
                    ProcessTree.orphans(unless: { _ in false }).contains {
                        $0.session != own && WorkerTrace(pid: $0.identity.pid)?.slot == "group:process_00"
                    }
                })
            let orphans = ProcessTree.orphans(unless: { _ in false })
            #expect(orphans.count == 1)
            #expect(orphans.first?.session != own)

            // One of our own ends first: it hides the orphan until it is reaped.
            var second = try Launchpad.launch(["true"])
            let pid = second.child.pid
            // Nothing but the status can be expected here; an error is not it.
            #expect(Launchpad.until { (try? second.child.peekExit()) == .code(0) })
            let hidden = Strangers.reap(unless: { $0 == pid })
            #expect(hidden.hiddenBehind == pid && hidden.reaped.isEmpty)
            #expect(try second.child.reap() == .code(0))

            #expect(ProcessTree.end(orphans.map(\.identity)) >= 1)
            var reaped: [Int32] = []
            let isEmpty = Launchpad.until {
                reaped += Strangers.reap(unless: { _ in false }).reaped
                return !reaped.isEmpty && ProcessTree.orphans(unless: { _ in false }).isEmpty
            }
            #expect(isEmpty)
            #expect(orphans.first.map { reaped.contains($0.identity.pid) } == true)
        }
    }

    @Test("the exit of a process that is not our child is known on kernels that tell it")
    func adopted() throws {
        var living = try Launchpad.launch(["sh", "-c", "kill -TERM $$"])
        let descriptor = Descriptor(owning: dup(living.child.readinessDescriptor))
        #expect(try Launchpad.end(of: &living.child) == .signal(SIGTERM, coreDumped: false))
        var other = Child(adopting: living.child.pid, pidfd: descriptor)
        // Linux 6.15 and later; before that, unknown.
        let status = try other.reap()
        #expect(status == .signal(SIGTERM, coreDumped: false) || status == .unknown)
    }
}

extension TreeMember {
    /// The process has ended, whether it is reaped or not.
    var isGone: Bool {
        guard let now = TreeMember(pid: identity.pid), now.identity == identity else { return true }
        return now.state == .zombie || now.state == .dead
    }
}
