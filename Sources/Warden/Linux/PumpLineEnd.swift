internal import Glibc

/// Finds the ends of lines.
internal enum LineEnd {
    internal static let lineFeed: UInt8 = 0x0A
    internal static let carriageReturn: UInt8 = 0x0D

    /// The first LF. By memchr(3), which looks at 32 bytes at a time.
    @inline(__always)
    internal static func firstLineFeed(in bytes: UnsafeRawBufferPointer) -> Int? {
        first(lineFeed, in: bytes)
    }

    /// The first LF or CR.
    internal static func first(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let end = first(lineFeed, in: bytes) else { return first(carriageReturn, in: bytes) }
        return first(carriageReturn, in: UnsafeRawBufferPointer(rebasing: bytes[..<end])) ?? end
    }

    /// The last LF or CR.
    internal static func last(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress else { return nil }
        let feed = lastLineFeed(in: bytes)
        let tail = feed.map { $0 + 1 } ?? 0
        let found = memrchr(start + tail, carriageReturn, bytes.count - tail)
        return found.map { $0 - start } ?? feed
    }

    /// The last LF.
    internal static func lastLineFeed(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress else { return nil }
        return memrchr(start, lineFeed, bytes.count).map { $0 - start }
    }

    /// Whether `byte` occurs.
    @inline(__always)
    internal static func contains(_ byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Bool {
        first(byte, in: bytes) != nil
    }

    @inline(__always)
    private static func first(_ byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress else { return nil }
        return memchr(start, CInt(byte), bytes.count).map { UnsafeRawPointer($0) - start }
    }

    /// How many LF there are, 8 bytes at a time.
    internal static func countLineFeeds(in bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        let feeds: UInt64 = 0x0A0A_0A0A_0A0A_0A0A
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let ones: UInt64 = 0x0101_0101_0101_0101
        var count = 0
        var index = 0
        while index &+ 8 <= bytes.count {
            // Eight counters of a byte each, which reach 255 at most.
            var counters: UInt64 = 0
            let end = min(bytes.count &- 7, index &+ 255 &* 8)
            while index < end {
                // A byte that is an LF becomes 0, and then, alone of all, 0x80.
                let word = start.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ feeds
                counters &+= (~(((word & low) &+ low) | word) >> 7) & ones
                index &+= 8
            }
            // Pairs of counters first: the sum of eight may be more than a byte holds.
            let pairs = (counters & 0x00FF_00FF_00FF_00FF) &+ ((counters >> 8) & 0x00FF_00FF_00FF_00FF)
            count &+= Int((pairs &* 0x0001_0001_0001_0001) >> 48)
        }
        while index < bytes.count {
            if bytes[index] == lineFeed { count &+= 1 }
            index &+= 1
        }
        return count
    }

    // memrchr(3) is a GNU extension that Swift does not import. Lines are short.
    private static func memrchr(_ start: UnsafeRawPointer, _ byte: UInt8, _ count: Int) -> UnsafeRawPointer? {
        var index = count
        while index > 0 {
            index -= 1
            if start.load(fromByteOffset: index, as: UInt8.self) == byte { return start + index }
        }
        return nil
    }
}

/// The colours and cursor movements of terminals, which some programs write even to a pipe.
internal enum TerminalCodes {
    internal static let escape: UInt8 = 0x1B

    /// Whether there are any.
    @inline(__always)
    internal static func occur(in line: UnsafeRawBufferPointer) -> Bool {
        LineEnd.contains(escape, in: line)
    }

    /// The line without them.
    ///
    /// - Parameters:
    ///   - line: the line as it was written.
    ///   - plain: replaced by the result; keeps its room.
    internal static func strip(_ line: UnsafeRawBufferPointer, into plain: inout [UInt8]) {
        plain.removeAll(keepingCapacity: true)
        var index = 0
        while index < line.count {
            if line[index] == escape {
                index = end(ofSequenceAt: index, in: line)
            } else {
                plain.append(line[index])
                index += 1
            }
        }
    }

    // ECMA-48: CSI up to its final byte; OSC and its kin up to BEL or ST; any other up to its final byte.
    private static func end(ofSequenceAt start: Int, in line: UnsafeRawBufferPointer) -> Int {
        var index = start + 1
        guard index < line.count else { return index }
        switch line[index] {
        case UInt8(ascii: "["):
            index += 1
            while index < line.count, !(0x40...0x7E).contains(line[index]) {
                // What cannot be in a sequence ends it: a broken one shall not swallow the line.
                guard (0x20...0x3F).contains(line[index]) else { return index }
                index += 1
            }
            return min(index + 1, line.count)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            index += 1
            while index < line.count {
                if line[index] == 0x07 { return index + 1 }
                if line[index] == escape { return min(index + 2, line.count) }
                index += 1
            }
            return index
        default:
            while index < line.count, (0x20...0x2F).contains(line[index]) { index += 1 }
            if index < line.count, (0x30...0x7E).contains(line[index]) { index += 1 }
            return index
        }
    }
}
