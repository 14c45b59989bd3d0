import Glibc
import Testing
import WardenCore

/// Goal: what judging a worker costs per sample, in time and in memory. The very `Supervisor` of the daemon is fed with
/// samples and log facts of twenty workers that sample every five seconds. Each line is one row of `make bench`.
@Suite(.serialized) struct ClassificationBenchmarks {
    /// A crowd of workers that all live the same life.
    struct Crowd {
        static let interval = 5.0

        var supervisor: Supervisor
        var dice = Dice(seed: 1)
        var clock = 0.0
        var workers: [WorkerID] = []
        var directives = 0
        /// Of recorded samples.
        var recordBytes = 0
        private var line: UInt64 = 0

        init(_ count: Int, isRecording: Bool = true) {
            var health = HealthSpec()
            health.heartbeatTimeout = .seconds(300)
            health.progressPattern = "Batch"
            health.errorPattern = "error"
            health.rssLimitBytes = 14 << 30
            health.actions[.dark(.emfile)] = .alert
            health.actions[.hung(.silent)] = .alert
            let programs = (0..<count).map { number in
                ProgramSpec(
                    name: SlotName(group: "crowd", process: "w\(number)"), program: "crowd",
                    supervision: SupervisionSpec(), launch: LaunchSpec(arguments: ["/bin/worker"]),
                    standardOutput: LogSpec(), standardError: nil, health: health)
            }
            let group = GroupSpec(name: "crowd", priority: 999, programs: programs, maximumUnavailable: .count(1))
            supervisor = Supervisor(groups: [group], isShadow: false, sharedCauseWindow: nil, isRecording: isRecording)
            for case .spawn(let worker, _, _, _) in supervisor.handle(.ready, at: now, dice: &dice) {
                workers.append(worker)
            }
            for (number, worker) in workers.enumerated() {
                tell(.worker(worker, .spawned(pid: 1000 + Int32(number))))
            }
            clock += 2
            tell(.timeReached)
            directives = 0
        }

        var now: Moment {
            Moment(
                instant: Instant(nanoseconds: Int64(clock * 1e9)),
                wall: WallTime(microseconds: 1_800_000_000_000_000 + Int64(clock * 1e6)))
        }

        mutating func tell(_ event: Event) {
            let orders = supervisor.handle(event, at: now, dice: &dice)
            directives += orders.count
            for case .storeRecord(let block) in orders { recordBytes += block.bytes.count }
        }

        /// So many intervals of a life, in which the descriptors and the counters stand at what `readings` says.
        mutating func live(
            _ intervals: Int, error: String? = nil, progress: Bool = true, _ readings: (_ step: Int) -> TreeReadings
        ) {
            for step in 0..<intervals {
                clock += Self.interval
                line += 1
                let tree = readings(step)
                var facts = LogFacts(drainedAt: now.instant)
                if progress || error != nil { facts.lastAlive = .init(line: line, at: now.instant) }
                if progress {
                    facts.lastProgress = facts.lastAlive
                    facts.progressLineCount = 1
                }
                if let error {
                    facts.episodes = [
                        .init(
                            mark: .init(line: line, at: now.instant), saysDescriptorsExhausted: true, text: error)
                    ]
                }
                let sample = Sample(takenAt: now.instant, readings: .tree(tree))
                for worker in workers {
                    tell(.worker(worker, .logged(facts)))
                    tell(.worker(worker, .sampled(sample)))
                }
                if let due = supervisor.nextDeadline(), due <= now.instant { tell(.timeReached) }
            }
        }
    }

    /// Enough for a steady figure; few where nothing is optimised.
    private static let intervals = _isDebugAssertConfiguration() ? 50 : 2000

    private static func tree(_ step: Int, fds: Int = 40, moves: Bool = true) -> TreeReadings {
        let counter = UInt64(moves ? step + 1 : 1) << 12
        return TreeReadings(
            processCount: 2,
            tightest: DescriptorReading(pid: 100, count: fds, softLimit: 65536, hardLimit: 65536),
            rootRSSBytes: 1 << 30, treeRSSBytes: (6 << 30) + Int64(step % 7) << 20,
            io: IOReading(readBytes: counter, writtenBytes: counter, readCalls: counter, writeCalls: counter),
            cpuTime: .milliseconds(moves ? 300 * step : 1000), threadCount: 20, rootState: .sleeping,
            stoppedDescendantCount: 0, isFrozen: false, heartbeatFileMark: nil)
    }

    /// Bytes that are allocated now.
    private static func allocated() -> Int {
        var size = 0
        // What the kernel says is resident is coarse; the crowd is large enough for that.
        if let file = fopen("/proc/self/statm", "r") {
            var total = 0
            withUnsafeMutablePointer(to: &total) { total in
                withUnsafeMutablePointer(to: &size) { size in
                    _ = withVaList([total, size]) { vfscanf(file, "%ld %ld", $0) }
                }
            }
            fclose(file)
        }
        return size * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    private func say(_ name: String, _ crowd: Crowd, samples: Int, since began: Instant) {
        let each = (Self.now() - began).inSeconds * 1e6 / Double(samples)
        print("classify, \(name): \((each * 100).rounded() / 100) us a sample with its line")
        #expect(each < 1000)
    }

    /// This thread's own time on a CPU: the host may be busy.
    private static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    @Test(arguments: ["healthy", "leaking", "dark", "silent", "healthy and not recorded"])
    func sample(_ life: String) {
        var crowd = Crowd(20, isRecording: life != "healthy and not recorded")
        crowd.live(100) { Self.tree($0) }
        let (directives, recordBytes) = (crowd.directives, crowd.recordBytes)
        let began = Self.now()
        switch life {
        case "healthy", "healthy and not recorded": crowd.live(Self.intervals) { Self.tree($0 + 100) }
        case "leaking": crowd.live(Self.intervals) { Self.tree($0 + 100, fds: 40 + $0) }
        case "dark":
            crowd.live(Self.intervals, error: "Too many open files", progress: false) {
                Self.tree($0 + 100, fds: 65535)
            }
        default: crowd.live(Self.intervals, progress: false) { Self.tree($0, moves: false) }
        }
        say(life, crowd, samples: Self.intervals * crowd.workers.count, since: began)
        let each = Double(crowd.directives - directives) / Double(Self.intervals * crowd.workers.count)
        print("classify, \(life): \((each * 1000).rounded() / 1000) directives a sample")
        let bytes = Double(crowd.recordBytes - recordBytes) / Double(Self.intervals * crowd.workers.count)
        print("classify, \(life): \((bytes * 10).rounded() / 10) bytes recorded a sample")
    }

    /// Goal: bounded bytes. A day and six days must cost the same.
    @Test func memory() {
        let count = 500
        let before = Self.allocated()
        var crowd = Crowd(count)
        let booted = Self.allocated()
        crowd.live(Self.intervals / 5) { Self.tree($0) }
        let lived = Self.allocated()
        print("classify, memory: \((booted - before) / count) bytes a worker at the start")
        print("classify, memory: \((lived - before) / count) bytes a worker after \(Self.intervals / 5) samples")
        print("classify, memory: \(MemoryLayout<HealthTracker>.size) bytes of them in its tracker's own struct")
        #expect(crowd.workers.count == count)
    }
}
