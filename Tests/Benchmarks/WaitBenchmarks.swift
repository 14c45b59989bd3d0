import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: what a reading of waits costs, for a tree of fifty threads. A worker that moves is never read.
@Suite(.serialized) struct WaitBenchmarks {
    @Test func fiftyThreads() throws {
        let script = """
            import os, queue, threading
            for _ in range(49): threading.Thread(target=lambda: queue.Queue().get(), daemon=True).start()
            os.write(1, b'x')
            queue.Queue().get()
            """
        let child = try BenchmarkChild.start(["python3", "-c", script], output: nil)
        try child.waitForByte()
        let waits = try WaitReader()
        while waits.read(child.pid, until: .distantFuture).report.closure != .closed { sched_yield() }
        for stacks in [false, true] {
            let rounds = 100
            let begin = MonotonicClock.now()
            for _ in 0..<rounds {
                #expect(waits.read(child.pid, stacks: stacks, until: .distantFuture).rows.count == 50)
            }
            let each = (MonotonicClock.now() - begin).inSeconds * 1e6 / Double(rounds)
            print("waits of 50 threads\(stacks ? " with kernel stacks" : ""): \(Int(each)) us a reading")
            #expect(each < 500_000)
        }
    }

    /// What a healthy worker pays: the comparison of two samples.
    @Test func whoMovesPaysAComparison() {
        var watch = WaitWatch()
        var tree = TreeReadings()
        let rounds = 1_000_000
        let begin = MonotonicClock.now()
        for round in 0..<rounds {
            let before = tree
            tree.voluntarySwitches = UInt64(round)
            watch.sampled(tree, before: before)
        }
        let each = (MonotonicClock.now() - begin).inSeconds * 1e9 / Double(rounds)
        print("a sample of a worker that moves: \(Int(each)) ns")
        #expect(!watch.isDue(at: .distantFuture))
        #expect(each < 100_000)
    }
}
