import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: a drill takes a process's free descriptors away, and gives them back.
@Suite struct DescriptorDrillTests {
    @Test("A process that is full cannot open anything, and can again afterwards")
    func lowersAndRestores() throws {
        let child = try ProcTestChild.start(
            """
            import os, signal
            def look(*_):
                try:
                    os.close(os.open('/dev/null', os.O_RDONLY))
                    print('opened')
                except OSError as error:
                    print('errno', error.errno)
            signal.signal(signal.SIGUSR1, look)
            os.close(os.dup2(0, 40))
            print('ready')
            while True:
                signal.pause()
            """)
        #expect(try child.line() == "ready")
        let before = try ResourceLimit.read(ResourceLimit.descriptors, of: child.pid).limit
        let answer = DescriptorDrill.lower(child.pid, inTreeOf: child.pid)
        #expect(answer == .lowered(pid: child.pid, from: Int(clamping: before.soft), to: 3))
        try child.child.deliver(Signal(10))
        #expect(try child.line() == "errno \(EMFILE)")
        // Somebody else has changed it meanwhile: it is not ours to give back.
        #expect(DescriptorDrill.restore(child.pid, inTreeOf: child.pid, from: 4, to: 64).isEmpty)
        #expect(try ResourceLimit.read(ResourceLimit.descriptors, of: child.pid).limit.soft == 3)
        let soft = Int(clamping: before.soft)
        #expect(DescriptorDrill.restore(child.pid, inTreeOf: child.pid, from: 3, to: soft).isEmpty)
        #expect(try ResourceLimit.read(ResourceLimit.descriptors, of: child.pid).limit == before)
        try child.child.deliver(Signal(10))
        #expect(try child.line() == "opened")
    }

    @Test("Strangers and the dead are left alone")
    func refusals() {
        #expect(
            DescriptorDrill.lower(getppid(), inTreeOf: getpid())
                == .refused(reason: "pid \(getppid()) is not of this worker any more"))
        guard case .refused(let reason) = DescriptorDrill.lower(4_194_303, inTreeOf: getpid()) else {
            Issue.record("lowered nobody's limit")
            return
        }
        #expect(reason.contains("No such process"))
        #expect(DescriptorDrill.restore(getpid(), inTreeOf: getpid(), from: 3, to: 4).isEmpty)
    }
}
