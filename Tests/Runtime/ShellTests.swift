import Testing
import WardenCore
import WardenRuntime

/// A machine that does nothing but remember what it was told, and answers with what a test gave it.
private struct RecordingMachine: Machine, ~Copyable {
    /// Every verb, in order.
    var record: [String] = []
    /// Every deadline that was waited for.
    var deadlines: [Instant?] = []
    /// What each turn brings, the first one first.
    var turns: [[Event]] = []
    /// How much time each turn takes.
    var turnLength: Duration = .zero
    var clock = Instant.origin

    mutating func now() -> Moment {
        Moment(instant: clock, wall: WallTime(microseconds: 1_800_000_000_000_000 + clock.nanoseconds / 1000))
    }

    mutating func waitForEvents(until deadline: Instant?, into events: inout [Event]) {
        deadlines.append(deadline)
        clock = clock + turnLength
        guard !turns.isEmpty else { return }
        events += turns.removeFirst()
    }

    mutating func spawn(_ worker: WorkerID, _ spec: ProgramSpec, restartCount: Int, reason: RestartReason?) {
        record.append("spawn \(spec.name.process).\(worker.generation.number) \(reason?.name ?? "first")")
    }

    mutating func signal(_ worker: WorkerID, _ signal: Signal, _ reach: Reach) {
        record.append("signal \(signal.number) \(reach) \(worker.slot.number).\(worker.generation.number)")
    }

    mutating func release(_ worker: WorkerID, sweep: Bool) {
        record.append("release \(worker.slot.number).\(worker.generation.number) \(sweep)")
    }

    mutating func collectForensics(_ worker: WorkerID, budget: Duration, command: String?) {
        record.append("forensics \(worker.slot.number).\(worker.generation.number)")
    }

    mutating func takeCensus(of worker: WorkerID) {
        record.append("census \(worker.slot.number).\(worker.generation.number)")
    }

    mutating func readWaits(_ worker: WorkerID) {
        record.append("waits \(worker.slot.number).\(worker.generation.number)")
    }

    mutating func runHook(_ worker: WorkerID, _ hook: Hook, command: String, timeout: Duration) {
        record.append("hook \(hook) \(command)")
    }

    mutating func probe(_ worker: WorkerID, _ probe: HealthSpec.Probe, timeout: Duration) {
        record.append("probe \(probe)")
    }

    mutating func examineSuccessor(of supervisor: Supervisor, for request: RequestID?) {
        record.append("examine \(request?.number ?? 0)")
    }

    mutating func raiseDescriptorLimit(of worker: WorkerID, pid: Int32) { record.append("aid \(pid)") }
    mutating func examine(_ worker: WorkerID, budget: Duration, command: String?) {
        record.append("examine \(worker.slot.number).\(worker.generation.number)")
    }
    mutating func prepareRespawn(_ worker: WorkerID, _ spec: RespawnSpec, launch: LaunchSpec) {
        record.append("prepare \(worker.slot.number).\(worker.generation.number)")
    }
    mutating func lowerDescriptorLimit(of worker: WorkerID, pid: Int32) { record.append("lower \(pid)") }
    mutating func restoreDescriptorLimit(of worker: WorkerID, pid: Int32, from lowered: Int, to soft: Int) {
        record.append("restore \(pid)")
    }

    mutating func queryDemand(_ worker: WorkerID, url: String, timeout: Duration) {
        record.append("query \(url)")
    }

    mutating func holdLeftOver(_ worker: WorkerID, _ spec: ProgramSpec, pid: Int32) { record.append("hold \(pid)") }

    mutating func loadConfiguration(for request: RequestID?) {
        record.append("load \(request?.number ?? 0)")
    }

    var remembers: Bool { true }

    mutating func remember(_ memories: [SupervisorMemory]) {
        for case .slot(let id, _?) in memories { record.append("remember \(id.number)") }
    }

    mutating func reply(_ request: RequestID, _ reply: Reply) {
        let word =
            switch reply {
            case .done: "done"
            case .refused: "refused"
            case .outcomes(let outcomes): "outcomes \(outcomes.count)"
            case .snapshots(let snapshots): "snapshots \(snapshots.count)"
            case .explanations, .differences, .updated, .daemonState, .drill: "other"
            }
        record.append("reply \(request.number) \(word)")
    }

