internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A socket that listens, and that the processes of an fcgi-program get as their standard input. The daemon never
/// accepts on it.
package struct SharedSocket: ~Copyable, Sendable {
    private let socket: Descriptor

    /// Binds and listens.
    ///
    /// A file of the name that is a socket is removed before, as supervisord does; it stays when the socket is closed.
    ///
    /// - Parameter spec: where, and for whom.
    /// - Throws: `noAddress` for a host that has none, `notASocket` when the name is another file's, else `kernel`.
    package init(_ spec: SharedSocketSpec) throws(ListenFailure) {
        let backlog = spec.backlog ?? Int32(SOMAXCONN)
        switch spec.address {
        case .unix(let path): socket = try Self.unix(path, spec, backlog)
        case .tcp(let host, let port): socket = try Self.tcp(host, port, backlog)
        }
    }

    /// - Parameter socket: one that the binary before this one bound.
    package init(adopting socket: consuming Descriptor) { self.socket = socket }

    /// The listening socket, blocking; borrowed.
    package var descriptor: CInt { socket.rawValue }

    private static func unix(
        _ path: String, _ spec: SharedSocketSpec, _ backlog: Int32
    ) throws(ListenFailure) -> Descriptor {
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
            _ = unlink(path)
        }
        do throws(KernelFailure) {
            let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let socket = Descriptor(
                owning: try Kernel.retry("make socket", path) { Glibc.socket(AF_UNIX, type, 0) })
            let number = socket.rawValue
            // Nobody may connect before owner and mode are right: nor can they, until listen(2).
            try Kernel.retry("set mode of", path) { fchmod(number, spec.mode & 0o700) }
            try Kernel.check("bind", path, Int(warden_bind_unix(number, path)))
            do throws(KernelFailure) {
                let owner = spec.ownerID ?? UInt32.max
                let group = spec.groupID ?? UInt32.max
                try Kernel.retry("set owner of", path) { lchown(path, owner, group) }
                try Kernel.retry("set mode of", path) { chmod(path, spec.mode) }
                try Kernel.retry("listen on", path) { Glibc.listen(number, backlog) }
                return socket
            } catch {
                _ = unlink(path)
                throw error
            }
        } catch {
            throw .kernel(error)
        }
    }

    private static func tcp(_ host: String, _ port: UInt16, _ backlog: Int32) throws(ListenFailure) -> Descriptor {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        guard status == 0, let first = list else {
            throw .noAddress(host: host, reason: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(first) }
        // supervisord knows IPv4 alone: where a name has both, that is what clients expect.
        var candidates: [addrinfo] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next?.pointee {
            candidates.append(address)
            next = address.ai_next
        }
        let chosen = candidates.first { $0.ai_family == AF_INET } ?? first.pointee
        do throws(KernelFailure) {
            return try listen(chosen, "\(host):\(port)", backlog)
        } catch {
            throw .kernel(error)
        }
    }

    private static func listen(
        _ address: addrinfo, _ name: String, _ backlog: Int32
    ) throws(KernelFailure) -> Descriptor {
        let type = address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(
            owning: try Kernel.retry("make socket", name) {
                Glibc.socket(address.ai_family, type, address.ai_protocol)
            })
        let number = socket.rawValue
        var yes: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        try Kernel.retry("set options of", name) { setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, size) }
        try Kernel.retry("bind", name) { bind(number, address.ai_addr, address.ai_addrlen) }
        try Kernel.retry("listen on", name) { Glibc.listen(number, backlog) }
        return socket
    }
}
