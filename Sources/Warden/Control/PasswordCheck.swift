import Crypto
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import WardenSecrets
import WardenWire

/// Compares what clients give with what the configuration keeps.
///
/// A stored password takes a fifth of a second of a core, on purpose. So it is hashed on a thread of its own, one at a
/// time, and what came of it is remembered: a client that asks every second with the same password costs nothing, be it
/// the right one or not. Remembered is a digest under a key that nobody else knows.
final class PasswordCheck: Sendable {
    private typealias Mark = [UInt8]

    private struct Memory {
        var right: [Mark] = []
        var wrong: [Mark] = []
        var tried: [Mark] = []

        mutating func isNewlyTried(_ mark: Mark) -> Bool {
            if tried.contains(mark) { return false }
            tried.append(mark)
            if tried.count > ControlLimits.wrongPasswords { tried.removeFirst() }
            return true
        }

        func verdict(_ mark: Mark) -> Bool? {
            if right.contains(mark) { return true }
            return wrong.contains(mark) ? false : nil
        }

        mutating func remember(_ mark: Mark, _ isRight: Bool) {
            if isRight {
                right.append(mark)
                if right.count > ControlLimits.rightPasswords { right.removeFirst() }
            } else {
                wrong.append(mark)
                if wrong.count > ControlLimits.wrongPasswords { wrong.removeFirst() }
            }
        }
    }

    /// What came of a comparison.
    enum Verdict: Hashable, Sendable {
        case right
        /// Wrong; `isNew` unless just this was tried before, as by a script that asks again and again with an old one.
        case wrong(isNew: Bool)
    }

    private let pool: NIOThreadPool
    private let waiting = Gauge()
    private let key = SymmetricKey(size: .bits256)
    private let memory = Mutex(Memory())

    /// - Parameter pool: of one thread.
    init(pool: NIOThreadPool) {
        self.pool = pool
    }

    /// - Parameters:
    ///   - credentials: of the listener.
    ///   - header: the request's `Authorization`.
    /// - Returns: whether they go together.
    /// - Throws: 503 when too many passwords wait to be hashed.
    func compare(_ credentials: ControlCredentials, _ header: String) async throws(Problem) -> Verdict {
        let isRight: Bool
        switch credentials.judge(header) {
        case .known(let known): isRight = known
        case .needsHash(let stored, let password, let isUser):
            let isPassword = try await matches(stored, password)
            isRight = isUser && isPassword
        }
        if isRight { return .right }
        let mark = mark("", Array(header.utf8))
        return .wrong(isNew: memory.withLock { $0.isNewlyTried(mark) })
    }

    private func matches(_ stored: StoredPassword, _ password: [UInt8]) async throws(Problem) -> Bool {
        let mark = mark(stored.text, password)
        if let verdict = memory.withLock({ $0.verdict(mark) }) { return verdict }
        guard let place = GaugePlace(waiting, limit: ControlLimits.waitingPasswords) else { throw PasswordCheck.busy }
        do {
            return try await pool.runIfActive { [self, place] in
                defer { _ = place }
                return judge(stored, password, mark)
            }
        } catch {
            // The thread has stopped with the server, or the client has gone.
            throw PasswordCheck.busy
        }
    }

    /// On the hashing thread.
    private func judge(_ stored: StoredPassword, _ password: [UInt8], _ mark: Mark) -> Bool {
        // Clients that came together with the same password wait for one hash.
        if let verdict = memory.withLock({ $0.verdict(mark) }) { return verdict }
        let began = NIODeadline.now()
        let isRight = stored.matches(password)
        memory.withLock { $0.remember(mark, isRight) }
        if !isRight {
            let rest = (NIODeadline.now() - began) * ControlLimits.wrongPasswordRest
            let bounded = min(rest, TimeAmount(ControlLimits.longestPasswordRest))
            Thread.sleep(forTimeInterval: Double(bounded.nanoseconds) / 1e9)
        }
        return isRight
    }

    private func mark(_ stored: String, _ password: [UInt8]) -> Mark {
        Array(HMAC<SHA256>.authenticationCode(for: Array(stored.utf8) + [0] + password, using: key))
    }

    private static let busy = Problem(
        status: 503, title: "Service Unavailable", detail: "too many passwords are being compared, try again later")
}
