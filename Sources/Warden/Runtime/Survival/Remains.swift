import WardenCore
import WardenLinux
import WardenWire

/// What a daemon that ended all of a sudden has left: its state, and the descriptors that the service manager kept.
///
/// The descriptors are owned by whoever takes them out.
struct Remains {
    var supervisor: RememberedSupervisor
    var logs: [(number: UInt64, known: WorkerLogs.Known)] = []
    /// Incidents and alerts that the history may not have.
    var incidents: [(name: StateRecord.Name, incident: Incident)] = []
    var alerts: [(name: StateRecord.Name, alert: Alert)] = []
    var delivered: [SlotID: UInt64] = [:]
    var processes: [WorkerID: CInt] = [:]
    var inputs: [WorkerID: CInt] = [:]
    var notifySockets: [WorkerID: CInt] = [:]
    var outputs: [(worker: WorkerID, stream: WardenLinux.OutputStream, descriptor: CInt)] = []
    /// The sockets that were served.
    var listening: [DaemonState.Listening] = []
    /// Those of fcgi-programs, each with its number.
    var sharedSockets: [(number: UInt32, shared: DaemonState.Shared)] = []
    private var places: [UInt32: String] = [:]
    /// Records that could not be read.
    var damages: [String] = []

    /// Reads the state.
    ///
    /// - Parameters:
    ///   - records: the newest of each name.
    ///   - keeper: is told how they are numbered.
    /// - Returns: `nil` when what is true of all slots cannot be read.
    init?(_ records: [StateRecord], _ keeper: StateKeeper) {
        var standing: StandingMemory?
        var groups: [String: GroupMemory] = [:]
        var slots: [SlotID: SlotMemory] = [:]
        var (numbers, last): ([String: UInt64], UInt64) = ([:], 0)
        var damages: [String] = []
        var rest: [(StateKind, StateRecord)] = []
        for record in records {
            guard let kind = StateKind(rawValue: record.name.kind) else { continue }
            if kind != .slot, kind != .delivered, kind != .listener { last = max(last, record.name.key) }
            do {
                switch kind {
                case .standing: standing = try record.decoded(StandingMemory.self)
                case .group:
                    let group = try record.decoded(KeptGroup.self)
                    groups[group.name] = group.memory
                    numbers[group.name] = record.name.key
                case .slot:
                    slots[SlotID(UInt32(truncatingIfNeeded: record.name.key))] = try record.decoded(SlotMemory.self)
                case .log, .incident, .alert, .delivered, .sharedSocket, .listener: rest.append((kind, record))
                }
            } catch {
                damages.append("a record of kind \(record.name.kind): \(error)")
            }
        }
        keeper.number(
            numbers, after: last, listeners: records.count { $0.name.kind == StateKind.listener.rawValue })
        guard let standing else { return nil }
        supervisor = RememberedSupervisor(standing: standing, groups: groups, slots: slots)
        self.damages = damages
        for (kind, record) in rest { take(kind, record) }
    }

    private mutating func take(_ kind: StateKind, _ record: StateRecord) {
        do {
            switch kind {
            case .log: logs.append((record.name.key, try record.decoded(WorkerLogs.Known.self)))
            case .incident: incidents.append((record.name, try record.decoded(Incident.self)))
            case .alert: alerts.append((record.name, try record.decoded(Alert.self)))
            case .delivered:
                delivered[SlotID(UInt32(truncatingIfNeeded: record.name.key))] = try record.decoded(UInt64.self)
            case .sharedSocket:
                let number = UInt32(truncatingIfNeeded: record.name.key)
                sharedSockets.append((number, try record.decoded(DaemonState.Shared.self)))
            case .listener: places[UInt32(truncatingIfNeeded: record.name.key)] = try record.decoded(String.self)
            case .standing, .group, .slot: break
            }
        } catch {
            damages.append("a record of kind \(record.name.kind): \(error)")
        }
    }

    /// The descriptors that came back.
    mutating func take(_ passed: [(name: StoredName, descriptor: CInt)]) {
        for entry in passed { take(entry.name, entry.descriptor) }
        let byName = Dictionary(passed.map { ($0.name, $0.descriptor) }, uniquingKeysWith: { first, _ in first })
        for (number, place) in places.sorted(by: { $0.key < $1.key }) {
            guard let socket = byName[.listener(number)] else { continue }
            listening.append(DaemonState.Listening(place: place, socket: socket, lock: byName[.lock(number)]))
        }
        sharedSockets = sharedSockets.compactMap { number, shared in
            guard let socket = byName[.shared(number)] else { return nil }
            return (number, DaemonState.Shared(key: shared.key, socket: socket, users: shared.users))
        }
    }

