internal import WardenCore

/// A line that an earlier read began.
internal struct LinePartial: Codable {
    private(set) var isOpen = false
    private var bytes: [UInt8] = []
    /// The last byte was a CR, of which it is not known yet whether an LF follows.
    internal var endsWithReturn = false {
        didSet { if endsWithReturn { isOpen = true } }
    }

    /// Nothing was written but the CR of a progress bar.
    internal var isBlank: Bool { bytes.isEmpty }

    /// - Returns: how many bytes were not kept.
    internal mutating func append(_ more: UnsafeRawBufferPointer) -> UInt64 {
        if more.isEmpty { return 0 }
        isOpen = true
        let room = max(0, PumpLimits.scannedLineBytes - bytes.count)
        bytes.append(contentsOf: more.prefix(room))
        return UInt64(max(0, more.count - room))
    }

    internal mutating func take() -> [UInt8] {
        isOpen = false
        endsWithReturn = false
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }

    /// Returns the room of a line, to be used again; a thousand quiet workers shall not keep 8 KiB each.
    internal mutating func giveBack(_ room: consuming [UInt8]) {
        guard bytes.isEmpty, room.capacity <= 1024 else { return }
        room.removeAll(keepingCapacity: true)
        bytes = room
    }
}

/// Counts lines, and gathers what is worth reporting of them.
internal struct LineTally: Codable {
    internal enum Kind: Equatable {
        case error(saysDescriptorsExhausted: Bool)
        case progress
        case other
    }

    private(set) var lineCount: UInt64 = 0
    private(set) var isUrgent = false
    private(set) var hasNews = false
    /// The line of `ready = line:` was found, now or before.
    private(set) var saysReady = false
    private var hasReadyNews = false

    private var lastAlive: LogFacts.Mark?
    private var lastProgress: LogFacts.Mark?
    private var hasProgressed = false
    private var episodes: [LogFacts.Episode] = []
    private var errorLineCount: UInt64 = 0
    private var progressLineCount: UInt64 = 0
    private var lastLine: [UInt8] = []
    private var hasLastLine = false
    /// The youngest episode, reported or not: when it began, and whether it says EMFILE.
    private var openEpisode: OpenEpisode?

    private struct OpenEpisode: Codable {
        var at: Instant
        var saysDescriptorsExhausted: Bool
    }

    /// Bytes came that end no line yet.
    internal mutating func notedLife(at instant: Instant) {
        lastAlive = LogFacts.Mark(line: lineCount + 1, at: instant)
        hasNews = true
    }

    /// The line that `ready = line:` waits for.
    internal mutating func foundReady() {
        saysReady = true
        hasReadyNews = true
        isUrgent = true
    }

    /// Lines that nothing looks for.
    internal mutating func passed(_ count: Int, areAlive: Bool, at instant: Instant) {
        if count == 0 { return }
        lineCount += UInt64(count)
        if areAlive { lastAlive = LogFacts.Mark(line: lineCount, at: instant) }
    }

    internal mutating func ended(_ line: UnsafeRawBufferPointer, _ kind: Kind, isAlive: Bool, at instant: Instant) {
        lineCount += 1
        if isAlive { lastAlive = LogFacts.Mark(line: lineCount, at: instant) }
        switch kind {
        case .other:
            return
        case .progress:
            progressLineCount += 1
            lastProgress = LogFacts.Mark(line: lineCount, at: instant)
            if !hasProgressed {
                hasProgressed = true
                isUrgent = true
            }
        case .error(let saysDescriptorsExhausted):
            errorLineCount += 1
            noteEpisode(line, saysDescriptorsExhausted, at: instant)
        }
    }

    /// The chunk ends; `lastLine` is its last line that is not empty.
    internal mutating func endedChunk(lastLine line: UnsafeRawBufferPointer) {
        hasNews = true
        if line.isEmpty { return }
        lastLine.removeAll(keepingCapacity: true)
        // Twice the quoted length: colours and control characters are taken out later.
        lastLine.append(contentsOf: line.prefix(2 * Limits.quotedLineBytes))
        hasLastLine = true
    }

    internal mutating func report(drainedAt drained: Instant) -> LogFacts? {
        guard hasNews else { return nil }
        let quoted = hasLastLine ? lastLine.withUnsafeBytes { QuotedLine.text(of: $0) } : nil
        var facts = LogFacts(
            lastAlive: lastAlive, lastProgress: lastProgress, episodes: episodes, errorLineCount: errorLineCount,
            progressLineCount: progressLineCount, lastLine: quoted, drainedAt: drained)
        facts.saysReady = hasReadyNews
        hasReadyNews = false
        lastAlive = nil
        lastProgress = nil
        episodes = []
        errorLineCount = 0
        progressLineCount = 0
        hasLastLine = false
        hasNews = false
        isUrgent = false
        return facts
    }

