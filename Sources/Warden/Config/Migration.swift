/// What Warden makes of one line of a configuration that was written for supervisord.
package struct MigrationFinding: Hashable, Sendable {
    /// How Warden takes it.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// It means what it means to supervisord.
        case same
        /// It means the same, and supervisord's known trouble with it is gone.
        case better
        /// It has no effect, here or there.
        case ignored
        /// Warden cannot do it: the configuration has to change.
        case refused
    }

    /// How Warden takes it.
    package var kind: Kind
    /// The file's path as it was opened.
    package var file: String
    /// The line, from 1; 0 when it is no single line's.
    package var line: Int
    /// `[section]`, or `[section] key`.
    package var subject: String
    /// Why, or what to do; empty when there is nothing to say.
    package var text: String

    /// - Parameters: as the properties of the same names.
    package init(kind: Kind, file: String, line: Int, subject: String, text: String) {
        self.kind = kind
        self.file = file
        self.line = line
        self.subject = subject
        self.text = text
    }

    /// `FILE:LINE: kind     [section] key: text`.
    package var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        let word = kind.rawValue + String(repeating: " ", count: 8 - kind.rawValue.count)
        return "\(place): \(word) \(subject)\(text.isEmpty ? "" : ": \(text)")"
    }
}

extension ConfigurationLoader {
    /// Goes through a supervisord configuration line by line.
    ///
    /// - Parameters:
    ///   - path: the main file; included files are gone through, too.
    ///   - host: what needs to be known of the host.
    /// - Returns: a finding for every section and every option, by file, the main one first, and line.
    package static func migration(path: String, host: ConfigurationHost) -> [MigrationFinding] {
        var loading = Loading(mainFile: path, host: host)
        var findings: [MigrationFinding] = []
        if loading.readFiles(withIncludes: true) {
            _ = loading.configuration(DaemonArguments())
            findings = loading.document.sections.flatMap { Migration.findings($0, loading.diagnostics.items) }
        }
        let covered = Set(findings.map { Place(file: $0.file, line: $0.line) })
        // What is wrong with a line that is no option, or with the file as a whole.
        findings += loading.diagnostics.items
            .filter { !covered.contains(Place(file: $0.file, line: $0.line)) }
            .map { Migration.finding($0, subject: "") }
        let files = [path] + loading.includedFiles
        let order = Dictionary(files.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        return findings.enumerated()
            .sorted {
                (order[$0.element.file] ?? files.count, $0.element.line, $0.offset)
                    < (order[$1.element.file] ?? files.count, $1.element.line, $1.offset)
            }
            .map(\.element)
    }
}

/// From a section to its findings.
enum Migration {
    static func findings(_ section: Section, _ diagnostics: [Diagnostic]) -> [MigrationFinding] {
        let header = finding(of: section, diagnostics)
        let isIgnored = header.kind == .ignored
        return [header]
            + section.entries.map { key, entry in
                let subject = "[\(section.name)] \(key)"
                let found = diagnostics.filter { $0.file == entry.place.file && $0.line == entry.place.line }
                if let worst = found.first(where: { $0.severity == .error }) ?? found.first {
                    return finding(worst, subject: subject)
                }
                let better = isIgnored ? nil : MigrationNotes.better(section.name, key, entry.value)
                return MigrationFinding(
                    kind: isIgnored ? .ignored : better == nil ? .same : .better, file: entry.place.file,
                    line: entry.place.line, subject: subject, text: better ?? "")
            }
    }

    private static func finding(of section: Section, _ diagnostics: [Diagnostic]) -> MigrationFinding {
        let subject = "[\(section.name)]"
        let found = diagnostics.first { $0.file == section.place.file && $0.line == section.place.line }
        if let found { return finding(found, subject: subject) }
        let note = MigrationNotes.section(section.name)
        return MigrationFinding(
            kind: note == nil ? .same : .better, file: section.place.file, line: section.place.line, subject: subject,
            text: note ?? "")
    }

    /// A problem as a finding: errors are refusals, and so is what only Python could do; other warnings have no effect
    /// where they say so, and otherwise are a remark.
    static func finding(_ diagnostic: Diagnostic, subject: String) -> MigrationFinding {
        var message = diagnostic.message
        for prefix in ["\(subject): ", "\(subject.prefix { $0 != "]" })] "] where message.hasPrefix(prefix) {
            message.removeFirst(prefix.count)
        }
        let kind: MigrationFinding.Kind
        if message.contains("supervisorctl") && diagnostic.severity == .warning {
            kind = .ignored
        } else if diagnostic.severity == .error || message.contains("Python plug-in") {
            kind = .refused
        } else if message.contains("ignored") || message.contains("does not act on it") || message.contains("not run") {
            kind = .ignored
        } else {
            kind = .same
        }
        let remedy = MigrationNotes.remedy(message).map { "; \($0)" } ?? ""
        return MigrationFinding(
            kind: kind, file: diagnostic.file, line: diagnostic.line, subject: subject, text: message + remedy)
    }
}
