import Synchronization
import WardenControl
import WardenCore
import WardenWire

/// A daemon of plain values: it answers at once, except about workers named `slow`, for whom it waits until told.
final class FakeDaemon: ControlBackend {
    /// What a test may wait for.
    enum Sighting: Hashable, Sendable {
        /// A request about a slow worker waits.
        case waits
        /// A client of a waiting request went away.
        case abandoned
    }

    struct State {
        var workers: [WorkerSnapshot]
        var logs: [SlotName: String] = [:]
        var mainLog: String?
        var mood = DaemonMood.running
        var commands: [Command] = []
        var cleared: [LogTarget] = []
        var inputs: [String] = []
        var incidents: [Incident] = []
        var census: DescriptorCensus?
        var refusal: Refusal?
        var waiting: [Int: CheckedContinuation<Reply, Never>] = [:]
        var tickets = 0
    }

    let state: Mutex<State>
    let sightings: AsyncStream<Sighting>
    let eventHub = EventHub(life: "7")
    private let inlet: AsyncStream<Sighting>.Continuation

    init(_ names: [String] = ["cat", "many:many_00", "many:many_01"]) {
        let workers = names.enumerated().map { FakeDaemon.worker($0.element, slot: UInt32($0.offset + 1)) }
        state = Mutex(State(workers: workers))
        (sightings, inlet) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(10_000))
    }

    static let moment = Moment(
        instant: Instant(nanoseconds: 65_000_000_000), wall: WallTime(microseconds: 1_790_000_065_000_000))

    /// A worker that has run for 65 seconds.
    static func worker(_ name: String, slot: UInt32) -> WorkerSnapshot {
        let parts = name.split(separator: ":").map(String.init)
        let spec = ProgramSpec(
            name: SlotName(group: parts[0], process: parts.count > 1 ? parts[1] : parts[0]), program: parts[0],
            supervision: SupervisionSpec(), launch: LaunchSpec(arguments: ["/bin/cat", "a b"]),
            standardOutput: LogSpec(), standardError: nil, health: HealthSpec())
        var worker = WorkerSnapshot(spec: spec, slot: SlotID(slot), takenAt: moment)
        worker.state = .running
        worker.pid = Int32(1000 + slot)
        worker.generation = Generation(1)
        worker.startedAt = Moment(instant: .origin, wall: WallTime(microseconds: 1_790_000_000_000_000))
        return worker
    }

    // MARK: ControlBackend

    func perform(_ command: Command) async -> Reply {
        let refusal = state.withLock { state in
            state.commands.append(command)
            return state.refusal
        }
        if let refusal { return .refused(refusal) }
        switch command {
        case .start(.slot("slow", _), wait: true, missing: _), .stop(.slot("slow", _), wait: true): return await wait()
        default: return state.withLock { $0.answer(command) }
        }
    }

    func daemonIdentity() -> DaemonIdentity {
        state.withLock { state in
            DaemonIdentity(
                pid: 4242, identifier: "supervisor", version: "1.0", logPath: state.mainLog,
                startedAt: FakeDaemon.moment, mood: state.mood)
        }
    }

    func logPath(_ worker: SlotName, _ stream: OutputStream) async -> LogLocation {
        guard stream == .stdout else { return .none }
        return state.withLock { $0.logs[worker] }.map { .file($0) } ?? .none
    }

    func clearLog(_ target: LogTarget) async -> Reply {
        state.withLock { state in
            state.cleared.append(target)
            switch target {
            case .daemon: return .done
            case .workers(let selection):
                let matches = state.matches(selection)
                if case .slot = selection { return matches.isEmpty ? .refused(.badName("")) : .done }
                return .outcomes(matches.map { SlotOutcome(name: state.workers[$0].name, refusal: nil) })
            }
        }
    }

    func incidents(_ query: IncidentQuery) async -> [Incident] {
        state.withLock { state in
            state.incidents.filter { incident in
                (query.id == nil || incident.id == query.id)
                    && (query.worker == nil || incident.worker == query.worker)
            }
        }
    }

    func alerts() -> [AlertDescription] {
        [AlertDescription(name: "ops", format: .slack, address: "https://h", events: ["dark"], isSigned: true)]
    }

    func testAlert(_ name: String) async -> AlertTest? {
        switch name {
        case "ops": AlertTest(name: name, address: "https://h", failure: nil)
        case "deaf": AlertTest(name: name, address: "https://h", failure: "answered 500")
        default: nil
        }
    }

    func census(of worker: SlotName) async -> DescriptorCensus? {
        state.withLock { $0.census?.worker == worker ? $0.census : nil }
    }

    func configuration() async -> [ConfiguredProgram]? {
        let spec = ProgramSpec(
            name: SlotName(group: "cat", process: "cat"), program: "cat", supervision: SupervisionSpec(),
            launch: LaunchSpec(arguments: ["/bin/cat", "a b"]), standardOutput: LogSpec(), standardError: nil,
            health: HealthSpec())
        return [ConfiguredProgram(spec: spec, groupPriority: 999, isInUse: true)]
    }

    func writeInput(_ worker: SlotName, _ bytes: [UInt8]) async -> Reply {
        state.withLock { $0.inputs.append(String(decoding: bytes, as: UTF8.self)) }
        return .done
    }

    // MARK: Waiting

    /// Answers everybody who waits.
    func release(_ reply: Reply = .done) {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: reply) }
    }

    /// Returns when it was seen so many times.
    func see(_ sighting: Sighting, times: Int) async {
        var left = times
        for await seen in sightings where seen == sighting {
            left -= 1
            if left == 0 { return }
        }
    }

    private func wait() async -> Reply {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiting[ticket] = continuation }
                inlet.yield(.waits)
            }
        } onCancel: {
            guard let continuation = state.withLock({ $0.waiting.removeValue(forKey: ticket) }) else { return }
            continuation.resume(returning: .done)
            inlet.yield(.abandoned)
        }
    }
}

