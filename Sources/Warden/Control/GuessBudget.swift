import NIOCore
import Synchronization

/// How many wrong passwords one source may give: a handful at once, then one a second.
///
/// A plain password is compared in microseconds, so without this a guesser would be as fast as the network. Who has
/// spent its budget gets 429 for right passwords, too: else each refusal would tell that the guess was wrong.
final class GuessBudget: Sendable {
    /// Where guesses come from.
    enum Source: Hashable, Sendable {
        /// An IPv4 address, or the network part (64 bits) of an IPv6 address.
        case address([UInt8])
        /// A user on a Unix socket.
        case user(UInt32)
        /// Nobody knows.
        case unknown

        init(_ address: SocketAddress?) {
            switch address {
            case .v4(let address)?:
                // struct sockaddr_in: family, port, address.
                self = .address(withUnsafeBytes(of: address.address) { Array($0[4..<8]) })
            case .v6(let address)?:
                // struct sockaddr_in6: family, port, flow, address, scope.
                let bytes = withUnsafeBytes(of: address.address) { Array($0[8..<24]) }
                // One who has an IPv6 address mostly has all that share its first half. ::ffff:a.b.c.d is IPv4.
                let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
                self = .address(Array(isMapped ? bytes.suffix(4) : bytes.prefix(8)))
            case .unixDomainSocket?, nil: self = .unknown
            }
        }
    }

    private struct Account {
        var spent: Double
        var at: NIODeadline

        /// What is left to regain at an instant.
        func spent(at now: NIODeadline) -> Double {
            let seconds = Double((now - at).nanoseconds) / 1e9
            return max(0, spent - max(0, seconds) * ControlLimits.guessesPerSecond)
        }
    }

    private let accounts = Mutex<[Source: Account]>([:])

    /// Takes one guess off the budget.
    /// - Returns: false when there is none left.
    func take(_ source: Source, at now: NIODeadline = .now()) -> Bool {
        accounts.withLock { accounts in
            let spent = accounts[source]?.spent(at: now) ?? 0
            guard spent + 1 <= Double(ControlLimits.guessesAtOnce) else { return false }
            if accounts[source] == nil, accounts.count >= ControlLimits.guessSources {
                accounts = accounts.filter { $0.value.spent(at: now) > 0 }
                // Whoever has spent least loses least when it is forgotten.
                if accounts.count >= ControlLimits.guessSources,
                    let least = accounts.min(by: { $0.value.spent(at: now) < $1.value.spent(at: now) })
                {
                    accounts[least.key] = nil
                }
            }
            accounts[source] = Account(spent: spent + 1, at: now)
            return true
        }
    }

    /// The guess was right, and costs nothing.
    func giveBack(_ source: Source) {
        accounts.withLock { accounts in
            guard let account = accounts[source] else { return }
            accounts[source] = account.spent > 1 ? Account(spent: account.spent - 1, at: account.at) : nil
        }
    }
}
