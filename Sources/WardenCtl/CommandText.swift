/// A command as it was typed: its name and the rest.
package struct CommandText: Hashable, Sendable {
    /// The command's name, such as `status`; empty when the line begins with none.
    package var name: String
    /// What stands behind it, without white space at its ends.
    package var rest: String
    /// The whole line, without white space at its ends.
    package var line: String

    /// The words behind the name.
    package var words: [String] { rest.split(whereSeparator: \.isWhitespace).map(String.init) }

    /// Splits a line as Python's cmd module does: `?` is `help`, and a name ends at the first character that is none of
    /// letters, digits and `_`, so that `tail-f x` works.
    ///
    /// Names with a dash are Warden's own and are taken whole.
    ///
    /// - Parameters:
    ///   - line: the words of the command line joined with spaces, or a line that was typed; an empty one gives `nil`.
    ///   - dashedNames: the commands that have a dash in their names.
    package init?(_ line: String, dashedNames: Set<String>) {
        let line = line.trimmed
        guard !line.isEmpty else { return nil }
        self.line = line
        let firstWord = line.prefix { !$0.isWhitespace }
        if dashedNames.contains(String(firstWord)) {
            name = String(firstWord)
        } else if line.hasPrefix("?") {
            name = "help"
            rest = String(line.dropFirst()).trimmed
            return
        } else {
            name = String(line.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        }
        rest = String(line.dropFirst(name.count)).trimmed
    }
}

/// A name as people type it: `group:process`, `group:*` or a bare name.
package struct Namespec: Hashable, Sendable {
    /// The group; the whole name when there is no colon.
    package var group: String
    /// The process; `nil` for the whole group (`group:*` and `group:`).
    package var process: String?

    /// - Parameter text: the name as it was typed.
    package init(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else {
            group = text
            process = text
            return
        }
        group = String(text[..<colon])
        let rest = text[text.index(after: colon)...]
        process = rest.isEmpty || rest == "*" ? nil : String(rest)
    }

    /// How a process of a group is written: the bare name when both are equal.
    /// - Parameters:
    ///   - group: the group's name.
    ///   - process: the process's name.
    /// - Returns: the name for messages.
    package static func text(group: String, process: String) -> String {
        group == process ? process : "\(group):\(process)"
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return start.lastIndex { !$0.isWhitespace }.map { String(start[...$0]) } ?? ""
    }
}
