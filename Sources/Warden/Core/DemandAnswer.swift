/// What came of a question about demand. What could not be had is unknown, never zero, and never a failure.
package enum DemandAnswer: Hashable, Codable, Sendable {
    /// So much work waits.
    case amount(Double)
    /// Nobody knows, in words for a person.
    case unknown(reason: String)

    /// The amount; `nil` when it is unknown.
    package var amount: Double? {
        switch self {
        case .amount(let amount): amount
        case .unknown: nil
        }
    }

    /// - Parameter result: how the command or the query ended; its output begins with the number.
    package init(_ result: HookResult) {
        switch result {
        case .exited(code: 0, let output):
            let word = output.split(whereSeparator: { $0.isWhitespace || $0.isNewline }).first
            guard let word else {
                self = .unknown(reason: "it printed nothing")
                return
            }
            self.init(text: String(word))
        case .exited(let code, let output):
            let line = output.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
            self = .unknown(reason: "exit status \(code)\(line)")
        case .failed(let reason), .couldNotRun(let reason): self = .unknown(reason: reason)
        }
    }

    /// - Parameter text: a number, and nothing else.
    package init(text: String) {
        guard let amount = Double(text), amount.isFinite else {
            self = .unknown(reason: "'\(text.prefix(64))' is not a number")
            return
        }
        self = amount < 0 ? .unknown(reason: "\(text.prefix(64)) is no amount of work") : .amount(amount)
    }
}

/// The last answer about demand, and when it came.
package struct DemandReading: Hashable, Codable, Sendable {
    /// What came.
    package var answer: DemandAnswer
    /// When; `nil` before the first.
    package var at: Moment?

    /// - Parameters: as the properties of the same names.
    package init(answer: DemandAnswer, at: Moment?) {
        self.answer = answer
        self.at = at
    }
}
