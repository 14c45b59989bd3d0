import NIOCore

/// Who is at the other end of a Unix socket: `struct ucred` of unix(7), as the kernel writes it.
struct PeerCredentials: Sendable {
    var processID: Int32
    var userID: UInt32
    var groupID: UInt32
}

/// SO_PEERGROUPS: as many as we look at.
///
/// The kernel's own maximum is 65,536, but users have a dozen.
typealias PeerGroups = [256 of UInt32]

/// Who is at the other end of a connection.
struct Peer: Sendable {
    /// The socket that it came through.
    var listener: ControlListener
    /// SO_PEERCRED of a Unix socket; `nil` over TCP.
    var credentials: PeerCredentials?
    /// The address over TCP, for the log; the user on a Unix socket.
    var name: String
    /// Whose wrong passwords are counted together.
    var guessSource: GuessBudget.Source
    /// SO_PEERGROUPS, read only when `readers` names groups; `nil` when it could not be read.
    var groupIDs: Set<UInt32>?

    /// Asks the kernel who connected.
    ///
    /// It remembers that from connect(2), so it holds whatever the process does next.
    static func identify(
        _ channel: any Channel, listener: ControlListener
    ) -> EventLoopFuture<Peer> {
        guard case .unix = listener.kind else {
            // The port is left out: it says nothing, and each is another.
            let peer = Peer(
                listener: listener, name: channel.remoteAddress?.ipAddress ?? "an unknown address",
                guessSource: GuessBudget.Source(channel.remoteAddress))
            return channel.eventLoop.makeSucceededFuture(peer)
        }
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let credentials: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SocketOptions.peerCredentials))
        guard !listener.readers.groupIDs.isEmpty else {
            return credentials.map { Peer(listener, $0, groupIDs: nil) }
        }
        let groups: EventLoopFuture<PeerGroups> = socket.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SocketOptions.peerGroups))
        // ERANGE with more groups than we look at: unknown, and unknown means reader.
        let known: EventLoopFuture<Set<UInt32>?> = groups.map { Peer.members($0) }.flatMapErrorThrowing { _ in nil }
        return credentials.and(known).map { Peer(listener, $0, groupIDs: $1) }
    }

    private init(listener: ControlListener, name: String, guessSource: GuessBudget.Source) {
        self.listener = listener
        self.name = name
        self.guessSource = guessSource
    }

    private init(_ listener: ControlListener, _ credentials: PeerCredentials, groupIDs: Set<UInt32>?) {
        self.init(
            listener: listener, name: "user \(credentials.userID) (pid \(credentials.processID))",
            guessSource: .user(credentials.userID))
        self.credentials = credentials
        self.groupIDs = groupIDs
    }

    func standing(ownUserID: UInt32) -> ConnectionRegistry.Standing {
        guard let credentials else { return .network }
        return credentials.userID == 0 || credentials.userID == ownUserID ? .owner : .user
    }

    /// The groups in an array whose rest the kernel left zero.
    ///
    /// Root's group cannot be told from the rest, and readers in root's group are not worth telling.
    private static func members(_ groups: PeerGroups) -> Set<UInt32> {
        var members: Set<UInt32> = []
        for index in groups.indices where groups[index] != 0 { members.insert(groups[index]) }
        return members
    }
}

/// Numbers of socket(7) that NIO has no names for; the same on x86-64 and on ARM.
enum SocketOptions {
    static let peerCredentials: Int32 = 17
    static let peerGroups: Int32 = 59
}
