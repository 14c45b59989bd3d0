/// A block that was read: how it begins, and its facts.
package struct RecordContents: Hashable, Sendable {
    /// How it begins.
    package var header: RecordHeader
    /// Its facts, in the order in which the core handled them.
    package var entries: [RecordedEntry]

    /// - Parameter bytes: a block's bytes.
    /// - Throws: when they are none, or of a newer version, or damaged. A block is read whole or not at all.
    package init(decoding bytes: [UInt8]) throws(RecordError) {
        let magic = RecordFormat.magic
        guard bytes.count > magic.count, Array(bytes.prefix(magic.count)) == magic else { throw .foreign }
        let version = Int(bytes[magic.count])
        guard version <= RecordFormat.version else { throw .newer(version: version) }
        guard version >= 1, bytes.count >= magic.count + 5, bytes.count <= RecordLimits.readBytes else {
            throw .damaged
        }
        let content = bytes.dropLast(4)
        var sum: UInt32 = 0
        for (index, byte) in bytes.suffix(4).enumerated() { sum |= UInt32(byte) << UInt32(8 * index) }
        guard RecordFormat.checksum(content) == sum else { throw .damaged }
        var reader = RecordReader(RecordSource(content.dropFirst(magic.count + 1)))
        header = try reader.readHeader()
        entries = []
        while let entry = try reader.next() { entries.append(entry) }
    }
}

/// Reads what `RecordWriter` wrote, fact by fact.
private struct RecordReader {
    private var source: RecordSource
    private var texts: [String] = []
    private var lastAt: Int64 = 0
    private var lastTakenAt: Int64 = 0
    private var lastInterval: Int64 = 0
    private var wallOffset: Int64 = 0
    private var last: TreeReadings?
    /// How far the pump had read, told with the sample that comes now.
    private var waiting: RecordedEntry?

    init(_ source: RecordSource) {
        self.source = source
    }

    mutating func readHeader() throws(RecordError) -> RecordHeader {
        let header = try source.header()
        lastAt = header.start.instant.microseconds
        lastTakenAt = lastAt
        wallOffset = try plausible(header.start.wall.microseconds &- lastAt)
        return header
    }

    /// The next fact; `nil` at the end.
    mutating func next() throws(RecordError) -> RecordedEntry? {
        if let entry = waiting {
            waiting = nil
            return entry
        }
        while !source.isAtEnd {
            let byte = try source.byte()
            if byte & RecordFormat.Change.sample != 0 { return try sample(byte) }
            guard let tag = RecordFormat.Tag(rawValue: byte) else { throw .damaged }
            lastAt = try plausible(lastAt &+ (try source.signed()))
            switch tag {
            case .clock: wallOffset = try plausible(wallOffset &+ (try source.signed()))
            case .drained: return entry(.logged(LogFacts(drainedAt: Instant(microseconds: lastAt))))
            default: return entry(try fact(tag))
            }
        }
        return nil
    }

    /// A time that arithmetic can be done with.
    private func plausible(_ microseconds: Int64) throws(RecordError) -> Int64 {
        guard microseconds.magnitude < 1 << 60 else { throw .damaged }
        return microseconds
    }

    private func entry(_ fact: RecordedFact) -> RecordedEntry {
        RecordedEntry(
            at: Moment(
                instant: Instant(microseconds: lastAt), wall: WallTime(microseconds: lastAt &+ wallOffset)), fact: fact)
    }

    private mutating func sample(_ changes: UInt8) throws(RecordError) -> RecordedEntry {
        lastInterval = lastInterval &+ (try source.signed())
        lastTakenAt = try plausible(lastTakenAt &+ lastInterval)
        lastAt = try plausible(lastTakenAt &+ (try source.signed()))
        var drained: Int64?
        if changes & RecordFormat.Change.drained != 0 { drained = lastTakenAt &- (try source.signed()) }
        let tree: TreeReadings
        if changes & RecordFormat.Change.whole != 0 {
            tree = try source.wholeTree()
        } else {
            guard let last else { throw .damaged }
            tree = try source.tree(changes, since: last)
        }
        last = tree
        let sample = entry(.sampled(Sample(takenAt: Instant(microseconds: lastTakenAt), readings: .tree(tree))))
        guard let drained else { return sample }
        waiting = sample
        return entry(.logged(LogFacts(drainedAt: Instant(microseconds: drained))))
    }

