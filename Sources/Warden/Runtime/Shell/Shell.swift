package import WardenCore

/// The interpreter of directives, and the only caller of the machine.
///
/// One turn: wait for events until the next deadline, hand each to the supervisor, carry out what it says. The
/// simulation runs this very shell on a machine of its own.
package struct Shell<M: Machine & ~Copyable>: ~Copyable {
    /// What an impossible fact leads to.
    package enum InvariantPolicy: Sendable {
        /// The process ends at once: tests and simulation.
        case trap
        /// A critical line in the log, and the daemon lives.
        case report
    }

    /// The machine. Tests look into theirs.
    package var machine: M
    /// The supervisor's present value.
    package private(set) var supervisor: Supervisor
    private var dice: Dice
    private let invariants: InvariantPolicy
    private var events: [Event] = []
    private var end: End?

    /// - Parameters:
    ///   - supervisor: the value to run.
    ///   - machine: what carries out its directives.
    ///   - dice: the source of chance.
    ///   - invariants: what an impossible fact leads to.
    package init(supervisor: Supervisor, machine: consuming M, dice: Dice, invariants: InvariantPolicy) {
        self.supervisor = supervisor
        self.machine = machine
        self.dice = dice
        self.invariants = invariants
        events.reserveCapacity(ShellLimits.eventsPerTurn)
    }

    /// One turn.
    ///
    /// - Returns: how the daemon shall end, once everything has stopped; `nil` until then.
    package mutating func step() -> End? {
        events.removeAll(keepingCapacity: true)
        machine.waitForEvents(until: supervisor.nextDeadline(), into: &events)
        for event in events { handle(event) }
        if let deadline = supervisor.nextDeadline(), deadline <= machine.now().instant { handle(.timeReached) }
        return end
    }

    /// Takes in what has happened already, and waits a moment for more.
    ///
    /// - Parameter deadline: the end of that moment.
    /// - Returns: whether nothing had.
    package mutating func settle(until deadline: Instant) -> Bool {
        events.removeAll(keepingCapacity: true)
        machine.waitForEvents(until: deadline, into: &events)
        for event in events { handle(event) }
        return events.isEmpty
    }

    /// Goes on after an end that could not be.
    package mutating func goOn() { end = nil }

    /// The same shell with what its supervisor has become on its way to another binary.
    package consuming func taken(over supervisor: Supervisor) -> Self {
        self.supervisor = supervisor
        return self
    }

    /// Hands one event to the supervisor and carries out what it says.
    package mutating func handle(_ event: Event) {
        let directives = supervisor.handle(event, at: machine.now(), dice: &dice)
        if machine.remembers {
            // First what is going to be done, then the deed: whoever is killed in between has not forgotten it.
            let memories = supervisor.takeMemories()
            if !memories.isEmpty { machine.remember(memories) }
        }
        for directive in directives { carryOut(directive) }
    }

    private mutating func carryOut(_ directive: Directive) {
        switch directive {
        case .spawn(let worker, let spec, let restartCount, let reason):
            machine.spawn(worker, spec, restartCount: restartCount, reason: reason)
        case .signal(let worker, let signal, let reach): machine.signal(worker, signal, reach)
        case .release(let worker, let sweep): machine.release(worker, sweep: sweep)
        case .collectForensics(let worker, let budget, let command):
            machine.collectForensics(worker, budget: budget, command: command)
        case .runHook(let worker, let hook, let command, let timeout):
            machine.runHook(worker, hook, command: command, timeout: timeout)
        case .probe(let worker, let probe, let timeout): machine.probe(worker, probe, timeout: timeout)
        case .loadConfiguration(let request): machine.loadConfiguration(for: request)
        case .reply(let request, let reply): machine.reply(request, reply)
        case .log(let record): machine.log(record)
        case .announce(let announcement): machine.announce(announcement)
        case .send(let worker, let event): machine.send(event, to: worker)
        case .disregardOutput(let worker): machine.disregardOutput(of: worker)
        case .writeInput(let worker, let bytes, let request): machine.writeInput(worker, bytes, for: request)
        case .recordIncident(let incident): machine.store(incident)
        case .alert(let alert): machine.post(alert)
        case .setStatus(let text): machine.notify(.status(text))
        case .declareReady: machine.notify(.ready)
        case .declareStopping: machine.notify(.stopping)
        case .extendTimeout(let duration): machine.notify(.extendTimeout(duration))
        case .finish(let end): self.end = end
        case .examineSuccessor(let request): machine.examineSuccessor(of: supervisor, for: request)
        case .reportInvariant(let what): report(what)
        case .takeCensus(let worker): machine.takeCensus(of: worker)
        case .readWaits(let worker): machine.readWaits(worker)
        case .queryDemand(let worker, let url, let timeout):
            machine.queryDemand(worker, url: url, timeout: timeout)
        case .raiseDescriptorLimit(let worker, let pid): machine.raiseDescriptorLimit(of: worker, pid: pid)
        case .lowerDescriptorLimit(let worker, let pid): machine.lowerDescriptorLimit(of: worker, pid: pid)
        case .restoreDescriptorLimit(let worker, let pid, let from, let to):
            machine.restoreDescriptorLimit(of: worker, pid: pid, from: from, to: to)
        case .prepareRespawn(let worker, let spec, let launch):
            machine.prepareRespawn(worker, spec, launch: launch)
        case .examine(let worker, let budget, let command):
            machine.examine(worker, budget: budget, command: command)
        case .storeRecord(let block): machine.store(block)
        case .holdLeftOver(let worker, let spec, let pid): machine.holdLeftOver(worker, spec, pid: pid)
        }
    }

    private mutating func report(_ what: String) {
        switch invariants {
        case .trap: preconditionFailure("impossible fact: \(what)")
        case .report: machine.log(LogRecord(.critical, "internal: impossible fact, please report it: \(what)"))
        }
    }
}
