internal import Synchronization
package import WardenCore

/// Takes workers' lines to the system log, on a thread of its own: it may be slow, and nobody shall wait for it but the
/// workers that write there.
package final class SyslogSender: Sendable {
    private enum Order: Sendable {
        case lines(name: [UInt8], lines: [UInt8], at: WallTime)
        case end
    }

    private let orders: Mailbox<Order>
    private let waitingBytes = Atomic<Int>(0)
    private let thread = Mutex<NamedThread?>(nil)
    private let isStarted = Atomic<Bool>(false)
    private let path: String
    private let identifier: String
    private let trouble: @Sendable (LogTrouble) -> Void

    /// Its thread starts with the first line.
    ///
    /// - Parameters:
    ///   - path: the socket of the system log.
    ///   - identifier: the name before each message.
    ///   - trouble: is told when lines begin to be lost, and when that is over.
    /// - Throws: EMFILE and ENFILE.
    package init(
        path: String = SyslogSocket.usualPath, identifier: String, trouble: @escaping @Sendable (LogTrouble) -> Void
    ) throws(KernelFailure) {
        self.path = path
        self.identifier = identifier
        self.trouble = trouble
        orders = try Mailbox(capacity: PumpLimits.syslogPieces)
    }

    /// Whether it takes more. Where it does not, the worker waits.
    package var hasRoom: Bool { waitingBytes.load(ordering: .relaxed) < PumpLimits.syslogBytes }

    /// Takes lines, and returns at once.
    ///
    /// - Parameters:
    ///   - lines: with their line feeds; each becomes a message.
    ///   - name: stands before each.
    ///   - time: when they were written.
    package func post(_ lines: [UInt8], of name: [UInt8], at time: WallTime) {
        startIfNeeded()
        waitingBytes.add(lines.count, ordering: .relaxed)
        if orders.post(.lines(name: name, lines: lines, at: time)) == .full {
            waitingBytes.subtract(lines.count, ordering: .relaxed)
            trouble(LogTrouble(path: path, failure: nil, droppedBytes: UInt64(lines.count)))
        }
    }

    /// Everything up to here is sent, as far as it can be; then its thread ends.
    package func stop() {
        let running = thread.withLock { $0.take() }
        guard let running else { return }
        while orders.post(.end) == .full { pauseBriefly() }
        running.join()
    }

    private func startIfNeeded() {
        if isStarted.exchange(true, ordering: .relaxed) { return }
        // No thread: the mailbox fills, and that is told.
        thread.withLock { $0 = try? NamedThread.start(name: "syslog") { [self] in run() } }
    }

    private func run() {
        var socket = SyslogSocket(path: path, identifier: identifier)
        var failure: KernelFailure?
        var retryAt = MonotonicClock.now()
        var dropped: UInt64 = 0
        while true {
            guard orders.wait(until: nil) else { continue }
            for order in orders.drain() {
                guard case .lines(let name, let lines, let time) = order else { return }
                for line in lines.split(separator: LineEnd.lineFeed, omittingEmptySubsequences: false).dropLast() {
                    if failure != nil, MonotonicClock.now() < retryAt {
                        dropped += UInt64(line.count)
                        continue
                    }
                    do throws(KernelFailure) {
                        try socket.send(name + line, at: time)
                        if failure != nil { trouble(LogTrouble(path: path, failure: nil, droppedBytes: dropped)) }
                        failure = nil
                    } catch {
                        dropped += UInt64(line.count)
                        if failure == nil { trouble(LogTrouble(path: path, failure: error, droppedBytes: dropped)) }
                        failure = error
                        retryAt = MonotonicClock.now() + SyslogLimits.retryAfter
                    }
                }
                waitingBytes.subtract(lines.count, ordering: .relaxed)
            }
        }
    }
}

/// Gathers a stream's lines for the system log, wherever its reads are cut.
internal struct SyslogLines: Codable {
    private let name: [UInt8]
    private var held: [UInt8] = []

    /// - Parameter name: the process's; stands before each line.
    internal init(name: String) {
        self.name = Array("\(name) ".utf8)
    }

    internal mutating func take(_ bytes: UnsafeRawBufferPointer, _ sender: SyslogSender?) {
        guard let end = LineEnd.lastLineFeed(in: bytes) else {
            held.append(contentsOf: bytes)
            if held.count > PumpLimits.heldLineBytes { finish(sender) }
            return
        }
        sender?.post(held + bytes[...end], of: name, at: WallClock.now())
        held = Array(bytes[(end + 1)...])
        if held.count > PumpLimits.heldLineBytes { finish(sender) }
    }

    internal mutating func finish(_ sender: SyslogSender?) {
        guard !held.isEmpty else { return }
        sender?.post(held + [LineEnd.lineFeed], of: name, at: WallClock.now())
        held = []
    }
}