    // An episode lasts a second from its first line, not from its last: a worker that fails ten times a second for a
    // minute has sixty of them, not one.
    private mutating func noteEpisode(
        _ line: UnsafeRawBufferPointer, _ saysDescriptorsExhausted: Bool, at instant: Instant
    ) {
        if let open = openEpisode, instant - open.at < Limits.episodeSpan {
            if open.saysDescriptorsExhausted || !saysDescriptorsExhausted { return }
            if !episodes.isEmpty {
                episodes[episodes.count - 1].saysDescriptorsExhausted = true
                openEpisode?.saysDescriptorsExhausted = true
                return
            }
            // It was reported without the word that matters most: this line gets an episode of its own.
        }
        openEpisode = OpenEpisode(at: instant, saysDescriptorsExhausted: saysDescriptorsExhausted)
        if episodes.count == Limits.errorEpisodes { episodes.removeFirst() }
        episodes.append(
            LogFacts.Episode(
                mark: LogFacts.Mark(line: lineCount, at: instant),
                saysDescriptorsExhausted: saysDescriptorsExhausted, text: QuotedLine.text(of: line)))
        isUrgent = true
    }
}

/// A worker's line made fit to be shown: no colours, no control characters, bounded, valid UTF-8.
internal enum QuotedLine {
    internal static func text(of line: UnsafeRawBufferPointer) -> String {
        var plain: [UInt8] = []
        // Control characters and colours go; 4 KiB of them before the first letter are enough.
        TerminalCodes.strip(UnsafeRawBufferPointer(rebasing: line.prefix(4096)), into: &plain)
        var text = ""
        var count = 0
        for scalar in String(decoding: plain, as: UTF8.self).unicodeScalars {
            let shown: Unicode.Scalar = scalar == "\t" ? " " : scalar
            switch shown.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format: continue
            default: break
            }
            count += UTF8.width(shown)
            if count > Limits.quotedLineBytes { break }
            text.unicodeScalars.append(shown)
        }
        return text
    }
}

/// The last lines of a worker, as bytes. Cheap to fill; made into lines only when somebody asks.
internal struct LineRing: Codable {
    // Grows up to the limit as a worker writes: most workers of a large fleet write little.
    private var bytes: [UInt8] = []
    private var end = 0
    private var hasWrapped = false

    internal mutating func append(_ more: UnsafeRawBufferPointer) {
        var rest = more
        if rest.count > PumpLimits.keptLineBytes {
            rest = UnsafeRawBufferPointer(rebasing: rest.suffix(PumpLimits.keptLineBytes))
        }
        if !hasWrapped, bytes.count + rest.count <= PumpLimits.keptLineBytes {
            bytes.append(contentsOf: rest)
            end = bytes.count
            return
        }
        if bytes.count < PumpLimits.keptLineBytes {
            bytes.append(contentsOf: repeatElement(LineEnd.lineFeed, count: PumpLimits.keptLineBytes - bytes.count))
        }
        hasWrapped = true
        overwrite(rest)
    }

    internal mutating func appendEnd() {
        withUnsafeBytes(of: LineEnd.lineFeed) { append($0) }
    }

    internal func lines() -> [String] {
        var ordered = bytes[...]
        if hasWrapped {
            ordered = (bytes[end...] + bytes[..<end])[...]
            // What is left of the oldest line has lost its beginning.
            if let first = ordered.firstIndex(of: LineEnd.lineFeed) { ordered = ordered[(first + 1)...] }
        }
        let lines = ordered.split { $0 == LineEnd.lineFeed || $0 == LineEnd.carriageReturn }
        return lines.suffix(PumpLimits.keptLines).map { line in
            line.withUnsafeBytes { QuotedLine.text(of: $0) }
        }
    }

    private mutating func overwrite(_ more: UnsafeRawBufferPointer) {
        if end == bytes.count { end = 0 }
        let first = min(more.count, bytes.count - end)
        bytes.withUnsafeMutableBytes { bytes in
            bytes[end..<(end + first)].copyBytes(from: more[..<first])
            bytes[..<(more.count - first)].copyBytes(from: more[first...])
        }
        end = first == more.count ? end + first : more.count - first
    }
}
