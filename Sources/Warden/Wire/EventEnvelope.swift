package import WardenCore

/// An event as a listener reads it: supervisord's header line and the payload.
package enum EventEnvelope {
    /// The whole of it.
    ///
    /// - Parameters:
    ///   - event: the event as its pool has numbered it.
    ///   - server: `identifier` of `[supervisord]`.
    /// - Returns: what is written to the listener's standard input.
    package static func bytes(_ event: PoolEvent, server: String) -> [UInt8] {
        let payload = payload(of: event.announcement)
        // Python counts the scalars of a text; a listener that reads text does so too.
        let length =
            switch event.lengthUnit {
            case .characters: payload.unicodeScalars.count
            case .bytes: payload.utf8.count
            }
        let header =
            "ver:3.0 server:\(server) serial:\(event.serial) pool:\(event.pool) "
            + "poolserial:\(event.poolSerial) eventname:\(event.announcement.eventType.rawValue) len:\(length)\n"
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.utf8.count + payload.utf8.count)
        bytes.append(contentsOf: header.utf8)
        bytes.append(contentsOf: payload.utf8)
        return bytes
    }

    /// What follows the header.
    package static func payload(of announcement: Announcement) -> String {
        switch announcement {
        case .processState(let name, let state, let from, let pid, let tries, let isExpected):
            let head = "\(prefix(name)) from_state:\(from.word)"
            switch state {
            case .starting, .backoff: return "\(head) tries:\(tries)"
            case .exited: return "\(head) expected:\(isExpected ? 1 : 0) pid:\(pid ?? 0)"
            case .running, .stopping, .stopped: return "\(head) pid:\(pid ?? 0)"
            case .fatal, .unknown: return head
            }
        case .groupAdded(let name), .groupRemoved(let name): return "groupname:\(name)\n"
        case .supervisorRunning, .supervisorStopping: return ""
        case .tick(_, let when): return "when:\(when)"
        case .remote(let type, let data): return "type:\(type)\n\(data)"
        case .output(let name, let pid, let channel, .log, let text):
            return "\(prefix(name)) pid:\(pid) channel:\(channel.rawValue)\n\(text)"
        case .output(let name, let pid, _, .communication, let text):
            return "\(prefix(name)) pid:\(pid)\n\(text)"
        case .health(let name, let verdict): return "\(prefix(name)) \(words(of: verdict))\n\(verdict.reason)"
        case .action(let alert): return payload(of: alert)
        }
    }

    private static func prefix(_ name: SlotName) -> String {
        "processname:\(name.process) groupname:\(name.group)"
    }

    // Listeners split the line at spaces and each word at its colon: no value may have either.
    private static func words(of verdict: Verdict) -> String {
        let condition = verdict.condition
        return "class:\(condition.className) cause:\(condition.causeName ?? "none") grade:\(verdict.grade.rawValue)"
            + (verdict.isDrill ? " drill:1" : "")
    }

    private static func payload(of alert: Alert) -> String {
        let incident = alert.incident
        let head = "\(prefix(incident.worker)) incident:\(incident.id) phase:\(alert.phase.rawValue)"
        let outcome = incident.outcome?.name ?? "pending"
        return "\(head) action:\(incident.action.rawValue) \(words(of: incident.verdict)) outcome:\(outcome)\n"
            + incident.verdict.reason
    }
}
