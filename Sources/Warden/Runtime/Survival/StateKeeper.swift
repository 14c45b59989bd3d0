import Synchronization
import WardenCore
import WardenLinux
import WardenWire

/// What other threads have done with, so that the memory of it may go.
final class Settled: Sendable {
    /// What there is to forget.
    struct Matters: Sendable {
        /// Workers whose pipes were read to their end.
        var drained: [WorkerID] = []
        /// Incidents and alerts that the history has.
        var stored: [StateRecord.Name] = []

        var isEmpty: Bool { drained.isEmpty && stored.isEmpty }
    }

    private let matters = Mutex(Matters())

    func drained(_ worker: WorkerID) { matters.withLock { $0.drained.append(worker) } }

    func stored(_ name: StateRecord.Name) { matters.withLock { $0.stored.append(name) } }

    func take() -> Matters {
        matters.withLock { matters in
            defer { if !matters.isEmpty { matters = Matters() } }
            return matters
        }
    }
}

/// What the records of the state are about. The numbers are part of its format.
enum StateKind: UInt8 {
    case standing = 1
    case group = 2
    case slot = 3
    /// The `AUTO` file of a stream.
    case log = 4
    /// An incident that the history does not have yet.
    case incident = 5
    /// An alert that is not in the outbox yet.
    case alert = 6
    /// The serial of the event that a listener was sent last.
    case delivered = 7
    /// The socket of an fcgi-program.
    case sharedSocket = 8
    /// The place of a socket that is served.
    case listener = 9

    func named(_ key: UInt64) -> StateRecord.Name { StateRecord.Name(kind: rawValue, key: key) }
}

/// A group as it is kept: its record's number says nothing.
struct KeptGroup: Codable {
    var name: String
    var memory: GroupMemory
}

/// What outlives this process should it end all of a sudden: the state, and the descriptors that the service manager
/// keeps for the next daemon.
///
/// It belongs to the shell's thread. Without a service manager that keeps descriptors there is nothing to remember for,
/// and every call does nothing.
final class StateKeeper {
    private var memory: StateMemory?
    private var store: DescriptorStore
    private var groupNumbers: [String: UInt64] = [:]
    private var nextNumber: UInt64 = 1
    private var failures: Set<String> = []
    /// What is served, in words.
    private var served: [String] = []
    private var owed = 0
    /// What was remembered and is about to be handed over, in order.
    private var owedNames: [StateRecord.Name?] = []
    private var nextOwed = 0
    /// What was to be said before there was a log.
    private var notes: [LogRecord] = []
    /// Where what went wrong is said.
    private var log: ((LogRecord) -> Void)?
    let settled = Settled()

    /// - Parameters:
    ///   - memory: the state of the daemon before; `nil`: a new one is made where there is a store for it.
    ///   - store: what the service manager keeps.
    init(_ memory: consuming StateMemory?, _ store: consuming DescriptorStore) {
        self.memory = memory
        self.store = store
    }

    /// Whether a daemon that comes after this one would find anything.
    var isKept: Bool {
        switch memory {
        case .some: true
        case nil: false
        }
    }

    /// For the binary that takes over in place; `nil` when nothing is kept.
    var memoryDescriptor: CInt? {
        switch memory {
        case .some(let memory): memory.descriptor
        case nil: nil
        }
    }

    /// Starts of the daemon within the last minute, this one included.
    func startsOfLate(at now: Instant) -> Int {
        switch memory {
        case .some(let memory): memory.starts(within: .seconds(60), of: now)
        case nil: 1
        }
    }

    /// For the log, once there is one.
    func note(_ record: LogRecord) {
        if let log { log(record) } else { notes.append(record) }
    }

    /// There is a log.
    func speak(_ log: @escaping (LogRecord) -> Void) {
        for note in notes { log(note) }
        notes = []
        self.log = log
    }

    // MARK: - The state

    /// What the groups' records are called, as the daemon before had numbered them.
    ///
    /// - Parameters:
    ///   - groups: the numbers.
    ///   - last: the highest number of any record.
    ///   - listeners: how many sockets were served.
    func number(_ groups: [String: UInt64], after last: UInt64, listeners: Int) {
        served = Array(repeating: "", count: listeners)
        groupNumbers = groups
        nextNumber = last + 1
    }

    func remember(_ memories: [SupervisorMemory]) {
        for part in memories {
            switch part {
            case .incident(let incident): owedNames.append(owe(.incident, incident))
            case .alert(let alert): owedNames.append(owe(.alert, alert))
            case .standing(let standing): keep(StateKind.standing.named(0), standing)
            case .group(let name, let memory?):
                keep(StateKind.group.named(number(of: name)), KeptGroup(name: name, memory: memory))
            case .group(let name, nil):
                if let number = groupNumbers.removeValue(forKey: name) { forget(StateKind.group.named(number)) }
            case .slot(let id, let memory?): keep(StateKind.slot.named(UInt64(id.number)), memory)
            case .slot(let id, nil):
                forget(StateKind.slot.named(UInt64(id.number)))
                forget(StateKind.delivered.named(UInt64(id.number)))
            }
        }
    }

    private func number(of group: String) -> UInt64 {
        if let known = groupNumbers[group] { return known }
        let number = newNumber()
        groupNumbers[group] = number
        return number
    }

