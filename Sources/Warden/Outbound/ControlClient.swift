internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// The limits of asking a daemon.
package enum ControlClientLimits {
    /// Seconds until a connection must stand.
    package static let connectSeconds: Int64 = 10
    /// Bytes of one answer: `tail` may fetch a whole log.
    package static let answerBytes = 64 * 1024 * 1024
}

/// Where a daemon serves its control interface.
package enum ControlAddress: Hashable, Sendable, CustomStringConvertible {
    /// A Unix socket: its absolute path.
    case unix(path: String)
    /// A TCP port: the host's name or address (IPv6 without brackets), and the port.
    case tcp(host: String, port: Int)
    /// A TCP port under TLS; the host's name or address is that of its certificate.
    case tls(host: String, port: Int)

    /// Reads `unix:///path`, `http://host`, `http://host:port`, `http://[::1]:port`, and the same with https.
    ///
    /// A path behind the port is dropped.
    ///
    /// - Returns: `nil` for anything else.
    package init?(url: String) {
        if url.hasPrefix("unix://") {
            let path = String(url.dropFirst("unix://".count))
            guard !path.isEmpty else { return nil }
            self = .unix(path: path)
            return
        }
        let isTLS = url.hasPrefix("https://")
        guard isTLS || url.hasPrefix("http://") else { return nil }
        var rest = url.dropFirst(isTLS ? "https://".count : "http://".count).prefix {
            $0 != "/" && $0 != "?" && $0 != "#"
        }
        let host: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
        }
        guard !host.isEmpty else { return nil }
        if rest.isEmpty || rest == ":" {
            self = isTLS ? .tls(host: String(host), port: 443) : .tcp(host: String(host), port: 80)
            return
        }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), (1...65535).contains(port) else { return nil }
        self = isTLS ? .tls(host: String(host), port: port) : .tcp(host: String(host), port: port)
    }

    /// The address as it is written in a configuration.
    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .tls(let host, let port): "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }

    /// The address as the HTTP client takes it, without a path.
    fileprivate var base: String {
        switch self {
        case .unix(let path): "http+unix://\(path.percentEncoded(keeping: ""))"
        case .tcp, .tls: description
        }
    }
}

/// A user's name and password for Basic authentication.
package struct ControlCredentials: Hashable, Sendable {
    /// The user's name.
    package var username: String
    /// The password.
    ///
    /// Never logged or shown.
    package var password: String

    /// - Parameters:
    ///   - username: the user's name.
    ///   - password: the password.
    package init(username: String, password: String) {
        self.username = username
        self.password = password
    }
}

/// Why a daemon could not be asked.
///
/// A status other than 200 is an answer and not an error, except 401.
package enum ControlClientError: Error, Hashable, Sendable {
    /// Nobody listens there (ECONNREFUSED).
    case refused
    /// There is no such socket (ENOENT).
    case noSuchSocket
    /// The connection failed otherwise: an errno, such as EACCES.
    case connectFailed(errno: Int32)
    /// The host's name is not known.
    case unknownHost(String)
    /// The daemon wants a name and password, or others (status 401).
    case unauthorized
    /// No answer came in time.
    case timedOut
    /// TLS could not be agreed on: why, and what helps.
    case untrusted(String)
    /// The daemon hung up before its answer was complete.
    case connectionLost
    /// The answer has more bytes than this limit.
    case answerTooLong(limit: Int)
    /// The answer is not HTTP, or what else went wrong, in the client's words.
    case failed(String)
}

