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

    /// Who has come: those that are trusted more keep places that the others do not get.
    enum Standing: Int, Comparable, Sendable, CaseIterable {
        /// Anybody who reaches a TCP port.
        case network
        /// A user whom the mode of a Unix socket admits.
        case user
        /// Root, or the daemon's own user.
        case owner

        static func < (left: Standing, right: Standing) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Entry {
        var channel: any Channel
        var standing: Standing
        var lastUsed: NIODeadline
        var requestCount = 0
        /// It is the client's turn: with the rest of its request, or with reading its answer.
        var waitsForClient = false
        /// It has been told to close, which takes another turn of the event loop; many may be accepted before that.
        var isLeaving = false
    }

    private struct State {
        var served: [ObjectIdentifier: Entry] = [:]
        var shedCount = 0
    }

    private let limit: Int
    private let reserve: DescriptorReserve
    private let room: @Sendable () -> ConnectionRoom
    private let complaints: Complaints
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: connections that are served at once.
    ///   - reserve: the descriptor for those who are told 503.
    ///   - room: how many more may be served.
    ///   - complaints: hears when somebody is sent away for want of a place.
    init(
        limit: Int, reserve: DescriptorReserve, room: @escaping @Sendable () -> ConnectionRoom, complaints: Complaints
    ) {
        self.complaints = complaints
        self.limit = limit
        self.reserve = reserve
        self.room = room
    }

    /// Connections that are open.
    var count: Int { state.withLock { $0.served.count + $0.shedCount } }

    /// Decides on a new connection, and closes the longest idle one when it takes its place.
    func admit(_ channel: any Channel, _ standing: Standing, named name: String) -> Admission {
        // Without a reserve the connection has got the last descriptor there is.
        let mayServe = reserve.isHeld
        let room = room()
        var evicted: Entry?
        let admission: Admission = state.withLock { state in
            let isFull = isFull(for: standing, room, state)
            if mayServe, isFull { evicted = ConnectionRegistry.leastMissed(state, upTo: standing) }
            if let evicted { state.served[ObjectIdentifier(evicted.channel)]?.isLeaving = true }
            if mayServe, !isFull || evicted != nil {
                state.served[ObjectIdentifier(channel)] = Entry(
                    channel: channel, standing: standing, lastUsed: .now())
                return .serve
            }
            let shedLimit = room == .plenty ? ControlLimits.shedConnections : ControlLimits.connectionsWhenShort
            guard state.shedCount < shedLimit else { return .drop }
            state.shedCount += 1
            return .shed
        }
        if evicted != nil || admission != .serve { complaints.note(.crowd, from: name) }
        evicted.map(ConnectionRegistry.evict)
        channel.closeFuture.whenComplete { _ in self.closed(channel, admission) }
        return admission
    }

    /// Closes the longest idle connection.
    /// - Returns: false when every connection is at work or young.
    func evictIdle() -> Bool {
        let idle: Entry? = state.withLock { state in
            let idle = ConnectionRegistry.leastMissed(state, upTo: .owner)
            if let idle { state.served[ObjectIdentifier(idle.channel)]?.isLeaving = true }
            return idle
        }
        guard let idle else { return false }
        ConnectionRegistry.evict(idle)
        return true
    }

    /// Closes every connection that has been idle for a while.
    /// - Returns: how many.
    func evictAllIdle() -> Int {
        let newest = NIODeadline.now() - TimeAmount(ControlLimits.evictableIdle)
        let idle: [any Channel] = state.withLock { state in
            let idle = state.served.filter { _, entry in
                !entry.isLeaving && entry.requestCount == 0 && entry.lastUsed <= newest
            }
            for id in idle.keys { state.served[id]?.isLeaving = true }
            return idle.values.map(\.channel)
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

    /// It is the client's turn on a connection, or not any more.
    func waits(_ channel: any Channel, for client: Bool) {
        state.withLock { state in
            let id = ObjectIdentifier(channel)
            state.served[id]?.waitsForClient = client
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

    /// Whether there is no place for one more: of all places those of the network come last.
    private func isFull(for standing: Standing, _ room: ConnectionRoom, _ state: borrowing State) -> Bool {
        let staying = state.served.values.lazy.filter { !$0.isLeaving }
        guard staying.count(where: { _ in true }) < min(limit, room.connections) else { return true }
        let keptEighths: Int
        switch standing {
        case .network: keptEighths = ControlLimits.eighthsKeptFromNetwork
        case .user: keptEighths = ControlLimits.eighthsKeptForOwner
        case .owner: return false
        }
        let count = staying.count { $0.standing <= standing }
        return count >= limit - limit * keptEighths / 8
    }

    /// The connection that is closed for one of this standing: of the lowest standing, the longest idle one, or the one
    /// that has been waited for longest.
    private static func leastMissed(_ state: borrowing State, upTo standing: Standing) -> Entry? {
        let newest = NIODeadline.now() - TimeAmount(ControlLimits.evictableIdle)
        let longest = NIODeadline.now() - TimeAmount(ControlLimits.evictableWait)
        return state.served.values.filter { entry in
            guard entry.standing <= standing, !entry.isLeaving else { return false }
            return entry.requestCount == 0
                ? entry.lastUsed <= newest : entry.waitsForClient && entry.lastUsed <= longest
        }
        .min { ($0.standing, $0.lastUsed) < ($1.standing, $1.lastUsed) }
    }

    private static func evict(_ entry: Entry) {
        entry.requestCount == 0 ? retire(entry.channel) : entry.channel.close(promise: nil)
    }

    /// Hummingbird's handler closes the connection on this event, unless a request is in progress.
    private static func retire(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
