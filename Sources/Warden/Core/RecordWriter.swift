/// What is recorded of one slot and not yet stored: the block that is being written.
///
/// A fact costs some ten nanoseconds and some ten bytes; nothing is allocated but when a block is handed out.
struct RecordWriter: Hashable, Codable, Sendable {
    /// Held apart, because a slot is copied often and this is large. There is always one.
    private var held: [State]

    /// - Parameters:
    ///   - worker: the slot.
    ///   - life: this life of the daemon, in microseconds of the wall clock.
    init(of worker: SlotName, life: UInt64) {
        held = [State(worker: worker, life: life)]
    }

    fileprivate struct State: Hashable, Codable, Sendable {
        let worker: SlotName
        let life: UInt64
        var sequence: UInt64 = 0
        var isOpen = false
        var bytes = RecordBytes()
        var texts: [String] = []
        var sampleCount = 0
        var openedAt = WallTime(microseconds: 0)
        var fullAt = Instant.distantFuture
        /// Microseconds, as the reader will know them.
        var lastAt: Int64 = 0
        var lastTakenAt: Int64 = 0
        var lastInterval: Int64 = 0
        var wallOffset: Int64 = 0
        var last: TreeReadings?
        var lastIO = IOReading(readBytes: 0, writtenBytes: 0, readCalls: 0, writeCalls: 0)

        /// Lines that show life or progress and no more, until the next fact of another kind.
        var lines: LogFacts?
        var linesAt = Instant.origin
        var beatAt: Instant?
        var drainedAt: Instant?
        /// When a line or a beat last came.
        var lastSignAt: Instant?
        var hasProgress = false

        init(worker: SlotName, life: UInt64) {
            self.worker = worker
            self.life = life
        }
    }

    /// Whether a block has begun.
    var isOpen: Bool { held[0].isOpen }

    /// The block, when it is to be handed out now.
    mutating func takeIfFull(at now: Instant) -> RecordBlock? {
        held[0].isFull(at: now) ? held[0].take() : nil
    }

    /// Begins a block.
    ///
    /// - Parameter header: how things stand; life and sequence are filled in here.
    mutating func open(_ header: RecordHeader) { held[0].open(header) }

    /// The block, when there is one with facts.
    mutating func take() -> RecordBlock? { held[0].take() }

    /// The sampler read it.
    mutating func sampled(_ sample: Sample, at now: Moment) { held[0].sampled(sample, at: now) }

    /// The pump read its output.
    mutating func logged(_ facts: LogFacts, at now: Moment) { held[0].logged(facts, at: now) }

    /// `WATCHDOG=1` arrived.
    mutating func beat(at now: Moment) { held[0].beat(at: now) }

    /// Anything else.
    mutating func put(_ fact: RecordedFact, at now: Moment) {
        held[0].flush()
        held[0].put(fact, at: now)
    }
}

extension RecordWriter.State {
    fileprivate mutating func open(_ given: RecordHeader) {
        var header = given
        header.life = life
        header.sequence = sequence
        bytes.removeAll()
        bytes.reserve(RecordLimits.reservedBytes)
        texts.removeAll(keepingCapacity: true)
        sampleCount = 0
        last = nil
        isOpen = true
        openedAt = header.start.wall
        fullAt = header.start.instant + RecordLimits.span
        lastAt = header.start.instant.microseconds
        lastTakenAt = lastAt
        lastInterval = 0
        wallOffset = header.start.wall.microseconds &- lastAt
        for byte in RecordFormat.magic { bytes.put(byte: byte) }
        bytes.put(byte: UInt8(RecordFormat.version))
        bytes.put(header)
    }

    fileprivate func isFull(at now: Instant) -> Bool {
        isOpen && (sampleCount >= RecordLimits.samples || bytes.count >= RecordLimits.bytes || now >= fullAt)
    }

    fileprivate mutating func take() -> RecordBlock? {
        guard isOpen else { return nil }
        flush()
        isOpen = false
        sequence += 1
        var finished = bytes
        finished.put(fixed: RecordFormat.checksum(finished.bytes))
        return RecordBlock(
            worker: worker, from: openedAt, to: WallTime(microseconds: lastAt &+ wallOffset),
            sampleCount: sampleCount, bytes: finished.bytes)
    }

    /// A fact of this kind, with its time.
    private mutating func begin(_ tag: RecordFormat.Tag, at instant: Instant) {
        bytes.put(byte: tag.rawValue)
        bytes.put(signed: instant.microseconds &- lastAt)
        lastAt = instant.microseconds
    }

    // MARK: - Samples

