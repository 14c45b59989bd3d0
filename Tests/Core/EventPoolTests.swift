import Testing
import WardenCore

/// A fact about a pool, as the table writes it.
private enum Fact: Sendable {
    case event(UInt64)
    case started(UInt32)
    case running(UInt32)
    case said(UInt32, ListenerWord)
    case stopping(UInt32)
    case ended(UInt32)
    case inputClosed(UInt32)
}

/// One row: what happens, and what follows in all.
private struct Row: Sendable, CustomTestStringConvertible {
    var goal: String
    var bufferSize = 2
    var facts: [Fact]
    var sent: [String]
    var phases: [String]
    var waiting: [UInt64]
    var warnings: [String] = []

    var testDescription: String { goal }

    init(
        _ goal: String, bufferSize: Int = 2, _ facts: [Fact], sent: [String], phases: [String], waiting: [UInt64],
        warnings: [String] = []
    ) {
        self.goal = goal
        self.bufferSize = bufferSize
        self.facts = facts
        self.sent = sent
        self.phases = phases
        self.waiting = waiting
        self.warnings = warnings
    }
}

private func ready(_ slot: UInt32) -> [Fact] { [.started(slot), .running(slot), .said(slot, .ready)] }
private let unknown =
    "has entered the UNKNOWN state and will no longer receive events, "
    + "this usually indicates the process violated the eventlistener protocol"

private let rows: [Row] = [
    Row(
        "events wait until a listener is READY", [.started(1), .running(1), .event(0)],
        sent: [], phases: ["ACKNOWLEDGED", "ACKNOWLEDGED"], waiting: [0]),
    Row(
        "READY before RUNNING waits for RUNNING", [.event(0), .started(1), .said(1, .ready)],
        sent: [], phases: ["READY", "ACKNOWLEDGED"], waiting: [0]),
    Row(
        "RUNNING lets a READY listener have what waits", [.event(0), .started(1), .said(1, .ready), .running(1)],
        sent: ["0 to 1.1"], phases: ["BUSY", "ACKNOWLEDGED"], waiting: []),
    Row(
        "a BUSY listener gets nothing more", ready(1) + [.event(0), .event(1)],
        sent: ["0 to 1.1"], phases: ["BUSY", "ACKNOWLEDGED"], waiting: [1]),
    Row(
        "the next READY listener gets the next event", ready(1) + ready(2) + [.event(0), .event(1)],
        sent: ["0 to 1.1", "1 to 2.1"], phases: ["BUSY", "BUSY"], waiting: []),
    Row(
        "OK ends an event; the next one needs READY",
        ready(1) + [.event(0), .event(1), .said(1, .talking), .said(1, .result(isOK: true))],
        sent: ["0 to 1.1"], phases: ["ACKNOWLEDGED", "ACKNOWLEDGED"], waiting: [1]),
    Row(
        "READY after OK brings the next",
        ready(1) + [.event(0), .event(1), .said(1, .result(isOK: true)), .said(1, .ready)],
        sent: ["0 to 1.1", "1 to 1.1"], phases: ["BUSY", "ACKNOWLEDGED"], waiting: []),
    Row(
        "FAIL puts the event back at the head", ready(1) + [.event(0), .event(1), .said(1, .result(isOK: false))],
        sent: ["0 to 1.1"], phases: ["ACKNOWLEDGED", "ACKNOWLEDGED"], waiting: [0, 1],
        warnings: ["l1: event was rejected"]),
    Row(
        "a rejected event goes to another listener at once, with its numbers",
        ready(1) + [.event(5), .event(6)] + ready(2) + [.said(1, .result(isOK: false)), .said(2, .result(isOK: true))]
            + [.said(2, .ready)],
        sent: ["5 to 1.1", "6 to 2.1", "5 to 2.1"], phases: ["ACKNOWLEDGED", "BUSY"], waiting: [],
        warnings: ["l1: event was rejected"]),
    Row(
        "overflow drops the oldest", [.event(0), .event(1), .event(2), .event(3)],
        sent: [], phases: ["ACKNOWLEDGED", "ACKNOWLEDGED"], waiting: [2, 3],
        warnings: [
            "pool p event buffer overflowed, discarding event 0", "pool p event buffer overflowed, discarding event 1",
        ]),
    Row(
        "what comes back to a full buffer drops the oldest that waits",
        ready(1) + [.event(0), .event(1), .event(2), .said(1, .result(isOK: false))],
        sent: ["0 to 1.1"], phases: ["ACKNOWLEDGED", "ACKNOWLEDGED"], waiting: [0, 2],
        warnings: ["l1: event was rejected", "pool p event buffer overflowed, discarding event 1"]),
    Row(
        "a listener that dies BUSY gives its event back", ready(1) + [.event(0), .ended(1)],
        sent: ["0 to 1.1"], phases: ["ACKNOWLEDGED", "ACKNOWLEDGED"], waiting: [0]),
    Row(
        "its next generation gets it again",
        ready(1) + [.event(0), .ended(1), .started(1), .running(1)]
            + [.said(1, .ready)],
        sent: ["0 to 1.1", "0 to 1.2"], phases: ["BUSY", "ACKNOWLEDGED"], waiting: []),
    Row(
        "a listener that is STOPPING gets nothing", ready(1) + [.stopping(1), .event(0)],
        sent: [], phases: ["READY", "ACKNOWLEDGED"], waiting: [0]),
    Row(
        "garbage instead of READY is UNKNOWN for good",
        [.started(1), .running(1), .said(1, .violation(.notReady)), .said(1, .ready), .event(0)],
        sent: [], phases: ["UNKNOWN", "ACKNOWLEDGED"], waiting: [0], warnings: ["l1: " + unknown]),
    Row(
        "output while READY is UNKNOWN", ready(1) + [.said(1, .talking), .event(0)],
        sent: [], phases: ["UNKNOWN", "ACKNOWLEDGED"], waiting: [0], warnings: ["l1: " + unknown]),
    Row(
        "a bad result line is UNKNOWN, and the event comes back",
        ready(1) + [.event(0), .said(1, .violation(.badResultLine("RESULT x")))],
        sent: ["0 to 1.1"], phases: ["UNKNOWN", "ACKNOWLEDGED"], waiting: [0],
        warnings: ["l1: bad result line: 'RESULT x'", "l1: " + unknown]),
    Row(
        "a start heals UNKNOWN",
        [.started(1), .running(1), .said(1, .violation(.notReady)), .ended(1)] + ready(1)
            + [.event(0)],
        sent: ["0 to 1.2"], phases: ["BUSY", "ACKNOWLEDGED"], waiting: [], warnings: ["l1: " + unknown]),
    Row(
        "a closed input gives the event to another", ready(1) + [.event(0), .inputClosed(1)] + ready(2),
        sent: ["0 to 1.1", "0 to 2.1"], phases: ["READY", "BUSY"], waiting: []),
]

