import WardenCore
import WardenLinux

/// The thread that speaks to systemd: sendmsg(2) blocks while PID 1 is busy.
final class Notices: Sendable {
    private enum Order: Sendable {
        case ready
        case status(String)
        case stopping
        case reloading
        case extendTimeout(Duration)
        case beat
        case end
    }

    let loopBeat = LoopBeat(at: MonotonicClock.now())
    /// How often systemd wants to hear of us; `nil` when it does not.
    let watchdogInterval: Duration?
    private let orders: Mailbox<Order>
    private let notifier: ServiceNotifier
    private let log: @Sendable (LogRecord) -> Void

    init(log: @escaping @Sendable (LogRecord) -> Void) throws(KernelFailure) {
        orders = try Mailbox(capacity: RuntimeLimits.notices)
        notifier = ServiceNotifier()
        watchdogInterval = ServiceNotifier.watchdogInterval()
        self.log = log
    }

    /// Says it, as soon as PID 1 listens.
    func tell(_ notice: ServiceNotice) {
        guard notifier.isConnected else { return }
        switch notice {
        case .ready: orders.postNewest(.ready)
        case .status(let text): orders.postNewest(.status(text))
        case .stopping: orders.postNewest(.stopping)
        case .extendTimeout(let duration): orders.postNewest(.extendTimeout(duration))
        }
    }

    /// RELOADING=1; `ready` ends it.
    func reloading() { orders.postNewest(.reloading) }

    /// WATCHDOG=1.
    func ping() { orders.postNewest(.beat) }

    /// Ends the thread after everything that was said before.
    func end() { orders.postNewest(.end) }

    /// The thread's life.
    func run() {
        var status = ""
        var isReady = false
        while true {
            loopBeat.turned(at: MonotonicClock.now())
            guard orders.wait(until: MonotonicClock.now() + .seconds(2)) else { continue }
            for order in orders.drain() {
                if case .end = order { return }
                // systemd takes READY=1 after RELOADING=1 as the end of the reload, and only then.
                if case .reloading = order, !isReady { continue }
                if case .status(let text) = order { status = text }
                if case .ready = order { isReady = true }
                let now = MonotonicClock.now()
                loopBeat.entered(.tellServiceManager, at: now, deadline: now + .seconds(5))
                send(order, status)
                loopBeat.left()
            }
        }
    }

    private func send(_ order: Order, _ status: String) {
        do {
            switch order {
            case .ready: try notifier.ready(status: status)
            case .status(let text): try notifier.status(text)
            case .stopping: try notifier.stopping()
            case .reloading: try notifier.reloading(at: MonotonicClock.now())
            case .extendTimeout(let duration): try notifier.extendTimeout(by: duration)
            case .beat: try notifier.beat()
            case .end: break
            }
        } catch {
            log(LogRecord(.warn, "Cannot tell the service manager: \(error)"))
        }
    }
}
