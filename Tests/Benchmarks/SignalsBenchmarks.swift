import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: the figures of the signals half of the edge, printed, with bounds that only a mistake in kind can break.
@Suite(.serialized) struct SignalsBenchmarks {
    private static let block = Array(repeatElement(line, count: 655).joined())
    private static let line = Array(
        "2026-04-29 12:00:00 [info     ] [GPU 0] something ordinary that happened here, with a number 12345\n".utf8)

    private func workerRules() throws -> ScanRules {
        ScanRules(
            alive: try Pattern("Checking for jobs for|No jobs found|Processing job \\d+"),
            progress: try Pattern("\\] Batch \\d+: |\\] Done, detections:"),
            error: try Pattern("Failed to fetch jobs from|\\[error\\s*\\]"))
    }

    @Test func scannerThroughput() throws {
        let scanner = LineScanner(rules: try workerRules(), tools: try ScanTools())
        let rounds = 2000
        let cost = Cost.begin()
        Self.block.withUnsafeBytes { bytes in
            for _ in 0..<rounds { scanner.take(bytes, from: .standardOutput, at: .origin) }
        }
        let bytes = rounds * Self.block.count
        print("scanner, three patterns on 100-byte lines: \(cost.end(bytes: bytes))")
        #expect(scanner.lineCount == UInt64(rounds * 655))
        #expect(cost.elapsed.inSeconds < 60)
    }

    /// Method: a child writes through a pipe; the log rotates every 50 MB. CPU is the daemon's side alone.
    @Test(arguments: [65_500, 100]) func pumpThroughput(writeBytes: Int) throws {
        let directory = "/tmp/warden-benchmark-\(getpid())"
        try #require(mkdir(directory, 0o700) == 0)
        defer {
            for name in ["log", "log.1", "log.2"] { _ = unlink("\(directory)/\(name)") }
            _ = rmdir(directory)
        }
        let total = writeBytes > 1000 ? 655_000_000 : 30_000_000
        let closed = try Mailbox<Bool>(capacity: 1)
        let pump = try Pump(reports: PumpReports(facts: { _, _ in }, closed: { _ in _ = closed.post(true) }))
        defer { pump.stop() }
        let id = WorkerID(slot: SlotID(1), generation: Generation(1))
        let target = LogTarget.file(path: "\(directory)/log", maximumBytes: 50_000_000, backupCount: 2)
        let script = """
            import os
            line = b'2026-04-29 12:00:00 [info     ] [GPU 0] something ordinary happened'.ljust(99, b'x') + b'\\n'
            block = line * (\(writeBytes) // 100)
            for _ in range(\(total) // len(block)): os.write(1, block)
            """
        let ends = try Pipe().takeEnds()
        let writer = Descriptor(owning: ends.writer)
        let posting = pump.attach(
            id, .standardOutput, Descriptor(owning: ends.reader), to: target, rules: try workerRules())
        #expect(posting == .accepted)
        let cost = Cost.begin()
        var child = try BenchmarkChild.start(["python3", "-c", script], output: writer.rawValue)
        try child.wait()
        #expect(pump.workerExited(id) == .accepted)
        close(writer.take())
        #expect(closed.wait(until: nil))
        print("pump, writes of \(writeBytes) bytes, rotation, three patterns: \(cost.end(bytes: total))")
        #expect(cost.elapsed.inSeconds < 300)
    }

