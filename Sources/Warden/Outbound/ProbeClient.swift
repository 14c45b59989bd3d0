internal import AsyncHTTPClient
internal import WardenCore

/// `probe = http(s)://…`: asks, and is content with a 2xx.
///
/// Any thread gives it questions; they wait in a bounded stream until the network loop runs it.
package struct ProbeClient: Sendable {
    private struct Question: Sendable {
        var url: String
        var timeout: Duration
        var reply: @Sendable (String?) -> Void
    }

    private let questions: AsyncStream<Question>
    private let inlet: AsyncStream<Question>.Continuation

    /// Without a connection yet.
    package init() {
        (questions, inlet) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(OutboundLimits.probesWaiting))
    }

    /// Asks once.
    ///
    /// - Parameters:
    ///   - url: `http://` or `https://`; the certificate is verified.
    ///   - timeout: for the whole answer's head.
    ///   - reply: called once, on the network thread: `nil` for a 2xx, else why not.
    /// - Returns: false when too many wait; `reply` is not called then.
    package func ask(_ url: String, within timeout: Duration, reply: @escaping @Sendable (String?) -> Void) -> Bool {
        if case .enqueued = inlet.yield(Question(url: url, timeout: timeout, reply: reply)) { return true }
        return false
    }

    /// Serves until the task is cancelled.
    package func run() async {
        do {
            try await HTTPClient.withHTTPClient(configuration: Self.configuration) { client in
                await withDiscardingTaskGroup { group in
                    for await question in questions {
                        group.addTask {
                            question.reply(await client.refusal(of: question.url, within: question.timeout))
                        }
                    }
                }
            }
        } catch {
            // What is left is a connection that did not close in order, which harms nobody.
            return
        }
    }

    private static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.httpVersion = .http1Only
        // A worker that is not up yet refuses; the next question comes soon.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}
