import WardenCore

/// One key of a health section, understood.
struct HealthSetting {
    var key: String
    var place: Place
    var apply: (inout HealthSpec) -> Void
}

/// Every `[health…]` section, parsed once and applied to each program that it is about.
struct HealthSections {
    private(set) var defaults: [HealthSetting] = []
    private(set) var named: [String: [HealthSetting]] = [:]

    mutating func setDefaults(_ settings: [HealthSetting]) {
        defaults = settings
    }

    mutating func set(_ name: String, _ settings: [HealthSetting]) {
        named[name] = settings
    }

    /// Whether a `[health:NAME]` has this name.
    func names(_ name: String) -> Bool {
        named[name] != nil
    }

    /// `[health]`, over it the group's section, over that the program's, key by key.
    func spec(program: String, group: String) -> HealthSpec {
        var spec = HealthSpec()
        let own = program == group ? [] : named[program] ?? []
        for setting in defaults + (named[group] ?? []) + own { setting.apply(&spec) }
        return spec
    }

    /// `max_unavailable` counts per group, so a program's own section has no say in it.
    func share(group: String) -> Share {
        spec(program: group, group: group).maximumUnavailable
    }
}

extension Loading {
    mutating func healthSections() -> HealthSections {
        var result = HealthSections()
        if let section = document.section("health") { result.setDefaults(healthSettings(section)) }
        for section in document.sections("health:") {
            let name = (section.argument ?? "").trimmed
            result.set(name, healthSettings(section))
        }
        for section in document.sections("health:") + [document.section("health")].compactMap({ $0 }) {
            checkTogether(section, result)
        }
        return result
    }

    private mutating func healthSettings(_ section: Section) -> [HealthSetting] {
        let view = view(of: section, .warden)
        // `on_…` keys and the others are independent of each other, so any fixed order will do.
        return section.entries.keys.sorted().compactMap { key in
            guard let entry = section.entries[key], let parse = HealthKeys.all[key],
                let apply = readOptional(key, view, parse)
            else { return nil }
            return HealthSetting(key: key, place: entry.place, apply: apply)
        }
    }

    /// What can only be judged when the keys of all levels are there.
    private mutating func checkTogether(_ section: Section, _ sections: HealthSections) {
        let name = section.name == "health" ? "" : (section.argument ?? "").trimmed
        let spec = sections.spec(program: name, group: name)
        let view = view(of: section, .warden)
        func has(_ keys: String...) -> String? { keys.first { section.entries[$0] != nil } }
        if case .percentUsed(let warning) = spec.descriptorWarning, case .percentUsed(let dark) = spec.descriptorDark,
            warning >= dark, let key = has("fd_warning", "fd_dark")
        {
            warn(key, view, "fd_warning is not below fd_dark, so nothing warns before a worker is dark")
        }
        if let warning = spec.rssWarningBytes, let limit = spec.rssLimitBytes, warning >= limit,
            let key = has("rss_warning", "rss_limit")
        {
            warn(key, view, "rss_warning is not below rss_limit, so nothing warns before a worker is bloated")
        }
        if spec.probe != .none, spec.probeTimeout > spec.probeInterval, let key = has("probe_timeout", "probe_interval")
        {
            error(key, view, "probe_timeout is longer than probe_interval")
        }
        if spec.drainCommand == nil, spec.drainSignal == nil,
            Condition.precedence.contains(where: { spec.actions[$0] == .drain }),
            let key = has("on_leaking", "on_dark", "on_hung", "on_bloated")
        {
            warn(key, view, "drain without drain_command or drain_signal is a plain restart")
        }
        if spec.respawn.gpuWait != nil, let key = has("gpu_wait"), !host.hasNVML() {
            warn(key, view, "this host has no NVML (libnvidia-ml.so.1), so no start waits for a GPU")
        }
        if spec.progressTimeout != nil, spec.progressPattern == nil, let key = has("progress_timeout") {
            warn(key, view, "has no effect without progress_pattern")
        }
    }

    /// After all programs and groups have been read.
    mutating func warnOfUnmatchedHealthSections() {
        for section in document.sections("health:") {
            let name = (section.argument ?? "").trimmed
            if healthNames.contains(name) {
                if groupIndices[name] == nil, section.entries["max_unavailable"] != nil {
                    warn("max_unavailable", view(of: section, .warden), "counts per group; write it in [health:GROUP]")
                }
                continue
            }
            let hint = Spelling.suggestion(for: name, among: healthNames.sorted())
            diagnostics.warn(section.place, "[\(section.name)] matches no program and no group\(hint)")
        }
    }

    /// An error when a pattern does not compile.
    mutating func check(pattern: String, _ key: String, _ view: SectionView) {
        do {
            try Values.checkPattern(pattern, host)
        } catch {
            self.error(key, view, error.message)
        }
    }
}

extension Values {
    static func checkPattern(_ pattern: String, _ host: ConfigurationHost) throws(ValueError) {
        if let failure = host.compilePattern(pattern) {
            throw ValueError("bad pattern at offset \(failure.offset): \(failure.message) in \(quoted(pattern))")
        }
    }
}
