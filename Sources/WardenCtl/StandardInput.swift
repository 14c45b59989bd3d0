import Glibc
import Synchronization

/// What a person typed while something else went on.
package enum Typed: Hashable, Sendable {
    /// Nothing yet.
    case nothing
    /// A line, without its end.
    case line(String)
    /// The input is over.
    case end
}

/// Standard input, read without the C library's buffer: the shell, `fg` and the line editor share what was read ahead.
enum StandardInput {
    private struct Buffer {
        var bytes: [UInt8] = []
        var isAtEnd = false
    }

    private static let buffer = Mutex(Buffer())

    /// The next line, however long it takes; `nil` at the end. A last line without an end counts.
    static func line() -> String? {
        while true {
            switch lineAtHand() {
            case .line(let line): return line
            case .end: return nil
            case .nothing: fill(waiting: -1)
            }
        }
    }

    /// A line, if one is there.
    static func typed() -> Typed {
        let atHand = lineAtHand()
        guard atHand == .nothing else { return atHand }
        fill(waiting: 0)
        return lineAtHand()
    }

    /// The next byte, however long it takes; `nil` at the end.
    static func byte() -> UInt8? {
        while true {
            let (byte, isAtEnd) = buffer.withLock { buffer in
                (buffer.bytes.isEmpty ? nil : buffer.bytes.removeFirst(), buffer.isAtEnd)
            }
            if let byte { return byte }
            if isAtEnd { return nil }
            fill(waiting: -1)
        }
    }

    private static func lineAtHand() -> Typed {
        buffer.withLock { buffer in
            let end = buffer.bytes.firstIndex(of: 0x0A)
            if end == nil, buffer.bytes.count < CtlLimits.typedBytes {
                guard buffer.isAtEnd else { return .nothing }
                guard !buffer.bytes.isEmpty else { return .end }
            }
            let length = min(end ?? buffer.bytes.count, CtlLimits.typedBytes)
            let line = String(decoding: buffer.bytes[..<length], as: UTF8.self)
            buffer.bytes.removeFirst(length + (end == length ? 1 : 0))
            return .line(line)
        }
    }

    /// Reads what is there, after waiting for so many milliseconds; -1 waits for ever.
    private static func fill(waiting milliseconds: Int32) {
        var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, milliseconds) > 0 else { return }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = read(STDIN_FILENO, &chunk, chunk.count)
        if count < 0, errno == EINTR { return }
        buffer.withLock { buffer in
            if count > 0 { buffer.bytes += chunk[..<count] } else { buffer.isAtEnd = true }
        }
    }
}
