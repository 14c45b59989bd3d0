internal import Foundation
internal import GRDB
internal import WardenCore

/// One row of the table `incident` and its translation into the core's value and back.
///
/// SQLite's own values are read without traps: a file is input, even when its tables are strict.
struct IncidentRow {
    private struct EvidenceText: Codable {
        /// One of both is there.
        struct Value: Codable {
            var number: Double?
            var text: String?

            init(_ value: EvidenceValue) {
                switch value {
                case .number(let number): self.number = number
                case .text(let text): self.text = text
                }
            }

            var value: EvidenceValue? { number.map { .number($0) } ?? text.map { .text($0) } }
        }

        var rule: String
        var value: Value
        var threshold: Value
    }

    private struct ForensicsText: Codable {
        struct Kind: Codable {
            var kind: String
            var count: Int
        }

        var descriptorKinds: [Kind]
        var processes: [String]
        var lastLines: [String]
        var commandOutput: String
        var gaps: [String]
        // Not there in rows of the first version.
        var threads: [String]?
        var stacks: [String]?
        var pythonStacks: [String]?
        var limits: [String]?
        var pressure: [String]?
    }

    /// The columns that a list shows: all but the forensics.
    static let listed = """
        id, group_name, process_name, generation, at, class, cause, grade, since, since_monotonic_nanoseconds, reason, \
        evidence, action, held_back_by, fingerprint, outcome, recovered_nanoseconds
        """

    /// The columns of `incident`, to be bound by name.
    static func arguments(_ incident: Incident) throws -> StatementArguments {
        let verdict = incident.verdict
        return [
            "id": incident.id, "group": incident.worker.group, "process": incident.worker.process,
            "generation": Int64(incident.generation.number), "at": incident.at.microseconds,
            "class": verdict.condition.className, "cause": verdict.condition.causeName,
            "grade": verdict.grade.rawValue, "since": verdict.since.wall.microseconds,
            "sinceMonotonic": verdict.since.instant.nanoseconds, "reason": verdict.reason,
            "evidence": try text(of: verdict.evidence), "action": incident.action.rawValue,
            "heldBackBy": incident.heldBackBy, "forensics": try incident.forensics.map(boundedText),
            "fingerprint": incident.fingerprint, "outcome": incident.outcome?.name,
            "recovered": recoveredNanoseconds(incident.outcome),
        ]
    }

    /// - Returns: `nil` when the row holds words that this version does not know.
    static func incident(_ row: Row) -> Incident? {
        guard let id = row.text("id"), let group = row.text("group_name"), let process = row.text("process_name"),
            let generation = row.integer("generation").flatMap(UInt32.init(exactly:)), let at = row.integer("at"),
            let action = row.text("action").flatMap(HealthAction.init(rawValue:)), let verdict = verdict(row)
        else { return nil }
        var incident = Incident(
            id: id, worker: SlotName(group: group, process: process), generation: Generation(generation),
            at: WallTime(microseconds: at), verdict: verdict, action: action)
        incident.heldBackBy = row.text("held_back_by")
        incident.fingerprint = row.text("fingerprint")
        if let text = row.text("forensics") {
            guard let forensics = forensics(from: text) else { return nil }
            incident.forensics = forensics
        }
        if let name = row.text("outcome") {
            guard let outcome = outcome(name, recoveredNanoseconds: row.integer("recovered_nanoseconds"))
            else { return nil }
            incident.outcome = outcome
        }
        return incident
    }

    private static func verdict(_ row: Row) -> Verdict? {
        guard let className = row.text("class"),
            let condition = Condition(className: className, causeName: row.text("cause")),
            let grade = row.text("grade").flatMap(Grade.init(rawValue:)),
            let since = row.integer("since"), let monotonic = row.integer("since_monotonic_nanoseconds"),
            let reason = row.text("reason"), let evidence = row.text("evidence").flatMap(evidence(from:))
        else { return nil }
        let moment = Moment(instant: Instant(nanoseconds: monotonic), wall: WallTime(microseconds: since))
        return Verdict(condition: condition, grade: grade, since: moment, evidence: evidence, reason: reason)
    }

