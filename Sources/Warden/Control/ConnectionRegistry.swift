import NIOCore
import Synchronization

/// How many connections the daemon's descriptors are enough for.
package enum ConnectionRoom: Hashable, Sendable {
    /// As many as are allowed.
    case plenty
    /// A few: a worker that is to be started again may need what more of them would hold.
    case few
    /// None beyond those that there are.
    case none

    fileprivate var connections: Int {
        switch self {
        case .plenty: .max
        case .few: ControlLimits.connectionsWhenShort
        case .none: 0
        }
    }
}

/// The connections of all listeners: counted, and closed in the order of their idleness when there are too many.
final class ConnectionRegistry: Sendable {
    /// What becomes of a new connection.
    enum Admission {
        /// It is served.
        case serve
        /// It is told 503.
        case shed
        /// It is closed: too many are being told already.
        case drop
    }

    private struct Entry {
        var channel: any Channel
        var lastUsed: NIODeadline
        var requestCount = 0
    }

    private struct State {
        var served: [ObjectIdentifier: Entry] = [:]
        var shedCount = 0
    }

    private let limit: Int
    private let reserve: DescriptorReserve
    private let room: @Sendable () -> ConnectionRoom
    private let state = Mutex(State())

    init(limit: Int, reserve: DescriptorReserve, room: @escaping @Sendable () -> ConnectionRoom) {
        self.limit = limit
        self.reserve = reserve
        self.room = room
    }

    /// Connections that are open.
    var count: Int { state.withLock { $0.served.count + $0.shedCount } }

    /// Decides on a new connection, and closes the longest idle one when it takes its place.
    func admit(_ channel: any Channel) -> Admission {
        // Without a reserve the connection has got the last descriptor there is.
        let mayServe = reserve.isHeld
        let room = room()
        var evicted: (any Channel)?
        let admission: Admission = state.withLock { state in
            let isFull = state.served.count >= min(limit, room.connections)
            if mayServe, isFull { evicted = ConnectionRegistry.longestIdle(state)?.channel }
            if mayServe, !isFull || evicted != nil {
                state.served[ObjectIdentifier(channel)] = Entry(channel: channel, lastUsed: .now())
                return .serve
            }
            let shedLimit = room == .plenty ? ControlLimits.shedConnections : ControlLimits.connectionsWhenShort
            guard state.shedCount < shedLimit else { return .drop }
            state.shedCount += 1
            return .shed
        }
        evicted.map(ConnectionRegistry.retire)
        channel.closeFuture.whenComplete { _ in self.closed(channel, admission) }
        return admission
    }

    /// Closes the longest idle connection.
    /// - Returns: false when every connection is at work or young.
    func evictIdle() -> Bool {
        guard let idle = state.withLock({ ConnectionRegistry.longestIdle($0) }) else { return false }
        ConnectionRegistry.retire(idle.channel)
        return true
    }

    /// Closes every connection that has been idle for a while.
    /// - Returns: how many.
    func evictAllIdle() -> Int {
        let idle = state.withLock { state in
            ConnectionRegistry.idle(state).map(\.channel)
        }
        idle.forEach(ConnectionRegistry.retire)
        return idle.count
    }

    /// A request has come on a connection.
    func began(_ channel: any Channel) {
        state.withLock { $0.served[ObjectIdentifier(channel)]?.requestCount += 1 }
    }

    /// A request has been answered.
    func ended(_ channel: any Channel) {
        state.withLock { state in
            let id = ObjectIdentifier(channel)
            state.served[id]?.requestCount -= 1
            state.served[id]?.lastUsed = .now()
        }
    }

    /// Closes idle connections at once, and the others when their answer is written.
    func quiesce() {
        let channels = state.withLock { $0.served.values.map(\.channel) }
        channels.forEach(ConnectionRegistry.retire)
    }

    /// Closes every connection at once.
    func closeAll() {
        let channels = state.withLock { $0.served.values.map(\.channel) }
        for channel in channels { channel.close(promise: nil) }
    }

    private func closed(_ channel: any Channel, _ admission: Admission) {
        state.withLock { state in
            switch admission {
            case .serve: state.served[ObjectIdentifier(channel)] = nil
            case .shed: state.shedCount -= 1
            case .drop: break
            }
        }
        reserve.takeBack()
    }

    private static func idle(_ state: borrowing State) -> [Entry] {
        let newest = NIODeadline.now() - TimeAmount(ControlLimits.evictableIdle)
        return state.served.values.filter { $0.requestCount == 0 && $0.lastUsed <= newest }
    }

    private static func longestIdle(_ state: borrowing State) -> Entry? {
        idle(state).min { $0.lastUsed < $1.lastUsed }
    }

    /// Hummingbird's handler closes the connection on this event, unless a request is in progress.
    private static func retire(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
