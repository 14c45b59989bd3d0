import WardenCore
import WardenWire

/// What came of a replay, for people and for programs.
struct ReplayDocument {
    private let replay: Replay
    private let name: String
    private let records: WorkerRecords
    private let skippedCount: Int
    private let configuration: String
    private let settings: [String]

    init(
        of name: String, _ records: WorkerRecords, as program: ProgramSpec, configuration: String, settings: [String]
    ) {
        (replay, skippedCount) = records.replayed(as: program)
        self.name = name
        self.records = records
        self.configuration = configuration
        self.settings = settings
    }

    /// What no record can show.
    private static let limits = [
        "a restart that never was counts once; then nothing more is decided until the recorded worker was started again"
            + " or was healthy again, for what it would have done after it no record can show",
        "other workers are not looked at: max_unavailable always has room, and no shared cause is suspected",
    ]

    private static let otherwise =
        "some of it was seen under another interval, heartbeat, pattern, demand or probe: what would have been seen "
        + "under those of this configuration is not known"

    private var notes: [String] {
        replay.gaps + (replay.wasSeenOtherwise ? [ReplayDocument.otherwise] : [])
    }

    // MARK: - For people

    var lines: [String] {
        [head, "settings: \(configuration)" + (settings.isEmpty ? "" : ", with \(settings.joined(separator: "; "))")]
            + agreement + [""] + actions + HealthText.section("verdicts", verdicts)
            + HealthText.section("done then", deeds)
            + HealthText.section("to be considered", notes + ReplayDocument.limits)
    }

    private var head: String {
        guard let span = replay.span else { return "\(name): nothing that can be read was recorded" }
        let length = Duration.microseconds(max(0, span.to.microseconds - span.from.microseconds)).spoken
        return "\(name): \(HealthText.time(span.from.rfc3339)) to \(HealthText.time(span.to.rfc3339)) (\(length)), "
            + "\(replay.sampleCount) samples of \(replay.generationCount) generation(s), "
            + "\(records.blockCount) blocks, \(HealthText.bytes(Double(records.byteCount)))"
    }

    private var agreement: [String] {
        let agreement = replay.agreement
        guard !agreement.isWhole else {
            let count = agreement.recorded
            return ["verdicts: " + (count == 0 ? "no change, then or now" : "as they were then, all \(count)")]
        }
        var lines = ["verdicts: \(agreement.same) of the \(agreement.recorded) of then, and others"]
        if let missing = agreement.firstMissing { lines.append("  first of then that is not: \(verdict(missing))") }
        if let new = agreement.firstNew { lines.append("  first that was not then: \(verdict(new))") }
        return lines
    }

    private var actions: [String] {
        let acts = replay.actions.filter { $0.action != .alert }
        let alerts = replay.actions.count { $0.action == .alert && !$0.isGivingUp }
        let words: [(HealthAction, String)] = [
            (.restart, "restarted"), (.drain, "drained and restarted"), (.kill, "killed and restarted"),
        ]
        var parts = words.compactMap { action, word -> String? in
            let count = acts.count { $0.action == action }
            return count == 0 ? nil : "\(word) \(ReplayDocument.times(count))"
        }
        if parts.isEmpty { parts.append("restarted never") }
        if alerts > 0 { parts.append("alerted \(ReplayDocument.times(alerts))") }
        if replay.actions.contains(where: \.isGivingUp) { parts.append("given up") }
        return ["would have \(parts.joined(separator: ", "))" + (replay.actions.isEmpty ? "" : ":")]
            + replay.actions.flatMap(ReplayDocument.lines)
    }

    private static func lines(_ action: Replay.Action) -> [String] {
        let word = action.isGivingUp ? "gave-up" : action.action.rawValue
        let verdict = "\(action.verdict.condition.name) (\(action.verdict.grade.rawValue))"
        var lines = [
            "  \(HealthText.time(action.at.rfc3339))  \(word)  \(verdict)  \(action.verdict.reason)"
        ]
        if let hold = action.heldBackBy { lines.append("    \(hold)") }
        if action.action != .alert {
            let done = action.wasDone ? "so it was done" : "not done then"
            lines.append("    " + [done, action.end].compactMap { $0 }.joined(separator: "; "))
        }
        return lines
    }

    private var verdicts: [String] { replay.changes.map(verdict) }

    private func verdict(_ change: Replay.Change) -> String {
        let text =
            "\(HealthText.time(change.at.wall.rfc3339))  generation \(change.generation.number)  "
            + change.condition.name
        guard change.condition != .healthy, change.condition != .starting else { return text }
        return "\(text) (\(change.grade.rawValue))" + (change.reason.isEmpty ? "" : "  \(change.reason)")
    }

    private var deeds: [String] {
        let hidden = replay.deeds.count - CtlLimits.listedDeeds
        return (hidden > 0 ? ["\(hidden) earlier ones are not shown"] : [])
            + replay.deeds.suffix(CtlLimits.listedDeeds).map {
                "\(HealthText.time($0.at.rfc3339))  generation \($0.generation.number)  \($0.text)"
            }
    }

    private static func times(_ count: Int) -> String {
        switch count {
        case 1: "once"
        case 2: "twice"
        default: "\(count) times"
        }
    }

    // MARK: - For programs

    var json: JSONValue {
        let agreement = replay.agreement
        return .object([
            "worker": .string(name),
            "configuration": .string(configuration),
            "settings": .array(settings.map(JSONValue.string)),
            "from": replay.span.map { .string($0.from.rfc3339) } ?? .null,
            "to": replay.span.map { .string($0.to.rfc3339) } ?? .null,
            "samples": .integer(Int64(replay.sampleCount)),
            "generations": .integer(Int64(replay.generationCount)),
            "blocks": .integer(Int64(records.blockCount)),
            "bytes": .integer(Int64(records.byteCount)),
            "skipped": .integer(Int64(skippedCount)),
            "recorded_verdicts": .integer(Int64(agreement.recorded)),
            "same_verdicts": .integer(Int64(agreement.same)),
            "is_same": .bool(agreement.isWhole),
            "actions": .array(replay.actions.map(ReplayDocument.json)),
            "verdicts": .array(replay.changes.map(ReplayDocument.json)),
            "then": .object([
                "verdicts": .array(replay.recordedChanges.map(ReplayDocument.json)),
                "deeds": .array(
                    replay.deeds.map {
                        .object([
                            "at": .string($0.at.rfc3339), "generation": .integer(Int64($0.generation.number)),
                            "text": .string($0.text),
                        ])
                    }),
            ]),
            "notes": .array((notes + ReplayDocument.limits).map(JSONValue.string)),
        ])
    }

    private static func json(_ change: Replay.Change) -> JSONValue {
        .object([
            "at": .string(change.at.wall.rfc3339), "generation": .integer(Int64(change.generation.number)),
            "class": .string(change.condition.className), "cause": JSONValue(change.condition.causeName),
            "grade": .string(change.grade.rawValue), "reason": .string(change.reason),
        ])
    }

    private static func json(_ action: Replay.Action) -> JSONValue {
        .object([
            "at": .string(action.at.rfc3339), "generation": .integer(Int64(action.generation.number)),
            "action": .string(action.isGivingUp ? "gave-up" : action.action.rawValue),
            "class": .string(action.verdict.condition.className),
            "cause": JSONValue(action.verdict.condition.causeName),
            "grade": .string(action.verdict.grade.rawValue), "reason": .string(action.verdict.reason),
            "held_back_by": JSONValue(action.heldBackBy), "was_done": .bool(action.wasDone),
            "end": JSONValue(action.end),
        ])
    }
}
