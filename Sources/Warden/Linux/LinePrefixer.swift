package import WardenCore
internal import WardenWire

/// Puts a text before each line of a stream, wherever its reads are cut.
///
/// A line is held until its end comes, so that lines of workers that share a log do not mix. But not for ever: a
/// prompt, or a line that is longer than can be held, is let through as it is.
package struct LinePrefixer: Codable, Sendable {
    /// When the line that is held began; `nil` when none is.
    package private(set) var heldSince: Instant?
    private let prefix: LinePrefix
    private let origin: StreamOrigin
    private let pid: Int32
    private let stream: OutputStream
    /// The beginning of a line, its prefix before it.
    private var held: [UInt8] = []
    /// The beginning of a line was let through without its end.
    private var isInLine = false

    /// - Parameters:
    ///   - prefix: what stands before each line.
    ///   - origin: whose output it is.
    ///   - pid: the process.
    ///   - stream: which of its two.
    package init(_ prefix: LinePrefix, _ origin: StreamOrigin, pid: Int32, _ stream: OutputStream) {
        self.prefix = prefix
        self.origin = origin
        self.pid = pid
        self.stream = stream
    }

    /// Appends the lines that are whole.
    ///
    /// - Parameters:
    ///   - bytes: as they were read.
    ///   - time: when, for people.
    ///   - instant: when.
    ///   - lines: what they are appended to.
    package mutating func take(
        _ bytes: UnsafeRawBufferPointer, time: WallTime, at instant: Instant, into lines: inout [UInt8]
    ) {
        // All lines of a read began at the same time.
        var stamp: [UInt8]?
        var rest = bytes
        while !rest.isEmpty {
            if held.isEmpty, !isInLine {
                let known = stamp ?? rendered(time)
                stamp = known
                held += known
            }
            guard let end = LineEnd.firstLineFeed(in: rest) else { break }
            lines += held
            lines.append(UnsafeRawBufferPointer(rebasing: rest[...end]))
            held.removeAll(keepingCapacity: true)
            isInLine = false
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
        hold(rest, at: instant, into: &lines)
    }

    /// Appends the line that is held, unended.
    package mutating func flush(into lines: inout [UInt8]) {
        guard !held.isEmpty else { return }
        lines += held
        held = []
        heldSince = nil
        isInLine = true
    }

    /// Appends what is left, and the end that a last line lacks: the next generation's first line is one of its own.
    package mutating func finish(into lines: inout [UInt8]) {
        flush(into: &lines)
        if isInLine { lines.append(LineEnd.lineFeed) }
        isInLine = false
    }

    private mutating func hold(_ rest: UnsafeRawBufferPointer, at instant: Instant, into lines: inout [UInt8]) {
        guard !rest.isEmpty else {
            heldSince = nil
            return
        }
        if isInLine {
            lines.append(rest)
            return
        }
        held.append(rest)
        heldSince = heldSince ?? instant
        if held.count > PumpLimits.heldLineBytes { flush(into: &lines) }
    }

    private func rendered(_ time: WallTime) -> [UInt8] {
        var text = ""
        for piece in prefix.pieces {
            switch piece {
            case .text(let plain): text += plain
            case .field(.time): text += LocalClock.logStamp(of: time)
            case .field(.utc): text += time.rfc3339
            case .field(.name): text += origin.name
            case .field(.group): text += origin.group
            case .field(.program): text += origin.program
            case .field(.pid): text += String(pid)
            case .field(.stream): text += stream.name
            }
        }
        return Array(text.utf8)
    }
}

extension [UInt8] {
    /// Appends raw bytes by one memcpy(3): `append(contentsOf:)` takes them, and slices of them, one by one.
    internal mutating func append(_ bytes: UnsafeRawBufferPointer) {
        bytes.withMemoryRebound(to: UInt8.self) { append(contentsOf: $0) }
    }
}
