/// How hard the host is pressed: shares of the last ten seconds, in percent, from /proc/pressure.
package struct HostPressure: Hashable, Sendable {
    /// Something was ready to run and had to wait for a CPU.
    package var cpuSomePercent: Double
    /// Everything stood still for want of memory.
    package var memoryFullPercent: Double

    /// - Parameters: as the properties of the same names.
    package init(cpuSomePercent: Double, memoryFullPercent: Double) {
        self.cpuSomePercent = cpuSomePercent
        self.memoryFullPercent = memoryFullPercent
    }
}

/// Doubts of the shell about its own eyes: late turns, a host that slept, a host that is pressed.
///
/// Each is raised at once and cleared only when it has been quiet for a while, so that it does not flicker. Their words
/// stay the same while they are raised.
package struct SelfWatch: Hashable, Sendable {
    /// One doubt: its words, and until when it stays at least.
    private struct Doubt: Hashable, Sendable {
        var words: String
        var until: Instant
    }

    /// A share that is high: from when, in which words, and whether it has been so for so long that it is normal here.
    private struct Strain: Hashable, Sendable {
        var since: Instant
        var lastHighAt: Instant
        var words: String
    }

    /// `host_pressure`, in percent of the last ten seconds; `nil`: the host's pressure is not looked at.
    private let cpuLine: Double?
    private var late: Doubt?
    private var slept: Doubt?
    private var restless: Doubt?
    private var cpu: Strain?
    private var memory: Strain?
    private var suspendedBefore: Duration?

    /// - Parameter pressurePercent: `host_pressure`; `nil` for none.
    package init(pressurePercent: Double?) {
        cpuLine = pressurePercent
    }

    /// The daemon has begun.
    ///
    /// - Parameters:
    ///   - starts: how often within the last minute, this time included.
    ///   - now: the time.
    package mutating func started(_ starts: Int, at now: Instant) {
        guard starts > Limits.startsInAMinute else { return }
        restless = Doubt(
            words: "warden was started \(starts) times within a minute", until: now + Limits.doubtAfterRestlessness)
    }

    /// Whether the host's pressure matters.
    package var looksAtPressure: Bool { cpuLine != nil }

    /// The shell looks at itself, about once a second.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - dueAt: when it should have.
    ///   - suspended: how long the host has been suspended since it started.
    ///   - pressure: the last reading; `nil` where there is none.
    /// - Returns: what is wrong, in words; empty when all is well.
    package mutating func turned(
        at now: Instant, dueAt: Instant, suspended: Duration, pressure: HostPressure?
    ) -> [String] {
        let lateness = now - dueAt
        if lateness >= Limits.lateTurn {
            late = Doubt(
                words: "warden's own loop was late by \(lateness.spoken)", until: now + Limits.doubtAfterLateTurn)
        }
        let slept = suspended - (suspendedBefore ?? suspended)
        suspendedBefore = suspended
        if slept >= Limits.noticedSuspension {
            self.slept = Doubt(
                words: "the host was suspended for \(slept.spoken)", until: now + Limits.doubtAfterSuspension)
        }
        if let doubt = late, doubt.until <= now { late = nil }
        if let doubt = self.slept, doubt.until <= now { self.slept = nil }
        if let doubt = restless, doubt.until <= now { restless = nil }
        judge(pressure, at: now)
        return [restless?.words, late?.words, self.slept?.words, words(cpu, now), words(memory, now)].compactMap { $0 }
    }

    private mutating func judge(_ pressure: HostPressure?, at now: Instant) {
        guard let line = cpuLine, let pressure else {
            (cpu, memory) = (nil, nil)
            return
        }
        SelfWatch.judge(&cpu, pressure.cpuSomePercent, line: line, at: now) {
            "the host is short of CPU (something waited \($0) % of the time)"
        }
        SelfWatch.judge(&memory, pressure.memoryFullPercent, line: Limits.memoryPressurePercent, at: now) {
            "the host is short of memory (everything stood still \($0) % of the time)"
        }
    }

    /// Raised above the line, kept down to four fifths of it, and for a while below that.
    private static func judge(
        _ strain: inout Strain?, _ percent: Double, line: Double, at now: Instant, words: (Int) -> String
    ) {
        switch strain {
        case nil:
            guard percent > line else { return }
            strain = Strain(since: now, lastHighAt: now, words: words(Int(min(100, percent))))
        case .some(var held):
            if percent > line * 0.8 { held.lastHighAt = now }
            strain = now - held.lastHighAt >= Limits.doubtAfterPressure ? nil : held
        }
    }

    /// A host that is always pressed is not in trouble, it is busy: whoever never acts there is of no use.
    private func words(_ strain: Strain?, _ now: Instant) -> String? {
        guard let strain, now - strain.since < Limits.longestPressureDoubt else { return nil }
        return strain.words
    }
}
