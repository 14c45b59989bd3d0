import WardenControl
import WardenCore
import WardenLinux
import WardenWire

extension House {
    /// Hands everything over to the binary that lies where this one was started from.
    ///
    /// Nothing is given up before execve(2) has happened: whatever stands still goes on when it cannot.
    ///
    /// - Parameter shell: the workers and all that is known of them.
    /// - Returns: only when it could not be: why.
    func handOver(_ shell: inout Shell<KernelMachine>) -> String {
        let began = MonotonicClock.now()
        guard let path = ground.executable, let limits = ground.startLimits else { return "no binary is known" }
        do {
            guard try parts.pump.park(within: RuntimeLimits.handoverPatience) else {
                return "the log pump does not stand still; does the disk of a log hang? wardenctl status says so"
            }
            defer { parts.pump.goOn() }
            let quiet = try Mailbox<Bool>(capacity: 1)
            server.standStill { _ = quiet.post(true) }
            defer { server.goOn() }
            let deadline = began + RuntimeLimits.handoverPatience
            while !(shell.settle(until: MonotonicClock.now() + .milliseconds(1)) && shell.machine.isSettled) {
                guard MonotonicClock.now() < deadline else { return "a start did not come to its end in time" }
            }
            // Whoever still waits for an answer is cut off: the answer may be minutes away.
            _ = quiet.wait(until: deadline)
            guard try parts.scribe.isWritten(within: RuntimeLimits.handoverPatience) else {
                return "the history did not come to rest in time"
            }
            guard keeper.flush(within: RuntimeLimits.handoverPatience) else {
                return "the service manager does not take what it is to keep"
            }
            guard let pumped = try parts.pump.handOver(within: RuntimeLimits.handoverPatience) else {
                return "the log pump did not answer in time"
            }
            let state = shell.machine.tell(
                shell.supervisor, pumped: pumped, listening: listeners.told, limits: limits)
            let file = try HandoverFile.make(state.encoded())
            mainLog.write(LogRecord(.info, "upgrade: handing \(state.workers.count) workers over to \(path)"))
            mainLog.flush(within: .milliseconds(200))
            return "\(DaemonProcess.hand(over: file.rawValue, keeping: state.descriptors, to: path))"
        } catch {
            return "\(error)"
        }
    }
}
