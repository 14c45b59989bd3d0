/// What Tab offers: commands first, then the names of groups and processes, as supervisorctl does.
package struct Completion: Hashable, Sendable {
    /// The word that is being typed.
    package var word: String
    /// What it may become, sorted as the server lists it.
    package var candidates: [String]

    /// Whether the names of processes are needed for this line, which costs a call.
    /// - Parameter line: what stands before the cursor.
    package static func wantsNames(_ line: String) -> Bool {
        let command = line.prefix { $0 != " " }
        return command.count < line.count && (takesGroups(command) || takesProcesses(command))
    }

    /// - Parameters:
    ///   - line: what stands before the cursor.
    ///   - entries: every process; empty when they are not known.
    package init(_ line: String, entries: [ProcessEntry]) {
        word = String(line.reversed().prefix { $0 != " " }.reversed())
        let command = line.drop { $0 == " " }.prefix { $0 != " " }
        let isCommand = line.dropLast(word.count).allSatisfy { $0 == " " }
        let all: [String]
        let word = word
        if isCommand || command == "help" {
            all = CommandName.allCases.filter { $0 != .end }.map(\.rawValue).sorted()
        } else if Completion.takesGroups(command) {
            all = entries.map(\.group)
        } else if Completion.takesProcesses(command) {
            all = entries.flatMap { Completion.names(of: $0, word: word) }
        } else {
            all = []
        }
        var seen: Set<String> = []
        let prefix = word
        candidates = all.filter { $0.hasPrefix(prefix) && seen.insert($0).inserted }
    }

    /// What can be added without choosing: the rest of the only candidate and a space, or what all have in common.
    package var addition: String {
        guard let first = candidates.first else { return "" }
        guard candidates.count > 1 else { return first.dropFirst(word.count) + " " }
        let common = candidates.dropFirst().reduce(first) { String(zip($0, $1).prefix { $0 == $1 }.map(\.0)) }
        return String(common.dropFirst(word.count))
    }

    private static func names(of entry: ProcessEntry, word: String) -> [String] {
        guard word.contains(":") || entry.process != entry.group else { return [entry.process] }
        return ["\(entry.group):\(entry.process)", "\(entry.group):*"]
    }

    private static func takesGroups(_ command: some StringProtocol) -> Bool {
        ["add", "remove", "update"].contains(String(command))
    }

    private static func takesProcesses(_ command: some StringProtocol) -> Bool {
        [
            "clear", "drill", "events", "fds", "fg", "incidents", "pause-health", "pid", "replay", "restart",
            "resume-health", "signal", "start", "status", "stop", "tail", "tune", "why",
        ].contains(String(command))
    }
}
