/// A worker of a former daemon that nobody supervises.
package struct LeftOverWorker: Hashable, Sendable {
    /// The slot's name as its environment has it: `SlotName.qualified`.
    package var name: String
    /// The start that it is of.
    package var generation: Generation
    /// Its process that has no other of the worker above it.
    package var pid: Int32
    /// The URL of its daemon, by which two daemons of one host are told apart.
    package var serverURL: String?

    /// - Parameters: as the properties of the same names.
    package init(name: String, generation: Generation, pid: Int32, serverURL: String?) {
        self.name = name
        self.generation = generation
        self.pid = pid
        self.serverURL = serverURL
    }
}

extension Supervisor {
    /// Workers of a daemon that left nothing else behind. Two of a worker would be worse than one that is not watched:
    /// such a slot is UNKNOWN and not started until the process is gone, which a stop brings about.
    mutating func leftOversFound(_ found: [LeftOverWorker], at now: Moment) {
        let ids = Dictionary(index.map { ($0.key.qualified, $0.value) }) { first, _ in first }
        for worker in found {
            let what = "pid \(worker.pid) is left over from a former daemon"
            // Whoever names another daemon, or none, may be that one's.
            guard let id = ids[worker.name], let slot = slots[id], let url = slot.spec.launch.serverURL,
                worker.serverURL == url
            else { continue }
            let orders = withSlot(id) { $0.machine.foundLeftOver(pid: worker.pid, at: now) } ?? []
            guard !orders.isEmpty else { continue }
            let name = slot.spec.name.qualified
            directives.append(
                .log(
                    LogRecord(
                        .critical,
                        "\(what), of \(name): it is not watched, and no other is started before it is gone; "
                            + "`wardenctl stop \(name)` ends it", fields: ["WARDEN_WORKER": name])))
            guard let blocked = slots[id]?.worker else { continue }
            directives.append(.holdLeftOver(blocked, slot.spec, pid: worker.pid))
            apply(orders, to: id, at: now)
        }
    }

    /// The process that kept a slot from being started is gone.
    mutating func leftOverEnded(_ id: SlotID, at now: Moment) {
        guard mood == .running, let slot = slots[id], slot.machine.processState == .stopped,
            slot.spec.supervision.autostart
        else { return }
        apply(withSlot(id) { $0.machine.start(reason: nil, at: now) } ?? [], to: id, at: now)
    }
}
