import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite(
    "Control groups of workers", .enabled(if: ControlGroupTree.own()?.isWritable == true, "no writable hierarchy"),
    .serialized)
struct ControlGroupTests {
    /// A tree of the test's own below ours.
    private struct Grove: ~Copyable {
        let tree: ControlGroupTree
        let group: ControlGroup

        static func make(_ name: String) throws -> Grove {
            let own = try #require(ControlGroupTree.own())
            let made = own.make("warden-test-\(name)-\(getpid())")
            guard let group = made else { throw KernelFailure("make", name, EACCES) }
            return Grove(tree: try #require(ControlGroupTree(path: group.path)), group: group)
        }

        deinit {
            // Whatever the test did.
            try? group.killAll()
            _ = group.awaitEmpty(until: MonotonicClock.now() + Launchpad.patience)
            group.remove()
        }
    }

    private static func worker(_ slot: UInt32) -> WorkerID { WorkerID(slot: SlotID(slot), generation: Generation(3)) }

    /// Its directory as a group, so that somebody can be born there.
    static func group(at path: String) throws -> ControlGroup {
        let cut = try #require(path.lastIndex(of: "/"))
        let parent = try #require(ControlGroupTree(path: String(path[..<cut])))
        let group = parent.open(String(path[path.index(after: cut)...]))
        guard let group else { throw KernelFailure("open", path, ENOENT) }
        return group
    }

    static func spawn(_ script: String, in group: borrowing ControlGroup) throws -> Child {
        var plan = Launchpad.plan(["python3", "-c", script])
        plan.descriptors = [-1, 2, 2]
        plan.cgroup = group.descriptor
        let spawned = try Spawner().spawn(plan)
        return spawned.takeChild()
    }

    /// Forks two children at a time, without end but for 200 processes, with sessions of their own and double forks.
    private static let bomb = """
        import os, time
        for turn in range(100):
            if os.fork() == 0:
                if turn % 3 == 0: os.setsid()
                if turn % 2 == 0 and os.fork(): os._exit(0)
                time.sleep(1000)
        time.sleep(1000)
        """

    @Test("a fork bomb, sessions of their own and double forks: nobody is left", arguments: [false, true])
    func bombs(avoidsKillFile: Bool) throws {
        let grove = try Grove.make("bomb")
        let path = grove.group.path
        var child = try Self.spawn(Self.bomb, in: grove.group)
        #expect(Launchpad.until { ControlGroupTree(path: path) != nil && (Self.count(path) > 60) })
        try grove.group.killAll(avoidsKillFile: avoidsKillFile)
        let isEmpty = grove.group.awaitEmpty(until: MonotonicClock.now() + Launchpad.patience)
        #expect(isEmpty)
        #expect(try Launchpad.end(of: &child) == .signal(SIGKILL, coreDumped: false))
        let (isPopulated, isFrozen) = (grove.group.isPopulated, grove.group.isFrozen)
        #expect(isPopulated == false && isFrozen == false)
        let isGone = grove.group.remove()
        #expect(isGone && access(path, F_OK) != 0)
        let after = grove.group.isPopulated
        #expect(after == nil)
        // Nothing to kill, and no error.
        try grove.group.killAll(avoidsKillFile: avoidsKillFile)
    }

    private static func count(_ path: String) -> Int {
        let text = HostFiles.read("\(path)/cgroup.procs")
        guard case .success(let bytes) = text else { return 0 }
        return bytes.count { $0 == 10 }
    }

    @Test("what is frozen stands still and goes on; members, groups below and pressure are told")
    func freezes() throws {
        let grove = try Grove.make("freeze")
        let made = grove.tree.make(Self.worker(12))
        guard let group = made else { throw KernelFailure("make", "12.3", EACCES) }
        try #require(mkdir("\(grove.tree.path)/.control", 0o755) == 0)
        defer { rmdir("\(grove.tree.path)/.control") }
        #expect(grove.tree.names == ["12.3"])
        #expect(grove.tree.workers == [Self.worker(12)])
        var child = try Self.spawn("import time; time.sleep(1000)", in: group)
        let members = group.members
        #expect(members == [child.pid])
        let all = grove.group.members
        #expect(all == members)
        // Taken: a new worker does not share its fate.
        let second = grove.tree.make(Self.worker(12))
        let isRefused = second == nil
        #expect(isRefused)
        try group.freeze(true)
        let deadline = MonotonicClock.now() + Launchpad.patience
        while group.isFrozen != true, MonotonicClock.now() < deadline { sched_yield() }
        let frozen = group.isFrozen
        #expect(frozen == true)
        let isRemoved = group.remove()
        #expect(!isRemoved)
        if access("\(group.path)/cpu.pressure", F_OK) == 0 {
            let share = group.pressure.cpuSomePercent
            #expect(share != nil)
        }
        try group.freeze(false)
        try group.killAll()
        #expect(try Launchpad.end(of: &child) == .signal(SIGKILL, coreDumped: false))
        let isGone = group.remove()
        #expect(isGone)
    }

