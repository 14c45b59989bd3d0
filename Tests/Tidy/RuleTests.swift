import Testing

/// The rules on small inputs, bad and good: a scanner that finds nothing would let everything pass.
@Suite struct RuleTests {
    /// A source, where it stands, and the rules that it breaks.
    struct Example: Sendable, CustomTestStringConvertible {
        let source: String
        var path = "Sources/Warden/Core/Example.swift"
        var broken: [String] = []

        var testDescription: String {
            let line = source.split(separator: "\n").joined(separator: " ").prefix(60)
            return "\(line) in \(path)"
        }
    }

    private static func inRoom(_ room: String) -> String { "Sources/Warden/\(room)/Example.swift" }

    private func rulesBroken(_ example: Example) -> [String] {
        let file = SourceFile(path: example.path, text: example.source)
        return Rules.all.flatMap { rule in rule(file) }.map(\.rule)
    }

    static let bad: [Example] = [
        Example(source: "let x = a!", broken: ["forcing"]),
        Example(source: "let x = a[0]!.b", broken: ["forcing"]),
        Example(source: "x! = 1", broken: ["forcing"]),
        Example(source: "var x: Int!", broken: ["forcing"]),
        Example(source: "let x = try! f()", broken: ["forcing"]),
        Example(source: "let x = y as! Int", broken: ["forcing"]),
        Example(source: "let s = \"\\(a!)\"", broken: ["forcing"]),
        Example(source: "let x = try? f()", broken: ["silenced-error"]),
        Example(source: "public struct A {}", broken: ["banned-word"]),
        Example(source: "@testable import A", path: "Tests/Core/A.swift", broken: ["banned-word"]),
        Example(source: "f { fatalError() }", broken: ["banned-word"]),
        Example(source: "DispatchQueue.main.sync {}", path: inRoom("Runtime"), broken: ["banned-word"]),
        Example(source: "import Foundation", path: inRoom("Wire"), broken: ["imports", "banned-word"]),
        Example(source: "import FoundationEssentials", broken: ["imports"]),
        Example(source: "package import WardenControl", path: inRoom("Linux"), broken: ["imports"]),
        Example(source: "import struct GRDB.Row", path: inRoom("Control"), broken: ["imports"]),
        Example(source: "import WardenCore", path: inRoom("Cellar"), broken: ["imports"]),
        Example(source: "import Glibc; kill(pid, 9)", path: inRoom("Linux"), broken: ["banned-call"]),
        Example(source: "Glibc.kill(pid, 9)", path: inRoom("Linux"), broken: ["banned-call"]),
        Example(source: "let now = Date()", path: inRoom("Control"), broken: ["banned-call"]),
        Example(
            source: "import Foundation; let p = Process()", path: "Sources/WardenCtl/A.swift", broken: ["banned-call"]),
        Example(source: "Task { await f() }", path: inRoom("Control"), broken: ["concurrency"]),
        Example(source: "Task.detached {}", path: "Sources/WardenCtl/A.swift", broken: ["concurrency"]),
        Example(source: "func f() async {}", path: inRoom("Linux"), broken: ["concurrency"]),
        Example(source: "struct A: @unchecked Sendable {}", broken: ["concurrency"]),
        Example(source: "nonisolated(unsafe) var a = 1", broken: ["concurrency"]),
        Example(source: "struct SlotManager {}", broken: ["name"]),
        Example(source: "package struct A {}", broken: ["documentation"]),
        Example(source: "/// A.\n\npackage let a = 1", broken: ["documentation"]),
        Example(source: "func f() {\n" + String(repeating: "g()\n", count: 69) + "}", broken: ["function-length"]),
        Example(source: String(repeating: "a\n", count: 501), broken: ["file-length"]),
        Example(source: "// " + String(repeating: "a", count: 118), broken: ["columns"]),
    ]

    @Test("Each rule finds what it is for.", arguments: bad)
    func badIsFound(example: Example) {
        #expect(rulesBroken(example) == example.broken)
    }