    fileprivate mutating func sampled(_ sample: Sample, at now: Moment) {
        flushSigns()
        noteClock(now)
        sampleCount += 1
        guard case .tree(let tree) = sample.readings else {
            flush()
            begin(.failedSample, at: now.instant)
            bytes.put(sample.takenAt)
            if case .failure(let errorNumber) = sample.readings { bytes.put(signed: Int64(errorNumber)) }
            return
        }
        var changes = RecordFormat.Change.sample | tree.changes(since: last)
        if drainedAt != nil { changes |= RecordFormat.Change.drained }
        bytes.put(byte: changes)
        let takenAt = sample.takenAt.microseconds
        let interval = takenAt &- lastTakenAt
        bytes.put(signed: interval &- lastInterval)
        (lastTakenAt, lastInterval) = (takenAt, interval)
        lastAt = now.instant.microseconds
        bytes.put(signed: lastAt &- takenAt)
        if let drained = drainedAt {
            bytes.put(signed: takenAt &- drained.microseconds)
            drainedAt = nil
        }
        if changes & RecordFormat.Change.whole != 0 {
            bytes.put(whole: tree)
        } else if let last {
            bytes.put(tree, changes, since: last)
        }
        last = tree
    }

    /// The wall clock was set: times from here on are shown by the new one.
    private mutating func noteClock(_ now: Moment) {
        let offset = now.wall.microseconds &- now.instant.microseconds
        let step = offset &- wallOffset
        guard step.magnitude >= RecordLimits.clockStepMicroseconds else { return }
        begin(.clock, at: now.instant)
        bytes.put(signed: step)
        wallOffset = offset
    }

    // MARK: - Lines and beats

    fileprivate mutating func logged(_ facts: LogFacts, at now: Moment) {
        drainedAt = max(drainedAt ?? facts.drainedAt, facts.drainedAt)
        let sign = facts.lastProgress?.at ?? facts.lastAlive?.at
        // Nearly all that the pump says is how far it has read.
        guard sign != nil || !facts.episodes.isEmpty || facts.errorLineCount > 0 || facts.progressLineCount > 0 else {
            return
        }
        let isSoon = isSoon(sign)
        let isFirst = facts.lastProgress != nil && !hasProgress
        if facts.lastProgress != nil { hasProgress = true }
        guard facts.episodes.isEmpty, isSoon, !isFirst else {
            flush()
            write(facts, at: now.instant)
            return
        }
        guard let before = lines else {
            (lines, linesAt) = (facts, now.instant)
            return
        }
        var merged = before
        merged.lastAlive = facts.lastAlive ?? before.lastAlive
        merged.lastProgress = facts.lastProgress ?? before.lastProgress
        merged.errorLineCount &+= facts.errorLineCount
        merged.progressLineCount &+= facts.progressLineCount
        merged.drainedAt = facts.drainedAt
        (lines, linesAt) = (merged, now.instant)
    }

    fileprivate mutating func beat(at now: Moment) {
        if isSoon(now.instant) {
            beatAt = now.instant
        } else {
            flush()
            begin(.beat, at: now.instant)
        }
    }

    /// A long silence must end when it did.
    private mutating func isSoon(_ sign: Instant?) -> Bool {
        guard let sign else { return true }
        defer { lastSignAt = sign }
        return lastSignAt.map { sign.microseconds &- $0.microseconds <= RecordLimits.mergedGapMicroseconds } ?? false
    }

    /// What waits goes before what comes now.
    fileprivate mutating func flush() {
        flushSigns()
        guard let drained = drainedAt else { return }
        begin(.drained, at: drained)
        drainedAt = nil
    }

    private mutating func flushSigns() {
        if let facts = lines {
            lines = nil
            write(facts, at: linesAt)
        }
        if let instant = beatAt {
            beatAt = nil
            begin(.beat, at: instant)
        }
    }

    private mutating func write(_ facts: LogFacts, at instant: Instant) {
        begin(.logged, at: instant)
        var flags: UInt8 = 0
        if facts.lastAlive != nil { flags |= 1 }
        if facts.lastProgress != nil { flags |= 2 }
        if !facts.episodes.isEmpty { flags |= 4 }
        if facts.errorLineCount > 0 || facts.progressLineCount > 0 { flags |= 8 }
        bytes.put(byte: flags)
        bytes.put(signed: lastAt &- facts.drainedAt.microseconds)
        if drainedAt.map({ $0 <= facts.drainedAt }) ?? false { drainedAt = nil }
        if let mark = facts.lastAlive { put(mark) }
        if let mark = facts.lastProgress { put(mark) }
        if flags & 8 != 0 {
            bytes.put(facts.errorLineCount)
            bytes.put(facts.progressLineCount)
        }
        guard flags & 4 != 0 else { return }
        let episodes = facts.episodes.suffix(Limits.errorEpisodes)
        bytes.put(count: episodes.count)
        for episode in episodes {
            put(episode.mark)
            bytes.put(flag: episode.saysDescriptorsExhausted)
            put(episode.text)
        }
    }

    private mutating func put(_ mark: LogFacts.Mark) {
        bytes.put(mark.line)
        bytes.put(signed: lastAt &- mark.at.microseconds)
    }

