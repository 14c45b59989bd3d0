import FoundationEssentials

/// The checkout that these tests stand in.
struct Repository {
    /// Its root: three folders above this file.
    static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// Every file that belongs to the project, from the root.
    let paths: [String]
    /// The Swift files among them.
    let sources: [SourceFile]

    init() throws {
        var paths: [String] = []
        try Self.collect("", into: &paths)
        self.paths = paths.sorted()
        sources = try self.paths.filter { $0.hasSuffix(".swift") }.map { path in
            SourceFile(path: path, text: try Self.text(of: path))
        }
    }

    /// A file's text; bytes that are no UTF-8 are replaced.
    static func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }

    private static func collect(_ folder: String, into paths: inout [String]) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)") {
            // What git does not keep: its own folder, what was built, what Python and editors leave behind.
            let isKept =
                ![".git", "__pycache__"].contains(name) && !name.hasPrefix(".build") && !name.hasSuffix(".swp")
            guard isKept else { continue }
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
            switch attributes[.type] as? FileAttributeType {
            case .typeDirectory?: try collect(path, into: &paths)
            case .typeRegular?: paths.append(path)
            default: continue
            }
        }
    }
}

/// The list of exceptions, which may only shrink: how often a rule is broken in a file, and why.
struct Exceptions {
    /// From the root.
    static let path = "Tests/tidy-exceptions.txt"

    /// One rule in one file.
    struct Place: Hashable {
        let rule: String
        let path: String
    }

    /// How many findings each place is allowed.
    private(set) var allowed: [Place: Int] = [:]
    /// Lines that are no exception: no number, or no reason.
    private(set) var malformed: [String] = []

    /// - Parameter text: lines of `RULE PATH COUNT REASON...`; `#` begins a comment.
    init(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, let count = Int(words[2]), count > 0 else {
                malformed.append(String(line))
                continue
            }
            allowed[Place(rule: String(words[0]), path: String(words[1]))] = count
        }
    }

    /// What is wrong with `findings` once the exceptions are taken off: places with more findings than are allowed, and
    /// exceptions for more than there is.
    func judge(_ findings: [Finding]) -> [String] {
        var problems = malformed.map { "\(Self.path): not RULE PATH COUNT REASON: \($0)" }
        let found = Dictionary(grouping: findings) { Place(rule: $0.rule, path: $0.path) }
        for (place, list) in found where list.count > allowed[place, default: 0] {
            problems += list.map(\.description)
        }
        for (place, count) in allowed where found[place, default: []].count < count {
            problems.append(
                "\(Self.path): \(place.rule) \(place.path) allows \(count), there are "
                    + "\(found[place, default: []].count): lower the number, or remove the line")
        }
        return problems.sorted()
    }
}
