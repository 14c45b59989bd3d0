import HTTPTypes
import Hummingbird
import WardenWire

/// Decides who may do what: by Basic authentication, by the peer's credentials on a Unix socket, and by what is served
/// over TCP without a password.
///
/// Over TCP it also keeps browsers from being used against the daemon.
struct AccessMiddleware: RouterMiddleware {
    typealias Context = ControlContext

    let settings: ControlSettings
    let passwords: PasswordCheck
    private let guesses = GuessBudget()

    init(settings: ControlSettings, passwords: PasswordCheck) {
        self.settings = settings
        self.passwords = passwords
    }

    /// Pages that say no more than that the daemon lives, for whoever asks.
    private static let openPaths: Set<String> = ["/livez", "/readyz"]

    func handle(
        _ request: Request, context: ControlContext,
        next: @concurrent (Request, ControlContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if !AccessMiddleware.openPaths.contains(request.uri.path) {
            context.role = try await role(of: request, context)
        }
        return try await next(request, context)
    }

    /// - Throws: 401 without the right password, 403 when nothing is served to this client, 503 when too many passwords
    ///   are being hashed.
    func role(of request: Request, _ context: ControlContext) async throws(Problem) -> ControlRole {
        let peer = context.peer
        if let credentials = peer.listener.credentials { try await authenticate(request, credentials, context) }
        if request.method != .get, request.method != .head, !PageOrigin.isOurs(request) {
            context.complaints.note(.foreignPage, from: peer.name)
            throw PageOrigin.refusal
        }
        switch peer.listener.kind {
        case .unix: return unixRole(peer)
        case .tcp: return try tcpRole(request, context)
        }
    }

    private func authenticate(
        _ request: Request, _ credentials: ControlCredentials, _ context: ControlContext
    ) async throws(Problem) {
        let refusal = Problem(status: 401, title: "Unauthorized", detail: "a user name and a password are needed")
        // Browsers ask without one first.
        guard let given = request.headers[.authorization] else { throw refusal }
        let peer = context.peer
        // Root need not guess, and whoever is the daemon's own user reads its configuration.
        let mayGuess = peer.standing(ownUserID: settings.ownUserID) == .owner
        guard mayGuess || guesses.take(peer.guessSource) else {
            context.complaints.note(.guessing, from: peer.name)
            throw Problem(
                status: 429, title: "Too Many Requests",
                detail: "too many wrong passwords came from there, wait a minute")
        }
        let verdict: PasswordCheck.Verdict
        do {
            verdict = try await passwords.compare(credentials, given)
        } catch {
            guesses.giveBack(peer.guessSource)
            throw error
        }
        if verdict != .wrong(isNew: true) { guesses.giveBack(peer.guessSource) }
        guard verdict == .right else {
            context.complaints.note(.wrongPassword, from: peer.name)
            throw refusal
        }
    }

    /// The socket's mode has admitted the peer already; `readers` can only take away.
    private func unixRole(_ peer: Peer) -> ControlRole {
        guard let credentials = peer.credentials else { return .reader }
        if credentials.userID == 0 || credentials.userID == settings.ownUserID { return .operator }
        let readers = peer.listener.readers
        if readers.userIDs.contains(credentials.userID) || readers.groupIDs.contains(credentials.groupID) {
            return .reader
        }
        if readers.groupIDs.isEmpty { return .operator }
        guard let groupIDs = peer.groupIDs else { return .reader }
        return groupIDs.isDisjoint(with: readers.groupIDs) ? .operator : .reader
    }

    private func tcpRole(_ request: Request, _ context: ControlContext) throws(Problem) -> ControlRole {
        let listener = context.peer.listener
        let host = request.head.authority ?? ""
        if let origin = request.headers[.origin], !AccessMiddleware.isSame(origin: origin, host: host) {
            context.complaints.note(.foreignPage, from: context.peer.name)
            throw PageOrigin.refusal
        }
        if listener.credentials != nil { return .operator }
        // Without a password a page of any site could reach us under a name of its own that it points at this host.
        guard isOwnName(host, listener.kind) else {
            context.complaints.note(.foreignName, from: context.peer.name)
            throw Problem(
                status: 403, title: "Forbidden",
                detail: "the Host header names no name of this host; use an address, or set a user name and a password")
        }
        switch listener.withoutPassword {
        case .full: return .operator
        case .read: return .reader
        case .refuse:
            throw Problem(
                status: 403, title: "Forbidden",
                detail: "nothing is served over TCP without a password (tcp_without_password)")
        }
    }

    private func isOwnName(_ authority: String, _ kind: ControlListener.Kind) -> Bool {
        let name = AccessMiddleware.hostPart(of: authority).lowercased()
        if name.isEmpty || name == "localhost" || AccessMiddleware.isAddress(name) { return true }
        if settings.hostNames.contains(where: { $0.lowercased() == name }) { return true }
        guard case .tcp(let host, _) = kind else { return false }
        return host.lowercased() == name
    }

    /// `[::1]:9001` and `localhost:9001` without the port.
    private static func hostPart(of authority: String) -> Substring {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return authority[...end] }
        return authority[..<(authority.firstIndex(of: ":") ?? authority.endIndex)]
    }

    /// An IPv4 address, or an IPv6 address in brackets.
    ///
    /// Names that end in a digit do not exist, so letters decide.
    private static func isAddress(_ name: String) -> Bool {
        name.hasPrefix("[") || name.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }

    /// A page's origin is ours when it was loaded from the host that the request names.
    ///
    /// `null` never is.
    static func isSame(origin: String, host: String) -> Bool {
        guard let range = origin.firstRange(of: "://") else { return false }
        return origin[range.upperBound...].lowercased() == host.lowercased()
    }
}