    private mutating func fact(_ tag: RecordFormat.Tag) throws(RecordError) -> RecordedFact {
        switch tag {
        case .started:
            last = nil
            let generation = Generation(UInt32(truncatingIfNeeded: try source.number()))
            return .started(generation, because: try text(), formerLives: try witnesses())
        case .failedSample:
            let takenAt = try source.instant()
            return .sampled(
                Sample(takenAt: takenAt, readings: .failure(Int32(truncatingIfNeeded: try source.signed()))))
        case .logged: return .logged(try logFacts())
        case .beat: return .beat
        case .demand: return .demand(try source.flag() ? try source.double() : nil)
        case .probed:
            let isReady = try source.flag()
            return .probed(try hookResult(), isReady: isReady)
        case .waits: return .waits(try waitReport())
        case .siblings: return .siblings(try witnesses())
        case .aided:
            return .aided(
                pid: Int32(truncatingIfNeeded: try source.signed()), from: Int(try source.signed()),
                to: Int(try source.signed()))
        case .doubted:
            let isDoubtful = try source.flag()
            return .doubted(isDoubtful, try list(atMost: RecordLimits.texts))
        case .retuned, .drained, .clock: return .retuned
        case .exited: return .exited(try exitStatus())
        case .ordered:
            guard let order = RecordedFact.Order(rawValue: try source.byte()) else { throw .damaged }
            return .ordered(order)
        case .judged:
            return .judged(try source.choice(RecordFormat.conditions), try source.choice(RecordFormat.grades))
        case .began: return .began(try source.choice(RecordFormat.actions), try source.choice(RecordFormat.conditions))
        case .noted: return .noted(try source.choice(RecordFormat.kinds), try text())
        }
    }

    private mutating func text() throws(RecordError) -> String {
        let index = try source.count(atMost: RecordLimits.texts)
        if index == 0 {
            let text = try source.text()
            texts.append(text)
            return text
        }
        guard index <= texts.count else { throw .damaged }
        return texts[index - 1]
    }

    private mutating func list(atMost limit: Int) throws(RecordError) -> [String] {
        var texts: [String] = []
        for _ in 0..<(try source.count(atMost: limit)) { texts.append(try text()) }
        return texts
    }

    private mutating func mark() throws(RecordError) -> LogFacts.Mark {
        LogFacts.Mark(line: try source.number(), at: Instant(microseconds: lastAt &- (try source.signed())))
    }

    private mutating func logFacts() throws(RecordError) -> LogFacts {
        let flags = try source.byte()
        var facts = LogFacts(drainedAt: Instant(microseconds: lastAt &- (try source.signed())))
        if flags & 1 != 0 { facts.lastAlive = try mark() }
        if flags & 2 != 0 { facts.lastProgress = try mark() }
        if flags & 8 != 0 {
            facts.errorLineCount = try source.number()
            facts.progressLineCount = try source.number()
        }
        guard flags & 4 != 0 else { return facts }
        for _ in 0..<(try source.count(atMost: Limits.errorEpisodes)) {
            facts.episodes.append(
                LogFacts.Episode(
                    mark: try mark(), saysDescriptorsExhausted: try source.flag(), text: try text()))
        }
        return facts
    }

    private mutating func exitStatus() throws(RecordError) -> ExitStatus {
        switch try source.byte() {
        case 0: .code(Int32(truncatingIfNeeded: try source.signed()))
        case 1: .signal(Int32(truncatingIfNeeded: try source.signed()), coreDumped: false)
        case 2: .signal(Int32(truncatingIfNeeded: try source.signed()), coreDumped: true)
        default: .unknown
        }
    }

    private mutating func hookResult() throws(RecordError) -> HookResult {
        switch try source.byte() {
        case 0:
            let code = Int32(truncatingIfNeeded: try source.signed())
            return .exited(code: code, output: try text())
        case 1: return .failed(reason: try text())
        default: return .couldNotRun(reason: try text())
        }
    }

    private mutating func waitReport() throws(RecordError) -> WaitReport {
        let takenAt = try source.instant()
        let hasTimer = try source.flag()
        var threads: [WaitReport.ThreadWait] = []
        var (pid, tid): (Int32, Int32) = (0, 0)
        for _ in 0..<(try source.count(atMost: Limits.waitThreads)) {
            pid = pid &+ Int32(truncatingIfNeeded: try source.signed())
            tid = tid &+ Int32(truncatingIfNeeded: try source.signed())
            let switches = try source.number()
            threads.append(
                WaitReport.ThreadWait(
                    pid: pid, tid: tid, switches: switches, wait: try source.choice(RecordFormat.waits)))
        }
        return WaitReport(
            takenAt: takenAt, threads: threads, caughtSignals: try list(atMost: Limits.waitThreads),
            hasTimer: hasTimer, gaps: try list(atMost: Limits.waitThreads))
    }

    private mutating func witnesses() throws(RecordError) -> [TrendWitness] {
        var witnesses: [TrendWitness] = []
        for _ in 0..<(try source.count(atMost: RecordLimits.witnesses)) {
            let name = try text()
            let age = Duration.microseconds(try source.signed())
            var floors: [TrendProfile.Floor] = []
            for _ in 0..<(try source.count(atMost: 64)) {
                floors.append(
                    TrendProfile.Floor(
                        descriptors: Int32(truncatingIfNeeded: try source.signed()), memoryBytes: try source.signed()))
            }
            witnesses.append(
                TrendWitness(
                    name: name, age: age, profile: TrendProfile(closed: floors), descriptors: try height(),
                    memory: try height()))
        }
        return witnesses
    }

    private mutating func height() throws(RecordError) -> TrendWitness.Height? {
        guard try source.flag() else { return nil }
        return TrendWitness.Height(level: try source.signed(), age: .microseconds(try source.signed()))
    }
}
