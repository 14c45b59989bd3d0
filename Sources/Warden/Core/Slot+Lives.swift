extension Slot {
    /// The process is gone: what was believed of it goes, too, but for what it looked like at each age.
    mutating func endLife(at now: Instant) {
        guard let trends = tracker?.trends else { return }
        tracker = nil
        // A life of a minute or two says nothing of growth.
        guard trends.profile.closed.count >= 3 else { return }
        formerLives.insert(trends.witness("generation \(machine.generation.number)", at: now), at: 0)
        if formerLives.count > Limits.formerLives { formerLives.removeLast() }
    }
}
