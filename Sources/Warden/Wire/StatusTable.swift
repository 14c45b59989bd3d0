package import WardenCore

/// A line of `status`.
package struct StatusRow: Hashable, Sendable {
    /// `group:name`, or `name` when both are equal.
    package var name: String
    /// supervisord's word for the state.
    package var state: String
    /// What stands behind the state.
    package var description: String
    /// `class/cause (grade)`; `nil` when nothing is known of the health.
    package var health: String?

    /// - Parameters: as the properties of the same names.
    package init(name: String, state: String, description: String, health: String? = nil) {
        self.name = name
        self.state = state
        self.description = description
        self.health = health
    }
}

/// The lines of `status`: supervisorctl's columns, and health behind them.
package enum StatusTable {
    /// - Parameter rows: what is listed, in order.
    /// - Returns: a line for each row, without line ends, escaped for a terminal.
    package static func lines(_ rows: [StatusRow]) -> [String] {
        let longest = rows.map(\.name.unicodeScalars.count).max() ?? 0
        let width = max(30, longest) + 3
        return rows.map { row in
            let line = row.name.padded(to: width) + row.state.padded(to: 10) + row.description
            return (row.health.map { "\(line)  \($0)" } ?? line).escapedForTerminal
        }
    }

    /// `class/cause (grade)`; healthy and starting stand alone.
    /// - Parameters:
    ///   - className: the verdict's class.
    ///   - cause: its cause, if the class has any.
    ///   - grade: how sure it is.
    /// - Returns: the text behind the columns.
    package static func health(className: String, cause: String?, grade: String) -> String {
        guard let cause else { return className }
        return "\(className)/\(cause) (\(grade))"
    }
}

extension Verdict {
    /// `class/cause (grade)`, as the status line has it.
    package var statusText: String {
        StatusTable.health(className: condition.className, cause: condition.causeName, grade: grade.rawValue)
    }
}

extension String {
    /// With spaces behind, at least `width` characters as Python counts them.
    package func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - unicodeScalars.count))
    }

    /// Text of a worker, made safe for a terminal: control characters and those that reorder text are written as
    /// `\x1b` and `\u202e`; tabs stay.
    package var escapedForTerminal: String {
        if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) { return self }
        var escaped = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x09: escaped.unicodeScalars.append(scalar)
            case 0x00..<0x20, 0x7F..<0xA0:
                let digits = String(scalar.value, radix: 16)
                escaped += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
                escaped += "\\u" + String(scalar.value, radix: 16)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
