import WardenCore

/// What goes wrong in one world, and how often: drawn per seed. Each kind of fault is on in about half of the worlds,
/// so that each is also met without the others.
struct Weather {
    /// Of a start: it fails.
    var spawnError = 0.0
    /// Of a start: execve(2) is not reached in time.
    var spawnStuck = 0.0
    /// Of a sample: it is not taken.
    var missedSample = 0.0
    /// Of a sample: errno, or files of which half could be read.
    var tornSample = 0.0
    /// Of an answer (census, waits, forensics, first aid, demand, probe, hook): it never comes.
    var lostAnswer = 0.0
    /// Of an answer: it comes as late as it may.
    var lateAnswer = 0.0
    /// Of a sweep: a burst of lines.
    var logBurst = 0.0
    /// Between two stalls of the sampler, the pump or the shell, in hours; `nil` for none.
    var stallHours: Double?
    /// Between two steps of the wall clock or suspensions of the host, in hours.
    var clockHours: Double?
    /// Between two acts of the world on a single worker (SIGSTOP, SIGKILL, old news), in hours.
    var harmHours: Double?
    /// Between two acts of people, in hours.
    var peopleHours: Double?
    /// Between two causes that several workers share, in hours.
    var sharedHours: Double?
    /// Between two times in which the disk is full.
    var diskHours: Double?
    /// Of a life: it is ill, or will be.
    var illness = 0.3
    /// Of a worker: it is ill in the same way after each start, for a while.
    var curse = 0.0
    /// A configuration that was changed is read now and then.
    var isReconfigured = false

    init(seed: UInt64) {
        var dice = Dice(seed: seed ^ 0x5EA7)
        func sometimes(_ most: Double) -> Double { dice.fraction() < 0.5 ? 0 : most * dice.fraction() }
        func hours(_ from: Double, _ to: Double) -> Double? {
            dice.fraction() < 0.4 ? nil : from + (to - from) * dice.fraction()
        }
        spawnError = sometimes(0.1)
        spawnStuck = sometimes(0.05)
        missedSample = sometimes(0.1)
        tornSample = sometimes(0.05)
        lostAnswer = sometimes(0.2)
        lateAnswer = sometimes(0.5)
        logBurst = sometimes(0.02)
        stallHours = hours(1, 12)
        clockHours = hours(2, 24)
        harmHours = hours(0.3, 4)
        peopleHours = hours(0.3, 6)
        sharedHours = hours(4, 24)
        diskHours = hours(12, 48)
        illness = 0.1 + 0.5 * dice.fraction()
        curse = sometimes(0.2)
        isReconfigured = dice.fraction() < 0.5
    }
}

/// Events and directives as one number, and the last of them as text when somebody wants to read them.
struct Trace {
    /// Equal for equal traces, in every process: FNV-1a over what happened and when.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// The last lines; kept only when `keeps` says so, because text costs more than the core.
    private(set) var tail: [String] = []
    let keeps: Int

    /// - Parameter keeps: how many lines to remember.
    init(keeps: Int) { self.keeps = keeps }

    mutating func fold(_ number: UInt64) { digest = (digest ^ number) &* 0x0000_0100_0000_01B3 }

    mutating func fold(_ text: String, at clock: Instant) {
        for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        fold(UInt64(bitPattern: clock.nanoseconds))
        guard keeps > 0 else { return }
        if tail.count >= keeps * 2 { tail.removeFirst(keeps) }
        tail.append("\(clock.nanoseconds / 1_000_000) ms  \(text.prefix(300))")
    }
}
