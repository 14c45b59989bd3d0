import Foundation
import NIOCore
import NIOSSL
import Synchronization

/// Why TCP cannot be served under TLS.
package struct TLSProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file that is to be mended.
    package enum Subject: Hashable, Sendable {
        /// `tls_certificate`.
        case certificate
        /// `tls_key`.
        case key
    }

    /// The file that is to be mended.
    package var subject: Subject
    /// What is wrong with it, with its name.
    package var description: String
}

/// `tls_certificate` and `tls_key`: PEM files, the certificate with those of its authorities behind it.
package struct TLSFiles: Hashable, Sendable {
    private let certificate: String
    private let key: String

    /// - Parameters:
    ///   - certificate: the path of the certificate.
    ///   - key: the path of its key.
    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Reads both files; may block on their disk.
    /// - Returns: why they cannot be used; `nil` when they can.
    package func problem() -> TLSProblem? {
        do throws(TLSProblem) {
            _ = try context()
            return nil
        } catch {
            return error
        }
    }

    func context() throws(TLSProblem) -> NIOSSLContext {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(try TLSFiles.read(certificate, .certificate))
        } catch {
            throw problem(.certificate, error, "holds no certificate in PEM form")
        }
        guard !chain.isEmpty else { throw problem(.certificate, nil, "holds no certificate in PEM form") }
        let own: NIOSSLPrivateKey
        do {
            own = try NIOSSLPrivateKey(bytes: try TLSFiles.read(key, .key), format: .pem)
        } catch {
            throw problem(.key, error, "holds no private key in PEM form, or one with a passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(own))
        configuration.minimumTLSVersion = .tlsv12
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw problem(.key, nil, "does not belong to the certificate in \(certificate)")
        }
    }

    private func problem(_ subject: TLSProblem.Subject, _ error: (any Error)?, _ text: String) -> TLSProblem {
        if let error = error as? TLSProblem { return error }
        return TLSProblem(subject: subject, description: "\(subject == .key ? key : certificate) \(text)")
    }

    private static func read(_ path: String, _ subject: TLSProblem.Subject) throws(TLSProblem) -> [UInt8] {
        let target = URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false)
        do {
            let facts = try FileManager.default.attributesOfItem(atPath: target)
            guard facts[.type] as? FileAttributeType == .typeRegular,
                let size = facts[.size] as? UInt64, size <= ControlLimits.certificateBytes
            else { throw TLSProblem(subject: subject, description: "\(path) is not a file of a sensible size") }
            let mode = (facts[.posixPermissions] as? NSNumber)?.intValue ?? 0
            if subject == .key, mode & 0o007 != 0 {
                let text = "\(path) is open to everybody (mode \(String(mode, radix: 8))): chmod o= it"
                throw TLSProblem(subject: subject, description: text)
            }
            return Array(try Data(contentsOf: URL(filePath: target)))
        } catch let problem as TLSProblem {
            throw problem
        } catch {
            let cause = ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError)?.code
            let text = cause == 13 ? "may not be read by the daemon" : "cannot be read"
            throw TLSProblem(subject: subject, description: "\(path) \(text)")
        }
    }
}

/// The certificate that is in use, which is read again when the configuration is.
final class TLSStore: Sendable {
    private let files: TLSFiles
    private let context = Mutex<NIOSSLContext?>(nil)

    init(_ files: TLSFiles) {
        self.files = files
    }

    /// Reads the files again; what was read before stays in use when they cannot be used.
    func renew() throws(TLSProblem) {
        let new = try files.context()
        context.withLock { $0 = new }
    }

    /// Whether an error of a connection means that TLS could not be agreed on.
    static func isRefusal(_ error: any Error) -> Bool {
        if case .handshakeFailed? = error as? NIOSSLError { return true }
        return error is BoringSSLError
    }

    /// Puts TLS between a connection and all that comes behind.
    /// - Throws: when there is no certificate to show.
    func add(to channel: any Channel) throws {
        guard let context = context.withLock({ $0 }) else { throw ChannelError.operationUnsupported }
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
    }
}
