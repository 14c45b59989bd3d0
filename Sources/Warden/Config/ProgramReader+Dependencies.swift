import WardenCore

/// Warden's own keys of a program: what it waits for, when it counts as started, and what follows its end.
extension ProgramReader {
    mutating func readOwnKeys(into spec: inout SupervisionSpec, _ loading: inout Loading) {
        spec.dependsOn = dependencies(&loading)
        spec.restartDelay = loading.readOptional("restart_delay", view, Values.positiveDuration)
        spec.maximumBackoff = loading.readOptional("max_backoff", view, Values.positiveDuration)
        if let first = spec.restartDelay, let longest = spec.maximumBackoff, first > longest {
            loading.warn("max_backoff", view, "is shorter than restart_delay, which is what every restart waits for")
        }
        spec.isEssential = loading.read("essential", view, default: false, Values.boolean)
        readReadiness(into: &spec, &loading)
    }

    private func dependencies(_ loading: inout Loading) -> [String] {
        let sections = ["group:", "program:", "fcgi-program:"]
        let known = sections.flatMap { loading.document.sections($0) }.compactMap(\.argument)
        var names: [String] = []
        for name in loading.read("depends_on", view, default: [], Values.list) where !name.isEmpty {
            if !known.contains(name) {
                let hint = Spelling.suggestion(for: name, among: known)
                loading.error("depends_on", view, "there is no program or group \(quoted(name))\(hint)")
            } else if !names.contains(name) {
                names.append(name)
            }
        }
        return names
    }

    private func readReadiness(into spec: inout SupervisionSpec, _ loading: inout Loading) {
        spec.readiness = loading.read("ready", view, default: .startSeconds, Values.readiness)
        switch spec.readiness {
        case .startSeconds: return
        case .line(let pattern): loading.check(pattern: pattern, "ready", view)
        case .probe:
            if loading.health.spec(program: program, group: group).probe == .none {
                loading.error("ready", view, "there is no probe; add probe=… to [health:\(program)]")
            }
        case .notify: break
        }
        // A second, supervisord's default, is a time-out that hardly a program that needs a readiness would meet.
        if view.entry("startsecs") == nil { spec.startSeconds = ConfigLimits.readinessTimeout }
    }
}

/// `depends_on` of all programs together.
extension Loading {
    /// Programs that wait for each other would wait for ever: an error at each of them.
    mutating func refuseCycles() {
        let sections = ["program:", "fcgi-program:"].flatMap { document.sections($0) }
        var needs: [String: [String]] = [:]
        for section in sections {
            guard let name = section.argument, let value = section.entries["depends_on"]?.value else { continue }
            needs[name] = value.split(at: ",").flatMap { programs(named: $0) }
        }
        for section in sections {
            guard let name = section.argument, let path = path(from: name, to: name, needs) else { continue }
            let text = path.map { quoted($0) }.joined(separator: " depends on ")
            let before = diagnostics.errorCount
            defer { refuse(name, since: before) }
            error("depends_on", view(of: section), "a cycle, in which nothing could ever start: \(text)")
        }
    }

    /// The programs of a group, and the program, so called.
    private func programs(named name: String) -> [String] {
        let group = document.section("group:" + name)?.entries["programs"]?.value.split(at: ",") ?? []
        return group + (group.contains(name) ? [] : [name])
    }

    /// The shortest way from a program back to itself.
    private func path(from start: String, to end: String, _ needs: [String: [String]]) -> [String]? {
        var paths: [[String]] = [[start]]
        var seen: Set<String> = []
        var position = 0
        while position < paths.count {
            let path = paths[position]
            position += 1
            for next in needs[path.last ?? start] ?? [] {
                if next == end { return path + [end] }
                if seen.insert(next).inserted { paths.append(path + [next]) }
            }
        }
        return nil
    }
}
