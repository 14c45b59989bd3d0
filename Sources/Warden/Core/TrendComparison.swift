/// Another life to lay beside a worker's own: of its slot, or of a sibling in its group.
package struct TrendWitness: Hashable, Codable, Sendable {
    /// How high the floors of a series stood.
    package struct Height: Hashable, Codable, Sendable {
        /// The highest floor, within a tenth.
        package var level: Int64
        /// The age at which it was reached.
        package var age: Duration
    }

    /// Whose it is, in words: `generation 3`, `ami-antenna-worker_02`.
    package var name: String
    /// How long it lived, or has lived.
    package var age: Duration
    /// Its floors by age.
    package var profile: TrendProfile
    /// How high its descriptors stood; `nil` when it did not live long enough.
    package var descriptors: Height?
    /// How high its memory stood.
    package var memory: Height?

    func height(of leak: Condition.Leak) -> Height? {
        switch leak {
        case .fds: descriptors
        case .rss: memory
        }
    }
}

/// What other lives say of growth: whether it is a way of all of them that ends by itself, or this worker's own.
struct TrendComparison: Hashable, Codable, Sendable {
    /// What follows.
    enum Opinion: Hashable, Codable, Sendable {
        /// Another stood as high and lived on without growing further: a warm-up.
        case warmUp
        /// No one to compare with, or nothing to learn from them.
        case none
        /// It stands above all the others at its age, or one that grew alike never stopped: a leak.
        case leak
    }

    private(set) var opinion: Opinion = .none
    private(set) var evidence: [Evidence] = []

    /// Up to so much above where another life came to rest is still the same warm-up. A leak passes it in the end.
    private static let alike = 1.2
    /// Another life came to rest when it went on, without rising, for so much of the time that it took to rise.
    private static let rest = 1.0 / 3
    /// So many times the others' floors at the same age stands above them.
    private static let above = 2.0
    /// Another life must have lasted so many times the present age to say how this one goes on.
    private static let older = 1.25

    /// - Parameters:
    ///   - leak: which of the series.
    ///   - own: the growing worker.
    ///   - level: where it stands now.
    ///   - witnesses: the other lives.
    init(of leak: Condition.Leak, own: TrendWitness, level: Int64, beside witnesses: [TrendWitness]) {
        for witness in witnesses {
            guard let height = witness.height(of: leak),
                Double(level) <= Double(height.level) * TrendComparison.alike
            else { continue }
            let rested = witness.age - height.age
            let isAtRest = rested.inSeconds >= height.age.inSeconds * TrendComparison.rest
            let text = "\(witness.name) stood at \(height.level) after \(height.age.spoken)"
            if isAtRest {
                opinion = .warmUp
                evidence = [Evidence(rule: "levelled_off", value: .text(text), threshold: .number(Double(level)))]
                return
            }
            guard witness.age >= own.age * TrendComparison.older else { continue }
            opinion = .leak
            evidence = [
                Evidence(rule: "never_levelled_off", value: .text(text), threshold: .number(Double(level)))
            ]
        }
        if opinion == .none { standsAbove(leak, own.profile, witnesses) }
    }

    private mutating func standsAbove(_ leak: Condition.Leak, _ own: TrendProfile, _ witnesses: [TrendWitness]) {
        let floors = own.floors(of: leak)
        guard let age = floors.indices.last, age > 0, let here = floors[age] else { return }
        let others = witnesses.compactMap { witness -> (name: String, floor: Int64)? in
            let floors = witness.profile.floors(of: leak)
            guard floors.indices.contains(age), let floor = floors[age] else { return nil }
            return (witness.name, floor)
        }
        guard let highest = others.max(by: { $0.floor < $1.floor }),
            Double(here) >= Double(highest.floor) * TrendComparison.above
        else { return }
        opinion = .leak
        evidence.append(
            Evidence(
                rule: "above_others_at_same_age", value: .number(Double(here)),
                threshold: .text("\(highest.name): \(highest.floor)")))
    }
}