/// A daemon's answer.
package struct ControlAnswer: Hashable, Sendable {
    /// The HTTP status.
    package var status: Int
    /// The whole body.
    package var body: [UInt8]

    /// - Parameters:
    ///   - status: the HTTP status.
    ///   - body: the whole body.
    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Asks a daemon over HTTP, through a Unix socket or TCP.
package struct ControlClient: Sendable {
    private let client: HTTPClient
    /// Where the daemon listens; the next request goes there.
    package var address: ControlAddress
    /// What is sent for Basic authentication; `nil` sends nothing.
    package var credentials: ControlCredentials?

    /// Runs `body` with a client that lives as long as the call.
    /// - Parameters:
    ///   - address: where the daemon listens. Nothing is connected before the first request.
    ///   - credentials: what is sent for Basic authentication.
    ///   - authority: a PEM file with the certificates that the daemon's is to be signed by; `nil` takes the host's.
    ///   - body: what is to be done with the client.
    /// - Returns: what `body` returns.
    /// - Throws: when the client itself could not be closed in order; `body` has run then.
    package static func with<Result>(
        _ address: ControlAddress, credentials: ControlCredentials?, authority: String? = nil,
        _ body: (ControlClient) async -> Result
    ) async throws(ControlClientError) -> Result {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(ControlClientLimits.connectSeconds))
        configuration.httpVersion = .http1Only
        if let authority {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(authority)
            configuration.tlsConfiguration = tls
        }
        // A daemon that is down shall be reported at once; the pool would try again until the deadline.
        configuration.connectionPool.retryConnectionEstablishment = false
        do {
            return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                await body(ControlClient(client: client, address: address, credentials: credentials))
            }
        } catch {
            throw ControlClientError(error)
        }
    }

    private init(client: HTTPClient, address: ControlAddress, credentials: ControlCredentials?) {
        self.client = client
        self.address = address
        self.credentials = credentials
    }

    /// Asks for a document.
    /// - Parameters:
    ///   - path: from the first slash on, percent-encoded.
    ///   - timeout: until the whole answer is there; `nil` waits for ever.
    ///   - limit: bytes of the answer that are taken.
    /// - Returns: the answer, whatever its status.
    /// - Throws: when there is no whole answer, and for 401.
    package func get(
        _ path: String, timeout: Duration?, limit: Int = ControlClientLimits.answerBytes
    ) async throws(ControlClientError) -> ControlAnswer {
        try await answer(request(path), timeout: timeout, limit: limit)
    }

    /// Sends a document.
    /// - Parameters:
    ///   - path: from the first slash on, percent-encoded.
    ///   - contentType: the media type of the body.
    ///   - body: the whole body.
    ///   - timeout: until the whole answer is there; `nil` waits for ever, as starting a worker may take.
    ///   - limit: bytes of the answer that are taken.
    /// - Returns: the answer, whatever its status.
    /// - Throws: when there is no whole answer, and for 401.
    package func post(
        _ path: String, contentType: String, body: [UInt8], timeout: Duration?,
        limit: Int = ControlClientLimits.answerBytes
    ) async throws(ControlClientError) -> ControlAnswer {
        var request = request(path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: contentType)
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await answer(request, timeout: timeout, limit: limit)
    }

    /// Reads an endless document, such as the growing end of a log.
    /// - Parameters:
    ///   - path: from the first slash on, percent-encoded.
    ///   - receive: takes what has arrived, in order.
    /// - Returns: the status, once the daemon ends the document; with another one than 200 nothing was received.
    /// - Throws: when the connection fails or breaks, and for 401.
    package func stream(
        _ path: String, _ receive: ([UInt8]) -> Void
    ) async throws(ControlClientError) -> Int {
        do {
            let response = try await client.execute(request(path), deadline: .distantFuture)
            guard response.status != .unauthorized else { throw ControlClientError.unauthorized }
            guard response.status == .ok else { return Int(response.status.code) }
            for try await chunk in response.body { receive(Array(chunk.readableBytesView)) }
            return Int(response.status.code)
        } catch {
            throw ControlClientError(error)
        }
    }

    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address.base + path)
        request.headers.add(name: "User-Agent", value: "wardenctl")
        // A socket's path is no host name, and the daemon checks this header.
        if case .unix = address { request.headers.add(name: "Host", value: "localhost") }
        if let credentials {
            request.setBasicAuth(username: credentials.username, password: credentials.password)
        }
        return request
    }

    private func answer(
        _ request: HTTPClientRequest, timeout: Duration?, limit: Int
    ) async throws(ControlClientError) -> ControlAnswer {
        let deadline: NIODeadline = timeout.map { .now() + TimeAmount($0) } ?? .distantFuture
        do {
            let response = try await client.execute(request, deadline: deadline)
            guard response.status != .unauthorized else { throw ControlClientError.unauthorized }
            let body = try await response.body.collect(upTo: limit)
            return ControlAnswer(status: Int(response.status.code), body: Array(body.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw ControlClientError.answerTooLong(limit: limit)
        } catch {
            throw ControlClientError(error)
        }
    }
}

extension ControlClientError {
    /// What an error of the HTTP client means.
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as ControlClientError: self = error
        case let error as IOError: self = Self.connectFailure(error.errnoCode)
        case let error as NIOConnectionError: self.init(error)
        case let error as HTTPClientError: self.init(error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self = .untrusted(Self.words(ofTLS: error))
        default: self = .failed(String(describing: error))
        }
    }

    private static func words(ofTLS error: any Error) -> String {
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "nobody that is trusted here has signed its certificate; name who did with --ca-file"
        }
        if text.contains("alidateHostname") || text.contains("ossible to match") {
            return "its certificate is for another name than this"
        }
        if text.contains("WRONG_VERSION_NUMBER") { return "it does not speak TLS; try http:// instead" }
        return text
    }

    private init(_ error: HTTPClientError) {
        switch error {
        case .connectTimeout, .deadlineExceeded, .readTimeout: self = .timedOut
        case .remoteConnectionClosed: self = .connectionLost
        default: self = .failed(error.shortDescription)
        }
    }

    /// A host may have several addresses; what the first one said is told.
    private init(_ error: NIOConnectionError) {
        if let failure = error.connectionErrors.first?.error as? IOError {
            self = Self.connectFailure(failure.errnoCode)
        } else if let failure = error.connectionErrors.first?.error,
            failure is NIOSSLError || failure is NIOSSLExtraError
        {
            self = .untrusted(Self.words(ofTLS: failure))
        } else if error.connectionErrors.isEmpty {
            self = .unknownHost(error.host)
        } else {
            self = .failed(String(describing: error))
        }
    }

    private static func connectFailure(_ errno: Int32) -> ControlClientError {
        // The numbers of Linux: this room imports no C library.
        switch errno {
        case 2: .noSuchSocket
        case 111: .refused
        case 104, 32: .connectionLost
        default: .connectFailed(errno: errno)
        }
    }
}

extension String {
    /// Percent-encoded for a URL: everything but letters, digits and `-._~`.
    /// - Parameter keeping: further ASCII characters that stay, such as `/`.
    /// - Returns: the encoded text.
    package func percentEncoded(keeping: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: encoded.append(byte)
            case _ where keeping.utf8.contains(byte): encoded.append(byte)
            default: encoded += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
