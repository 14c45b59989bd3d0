import Foundation
import GRDB
import WardenCore
import WardenHistory

/// A directory of one test, removed with it.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "warden-history-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // What cannot be removed is left to the system's own cleaning.
        try? FileManager.default.removeItem(atPath: path)
    }

    var database: String { path + "/state/history.db" }

    func open(
        keep: Duration = .seconds(86400), maxima: HistoryMaxima = HistoryMaxima()
    ) throws(HistoryError) -> HistoryStore {
        try HistoryStore.open(path: database, keep: keep, maxima: maxima)
    }

    /// Opens the history, lets `body` use it, and closes it: one life of the daemon.
    func life<Value>(keep: Duration = .seconds(86400), _ body: (HistoryStore) throws -> Value) throws -> Value {
        let store = try open(keep: keep)
        let value = try body(store)
        try store.close()
        return value
    }

    func permissions(of file: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int ?? -1
    }
}

/// Microseconds of a second of the tests' wall clock.
func wall(_ seconds: Int64) -> WallTime { WallTime(microseconds: 1_700_000_000_000_000 + seconds * 1_000_000) }

/// Does what only another program would do to the file.
func alter(_ file: String, _ sql: String) throws {
    let queue = try DatabaseQueue(path: file)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
}

let first = SlotName(group: "ami-antenna-worker", process: "ami-antenna-worker_00")
let second = SlotName(group: "ami-antenna-worker", process: "ami-antenna-worker_01")

func incident(
    _ id: String, _ worker: SlotName = first, condition: Condition = .dark(.emfile), grade: Grade = .proven,
    at seconds: Int64 = 0, outcome: Outcome? = .unhelped
) -> Incident {
    let evidence = [
        Evidence(rule: "free_descriptors", value: .number(3), threshold: .number(8)),
        Evidence(rule: "error_lines", value: .text("12 EMFILE \"lines\" \u{1F525}"), threshold: .number(0.1)),
        Evidence(rule: "ratio", value: .number(.infinity), threshold: .text("")),
    ]
    let verdict = Verdict(
        condition: condition, grade: grade,
        since: Moment(instant: Instant(nanoseconds: 123_456_789), wall: wall(seconds - 40)), evidence: evidence,
        reason: "253 of 256 descriptors used, no progress for 40s")
    var incident = Incident(
        id: id, worker: worker, generation: Generation(7), at: wall(seconds), verdict: verdict, action: .restart)
    incident.outcome = outcome
    return incident
}

func forensics(commandOutput: String = "ok\n\u{0}end") -> Forensics {
    var forensics = Forensics()
    forensics.descriptorKinds = [.init(kind: "pipe", count: 248), .init(kind: "socket", count: 2)]
    forensics.processes = ["4711 python worker.py S futex_wait"]
    forensics.lastLines = ["No jobs found", "OSError: [Errno 24] Too many open files"]
    forensics.commandOutput = commandOutput
    forensics.threads = ["4711 python S futex: a lock of its own process, for ever"]
    forensics.stacks = ["4711 futex_wait < do_futex"]
    forensics.pythonStacks = ["Thread 4711 (idle)", "    get (queue.py:171)"]
    forensics.limits = ["Max open files 1024 4096 files"]
    forensics.pressure = ["host cpu: some avg10=0.00"]
    forensics.gaps = ["stacks: permission denied"]
    return forensics
}
