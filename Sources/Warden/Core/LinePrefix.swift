/// What stands before each line of a worker's log (`log_prefix`).
package struct LinePrefix: Hashable, Codable, Sendable {
    /// What a field stands for; the raw value is its name between braces.
    package enum Field: String, Hashable, Codable, Sendable, CaseIterable {
        /// When the line began: local time as in the daemon's own log; in UTC as RFC 3339 has it.
        case time, utc
        /// The process's name, its group's and its program's.
        case name, group, program
        /// The process; `stdout` or `stderr`.
        case pid, stream
    }

    /// A part of it.
    package enum Piece: Hashable, Codable, Sendable {
        /// As it stands there.
        case text(String)
        /// Filled in for each line.
        case field(Field)
    }

    /// The parts, in their order.
    package var pieces: [Piece]

    /// - Parameter pieces: the parts, in their order.
    package init(_ pieces: [Piece]) {
        self.pieces = pieces
    }

    /// `log_prefix = true`: `{time} {name} {stream} `.
    package static let usual = LinePrefix([
        .field(.time), .text(" "), .field(.name), .text(" "), .field(.stream), .text(" "),
    ])
}
