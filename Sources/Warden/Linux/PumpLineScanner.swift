internal import Glibc
package import WardenCore

/// The limits of the log pump and its scanner.
package enum PumpLimits {
    /// Bytes of a line that patterns see.
    package static let scannedLineBytes = 8 * 1024
    /// Last lines of a worker that are kept.
    package static let keptLines = 50
    /// Bytes of last lines of a worker that are kept.
    package static let keptLineBytes = 8 * 1024
    /// Bytes that one stream may move in one turn; also the size of the scratch pipe.
    package static let turnBytes = 256 * 1024
    /// A pipe that is found this full is enlarged, once.
    package static let busyPipeBytes = 48 * 1024
    /// A read that is larger may have left something in the pipe.
    package static let certainlyDrainedBytes = 32 * 1024
    /// Orders that wait for the pump.
    package static let orders = 65536
    /// Facts of a worker that are not urgent are reported at most this often.
    package static let reportInterval: Duration = .milliseconds(250)
    /// The pump turns at least this often.
    package static let longestWait: Duration = .seconds(1)
    /// How long the pipes of a worker that has exited are read.
    package static let drainAfterExit: Duration = .seconds(2)
    /// A sink that is full and cannot say when it is not is tried again after this.
    package static let sinkRetry: Duration = .milliseconds(50)
    /// A write to a log that takes longer means that its disk is stuck.
    package static let writeDeadline: Duration = .seconds(5)
    /// A disk that has not answered for so long is left to the thread that waits for it; another goes on with the rest.
    package static let diskPatience: Duration = .milliseconds(800)
    /// Threads that wait for disks at once; when there are so many, the next disk that hangs stops the pump.
    package static let strayThreads = 8
    /// Workers that have exited and whose pipes are kept because the disk of their log does not answer.
    package static let heldExits = 256
    /// A turn that moves less than this, right after another, is followed by a pause, so that small writes add up.
    package static let smallTurnBytes = 64 * 1024
    /// After so many of them.
    package static let hastyTurns = 8
    /// That pause.
    package static let gatheringPause: Duration = .milliseconds(1)
    /// Bytes of one PROCESS_LOG event: supervisord's read(2) takes so many.
    package static let eventBytes = 128 * 1024
    /// Bytes of one PROCESS_COMMUNICATION event, whatever `*_capture_maxbytes` says.
    package static let captureBytes = 16 * 1024 * 1024
    /// Bytes of a line that wait for its end, with their prefix or on their way to the system log.
    package static let heldLineBytes = 8 * 1024
    /// A line that waits for its end is let through without it after this.
    package static let heldLineTime: Duration = .milliseconds(500)
    /// Bytes for the system log that wait to be sent; past these the workers that write them wait.
    package static let syslogBytes = 1024 * 1024
    /// Pieces of output for the system log that wait to be sent.
    package static let syslogPieces = 16384
    /// Workers and streams at once.
    package static let streams = 32768
}

/// A worker's two streams.
package enum OutputStream: Int, Hashable, Codable, Sendable, CaseIterable {
    case standardOutput = 0
    case standardError = 1

    /// As file names and events write it: `stdout`, `stderr`.
    package var name: String {
        switch self {
        case .standardOutput: "stdout"
        case .standardError: "stderr"
        }
    }
}

/// What to look for in a worker's lines.
package struct ScanRules: Sendable {
    /// `alive_pattern`; `nil`: any output.
    package var alive: Pattern?
    /// `progress_pattern`; `nil`: none.
    package var progress: Pattern?
    /// `error_pattern`, beside EMFILE in its usual spellings; `nil`: none.
    package var error: Pattern?
    /// The line of `ready = line:`; looked for until it is found. `nil`: none.
    package var ready: Pattern?

    /// - Parameters: as the properties of the same names.
    package init(alive: Pattern? = nil, progress: Pattern? = nil, error: Pattern? = nil, ready: Pattern? = nil) {
        self.alive = alive
        self.progress = progress
        self.error = error
        self.ready = ready
    }
}

/// What every scanner of one thread shares: patterns that are built in, and room to match in.
package final class ScanTools {
    internal let matcher = PatternMatcher()
    internal let exhaustion: ExhaustionPattern
    internal var plain: [UInt8] = []
    /// Where each pattern that is searched for occurs next.
    internal var hits: [Int] = []

    /// - Throws: never with the spellings as they are.
    package init() throws(PatternFailure) {
        exhaustion = try ExhaustionPattern()
        plain.reserveCapacity(PumpLimits.scannedLineBytes)
    }
}