    static let good: [Example] = [
        Example(source: "if !a, b != c, d!=e { f(!g) }"),
        Example(source: "// a! try! public fatalError() TODAY\n/* Task { /* nested! */ } */"),
        Example(source: "let s = \"a! kill(1) public\" + #\"b! \"quoted\" \\\"#"),
        Example(source: "let s = \"\"\"\n  a! \"b! public\n  \"\"\""),
        Example(source: "let s = \"\\(a ? \"x)!\" : \"y(\") public\""),
        Example(source: "// The file may be gone already.\nlet x = try? f()"),
        Example(source: "let x = try? f() // gone already"),
        Example(source: "let a = b ? try f() : c"),
        Example(
            source: "import Glibc; machine.signal(1); func signal(a: Int) {}; enum E { case kill(Int), signal(Int) }",
            path: inRoom("Linux")),
        Example(source: "try signal(text)"),
        Example(
            source: "/// A.\npackage struct A: OptionSet {\npackage let rawValue: Int\n"
                + "package init(rawValue: Int) { self.rawValue = rawValue }\n}"),
        Example(source: "let a = E.public", path: inRoom("Wire")),
        Example(source: "Task { await f() }", path: "Sources/WardenCtl/A.swift"),
        Example(source: "try await Task.sleep(for: .seconds(1))", path: inRoom("Control")),
        Example(source: "import WardenCore\nimport FoundationEssentials", path: inRoom("Config")),
        Example(source: "let d = Date()", path: inRoom("History")),
        Example(source: "/// A.\n@frozen\npackage struct A {}"),
        Example(source: "package static func < (left: A, right: A) -> Bool { true }"),
        Example(source: "let package = Package(name: \"a\")"),
        Example(source: "func f() {\n" + String(repeating: "g()\n", count: 68) + "}"),
        Example(source: "protocol P {\nfunc f()\n" + String(repeating: "var a: Int { get }\n", count: 80) + "}"),
        Example(source: "a.init(b) {\n" + String(repeating: "c\n", count: 90) + "}"),
        Example(source: String(repeating: "a\n", count: 500)),
        Example(source: "// " + String(repeating: "a", count: 117)),
    ]

    @Test("No rule finds what is allowed.", arguments: good)
    func goodIsLeftAlone(example: Example) {
        #expect(rulesBroken(example).isEmpty)
    }

    @Test("A finding names the line, also after comments and strings of several lines.")
    func linesAreCounted() {
        let source = "/* a\n b */\nlet s = \"\"\"\n  c\n  \"\"\"\nlet x = y!\n"
        let file = SourceFile(path: "Sources/Warden/Core/Example.swift", text: source)
        #expect(Rules.forcing(file).map(\.line) == [6])
    }

    @Test("A target without the settings array is found; the C target needs none.")
    func settingsAreRequired() {
        let bare = SourceFile(path: "Package.swift", text: "[.target(name: \"a\", path: \"b\")]")
        #expect(Rules.sharedSettings(bare).map(\.rule) == ["settings"])
        let text = """
            [.target(name: "a", swiftSettings: settings), .target(name: "c", path: "Sources/Warden/CLinux")]
            """
        #expect(Rules.sharedSettings(SourceFile(path: "Package.swift", text: text)).isEmpty)
    }

    @Test(
        "Unfinished business and foreign places are found in any text.",
        arguments: [
            ("# TO" + "DO: later", ["unfinished"]), ("cd /wo" + "rk/main", ["foreign-path"]), ("METHODOLOGY", []),
        ])
    func textIsLookedAt(line: String, broken: [String]) {
        #expect(TextRules.words(path: "README.md", text: line).map(\.rule) == broken)
    }
}

/// The list of exceptions.
@Suite struct ExceptionTests {
    private let finding = Finding(rule: "forcing", path: "A.swift", line: 3, message: "a! traps")

    @Test("A finding passes only with an exception, and an exception only with as many findings.")
    func exceptionsMatchFindings() {
        #expect(Exceptions("").judge([finding]) == [finding.description])
        #expect(Exceptions("# why\nforcing A.swift 1 The index was checked above.").judge([finding]).isEmpty)
        #expect(Exceptions("forcing A.swift 1 The index was checked.").judge([finding, finding]).count == 2)
        #expect(Exceptions("forcing A.swift 2 The index was checked.").judge([finding]).count == 1)
        #expect(Exceptions("forcing B.swift 1 It is gone.").judge([]).count == 1)
    }

    @Test(
        "An exception without a number or a reason is refused.",
        arguments: [
            "forcing A.swift 1", "forcing A.swift one Because.", "forcing A.swift 0 Because.",
        ])
    func reasonsAreRequired(line: String) {
        #expect(Exceptions(line).malformed == [line])
    }
}