    @Test("names that would lead elsewhere make no group, and no group is made where none can be")
    func names() throws {
        let grove = try Grove.make("names")
        for name in ["", ".", "..", ".control", "a/b", "/", String(repeating: "x", count: 300)] {
            let made = grove.tree.make(name)
            let isRefused = made == nil
            #expect(isRefused, "\(name)")
        }
        #expect(grove.tree.names.isEmpty)
        #expect(ControlGroupTree(path: "/tmp") == nil && ControlGroupTree(path: "/nowhere") == nil)
    }

    @Test("a worker whose group is gone is started without it, where that is allowed")
    func optional() throws {
        let grove = try Grove.make("optional")
        let made = grove.tree.make(Self.worker(1))
        guard let group = made else { throw KernelFailure("make", "1.3", EACCES) }
        let isGone = group.remove()
        #expect(isGone)
        for way in [Spawner.Avoidance([]), .clone3] {
            var plan = Launchpad.plan(["true"])
            plan.cgroup = group.descriptor
            plan.cgroupIsOptional = true
            #expect(try Launchpad.fly(plan, spawner: Spawner(avoiding: way)).status == .code(0))
        }
    }

    @Test("a name that is lived in is passed over, and who lives where is told by the process")
    func namesakes() throws {
        let grove = try Grove.make("namesake")
        let worker = Self.worker(12)
        func fresh() throws -> ControlGroup {
            guard let group = grove.tree.makeFresh(worker) else { throw KernelFailure("make", "12.3", EACCES) }
            return group
        }
        let first = try fresh()
        var left = try Self.spawn("import time; time.sleep(1000)", in: first)
        let second = try fresh()
        #expect(first.name == "12.3" && second.name == "12.3-2")
        var child = try Self.spawn("import time; time.sleep(1000)", in: second)
        #expect(grove.tree.name(of: worker, pid: child.pid) == "12.3-2")
        #expect(grove.tree.name(of: Self.worker(13), pid: child.pid) == nil)
        // This process is somewhere else; of one that is gone nothing but the first name is left to look at.
        #expect(grove.tree.name(of: worker, pid: getpid()) == nil)
        #expect(grove.tree.name(of: worker, pid: .max) == "12.3")
        #expect(Set(grove.tree.workers) == [worker])
        try second.killAll()
        _ = try Launchpad.end(of: &child)
        // Nobody's, and empty; the other is lived in.
        #expect(grove.tree.removeEmpty { _ in true } == 0)
        #expect(grove.tree.removeEmpty() == 1)
        #expect(grove.tree.names == ["12.3"])
        let outcome = try TreeEnding.end(first, until: MonotonicClock.now() + Launchpad.patience)
        #expect(outcome.ended == 1 && outcome.left == [])
        _ = try Launchpad.end(of: &left)
        #expect(grove.tree.removeEmpty() == 1)
    }

    @Test("a group is prepared where there are groups, and nowhere else")
    func prepared() throws {
        let grove = try Grove.make("prepared")
        let found = try ControlGroupTree.prepared(at: "\(grove.group.path)/made")
        #expect(found.path == "\(grove.group.path)/made" && found.isWritable)
        #expect(rmdir(found.path) == 0)
        for path in ["/tmp", "/nowhere/at/all", "\(grove.group.path)/a/b"] {
            #expect(throws: NoControlGroups.self, "\(path)") { try ControlGroupTree.prepared(at: path) }
        }
    }

    @Test("a group is divided only by whom it was delegated to", arguments: [false, true], [false, true])
    func delegated(isMarked: Bool, isBelow: Bool) async {
        await #expect(processExitsWith: .success) { [isMarked, isBelow] in
            let grove = try Grove.make("delegated")
            let own = isBelow ? "\(grove.group.path)/daemon" : grove.group.path
            if isBelow { try #require(mkdir(own, 0o755) == 0) }
            if isMarked { try Self.mark(grove.group.path) }
            let former = try #require(ControlGroupTree.own())
            try Self.move(to: own)
            // systemd marks the unit's group; the daemon lives there, or one below (DelegateSubgroup=).
            let found = try? ControlGroupTree.delegated()
            try Self.move(to: former.path)
            #expect(found?.path == (isMarked ? grove.group.path : nil))
        }
    }

