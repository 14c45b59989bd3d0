extension Supervisor {
    /// Says the status anew, if it differs from what was said last.
    mutating func refreshStatus() {
        isStatusStale = false
        let text = statusLine()
        guard text != lastStatus else { return }
        lastStatus = text
        directives.append(.setStatus(text))
    }

    /// One line that a person can use:
    /// `3 workers: 2 healthy, 1 dark (ami-antenna-worker_01 emfile, restarting)`, then the last outcome, then doubts.
    mutating func statusLine() -> String {
        var counts: [(word: String, count: Int, details: [String])] = []
        for id in order {
            guard let position = slots.position(of: id) else { continue }
            let (word, detail) = respawnWord(id) ?? slots.change(at: position, { $0.statusWord })
            if let position = counts.firstIndex(where: { $0.word == word }) {
                counts[position].count += 1
                if let detail { counts[position].details.append(detail) }
            } else {
                counts.append((word, 1, detail.map { [$0] } ?? []))
            }
        }
        counts.sort { (Supervisor.rank($0.word), $0.word) < (Supervisor.rank($1.word), $1.word) }
        let parts = counts.map { entry in
            let shown = entry.details.prefix(Limits.statusNames).joined(separator: "; ")
            let more = entry.details.count - Limits.statusNames
            let details = shown.isEmpty ? "" : " (\(shown)\(more > 0 ? "; \(more) more" : ""))"
            return "\(entry.count) \(entry.word)\(details)"
        }
        let noun = order.count == 1 ? "worker" : "workers"
        var line = "\(order.count) \(noun)" + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
        switch mood {
        case .running, .ending(.upgrade, _), .ended(.upgrade): break
        case .ending(.shutdown, _), .ended(.shutdown): line = "stopping; " + line
        case .ending(.failure, _), .ended(.failure): line = "stopping, \(endReason ?? "failed"); " + line
        case .ending(.restart, _), .ended(.restart): line = "restarting; " + line
        }
        if !refused.isEmpty { line += "; not started, errors in the configuration: " + refused.shown }
        line += drillStatus
        if isShadow { line += "; shadow: nothing is acted on" }
        if let lastOutcome { line += "; last: \(lastOutcome)" }
        if !localHealth.shortages.isEmpty { line += "; short: " + localHealth.shortages.joined(separator: ", ") }
        if !localHealth.doubts.isEmpty { line += "; degraded: " + localHealth.doubts.joined(separator: ", ") }
        return line
    }

    /// The good first, then the bad.
    private static func rank(_ word: String) -> Int {
        ["healthy", "running", "starting", "waiting", "stopped", "stopping"].firstIndex(of: word) ?? 9
    }
}

extension [String] {
    /// The first few, and how many more there are.
    fileprivate var shown: String {
        let more = count - Limits.statusNames
        return prefix(Limits.statusNames).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }
}

extension Slot {
    /// What the status line says of it: the word that it is counted under, and what is added in brackets.
    var statusWord: (String, String?) {
        let name = spec.name.process
        let pending = policy.pendingAction(at: nil)
        if machine.awaitedStart != nil, !machine.heldBy.isEmpty {
            return ("waiting", "\(name) for \(machine.heldBy.joined(separator: ", "))")
        }
        switch machine.processState {
        case .running, .starting:
            guard let verdict = tracker?.verdict else { return ("running", nil) }
            if let cause = verdict.condition.causeName {
                let details = [name + " " + cause, pending, isHealthPaused ? "health paused" : nil]
                return (verdict.condition.className, details.compactMap { $0 }.joined(separator: ", "))
            }
            return (verdict.condition.className, pending.map { "\(name), \($0)" })
        case .stopping:
            guard let incident = policy.incident else { return ("stopping", nil) }
            let condition = incident.verdict.condition
            return (condition.className, "\(name) \(condition.causeName ?? ""), restarting")
        case .stopped: return ("stopped", nil)
        case .exited: return ("exited", name)
        case .backoff: return ("in backoff", name)
        case .fatal: return ("fatal", name)
        case .unknown: return ("in an unknown state", name)
        }
    }
}