/// Makes lines of what a worker wrote, and facts of the lines. One per worker, for both of its streams.
///
/// A line ends at LF, CR LF or CR (a progress bar rewrites its line with CR alone). Per line it allocates nothing.
package final class LineScanner {
    /// Bytes that no pattern has seen, because their line was too long.
    package private(set) var unscannedBytes: UInt64 = 0
    /// Lines since the worker's start.
    package var lineCount: UInt64 { tally.lineCount }
    /// Whether the facts are to be reported at once.
    package var isUrgent: Bool { tally.isUrgent }
    /// Whether there is anything to report.
    package var hasNews: Bool { tally.hasNews }

    private var rules: ScanRules
    private let tools: ScanTools
    // Everything that is looked for, if all of it can be looked for in many lines at once; else nothing.
    private var searched: [Pattern] = []
    private var partials = [LinePartial(), LinePartial()]
    private var tally = LineTally()
    private var ring = LineRing()

    /// - Parameters:
    ///   - rules: the worker's patterns.
    ///   - tools: the thread's own.
    package init(rules: ScanRules, tools: ScanTools) {
        self.rules = rules
        self.tools = tools
        chooseSearched()
    }

    private func chooseSearched() {
        let ours = [rules.error, rules.progress, rules.alive, rules.ready].compactMap { $0 }
        let patterns = ours + tools.exhaustion.literals
        searched = patterns.allSatisfy(\.searchesChunks) ? patterns : []
    }

    /// Reads on.
    ///
    /// - Parameters:
    ///   - bytes: what follows on that stream.
    ///   - stream: which of the two.
    ///   - instant: when it was read from the pipe.
    package func take(_ bytes: UnsafeRawBufferPointer, from stream: OutputStream, at instant: Instant) {
        guard !bytes.isEmpty else { return }
        // It was found: the search costs what it did before.
        if tally.saysReady, rules.ready != nil {
            rules.ready = nil
            chooseSearched()
        }
        // Without a pattern every byte is life: a worker that prints dots for an hour ends no line.
        if rules.alive == nil { tally.notedLife(at: instant) }
        var rest = bytes
        if partials[stream.rawValue].isOpen { rest = completePartial(of: stream, from: bytes, at: instant) }
        guard let lastEnd = Self.lastEnd(in: rest) else {
            keep(rest, of: stream)
            return
        }
        let whole = UnsafeRawBufferPointer(rebasing: rest[...lastEnd])
        scan(whole, at: instant)
        ring.append(whole)
        keep(UnsafeRawBufferPointer(rebasing: rest[(lastEnd + 1)...]), of: stream)
    }

    /// What it knows, for the binary that takes over.
    internal var memory: Memory {
        get { Memory(partials: partials, tally: tally, ring: ring, unscannedBytes: unscannedBytes) }
        set {
            // As many as there are streams, whoever wrote it.
            if newValue.partials.count == partials.count { partials = newValue.partials }
            tally = newValue.tally
            ring = newValue.ring
            unscannedBytes = newValue.unscannedBytes
        }
    }

    /// What a scanner knows beside its patterns.
    internal struct Memory: Codable {
        var partials: [LinePartial]
        var tally: LineTally
        var ring: LineRing
        var unscannedBytes: UInt64
    }

    /// Nothing will follow on that stream: what is left of a line counts as one.
    ///
    /// - Parameters:
    ///   - stream: which of the two.
    ///   - instant: now.
    package func finish(_ stream: OutputStream, at instant: Instant) {
        guard partials[stream.rawValue].isOpen, !partials[stream.rawValue].isBlank else { return }
        closePartial(of: stream, at: instant)
    }

    /// The facts since the last report, if there are any; then begins anew.
    ///
    /// - Parameter drained: when the worker's pipes were last known to be empty.
    package func report(drainedAt drained: Instant) -> LogFacts? {
        tally.report(drainedAt: drained)
    }

    /// The last lines, oldest first: at most `PumpLimits.keptLines`, without control characters.
    package func lastLines() -> [String] { ring.lines() }

    // MARK: - Lines that are split over reads

    // What completes a line that an earlier read began. Answers with what is left.
    private func completePartial(
        of stream: OutputStream, from bytes: UnsafeRawBufferPointer, at instant: Instant
    ) -> UnsafeRawBufferPointer {
        var bytes = bytes
        // A CR at the end of the former read may have been half of a CR LF.
        if partials[stream.rawValue].endsWithReturn {
            partials[stream.rawValue].endsWithReturn = false
            let isLineFeed = bytes.first == LineEnd.lineFeed
            if isLineFeed || !partials[stream.rawValue].isBlank {
                closePartial(of: stream, at: instant)
            } else {
                _ = partials[stream.rawValue].take()
            }
            if isLineFeed { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) }
            return bytes
        }
        guard let end = LineEnd.first(in: bytes) else {
            keep(bytes, of: stream)
            return UnsafeRawBufferPointer(rebasing: bytes[bytes.count...])
        }
        unscannedBytes += partials[stream.rawValue].append(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        var next = end + 1
        if bytes[end] == LineEnd.carriageReturn {
            if next == bytes.count {
                partials[stream.rawValue].endsWithReturn = true
                return UnsafeRawBufferPointer(rebasing: bytes[next...])
            }
            if bytes[next] == LineEnd.lineFeed { next += 1 }
        }
        closePartial(of: stream, at: instant)
        return UnsafeRawBufferPointer(rebasing: bytes[next...])
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, of stream: OutputStream) {
        guard let last = bytes.last else { return }
        // The last end of a chunk is never a lone CR: whether an LF follows is not known yet.
        let endsWithReturn = last == LineEnd.carriageReturn
        let text = endsWithReturn ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
        unscannedBytes += partials[stream.rawValue].append(text)
        partials[stream.rawValue].endsWithReturn = endsWithReturn
    }

    private func closePartial(of stream: OutputStream, at instant: Instant) {
        let partial = partials[stream.rawValue].take()
        partial.withUnsafeBytes { line in
            let mayExhaust = tools.exhaustion.mayOccur(in: line, tools.matcher)
            classify(line, at: instant, mayExhaust: mayExhaust)
            tally.endedChunk(lastLine: line)
            ring.append(line)
            ring.appendEnd()
        }
        partials[stream.rawValue].giveBack(partial)
    }

    // MARK: - Whole lines

    // The index of the last byte that surely ends a line. A CR as the very last byte does not: an LF may follow.
    private static func lastEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        let searched =
            bytes.last == LineEnd.carriageReturn ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
        return LineEnd.last(in: searched)
    }

    // `bytes` holds whole lines and ends with an end of line.
    private func scan(_ bytes: UnsafeRawBufferPointer, at instant: Instant) {
        let isPlain =
            !LineEnd.contains(TerminalCodes.escape, in: bytes)
            && !LineEnd.contains(LineEnd.carriageReturn, in: bytes)
        let done = isPlain && !searched.isEmpty ? skim(bytes, at: instant) : 0
        if done < bytes.count {
            scanEach(UnsafeRawBufferPointer(rebasing: bytes[done...]), at: instant)
        } else {
            tally.endedChunk(lastLine: Self.lastLine(of: bytes))
        }
    }

    // Goes from one line that matters to the next, counting those between. Answers with how far it came: not to the end
    // when a search took too many steps.
    private func skim(_ bytes: UnsafeRawBufferPointer, at instant: Instant) -> Int {
        tools.hits.removeAll(keepingCapacity: true)
        for pattern in searched {
            guard let hit = nextHit(of: pattern, in: bytes, from: 0) else { return 0 }
            tools.hits.append(hit)
        }
        var position = 0
        while true {
            var next = Int.max
            for hit in tools.hits { next = min(next, hit) }
            // A match of nothing at the very end belongs to no line.
            if next >= bytes.count { break }
            let before = UnsafeRawBufferPointer(rebasing: bytes[position..<next])
            let start = LineEnd.lastLineFeed(in: before).map { position + $0 + 1 } ?? position
            let between = LineEnd.countLineFeeds(in: UnsafeRawBufferPointer(rebasing: bytes[position..<start]))
            tally.passed(between, areAlive: rules.alive == nil, at: instant)
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            guard let length = LineEnd.firstLineFeed(in: rest) else { break }
            classify(UnsafeRawBufferPointer(rebasing: rest[..<length]), at: instant, mayExhaust: true)
            position = start + length + 1
            for index in searched.indices where tools.hits[index] < position {
                guard let hit = nextHit(of: searched[index], in: bytes, from: position) else { return position }
                tools.hits[index] = hit
            }
        }
        let rest = LineEnd.countLineFeeds(in: UnsafeRawBufferPointer(rebasing: bytes[position...]))
        tally.passed(rest, areAlive: rules.alive == nil, at: instant)
        countUnscanned(bytes)
        return bytes.count
    }

    // Long lines are rare, and found by steps of the longest length: each must come upon an end of line.
    private func countUnscanned(_ bytes: UnsafeRawBufferPointer) {
        let limit = PumpLimits.scannedLineBytes
        var start = 0
        while start + limit < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            if let end = LineEnd.lastLineFeed(in: UnsafeRawBufferPointer(rebasing: rest[...limit])) {
                start += end + 1
                continue
            }
            guard let length = LineEnd.firstLineFeed(in: rest) else { return }
            unscannedBytes += UInt64(length - limit)
            start += length + 1
        }
    }

    private func nextHit(of pattern: Pattern, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        switch tools.matcher.firstHit(of: pattern, in: bytes, from: start) {
        case .at(let offset): offset
        case .none: Int.max
        case .unknown: nil
        }
    }

    private func scanEach(_ bytes: UnsafeRawBufferPointer, at instant: Instant) {
        let mayExhaust = tools.exhaustion.mayOccur(in: bytes, tools.matcher)
        var start = 0
        var last = 0..<0
        while start < bytes.count {
            let tail = UnsafeRawBufferPointer(rebasing: bytes[start...])
            guard let end = LineEnd.first(in: tail).map({ $0 + start }) else { break }
            let isReturn = bytes[end] == LineEnd.carriageReturn
            let isFollowedByFeed = end + 1 < bytes.count && bytes[end + 1] == LineEnd.lineFeed
            // "\r50 %" begins with the CR that ends nothing.
            if end == start, isReturn, !isFollowedByFeed {
                start = end + 1
                continue
            }
            classify(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), at: instant, mayExhaust: mayExhaust)
            unscannedBytes += UInt64(max(0, end - start - PumpLimits.scannedLineBytes))
            if end > start { last = start..<end }
            start = end + (isReturn && isFollowedByFeed ? 2 : 1)
        }
        tally.endedChunk(lastLine: UnsafeRawBufferPointer(rebasing: bytes[last]))
    }

    // The last line that is not empty, of lines that end with LF alone.
    private static func lastLine(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = bytes.count
        while end > 0, bytes[end - 1] == LineEnd.lineFeed { end -= 1 }
        let text = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        let start = LineEnd.lastLineFeed(in: text).map { $0 + 1 } ?? 0
        return UnsafeRawBufferPointer(rebasing: text[start...])
    }

    private func classify(_ raw: UnsafeRawBufferPointer, at instant: Instant, mayExhaust: Bool) {
        var line = raw
        if line.count > PumpLimits.scannedLineBytes {
            line = UnsafeRawBufferPointer(rebasing: line[..<PumpLimits.scannedLineBytes])
        }
        guard TerminalCodes.occur(in: line) else {
            classifyPlain(line, at: instant, mayExhaust: mayExhaust)
            return
        }
        TerminalCodes.strip(line, into: &tools.plain)
        tools.plain.withUnsafeBytes { plain in
            // Colours may hide a spelling from the search of the whole chunk.
            classifyPlain(plain, at: instant, mayExhaust: true)
        }
    }

    private func classifyPlain(_ line: UnsafeRawBufferPointer, at instant: Instant, mayExhaust: Bool) {
        let matcher = tools.matcher
        if let ready = rules.ready, !tally.saysReady, matcher.finds(ready, in: line) { tally.foundReady() }
        let report = mayExhaust ? tools.exhaustion.report(of: line, matcher) : .none
        var kind = LineTally.Kind.other
        if report != .none || rules.error.map({ matcher.finds($0, in: line) }) == true {
            kind = .error(saysDescriptorsExhausted: report == .process)
        } else if let progress = rules.progress, matcher.finds(progress, in: line) {
            kind = .progress
        }
        let isAlive: Bool
        if let alive = rules.alive {
            isAlive = kind == .progress || matcher.finds(alive, in: line)
        } else {
            isAlive = true
        }
        tally.ended(line, kind, isAlive: isAlive, at: instant)
    }
}
