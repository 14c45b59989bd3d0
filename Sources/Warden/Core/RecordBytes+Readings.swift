extension TreeReadings {
    /// What differs from the readings before, as the bits of `RecordFormat.Change`.
    func changes(since last: TreeReadings?) -> UInt8 {
        guard let last, isShaped(like: last) else { return RecordFormat.Change.whole }
        var changes: UInt8 = 0
        if tightest?.count != last.tightest?.count { changes |= RecordFormat.Change.count }
        if treeRSSBytes != last.treeRSSBytes || rootRSSBytes != last.rootRSSBytes {
            changes |= RecordFormat.Change.memory
        }
        if cpuTime != last.cpuTime { changes |= RecordFormat.Change.cpu }
        if io != last.io { changes |= RecordFormat.Change.io }
        if voluntarySwitches != last.voluntarySwitches { changes |= RecordFormat.Change.switches }
        return changes
    }

    /// Whether everything that seldom changes is as it was.
    private func isShaped(like last: TreeReadings) -> Bool {
        processCount == last.processCount && threadCount == last.threadCount && rootState == last.rootState
            && isTruncated == last.isTruncated && isFrozen == last.isFrozen
            && stoppedDescendantCount == last.stoppedDescendantCount
            && uninterruptibleCount == last.uninterruptibleCount && uninterruptible == last.uninterruptible
            && heartbeatFileMark == last.heartbeatFileMark && tightest?.pid == last.tightest?.pid
            && tightest?.softLimit == last.tightest?.softLimit && tightest?.hardLimit == last.tightest?.hardLimit
            && (io == nil) == (last.io == nil) && (voluntarySwitches == nil) == (last.voluntarySwitches == nil)
    }
}

extension RecordBytes {
    /// What has changed, as differences.
    mutating func put(_ tree: TreeReadings, _ changes: UInt8, since last: TreeReadings) {
        if changes & RecordFormat.Change.count != 0 {
            put(signed: Int64((tree.tightest?.count ?? 0) - (last.tightest?.count ?? 0)))
        }
        if changes & RecordFormat.Change.memory != 0 {
            let resident = tree.treeRSSBytes &- last.treeRSSBytes
            put(signed: resident, unit: 4096)
            put(signed: (tree.rootRSSBytes &- last.rootRSSBytes) &- resident, unit: 4096)
        }
        if changes & RecordFormat.Change.cpu != 0 {
            // Clock ticks.
            put(signed: (tree.cpuTime - last.cpuTime).inNanoseconds, unit: 10_000_000)
        }
        if changes & RecordFormat.Change.io != 0, let io = tree.io, let before = last.io {
            put(io, since: before)
        }
        if changes & RecordFormat.Change.switches != 0 {
            put(signed: Int64(bitPattern: (tree.voluntarySwitches ?? 0) &- (last.voluntarySwitches ?? 0)))
        }
    }

    private mutating func put(_ io: IOReading, since last: IOReading) {
        put(signed: Int64(bitPattern: io.readBytes &- last.readBytes))
        put(signed: Int64(bitPattern: io.writtenBytes &- last.writtenBytes))
        put(signed: Int64(bitPattern: io.readCalls &- last.readCalls))
        put(signed: Int64(bitPattern: io.writeCalls &- last.writeCalls))
    }

    /// Everything.
    mutating func put(whole tree: TreeReadings) {
        var flags: UInt8 = 0
        if tree.isTruncated { flags |= 1 }
        if tree.isFrozen { flags |= 2 }
        if tree.tightest != nil { flags |= 4 }
        if tree.io != nil { flags |= 8 }
        if tree.voluntarySwitches != nil { flags |= 16 }
        if tree.uninterruptible != nil { flags |= 32 }
        if tree.heartbeatFileMark != nil { flags |= 64 }
        put(byte: flags)
        put(byte: tree.rootState.rawValue)
        for count in [
            tree.processCount, tree.threadCount, tree.stoppedDescendantCount, tree.uninterruptibleCount,
        ] { put(signed: Int64(count)) }
        put(signed: tree.treeRSSBytes, unit: 4096)
        put(signed: tree.rootRSSBytes, unit: 4096)
        put(signed: tree.cpuTime.inNanoseconds, unit: 10_000_000)
        if let tightest = tree.tightest {
            put(signed: Int64(tightest.pid))
            for number in [tightest.count, tightest.softLimit, tightest.hardLimit] { put(signed: Int64(number)) }
        }
        if let io = tree.io {
            put(io, since: IOReading(readBytes: 0, writtenBytes: 0, readCalls: 0, writeCalls: 0))
        }
        if let switches = tree.voluntarySwitches { put(switches) }
        if let pid = tree.uninterruptible { put(signed: Int64(pid)) }
        if let mark = tree.heartbeatFileMark { put(mark) }
    }

