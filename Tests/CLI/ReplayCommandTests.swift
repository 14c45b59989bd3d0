import FoundationEssentials
import Testing
import WardenCore
import WardenOutbound
import WardenWire
import wardenctl

/// Goal: what was recorded of a worker is read page by page, tried under other settings, and told in words.
@Suite struct ReplayCommandTests {
    /// The blocks of a worker that was dark for a while and was only told of.
    private static func blocks() -> [StoredRecord] {
        var health = HealthSpec()
        health.actions[.dark(.emfile)] = .alert
        health.progressPattern = "Batch"
        let program = ProgramSpec(
            name: SlotName(group: "leaky", process: "leaky"), program: "leaky", supervision: SupervisionSpec(),
            launch: LaunchSpec(arguments: ["/bin/cat"]), standardOutput: LogSpec(), standardError: nil, health: health)
        var supervisor = Supervisor(
            groups: [GroupSpec(name: "leaky", priority: 1, programs: [program])], isRecording: true)
        var dice = Dice(seed: 1)
        var records: [StoredRecord] = []
        func tell(_ event: Event, at second: Int64) {
            let now = Moment(
                instant: Instant(nanoseconds: second * 1_000_000_000),
                wall: WallTime(microseconds: (1_792_000_000 + second) * 1_000_000))
            for case .storeRecord(let block) in supervisor.handle(event, at: now, dice: &dice) {
                records.append(StoredRecord(sequence: Int64(records.count) + 5, block: block))
            }
        }
        let worker = WorkerID(slot: SlotID(1), generation: Generation(1))
        tell(.ready, at: 0)
        tell(.worker(worker, .spawned(pid: 7)), at: 0)
        for second in stride(from: Int64(5), to: 800, by: 5) {
            let isDark = second > 400
            let instant = Instant(nanoseconds: second * 1_000_000_000)
            let mark = LogFacts.Mark(line: UInt64(second), at: instant)
            var facts = LogFacts(lastAlive: mark, drainedAt: instant)
            if isDark {
                facts.episodes = [.init(mark: mark, saysDescriptorsExhausted: true, text: "Too many open files")]
            } else {
                facts.lastProgress = mark
                facts.progressLineCount = 1
            }
            tell(.worker(worker, .logged(facts)), at: second)
            let tree = TreeReadings(
                tightest: DescriptorReading(pid: 7, count: isDark ? 255 : 20, softLimit: 256, hardLimit: 256),
                cpuTime: .milliseconds(second * 10))
            tell(.worker(worker, .sampled(Sample(takenAt: instant, readings: .tree(tree)))), at: second)
        }
        tell(.requested(RequestID(1), .storeRecords(.all)), at: 800)
        return records
    }

    private static func page(_ records: ArraySlice<StoredRecord>) -> ControlAnswer {
        let next = records.last.map { JSONValue.integer($0.sequence) } ?? .null
        let document = JSONValue.object(["blocks": .array(records.map(\.json)), "next": next])
        return ControlAnswer(status: 200, body: document.encoded())
    }

    private static func server(_ records: [StoredRecord]) -> FakeServer {
        let server = FakeServer()
        let path = "/api/v1/workers/leaky/samples?after="
        server.documents["\(path)0"] = page(records.prefix(2))
        server.documents["\(path)6"] = page(records.dropFirst(2))
        server.documents["\(path)\(records.last?.sequence ?? 0)"] = page([])
        return server
    }

    /// Lets `body` use a configuration on disk.
    private static func withConfiguration(_ health: String, _ body: (String) async throws -> Void) async throws {
        let path = "/tmp/warden-replay-\(UInt64.random(in: 0 ... .max)).conf"
        let text = """
            [supervisord]
            logfile=/dev/null
            [program:leaky]
            command=/bin/cat
            [health:leaky]
            progress_pattern=Batch
            on_leaking=none
            \(health)
            """
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        try await body(path)
        // What cannot be removed is left to the system's own cleaning.
        try? FileManager.default.removeItem(atPath: path)
    }

    @Test("The same settings: the same verdicts, an alert; another action: one restart and when")
    func replay() async throws {
        let records = Self.blocks()
        try await Self.withConfiguration("on_dark=alert") { path in
            let same = await result(of: "replay leaky --config \(path)", Self.server(records))
            #expect(same.exitCode == 0)
            #expect(same.lines.contains("verdicts: as they were then, all 2"), "\(same.lines)")
            #expect(same.lines.contains("would have restarted never, alerted once:"))
            let other = await result(of: "replay leaky --config \(path) --set on_dark=restart", Self.server(records))
            #expect(other.lines.contains("would have restarted once:"), "\(other.lines)")
            #expect(
                other.lines.contains {
                    $0.hasPrefix(
                        "  2026-10-14 17:53:35 UTC  restart  dark/emfile (proven)  255 of 256 descriptors used")
                }, "\(other.lines)")
            #expect(
                other.lines.contains(
                    "    not done then; the record ends before anything can be said of its outcome"))
            let slower = await result(
                of: "replay leaky --config \(path) --set error_burst=50 in 1h --set confirm=50 of 60 --json",
                Self.server(records))
            let document = try JSONValue(decoding: Array(slower.lines.joined().utf8))
            #expect(document["is_same"]?.bool == false)
            #expect(document["settings"]?.array?.count == 2)
            #expect(document["same_verdicts"]?.integer == 1)
        }
    }

    @Test("A block that is damaged is skipped, and that is said")
    func damaged() async throws {
        var records = Self.blocks()
        records[1].block.bytes[20] ^= 1
        try await Self.withConfiguration("on_dark=alert") { path in
            let said = await result(of: "replay leaky --config \(path)", Self.server(records))
            #expect(said.exitCode == 0)
            #expect(
                said.lines.contains {
                    $0.hasPrefix("  block 6, written from ") && $0.hasSuffix("is skipped: it is damaged")
                })
            #expect(said.lines.contains { $0.contains("are missing; what was confirmed or learned") })
        }
    }

    @Test("What cannot be tried is refused with its reason")
    func refusals() async throws {
        let server = Self.server([])
        try await Self.withConfiguration("on_dark=alert") { path in
            let cases = [
                ("leaky --set interval=1s", "interval cannot be tried: a record holds what was seen"),
                ("leaky --set heartbeat_timout=5m", "[health] has no key heartbeat_timout"),
                ("leaky --set grace", "--set takes KEY=VALUE, not grace"), ("leaky --set grace=x", "grace: "),
                ("nobody", "\(path) has no such program"), ("leaky", "nothing was recorded of it"),
            ]
            for (words, text) in cases {
                let said = await result(of: "replay --config \(path) \(words)", server)
                #expect(said.exitCode == 1 && said.lines.count == 1 && said.lines[0].contains(text), "\(said)")
            }
            #expect(await result(of: "replay leaky --since soon", server).exitCode == 2)
        }
    }
}
