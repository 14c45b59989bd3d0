package import WardenCore
package import WardenWire

/// What the control room needs besides its listeners and its backend.
package struct ControlSettings: Sendable {
    /// Connections that are served at once, 1 to `ControlLimits.connections`.
    package var connectionLimit: Int
    /// The daemon's own user, who is an operator on the Unix socket.
    package var ownUserID: UInt32
    /// Names under which browsers may reach this host over TCP without a password, besides addresses and `localhost`.
    package var hostNames: Set<String>
    /// Whether there is /metrics.
    package var servesMetrics: Bool
    /// The wall clock, for answers' `Date` and the times of listings.
    package var now: @Sendable () -> WallTime
    /// A wall-clock time in the daemon's time zone, for `status`.
    package var localTime: @Sendable (WallTime) -> LocalTime
    /// How many connections there are descriptors for; called for each that is accepted.
    package var room: @Sendable () -> ConnectionRoom
    /// Opens a log for reading; `nil` for what may not be read. Called on threads that may block.
    package var openLog: @Sendable (String) -> OpenedLog?
    /// Where this room's log lines go; called on its own thread, and must not block.
    package var log: @Sendable (LogRecord) -> Void

    /// - Parameters: as the properties of the same names.
    package init(
        connectionLimit: Int = ControlLimits.connections, ownUserID: UInt32, hostNames: Set<String> = [],
        servesMetrics: Bool = true, now: @escaping @Sendable () -> WallTime,
        localTime: @escaping @Sendable (WallTime) -> LocalTime,
        room: @escaping @Sendable () -> ConnectionRoom = { .plenty },
        openLog: @escaping @Sendable (String) -> OpenedLog?, log: @escaping @Sendable (LogRecord) -> Void
    ) {
        self.connectionLimit = min(max(1, connectionLimit), ControlLimits.connections)
        self.ownUserID = ownUserID
        self.hostNames = hostNames
        self.servesMetrics = servesMetrics
        self.now = now
        self.localTime = localTime
        self.room = room
        self.openLog = openLog
        self.log = log
    }
}
