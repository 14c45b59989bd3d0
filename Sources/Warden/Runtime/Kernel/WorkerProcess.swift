import WardenCore
import WardenLinux

/// A worker's process as the machine owns it: from clone(2) until it is reaped and released.
final class WorkerProcess {
    let worker: WorkerID
    let spec: ProgramSpec
    var child: Child
    /// The way to execve(2), until it has been taken.
    var report: SpawnReport?
    let reportDueAt: Instant
    /// The last step that the child said it had entered.
    var lastStage: SpawnFailure.Stage?
    /// Its standard input stays open, as under supervisord: a program that reads it does not see an end. Non-blocking;
    /// `nil` for fcgi-programs, whose input is a socket, and when nobody reads it any more.
    var input: Descriptor?
    /// What waits until its input takes more.
    var unsent = InputQueue()
    /// The event that its input has not taken the whole of.
    var serialOnItsWay: UInt64?
    /// Its input is watched until it takes more.
    var awaitsInput = false
    var notifySocket: WorkerNotifySocket?
    var isReaped = false
    /// The supervisor knows that it is gone.
    var isReleased = false
    /// It never got as far as its program; its exit is nobody's business.
    var hasFailed = false
    /// The name of its control group; `nil` when it has none of its own.
    var group: String?
    /// Its tree as it was when it was signalled, for want of a group.
    var tree: [ProcessIdentity] = []
    /// How its main process ended, and by when that is told, while the rest of its tree is being ended.
    var ending: (status: ExitStatus, dueAt: Instant)?
    /// Nothing is left of its tree, or all was done that can be.
    var isTreeEnded = false

    init(
        worker: WorkerID, spec: ProgramSpec, spawned: consuming SpawnedChild, input: consuming Descriptor?,
        notifySocket: consuming WorkerNotifySocket?, now: Instant
    ) {
        self.worker = worker
        self.spec = spec
        self.input = input
        self.notifySocket = notifySocket
        reportDueAt = now + RuntimeLimits.spawnDeadline
        var report: SpawnReport?
        child = spawned.split { child, itsReport in
            report = consume itsReport
            return child
        }
        self.report = report
    }

    /// Started within the last second: its logs may not be open yet.
    func isNew(at now: Instant) -> Bool {
        reportDueAt != .distantFuture && now - (reportDueAt - RuntimeLimits.spawnDeadline) < .seconds(1)
    }

    /// A process that a former binary or daemon started, and that executes its program.
    init(adopting told: DaemonState.Worker) {
        worker = told.worker
        spec = told.spec
        child = Child(adopting: told.pid, pidfd: Descriptor(owning: told.pidfd))
        reportDueAt = .distantFuture
        input = told.input.map { Descriptor(owning: $0) }
        unsent.append(told.unsent)
        if let path = told.notifyPath, let socket = told.notifySocket {
            notifySocket = WorkerNotifySocket(path: path, adopting: Descriptor(owning: socket))
        }
        isReaped = told.isReaped
        isReleased = told.isReleased
        hasFailed = told.hasFailed
    }
}

/// What a command is run for.
enum HookPurpose: Hashable, Sendable {
    /// The core asked; it hears of the end.
    case hook(Hook)
    /// A worker is looked over.
    case forensics(Examination.Part)
    /// The binary that is to take over is tried.
    case successor(RequestID?)

    /// Bytes of its output that are kept.
    var outputBytes: Int {
        switch self {
        case .hook, .successor: RuntimeLimits.hookOutputBytes
        case .forensics: RuntimeLimits.forensicsOutputBytes
        }
    }
}

/// A command that runs for a worker: own group, the program's user, bounded output, a deadline.
final class HookProcess {
    let worker: WorkerID
    let purpose: HookPurpose
    var child: Child
    var report: SpawnReport?
    let output: Descriptor
    let deadline: Instant
    var collected: [UInt8] = []
    var isTimedOut = false
    var failure: SpawnFailure?

    init(
        worker: WorkerID, purpose: HookPurpose, spawned: consuming SpawnedChild, output: consuming Descriptor,
        deadline: Instant
    ) {
        self.worker = worker
        self.purpose = purpose
        self.output = output
        self.deadline = deadline
        var report: SpawnReport?
        child = spawned.split { child, itsReport in
            report = consume itsReport
            return child
        }
        self.report = report
    }

    /// One that a former binary started.
    init(adopting told: DaemonState.Command, at now: Instant) {
        worker = told.worker
        purpose = .hook(told.hook)
        child = Child(pid: told.pid, pidfd: Descriptor(owning: told.pidfd))
        output = Descriptor(owning: told.output)
        deadline = now + told.endsIn
        collected = told.collected
        isTimedOut = told.isTimedOut
    }
}
