import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: a drill takes a process's free descriptors away, and gives them back.
@Suite struct DescriptorDrillTests {
    @Test("A process that is full cannot open anything, and can again afterwards")
    func lowersAndRestores() async {
        // In a process of its own: the other tests need their descriptors.
        await #expect(processExitsWith: .success) {
            let before = try ResourceLimit.read(ResourceLimit.descriptors).limit.soft
            guard case .lowered(let pid, let from, let to) = DescriptorDrill.lower(getpid(), inTreeOf: getpid()) else {
                exit(1)
            }
            guard pid == getpid(), from == Int(clamping: before), to < from else { exit(2) }
            guard open("/dev/null", O_RDONLY) == -1, errno == EMFILE else { exit(3) }
            // Needs descriptors itself, which the daemon has and this process does not: as high as it was again.
            try ResourceLimit(resource: ResourceLimit.descriptors, limit: .init(soft: UInt64(to) + 16, hard: before))
                .apply()
            guard DescriptorDrill.restore(pid, inTreeOf: pid, from: to + 16, to: from).isEmpty else { exit(4) }
            guard try ResourceLimit.read(ResourceLimit.descriptors).limit.soft == before else { exit(5) }
        }
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
