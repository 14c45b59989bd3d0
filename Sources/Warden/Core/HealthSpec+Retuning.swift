extension HealthSpec {
    /// Whether a worker that was started with these settings can go on with others: they differ in nothing that was set
    /// up with its process (what is read of it, and how its lines are looked at) or that it is being asked.
    ///
    /// - Parameter other: the settings to go on with.
    func canBecome(_ other: HealthSpec) -> Bool {
        var retuned = other
        retuned.enabled = enabled
        retuned.interval = interval
        retuned.heartbeat = heartbeat
        retuned.alivePattern = alivePattern
        retuned.progressPattern = progressPattern
        retuned.errorPattern = errorPattern
        retuned.forensicsSignal = forensicsSignal
        retuned.demand = demand
        retuned.probe = probe
        return retuned == other
    }
}

extension ProgramSpec {
    /// Whether a worker of this specification can go on under another: at most thresholds, times and actions of its
    /// health differ.
    ///
    /// - Parameter other: the specification to go on with.
    func canBecome(_ other: ProgramSpec) -> Bool {
        guard health.canBecome(other.health) else { return false }
        var retuned = self
        retuned.health = other.health
        return retuned == other
    }
}

extension Slot {
    /// The worker goes on under another specification that it can become.
    mutating func retune(_ spec: ProgramSpec) {
        sharedSpec = Shared(spec)
        tracker?.retune(spec.health)
    }
}
