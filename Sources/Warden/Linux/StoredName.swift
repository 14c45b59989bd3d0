package import WardenCore

/// What a descriptor in the service manager's store is, by its name: short, because all names together are one variable
/// of the environment at the next start, and only printable ASCII without a colon is stored as it is.
package enum StoredName: Hashable, Sendable {
    /// The state: `state`.
    case state
    /// The reading end of a worker's output: `p12.3o` or `p12.3e` for slot 12, generation 3.
    case output(WorkerID, OutputStream)
    /// The writing end of a worker's standard input: `i12.3`.
    case input(WorkerID)
    /// A worker's pidfd: `d12.3`.
    case process(WorkerID)
    /// A worker's own notify socket: `n12.3`.
    case notify(WorkerID)
    /// A socket that the daemon serves: `l2`.
    case listener(UInt32)
    /// Its lock: `k2`.
    case lock(UInt32)
    /// The socket of an fcgi-program: `f7`.
    case shared(UInt32)

    /// The worker that it belongs to; `nil` for what is not one worker's.
    package var worker: WorkerID? {
        switch self {
        case .state, .listener, .lock, .shared: nil
        case .output(let worker, _), .input(let worker), .process(let worker), .notify(let worker): worker
        }
    }

    /// The name in the store.
    package var text: String {
        switch self {
        case .state: "state"
        case .output(let worker, .standardOutput): "p\(Self.number(worker))o"
        case .output(let worker, .standardError): "p\(Self.number(worker))e"
        case .input(let worker): "i\(Self.number(worker))"
        case .process(let worker): "d\(Self.number(worker))"
        case .notify(let worker): "n\(Self.number(worker))"
        case .listener(let number): "l\(number)"
        case .lock(let number): "k\(number)"
        case .shared(let number): "f\(number)"
        }
    }

    /// A name as it comes back.
    ///
    /// - Parameter text: any text.
    /// - Returns: `nil` for every text that `text` does not write: a sign, a zero in front, a number past 32 bits.
    package init?(_ text: String) {
        if text == "state" {
            self = .state
            return
        }
        var rest = Substring(text)
        guard let letter = rest.popFirst() else { return nil }
        var stream: OutputStream?
        if letter == "p" {
            switch rest.popLast() {
            case "o": stream = .standardOutput
            case "e": stream = .standardError
            default: return nil
            }
        }
        if let number = WorkerID.number(rest.utf8) {
            switch letter {
            case "l": self = .listener(number)
            case "k": self = .lock(number)
            case "f": self = .shared(number)
            default: return nil
            }
            return
        }
        guard let worker = WorkerID(storedText: rest) else { return nil }
        switch letter {
        case "p": self = .output(worker, stream ?? .standardOutput)
        case "i": self = .input(worker)
        case "d": self = .process(worker)
        case "n": self = .notify(worker)
        default: return nil
        }
    }

    private static func number(_ worker: WorkerID) -> String { worker.storedText }
}

extension WorkerID {
    /// Slot and generation as the names of stored descriptors and of control groups have them: `12.3`.
    package var storedText: String { "\(slot.number).\(generation.number)" }

    /// The other way.
    ///
    /// - Parameter text: any text.
    /// - Returns: `nil` for every text that `storedText` does not write.
    package init?(storedText text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let slot = Self.number(parts[0].utf8), let generation = Self.number(parts[1].utf8)
        else { return nil }
        self.init(slot: SlotID(slot), generation: Generation(generation))
    }

    fileprivate static func number(_ digits: some Collection<UInt8>) -> UInt32? {
        if digits.count > 10 || digits.first == UInt8(ascii: "0") && digits.count > 1 { return nil }
        var value: UInt64 = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        return digits.isEmpty ? nil : UInt32(exactly: value)
    }
}
