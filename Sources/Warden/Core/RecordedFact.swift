/// One thing that was recorded of a worker: what its verdict was computed from, and what was made of it then.
package enum RecordedFact: Hashable, Sendable {
    /// What a person ordered.
    package enum Order: UInt8, Hashable, Sendable, CaseIterable {
        /// A start, or the second half of a restart.
        case start = 0
        /// A stop, or the first half of a restart.
        case stop = 1
        /// `pause-health`.
        case pauseHealth = 2
        /// `resume-health`, or the end of a pause.
        case resumeHealth = 3
        /// The end of the daemon.
        case end = 4
    }

    /// A generation was started, because of this; the lives are those that its growth was compared with.
    case started(Generation, because: String, formerLives: [TrendWitness])
    /// The sampler read it.
    case sampled(Sample)
    /// The pump read its output. Lines that only show life, and come soon after each other, are one fact.
    case logged(LogFacts)
    /// `WATCHDOG=1` arrived; several that come soon after each other are one fact.
    case beat
    /// Demand was read; `nil` when it could not be.
    case demand(Double?)
    /// The life-long probe was answered.
    case probed(HookResult, isReady: Bool)
    /// What its threads wait for was read.
    case waits(WaitReport)
    /// Siblings that its growth was compared with.
    case siblings([TrendWitness])
    /// First aid raised its descriptor limit.
    case aided(pid: Int32, from: Int, to: Int)
    /// Warden began or ceased to doubt itself, or goes on doubting. The words are there where it began.
    case doubted(Bool, [String])
    /// It goes on under other thresholds.
    case retuned
    /// Its main process ended.
    case exited(ExitStatus)
    /// A person ordered something.
    case ordered(Order)
    /// The verdict then.
    case judged(Condition, Grade)
    /// What was begun then.
    case began(HealthAction, Condition)
    /// What was told of it then, in words.
    case noted(Chronicle.Kind, String)
}

/// A recorded fact with its time.
package struct RecordedEntry: Hashable, Sendable {
    /// When the daemon handled it, to the microsecond.
    package var at: Moment
    /// What it was.
    package var fact: RecordedFact

    /// - Parameters:
    ///   - at: when the daemon handled it.
    ///   - fact: what it was.
    package init(at: Moment, fact: RecordedFact) {
        self.at = at
        self.fact = fact
    }
}

/// Facts of one worker, encoded: what the history stores as one row.
package struct RecordBlock: Hashable, Sendable {
    /// The slot.
    package var worker: SlotName
    /// The first of its facts.
    package var from: WallTime
    /// The last of its facts.
    package var to: WallTime
    /// How many samples are in it.
    package var sampleCount: Int
    /// The facts.
    package var bytes: [UInt8]

    /// - Parameters: as the properties of the same names.
    package init(worker: SlotName, from: WallTime, to: WallTime, sampleCount: Int, bytes: [UInt8]) {
        self.worker = worker
        self.from = from
        self.to = to
        self.sampleCount = sampleCount
        self.bytes = bytes
    }
}

/// A block as the history has it.
package struct StoredRecord: Hashable, Sendable {
    /// Its place in the history: later ones have higher numbers.
    package var sequence: Int64
    /// The block.
    package var block: RecordBlock

    /// - Parameters:
    ///   - sequence: its place in the history.
    ///   - block: the block.
    package init(sequence: Int64, block: RecordBlock) {
        self.sequence = sequence
        self.block = block
    }
}

/// How a block begins: enough to go on from, where the block before it is lost.
package struct RecordHeader: Hashable, Sendable {
    /// The life of the daemon that wrote it: the wall clock when its recording of this slot began, in microseconds.
    package var life: UInt64 = 0
    /// Number of the block in that life, from 0.
    package var sequence: UInt64 = 0
    /// Its first fact.
    package var start = Moment(instant: .origin, wall: WallTime(microseconds: 0))
    /// Local time less UTC then, in seconds.
    package var utcOffsetSeconds = 0
    /// The generation then.
    package var generation = Generation(0)
    /// The worker is up.
    package var isUp = false
    /// Warden doubts itself.
    package var isDoubtful = false
    /// Health is paused by a person.
    package var isHealthPaused = false
    /// `HealthSpec.observationMark`.
    package var observationMark: UInt64 = 0
    /// While it is up: when it was started.
    package var generationStartedAt = Instant.origin
    /// The verdict then.
    package var condition = Condition.healthy
    /// Its grade.
    package var grade = Grade.proven
    /// When life last showed; `nil` before the first time.
    package var lastHeartbeat: Instant?
    /// The last progress line.
    package var lastProgress: LogFacts.Mark?
    /// Progress lines so far.
    package var progressLineCount: UInt64 = 0
    /// When its pipes were last empty.
    package var drainedAt = Instant.origin
    /// Clocks of silence do not run before this.
    package var clocksHeldUntil = Instant.origin

    /// A header of which nothing is known yet.
    package init() {}
}

/// Why a block cannot be read.
package enum RecordError: Error, Hashable, Sendable {
    /// It does not begin as a block does.
    case foreign
    /// A newer version of Warden wrote it.
    case newer(version: Int)
    /// Bytes of it are missing or are not those that were written.
    case damaged
}

extension RecordError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .foreign: "it is no record of samples"
        case .newer(let version): "it has format \(version), and this version reads up to \(RecordFormat.version)"
        case .damaged: "it is damaged"
        }
    }
}

/// The limits of recording.
package enum RecordLimits {
    /// Samples of one block.
    package static let samples = 64
    /// Bytes from which on a block is finished.
    package static let bytes = 1920
    /// Room that a block has before it has to grow.
    package static let reservedBytes = 2048
    /// Bytes of a block that are read.
    package static let readBytes = 1 << 20
    /// The longest time that a block reaches over.
    package static let span: Duration = .seconds(600)
    /// Bytes of a text.
    package static let textBytes = 96
    /// Different texts of one block; what comes beyond them is recorded as the last of them.
    package static let texts = 8
    /// Former lives or siblings of one fact.
    package static let witnesses = 8
    /// Lines that come sooner after the last ones than this, and only show life or progress, need no fact of their own.
    package static let mergedGapMicroseconds: Int64 = 60_000_000
    /// A wall clock that is off by so much was set.
    package static let clockStepMicroseconds: UInt64 = 500_000
}

extension HealthSpec {
    /// The same for settings under which the same is seen of a worker: what is read of it, how its lines are looked at,
    /// and what it is asked. A record says nothing of what would have been seen under others.
    package var observationMark: UInt64 {
        let texts = [
            "\(interval)", "\(heartbeat)", alivePattern ?? "", progressPattern ?? "", errorPattern ?? "", "\(demand)",
            "\(probe)",
        ]
        return texts.joined(separator: "\u{0}").utf8.reduce(0xCBF2_9CE4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
    }
}
