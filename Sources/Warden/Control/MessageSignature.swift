import Crypto
import WardenWire

/// Signatures of messages to others, so that they can tell ours. Here because this room is the one with cryptography.
package enum MessageSignature {
    /// The signature of Standard Webhooks: `v1,` and the base64 of HMAC-SHA256.
    ///
    /// - Parameters:
    ///   - message: `ID.TIMESTAMP.BODY`.
    ///   - secret: what both sides know: `whsec_` and the base64 of a key, or any other text, whose bytes are the key.
    package static func sign(_ message: [UInt8], secret: String) -> String {
        let prefix = "whsec_"
        let decoded = secret.hasPrefix(prefix) ? Base64.decode(String(secret.dropFirst(prefix.count))) : nil
        let key = SymmetricKey(data: decoded ?? Array(secret.utf8))
        return "v1," + Base64.encode(Array(HMAC<SHA256>.authenticationCode(for: message, using: key)))
    }
}
