package import WardenCore

/// What /proc/PID/stat says, as far as it is used.
package struct ProcStat: Hashable, Sendable {
    /// The state letter; `nil` for one that is not known.
    package var state: KernelState?
    /// The command's name, between the parentheses; at most 15 bytes, and any bytes at all.
    package var command: [UInt8]
    /// The parent.
    package var parent: Int32
    /// Clock ticks of user and system time, its own and those of children that it reaped.
    package var cpuTicks: UInt64
    /// Threads.
    package var threadCount: Int
    /// Clock ticks from the host's start to the process's.
    package var startTicks: UInt64
    /// Resident pages.
    package var residentPages: Int64

    /// Parses the file.
    ///
    /// - Parameter text: the file, whole.
    /// - Returns: `nil` when it is cut short, or is not such a file.
    package init?(_ text: UnsafeRawBufferPointer) {
        // The name may itself hold spaces, parentheses and line ends: the last parenthesis is the one that closes it.
        guard let open = text.firstIndex(of: UInt8(ascii: "(")),
            let close = text.lastIndex(of: UInt8(ascii: ")")), open < close
        else { return nil }
        command = [UInt8](text[(open + 1)..<close])
        var words = ProcWords(UnsafeRawBufferPointer(rebasing: text[(close + 1)...]))
        // Fields 3 (state) to 24 (rss) of proc(5).
        guard let letter = words.next(), letter.count == 1, let parent = words.number().flatMap(Int32.init(exactly:)),
            words.skip(9), let user = words.count(), let system = words.count(), let childUser = words.number(),
            let childSystem = words.number(), words.skip(2), let threads = words.count(), words.skip(1),
            let start = words.count(), words.skip(1), let resident = words.number(),
            // The number before the end of a text that was cut may have lost its last digits.
            words.hasMore
        else { return nil }
        state = KernelState(rawValue: letter[0])
        self.parent = parent
        threadCount = Int(clamping: threads)
        startTicks = start
        residentPages = max(0, resident)
        cpuTicks = user &+ system &+ UInt64(max(0, childUser)) &+ UInt64(max(0, childSystem))
    }
}

/// Words of a kernel text, one after the other, without a copy.
internal struct ProcWords {
    private let text: UnsafeRawBufferPointer
    private var position = 0

    internal init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    /// Whether anything follows, be it a space.
    internal var hasMore: Bool { position < text.count }

    internal mutating func next() -> UnsafeRawBufferPointer? {
        while position < text.count, Self.isSpace(text[position]) { position += 1 }
        let start = position
        while position < text.count, !Self.isSpace(text[position]) { position += 1 }
        return start == position ? nil : UnsafeRawBufferPointer(rebasing: text[start..<position])
    }

    internal mutating func skip(_ count: Int) -> Bool {
        for _ in 0..<count where next() == nil { return false }
        return true
    }

    internal mutating func count() -> UInt64? { next().flatMap { Self.count($0) } }
    internal mutating func number() -> Int64? { next().flatMap { Self.number($0) } }

    /// A number without a sign; `nil` for anything else, and for one that is too large.
    internal static func count(_ word: UnsafeRawBufferPointer) -> UInt64? {
        if word.isEmpty { return nil }
        var value: UInt64 = 0
        for byte in word {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    internal static func number(_ word: UnsafeRawBufferPointer) -> Int64? {
        guard word.first == UInt8(ascii: "-") else { return count(word).flatMap(Int64.init(exactly:)) }
        return count(UnsafeRawBufferPointer(rebasing: word.dropFirst())).flatMap(Int64.init(exactly:)).map { -$0 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 }
}

/// The files of /proc/PID that are lines of `name: value`.
package enum ProcText {
    /// A number after a name at the start of a line: `voluntary_ctxt_switches:\t12`.
    ///
    /// - Parameters:
    ///   - name: the name, with its colon.
    ///   - text: the file.
    /// - Returns: `nil` when the name is not there, or the line is not complete.
    package static func count(of name: StaticString, in text: UnsafeRawBufferPointer) -> UInt64? {
        guard let line = line(name, in: text) else { return nil }
        var words = ProcWords(line)
        return words.count()
    }

    /// /proc/PID/io.
    ///
    /// - Parameter text: the file.
    /// - Returns: `nil` when one of the four numbers is missing.
    package static func io(_ text: UnsafeRawBufferPointer) -> IOReading? {
        guard let read = count(of: "rchar:", in: text), let written = count(of: "wchar:", in: text),
            let reads = count(of: "syscr:", in: text), let writes = count(of: "syscw:", in: text)
        else { return nil }
        return IOReading(readBytes: read, writtenBytes: written, readCalls: reads, writeCalls: writes)
    }

    /// The soft and the hard limit of descriptors in /proc/PID/limits; `Int.max` when unlimited.
    ///
    /// - Parameter text: the file.
    /// - Returns: `nil` when the line is missing.
    package static func descriptorLimits(_ text: UnsafeRawBufferPointer) -> (soft: Int, hard: Int)? {
        guard let line = line("Max open files", in: text) else { return nil }
        var words = ProcWords(line)
        guard let soft = words.next().flatMap(limit), let hard = words.next().flatMap(limit) else { return nil }
        return (soft, hard)
    }

    private static func limit(_ word: UnsafeRawBufferPointer) -> Int? {
        if word.elementsEqual("unlimited".utf8) { return Int.max }
        return ProcWords.count(word).map { Int(clamping: $0) }
    }

    // What follows the name on its line, which has to be complete.
    internal static func line(_ name: StaticString, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        name.withUTF8Buffer { wanted in
            var start = 0
            while start < text.count {
                let rest = UnsafeRawBufferPointer(rebasing: text[start...])
                guard let end = LineEnd.firstLineFeed(in: rest) else { return nil }
                if end >= wanted.count, rest.starts(with: wanted) {
                    return UnsafeRawBufferPointer(rebasing: rest[wanted.count..<end])
                }
                start += end + 1
            }
            return nil
        }
    }
}
