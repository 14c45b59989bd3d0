/// What a group of event listeners subscribes to, and how its events wait.
package struct PoolSpec: Hashable, Codable, Sendable {
    /// What `len` of an event's header counts.
    package enum LengthUnit: String, Hashable, Codable, Sendable, CaseIterable {
        /// Characters, as supervisord 4.3.0 does: for listeners that read text.
        case characters
        /// Bytes: for listeners that read bytes.
        case bytes
    }

    /// The subscription.
    package var events: Set<EventType>
    /// Events that wait at most; the oldest is dropped for a new one.
    package var bufferSize: Int
    /// What `len` counts.
    package var lengthUnit: LengthUnit

    /// - Parameters:
    ///   - events: the subscription, not empty.
    ///   - bufferSize: events that wait at most, from 1.
    ///   - lengthUnit: what `len` counts.
    package init(events: Set<EventType>, bufferSize: Int = 10, lengthUnit: LengthUnit = .characters) {
        self.events = events
        self.bufferSize = bufferSize
        self.lengthUnit = lengthUnit
    }
}

/// An event as one pool has numbered it.
package struct PoolEvent: Hashable, Codable, Sendable {
    /// Its number among all events that any pool took, from 0.
    package var serial: UInt64
    /// Its number within the pool, from 0.
    package var poolSerial: UInt64
    /// The pool's name.
    package var pool: String
    /// What `len` counts.
    package var lengthUnit: PoolSpec.LengthUnit
    /// What happened.
    package var announcement: Announcement

    /// - Parameters: as the properties of the same names.
    package init(
        serial: UInt64, poolSerial: UInt64, pool: String, lengthUnit: PoolSpec.LengthUnit, announcement: Announcement
    ) {
        self.serial = serial
        self.poolSerial = poolSerial
        self.pool = pool
        self.lengthUnit = lengthUnit
        self.announcement = announcement
    }
}

/// What a listener said on its standard output.
package enum ListenerWord: Hashable, Sendable {
    /// `READY`.
    case ready
    /// The first bytes after `READY`: right only while it has an event.
    case talking
    /// The whole of a result; `isOK`: it was `OK`, anything else rejects the event.
    case result(isOK: Bool)
    /// Something that is neither. Nothing follows.
    case violation(ListenerViolation)
}

/// How a listener broke the protocol.
package enum ListenerViolation: Hashable, Sendable {
    /// Something else stood where `READY` was due.
    case notReady
    /// A line that is no `RESULT n`, as text, shortened.
    case badResultLine(String)
    /// More than a line or a result may have.
    case tooLong
}