@Suite struct EventPoolTests {
    private static func pool(_ bufferSize: Int = 2) -> EventPool {
        EventPool(
            name: "p", spec: PoolSpec(events: [.event], bufferSize: bufferSize),
            slots: [(id: SlotID(1), process: "l1"), (id: SlotID(2), process: "l2")])
    }

    /// Goal: every row of the table: who gets what, what waits, where each listener is, and what the log says.
    @Test(arguments: rows) fileprivate func table(_ row: Row) {
        var pool = Self.pool(row.bufferSize)
        var generations: [UInt32: UInt32] = [:]
        func worker(_ slot: UInt32) -> WorkerID {
            WorkerID(slot: SlotID(slot), generation: Generation(generations[slot] ?? 0))
        }
        var orders: [EventPool.Order] = []
        for fact in row.facts {
            switch fact {
            case .event(let serial): orders += pool.accept(.supervisorRunning, serial: serial)
            case .started(let slot):
                generations[slot, default: 0] += 1
                orders += pool.started(worker(slot))
            case .running(let slot): orders += pool.changed(SlotID(slot), to: .running)
            case .stopping(let slot): orders += pool.changed(SlotID(slot), to: .stopping)
            case .said(let slot, let word): orders += pool.said(word, by: worker(slot))
            case .ended(let slot): orders += pool.ended(SlotID(slot))
            case .inputClosed(let slot): orders += pool.inputClosed(worker(slot))
            }
        }
        var sent: [String] = []
        var warnings: [String] = []
        for order in orders {
            switch order {
            case .send(let to, let event): sent.append("\(event.serial) to \(to.slot.number).\(to.generation.number)")
            case .log(let level, let text): if level >= .warn { warnings.append(text) }
            case .disregard: break
            }
        }
        #expect(sent == row.sent)
        #expect(pool.listeners.map(\.phase.word) == row.phases)
        #expect(pool.buffer.all.map(\.serial) == row.waiting)
        #expect(warnings == row.warnings)
    }

    /// Goal: a former generation's words count for nothing.
    @Test func formerGeneration() {
        var pool = Self.pool()
        let old = WorkerID(slot: SlotID(1), generation: Generation(1))
        _ = pool.started(old)
        _ = pool.started(WorkerID(slot: SlotID(1), generation: Generation(2)))
        #expect(pool.said(.ready, by: old) == [])
        #expect(pool.inputClosed(old) == [])
        #expect(pool.listeners[0].phase == .acknowledged)
    }

    /// Goal: numbers within the pool begin at 0 and survive a rejection.
    @Test func poolSerials() {
        var pool = Self.pool(10)
        _ = pool.accept(.supervisorRunning, serial: 40)
        _ = pool.accept(.supervisorStopping, serial: 41)
        #expect(pool.buffer.all.map(\.poolSerial) == [0, 1])
        let worker = WorkerID(slot: SlotID(1), generation: Generation(1))
        _ = pool.started(worker)
        _ = pool.changed(SlotID(1), to: .running)
        _ = pool.said(.ready, by: worker)
        _ = pool.said(.result(isOK: false), by: worker)
        #expect(pool.buffer.all.map(\.poolSerial) == [0, 1])
    }

