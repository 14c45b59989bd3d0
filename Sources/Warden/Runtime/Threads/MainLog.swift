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
        case output(of: String, OutputChannel, String, WallTime)
        case reopen
        case clear(done: @Sendable (Bool) -> Void)
        case flush(done: @Sendable () -> Void)
        case end
    }

    /// How lines leave the process.
    struct Settings: Sendable {
        var path: String?
        var maximumBytes: Int64
        var backupCount: Int
        var level: LogRecord.Level
        /// `logfile = syslog`.
        var writesSyslog: Bool
        var copiesToStandardOutput: Bool
        var writesJournal: Bool
        var identifier: String
    }

    let beat = LoopBeat(at: MonotonicClock.now())
    private let orders: Mailbox<Order>
    private let settings: Settings
    private let droppedLines = Atomic<Int>(0)
    private let outputBytes = Atomic<Int>(0)

    init(_ settings: Settings) throws(KernelFailure) {
        self.settings = settings
        orders = try Mailbox(capacity: RuntimeLimits.logLines)
    }

    var path: String? { settings.path }

    /// Takes a line, and returns at once.
    func write(_ record: LogRecord) {
        guard record.level >= settings.level else { return }
        if let lost = orders.postNewest(.line(record, WallClock.now())) { dropped(lost) }
    }

    /// Takes a worker's output, as supervisord copies it at `loglevel = debug`, and returns at once.
    func write(output text: String, of name: String, _ channel: OutputChannel) {
        let size = text.utf8.count
        guard outputBytes.load(ordering: .relaxed) + size <= RuntimeLimits.copiedOutputBytes else {
            droppedLines.add(1, ordering: .relaxed)
            return
        }
        outputBytes.add(size, ordering: .relaxed)
        let lost = orders.postNewest(.output(of: name, channel, text, WallClock.now()))
        if let lost { dropped(lost) }
    }

    private func dropped(_ order: Order) {
        if case .output(_, _, let text, _) = order { outputBytes.subtract(text.utf8.count, ordering: .relaxed) }
        droppedLines.add(1, ordering: .relaxed)
        switch order {
        case .clear(let done): done(false)
        case .flush(let done): done()
        case .line, .output, .reopen, .end: break
        }
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

    /// Waits until everything up to here is written, or for a while: a disk may be stuck.
    func flush(within patience: Duration) {
        // Without a descriptor nobody can be waited for; what is not written then is lost with this binary.
        guard let answers = try? Mailbox<Bool>(capacity: 1) else { return }
        _ = orders.postNewest(.flush { _ = answers.post(true) })
        _ = answers.wait(until: MonotonicClock.now() + patience)
    }

    /// Everything up to here is written, then the thread ends.
    func end() { orders.postNewest(.end) }

    /// The thread's life.
    func run() {
        var outlets = Outlets(
            file: openFile(),
            syslog: settings.writesSyslog ? SyslogSocket(identifier: RuntimeLimits.syslogIdentifier) : nil)
        while true {
            beat.turned(at: MonotonicClock.now())
            guard orders.wait(until: MonotonicClock.now() + .seconds(2)) else { continue }
            for order in orders.drain() {
                switch order {
                case .line(let record, let time): write(record, time, to: &outlets)
                case .output(let name, let channel, let text, let time):
                    outputBytes.subtract(text.utf8.count, ordering: .relaxed)
                    write(output: text, of: name, channel, time, to: &outlets)
                case .reopen: reopen(outlets.file)
                case .clear(let done):
                    clear(outlets.file)
                    done(true)
                case .flush(let done): done()
                case .end: return
                }
            }
            let dropped = droppedLines.exchange(0, ordering: .relaxed)
            if dropped > 0 {
                let text = "\(dropped) lines of this log were dropped: they came faster than they could be written"
                write(LogRecord(.warn, text), WallClock.now(), to: &outlets)
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

    private func write(_ record: LogRecord, _ time: WallTime, to outlets: inout Outlets) {
        let line = "\(LocalClock.logStamp(of: time)) \(record.level.tag) \(MainLog.oneLine(record.message))"
        let now = MonotonicClock.now()
        beat.entered(.writeDaemonLog, at: now, deadline: now + .seconds(5))
        defer { beat.left() }
        outlets.append(line + "\n", record.level, time, at: now)
        if settings.copiesToStandardOutput { outlets.copy(line + "\n") }
        if settings.writesJournal {
            // No journald, or a full one: the file has the line.
            try? Journal.send(record, identifier: settings.identifier)
        }
    }

    /// The text keeps its lines, as in supervisord's log, but no code of a terminal.
    private func write(
        output text: String, of name: String, _ channel: OutputChannel, _ time: WallTime, to outlets: inout Outlets
    ) {
        var plain = String.UnicodeScalarView()
        plain.append(
            contentsOf: text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F || $0 == "\n" || $0 == "\t" })
        let stamp = "\(LocalClock.logStamp(of: time)) \(LogRecord.Level.debug.tag)"
        let lines = "\(stamp) '\(name)' \(channel.rawValue) output:\n\(String(plain))\n"
        let now = MonotonicClock.now()
        beat.entered(.writeDaemonLog, at: now, deadline: now + .seconds(5))
        defer { beat.left() }
        outlets.append(lines, .debug, time, at: now)
        if settings.copiesToStandardOutput { outlets.copy(lines) }
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

/// Where lines go that stay.
private struct Outlets: ~Copyable {
    var file: LogFile?
    var syslog: SyslogSocket?
    private var syslogRetryAt: Instant?
    /// Nobody reads standard output: it is offered, but not waited for, until somebody does.
    private var isUnread = false

    init(file: LogFile?, syslog: consuming SyslogSocket?) {
        self.file = file
        self.syslog = syslog
    }

    /// The file has every line; a terminal that was stopped must not keep lines from it.
    mutating func copy(_ lines: String) {
        isUnread = !StandardOutput.offer(lines, within: isUnread ? .zero : RuntimeLimits.copyPatience)
    }

    mutating func append(_ lines: String, _ level: LogRecord.Level, _ time: WallTime, at now: Instant) {
        file?.append(Array(lines.utf8), at: now)
        if let syslogRetryAt, now < syslogRetryAt { return }
        do throws(KernelFailure) {
            for line in lines.utf8.split(separator: 0x0A) { try syslog?.send(line, level, at: time) }
            syslogRetryAt = nil
        } catch {
            if syslogRetryAt == nil { StandardError.write("warden: \(error)\n") }
            syslogRetryAt = now + SyslogLimits.retryAfter
        }
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
