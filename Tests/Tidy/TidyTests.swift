import Testing

/// The checkout against the rules of the house.
@Suite struct TidyTests {
    private let repository: Repository
    private let exceptions: Exceptions

    init() throws {
        repository = try Repository()
        exceptions = Exceptions(try Repository.text(of: Exceptions.path))
    }

    @Test("Every file keeps every rule, but for the listed exceptions, which may only shrink.")
    func everyFileIsTidy() throws {
        var findings = repository.sources.flatMap { file in Rules.all.flatMap { rule in rule(file) } }
        for path in repository.paths {
            findings += TextRules.words(path: path, text: try Repository.text(of: path))
        }
        let problems = exceptions.judge(findings)
        #expect(problems.isEmpty, "\n\(problems.joined(separator: "\n"))")
    }

    @Test("The scanner found the checkout: a wrong root would find nothing, and everything would pass.")
    func theCheckoutWasFound() {
        #expect(repository.paths.contains("Package.swift"))
        #expect(repository.sources.contains { $0.room == "Core" })
        #expect(repository.sources.contains { $0.isTest })
    }

    @Test("Every room in the table of imports is there, and every room that is there is in the table.")
    func roomsAndTableAgree() {
        #expect(Set(repository.sources.compactMap(\.room)) == Set(Architecture.imports.keys))
    }

    @Test("Every target with Swift in it uses the shared settings.")
    func everyTargetSharesTheSettings() throws {
        let manifest = try #require(repository.sources.first { $0.path == "Package.swift" })
        #expect(Rules.sharedSettings(manifest).isEmpty)
        #expect(manifest.tokens.contains { $0.text == "treatAllWarnings" })
    }

    @Test("No package is imported by two rooms.")
    func onePackageOneRoom() {
        let shared: Set = [
            "WardenCore", "WardenConfig", "WardenWire", "WardenSecrets", "WardenOutbound", "FoundationEssentials",
            "Foundation", "Synchronization", "Glibc",
        ]
        var rooms: [String: Set<String>] = [:]
        for (room, modules) in Architecture.imports {
            for module in modules.subtracting(shared) { rooms[module, default: []].insert(room) }
        }
        #expect(rooms.filter { $0.value.count > 1 }.isEmpty)
    }
}
