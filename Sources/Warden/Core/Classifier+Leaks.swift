extension Classifier {
    /// Past `fd_dark` (strong) or `fd_warning` (weak) and not failing yet; or on the way to the limit within
    /// `leak_horizon`: strong when other lives confirm it or a line is crossed, too, weak by the trend alone.
    package static func descriptorLeak(
        _ window: HealthWindow, _ spec: HealthSpec, isDarkConfirmed: Bool, isWarningConfirmed: Bool,
        trends: WorkerTrends?, at now: Instant
    ) -> Finding? {
        guard let tightest = window.readings?.tightest else { return nil }
        let (used, limit) = (tightest.count, tightest.softLimit)
        let isDark = isDarkConfirmed && spec.descriptorDark.isReached(count: used, limit: limit)
        let isWarning = isWarningConfirmed && spec.descriptorWarning.isReached(count: used, limit: limit)
        let forecast = trends?.descriptorForecast(tightest)
        let leak = approach(forecast, spec, of: .fds, level: Int64(used), trends, at: now)
        guard isDark || isWarning || leak != nil else { return nil }
        var evidence: [Evidence] = []
        if isDark || isWarning {
            evidence.append(
                Evidence(
                    rule: isDark ? "fd_dark" : "fd_warning", value: .number(Double(used)),
                    threshold: .text(line(isDark ? spec.descriptorDark : spec.descriptorWarning, limit))))
        }
        evidence += leak?.evidence ?? []
        let growth = trends?.fingerprint.growth ?? []
        let full = forecast.map {
            ", +\(LeakFingerprint.tenths($0.perHour)) an hour for \($0.observed.spoken), "
                + "full in about \(max(.zero, $0.reachesAt - now).spoken)"
        }
        let kinds = growth.first.flatMap { if case .text(let text) = $0.value { "; \(text)" } else { nil } }
        return Finding(
            condition: .leaking(.fds), grade: isDark || leak != nil && isWarning ? .strong : leak?.grade ?? .weak,
            evidence: evidence + growth,
            reason: "\(used) of \(limit) descriptors used (pid \(tightest.pid))\(full ?? "")\(kinds ?? "")")
    }

    /// Past `rss_warning`; or on the way to `rss_limit` within `leak_horizon`. Without a limit there is nothing that
    /// memory could reach, so growth alone is no verdict.
    package static func memoryLeak(
        _ tree: TreeReadings, _ spec: HealthSpec, isWarningConfirmed: Bool, trends: WorkerTrends?, at now: Instant
    ) -> Finding? {
        let resident = memory(tree, spec)
        let forecast = spec.rssLimitBytes.flatMap { trends?.memoryForecast(limit: $0) }
        let leak = approach(forecast, spec, of: .rss, level: resident, trends, at: now)
        guard isWarningConfirmed || leak != nil else { return nil }
        var evidence: [Evidence] = []
        var reason = "\(bytes(resident)) resident"
        if isWarningConfirmed, let warning = spec.rssWarningBytes, resident > warning {
            evidence.append(
                Evidence(rule: "rss_warning", value: .number(Double(resident)), threshold: .number(Double(warning))))
            reason += ", warning at \(bytes(warning))"
        }
        if let leak, let forecast, let limit = spec.rssLimitBytes {
            evidence += leak.evidence
            reason +=
                ", +\(bytes(Int64(forecast.perHour))) an hour for \(forecast.observed.spoken), "
                + "over rss_limit (\(bytes(limit))) in about \(max(.zero, forecast.reachesAt - now).spoken)"
        }
        guard !evidence.isEmpty else { return nil }
        return Finding(
            condition: .leaking(.rss), grade: leak?.grade ?? .weak, evidence: evidence, reason: reason)
    }

    /// Whether `rss_warning` is passed in this sample.
    static func isPastMemoryWarning(_ tree: TreeReadings, _ spec: HealthSpec) -> Bool {
        spec.rssWarningBytes.map { memory(tree, spec) > $0 } ?? false
    }

    /// Exhaustion within `leak_horizon`, unless other lives call it a warm-up.
    private static func approach(
        _ forecast: TrendForecast?, _ spec: HealthSpec, of leak: Condition.Leak, level: Int64, _ trends: WorkerTrends?,
        at now: Instant
    ) -> (grade: Grade, evidence: [Evidence])? {
        guard let forecast, let trends else { return nil }
        let left = max(.zero, forecast.reachesAt - now)
        guard left <= spec.leakHorizon else { return nil }
        let comparison = trends.comparison(of: leak, level: level, at: now)
        if comparison.opinion == .warmUp { return nil }
        let perHour = Double(Int64(forecast.perHour * 10 + 0.5)) / 10
        return (
            comparison.opinion == .leak ? .strong : .weak,
            [
                Evidence(
                    rule: "leak_horizon", value: .number(Double(Int64(left.inSeconds))),
                    threshold: .number(spec.leakHorizon.inSeconds)),
                Evidence(rule: "growth_per_hour", value: .number(perHour), threshold: .number(0)),
                Evidence(
                    rule: "observed_span", value: .number(Double(Int64(forecast.observed.inSeconds))),
                    threshold: .number(Double(Int64(left.inSeconds / 3)))),
            ] + comparison.evidence
        )
    }
}