    /// A text that this block has already is a number.
    private mutating func put(_ text: String) {
        let cut = String(decoding: text.utf8.prefix(RecordLimits.textBytes), as: UTF8.self)
        if let index = texts.firstIndex(of: cut) {
            bytes.put(count: index + 1)
        } else if texts.count < RecordLimits.texts {
            bytes.put(count: 0)
            bytes.put(cut)
            texts.append(cut)
        } else {
            bytes.put(count: texts.count)
        }
    }

    // MARK: - Everything else

    fileprivate mutating func put(_ fact: RecordedFact, at now: Moment) {
        noteClock(now)
        begin(fact.tag, at: now.instant)
        switch fact {
        case .sampled, .logged, .beat, .retuned: break
        case .started(let generation, let reason, let lives):
            last = nil
            lastSignAt = nil
            hasProgress = false
            bytes.put(UInt64(generation.number))
            put(reason)
            put(lives, at: now.instant)
        case .demand(let amount):
            bytes.put(flag: amount != nil)
            if let amount { bytes.put(amount) }
        case .probed(let result, let isReady):
            bytes.put(flag: isReady)
            put(result)
        case .waits(let report): put(report)
        case .siblings(let witnesses): put(witnesses, at: now.instant)
        case .aided(let pid, let from, let to):
            for number in [Int64(pid), Int64(from), Int64(to)] { bytes.put(signed: number) }
        case .doubted(let isDoubtful, let texts):
            bytes.put(flag: isDoubtful)
            bytes.put(count: min(texts.count, RecordLimits.texts))
            for text in texts.prefix(RecordLimits.texts) { put(text) }
        case .exited(let status): put(status)
        case .ordered(let order): bytes.put(byte: order.rawValue)
        case .judged(let condition, let grade):
            bytes.put(condition, in: RecordFormat.conditions)
            bytes.put(grade, in: RecordFormat.grades)
        case .began(let action, let condition):
            bytes.put(action, in: RecordFormat.actions)
            bytes.put(condition, in: RecordFormat.conditions)
        case .noted(let kind, let text):
            bytes.put(kind, in: RecordFormat.kinds)
            put(text)
        }
    }

    private mutating func put(_ status: ExitStatus) {
        switch status {
        case .code(let code):
            bytes.put(byte: 0)
            bytes.put(signed: Int64(code))
        case .signal(let number, let coreDumped):
            bytes.put(byte: coreDumped ? 2 : 1)
            bytes.put(signed: Int64(number))
        case .unknown: bytes.put(byte: 3)
        }
    }

    private mutating func put(_ result: HookResult) {
        switch result {
        case .exited(let code, let output):
            bytes.put(byte: 0)
            bytes.put(signed: Int64(code))
            put(output)
        case .failed(let reason):
            bytes.put(byte: 1)
            put(reason)
        case .couldNotRun(let reason):
            bytes.put(byte: 2)
            put(reason)
        }
    }

    private mutating func put(_ report: WaitReport) {
        bytes.put(report.takenAt)
        bytes.put(flag: report.hasTimer)
        let threads = report.threads.prefix(Limits.waitThreads)
        bytes.put(count: threads.count)
        var (pid, tid): (Int32, Int32) = (0, 0)
        for thread in threads {
            bytes.put(signed: Int64(thread.pid &- pid))
            bytes.put(signed: Int64(thread.tid &- tid))
            bytes.put(thread.switches)
            bytes.put(thread.wait, in: RecordFormat.waits)
            (pid, tid) = (thread.pid, thread.tid)
        }
        for list in [report.caughtSignals, report.gaps] {
            bytes.put(count: min(list.count, Limits.waitThreads))
            for text in list.prefix(Limits.waitThreads) { put(text) }
        }
    }

    private mutating func put(_ witnesses: [TrendWitness], at now: Instant) {
        bytes.put(count: min(witnesses.count, RecordLimits.witnesses))
        for witness in witnesses.prefix(RecordLimits.witnesses) {
            put(witness.name)
            bytes.put(signed: witness.age.inNanoseconds / 1000)
            bytes.put(count: witness.profile.closed.count)
            for floor in witness.profile.closed {
                bytes.put(signed: Int64(floor.descriptors))
                bytes.put(signed: floor.memoryBytes)
            }
            for height in [witness.descriptors, witness.memory] {
                bytes.put(flag: height != nil)
                guard let height else { continue }
                bytes.put(signed: height.level)
                bytes.put(signed: height.age.inNanoseconds / 1000)
            }
        }
    }
}

extension RecordedFact {
    fileprivate var tag: RecordFormat.Tag {
        switch self {
        case .started: .started
        case .sampled: .failedSample
        case .logged: .logged
        case .beat: .beat
        case .demand: .demand
        case .probed: .probed
        case .waits: .waits
        case .siblings: .siblings
        case .aided: .aided
        case .doubted: .doubted
        case .retuned: .retuned
        case .exited: .exited
        case .ordered: .ordered
        case .judged: .judged
        case .began: .began
        case .noted: .noted
        }
    }
}
