internal import CWardenLinux
internal import Glibc

/// Who connected to a Unix socket, as the kernel knows: the process that called connect(2), at that time.
package struct PeerCredentials: Hashable, Sendable {
    /// The process; 0 when it is in another PID namespace.
    package var pid: Int32
    /// Its effective user.
    package var userID: UInt32
    /// Its effective group.
    package var groupID: UInt32
    /// Its supplementary groups.
    package var groupIDs: [UInt32]

    /// Asks for the peer of a connected Unix socket.
    ///
    /// - Parameter socket: a connected Unix socket.
    /// - Returns: who it is.
    /// - Throws: ENOPROTOOPT and ENOTSOCK for anything else.
    package static func read(_ socket: CInt) throws(KernelFailure) -> PeerCredentials {
        var peer = warden_peer()
        try Kernel.check("read peer of socket", "", Int(warden_peer_credentials(socket, &peer)))
        return PeerCredentials(
            pid: peer.pid, userID: peer.uid, groupID: peer.gid, groupIDs: try groups(of: socket))
    }

    private static func groups(of socket: CInt) throws(KernelFailure) -> [UInt32] {
        var capacity = 64
        while true {
            var count = 0
            let groups = [UInt32](unsafeUninitializedCapacity: capacity) { buffer, initialized in
                count = Int(warden_peer_groups(socket, buffer.baseAddress, capacity))
                initialized = count > capacity ? 0 : max(0, count)
            }
            try Kernel.check("read groups of peer", "", count)
            if count <= capacity || capacity >= EdgeLimits.groups { return groups }
            capacity = count
        }
    }
}
