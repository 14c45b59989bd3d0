internal import AsyncHTTPClient
package import WardenCore
internal import WardenWire

/// `probe = http(s)://…` and `demand = http(s)://…#/pointer`: asks, and is content with a 2xx.
///
/// Any thread gives it questions; they wait in a bounded stream until the network loop runs it.
package struct ProbeClient: Sendable {
    fileprivate struct Question: Sendable {
        /// What is looked for in the answer.
        enum Subject: Sendable {
            case status
            /// A number, at this place.
            case number(pointer: String)
        }

        var url: String
        var subject: Subject
        var timeout: Duration
        var reply: @Sendable (HookResult) -> Void
    }

    private let questions: AsyncStream<Question>
    private let inlet: AsyncStream<Question>.Continuation

    /// Without a connection yet.
    package init() {
        (questions, inlet) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(OutboundLimits.probesWaiting))
    }

    /// Asks once, and looks at nothing but the status.
    ///
    /// - Parameters:
    ///   - url: `http://` or `https://`; the certificate is verified. Redirects are not followed.
    ///   - timeout: for the whole answer's head.
    ///   - reply: called once, on the network thread: exit code 0 for a 2xx, `.failed` for any other answer or none,
    ///     `.couldNotRun` when the question could not be put.
    /// - Returns: false when too many wait; `reply` is not called then.
    package func ask(
        _ url: String, within timeout: Duration, reply: @escaping @Sendable (HookResult) -> Void
    ) -> Bool {
        put(Question(url: url, subject: .status, timeout: timeout, reply: reply))
    }

    /// Fetches a JSON document and picks one number out of it.
    ///
    /// - Parameters:
    ///   - url: as for `ask`, with a JSON pointer (RFC 6901) as its fragment.
    ///   - timeout: for the whole answer.
    ///   - reply: called once, on the network thread: exit code 0 with the number as output, else why it is unknown.
    /// - Returns: false when too many wait; `reply` is not called then.
    package func fetchNumber(
        _ url: String, within timeout: Duration, reply: @escaping @Sendable (HookResult) -> Void
    ) -> Bool {
        let halves = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let fragment = halves.count == 2 ? String(halves[1]) : ""
        return put(
            Question(
                url: String(halves[0]), subject: .number(pointer: Self.decoded(fragment)), timeout: timeout,
                reply: reply))
    }

    private func put(_ question: Question) -> Bool {
        if case .enqueued = inlet.yield(question) { true } else { false }
    }

    /// Serves until the task is cancelled.
    package func run() async {
        do {
            try await HTTPClient.withHTTPClient(configuration: Self.configuration) { client in
                await withDiscardingTaskGroup { group in
                    for await question in questions {
                        group.addTask { question.reply(await Self.answer(to: question, by: client)) }
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

    /// A fragment may be written as percent escapes; what is none of them stays as it is.
    private static func decoded(_ fragment: String) -> String {
        var bytes: [UInt8] = []
        var rest = fragment.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == 0x25, digits.count == 2, let value = UInt8(String(Substring(digits)), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ProbeClient {
    /// The first of the answer and the end of its time.
    ///
    /// The client's own time-out ends with the answer's head: a body that drips would hold us for ever.
    fileprivate static func answer(to question: Question, by client: HTTPClient) async -> HookResult {
        let late = HookResult.failed(reason: "no answer within \(question.timeout.spoken)")
        return await withTaskGroup(of: HookResult.self) { group in
            group.addTask { await asked(question, by: client) }
            group.addTask {
                // Cancelled: the answer came first.
                try? await Task.sleep(for: question.timeout)
                return late
            }
            let first = await group.next() ?? late
            group.cancelAll()
            return first
        }
    }

    private static func asked(_ question: Question, by client: HTTPClient) async -> HookResult {
        switch question.subject {
        case .status:
            switch await client.fetch(question.url, within: question.timeout, bodyLimit: nil) {
            case .body: return .exited(code: 0, output: "")
            case .failed(let reason): return .failed(reason: reason)
            case .notAsked(let reason): return .couldNotRun(reason: reason)
            }
        case .number(let pointer):
            switch await client.fetch(question.url, within: question.timeout, bodyLimit: OutboundLimits.demandBytes) {
            case .body(let body): return number(in: body, at: pointer)
            case .failed(let reason): return .failed(reason: reason)
            case .notAsked(let reason): return .couldNotRun(reason: reason)
            }
        }
    }

    private static func number(in body: [UInt8], at pointer: String) -> HookResult {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(
                decoding: body, bodyLimit: OutboundLimits.demandBytes, valueLimit: OutboundLimits.demandValues)
        } catch {
            return .failed(reason: "answer: \(error)")
        }
        guard let value = document.value(at: pointer) else {
            return .failed(reason: "the answer has nothing at \(pointer)")
        }
        switch value.amount {
        case .amount(let amount): return .exited(code: 0, output: String(amount))
        case .unknown(let reason): return .failed(reason: "\(pointer): \(reason)")
        }
    }
}