/// A group of event listeners: what waits for them, what each of them is doing, and who gets the next event.
///
/// One method per fact; each returns the orders that follow from it, in order. A listener is known by its worker, so
/// that what a former generation said counts for nothing.
package struct EventPool: Hashable, Codable, Sendable {
    /// Where a listener is in supervisord's protocol.
    package enum Phase: Hashable, Codable, Sendable {
        /// It began, or has given its result. To: ready, unknown.
        case acknowledged
        /// It waits for an event. To: busy, unknown.
        case ready
        /// It has this event. To: acknowledged, unknown.
        case busy(PoolEvent)
        /// It broke the protocol, and gets nothing more until it is started again.
        case unknown

        /// supervisord's word.
        package var word: String {
            switch self {
            case .acknowledged: "ACKNOWLEDGED"
            case .ready: "READY"
            case .busy: "BUSY"
            case .unknown: "UNKNOWN"
            }
        }
    }

    /// One process of the pool.
    package struct Listener: Hashable, Codable, Sendable {
        /// The slot.
        package let slot: SlotID
        /// The process's name, for log lines.
        package let name: String
        /// The present start of it.
        package var generation = Generation(0)
        /// Where it is in the protocol.
        package var phase: Phase = .acknowledged
        /// Its slot is RUNNING: only then it gets events.
        package var isRunning = false
        /// Nothing can be written to it any more.
        package var isInputClosed = false
    }

    /// What follows from a fact.
    package enum Order: Hashable, Sendable {
        /// Write this event to the listener's standard input.
        case send(WorkerID, PoolEvent)
        /// Its further output means nothing: read it, and say nothing of it.
        case disregard(WorkerID)
        /// A line for the daemon's log.
        case log(LogRecord.Level, String)
    }

    /// The pool's name.
    package let name: String
    /// What it subscribes to.
    package let spec: PoolSpec
    /// Its processes, in the order of the configuration.
    package private(set) var listeners: [Listener]
    /// Events that wait, oldest first.
    package private(set) var buffer = EventQueue()
    private var nextSerial: UInt64 = 0

    /// - Parameters:
    ///   - name: the group's name.
    ///   - spec: what it subscribes to.
    ///   - slots: its processes, in the order of the configuration.
    package init(name: String, spec: PoolSpec, slots: [(id: SlotID, process: String)]) {
        self.name = name
        self.spec = spec
        listeners = slots.map { Listener(slot: $0.id, name: $0.process) }
    }

    /// Whether the pool subscribes to this event.
    package func wants(_ announcement: Announcement) -> Bool {
        announcement.eventType.isWanted(by: spec.events)
    }

    /// Whether a listener that is up has an event, or could have one that waits.
    package var isOccupied: Bool {
        listeners.contains { listener in
            guard listener.isRunning, !listener.isInputClosed else { return false }
            switch listener.phase {
            case .busy: return true
            case .acknowledged, .ready: return buffer.count > 0
            case .unknown: return false
            }
        }
    }

    // MARK: - Events

    /// Something happened that the pool subscribes to.
    ///
    /// - Parameters:
    ///   - announcement: what.
    ///   - serial: its number among all events.
    package mutating func accept(_ announcement: Announcement, serial: UInt64) -> [Order] {
        let event = PoolEvent(
            serial: serial, poolSerial: nextSerial, pool: name, lengthUnit: spec.lengthUnit,
            announcement: announcement)
        nextSerial += 1
        let orders = makeRoom(for: event)
        buffer.append(event)
        return orders + dispatch()
    }

    // supervisord drops the oldest that waits, also for one that comes back: the one that comes back is older still.
    private mutating func makeRoom(for event: PoolEvent) -> [Order] {
        var orders: [Order] = []
        while let oldest = buffer.first,
            buffer.count >= spec.bufferSize
                || buffer.weightBytes + event.announcement.weightBytes > Limits.poolBytes
        {
            buffer.removeFirst()
            orders.append(
                .log(.error, "pool \(name) event buffer overflowed, discarding event \(oldest.serial)"))
        }
        return orders
    }

    private mutating func takeBack(_ event: PoolEvent) -> [Order] {
        let line =
            "rebuffering event \(event.serial) for pool \(name)"
            + " (buf size=\(buffer.count), max=\(spec.bufferSize))"
        let orders = [.log(.debug, line)] + makeRoom(for: event)
        buffer.prepend(event)
        return orders
    }

    private mutating func dispatch() -> [Order] {
        var orders: [Order] = []
        for index in listeners.indices {
            guard let event = buffer.first else { break }
            let listener = listeners[index]
            guard listener.isRunning, listener.phase == .ready, !listener.isInputClosed else { continue }
            buffer.removeFirst()
            listeners[index].phase = .busy(event)
            orders.append(.send(WorkerID(slot: listener.slot, generation: listener.generation), event))
            orders.append(.log(.debug, "event \(event.serial) sent to listener \(listener.name)"))
        }
        return orders
    }

    // MARK: - Listeners

    /// A listener was ordered to start.
    package mutating func started(_ worker: WorkerID) -> [Order] {
        guard let index = listeners.firstIndex(where: { $0.slot == worker.slot }) else { return [] }
        let orders = ended(worker.slot)
        listeners[index].generation = worker.generation
        listeners[index].phase = .acknowledged
        listeners[index].isInputClosed = false
        return orders
    }

    /// The state of a listener's slot changed.
    package mutating func changed(_ slot: SlotID, to state: ProcessState) -> [Order] {
        guard let index = listeners.firstIndex(where: { $0.slot == slot }) else { return [] }
        listeners[index].isRunning = state == .running
        return state == .running ? dispatch() : []
    }

    /// A listener has ended: what it had comes back to this pool, and to no other.
    package mutating func ended(_ slot: SlotID) -> [Order] {
        guard let index = listeners.firstIndex(where: { $0.slot == slot }) else { return [] }
        listeners[index].isRunning = false
        guard case .busy(let event) = listeners[index].phase else { return [] }
        listeners[index].phase = .acknowledged
        return takeBack(event) + dispatch()
    }

    /// What a listener had could not be written to it: its standard input is closed.
    package mutating func inputClosed(_ worker: WorkerID) -> [Order] {
        guard let index = index(of: worker) else { return [] }
        listeners[index].isInputClosed = true
        guard case .busy(let event) = listeners[index].phase else { return [] }
        listeners[index].phase = .ready
        let line =
            "epipe occurred while sending event \(event.serial) to listener \(listeners[index].name), "
            + "listener state unchanged"
        return [.log(.debug, line)] + takeBack(event) + dispatch()
    }

    /// A listener said something.
    package mutating func said(_ word: ListenerWord, by worker: WorkerID) -> [Order] {
        guard let index = index(of: worker) else { return [] }
        let phase = listeners[index].phase
        let name = listeners[index].name
        switch (phase, word) {
        case (.unknown, _): return []
        case (.acknowledged, .ready):
            return enter(.ready, index) + dispatch()
        case (.busy, .talking): return []
        case (.busy, .result(isOK: true)):
            return [.log(.debug, "\(name): event was processed")] + enter(.acknowledged, index)
        case (.busy(let event), .result(isOK: false)):
            return [.log(.warn, "\(name): event was rejected")] + enter(.acknowledged, index) + takeBack(event)
                + dispatch()
        case (.busy(let event), .violation(let violation)):
            var orders: [Order] = []
            if case .badResultLine(let line) = violation {
                orders.append(.log(.warn, "\(name): bad result line: '\(line)'"))
            }
            return orders + breakOff(index, worker) + takeBack(event) + dispatch()
        case (.busy(let event), .ready):
            // The parser cannot say this without a result before it.
            return breakOff(index, worker) + takeBack(event) + dispatch()
        case (.acknowledged, .talking), (.acknowledged, .result), (.acknowledged, .violation), (.ready, _):
            return breakOff(index, worker)
        }
    }

    private func index(of worker: WorkerID) -> Int? {
        listeners.firstIndex { $0.slot == worker.slot && $0.generation == worker.generation }
    }

    private mutating func enter(_ phase: Phase, _ index: Int) -> [Order] {
        let line = "\(listeners[index].name): \(listeners[index].phase.word) -> \(phase.word)"
        listeners[index].phase = phase
        return [.log(.debug, line)]
    }

    private mutating func breakOff(_ index: Int, _ worker: WorkerID) -> [Order] {
        let line =
            "\(listeners[index].name): has entered the UNKNOWN state and will no longer receive events, "
            + "this usually indicates the process violated the eventlistener protocol"
        return enter(.unknown, index) + [.log(.warn, line), .disregard(worker)]
    }
}

/// Events that wait, oldest first; taking from either end is cheap.
package struct EventQueue: Hashable, Codable, Sendable {
    private var events: [PoolEvent?] = []
    private var start = 0
    /// About how much memory they hold, in bytes.
    package private(set) var weightBytes = 0

    /// None.
    package init() {}

    /// How many wait.
    package var count: Int { events.count - start }
    /// The oldest.
    package var first: PoolEvent? { count > 0 ? events[start] : nil }
    /// All of them, oldest first.
    package var all: [PoolEvent] { events[start...].compactMap { $0 } }

    mutating func append(_ event: PoolEvent) {
        events.append(event)
        weightBytes += event.announcement.weightBytes
    }

    mutating func prepend(_ event: PoolEvent) {
        if start > 0 {
            start -= 1
            events[start] = event
        } else {
            events.insert(event, at: 0)
        }
        weightBytes += event.announcement.weightBytes
    }

    mutating func removeFirst() {
        guard let event = first else { return }
        events[start] = nil
        start += 1
        weightBytes -= event.announcement.weightBytes
        // Half of it empty: moved down at once, which costs each event one move at most.
        guard start > 32, start * 2 > events.count else { return }
        events.removeFirst(start)
        start = 0
    }
}
