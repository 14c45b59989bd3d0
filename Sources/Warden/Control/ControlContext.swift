import Hummingbird
import Logging
import NIOCore

/// What somebody at the other end may do.
enum ControlRole: Sendable {
    /// See whether the daemon is alive.
    case stranger
    /// Look at everything.
    case reader
    /// Look and change.
    case `operator`
}

/// Where a request's context comes from.
struct ControlSource: RequestContextSource {
    var logger: Logger
    var channel: any Channel
    var peer: Peer
    var complaints: Complaints
}

/// A request's surroundings.
struct ControlContext: RequestContext {
    typealias Source = ControlSource

    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let peer: Peer
    let complaints: Complaints
    /// Decided by `AccessMiddleware`.
    var role = ControlRole.stranger

    init(source: ControlSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        peer = source.peer
        complaints = source.complaints
    }

    var maxUploadSize: Int { ControlLimits.bodyBytes }
}
