import NIOCore
import Synchronization
import WardenCore

/// What is refused is said in the log: at once the first time, and then one line a minute with the count, however often
/// it happens.
///
/// There is one line for each kind and not for each client, so that nobody can fill the disk under many addresses.
final class Complaints: Sendable {
    /// What is refused.
    enum Kind: CaseIterable, Sendable {
        case wrongPassword, guessing, foreignPage, foreignName, reader, tooLarge, tooSlow, notReading, malformed, crowd
        case handshake, failed

        /// What happened, with the client to follow.
        var text: String {
            switch self {
            case .wrongPassword: "Refused a wrong password"
            case .guessing: "No more passwords are compared for a while, too many were wrong"
            case .foreignPage: "Refused a request that a page of another site made"
            case .foreignName: "Refused a request under a name that is not this host's (Host header)"
            case .reader: "Refused a change, for the client may only look"
            case .tooLarge: "Refused a request that is too large"
            case .tooSlow: "Hung up on a client that was too slow with its request"
            case .notReading: "Hung up on a client that does not read its answer"
            case .malformed: "Refused a request that is not HTTP"
            case .crowd: "Too many connections, the longest idle are closed and new ones get 503"
            case .failed: "A request failed"
            case .handshake: "TLS could not be agreed on with a client"
            }
        }
    }

    private struct Tally {
        var saidAt: NIODeadline?
        var unsaidCount = 0
        var lastFrom = ""
    }

    private let tallies = Mutex<[Kind: Tally]>([:])
    private let log: @Sendable (LogRecord) -> Void
    private let schedule: @Sendable (Duration, @escaping @Sendable () -> Void) -> Void

    /// - Parameters:
    ///   - log: takes the lines; must not block.
    ///   - schedule: calls back after a time.
    init(
        log: @escaping @Sendable (LogRecord) -> Void,
        schedule: @escaping @Sendable (Duration, @escaping @Sendable () -> Void) -> Void
    ) {
        self.log = log
        self.schedule = schedule
    }

    /// Something was refused.
    /// - Parameters:
    ///   - kind: what.
    ///   - who: the client's address or user, and what else helps; nothing that it can choose freely.
    func note(_ kind: Kind, from who: String) {
        let isFirst: Bool? = tallies.withLock { tallies in
            var tally = tallies[kind] ?? Tally()
            defer { tallies[kind] = tally }
            if let saidAt = tally.saidAt, .now() - saidAt < TimeAmount(ControlLimits.complaintPause) {
                tally.unsaidCount += 1
                tally.lastFrom = who
                return tally.unsaidCount == 1 ? false : nil
            }
            tally.saidAt = .now()
            return true
        }
        switch isFirst {
        case true?: log(LogRecord(.warn, "\(kind.text): \(who)"))
        case false?: schedule(ControlLimits.complaintPause) { [weak self] in self?.sayRest(of: kind) }
        case nil: return
        }
    }

    /// Says what was only counted so far.
    func sayRest() {
        for kind in Kind.allCases { sayRest(of: kind) }
    }

    private func sayRest(of kind: Kind) {
        let said: Tally? = tallies.withLock { tallies in
            guard let tally = tallies[kind], tally.unsaidCount > 0 else { return nil }
            tallies[kind] = Tally(saidAt: .now())
            return tally
        }
        guard let said else { return }
        log(LogRecord(.warn, "\(kind.text): \(said.lastFrom), and \(said.unsaidCount - 1) more since the last line"))
    }
}
