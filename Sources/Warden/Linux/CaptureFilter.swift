internal import Glibc

/// Capture mode: finds supervisord's two tokens in a stream, wherever its reads are cut, and parts what stands between
/// them from the rest.
///
/// supervisord holds back everything that is shorter than the token, and loses it when the process ends. Here only what
/// may be the beginning of the token waits, until the next byte or the end shows what it is.
package struct CaptureFilter: Hashable, Codable, Sendable {
    /// A part of the stream, in its order.
    package enum Piece: Hashable, Sendable {
        /// For the log.
        case plain([UInt8])
        /// Between the tokens: not for the log.
        case captured([UInt8])
        /// The second token came: the last bytes between the two.
        case communication([UInt8])
    }

    private static let begin = Array("<!--XSUPERVISOR:BEGIN-->".utf8)
    private static let end = Array("<!--XSUPERVISOR:END-->".utf8)

    private let maximumBytes: Int
    /// What may be the beginning of the token that is looked for.
    private var held: [UInt8] = []
    /// What was captured since the first token; `nil` outside the tokens. Up to twice the maximum.
    private var fifo: [UInt8]?

    /// - Parameter maximumBytes: the last so many bytes make the event; at least 1.
    package init(maximumBytes: Int) {
        self.maximumBytes = max(1, maximumBytes)
    }

    /// The next bytes of the stream.
    ///
    /// - Parameters:
    ///   - bytes: as they were read.
    ///   - body: is given each piece.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (Piece) -> Void) {
        let whole = held + bytes
        held = []
        var start = 0
        while start < whole.count {
            let token = fifo == nil ? Self.begin : Self.end
            switch Self.find(token, in: whole, from: start) {
            case .whole(let position):
                emit(Array(whole[start..<position]), body)
                toggle(body)
                start = position + token.count
            case .beginning(let position):
                emit(Array(whole[start..<position]), body)
                held = Array(whole[position...])
                return
            }
        }
    }

    /// The stream has ended: what waited is what it is, and a capture without its end is not lost either.
    package mutating func finish(_ body: (Piece) -> Void) {
        emit(held, body)
        held = []
        guard let left = fifo else { return }
        fifo = nil
        if !left.isEmpty { body(.plain(Array(left.suffix(maximumBytes)))) }
    }

    private mutating func emit(_ bytes: [UInt8], _ body: (Piece) -> Void) {
        guard !bytes.isEmpty else { return }
        guard fifo != nil else { return body(.plain(bytes)) }
        fifo?.append(contentsOf: bytes)
        // Cut at twice the length, so that each byte is moved once at most.
        if let count = fifo?.count, count > 2 * maximumBytes { fifo?.removeFirst(count - maximumBytes) }
        body(.captured(bytes))
    }

    private mutating func toggle(_ body: (Piece) -> Void) {
        guard let captured = fifo else {
            fifo = []
            return
        }
        fifo = nil
        body(.communication(Array(captured.suffix(maximumBytes))))
    }

    private enum Find {
        /// The token stands at this position.
        case whole(Int)
        /// From this position on the bytes may be the beginning of it; the end, when there is none.
        case beginning(Int)
    }

    private static func find(_ token: [UInt8], in bytes: [UInt8], from start: Int) -> Find {
        bytes.withUnsafeBytes { buffer in
            var position = start
            while position < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[position...])
                guard let first = rest.baseAddress,
                    let hit = memchr(first, CInt(token[0]), rest.count)
                else { return .beginning(buffer.count) }
                position += UnsafeRawPointer(hit) - first
                let length = min(token.count, buffer.count - position)
                if buffer[position..<(position + length)].elementsEqual(token[..<length]) {
                    return length == token.count ? .whole(position) : .beginning(position)
                }
                position += 1
            }
            return .beginning(buffer.count)
        }
    }
}
