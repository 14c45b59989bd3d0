import WardenCore

/// When each rule first spoke of one series, in hours from its start; `nil`: never.
struct Alarms {
    /// Warden's verdict leaking/fds, with a `leak_horizon` of 6 days.
    var warden: Double?
    /// The same with the default horizon of 24 hours.
    var wardenByDefault: Double?
    /// monit's example: 90 % of the limit.
    var ninetyPercent: Double?
    /// Prometheus: `predict_linear(process_open_fds[6h], 24h)` above the limit.
    var predictLinear: Double?
    /// The table is full.
    var full: Double?
    /// What Warden said first.
    var reason = ""

    /// Runs every rule over a series.
    ///
    /// - Parameters:
    ///   - series: the counts.
    ///   - stepMinutes: time between them.
    ///   - formerLives: profiles that Warden compares with.
    /// - Returns: the alarms, and this life for others to be compared with.
    static func of(
        _ series: [Int32], stepMinutes: Double, formerLives: [TrendWitness] = []
    ) -> (alarms: Alarms, witness: TrendWitness) {
        var alarms = Alarms()
        var far = WardenRule(stepMinutes: stepMinutes, horizonHours: 144, formerLives: formerLives)
        var near = WardenRule(stepMinutes: stepMinutes, horizonHours: 24, formerLives: formerLives)
        var line = LinearPrediction(samples: Int(360 / stepMinutes), ahead: 1440 / stepMinutes)
        for (index, count) in series.enumerated() {
            let hour = Double(index) * stepMinutes / 60
            if far.sees(count, at: hour), alarms.warden == nil {
                alarms.warden = hour
                alarms.reason = far.tracker.verdict.reason
            }
            if alarms.wardenByDefault == nil, near.sees(count, at: hour) {
                alarms.wardenByDefault = hour
            }
            if alarms.ninetyPercent == nil, Int(count) * 10 >= Shape.limit * 9 { alarms.ninetyPercent = hour }
            if let ahead = line.add(Double(count)), ahead > Double(Shape.limit), alarms.predictLinear == nil {
                alarms.predictLinear = hour
            }
            if Int(count) >= Shape.limit {
                alarms.full = hour
                break
            }
        }
        let end = Instant(nanoseconds: Int64(Double(series.count) * stepMinutes * 60) * 1_000_000_000)
        return (alarms, far.tracker.trends.witness("generation 1", at: end))
    }
}

/// Warden's own code, through the entry that every sample takes.
struct WardenRule {
    private(set) var tracker: HealthTracker
    private var reads: UInt64 = 0

    init(stepMinutes: Double, horizonHours: Double, formerLives: [TrendWitness] = []) {
        var spec = HealthSpec()
        spec.interval = .seconds(stepMinutes * 60)
        spec.leakHorizon = .seconds(horizonHours * 3600)
        tracker = HealthTracker(spec: spec, startedAt: moment(0), formerLives: formerLives)
    }

    /// One sample; whether the verdict is a leak.
    mutating func sees(_ count: Int32, at hour: Double) -> Bool {
        reads += 1
        let now = moment(hour)
        let reading = DescriptorReading(pid: 100, count: Int(count), softLimit: Shape.limit, hardLimit: Shape.limit)
        let tree = TreeReadings(
            tightest: reading, treeRSSBytes: 400 << 20,
            io: IOReading(readBytes: reads, writtenBytes: reads, readCalls: reads, writeCalls: reads))
        _ = tracker.sampled(Sample(takenAt: now.instant, readings: .tree(tree)), isDoubtful: false, at: now)
        return tracker.verdict.condition == .leaking(.fds)
    }
}

private func moment(_ hour: Double) -> Moment {
    Moment(
        instant: Instant(nanoseconds: Int64(hour * 3600) * 1_000_000_000),
        wall: WallTime(microseconds: 1_800_000_000_000_000))
}

/// Least squares over a sliding window, and where its line will be.
struct LinearPrediction {
    private var window: [Double] = []
    private var next = 0
    private var sum = 0.0
    /// Sum of value times position, positions from 0 for the oldest.
    private var weighted = 0.0
    private let ahead: Double
    private let size: Int

    init(samples: Int, ahead: Double) {
        size = samples
        self.ahead = ahead
        window.reserveCapacity(samples)
    }

    /// - Returns: the value so far ahead; `nil` until the window is full.
    mutating func add(_ value: Double) -> Double? {
        if window.count < size {
            weighted += value * Double(window.count)
            sum += value
            window.append(value)
        } else {
            let oldest = window[next]
            weighted += value * Double(size - 1) - (sum - oldest)
            sum += value - oldest
            window[next] = value
            next = (next + 1) % size
        }
        guard window.count == size else { return nil }
        let count = Double(size)
        let middle = (count - 1) / 2
        let slope = (weighted - middle * sum) / (count * (count * count - 1) / 12)
        return sum / count + slope * (count - 1 - middle + ahead)
    }
}
