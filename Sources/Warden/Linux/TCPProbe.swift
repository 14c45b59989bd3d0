internal import Glibc
package import WardenCore

/// `probe = tcp://HOST:PORT`: whether somebody accepts connections there.
package enum TCPProbe {
    /// Connects, and hangs up at once. Blocks: for a thread that may.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, an IPv6 address in brackets.
    ///   - timeout: how long the addresses of the host may take in all; the look-up of the name is not bounded.
    /// - Returns: exit code 0 for a connection, `.failed` when nobody accepts one there, and `.couldNotRun` when this
    ///   host could not even try.
    package static func ask(_ address: String, within timeout: Duration) -> HookResult {
        do throws(KernelFailure) {
            try connect(to: address, within: timeout)
            return .exited(code: 0, output: "")
        } catch {
            let isAnswer = [ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, EPIPE].contains(error.errorNumber)
            return isAnswer ? .failed(reason: error.description) : .couldNotRun(reason: error.description)
        }
    }

    /// Connects, and hangs up at once. Blocks: for a thread that may.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, an IPv6 address in brackets.
    ///   - timeout: how long the addresses of the host may take in all; the look-up of the name is not bounded.
    /// - Throws: why nobody answered: the errno of the last address, or EADDRNOTAVAIL for a name without one.
    package static func connect(to address: String, within timeout: Duration) throws(KernelFailure) {
        let deadline = MonotonicClock.now() + timeout
        let (host, port) = halves(of: address)
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &list) == 0, let first = list else {
            throw KernelFailure("find address of", host, EADDRNOTAVAIL)
        }
        defer { freeaddrinfo(first) }
        var failure = KernelFailure("connect to", address, EADDRNOTAVAIL)
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let one = next?.pointee {
            do {
                return try connect(one, address, until: deadline)
            } catch {
                failure = error
            }
            next = one.ai_next
        }
        throw failure
    }

    private static func halves(of address: String) -> (host: String, port: String) {
        guard let colon = address.lastIndex(of: ":") else { return (address, "") }
        let host = address[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (
            String(isBracketed ? host.dropFirst().dropLast() : host), String(address[address.index(after: colon)...])
        )
    }

    private static func connect(
        _ address: addrinfo, _ name: String, until deadline: Instant
    ) throws(KernelFailure) {
        let type = address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(
            owning: try Kernel.retry("make socket", name) {
                Glibc.socket(address.ai_family, type, address.ai_protocol)
            })
        let number = socket.rawValue
        if Glibc.connect(number, address.ai_addr, address.ai_addrlen) == 0 { return }
        guard errno == EINPROGRESS else { throw KernelFailure("connect to", name, errno) }
        var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        let rest = max(0, (deadline - MonotonicClock.now()).inSeconds)
        let count = try Kernel.retry("connect to", name) { poll(&waiting, 1, CInt(min(rest * 1000 + 1, 600_000))) }
        guard count > 0 else { throw KernelFailure("connect to", name, ETIMEDOUT) }
        var cause: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        try Kernel.retry("connect to", name) { getsockopt(number, SOL_SOCKET, SO_ERROR, &cause, &size) }
        if cause != 0 { throw KernelFailure("connect to", name, cause) }
    }
}
