import Crypto
import WardenSecrets
import WardenWire

/// A user name and password of the configuration.
package struct ControlCredentials: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    private static let hashPrefix = "{SHA}"

    /// What can be said of a client's user name and password.
    enum Judgement {
        /// They are right, or not.
        case known(Bool)
        /// The password has to be hashed at length first; the user name is right, or not.
        case needsHash(StoredPassword, password: [UInt8], isUser: Bool)
    }

    private let username: String
    private let password: String
    private let stored: StoredPassword?

    /// - Parameters:
    ///   - username: `username`.
    ///   - password: `password`: plain, `{SHA}` and the SHA-1 in hexadecimal, or `StoredPassword`'s form; a damaged one
    ///     of those is nobody's password.
    package init(username: String, password: String) {
        self.username = username
        self.password = password
        stored = StoredPassword(password)
    }

    /// Without the secret, so that no log line can carry it.
    package var description: String { "credentials of \(username)" }

    /// Without the secret.
    package var customMirror: Mirror { Mirror(self, children: ["username": username]) }

    /// Compares an `Authorization` header in a time that does not depend on how much of it is right.
    ///
    /// - Parameter header: the header's value, such as `Basic dXNlcjp0aGVwYXNz`.
    /// - Returns: whether it names this user with this password, or what is to be hashed to know.
    func judge(_ header: String?) -> Judgement {
        guard let header, let space = header.firstIndex(of: " ") else { return .known(false) }
        guard header[..<space].lowercased() == "basic" else { return .known(false) }
        guard let bytes = Base64.decode(String(header[header.index(after: space)...])) else { return .known(false) }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return .known(false) }
        let isUser = ControlCredentials.areEqual(bytes[..<colon], Array(username.utf8)[...])
        let given = bytes[(colon + 1)...]
        // Hashed for a wrong user, too: else the time would tell which users there are.
        if let stored { return .needsHash(stored, password: Array(given), isUser: isUser) }
        if password.hasPrefix(StoredPassword.prefix) { return .known(false) }
        let isPassword = matches(password: given)
        return .known(isUser && isPassword)
    }

    private func matches(password given: ArraySlice<UInt8>) -> Bool {
        guard password.hasPrefix(ControlCredentials.hashPrefix) else {
            return ControlCredentials.areEqual(given, Array(password.utf8)[...])
        }
        let wanted = password.dropFirst(ControlCredentials.hashPrefix.count).lowercased()
        let digits = Array("0123456789abcdef".utf8)
        let hexadecimal = Insecure.SHA1.hash(data: given).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return ControlCredentials.areEqual(hexadecimal[...], Array(wanted.utf8)[...])
    }

    /// Compares digests of both: they have one length, and swift-crypto compares them in constant time.
    private static func areEqual(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        SHA256.hash(data: left) == SHA256.hash(data: right)
    }
}
