/// What a generation's floors were at the ages 1, 2, 4, 8 … minutes: enough to lay one life beside another.
package struct TrendProfile: Hashable, Sendable {
    /// The lowest readings between half an age and that age.
    package struct Floor: Hashable, Sendable {
        /// Descriptors of the process with the least headroom.
        package var descriptors: Int32 = .max
        /// Resident bytes.
        package var memoryBytes: Int64 = .max
    }

    /// Ages that are remembered: up to 32 days at the default interval, then the last one stays open.
    private static let levels = 16

    /// The floors of the ages that have passed.
    package private(set) var closed: [Floor] = []
    private var open = Floor()
    private var closesAfter: Duration
    private let startedAt: Instant

    /// - Parameters:
    ///   - interval: time between samples. The first age is 12 of them: a minute by default.
    ///   - startedAt: when the generation was started.
    package init(interval: Duration, startedAt: Instant) {
        closesAfter = max(interval, .milliseconds(1)) * 12
        self.startedAt = startedAt
    }

    /// A sample was read.
    ///
    /// - Returns: whether an age has passed.
    package mutating func record(descriptors: Int?, memoryBytes: Int64, at instant: Instant) -> Bool {
        var isPassed = false
        while instant - startedAt > closesAfter, closed.count < TrendProfile.levels {
            closed.append(open)
            open = Floor()
            closesAfter = closesAfter * 2
            isPassed = true
        }
        if let descriptors { open.descriptors = min(open.descriptors, Int32(clamping: descriptors)) }
        open.memoryBytes = min(open.memoryBytes, memoryBytes)
        return isPassed
    }

    /// The floors of one series at the ages that have passed; `nil` where nothing was read.
    func floors(of leak: Condition.Leak) -> [Int64?] {
        closed.map { floor in
            switch leak {
            case .fds: floor.descriptors == .max ? nil : Int64(floor.descriptors)
            case .rss: floor.memoryBytes == .max ? nil : floor.memoryBytes
            }
        }
    }
}

/// Another life to lay beside a worker's own: of its slot, or of a sibling in its group.
package struct TrendWitness: Hashable, Sendable {
    /// Whose it is, in words: `its life before`, `ami-antenna-worker_02`.
    package var name: String
    /// Its floors by age.
    package var profile: TrendProfile

    /// - Parameters: as the properties of the same names.
    package init(name: String, profile: TrendProfile) {
        self.name = name
        self.profile = profile
    }
}

/// What other lives say of growth: whether it is a way of all of them that ends by itself, or this worker's own.
struct TrendComparison: Hashable, Sendable {
    /// What follows.
    enum Opinion: Hashable, Sendable {
        /// Others stood as high at that age, and then levelled off: a warm-up.
        case warmUp
        /// No one to compare with, or nothing to learn from them.
        case none
        /// It stands above all the others, or they grew alike until they ended: a leak.
        case leak
    }

    var opinion: Opinion = .none
    var evidence: [Evidence] = []

    /// At least so far above the others is above them.
    private static let above = 2.0
    /// At least so much of the others is as high as they.
    private static let alike = 0.75
    /// Up to so much above its floor at the same age, a life has levelled off.
    private static let level = 1.3

    /// - Parameters:
    ///   - leak: which of the series.
    ///   - own: the growing worker's floors.
    ///   - level: where it stands now.
    ///   - witnesses: the other lives.
    init(of leak: Condition.Leak, own: TrendProfile, level: Int64, beside witnesses: [TrendWitness]) {
        let floors = own.floors(of: leak)
        guard let age = floors.indices.last, age > 0, let here = floors[age] else { return }
        var highest: (name: String, floor: Int64)?
        var settled: Evidence?
        var grew: Evidence?
        for witness in witnesses {
            let others = witness.profile.floors(of: leak)
            guard others.indices.contains(age), let then = others[age] else { continue }
            if then > highest?.floor ?? -1 { highest = (witness.name, then) }
            guard Double(then) >= Double(here) * TrendComparison.alike else { continue }
            // An age later at least, or nothing is known of what became of it.
            guard let later = others.suffix(from: age + 1).compactMap({ $0 }).max() else { continue }
            if Double(later) <= Double(max(then, level)) * TrendComparison.level {
                settled = Evidence(
                    rule: "levelled_off_before", value: .text("\(witness.name): \(then), later \(later)"),
                    threshold: .number(Double(level)))
            } else {
                grew = Evidence(
                    rule: "grew_before", value: .text("\(witness.name): \(then), later \(later)"),
                    threshold: .number(Double(level)))
            }
        }
        guard let highest else { return }
        if let settled, grew == nil {
            (opinion, evidence) = (.warmUp, [settled])
        } else if let grew, settled == nil {
            (opinion, evidence) = (.leak, [grew])
        } else if settled == nil, Double(here) >= Double(highest.floor) * TrendComparison.above {
            opinion = .leak
            evidence = [
                Evidence(
                    rule: "above_others_at_same_age", value: .number(Double(here)),
                    threshold: .text("\(highest.name): \(highest.floor)"))
            ]
        }
    }
}