    private mutating func take(_ name: StoredName, _ descriptor: CInt) {
        switch name {
        case .state, .listener, .lock, .shared: break
        case .process(let worker): processes[worker] = descriptor
        case .input(let worker): inputs[worker] = descriptor
        case .notify(let worker): notifySockets[worker] = descriptor
        case .output(let worker, let stream): outputs.append((worker, stream, descriptor))
        }
    }
}

extension StateRecord {
    fileprivate func decoded<Value: Decodable>(_ type: Value.Type) throws(StateFailure) -> Value {
        try StateDecoder.decode(type, from: StateValue(decoding: bytes))
    }
}

/// The beginning of a daemon that may come after another.
enum Survival {
    /// Takes what the service manager passes on, and begins to remember. Before there are threads.
    ///
    /// - Returns: the keeper, and what is left of the daemon before; `nil` when there was none, or when it ended well.
    static func begin() -> (keeper: StateKeeper, remains: Remains?) {
        var store = DescriptorStore.own()
        let passed = PassedDescriptors().entries.compactMap { entry in
            entry.storedName.map { (name: $0, descriptor: entry.descriptor) }
        }
        for entry in passed { store.note(entry.name) }
        guard store.isAvailable else { return (StateKeeper(nil, store), nil) }
        let now = MonotonicClock.now()
        var notes: [LogRecord] = []
        let former = passed.first { $0.name == .state }?.descriptor
        let times = former.map { StateMemory.startTimes(of: $0) } ?? []
        if let former {
            do throws(StateMemoryFailure) {
                var memory = try StateMemory.adopt(Descriptor(owning: former))
                memory.noteStart(at: now)
                let records = memory.records
                let keeper = StateKeeper(memory, store)
                if var remains = Remains(records, keeper) {
                    remains.take(passed)
                    return (keeper, remains)
                }
                keeper.note(LogRecord(.critical, "The state of the former daemon is not complete"))
                return (keeper, nil)
            } catch {
                notes.append(LogRecord(.critical, "The state of the former daemon cannot be used: \(error)"))
            }
        }
        let keeper = begin(store, after: times, at: now, replacing: former != nil)
        for note in notes { keeper.note(note) }
        return (keeper, nil)
    }

    /// After an upgrade in place: nothing of what is kept changes hands.
    static func goOn(_ legacy: DaemonState) -> StateKeeper {
        var store = DescriptorStore.own()
        for name in (legacy.stored ?? []).compactMap({ StoredName($0) }) { store.note(name) }
        guard let number = legacy.memory else {
            return store.isAvailable
                ? begin(store, after: [], at: MonotonicClock.now(), replacing: false)
                : StateKeeper(nil, store)
        }
        do throws(StateMemoryFailure) {
            let memory = try StateMemory.adopt(Descriptor(owning: number))
            let records = memory.records
            let keeper = StateKeeper(memory, store)
            // The supervisor tells everything anew, and the history has what was owed; the numbers go on.
            _ = Remains(records, keeper)
            for kind in [StateKind.incident, .alert] {
                for record in records where record.name.kind == kind.rawValue { keeper.forget(record.name) }
            }
            return keeper
        } catch {
            let keeper = begin(store, after: [], at: MonotonicClock.now(), replacing: true)
            keeper.note(LogRecord(.error, "The state was made anew: \(error)"))
            return keeper
        }
    }

    private static func begin(
        _ store: consuming DescriptorStore, after times: [Instant], at now: Instant, replacing isReplacing: Bool
    ) -> StateKeeper {
        do throws(StateMemoryFailure) {
            var memory = try StateMemory.make()
            for time in times + [now] { memory.noteStart(at: time) }
            if isReplacing { store.remove(.state) }
            _ = store.store(memory.descriptor, as: .state)
            return StateKeeper(memory, store)
        } catch {
            let keeper = StateKeeper(nil, store)
            keeper.note(LogRecord(.error, "Nothing will outlive a crash of this daemon: \(error)"))
            return keeper
        }
    }
}
