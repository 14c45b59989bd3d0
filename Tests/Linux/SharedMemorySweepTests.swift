import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: of an old tree's files in /dev/shm those of the dead go, and nothing else ever does.
@Suite struct SharedMemorySweepTests {
    /// No process has it: the kernel's highest pid is below.
    static let dead: Int32 = 4_194_304

    @Test("A real /dev/shm: the files of the dead go, those of the living and of strangers stay")
    func sweeps() throws {
        let living = getpid()
        let names = [
            "torch_\(Self.dead)_1191434961_2", "torch_\(Self.dead)_77", "torch_\(living)_1191434961_2",
            "torch_\(Self.dead - 1)_1191434961_2", "torch_\(Self.dead)_x_2", "torch_\(Self.dead)",
            "xtorch_\(Self.dead)_1_2",
        ]
        for name in names { make("/dev/shm/\(name)", bytes: 4096) }
        defer { for name in names { _ = unlink("/dev/shm/\(name)") } }
        let outcome = SharedMemorySweep.sweep(of: [Self.dead, living], ownedBy: geteuid())
        #expect((outcome.files, outcome.bytes) == (2, 8192))
        #expect(outcome.problem == nil)
        #expect(names.map { access("/dev/shm/\($0)", F_OK) == 0 } == [false, false, true, true, true, true, true])
    }

    @Test("Links, directories, pipes and the files of others stay")
    func onlyRegularFilesOfItsUser() throws {
        let directory = try ScratchDirectory()
        let target = directory.file("target")
        make(target, bytes: 1)
        func name(_ counter: Int) -> String { directory.file("torch_\(Self.dead)_1_\(counter)") }
        #expect(symlink(target, name(1)) == 0)
        #expect(mkdir(name(2), 0o700) == 0)
        #expect(mkfifo(name(3), 0o600) == 0)
        make(name(4), bytes: 1)
        var outcome = SharedMemorySweep.sweep(directory.path, of: [Self.dead], ownedBy: geteuid() + 1)
        #expect(outcome.files == 0)
        outcome = SharedMemorySweep.sweep(directory.path, of: [Self.dead], ownedBy: geteuid())
        #expect(outcome.files == 1)
        #expect((1...4).map { lstat(name($0)) } == [true, true, true, false])
        #expect(access(target, F_OK) == 0)
        rmdir(name(2))
    }

    @Test("A directory that is a link, or is not there, is said to be the problem")
    func badDirectory() throws {
        let directory = try ScratchDirectory()
        #expect(symlink("/dev/shm", directory.file("link")) == 0)
        for path in [directory.file("link"), directory.file("none")] {
            let outcome = SharedMemorySweep.sweep(path, of: [Self.dead], ownedBy: geteuid())
            #expect(outcome.files == 0)
            #expect(outcome.problem?.hasPrefix("cannot open \(path): ") == true)
        }
    }

    @Test(
        "Names as torch makes them, and others",
        arguments: [
            ("torch_3427_1191434961_2", 3427), ("torch_3427_1191434961", 3427), ("torch_3427", nil),
            ("torch_3427_", nil), ("torch_-1_2_3", nil), ("torch_3427_1_2_3", nil), ("torch_99999999999_1_2", nil),
            ("torch_34a_1_2", nil), ("sem.torch_1_2_3", nil), ("torch__1_2", nil),
        ] as [(String, Int32?)])
    func names(_ name: String, _ pid: Int32?) {
        #expect(SharedMemorySweep.creator(of: name) == pid)
    }

    private func make(_ path: String, bytes: Int) {
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        #expect(file >= 0 && ftruncate(file, bytes) == 0)
        close(file)
    }

    private func lstat(_ path: String) -> Bool {
        var status = stat()
        return Glibc.lstat(path, &status) == 0
    }
}

/// Goal: whoever was seen of a tree is known after its end, with those that outlive it, and nobody else.
@Suite struct TreeRecordTests {
    @Test("A child that outlives its parent is a survivor, until it ends")
    func survivors() throws {
        let child = try ProcTestChild.start(
            """
            import os, sys, time
            pid = os.fork()
            if pid == 0:
                os.setsid()
                time.sleep(1000)
            print(pid)
            time.sleep(1000)
            """)
        let grandchild = try #require(Int32(try child.line()))
        let record = TreeRecord()
        record.began(child.pid)
        record.saw(ProcessTree.members(of: child.pid).members.map(\.identity.pid))
        #expect(record.pids == [child.pid, grandchild])
        #expect(record.survivors { _ in false }.map(\.identity.pid) == [child.pid, grandchild].sorted())
        let root = child.pid
        #expect(record.survivors { $0 == root }.map(\.identity.pid) == [grandchild])
        let identity = try #require(TreeMember(pid: grandchild)?.identity)
        #expect(ProcessTree.end([identity]) == 1)
        let deadline = MonotonicClock.now() + .seconds(10)
        while !record.survivors(unless: { $0 == root }).isEmpty, MonotonicClock.now() < deadline { sched_yield() }
        #expect(record.survivors { $0 == root }.isEmpty)
        // Its zombie is there until somebody reaps it; nothing of it counts as alive.
        #expect(record.pids == [child.pid, grandchild])
    }

    @Test("The dead are forgotten, and a record has an end")
    func bounded() {
        let record = TreeRecord()
        record.began(getpid())
        record.saw([getpid(), 4_194_304])
        #expect(record.pids == [getpid()])
        record.forgetTheDead()
        #expect(record.pids == [getpid()])
    }
}
