import Testing
import WardenCore
import WardenLinux
import WardenRuntime

/// Goal: the service manager is told that the daemon lives only while each of its threads does.
@Suite struct LoopBeatsTests {
    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private let pump = LoopBeat(at: .origin)
    private let scribe = LoopBeat(at: .origin)
    private var beats: LoopBeats {
        LoopBeats(loops: [.init(name: "pump", beat: pump), .init(name: "scribe", beat: scribe)])
    }

    @Test("Trap: an internal loop is stuck: no WATCHDOG=1, and its name is said")
    func stuckLoop() {
        #expect(beats.examine(at: Self.at(10)).mayPing)
        pump.turned(at: Self.at(8))
        let late = beats.examine(at: Self.at(12))
        #expect(!late.mayPing)
        #expect(late.doubts == ["scribe late 12s"])
        scribe.turned(at: Self.at(13))
        #expect(beats.examine(at: Self.at(14)).mayPing)
    }

    @Test("A declared call may take as long as it likes: past its deadline it is said, never a missing ping")
    func declaredCall() {
        pump.turned(at: Self.at(100))
        scribe.turned(at: Self.at(100))
        scribe.entered(.writeHistory, at: Self.at(100), deadline: Self.at(105))
        pump.turned(at: Self.at(140))
        let stuck = beats.examine(at: Self.at(140))
        #expect(stuck.mayPing)
        #expect(stuck.waits == ["write history: stuck 40s"])
        #expect(stuck.doubts.isEmpty)
        pump.entered(.writeLog, at: Self.at(120), deadline: Self.at(125))
        #expect(beats.examine(at: Self.at(140)).doubts == ["write log: stuck 20s"])
        pump.left()
        scribe.left()
        #expect(!beats.examine(at: Self.at(140)).mayPing)
    }
}