    private static func recoveredNanoseconds(_ outcome: Outcome?) -> Int64? {
        guard case .recovered(let after) = outcome else { return nil }
        return after.inNanoseconds
    }

    private static func outcome(_ name: String, recoveredNanoseconds: Int64?) -> Outcome? {
        let recovered = recoveredNanoseconds.map { Outcome.recovered(after: .nanoseconds($0)) }
        return ([recovered, .unhelped, .gaveUp, .superseded] as [Outcome?]).compactMap(\.self).first { $0.name == name }
    }
}

extension IncidentRow {
    private static func text(of evidence: [Evidence]) throws -> String {
        let texts = evidence.prefix(HistoryLimits.evidence).map {
            EvidenceText(rule: $0.rule, value: .init($0.value), threshold: .init($0.threshold))
        }
        return try json(texts)
    }

    private static func evidence(from text: String) -> [Evidence]? {
        guard let texts = value([EvidenceText].self, from: text) else { return nil }
        var evidence: [Evidence] = []
        for text in texts {
            guard let value = text.value.value, let threshold = text.threshold.value else { return nil }
            evidence.append(Evidence(rule: text.rule, value: value, threshold: threshold))
        }
        return evidence
    }

    /// JSON of at most `HistoryLimits.forensicsBytes`: the bulkiest part is cut first, and a gap says so.
    private static func boundedText(of forensics: Forensics) throws -> String {
        var forensics = forensics
        var text = try text(of: forensics)
        let parts: [(name: String, cut: (inout Forensics) -> Void)] = [
            ("output of forensics_command", { $0.commandOutput = "" }),
            ("kernel stacks", { $0.stacks = [] }),
            ("Python stacks", { $0.pythonStacks = [] }),
            ("threads", { $0.threads = [] }),
            ("processes", { $0.processes = [] }),
            ("last lines", { $0.lastLines = [] }),
            ("descriptor kinds", { $0.descriptorKinds = [] }),
            ("gaps", { $0.gaps = [] }),
        ]
        for part in parts where text.utf8.count > HistoryLimits.forensicsBytes {
            part.cut(&forensics)
            forensics.gaps.append("\(part.name) not stored: too large")
            text = try Self.text(of: forensics)
        }
        return text
    }

    private static func text(of forensics: Forensics) throws -> String {
        try json(
            ForensicsText(
                descriptorKinds: forensics.descriptorKinds.map { .init(kind: $0.kind, count: $0.count) },
                processes: forensics.processes, lastLines: forensics.lastLines,
                commandOutput: forensics.commandOutput, gaps: forensics.gaps, threads: forensics.threads,
                stacks: forensics.stacks, pythonStacks: forensics.pythonStacks, limits: forensics.limits,
                pressure: forensics.pressure))
    }

    private static func forensics(from text: String) -> Forensics? {
        guard let text = value(ForensicsText.self, from: text) else { return nil }
        var forensics = Forensics()
        forensics.descriptorKinds = text.descriptorKinds.map { .init(kind: $0.kind, count: $0.count) }
        forensics.processes = text.processes
        forensics.lastLines = text.lastLines
        forensics.commandOutput = text.commandOutput
        forensics.gaps = text.gaps
        forensics.threads = text.threads ?? []
        forensics.stacks = text.stacks ?? []
        forensics.pythonStacks = text.pythonStacks ?? []
        forensics.limits = text.limits ?? []
        forensics.pressure = text.pressure ?? []
        return forensics
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        // A ratio with nothing below it is infinite, and JSON has no word for that.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func value<Value: Decodable>(_ type: Value.Type, from text: String) -> Value? {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        // The reason is of no use: the caller says which row cannot be read.
        return try? decoder.decode(type, from: Data(text.utf8))
    }
}

extension Row {
    /// A text, or `nil` for NULL, for another type, and where there is no such column.
    func text(_ column: String) -> String? {
        (self[column] as DatabaseValue?).flatMap { String.fromDatabaseValue($0) }
    }

    /// A whole number, or `nil` for NULL, for another type, and where there is no such column.
    func integer(_ column: String) -> Int64? {
        (self[column] as DatabaseValue?).flatMap { Int64.fromDatabaseValue($0) }
    }
}