    mutating func log(_ record: LogRecord) {
        self.record.append("log \(record.level) \(record.message)")
    }

    mutating func announce(_ announcement: Announcement) {
        switch announcement {
        case .processState(let name, let state, _, _, _, _): record.append("\(name.process) \(state.word)")
        default: record.append("\(announcement)")
        }
    }

    mutating func send(_ event: PoolEvent, to worker: WorkerID) { record.append("send \(event.serial)") }
    mutating func disregardOutput(of worker: WorkerID) { record.append("disregard \(worker.slot.number)") }
    mutating func writeInput(_ worker: WorkerID, _ bytes: [UInt8], for request: RequestID) {
        record.append("write \(bytes.count)")
    }

    mutating func store(_ block: RecordBlock) { record.append("record \(block.sampleCount)") }
    mutating func store(_ incident: Incident) { record.append("store \(incident.outcome?.name ?? "open")") }
    mutating func post(_ alert: Alert) { record.append("post \(alert.eventName)") }
    mutating func notify(_ notice: ServiceNotice) { record.append("\(notice)") }

    /// What was told since the last look, without the log and the status line.
    mutating func news() -> [String] {
        defer { record = [] }
        return record.filter {
            !$0.hasPrefix("log ") && !$0.hasPrefix("status(") && !$0.hasPrefix("remember ")
        }
    }
}

/// Goal: each directive reaches its verb, in the order of the supervisor, and no flood keeps a timer from running.
@Suite struct ShellTests {
    private static func groups(_ change: (inout ProgramSpec) -> Void = { _ in }) -> [GroupSpec] {
        var program = ProgramSpec(
            name: SlotName(group: "ami", process: "w0"), program: "ami", supervision: SupervisionSpec(),
            launch: LaunchSpec(arguments: ["/usr/bin/worker"]), standardOutput: LogSpec(), standardError: nil,
            health: HealthSpec())
        change(&program)
        return [GroupSpec(name: "ami", priority: 999, programs: [program], maximumUnavailable: .count(1))]
    }

    private static func shell(
        _ groups: [GroupSpec] = groups(), invariants: Shell<RecordingMachine>.InvariantPolicy = .trap
    ) -> Shell<RecordingMachine> {
        Shell(
            supervisor: Supervisor(groups: groups), machine: RecordingMachine(), dice: Dice(seed: 7),
            invariants: invariants)
    }

    /// The first worker in its generation.
    private static func worker(_ generation: UInt32 = 1) -> WorkerID {
        WorkerID(slot: SlotID(1), generation: Generation(generation))
    }

    @Test("From ready to the end: every verb in order, and the end is answered only when everything has stopped")
    func wholeLife() {
        var shell = Self.shell(Self.groups { $0.supervision.killTree = .yes })
        shell.machine.turns = [[.ready]]
        #expect(shell.step() == nil)
        #expect(shell.machine.news() == ["supervisorRunning", "w0 STARTING", "spawn w0.1 first", "ready"])

        shell.handle(.worker(Self.worker(), .spawned(pid: 100)))
        shell.machine.clock = .origin + .seconds(1)
        #expect(shell.step() == nil)
        #expect(shell.machine.news() == ["w0 RUNNING"])

        shell.machine.turns = [
            [.worker(Self.worker(), .exited(.code(3))), .requested(RequestID(1), .snapshot(.all))]
        ]
        #expect(shell.step() == nil)
        #expect(
            shell.machine.news() == [
                "release 1.1 true", "w0 EXITED", "w0 STARTING", "spawn w0.2 exit", "reply 1 snapshots 1",
            ], "an event is carried out whole before the next one is handed over")

