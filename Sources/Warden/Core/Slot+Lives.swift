extension Slot {
    /// The process is gone: what was believed of it goes, too, but for what it looked like at each age.
    mutating func endLife() {
        guard let profile = tracker?.trends.profile else { return }
        tracker = nil
        // A life of a minute or two says nothing of growth.
        guard profile.closed.count >= 3 else { return }
        let name = "generation \(machine.generation.number)"
        formerLives.insert(TrendWitness(name: name, profile: profile), at: 0)
        if formerLives.count > Limits.formerLives { formerLives.removeLast() }
    }
}
