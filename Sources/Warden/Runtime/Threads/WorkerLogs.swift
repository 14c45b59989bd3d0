import Synchronization
import WardenCore
import WardenLinux

/// Where each stream of each slot is written to. A slot keeps its `AUTO` file from one generation to the next.
final class WorkerLogs: Sendable {
    private struct Key: Hashable {
        var name: SlotName
        var stream: OutputStream
    }

    private struct Entry {
        var spec: LogSpec
        var path: String
    }

    /// A file that a stream is written to, as one binary tells the next.
    struct Known: Codable {
        var name: SlotName
        var stream: OutputStream
        var spec: LogSpec
        var path: String
    }

    private let entries = Mutex<[Key: Entry]>([:])
    /// `AUTO` files that nobody has been told of, and the number of the last one.
    private let unremembered = Mutex<(files: [(number: UInt64, known: Known)], last: UInt64)>(([], 0))
    private let dice: Mutex<Dice>
    private let directory: String
    private let identifier: String
    private let pump: Pump

    init(directory: String, identifier: String, pump: Pump, seed: UInt64) {
        self.directory = directory
        self.identifier = identifier
        self.pump = pump
        dice = Mutex(Dice(seed: seed))
    }

    /// Every file, for the binary that takes over.
    var known: [Known] {
        get {
            entries.withLock { entries in
                entries.map { Known(name: $0.name, stream: $0.stream, spec: $1.spec, path: $1.path) }
            }
        }
        set {
            entries.withLock { entries in
                for known in newValue {
                    entries[Key(name: known.name, stream: known.stream)] = Entry(spec: known.spec, path: known.path)
                }
            }
        }
    }

    /// The `AUTO` files that were made since this was asked last, each with a number of its own.
    func takeNewAutomatic() -> [(number: UInt64, known: Known)] {
        unremembered.withLock { unremembered in
            defer { unremembered.files = [] }
            return unremembered.files
        }
    }

    /// Goes on with the files of a daemon that is gone.
    func recall(_ files: [(number: UInt64, known: Known)]) {
        known = files.map(\.known)
        let last = files.map(\.number).max() ?? 0
        unremembered.withLock { $0.last = max($0.last, last) }
    }

    /// Makes the directories of a program's log files that are not there, as its user where that may.
    ///
    /// - Returns: what was made.
    /// - Throws: `.openLog` when one cannot be made.
    func makeDirectories(for spec: ProgramSpec) throws(SpawnFailure) -> [String] {
        var made: [String] = []
        for case .file(let path)? in [spec.standardOutput.destination, spec.standardError?.destination] {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { continue }
            do throws(KernelFailure) {
                made += try LogDirectory.make(String(path[..<slash]), as: spec.launch.user)
            } catch {
                throw SpawnFailure(
                    stage: .openLog, errorNumber: error.errorNumber, subject: path,
                    explanation: Kernel.text(of: error.errorNumber))
            }
        }
        return made
    }

    /// The target of a stream; a file with a name of its own is made when it is first needed.
    ///
    /// - Throws: `.openLog` when that file cannot be made.
    func target(of name: SlotName, _ stream: OutputStream, _ spec: LogSpec) throws(SpawnFailure) -> LogTarget {
        let path: String
        switch spec.destination {
        case .none: return .nowhere
        case .file(let configured): path = configured
        case .automatic: path = try automaticPath(of: name, stream, spec)
        }
        entries.withLock { $0[Key(name: name, stream: stream)] = Entry(spec: spec, path: path) }
        return .file(
            path: path, maximumBytes: spec.maximumBytes, backupCount: spec.backupCount,
            compresses: spec.compresses)
    }

    private func automaticPath(
        of name: SlotName, _ stream: OutputStream, _ spec: LogSpec
    ) throws(SpawnFailure) -> String {
        let known = entries.withLock { $0[Key(name: name, stream: stream)] }
        if let known, known.spec.destination == .automatic { return known.path }
        var throwing = dice.withLock { dice in
            defer { _ = dice.next() }
            return dice
        }
        do throws(KernelFailure) {
            let path = try LogFileName.makeAutomatic(
                in: directory, process: name.process, stream: stream, identifier: identifier, dice: &throwing)
            unremembered.withLock {
                $0.last += 1
                $0.files.append(($0.last, Known(name: name, stream: stream, spec: spec, path: path)))
            }
            return path
        } catch {
            throw SpawnFailure(
                stage: .openLog, errorNumber: error.errorNumber, subject: directory,
                explanation: Kernel.text(of: error.errorNumber))
        }
    }

    /// Makes the `AUTO` files of slots that have none yet, which clients see before the first start.
    ///
    /// A file that cannot be made is tried again, and complained of, when its worker starts.
    func prepare(_ groups: [GroupSpec]) {
        for spec in groups.flatMap(\.programs) {
            prepare(spec.name, .standardOutput, spec.standardOutput)
            if let standardError = spec.standardError { prepare(spec.name, .standardError, standardError) }
        }
    }

    private func prepare(_ name: SlotName, _ stream: OutputStream, _ spec: LogSpec) {
        let isNew = entries.withLock { $0[Key(name: name, stream: stream)] == nil }
        guard isNew, spec.destination != .none else { return }
        // The worker's start says what is wrong.
        _ = try? target(of: name, stream, spec)
    }

    /// Where a stream was last written to; `nil` when it never was, or goes nowhere.
    func path(of name: SlotName, _ stream: OutputStream) -> String? {
        entries.withLock { $0[Key(name: name, stream: stream)]?.path }
    }

    /// Begins both logs of a slot anew, and returns when that is done: who asks for the log next must not see the old.
    func clear(_ snapshot: WorkerSnapshot) async {
        let worker = WorkerID(slot: snapshot.slot, generation: snapshot.generation)
        for stream in OutputStream.allCases {
            await withCheckedContinuation { continuation in
                let posting = pump.clear(worker, stream) { _ in continuation.resume() }
                // A full mailbox refuses; the log then stays as it is, and the caller can ask again.
                if case .full = posting { continuation.resume() }
            }
        }
    }
}