        shell.handle(.worker(Self.worker(2), .spawned(pid: 101)))
        shell.machine.clock = .origin + .seconds(3)
        #expect(shell.step() == nil)
        _ = shell.machine.news()
        shell.machine.turns = [[.endRequested(.shutdown)]]
        #expect(shell.step() == nil, "a worker still lives")
        let stopping = shell.machine.news()
        #expect(stopping.contains("stopping"))
        #expect(stopping.contains { $0.hasPrefix("signal 15 ") })
        shell.machine.turns = [[.worker(Self.worker(2), .exited(.signal(15, coreDumped: false)))]]
        #expect(shell.step() == .shutdown)
        #expect(shell.machine.news().prefix(2) == ["release 1.2 true", "w0 STOPPED"])
    }

    @Test("What is decided is remembered before it is done, so that whoever comes after a sudden end knows of it")
    func remembersFirst() {
        var shell = Self.shell(Self.groups())
        shell.handle(.ready)
        let spawn = shell.machine.record.firstIndex { $0.hasPrefix("spawn") }
        let memory = shell.machine.record.firstIndex(of: "remember 1")
        #expect(spawn != nil && memory != nil && (memory ?? 0) < (spawn ?? 0), "\(shell.machine.record)")

        shell.machine.record = []
        shell.handle(.requested(RequestID(1), .snapshot(.all)))
        #expect(shell.machine.record.contains("reply 1 snapshots 1"))
        #expect(!shell.machine.record.contains("remember 1"), "whoever only looks changes nothing")
    }

    @Test("Orders for configuration and replies reach their verbs with the request's number")
    func requests() {
        var shell = Self.shell(Self.groups { $0.supervision.autostart = false })
        shell.machine.turns = [
            [.ready],
            [.requested(RequestID(8), .reread), .requested(RequestID(9), .snapshot(.all))],
        ]
        #expect(shell.step() == nil)
        _ = shell.machine.news()
        #expect(shell.step() == nil)
        #expect(shell.machine.news() == ["load 8", "reply 9 snapshots 1"])
        shell.handle(.configurationLoaded(RequestID(8), .success(Self.groups())))
        #expect(shell.machine.news() == ["reply 8 other"])
    }

    @Test("The machine waits until the supervisor's next deadline, not longer")
    func deadline() {
        var shell = Self.shell()
        shell.machine.turns = [[.ready], [.worker(Self.worker(), .spawned(pid: 100))]]
        #expect(shell.step() == nil)
        #expect(shell.step() == nil)
        let due = shell.supervisorDeadline()
        #expect(due != nil)
        #expect(shell.step() == nil)
        #expect(shell.machine.deadlines.last == due)
    }

    @Test("A flood of events in every turn does not keep a deadline from being met")
    func flood() {
        var shell = Self.shell()
        shell.machine.turns = [[.ready], [.worker(Self.worker(), .spawned(pid: 100))]]
        #expect(shell.step() == nil)
        #expect(shell.step() == nil)
        _ = shell.machine.news()
        let full = Array(repeating: Event.worker(Self.worker(), .beat), count: ShellLimits.eventsPerTurn)
        shell.machine.turns = Array(repeating: full, count: 4)
        shell.machine.turnLength = .milliseconds(400)
        var turns = 0
        while turns < 4, !shell.machine.record.contains("w0 RUNNING") {
            #expect(shell.step() == nil)
            turns += 1
        }
        #expect(turns == 3, "startsecs is one second, and a turn takes 400 ms")
        #expect(shell.machine.turns.count == 1, "the flood is not over")
    }

    @Test("An impossible fact is reported and the daemon lives")
    func report() {
        var shell = Self.shell(Self.groups { $0.supervision.startSeconds = .zero }, invariants: .report)
        shell.machine.turns = [[.ready]]
        #expect(shell.step() == nil)
        shell.handle(.worker(Self.worker(), .spawned(pid: 100)))
        shell.handle(.worker(Self.worker(), .spawned(pid: 100)))
        let critical = shell.machine.record.filter { $0.hasPrefix("log critical internal: impossible fact") }
        #expect(critical.count == 1, "\(shell.machine.record)")
        shell.machine.turns = [[.requested(RequestID(3), .snapshot(.all))]]
        #expect(shell.step() == nil)
        #expect(shell.machine.record.last == "reply 3 snapshots 1")
    }

    @Test("The same fact ends a simulation at once")
    func trap() async {
        await #expect(processExitsWith: .failure) {
            var shell = Self.shell(Self.groups { $0.supervision.startSeconds = .zero }, invariants: .trap)
            shell.handle(.ready)
            shell.handle(.worker(Self.worker(), .spawned(pid: 100)))
            shell.handle(.worker(Self.worker(), .spawned(pid: 100)))
        }
    }
}

extension Shell where M == RecordingMachine {
    /// The next deadline, asked of a copy: asking changes nothing that a test sees.
    fileprivate func supervisorDeadline() -> Instant? {
        var copy = supervisor
        return copy.nextDeadline()
    }
}
