extension Supervisor {
    /// Has a worker's descriptors counted by kind.
    mutating func takeCensus(of id: SlotID) {
        guard let worker = slots[id]?.worker else { return }
        directives.append(.takeCensus(worker))
    }

    /// A verdict began: where it is about something that grows, look what grows.
    mutating func growthMoved(_ id: SlotID, _ verdict: Verdict) {
        switch verdict.condition {
        case .leaking(.fds), .dark: takeCensus(of: id)
        case .starting, .healthy, .leaking, .hung, .bloated, .paused, .unknown: break
        }
    }

    /// Lays a growing worker beside its siblings, before it is judged.
    mutating func compareWithSiblings(_ id: SlotID, at now: Moment) {
        guard let slot = slots[id], let group = groups[slot.spec.name.group] else { return }
        var witnesses: [TrendWitness] = []
        for sibling in group.slots where sibling != id && witnesses.count < Limits.comparedSiblings {
            guard let position = slots.position(of: sibling), let trends = slots.entries[position].tracker?.trends
            else { continue }
            witnesses.append(trends.witness(slots.entries[position].spec.name.process, at: now.instant))
        }
        _ = withSlot(id) { $0.tracker?.compare(with: witnesses) }
        note(.siblings(witnesses), of: id, at: now)
    }

    /// A leak's restart can be chosen: it waits for an idle moment, and people are told.
    mutating func plan(_ id: SlotID, _ verdict: Verdict, latest: Instant, at now: Moment, dice: inout Dice) {
        let latest: Instant? = latest == .distantFuture ? nil : latest
        let isNews = withSlot(id) { $0.policy.planned(verdict, latest: latest, at: now.instant) } ?? false
        guard isNews else { return }
        isStatusStale = true
        alert(id, verdict, heldBackBy: "planned for an idle moment", at: now, dice: &dice)
    }
}

extension Slot {
    /// When the restart of a leaking worker has to be decided at the latest, if it can still wait for an idle moment.
    ///
    /// - Returns: `nil` when now is the time: it is between two jobs, `fd_dark` is passed, the limit is near, or there
    ///   is no way to see when it is idle and only a line that was crossed to go by. `.distantFuture`: no time is
    ///   known.
    func latestTimeForPlannedRestart(at now: Instant) -> Instant? {
        guard let tracker, case .leaking(let leak) = tracker.verdict.condition else { return nil }
        let (window, health) = (tracker.window, spec.health)
        if window.demand == .zero { return nil }
        if let progress = window.lastProgress, now - progress.at <= Limits.idleMoment { return nil }
        let forecast: TrendForecast?
        switch leak {
        case .fds:
            guard let tightest = window.readings?.tightest,
                !health.descriptorDark.isReached(count: tightest.count, limit: tightest.softLimit)
            else { return nil }
            forecast = tracker.trends.descriptorForecast(tightest)
        case .rss:
            forecast = health.rssLimitBytes.flatMap { tracker.trends.memoryForecast(limit: $0) }
        }
        guard let forecast else {
            let showsIdleness = health.progressPattern != nil || health.demand != .none
            return showsIdleness ? .distantFuture : nil
        }
        let latest = forecast.reachesAt - health.leakHorizon / 10
        return latest > now ? latest : nil
    }
}

extension HealthTracker {
    /// What grew until a worker was looked over, if it is ended for something that grows.
    func growthOfKinds(until forensics: Forensics?, in incident: Incident?) -> [Evidence] {
        guard let forensics, !forensics.descriptorKinds.isEmpty, let incident else { return [] }
        switch incident.verdict.condition {
        case .leaking(.fds), .dark(.emfile): break
        case .starting, .healthy, .leaking, .dark, .hung, .bloated, .paused, .unknown: return []
        }
        var fingerprint = trends.fingerprint
        guard fingerprint.hasBaseline else { return [] }
        fingerprint.counted(forensics.descriptorKinds, progressLines: window.progressLineCount)
        let known = Set(incident.verdict.evidence)
        return fingerprint.growth.filter { !known.contains($0) }
    }
}
