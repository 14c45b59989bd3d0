/// A listening socket that another room bound, and who may do what through it.
package struct ControlListener: Hashable, Sendable {
    /// The kinds of socket.
    package enum Kind: Hashable, Sendable {
        /// A Unix socket at a path.
        case unix(path: String)
        /// A TCP socket; the host is as configured, empty or `*` for every address.
        case tcp(host: String, port: Int)

        /// As a person reads it: the path, or `host:port`.
        package var name: String {
            switch self {
            case .unix(let path): path
            case .tcp(let host, let port): "\(host.isEmpty ? "*" : host):\(port)"
            }
        }
    }

    /// The descriptor: bound and listening.
    ///
    /// Its ownership passes to the server, which closes it when it stops; give a duplicate where the socket has to
    /// outlive the server.
    package var descriptor: Int32
    /// What it is bound to.
    ///
    /// A listener replaces an earlier one of the same kind.
    package var kind: Kind
    /// What Basic authentication wants; `nil` when the configuration has no password.
    package var credentials: ControlCredentials?
    /// What is served over TCP without a password.
    package var withoutPassword: OpenPolicy
    /// Who may only look, among those whom a Unix socket's mode admits.
    package var readers: ControlReaders
    /// Where the certificate of a TCP socket is; `nil` serves it in the clear.
    package var tls: TLSFiles?

    /// - Parameters: as the properties of the same names.
    package init(
        descriptor: Int32, kind: Kind, credentials: ControlCredentials? = nil, withoutPassword: OpenPolicy = .read,
        readers: ControlReaders = ControlReaders(), tls: TLSFiles? = nil
    ) {
        self.tls = tls
        self.descriptor = descriptor
        self.kind = kind
        self.credentials = credentials
        self.withoutPassword = withoutPassword
        self.readers = readers
    }
}

/// `tcp_without_password`: what is served over TCP when the configuration names no password.
package enum OpenPolicy: String, Hashable, Sendable, CaseIterable {
    /// Everything.
    case full
    /// Looking, but no changes.
    case read
    /// Nothing but the liveness pages.
    case refuse
}

/// `readers`: Unix users and groups that may only look.
///
/// Root and the daemon's own user are never among them.
package struct ControlReaders: Hashable, Sendable {
    /// User ids.
    package var userIDs: Set<UInt32>
    /// Group ids; a peer's supplementary groups count.
    package var groupIDs: Set<UInt32>

    /// - Parameters: as the properties of the same names.
    package init(userIDs: Set<UInt32> = [], groupIDs: Set<UInt32> = []) {
        self.userIDs = userIDs
        self.groupIDs = groupIDs
    }
}
