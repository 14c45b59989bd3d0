package import WardenCore

/// Something that happened, for those who watch the daemon from outside.
package struct DaemonEvent: Hashable, Sendable {
    /// What.
    package enum Kind: Hashable, Sendable {
        /// A change of state, a verdict, a group, the daemon itself.
        case announcement(Announcement)
        /// An incident opened, closed or resolved.
        case alert(Alert)
    }

    /// Counts up from 1 in one life of the daemon.
    package var number: UInt64
    /// When.
    package var at: WallTime
    /// What.
    package var kind: Kind

    /// - Parameters: as the properties of the same names.
    package init(number: UInt64, at: WallTime, kind: Kind) {
        self.number = number
        self.at = at
        self.kind = kind
    }

    /// The event's type and body: `{"at":…,"type":"state","worker":"g:x","state":"RUNNING",…}`.
    ///
    /// `nil` for what is meant for event listeners alone: ticks, output, messages of their own.
    package var json: (type: String, body: JSONValue)? {
        let (type, object): (String, JSONObject)
        switch kind {
        case .announcement(let announcement):
            guard let told = Self.told(announcement) else { return nil }
            (type, object) = told
        case .alert(let alert):
            type = "incident"
            object = ["phase": .string(alert.phase.rawValue), "incident": alert.incident.json()]
        }
        let head: JSONObject = ["at": .string(at.rfc3339), "type": .string(type)]
        return (type, .object(JSONObject(members: head.members + object.members)))
    }

    /// As server-sent events have it, with the empty line at its end.
    ///
    /// - Parameter life: tells this life of the daemon from others in the id.
    package func bytes(life: String) -> [UInt8]? {
        guard let (type, body) = json else { return nil }
        // JSON has no line breaks of its own: one data line holds it.
        return Array("id: \(life)-\(number)\nevent: \(type)\ndata: ".utf8) + body.encoded() + Array("\n\n".utf8)
    }

    private static func told(_ announcement: Announcement) -> (String, JSONObject)? {
        switch announcement {
        case .processState(let name, let state, let from, let pid, _, let isExpected):
            var object: JSONObject = [
                "worker": .string(name.qualified), "state": .string(state.word), "from": .string(from.word),
                "pid": pid.map { .integer(Int64($0)) } ?? .null,
            ]
            if state == .exited { object["expected"] = .bool(isExpected) }
            return ("state", object)
        case .health(let name, let verdict):
            return (
                "health",
                [
                    "worker": .string(name.qualified), "class": .string(verdict.condition.className),
                    "cause": JSONValue(verdict.condition.causeName), "grade": .string(verdict.grade.rawValue),
                    "reason": .string(verdict.reason),
                ]
            )
        case .groupAdded(let group): return ("group", ["group": .string(group), "change": .string("added")])
        case .groupRemoved(let group): return ("group", ["group": .string(group), "change": .string("removed")])
        case .supervisorRunning: return ("daemon", ["state": .string("running")])
        case .supervisorStopping: return ("daemon", ["state": .string("stopping")])
        case .action, .tick, .remote, .output: return nil
        }
    }
}