extension FakeDaemon.State {
    /// Indices of the workers that are selected.
    func matches(_ selection: Selection) -> [Int] {
        workers.indices.filter { index in
            switch selection {
            case .all: true
            case .group(let group): workers[index].name.group == group
            case .slot(let group, let process): workers[index].name == SlotName(group: group, process: process)
            }
        }
    }

    mutating func answer(_ command: Command) -> Reply {
        switch command {
        case .snapshot(let selection): return looked(selection) { .snapshots($0) }
        case .explain(let selection):
            return looked(selection) { workers in
                .explanations(workers.map { Explanation(snapshot: $0, incidents: [], budgets: []) })
            }
        case .start(let selection, _, _): return changed(selection, to: .running)
        case .stop(let selection, _): return changed(selection, to: .stopped)
        case .signal(let selection, _), .pauseHealth(let selection), .resumeHealth(let selection),
            .pauseHealthFor(let selection, _):
            return changed(selection, to: nil)
        case .writeInput, .tellListeners, .storeRecords: return .done
        case .reread: return .differences(added: ["new"], changed: ["cat"], removed: [])
        case .addGroup(let name): return name == "cat" ? .refused(.alreadyAdded(name)) : .done
        case .stopOutdated(let name):
            return name == "many" ? .outcomes([]) : .refused(.badName(name))
        case .updateGroup(let name):
            return name == "many"
                ? .updated(kept: [SlotName(group: name, process: "many_00")]) : .refused(.badName(name))
        case .removeGroup(let name): return name == "many" ? .refused(.stillRunning(name)) : .done
        case .end(let end):
            mood = end == .shutdown ? .shuttingDown : .restarting
            return .done
        case .startDrill(let selection, let order):
            return looked(selection) { .drill(DrillReport(worker: $0[0].name, order, at: FakeDaemon.moment.wall)) }
        case .stopDrill, .watchDrill: return .refused(.failed("no drill is under way"))
        case .daemonState: return .daemonState(mood)
        }
    }

    private func looked(_ selection: Selection, _ reply: ([WorkerSnapshot]) -> Reply) -> Reply {
        let found = matches(selection).map { workers[$0] }
        if found.isEmpty, selection != .all { return .refused(.badName("unnamed")) }
        // The order of the configuration reversed: whoever lists has to sort.
        return reply(found.reversed())
    }

    private mutating func changed(_ selection: Selection, to target: ProcessState?) -> Reply {
        let indices = matches(selection)
        if indices.isEmpty, selection != .all { return .refused(.badName("unnamed")) }
        if case .slot = selection {
            return change(indices[0], to: target).map { .refused($0) } ?? .done
        }
        let wanted = indices.filter { workers[$0].state != target }
        return .outcomes(
            wanted.map { index in
                SlotOutcome(name: workers[index].name, refusal: change(index, to: target))
            })
    }

    private mutating func change(_ index: Int, to target: ProcessState?) -> Refusal? {
        let name = workers[index].name.qualified
        switch target {
        case .running where workers[index].state == .running: return .alreadyStarted(name)
        case .stopped where workers[index].state != .running: return .notRunning(name)
        case nil where workers[index].state != .running: return .notRunning(name)
        case nil: return nil
        case let state?:
            workers[index].state = state
            workers[index].pid = state == .running ? 77 : nil
            workers[index].stoppedAt = state == .running ? nil : FakeDaemon.moment.wall
            return nil
        }
    }
}