    mutating func put(_ header: RecordHeader) {
        put(header.life)
        put(header.sequence)
        put(header.start.instant)
        put(signed: header.start.wall.microseconds)
        put(signed: Int64(header.utcOffsetSeconds))
        put(UInt64(header.generation.number))
        var flags: UInt8 = 0
        if header.isUp { flags |= 1 }
        if header.isDoubtful { flags |= 2 }
        if header.isHealthPaused { flags |= 4 }
        if header.lastHeartbeat != nil { flags |= 8 }
        if header.lastProgress != nil { flags |= 16 }
        put(byte: flags)
        put(header.observationMark)
        guard header.isUp else { return }
        put(header.generationStartedAt)
        put(header.condition, in: RecordFormat.conditions)
        put(header.grade, in: RecordFormat.grades)
        if let beat = header.lastHeartbeat { put(beat) }
        if let mark = header.lastProgress {
            put(mark.line)
            put(mark.at)
        }
        put(header.progressLineCount)
        put(header.drainedAt)
        put(header.clocksHeldUntil)
    }
}

extension RecordSource {
    mutating func tree(_ changes: UInt8, since last: TreeReadings) throws(RecordError) -> TreeReadings {
        var tree = last
        if changes & RecordFormat.Change.count != 0 {
            tree.tightest?.count = try plausible(Int64(last.tightest?.count ?? 0) &+ (try signed()))
        }
        if changes & RecordFormat.Change.memory != 0 {
            let resident = try signed(unit: 4096)
            tree.treeRSSBytes = last.treeRSSBytes &+ resident
            tree.rootRSSBytes = last.rootRSSBytes &+ resident &+ (try signed(unit: 4096))
        }
        if changes & RecordFormat.Change.cpu != 0 {
            tree.cpuTime = last.cpuTime + .nanoseconds(try signed(unit: 10_000_000))
        }
        if changes & RecordFormat.Change.io != 0, let before = last.io { tree.io = try io(since: before) }
        if changes & RecordFormat.Change.switches != 0 {
            tree.voluntarySwitches = (last.voluntarySwitches ?? 0) &+ UInt64(bitPattern: try signed())
        }
        return tree
    }

    /// A count that arithmetic can be done with.
    private func plausible(_ number: Int64) throws(RecordError) -> Int {
        guard (0...(1 << 40)).contains(number) else { throw .damaged }
        return Int(number)
    }

    private mutating func io(since last: IOReading) throws(RecordError) -> IOReading {
        IOReading(
            readBytes: last.readBytes &+ UInt64(bitPattern: try signed()),
            writtenBytes: last.writtenBytes &+ UInt64(bitPattern: try signed()),
            readCalls: last.readCalls &+ UInt64(bitPattern: try signed()),
            writeCalls: last.writeCalls &+ UInt64(bitPattern: try signed()))
    }

    mutating func wholeTree() throws(RecordError) -> TreeReadings {
        var tree = TreeReadings()
        let flags = try byte()
        guard let state = KernelState(rawValue: try byte()) else { throw .damaged }
        tree.isTruncated = flags & 1 != 0
        tree.isFrozen = flags & 2 != 0
        tree.rootState = state
        tree.processCount = try plausible(try signed())
        tree.threadCount = try plausible(try signed())
        tree.stoppedDescendantCount = try plausible(try signed())
        tree.uninterruptibleCount = try plausible(try signed())
        tree.treeRSSBytes = try signed(unit: 4096)
        tree.rootRSSBytes = try signed(unit: 4096)
        tree.cpuTime = .nanoseconds(try signed(unit: 10_000_000))
        if flags & 4 != 0 {
            tree.tightest = DescriptorReading(
                pid: Int32(truncatingIfNeeded: try signed()), count: try plausible(try signed()),
                softLimit: max(0, Int(try signed())), hardLimit: max(0, Int(try signed())))
        }
        if flags & 8 != 0 {
            tree.io = try io(since: IOReading(readBytes: 0, writtenBytes: 0, readCalls: 0, writeCalls: 0))
        }
        if flags & 16 != 0 { tree.voluntarySwitches = try number() }
        if flags & 32 != 0 { tree.uninterruptible = Int32(truncatingIfNeeded: try signed()) }
        if flags & 64 != 0 { tree.heartbeatFileMark = try number() }
        return tree
    }

    mutating func header() throws(RecordError) -> RecordHeader {
        var header = RecordHeader()
        header.life = try number()
        header.sequence = try number()
        header.start = Moment(instant: try instant(), wall: WallTime(microseconds: try signed()))
        header.utcOffsetSeconds = Int(try signed())
        header.generation = Generation(UInt32(truncatingIfNeeded: try number()))
        let flags = try byte()
        header.isUp = flags & 1 != 0
        header.isDoubtful = flags & 2 != 0
        header.isHealthPaused = flags & 4 != 0
        header.observationMark = try number()
        guard header.isUp else { return header }
        header.generationStartedAt = try instant()
        header.condition = try choice(RecordFormat.conditions)
        header.grade = try choice(RecordFormat.grades)
        if flags & 8 != 0 { header.lastHeartbeat = try instant() }
        if flags & 16 != 0 { header.lastProgress = LogFacts.Mark(line: try number(), at: try instant()) }
        header.progressLineCount = try number()
        header.drainedAt = try instant()
        header.clocksHeldUntil = try instant()
        return header
    }
}
