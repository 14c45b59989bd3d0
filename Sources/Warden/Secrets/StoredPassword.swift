import CryptoExtras

/// A password as a configuration keeps it when nobody is to read it there:
/// `{PBKDF2-SHA256}ITERATIONS$SALT$HASH`, salt and hash in hexadecimal.
///
/// supervisord's `{SHA}` is one round without a salt: a graphics card tries billions of those in a second.
package struct StoredPassword: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// What such a value begins with.
    package static let prefix = "{PBKDF2-SHA256}"

    private static let saltBytes = 16
    private static let hashBytes = 32
    /// The common advice of 2023 for SHA-256; a fifth of a second of one core.
    package static let usualIterations = 600_000
    /// Fewer are no protection; more would hold the daemon's one hashing thread for seconds.
    package static let iterationRange = 1000...5_000_000

    private let iterations: Int
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// Reads the stored form.
    ///
    /// - Parameter text: the whole value of `password`.
    /// - Returns: `nil` when it is not such a form, or a damaged one.
    package init?(_ text: String) {
        guard text.hasPrefix(StoredPassword.prefix) else { return nil }
        let parts = text.dropFirst(StoredPassword.prefix.count).split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 3, let iterations = Int(parts[0]), StoredPassword.iterationRange.contains(iterations),
            let salt = StoredPassword.bytes(parts[1]), salt.count >= 8,
            let hash = StoredPassword.bytes(parts[2]), hash.count == StoredPassword.hashBytes
        else { return nil }
        self.iterations = iterations
        self.salt = salt
        self.hash = hash
    }

    /// Makes a stored form with a salt from the system's random numbers.
    ///
    /// - Parameters:
    ///   - password: in UTF-8.
    ///   - iterations: of `iterationRange`.
    /// - Returns: `nil` when the library cannot hash, which it does not say why.
    package init?(hashing password: [UInt8], iterations: Int = usualIterations) {
        let salt = (0..<StoredPassword.saltBytes).map { _ in UInt8.random(in: .min ... .max) }
        guard let hash = StoredPassword.derive(password, salt, iterations) else { return nil }
        self.iterations = iterations
        self.salt = salt
        self.hash = hash
    }

    /// The value of `password`.
    package var text: String {
        "\(StoredPassword.prefix)\(iterations)$\(StoredPassword.text(salt))$\(StoredPassword.text(hash))"
    }

    /// Hashes a password and compares, in a time that does not depend on how much of it is right.
    ///
    /// Takes as long as the iterations do: never on a thread that others wait for.
    /// - Parameter password: what a client gave.
    /// - Returns: true when it is the one.
    package func matches(_ password: [UInt8]) -> Bool {
        guard let given = StoredPassword.derive(password, salt, iterations), given.count == hash.count else {
            return false
        }
        return zip(given, hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Without the hash, so that no log line can carry it.
    package var description: String { "stored password" }

    /// Without the hash.
    package var customMirror: Mirror { Mirror(self, children: []) }

    private static func derive(_ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8]? {
        // The library fails without a reason; whoever asks cannot be let in then.
        let key = try? KDF.Insecure.PBKDF2.deriveKey(
            from: password, salt: salt, using: .sha256, outputByteCount: hashBytes, unsafeUncheckedRounds: iterations)
        return key?.withUnsafeBytes { Array($0) }
    }

    private static func bytes(_ digits: Substring) -> [UInt8]? {
        let digits = Array(digits.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
