import Synchronization
import WardenConfig
import WardenCore
import WardenLinux

/// The daemon's own log: supervisord's line format into a file that rotates, and entries with fields into the journal.
///
/// Lines are written by a thread of their own, because a disk may be slow or full; nobody waits for it. When its queue
/// is full the oldest lines go, and a line says how many.
final class MainLog: Sendable {
    private enum Order: Sendable {
        case line(LogRecord, WallTime)
        case reopen
        case clear(done: @Sendable (Bool) -> Void)
        case end
    }

    /// How lines leave the process.
    struct Settings: Sendable {
        var path: String?
        var maximumBytes: Int64
        var backupCount: Int
        var level: LogRecord.Level
        var copiesToStandardOutput: Bool
        var writesJournal: Bool
        var identifier: String
    }

    let beat = LoopBeat(at: MonotonicClock.now())
    private let orders: Mailbox<Order>
    private let settings: Settings
    private let droppedLines = Atomic<Int>(0)

    init(_ settings: Settings) throws(KernelFailure) {
        self.settings = settings
        orders = try Mailbox(capacity: RuntimeLimits.logLines)
    }

    var path: String? { settings.path }

    /// Takes a line, and returns at once.
    func write(_ record: LogRecord) {
        guard record.level >= settings.level else { return }
        guard let dropped = orders.postNewest(.line(record, WallClock.now())) else { return }
        droppedLines.add(1, ordering: .relaxed)
        if case .clear(let done) = dropped { done(false) }
    }

    /// The file was moved away by somebody: SIGUSR2.
    func reopen() { orders.postNewest(.reopen) }

    /// Removes the file and begins a new one, and returns when that is done.
    ///
    /// - Returns: false when there is no file, or too much else to do.
    func clear() async -> Bool {
        guard settings.path != nil else { return false }
        return await withCheckedContinuation { continuation in
            let posting = orders.post(.clear { continuation.resume(returning: $0) })
            if case .full = posting { continuation.resume(returning: false) }
        }
    }

    /// Everything up to here is written, then the thread ends.
    func end() { orders.postNewest(.end) }

    /// The thread's life.
    func run() {
        var file = openFile()
        while true {
            beat.turned(at: MonotonicClock.now())
            guard orders.wait(until: MonotonicClock.now() + .seconds(2)) else { continue }
            for order in orders.drain() {
                switch order {
                case .line(let record, let time): write(record, time, to: &file)
                case .reopen: reopen(file)
                case .clear(let done):
                    clear(file)
                    done(true)
                case .end: return
                }
            }
            let dropped = droppedLines.exchange(0, ordering: .relaxed)
            if dropped > 0 {
                let text = "\(dropped) lines of this log were dropped: they came faster than they could be written"
                write(LogRecord(.warn, text), WallClock.now(), to: &file)
            }
        }
    }

    private func openFile() -> LogFile? {
        guard let path = settings.path else { return nil }
        do {
            return try LogFile(
                path: path, maximumBytes: settings.maximumBytes, backupCount: settings.backupCount)
        } catch {
            StandardError.write("warden: cannot open log: \(error)\n")
            return nil
        }
    }

    private func write(_ record: LogRecord, _ time: WallTime, to file: inout LogFile?) {
        let line = "\(LocalClock.logStamp(of: time)) \(record.level.tag) \(MainLog.oneLine(record.message))\n"
        let now = MonotonicClock.now()
        beat.entered(.writeDaemonLog, at: now, deadline: now + .seconds(5))
        defer { beat.left() }
        file?.append(Array(line.utf8), at: now)
        if settings.copiesToStandardOutput { StandardOutput.write(line) }
        if settings.writesJournal {
            // No journald, or a full one: the file has the line.
            try? Journal.send(record, identifier: settings.identifier)
        }
    }

    private func reopen(_ file: LogFile?) {
        do { try file?.reopen() } catch { StandardError.write("warden: cannot reopen log: \(error)\n") }
    }

    private func clear(_ file: LogFile?) {
        do { try file?.clear() } catch { StandardError.write("warden: cannot clear log: \(error)\n") }
    }

    /// A worker's text in a message cannot make a line of its own.
    private static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 }) else { return text }
        return String(text.map { $0.isNewline ? " " : $0 })
    }
}

extension LogRecord.Level {
    /// supervisord's four letters.
    fileprivate var tag: String {
        switch self {
        case .critical: "CRIT"
        case .error: "ERRO"
        case .warn: "WARN"
        case .info: "INFO"
        case .debug: "DEBG"
        case .trace: "TRAC"
        case .blather: "BLAT"
        }
    }

    /// The level of `loglevel`.
    init(_ level: DaemonSettings.LogLevel) {
        switch level {
        case .critical: self = .critical
        case .error: self = .error
        case .warn: self = .warn
        case .info: self = .info
        case .debug: self = .debug
        case .trace: self = .trace
        case .blather: self = .blather
        }
    }
}