    /// As systemd does. The header of setxattr(2) is in no module, so the linker is asked.
    private static func mark(_ path: String) throws {
        typealias Set =
            @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, CInt) -> CInt
        let set = unsafeBitCast(try #require(dlsym(nil, "setxattr")), to: Set.self)
        try #require(set(path, "user.delegate", "1", 1, 0) == 0)
    }

    private static func move(to path: String) throws {
        let file = try Descriptor.open("\(path)/cgroup.procs", O_WRONLY)
        try #require(write(file.rawValue, "0", 1) == 1)
    }

    @Test("left-over workers are found in their groups, and outside by their environment")
    func leftOvers() throws {
        let grove = try Grove.make("left")
        let made = grove.tree.make(Self.worker(7))
        guard let group = made else { throw KernelFailure("make", "7.3", EACCES) }
        var inside = try Self.spawn("import time; time.sleep(1000)", in: group)
        var outside = try Launchpad.launch(["sh", "-c", "sleep 1000 & wait"])
        let (first, second) = (inside.pid, outside.child.pid)
        let tree = grove.tree
        let isFound = Launchpad.until {
            let found = LeftOvers.find(below: tree, isKnown: { _ in false }, isOwned: { _ in false })
            let pids = found.map(\.identity.pid)
            return found.contains { $0.identity.pid == first && $0.evidence == .controlGroup(Self.worker(7)) }
                && pids.contains(second) && Set(pids).count == pids.count
                && found.count {
                    $0.identity.pid != first
                        && ProcessTree.members(of: second).members.map(\.identity)
                            .contains($0.identity)
                } == 2
        }
        #expect(isFound)
        let known = LeftOvers.find(
            below: tree, isKnown: { $0 == Self.worker(7) }, isOwned: { $0 == first || $0 == second })
        #expect(!known.contains { $0.identity.pid == first || $0.identity.pid == second })
        for member in ProcessTree.members(of: second).members.dropFirst() {
            #expect(!known.contains { $0.identity == member.identity })
        }
        try inside.deliver(.kill)
        _ = try Launchpad.end(of: &inside)
        ProcTestChild.endTree(of: second)
        try outside.child.deliver(.kill)
        _ = try Launchpad.end(of: &outside.child)
    }
}

@Suite(
    "Ceilings of control groups", .enabled(if: ControlGroupTree.own()?.isWritable == true, "no writable hierarchy"),
    .serialized)
struct ControlGroupCeilingTests {
    /// A controller that this host has, whichever it is: they are all enabled in the same way.
    private static let any = ControlGroupMount.find()?.controllers.sorted().first { $0 != "cpu" && $0 != "cpuset" }

    private static func make(_ name: String) throws -> ControlGroupTree {
        let own = try #require(ControlGroupTree.own())
        let path = "\(own.path)/warden-test-\(name)-\(getpid())"
        try #require(mkdir(path, 0o755) == 0)
        return try #require(ControlGroupTree(path: path))
    }

    private static func group(in tree: ControlGroupTree) throws -> ControlGroup {
        let group = tree.make("1.1")
        guard let group else { throw KernelFailure("make", tree.path, EACCES) }
        return group
    }

    private static func remove(_ tree: ControlGroupTree) {
        for name in tree.names { rmdir("\(tree.path)/\(name)") }
        rmdir(tree.path)
    }

    @Test("a controller is enabled once and for all groups; one that is not there is named")
    func enabling() throws {
        let tree = try Self.make("enabling")
        defer { Self.remove(tree) }
        #expect(throws: NoControlGroups("\(tree.path) has no controller nonsense")) { try tree.enable(["nonsense"]) }
        try tree.enable([])
        guard let any = Self.any, Self.isHandedDown(any, to: tree) else { return }
        try tree.enable([any])
        try tree.enable([any])
        let group = try Self.group(in: tree)
        #expect(ControlGroupTree(path: group.path)?.controllers.contains(any) == true)
    }

    /// A unit without `Delegate=` gets none.
    private static func isHandedDown(_ controller: String, to tree: ControlGroupTree) -> Bool {
        tree.controllers.contains(controller)
    }

