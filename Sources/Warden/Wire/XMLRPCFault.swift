package import WardenCore

/// A refusal on the wire: supervisord's code and text.
package struct XMLRPCFault: Error, Hashable, Sendable {
    /// supervisord's faults, by its numbers.
    package enum Kind: Int, Hashable, Sendable, CaseIterable {
        case unknownMethod = 1
        case incorrectParameters = 2
        case badArguments = 3
        case signatureUnsupported = 4
        case shutdownState = 6
        case badName = 10
        case badSignal = 11
        case noFile = 20
        case notExecutable = 21
        case failed = 30
        case abnormalTermination = 40
        case spawnError = 50
        case alreadyStarted = 60
        case notRunning = 70
        /// Only ever the status of one slot among several.
        case success = 80
        case alreadyAdded = 90
        case stillRunning = 91
        case cannotReread = 92

        /// supervisord's word, such as `BAD_NAME`.
        package var word: String {
            switch self {
            case .unknownMethod: "UNKNOWN_METHOD"
            case .incorrectParameters: "INCORRECT_PARAMETERS"
            case .badArguments: "BAD_ARGUMENTS"
            case .signatureUnsupported: "SIGNATURE_UNSUPPORTED"
            case .shutdownState: "SHUTDOWN_STATE"
            case .badName: "BAD_NAME"
            case .badSignal: "BAD_SIGNAL"
            case .noFile: "NO_FILE"
            case .notExecutable: "NOT_EXECUTABLE"
            case .failed: "FAILED"
            case .abnormalTermination: "ABNORMAL_TERMINATION"
            case .spawnError: "SPAWN_ERROR"
            case .alreadyStarted: "ALREADY_STARTED"
            case .notRunning: "NOT_RUNNING"
            case .success: "SUCCESS"
            case .alreadyAdded: "ALREADY_ADDED"
            case .stillRunning: "STILL_RUNNING"
            case .cannotReread: "CANT_REREAD"
            }
        }
    }

    /// The number, one of `Kind` when supervisord or Warden answers.
    package var code: Int
    /// The text: the word, or `WORD: what it is about`.
    package var string: String

    /// - Parameters:
    ///   - code: the number.
    ///   - string: the text, as it was sent.
    package init(code: Int, string: String) {
        self.code = code
        self.string = string
    }

    /// - Parameters:
    ///   - kind: which fault.
    ///   - subject: the name, path or message that it is about, which may be empty; `nil` when there is none.
    package init(_ kind: Kind, _ subject: String? = nil) {
        code = kind.rawValue
        string = subject.map { "\(kind.word): \($0)" } ?? kind.word
    }

    /// The fault that answers a refusal.
    package init(_ refusal: Refusal) {
        switch refusal {
        case .badName(let name): self.init(.badName, name)
        case .alreadyStarted(let name): self.init(.alreadyStarted, name)
        case .notRunning(let name): self.init(.notRunning, name)
        case .noFile(let text): self.init(.noFile, text)
        case .notExecutable(let text): self.init(.notExecutable, text)
        case .spawnError(let name): self.init(.spawnError, name)
        case .abnormalTermination(let name): self.init(.abnormalTermination, name)
        case .failed(let text): self.init(.failed, text)
        case .badSignal(let signal): self.init(.badSignal, signal)
        case .alreadyAdded(let name): self.init(.alreadyAdded, name)
        case .stillRunning(let name): self.init(.stillRunning, name)
        case .cannotReread(let text): self.init(.cannotReread, text)
        case .shuttingDown: self.init(.shutdownState)
        case .overloaded: self.init(.failed, "too many requests wait, try again later")
        }
    }

    /// Which of supervisord's faults it is; `nil` for a number that supervisord does not use.
    package var kind: Kind? { Kind(rawValue: code) }

    /// The structure inside `<fault>`.
    package var value: XMLRPCValue {
        .structure([
            .init("faultCode", .int(Int64(code))),
            .init("faultString", .string(string)),
        ])
    }
}

extension SlotOutcome {
    /// The status structure of the calls that return an array: status 80 and `OK`, or the fault's.
    package var xmlRPC: XMLRPCValue {
        let fault = refusal.map { XMLRPCFault($0) }
        return .structure([
            .init("name", .string(name.process)),
            .init("group", .string(name.group)),
            .init("status", .int(Int64(fault?.code ?? XMLRPCFault.Kind.success.rawValue))),
            .init("description", .string(fault?.string ?? "OK")),
        ])
    }
}

extension DaemonMood {
    /// supervisord's number.
    package var code: Int {
        switch self {
        case .running: 1
        case .restarting: 0
        case .shuttingDown: -1
        }
    }

    /// supervisord's word.
    package var word: String {
        switch self {
        case .running: "RUNNING"
        case .restarting: "RESTARTING"
        case .shuttingDown: "SHUTDOWN"
        }
    }

    /// The result of `supervisor.getState`.
    package var xmlRPC: XMLRPCValue {
        .structure([.init("statecode", .int(Int64(code))), .init("statename", .string(word))])
    }
}
