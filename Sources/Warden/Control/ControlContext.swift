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
}

/// A request's surroundings.
struct ControlContext: RequestContext {
    typealias Source = ControlSource

    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let peer: Peer
    /// Decided by `AccessMiddleware`.
    var role = ControlRole.stranger

    init(source: ControlSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        peer = source.peer
    }

    var maxUploadSize: Int { ControlLimits.bodyBytes }
}
