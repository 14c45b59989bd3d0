internal import Glibc

/// Takes the codes of terminals (colours, cursor movements, titles) out of a stream, wherever its reads are cut.
///
/// supervisord's `strip_ansi` knows `ESC[` and some of its ends alone, and misses those that two reads part. Here it is
/// all of ECMA-48. The end of a line ends every sequence: a broken one cannot swallow what follows.
package struct TerminalFilter: Hashable, Codable, Sendable {
    private enum State: Hashable, Codable {
        /// Outside. To `escape` at ESC.
        case plain
        /// After ESC and intermediate bytes. To `control` at `[`, to `string` at `]` and its kin, to `plain` otherwise.
        case escape
        /// After `ESC[`. To `plain` at its final byte, or at what cannot be in it.
        case control
        /// A title or the like. To `plain` at BEL, to `stringEscape` at ESC.
        case string
        /// ESC within a string. To `plain`.
        case stringEscape
    }

    private var state = State.plain

    /// Nothing read yet.
    package init() {}

    /// Appends what is left of the next bytes.
    ///
    /// - Parameters:
    ///   - bytes: as they were read.
    ///   - plain: what they are appended to.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, into plain: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            if state == .plain {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[index...])
                let count = Self.plainCount(rest)
                plain.append(UnsafeRawBufferPointer(rebasing: rest[..<count]))
                index += count
                if index < bytes.count { state = .escape }
            } else if let kept = step(bytes[index]) {
                plain.append(kept)
            }
            index += 1
        }
    }

    private static func plainCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress, let hit = memchr(start, CInt(TerminalCodes.escape), bytes.count) else {
            return bytes.count
        }
        return UnsafeRawPointer(hit) - start
    }

    /// The byte, if it belongs to the text after all.
    private mutating func step(_ byte: UInt8) -> UInt8? {
        if byte == LineEnd.lineFeed {
            state = .plain
            return byte
        }
        switch state {
        case .plain: return byte
        case .escape:
            switch byte {
            case UInt8(ascii: "["): state = .control
            case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
                state = .string
            case 0x20...0x2F, TerminalCodes.escape: break
            case 0x30...0x7E: state = .plain
            default:
                state = .plain
                return byte
            }
        case .control:
            switch byte {
            case 0x20...0x3F: break
            case 0x40...0x7E: state = .plain
            case TerminalCodes.escape: state = .escape
            default:
                state = .plain
                return byte
            }
        case .string:
            if byte == 0x07 { state = .plain } else if byte == TerminalCodes.escape { state = .stringEscape }
        case .stringEscape: state = .plain
        }
        return nil
    }
}
