import Foundation
import Glibc
import Synchronization

/// A server on the loopback interface that answers as told, one connection at a time, the last answer again and again.
final class ScriptedServer: Sendable {
    enum Answer: Sendable {
        /// These bytes, then the connection is closed.
        case text(String)
        /// A status with headers and no body.
        case status(Int, headers: [String] = [])
        /// A status whose body never ends.
        case endlessBody(Int)
        /// Nothing; the connection stays open.
        case silence
        /// The connection is closed without a word.
        case hangUp
    }

    struct Request: Sendable {
        var head: String
        var body: [UInt8]
    }

    private struct State {
        var answers: [Answer]
        var requests: [Request] = []
        var held: [Int32] = []
        var endlessBytes = 0
    }

    let port: UInt16
    private let listener: Int32
    private let state: Mutex<State>

    init(_ answers: Answer...) throws {
        (listener, port) = try Self.listen()
        state = Mutex(State(answers: answers))
    }

    /// Serves while `body` runs.
    func serving<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        Thread { self.serve() }.start()
        defer { shutdown(listener, Int32(SHUT_RDWR)) }
        return try await body()
    }

    var requests: [Request] { state.withLock(\.requests) }

    /// How much of an endless body the other side let through.
    var endlessBytes: Int { state.withLock(\.endlessBytes) }

    /// A port that nobody listens at.
    static func freePort() throws -> UInt16 {
        let (descriptor, port) = try listen()
        close(descriptor)
        return port
    }

    private static func listen() throws -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutableBytes(of: &address) { bytes in
            guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return bind(descriptor, pointer, length) == 0 && Glibc.listen(descriptor, 64) == 0
                && getsockname(descriptor, pointer, &length) == 0
        }
        guard descriptor >= 0, isListening else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            if let request = Self.read(connection) { state.withLock { $0.requests.append(request) } }
            let answer = state.withLock { $0.answers.count > 1 ? $0.answers.removeFirst() : $0.answers[0] }
            if case .silence = answer {
                state.withLock { $0.held.append(connection) }
            } else {
                give(answer, connection)
                close(connection)
            }
        }
        state.withLock { state in
            for connection in state.held { close(connection) }
        }
        close(listener)
    }

    private func give(_ answer: Answer, _ connection: Int32) {
        switch answer {
        case .silence, .hangUp: break
        case .text(let text): _ = Self.write(connection, Array(text.utf8))
        case .status(let status, let headers):
            let lines = ["HTTP/1.1 \(status) Word", "Content-Length: 0", "Connection: close"] + headers
            _ = Self.write(connection, Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        case .endlessBody(let status):
            _ = Self.write(connection, Array("HTTP/1.1 \(status) Word\r\nContent-Type: text/plain\r\n\r\n".utf8))
            let block = [UInt8](repeating: 0x78, count: 65536)
            while Self.write(connection, block) {
                state.withLock { $0.endlessBytes += block.count }
            }
        }
    }

    private static func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// A request whole with its body; `nil` for what is no HTTP, such as the first bytes of TLS.
    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer.prefix(count)
            guard bytes.starts(with: "POST".utf8) else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
            let head = String(text[..<end.lowerBound])
            let lengthLine = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            let length = lengthLine.flatMap { Int($0.drop { $0 != " " }.dropFirst()) } ?? 0
            let body = bytes.dropFirst(head.utf8.count + 4)
            if body.count >= length { return Request(head: head, body: Array(body.prefix(length))) }
        }
    }
}
