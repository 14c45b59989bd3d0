import Testing

/// Goal: the list of traps names tests that exist. Method: every name in it is looked up in the file that it names.
@Suite struct TrapListTests {
    private static let path = "Tests/traps.md"
    private static let own = "Tests/Core/TrapTests.swift"

    /// One row of the list: the trap, and the last column.
    private func rows() throws -> [(trap: String, tests: String)] {
        try Repository.text(of: Self.path).split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { Self.trimmed($0) }
            guard cells.count == 5, cells[1] != "trap", !cells[1].hasPrefix("---") else { return nil }
            return (cells[1], cells[3])
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// What stands between backticks.
    private static func references(_ cell: String) -> [String] {
        let pieces = cell.split(separator: "`", omittingEmptySubsequences: false)
        return pieces.indices.filter { $0 % 2 == 1 }.map { String(pieces[$0]) }
    }

    @Test("Every trap has a test that exists, or says what it waits for.")
    func everyTrapHasATest() throws {
        let repository = try Repository()
        let rows = try rows()
        #expect(rows.count > 20)
        for row in rows where !row.tests.hasPrefix("not yet: ") {
            let references = Self.references(row.tests)
            #expect(!references.isEmpty, "\(row.trap): no test")
            for reference in references {
                let parts = reference.split(separator: ":").map { Self.trimmed($0) }
                guard let file = parts.first, repository.paths.contains(file) else {
                    Issue.record("\(row.trap): there is no \(reference)")
                    continue
                }
                guard parts.count == 2 else { continue }
                let text = try Repository.text(of: file)
                #expect(text.contains("func \(parts[1])("), "\(row.trap): \(file) has no \(parts[1])")
            }
        }
    }

    @Test("Every test of the traps is in the list.")
    func everyTestIsListed() throws {
        let listed = try rows().flatMap { Self.references($0.tests) }
        let lines = try Repository.text(of: Self.own).split(separator: "\n").map { Self.trimmed($0) }
        let names = lines.indices.dropFirst().filter { lines[$0 - 1].hasPrefix("@Test") }.compactMap { index in
            lines[index].split(separator: "(").first?.split(separator: " ").last.map(String.init)
        }
        #expect(names.count > 5)
        for name in names { #expect(listed.contains("\(Self.own): \(name)"), "\(name) is not in \(Self.path)") }
    }
}
