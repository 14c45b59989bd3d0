internal import Glibc

/// A TCP socket that listens.
package struct TCPListener: ~Copyable, Sendable {
    private let socket: Descriptor

    /// Listens on the first of the host's addresses that can be bound.
    ///
    /// - Parameters:
    ///   - host: a name or an address of either family; empty or `*` is every IPv4 address, as in supervisord.
    ///   - port: 1 to 65535; 0 lets the kernel choose.
    /// - Throws: `noAddress` for a host that has none, else `kernel`.
    package init(host: String, port: UInt16) throws(ListenFailure) {
        let isAny = host.isEmpty || host == "*"
        let name = isAny ? "0.0.0.0" : host
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, String(port), &hints, &list)
        guard status == 0, let first = list else {
            throw .noAddress(host: host, reason: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(first) }

        var failure = KernelFailure("listen on", "\(host):\(port)", EADDRNOTAVAIL)
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next?.pointee {
            do {
                socket = try Self.listen(address, name: "\(host):\(port)")
                return
            } catch {
                failure = error
            }
            next = address.ai_next
        }
        throw .kernel(failure)
    }

    /// A socket that the binary before this one, or the service manager, kept open.
    ///
    /// - Parameter socket: the listening socket.
    package init(adopting socket: consuming Descriptor) {
        self.socket = socket
    }

    /// The listening socket, non-blocking; borrowed.
    package var descriptor: CInt { socket.rawValue }

    /// The port that it listens on.
    ///
    /// - Throws: nothing that can happen to a listening socket.
    package borrowing func port() throws(KernelFailure) -> UInt16 {
        var storage = sockaddr_storage()
        let number = socket.rawValue
        try Kernel.retry("read address of socket", "") { () -> CInt in
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutableBytes(of: &storage) { bytes in
                guard let address = bytes.bindMemory(to: sockaddr.self).baseAddress else { return -1 }
                return getsockname(number, address, &size)
            }
        }
        // IPv4 and IPv6 have the port in the same place, in network order.
        return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    }

    private static func listen(_ address: addrinfo, name: String) throws(KernelFailure) -> Descriptor {
        let type = address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(
            owning: try Kernel.retry("make socket", name) {
                Glibc.socket(address.ai_family, type, address.ai_protocol)
            })
        let number = socket.rawValue
        var yes: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        // Connections of a former daemon in TIME_WAIT would keep the port for a minute.
        try Kernel.retry("set options of", name) { setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, size) }
        if address.ai_family == AF_INET6 {
            // `::` means IPv6, and leaves the IPv4 port to another section.
            try Kernel.retry("set options of", name) {
                setsockopt(number, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size)
            }
        }
        try Kernel.retry("listen on", name) { bind(number, address.ai_addr, address.ai_addrlen) }
        try Kernel.retry("listen on", name) { Glibc.listen(number, EdgeLimits.listenBacklog) }
        return socket
    }
}
