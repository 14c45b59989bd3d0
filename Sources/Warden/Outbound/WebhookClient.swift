internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import WardenCore

/// Posts to one destination: the only place that knows the HTTP client.
///
/// Every destination has a client of its own, so that none waits for a connection that another one holds.
struct WebhookClient: Sendable {
    private let client: HTTPClient
    private let destination: AlertDestination
    private let timeout: Duration
    private let redaction: Redaction

    /// Runs `body` with a client that lives as long as the call.
    static func with(_ destination: AlertDestination, _ body: (WebhookClient) async -> Void) async {
        do {
            try await HTTPClient.withHTTPClient(configuration: configuration(destination)) { client in
                await body(WebhookClient(client, destination))
            }
        } catch {
            // `body` does not throw. What is left is a connection that did not close in order, which harms nobody.
            return
        }
    }

    private init(_ client: HTTPClient, _ destination: AlertDestination) {
        self.client = client
        self.destination = destination
        timeout = Self.timeout(destination)
        redaction = Redaction(url: destination.url)
    }

    /// Makes one attempt.
    ///
    /// - Parameters:
    ///   - body: what is posted.
    ///   - contentType: its media type.
    ///   - headers: beside the content's own.
    /// - Returns: what came of it.
    func post(_ body: [UInt8], as contentType: String, headers: [(String, String)]) async -> PostAnswer {
        var request = HTTPClientRequest(url: destination.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: contentType)
        request.headers.add(name: "User-Agent", value: "warden")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            return await answer(response)
        } catch {
            return failure(error)
        }
    }

    private func answer(_ response: HTTPClientResponse) async -> PostAnswer {
        let status = Int(response.status.code)
        let date = response.headers.first(name: "Date")
        let wish = response.headers.first(name: "Retry-After").flatMap { RetryAfter.parse($0, date: date) }
        var detail = ""
        switch status {
        case 200..<300: break
        case 300..<400: detail = Self.shownTarget(response.headers.first(name: "Location"))
        default: detail = await firstWords(response.body)
        }
        return .answered(status: status, retryAfter: wish, detail: detail)
    }

    /// The host that a redirect points at; empty when it stays where it was.
    private static func shownTarget(_ location: String?) -> String {
        guard let location, location.contains("://") else { return "" }
        return AlertDestination.address(of: location)
    }

    /// The first piece of a body that arrives.
    ///
    /// Without the rest the connection is closed, so that a huge or endless answer costs nothing; the client's read
    /// time-out ends the wait for it.
    private func firstWords(_ body: HTTPClientResponse.Body) async -> String {
        var pieces = body.makeAsyncIterator()
        // That the words did not come is no news: the status did.
        guard let piece = try? await pieces.next() else { return "" }
        let text = String(decoding: piece.readableBytesView.prefix(OutboundLimits.answerBytes), as: UTF8.self)
        return text.hasPrefix("<") ? "" : redaction.safe(text)
    }

    private func failure(_ error: any Error) -> PostAnswer {
        guard let error = error as? HTTPClientError else {
            let text = String(describing: error)
            let words = FailureWords.words(for: text) ?? redaction.safe(text)
            return .failed(reason: words.isEmpty ? "the connection failed" : words)
        }
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            return .failed(reason: "no answer within \(timeout.spoken)")
        case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
            return .failed(reason: "cannot connect within \(timeout.spoken)")
        case .remoteConnectionClosed:
            return .failed(reason: "the connection was closed without an answer")
        default:
            let isPermanent = Self.permanent.contains(error.shortDescription)
            let reason = error.shortDescription.lowercased()
            return isPermanent ? .impossible(reason: reason) : .failed(reason: reason)
        }
    }

    /// Errors that lie in what was asked for.
    ///
    /// Some carry values, so they are told by their short names.
    private static let permanent: Set<String> = [
        "Invalid URL", "Empty host", "Missing socket path", "Empty scheme", "Unsupported scheme",
        "Invalid header field names", "Invalid header field values",
    ]

    private static func timeout(_ destination: AlertDestination) -> Duration {
        min(max(destination.timeout, .milliseconds(1)), OutboundLimits.timeoutMaximum)
    }

    private static func configuration(_ destination: AlertDestination) -> HTTPClient.Configuration {
        let timeout = TimeAmount(timeout(destination))
        // Certificates are verified: that is the default of the client's TLS configuration, and nothing turns it off.
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: timeout, read: timeout, write: timeout), decompression: .disabled)
        configuration.httpVersion = .http1Only
        // A refused connection is an answer for us: our own backoff decides when to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        configuration.connectionPool.idleTimeout = .seconds(5)
        return configuration
    }
}

/// What came of fetching a URL.
enum FetchAnswer: Sendable {
    /// A 2xx; empty where no body was wanted.
    case body([UInt8])
    /// The other side is to blame: its status, its silence, its refusal.
    case failed(reason: String)
    /// We are: no descriptor, no address, no trust in its certificate.
    case notAsked(reason: String)
}

extension HTTPClient {
    /// Fetches once; redirects are not followed.
    ///
    /// - Parameters:
    ///   - url: `http://` or `https://`; the certificate is verified.
    ///   - timeout: for the answer's head.
    ///   - bodyLimit: bytes of the body; `nil`: it is not read.
    /// - Returns: what came.
    func fetch(_ url: String, within timeout: Duration, bodyLimit: Int?) async -> FetchAnswer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "User-Agent", value: "warden")
        request.headers.add(name: "Connection", value: "close")
        do {
            let response = try await execute(request, timeout: TimeAmount(timeout))
            let status = Int(response.status.code)
            guard (200..<300).contains(status) else {
                let hint = (300..<400).contains(status) ? "; redirects are not followed" : ""
                return .failed(reason: "status \(status)\(hint)")
            }
            guard let bodyLimit else { return .body([]) }
            return .body([UInt8](try await response.body.collect(upTo: bodyLimit).readableBytesView))
        } catch let error as HTTPClientError {
            return Self.answer(error)
        } catch is NIOTooManyBytesError {
            return .failed(reason: "the answer is longer than \(bodyLimit ?? 0) bytes")
        } catch {
            let text = String(describing: error)
            let reason = FailureWords.words(for: text) ?? "the connection failed"
            return FailureWords.isAnswer(text) ? .failed(reason: reason) : .notAsked(reason: reason)
        }
    }

    private static func answer(_ error: HTTPClientError) -> FetchAnswer {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: .failed(reason: "no answer in time")
        case .connectTimeout: .failed(reason: "cannot connect in time")
        case .remoteConnectionClosed: .failed(reason: "the connection was closed without an answer")
        default: .notAsked(reason: error.shortDescription.lowercased())
        }
    }
}