    @Test func fifteenThousandDescriptorsCostTheSamplerWhatAHundredDo() throws {
        var costs: [Double] = []
        for (way, pipes) in [("stat", 50), ("stat", 7500), ("readdir", 50), ("readdir", 7500)] {
            let script = """
                import os, resource, time
                hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                keep = [os.pipe() for _ in range(\(pipes))]
                os.write(1, b'x')
                time.sleep(1000)
                """
            let child = try BenchmarkChild.start(["python3", "-c", script], output: nil)
            try child.waitForByte()
            let reader = try ProcReader(fallbacks: way == "stat" ? [] : .countByReading)
            let rounds = way == "stat" ? 2000 : 50
            let cost = try microseconds(rounds) { #expect(reader.read(child.pid) != .failure(ESRCH)) }
            print("sample of a worker with \(2 * pipes) pipe ends by \(way): \(cost) µs")
            costs.append(cost)
        }
        #expect(costs[1] < 3 * costs[0])
    }

    @Test func twoHundredWorkersAreCheapToSample() throws {
        var pids: [Int32] = []
        let script = "for i in $(seq 200); do sleep 1000 & echo $!; done; echo 0; wait"
        let child = try BenchmarkChild.start(["sh", "-c", script], output: nil)
        while true {
            let pid = try #require(Int32(try child.line()))
            if pid == 0 { break }
            pids.append(pid)
        }
        let reader = try ProcReader()
        let cost = try microseconds(20) { for pid in pids { _ = reader.read(pid) } } / 200
        let share = cost * 1000 / 5_000_000 * 100
        print("sample of one of 200 workers: \(cost) µs; 1,000 every 5 s: \(share) % of a core")
        #expect(cost < 2000)
    }

    private func microseconds(_ rounds: Int, _ body: () throws -> Void) throws -> Double {
        try body()
        let began = MonotonicClock.now()
        for _ in 0..<rounds { try body() }
        return ((MonotonicClock.now() - began).inSeconds * 1e6 / Double(rounds) * 10).rounded() / 10
    }
}

/// Wall time and CPU time of this process since a moment.
private struct Cost {
    let began: Instant
    let cpu: Double

    static func begin() -> Cost { Cost(began: MonotonicClock.now(), cpu: cpuSeconds()) }

    var elapsed: Duration { MonotonicClock.now() - began }

    func end(bytes: Int) -> String {
        let gigabytes = Double(bytes) / 1e9
        let speed = gigabytes / elapsed.inSeconds
        let perGigabyte = (Self.cpuSeconds() - cpu) / gigabytes
        return "\((speed * 1000).rounded() / 1000) GB/s, \((perGigabyte * 1000).rounded() / 1000) CPU s/GB"
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        let micros = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(micros) / 1e6
    }
}

/// A child with its output where the benchmark wants it.
struct BenchmarkChild: ~Copyable {
    var child: Child
    private let output: Descriptor

    private init(child: consuming Child, output: consuming Descriptor) {
        self.child = child
        self.output = output
    }

    static func start(_ arguments: [String], output: CInt?) throws -> BenchmarkChild {
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        let ends = try Pipe().takeEnds()
        let reader = Descriptor(owning: ends.reader)
        let writer = Descriptor(owning: ends.writer)
        let mark = WorkerMark(
            name: SlotName(group: "benchmark", process: "benchmark"), generation: Generation(1), restartCount: 0)
        var plan = SpawnPlan(
            launch: LaunchSpec(arguments: arguments), mark: mark, base: BaseEnvironment(["PATH": "/usr/bin:/bin"]),
            descriptors: [])
        plan.descriptors = [null.rawValue, output ?? writer.rawValue, 2]
        return BenchmarkChild(child: try Spawner().spawn(plan).takeChild(), output: reader)
    }

    deinit {
        // The group: the shell's children, too. It may be gone already.
        _ = try? child.deliverToGroup(.kill)
        _ = waitpid(child.pid, nil, 0)
    }

    var pid: Int32 { child.pid }

    mutating func wait() throws {
        var poller = try Poller()
        try poller.add(child.readinessDescriptor, token: 1, .readable)
        while try child.reap() == nil { _ = try poller.wait(until: nil) }
    }

    func waitForByte() throws {
        var byte: UInt8 = 0
        try #require(read(output.rawValue, &byte, 1) == 1)
    }

    func line() throws -> String {
        var bytes: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            try #require(read(output.rawValue, &byte, 1) == 1)
            if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
    }
}
