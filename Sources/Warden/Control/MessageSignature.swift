import Crypto

/// Signatures of messages to others, so that they can tell ours. Here because this room is the one with cryptography.
package enum MessageSignature {
    /// HMAC-SHA256 of a message, as `sha256=` and lower-case hexadecimal digits.
    ///
    /// - Parameters:
    ///   - message: the bytes that are sent.
    ///   - secret: what both sides know.
    package static func sign(_ message: [UInt8], secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: Array(secret.utf8)))
        let digits = Array("0123456789abcdef".utf8)
        let text = code.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "sha256=" + String(decoding: text, as: UTF8.self)
    }
}
