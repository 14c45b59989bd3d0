import WardenConfig
import WardenCore
import WardenLinux

/// A worker that is looked over: a reader's job, and commands beside it. Told of when all of them have ended.
final class Examination {
    /// What a command is for.
    enum Part: Hashable, Sendable {
        /// `forensics_command`.
        case command
        /// Stacks of Python threads.
        case pythonStacks
    }

    /// What the reader found, when it has.
    var found: Forensics?
    /// The commands that run.
    var running: Set<Part> = []
    /// What they wrote, and why they did not.
    var commandOutput = ""
    var pythonStacks: [String] = []
    var gaps: [String] = []

    /// All of it, when nothing is waited for any more.
    var result: Forensics? {
        guard var forensics = found, running.isEmpty else { return nil }
        forensics.commandOutput = commandOutput
        forensics.pythonStacks = pythonStacks
        forensics.gaps += gaps
        return forensics
    }
}

extension KernelMachine {
    mutating func collectForensics(_ worker: WorkerID, budget: Duration, command: String?) {
        examine(worker, budget, command, signal: workers[worker]?.spec.health.forensicsSignal)
    }

    /// Whoever is only told of must not speak because of that: a line would end its silence.
    mutating func examine(_ worker: WorkerID, budget: Duration, command: String?) {
        examine(worker, budget, command, signal: nil)
    }

    private mutating func examine(_ worker: WorkerID, _ budget: Duration, _ command: String?, signal: Signal?) {
        guard let process = workers[worker], !process.isReaped else { return }
        let (inbox, pump) = (parts.inbox, parts.pump)
        let pid = process.child.pid
        let deadline = MonotonicClock.now() + budget
        let examination = Examination()
        examinations[worker] = examination
        // When no thread is free the policy's own deadline goes on without.
        parts.readers.submit(deadline: deadline + .seconds(5)) {
            let forensics = ForensicsCollector.collect(
                pid: pid, worker: worker, pump: pump, signal: signal, deadline: deadline)
            _ = inbox.post(.worker(worker, .forensicsCollected(forensics)))
        }
        if let command { begin(.command, of: process, examination, budget) { CommandWords.split(command) } }
        if let words = pythonStacksCommand(of: pid) {
            begin(.pythonStacks, of: process, examination, budget) { .success(words) }
        }
    }

    private mutating func begin(
        _ part: Examination.Part, of process: WorkerProcess, _ examination: Examination, _ budget: Duration,
        _ command: () -> Result<[String], CommandWords.Failure>
    ) {
        do throws(HookFailure) {
            let words: [String]
            switch command() {
            case .success(let split): words = split
            case .failure(let failure): throw HookFailure(reason: failure.text)
            }
            try startHook(process.worker, .forensics(part), words, budget)
            examination.running.insert(part)
        } catch {
            examination.gaps.append("\(part.name): \(error.reason)")
        }
    }

    /// Never a program that a worker's user could have put there.
    private func pythonStacksCommand(of pid: Int32) -> [String]? {
        guard let path = ground.environment["PATH"], let tool = TrustedTool.find("py-spy", path: path) else {
            return nil
        }
        // The supervised process may be a launcher of it.
        let tree = ProcessTree.members(of: pid, limit: RuntimeLimits.pythonCandidates).members
        guard let python = tree.map(\.identity.pid).first(where: TrustedTool.isPython) else { return nil }
        return [tool, "dump", "--nonblocking", "--pid", String(python)]
    }

    /// A command of an examination ended.
    mutating func examinationEnded(_ part: Examination.Part, of worker: WorkerID, _ output: [UInt8], _ failure: String?)
    {
        guard let examination = examinations[worker] else { return }
        let text = String(decoding: output, as: UTF8.self)
        switch part {
        case .command: examination.commandOutput = text
        // Half of a dump would be another fingerprint.
        case .pythonStacks where failure != nil: break
        case .pythonStacks:
            // The line that names the process quotes its arguments, which may hold secrets.
            examination.pythonStacks = text.split(separator: "\n").filter { !$0.hasPrefix("Process ") }
                .prefix(RuntimeLimits.stackLines).map { String($0) }
        }
        if let failure { examination.gaps.append("\(part.name): \(failure)") }
        examination.running.remove(part)
        conclude(examination, of: worker)
    }

    /// The reader has found what it could.
    ///
    /// - Returns: false when nobody waits for more: it can be told as it is.
    mutating func examinationFound(_ forensics: Forensics, of worker: WorkerID) -> Bool {
        guard let examination = examinations[worker] else { return false }
        examination.found = forensics
        conclude(examination, of: worker)
        return true
    }

    private mutating func conclude(_ examination: Examination, of worker: WorkerID) {
        guard let result = examination.result else { return }
        examinations[worker] = nil
        pending.append(.worker(worker, .forensicsCollected(result)))
    }
}

extension Examination.Part {
    /// As a gap names it.
    var name: String {
        switch self {
        case .command: "forensics_command"
        case .pythonStacks: "py-spy"
        }
    }
}
