internal import CSystemd
internal import Glibc
package import WardenCore

/// What the service manager is told: sd_notify(3); what it keeps is for `DescriptorStore`.
///
/// Without NOTIFY_SOCKET every call does nothing.
///
/// Every call may wait: sendmsg(2) blocks while the manager is busy. It belongs to a thread of its own.
package struct ServiceNotifier: Sendable {
    /// Whether somebody listens. Read at the start.
    package let isConnected: Bool

    /// Finds out whether there is a NOTIFY_SOCKET.
    package init() {
        isConnected = getenv("NOTIFY_SOCKET") != nil
    }

    /// The service is up.
    ///
    /// - Parameter status: what `systemctl status` shows.
    /// - Throws: the errno of the socket.
    package func ready(status: String) throws(KernelFailure) {
        try send("READY=1\nSTATUS=\(Self.line(status))")
    }

    /// What `systemctl status` shows; one line.
    ///
    /// - Throws: the errno of the socket.
    package func status(_ text: String) throws(KernelFailure) {
        try send("STATUS=\(Self.line(text))")
    }

    /// The service ends. Never before a restart in place: systemd would take the exec for an end.
    ///
    /// - Throws: the errno of the socket.
    package func stopping() throws(KernelFailure) {
        try send("STOPPING=1")
    }

    /// The service reads its configuration anew; `ready` ends this.
    ///
    /// - Parameter now: CLOCK_MONOTONIC, which Type=notify-reload compares with the time of its request.
    /// - Throws: the errno of the socket.
    package func reloading(at now: Instant) throws(KernelFailure) {
        try send("RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)")
    }

    /// Still alive: to be sent twice per `watchdogInterval`.
    ///
    /// - Throws: the errno of the socket.
    package func beat() throws(KernelFailure) {
        try send("WATCHDOG=1")
    }

    /// Starting or stopping goes on.
    ///
    /// - Parameter duration: from now, how much longer at least.
    /// - Throws: the errno of the socket.
    package func extendTimeout(by duration: Duration) throws(KernelFailure) {
        try send("EXTEND_TIMEOUT_USEC=\(max(0, duration.inNanoseconds) / 1000)")
    }

    /// How often the manager wants to hear of us: WatchdogSec=; `nil` when it does not.
    package static func watchdogInterval() -> Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    private func send(_ state: String) throws(KernelFailure) {
        if !isConnected { return }
        try Kernel.check("notify the service manager", "", Int(sd_notify(0, state)))
    }

    // A line break would begin another assignment.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}

/// The descriptors that the service manager passed on at start: sockets that it listens on, and what was stored.
package struct PassedDescriptors: Sendable {
    /// One of them, unowned, with FD_CLOEXEC.
    package struct Entry: Hashable, Sendable {
        /// The number.
        package var descriptor: CInt
        /// The name that it was stored or configured with.
        package var name: String
        /// What it is, if `DescriptorStore` has put it there.
        package var storedName: StoredName? { StoredName(name) }
    }

    /// In the manager's order, at most `EdgeLimits.storedDescriptors`.
    package let entries: [Entry]

    /// Whether a state is among what is passed on: a daemon ended all of a sudden, and its workers wait for this one.
    package static func holdState() -> Bool {
        guard let names = getenv("LISTEN_FDNAMES") else { return false }
        return String(cString: names).split(separator: ":").contains { $0 == StoredName.state.text }
    }

    /// Takes them over. Once, before threads start: it removes LISTEN_FDS and its kin from the environment.
    package init() {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = Int(sd_listen_fds_with_names(1, &names))
        guard count > 0 else {
            entries = []
            return
        }
        var entries: [Entry] = []
        for index in 0..<count {
            let name = names?[index].map { String(cString: $0) } ?? ""
            if index < EdgeLimits.storedDescriptors {
                entries.append(Entry(descriptor: CInt(3 + index), name: name))
            }
            free(names?[index])
        }
        free(names)
        self.entries = entries
    }
}
