import Testing
import WardenCore

/// Goal: every state meets every fact, and both the whole list of orders and the state after it are as written down.
///
/// Method: a machine is brought into the state, told the fact at second 100, and compared.
@Suite struct WorkerMachineTableTests {
    enum Place: CaseIterable {
        case stopped, ordered, starting, running, backoff, stopping, restarting, exited, fatal, unknown, broken
    }

    enum Fact: CaseIterable {
        case start, stopByPerson, restartByWarden, killByWarden, abandonRetry, spawned, spawnFailed, exitedWell,
            exitedBadly, signalFailed, timeReached
    }

    typealias Order = WorkerMachine.Order
    typealias State = WorkerMachine.State

    static let cases = Place.allCases.flatMap { place in Fact.allCases.map { (place, $0) } }

    @Test(arguments: cases)
    func aStateMeetsAFact(place: Place, fact: Fact) {
        var machine = Self.machine(in: place)
        let before = machine
        let orders = Self.tell(fact, &machine)
        let expected = Self.expected(place, fact)
        #expect(orders == expected.orders)
        #expect(machine.state == expected.state ?? before.state)
    }

    // MARK: - Places

    static let failure = SpawnFailure(
        stage: .lookUp, errorNumber: 2, subject: "/usr/bin/worker", explanation: "No such file or directory")
    static let run = WorkerMachine.Run(generation: Generation(1), startedAt: at(99.5), pid: 77)
    static let unborn = WorkerMachine.Run(generation: Generation(1), startedAt: at(99.5), pid: nil)
    static let ran = WorkerMachine.Run(generation: Generation(1), startedAt: at(50), pid: 77)

    static func machine(in place: Place) -> WorkerMachine {
        var machine = WorkerMachine(name: "w0", spec: SupervisionSpec())
        func running() {
            _ = machine.start(reason: nil, at: at(50))
            _ = machine.spawned(pid: 77, at: at(50))
            _ = machine.timeReached(at: at(51))
        }
        switch place {
        case .stopped: break
        case .ordered: _ = machine.start(reason: nil, at: at(99.5))
        case .starting:
            _ = machine.start(reason: nil, at: at(99.5))
            _ = machine.spawned(pid: 77, at: at(99.5))
        case .running: running()
        case .backoff:
            _ = machine.start(reason: nil, at: at(99.5))
            _ = machine.spawnFailed(failure, at: at(99.5))
        case .stopping:
            running()
            _ = machine.stop(.stay, isByRequest: true, at: at(95))
        case .restarting:
            running()
            _ = machine.stop(.startAgain(.health(.dark(.emfile))), isByRequest: false, at: at(95))
        case .exited:
            running()
            _ = machine.exited(.code(0), at: at(60))
        case .fatal:
            for _ in 0..<4 {
                _ = machine.start(reason: nil, at: at(60))
                _ = machine.spawnFailed(failure, at: at(60))
            }
        case .unknown:
            running()
            _ = machine.stop(.stay, isByRequest: true, at: at(95))
            _ = machine.signalFailed(1)
        case .broken:
            running()
            _ = machine.spawned(pid: 78, at: at(95))
        }
        return machine
    }

    static func tell(_ fact: Fact, _ machine: inout WorkerMachine) -> [Order] {
        let now = at(100)
        switch fact {
        case .start: return machine.start(reason: .user, at: now)
        case .stopByPerson: return machine.stop(.stay, isByRequest: true, at: now)
        case .restartByWarden:
            return machine.stop(.startAgain(.health(.hung(.silent))), isByRequest: false, at: now)
        case .killByWarden:
            return machine.stop(.startAgain(.health(.hung(.silent))), isByRequest: false, force: .kill, at: now)
        case .abandonRetry: return machine.abandonRetry()
        case .spawned: return machine.spawned(pid: 77, at: now)
        case .spawnFailed: return machine.spawnFailed(failure, at: now)
        case .exitedWell: return machine.exited(.code(0), at: now)
        case .exitedBadly: return machine.exited(.signal(9, coreDumped: false), at: now)
        case .signalFailed: return machine.signalFailed(1)
        case .timeReached: return machine.timeReached(at: now)
        }
    }
}