    private func newNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// By what the next incident or alert that is handed to the history is to be settled; `nil` when it is not kept.
    func takeOwed() -> StateRecord.Name? {
        guard nextOwed < owedNames.count else { return nil }
        defer {
            nextOwed += 1
            if nextOwed == owedNames.count { (owedNames, nextOwed) = ([], 0) }
        }
        return owedNames[nextOwed]
    }

    /// Keeps what the history is about to be told, until it has it.
    private func owe(_ kind: StateKind, _ value: some Encodable) -> StateRecord.Name? {
        guard isKept, owed < RuntimeLimits.owedMatters else { return nil }
        let name = kind.named(newNumber())
        guard keep(name, value) else { return nil }
        owed += 1
        return name
    }

    /// A stream has a file with a name of its own.
    func remember(_ log: WorkerLogs.Known, _ number: UInt64) { keep(StateKind.log.named(number), log) }

    /// A listener has got the whole of an event.
    func delivered(_ serial: UInt64, to slot: SlotID) {
        keep(StateKind.delivered.named(UInt64(slot.number)), serial)
    }

    /// - Returns: whether it is kept.
    @discardableResult
    func keep(_ name: StateRecord.Name, _ value: some Encodable) -> Bool {
        guard isKept else { return false }
        do {
            let bytes = try StateEncoder.encode(value).encoded()
            if memory?.bytes(of: name) != bytes { try memory?.append(name, bytes) }
            return true
        } catch {
            failed("keep the state for the next daemon", "\(error)")
            return false
        }
    }

    func forget(_ name: StateRecord.Name) {
        do throws(StateMemoryFailure) {
            try memory?.remove(name)
        } catch {
            failed("take something out of the state", "\(error)")
        }
    }

    /// Each trouble is said once: it would come back with every event.
    private func failed(_ what: String, _ reason: String) {
        guard failures.insert("\(what): \(reason)").inserted, failures.count < 100 else { return }
        note(LogRecord(.error, "Cannot \(what): \(reason)"))
    }

    // MARK: - Descriptors

    /// Has a descriptor kept beyond this process.
    func store(_ descriptor: CInt, as name: StoredName) {
        guard isKept else { return }
        guard case .refused(let refusal) = store.store(descriptor, as: name) else { return }
        failed("have descriptors kept, so some workers will not outlive a crash of this daemon", "\(refusal)")
    }

    /// It need not be kept any more.
    func release(_ name: StoredName) {
        if isKept { store.remove(name) }
    }

    /// The names of what is kept, for the binary that takes over in place.
    var storedNames: [String] { store.names.map(\.text) }

    /// What is served: clients of the time without a daemon are answered by the next one.
    ///
    /// - Parameter listening: all of it.
    func keep(_ listening: [DaemonState.Listening]) {
        guard isKept else { return }
        let places = listening.map { "\($0.place) \($0.socket) \($0.lock ?? -1)" }
        guard places != served else { return }
        for number in 0..<UInt32(max(served.count, listening.count)) {
            forget(StateKind.listener.named(UInt64(number)))
            release(.listener(number))
            release(.lock(number))
        }
        served = places
        for (number, socket) in zip(UInt32(0)..., listening) {
            keep(StateKind.listener.named(UInt64(number)), socket.place)
            store(socket.socket, as: .listener(number))
            if let lock = socket.lock { store(lock, as: .lock(number)) }
        }
    }

    /// The socket of an fcgi-program, and who has it. It is stored when it is first kept.
    func keep(_ key: SharedSocketKey, _ use: SharedSocketUse) {
        guard isKept else { return }
        let number = use.number ?? UInt32(truncatingIfNeeded: newNumber())
        if use.number == nil { store(use.socket.descriptor, as: .shared(number)) }
        use.number = number
        keep(
            StateKind.sharedSocket.named(UInt64(number)),
            DaemonState.Shared(key: key, socket: use.socket.descriptor, users: use.users))
    }

    /// Nobody has it any more.
    func drop(_ use: SharedSocketUse) {
        guard let number = use.number else { return }
        forget(StateKind.sharedSocket.named(UInt64(number)))
        release(.shared(number))
    }

    /// Messages that wait for the service manager are offered again, and what others have settled is forgotten.
    func turn() {
        let matters = settled.take()
        for name in matters.stored {
            forget(name)
            owed -= 1
        }
        for worker in matters.drained {
            for stream in WardenLinux.OutputStream.allCases { release(.output(worker, stream)) }
        }
        if store.awaitsRoom { store.flush() }
    }

    /// Waits until the service manager has taken everything.
    ///
    /// - Parameter patience: how long at most.
    /// - Returns: whether nothing waits.
    func flush(within patience: Duration) -> Bool {
        let deadline = MonotonicClock.now() + patience
        while !store.flush() {
            let rest = deadline - MonotonicClock.now()
            guard rest > .zero else { return false }
            store.awaitRoom(for: rest)
        }
        return true
    }

    /// Everything has stopped: the next daemon begins anew.
    func end() {
        guard isKept else { return }
        for name in store.names { store.remove(name) }
        memory = nil
        // What cannot be taken out is not wanted by the next one, which takes it out.
        _ = flush(within: .seconds(2))
    }
}
