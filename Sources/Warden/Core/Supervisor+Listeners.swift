/// The pools of event listeners, and what they are told.
struct ListenerHall: Codable, Sendable {
    /// By the group's name.
    var pools: [String: EventPool] = [:]
    /// The pools' names in the order of starting: who hears first.
    var order: [String] = []
    /// The pool of each listener.
    var poolOfSlot: [SlotID: String] = [:]
    /// The number of the next event that any pool takes.
    var nextSerial: UInt64 = 0
    /// The last slice of each period that was told; empty while nobody wants to know.
    var slices: [TickPeriod: Int64] = [:]
    /// When the next slice may begin; `nil` while nobody wants to know.
    var tickDueAt: Instant?
    /// While the daemon ends: until when listeners get what waits for them.
    var hearingEndsAt: Instant?

    /// The next instant at which something is due.
    var deadline: Instant? {
        switch (tickDueAt, hearingEndsAt) {
        case (let one?, let other?): min(one, other)
        case (let one?, nil): one
        case (nil, let other): other
        }
    }

    /// Whether any pool subscribes to ticks.
    var wantsTicks = false
}

extension Supervisor {
    // MARK: - Pools

    /// A group became active: if it is a pool of listeners, it hears of everything from now on.
    mutating func openPool(of group: Group) {
        guard let spec = group.spec.pool else { return }
        let members = group.slots.compactMap { id in slots[id].map { (id: id, process: $0.spec.name.process) } }
        hall.pools[group.spec.name] = EventPool(name: group.spec.name, spec: spec, slots: members)
        for id in group.slots { hall.poolOfSlot[id] = group.spec.name }
        orderPools()
    }

    /// A group went, and with it what waited for its listeners.
    mutating func closePool(_ name: String) {
        guard hall.pools.removeValue(forKey: name) != nil else { return }
        hall.poolOfSlot = hall.poolOfSlot.filter { $0.value != name }
        orderPools()
    }

    private mutating func orderPools() {
        let priorities = groups.mapValues(\.spec.priority)
        hall.order = hall.pools.keys.sorted { (priorities[$0] ?? 0, $0) < (priorities[$1] ?? 0, $1) }
        let ticks: [EventType] = [.tick5, .tick60, .tick3600]
        hall.wantsTicks = hall.pools.values.contains { pool in
            ticks.contains { $0.isWanted(by: pool.spec.events) }
        }
        if !hall.wantsTicks {
            hall.slices = [:]
            hall.tickDueAt = nil
        }
    }

    private mutating func withPool(of slot: SlotID, _ body: (inout EventPool) -> [EventPool.Order]) {
        guard let name = hall.poolOfSlot[slot] else { return }
        // Taken out, so that the pool is changed where it lies and not copied.
        guard var pool = hall.pools.removeValue(forKey: name) else { return }
        let orders = body(&pool)
        hall.pools[name] = pool
        carryOut(orders)
    }

    private mutating func carryOut(_ orders: [EventPool.Order]) {
        for order in orders {
            switch order {
            case .send(let worker, let event): directives.append(.send(worker, event))
            case .disregard(let worker): directives.append(.disregardOutput(worker))
            case .log(let level, let text): directives.append(.log(LogRecord(level, text)))
            }
        }
    }

    // MARK: - Telling

    /// Tells the log and the listeners.
    mutating func announce(_ announcement: Announcement) {
        directives.append(.announce(announcement))
        tellListeners(announcement)
    }

    /// Tells the listeners alone.
    mutating func tellListeners(_ announcement: Announcement) {
        // supervisord numbers an event when the first pool takes it.
        var serial: UInt64?
        for name in hall.order {
            guard hall.pools[name]?.wants(announcement) == true, var pool = hall.pools.removeValue(forKey: name)
            else { continue }
            let number = serial ?? hall.nextSerial
            if serial == nil { hall.nextSerial += 1 }
            serial = number
            let orders = pool.accept(announcement, serial: number)
            hall.pools[name] = pool
            carryOut(orders)
        }
    }

    /// A process wrote something that listeners may want to hear of. Also of a generation that is over: its last words
    /// may come after its exit.
    mutating func wrote(_ output: WorkerOutput) {
        guard !hall.pools.isEmpty, let position = slots.position(of: output.worker.slot) else { return }
        let name = slots.entries[position].spec.name
        tellListeners(.output(name, pid: output.pid, output.channel, output.kind, output.text))
    }

    /// Whether listeners whose turn to stop has come still get what waits for them: the news of all who stopped before
    /// them. Only for a moment, whatever they do with it.
    mutating func hearsOut(_ tier: [Group], at now: Moment) -> Bool {
        let isOccupied = tier.contains { hall.pools[$0.spec.name]?.isOccupied ?? false }
        let due = hall.hearingEndsAt ?? now.instant + Limits.lastHearing
        guard isOccupied, now.instant < due else {
            hall.hearingEndsAt = nil
            return false
        }
        hall.hearingEndsAt = due
        return true
    }

    // MARK: - Facts about listeners

    /// A worker was ordered to start.
    mutating func listenerStarted(_ worker: WorkerID) {
        withPool(of: worker.slot) { $0.started(worker) }
    }

    /// A slot's state changed.
    mutating func listenerChanged(_ slot: SlotID, to state: ProcessState) {
        withPool(of: slot) { $0.changed(slot, to: state) }
    }

    /// A worker is gone.
    mutating func listenerEnded(_ slot: SlotID) {
        withPool(of: slot) { $0.ended(slot) }
    }

    /// A listener said something.
    mutating func listenerSaid(_ words: [ListenerWord], _ worker: WorkerID) {
        for word in words { withPool(of: worker.slot) { $0.said(word, by: worker) } }
    }

    /// Nothing can be written to a listener any more.
    mutating func listenerInputClosed(_ worker: WorkerID) {
        withPool(of: worker.slot) { $0.inputClosed(worker) }
    }

    // MARK: - Standard input

    /// A client writes to a worker; only a process that is up and not told to end can be written to.
    mutating func writeInput(_ name: SlotName, _ bytes: [UInt8], for request: RequestID) {
        guard let slot = index[name].flatMap({ slots[$0] }) else {
            directives.append(.reply(request, .refused(.badName(name.qualified))))
            return
        }
        switch slot.machine.state {
        case .starting(let run) where run.pid != nil, .running(let run):
            let worker = WorkerID(slot: slot.id, generation: run.generation)
            directives.append(.writeInput(worker, bytes, for: request))
        case .starting, .stopped, .backoff, .stopping, .exited, .fatal, .unknown:
            directives.append(.reply(request, .refused(.notRunning(name.qualified))))
        }
    }

    // MARK: - Ticks

    /// Tells every slice of the wall clock that has begun since the last look.
    mutating func tick(at now: Moment) {
        guard hall.wantsTicks else { return }
        for period in TickPeriod.allCases {
            let slice = period.slice(at: now.wall)
            let last = hall.slices.updateValue(slice, forKey: period)
            // The slice in which the daemon, or the first such pool, began is not told. A clock that was set makes one
            // tick, however far it went.
            if let last, last != slice { tellListeners(.tick(period, when: slice)) }
        }
        // The shortest period divides the others.
        let next = (TickPeriod.five.slice(at: now.wall) + TickPeriod.five.rawValue) * 1_000_000
        hall.tickDueAt = now.instant + .microseconds(next - now.wall.microseconds)
    }

    /// Whether `tick` has something to do, or was never asked.
    func isTickDue(at now: Moment) -> Bool {
        hall.tickDueAt.map { $0 <= now.instant } ?? hall.wantsTicks
    }
}
