import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: first aid reaches the process that it is meant for, and no other.
@Suite struct FirstAidTests {
    @Test("Who has all that it may have, and who is not of the tree, is left alone")
    func refusals() throws {
        let before = try ResourceLimit.read(ResourceLimit.descriptors).limit
        let all = FirstAid.raise(getpid(), inTreeOf: getpid(), atMost: Int(clamping: before.soft))
        guard case .refused(let reason) = all else {
            Issue.record("\(all)")
            return
        }
        #expect(reason.contains("all that it may have"))
        let stranger = FirstAid.raise(getppid(), inTreeOf: getpid(), atMost: 1 << 20)
        #expect(stranger == .refused(reason: "pid \(getppid()) is not of this worker any more"))
        #expect(try ResourceLimit.read(ResourceLimit.descriptors).limit == before)
    }

    @Test("Nobody: the errno says so")
    func nobody() {
        let answer = FirstAid.raise(4_194_303, inTreeOf: getpid(), atMost: 1 << 20)
        guard case .refused(let reason) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.contains("No such process"))
    }

    @Test(arguments: [
        (
            "some", "some avg10=53.33 avg60=79.66 avg300=71.63 total=96\nfull avg10=1.50 avg60=0 avg300=0 total=0\n",
            53.33
        ),
        ("full", "some avg10=53.33 avg60=79.66 avg300=71.63 total=96\nfull avg10=1.50 avg60=0 avg300=0 total=0\n", 1.5),
        ("full", "some avg10=53.33 avg60=79.66\n", nil), ("some", "", nil), ("some", "some avg10=x", nil),
    ])
    func pressure(_ kind: String, _ text: String, _ expected: Double?) {
        #expect(PressureGauge.share(kind, in: text) == expected)
    }

    @Test("A gauge reads one at a time, and what is old says nothing")
    func gauge() {
        let gauge = PressureGauge()
        #expect(gauge.begins() && !gauge.begins())
        gauge.read()
        #expect(gauge.begins())
        gauge.abandon()
        #expect(gauge.pressure(at: MonotonicClock.now() + .seconds(60), noOlderThan: .seconds(10)) == nil)
    }

    @Test("Local time less UTC is a matter of hours")
    func offset() {
        #expect(abs(LocalClock.utcOffsetSeconds(at: WallClock.now())) <= 14 * 3600)
    }
}
