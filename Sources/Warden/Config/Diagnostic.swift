/// A problem of a configuration, and where it is.
package struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
    /// How bad it is.
    package enum Severity: Hashable, Sendable {
        /// The configuration cannot be used.
        case error
        /// The configuration can be used, but probably not all of it does what its writer meant.
        case warning
    }

    /// How bad it is.
    package var severity: Severity
    /// The file's path as it was opened, or `command line`.
    package var file: String
    /// The line, from 1; 0 when the problem is no single line's.
    package var line: Int
    /// What is wrong and, where there is one, the remedy: one line of text.
    package var message: String

    /// - Parameters: as the properties of the same names.
    package init(severity: Severity, file: String, line: Int, message: String) {
        self.severity = severity
        self.file = file
        self.line = line
        self.message = message
    }

    /// `FILE:LINE: message`, warnings as `FILE:LINE: warning: message`; without the line when it is 0.
    package var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        return severity == .warning ? "\(place): warning: \(message)" : "\(place): \(message)"
    }
}

/// What `warden --check` prints and how it exits.
package struct DiagnosticReport: Hashable, Sendable {
    /// Every problem, by file and line; those of one line stay in the order in which they were found.
    package let diagnostics: [Diagnostic]

    /// - Parameter diagnostics: in any order.
    package init(_ diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics.enumerated()
            .sorted { ($0.element.file, $0.element.line, $0.offset) < ($1.element.file, $1.element.line, $1.offset) }
            .map(\.element)
    }

    /// One line for each problem, each ending in a newline; empty when there is none.
    package var text: String {
        diagnostics.map { "\($0)\n" }.joined()
    }

    /// 2 when there is an error, 0 with warnings alone.
    package var exitCode: Int32 {
        diagnostics.contains { $0.severity == .error } ? 2 : 0
    }
}

/// A line of a file.
struct Place: Hashable {
    var file: String
    var line: Int
}

/// The problems found so far, each once: a section that is read for several groups would repeat its own.
struct DiagnosticList {
    private(set) var items: [Diagnostic] = []
    /// Every error that was found, those that were found twice counted twice.
    private(set) var errorCount = 0
    var hasErrors: Bool { errorCount > 0 }
    private var seen: Set<Diagnostic> = []

    mutating func error(_ place: Place, _ message: String) {
        errorCount += 1
        add(.error, place, message)
    }

    mutating func warn(_ place: Place, _ message: String) {
        add(.warning, place, message)
    }

    private mutating func add(_ severity: Diagnostic.Severity, _ place: Place, _ message: String) {
        let item = Diagnostic(severity: severity, file: place.file, line: place.line, message: message)
        guard
            items.count < ConfigLimits.diagnostics || (severity == .error && !items.contains { $0.severity == .error })
        else { return }
        guard seen.insert(item).inserted else { return }
        items.append(item)
    }
}
