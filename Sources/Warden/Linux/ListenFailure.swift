internal import Glibc

/// Why an address cannot be served.
package enum ListenFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another daemon holds the lock of this socket; its pid, if it can be read.
    case lockedByDaemon(path: String, pid: Int32?)
    /// Some other program answers on this socket.
    case answered(path: String)
    /// Something that is not a socket has this name.
    case notASocket(path: String)
    /// A host that has no address.
    case noAddress(host: String, reason: String)
    /// Everything else.
    case kernel(KernelFailure)

    /// The cause in words, with a remedy where there is one.
    package var description: String {
        switch self {
        case .lockedByDaemon(let path, let pid):
            let who = pid.map { "warden (pid \($0))" } ?? "warden"
            return "cannot listen on \(path): another \(who) serves it; stop that one, or configure another file"
        case .answered(let path):
            return "cannot listen on \(path): another program answers there; stop it, or configure another file"
        case .notASocket(let path):
            return "cannot listen on \(path): there is a file of that name that is no socket; remove it yourself"
        case .noAddress(let host, let reason):
            return "cannot listen on \(host): \(reason)"
        case .kernel(let failure):
            if failure.errorNumber == EADDRINUSE {
                return "\(failure.description); another program listens there, stop it or configure another port"
            }
            return failure.description
        }
    }
}