    /// Goal: what waits has a limit in bytes, whatever `buffer_size` says.
    @Test func weight() {
        var pool = Self.pool(1_000_000)
        let text = String(repeating: "x", count: Limits.poolBytes / 4)
        for serial in 0..<20 { _ = pool.accept(.remote(type: "t", data: text), serial: UInt64(serial)) }
        #expect(pool.buffer.weightBytes <= Limits.poolBytes)
        #expect(pool.buffer.all.map(\.serial) == [17, 18, 19])
    }

    /// Goal: taking from the head and putting back keeps the order, over many turns.
    @Test func queue() {
        var pool = Self.pool(1000)
        let worker = WorkerID(slot: SlotID(1), generation: Generation(1))
        _ = pool.started(worker)
        _ = pool.changed(SlotID(1), to: .running)
        for serial in 0..<500 { _ = pool.accept(.supervisorRunning, serial: UInt64(serial)) }
        var seen: [UInt64] = []
        for turn in 0..<600 {
            for case .send(_, let event) in pool.said(.ready, by: worker) { seen.append(event.serial) }
            _ = pool.said(.result(isOK: turn % 6 != 5), by: worker)
        }
        #expect(Set(seen) == Set(0..<500))
        #expect(seen == seen.sorted())
        #expect(pool.buffer.count == 0)
        #expect(pool.buffer.weightBytes == 0)
    }

    /// Goal: whatever listeners do, an event is with one of them, waiting, done or said to be discarded: never two of
    /// these, and never none; and a listener that is not RUNNING and READY gets nothing.
    @Test(arguments: 0..<50) func nothingIsLostInSilence(seed: Int) {
        var dice = Dice(seed: UInt64(seed))
        var pool = Self.pool(4)
        var generation: UInt32 = 0
        var (accepted, done, discarded) = (0, 0, 0)
        func pick() -> EventPool.Listener { pool.listeners[Int(dice.next() % 2)] }
        for _ in 0..<400 {
            let before = pool
            let listener = pick()
            let worker = WorkerID(slot: listener.slot, generation: listener.generation)
            var orders: [EventPool.Order]
            // Mostly they behave: then there is something to lose.
            let isPolite = dice.next() % 3 > 0
            let polite: UInt64? =
                switch listener.phase {
                case .acknowledged where isPolite: listener.isRunning ? 4 : 3
                case .busy where isPolite: 6
                case .acknowledged, .busy, .ready, .unknown: nil
                }
            switch polite ?? dice.next() % 10 {
            case 0, 1:
                orders = pool.accept(.supervisorRunning, serial: UInt64(accepted))
                accepted += 1
            case 2:
                generation += 1
                orders = pool.started(WorkerID(slot: listener.slot, generation: Generation(generation)))
            case 3: orders = pool.changed(listener.slot, to: dice.next() % 4 == 0 ? .stopping : .running)
            case 4, 5: orders = pool.said(.ready, by: worker)
            case 6:
                if case .busy = listener.phase { done += 1 }
                orders = pool.said(.result(isOK: true), by: worker)
            case 7: orders = pool.said(.result(isOK: false), by: worker)
            case 8: orders = pool.ended(listener.slot)
            default:
                let words: [ListenerWord] = [.talking, .violation(.notReady), .violation(.tooLong)]
                orders =
                    dice.next() % 5 == 0 ? pool.inputClosed(worker) : pool.said(words[Int(dice.next() % 3)], by: worker)
            }
            for order in orders {
                if case .log(.error, _) = order { discarded += 1 }
                guard case .send(let to, _) = order else { continue }
                #expect(
                    pool.listeners.contains { $0.slot == to.slot && $0.generation == to.generation && $0.isRunning })
            }
            let busy = pool.listeners.count { if case .busy = $0.phase { true } else { false } }
            #expect(accepted == done + discarded + busy + pool.buffer.count, "after \(before)")
            #expect(pool.buffer.count <= 4)
        }
        #expect(done > 0)
    }

    /// Goal: subscribing to a parent gets its children, and nothing else.
    @Test(
        arguments: [
            (.processStateExited, [.processState], true), (.processStateExited, [.event], true),
            (.processStateExited, [.processStateExited], true),
            (.processStateExited, [.processStateFatal, .processLog, .tick], false),
            (.tick60, [.tick], true), (.tick60, [.tick5], false),
            (.processGroupAdded, [.processGroup], true), (.wardenHealth, [.event], true),
            (.remoteCommunication, [.processCommunication], false),
        ] as [(EventType, Set<EventType>, Bool)])
    func hierarchy(type: EventType, subscription: Set<EventType>, expected: Bool) {
        #expect(type.isWanted(by: subscription) == expected)
    }
}