    @Test(
        "a group with processes of its own is not divided, and the remedy is named; moved down, they are no hindrance")
    func residents() throws {
        let tree = try Self.make("residents")
        let group = try ControlGroupTests.group(at: tree.path)
        var child = try ControlGroupTests.spawn("import time; time.sleep(1000)", in: group)
        defer { Self.remove(tree) }
        defer {
            // Whatever the test did.
            _ = try? child.deliver(.kill)
            _ = try? Launchpad.end(of: &child)
        }
        if let any = Self.any, Self.isHandedDown(any, to: tree) {
            let trouble = #expect(throws: NoControlGroups.self) { try tree.enable([any]) }
            #expect(trouble?.description.contains("its unit needs DelegateSubgroup=") == true)
        }
        try tree.moveResidentsDown()
        let members = tree.open("daemon")?.members
        #expect(members == [child.pid])
        if let any = Self.any, Self.isHandedDown(any, to: tree) { try tree.enable([any]) }
    }

    @Test("without the controller a ceiling is an error, and nothing is told of use")
    func absent() throws {
        let tree = try Self.make("absent")
        defer { Self.remove(tree) }
        let group = try Self.group(in: tree)
        var failure: KernelFailure?
        do throws(KernelFailure) { try group.hold(ResourceCeilings(tasks: 5)) } catch { failure = error }
        #expect(failure?.errorNumber == ENOENT)
        let usage = group.usage
        #expect(usage.memoryBytes == nil && usage.tasks == nil && usage.memoryKills == nil && usage.refusedTasks == nil)
    }

    @Test(
        "beyond memory_max the whole worker is killed, and counted; beyond tasks_max forks fail",
        .enabled(if: ControlGroupMount.find()?.controllers.isSuperset(of: ["memory", "pids"]) == true))
    func held() throws {
        let tree = try Self.make("held")
        defer { Self.remove(tree) }
        try tree.enable(["memory", "pids"])
        let group = try Self.group(in: tree)
        try group.hold(ResourceCeilings(memoryBytes: 64 << 20, tasks: 20))
        let script = """
            import os, time
            held = 0
            try:
                for _ in range(100):
                    if os.fork() == 0: time.sleep(1000)
            except BlockingIOError:
                held = bytearray(os.urandom(256 << 20))
            """
        var child = try ControlGroupTests.spawn(script, in: group)
        #expect(try Launchpad.end(of: &child) == .signal(SIGKILL, coreDumped: false))
        let usage = group.usage
        #expect(usage.memoryKills ?? 0 > 0 && usage.refusedTasks == 1 && usage.taskMaximum == 20)
        let isEmpty = group.awaitEmpty(until: MonotonicClock.now() + Launchpad.patience)
        #expect(isEmpty)
    }
}

@Suite("Where the control groups are")
struct ControlGroupMountTests {
    private static func mount(_ text: String) -> ControlGroupMount? { ControlGroupMount(mountInfo: Array(text.utf8)) }

    @Test("the unified hierarchy is found beside the older ones, in a container, and under an odd name")
    func mounts() {
        let hybrid = """
            30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
            31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
            32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:10 - cgroup cgroup rw,xattr,name=systemd

            """
        #expect(Self.mount(hybrid)?.path == "/sys/fs/cgroup/unified")
        let part = "31 30 0:27 /box/a /odd\\040place\\134 rw shared:1 master:2 - cgroup2 cgroup rw\n"
        let mount = Self.mount(part)
        #expect(mount?.path == "/odd place\\" && mount?.root == "/box/a")
        #expect(mount?.directory(processGroups: Array("1:name=x:/y\n0::/box/a/b c\n".utf8)) == "/odd place\\/b c")
        #expect(mount?.directory(processGroups: Array("0::/box/a\n".utf8)) == "/odd place\\")
        for text in ["0::/box/ab\n", "0::/\n", "0::/../x\n", "0::/box/a/b (deleted)\n", "0:", "", "1:name=x:/box/a\n"] {
            #expect(mount?.directory(processGroups: Array(text.utf8)) == nil, "\(text)")
        }
        for text in ["", "-", "1 2 3 4 5 6 7", "31 30 0:27 / /x rw -", "31 30 0:27 / /x rw - cgroup cgroup rw"] {
            #expect(Self.mount(text) == nil, "\(text)")
        }
    }

    @Test("any bytes at all are read without a crash")
    func fuzz() {
        var dice = Dice(seed: 9)
        let pieces = ["31 30 0:27 /", " - cgroup2 cgroup rw", "\\04", "\\999", "\n", " ", "-", "/x", "0::/", "\u{FF}"]
        for _ in 0..<5000 {
            let text = (0..<(dice.next() % 12)).map { _ in pieces[Int(dice.next() % 10)] }.joined()
            _ = Self.mount(text)?.directory(processGroups: Array(text.utf8))
        }
    }
}
