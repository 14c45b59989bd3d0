/// The numbers of the house.
enum Shape {
    static let functionLines = 70
    static let fileLines = 500
    static let columns = 120
}

extension Rules {
    /// Every declaration with `package` has a documentation comment, except what the standard library asks for and
    /// documents itself: operators, raw values, descriptions, hashing.
    static func documentation(_ file: SourceFile) -> [Finding] {
        let declarations: Set = [
            "struct", "enum", "class", "actor", "protocol", "func", "var", "let", "init", "typealias", "subscript",
            "static", "mutating", "nonmutating", "final", "indirect", "nonisolated", "borrowing", "consuming",
            "convenience", "macro", "lazy", "weak", "override",
        ]
        return file.findings("documentation") { index, token in
            guard token.text == "package", declarations.contains(file.text(at: index + 1)) else { return nil }
            if file.declaresOperator(index) || file.declaresWitness(index) { return nil }
            var above = token.line - 1
            while file.trimmedLine(above).hasPrefix("@") || file.trimmedLine(above).hasPrefix("#if") { above -= 1 }
            let line = file.trimmedLine(above)
            if line.hasPrefix("///") || line.hasSuffix("*/") { return nil }
            return "a package declaration without a documentation comment"
        }
    }

    static func functionLength(_ file: SourceFile) -> [Finding] {
        let heads: Set = ["func", "init", "deinit", "subscript"]
        return file.findings("function-length") { index, token in
            guard heads.contains(token.text), file.text(at: index - 1) != "." else { return nil }
            guard let open = file.bodyStart(index), let close = file.closing(open) else { return nil }
            let length = file.tokens[close].line - token.line + 1
            guard length > Shape.functionLines else { return nil }
            let name = token.text == "func" ? file.text(at: index + 1) : token.text
            return "\(name) has \(length) lines, the limit is \(Shape.functionLines)"
        }
    }

    static func fileShape(_ file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        // The empty piece after the last newline is no line.
        let count = file.lines.last?.isEmpty == true ? file.lines.count - 1 : file.lines.count
        if count > Shape.fileLines {
            let message = "\(count) lines, the limit is \(Shape.fileLines)"
            findings.append(Finding(rule: "file-length", path: file.path, line: count, message: message))
        }
        for (index, line) in file.lines.enumerated() where line.count > Shape.columns {
            let message = "\(line.count) columns, the limit is \(Shape.columns)"
            findings.append(Finding(rule: "columns", path: file.path, line: index + 1, message: message))
        }
        return findings
    }

    /// `swiftSettings: settings` in every target with Swift in it: a target without it is compiled by other rules.
    static func sharedSettings(_ manifest: SourceFile) -> [Finding] {
        let kinds: Set = ["target", "executableTarget", "testTarget"]
        return manifest.findings("settings") { index, token in
            guard kinds.contains(token.text), manifest.text(at: index - 1) == ".", manifest.text(at: index + 1) == "(",
                let close = manifest.closing(index + 1)
            else { return nil }
            let inside = (index...close).contains { place in
                manifest.text(at: place) == "swiftSettings" && manifest.text(at: place + 2) == "settings"
            }
            if inside { return nil }
            // The C target: its path says so, and C has no Swift settings.
            let lines = manifest.tokens[index].line...manifest.tokens[close].line
            if lines.contains(where: { manifest.trimmedLine($0).contains("Sources/Warden/CLinux") }) { return nil }
            return "a target without the shared settings array"
        }
    }
}

extension SourceFile {
    /// Whether the declaration that begins at `index` is an operator's: the word after `func` is a mark.
    func declaresOperator(_ index: Int) -> Bool {
        for place in index..<min(index + 5, tokens.count) where tokens[place].text == "func" {
            return place + 1 < tokens.count && !tokens[place + 1].isWord && tokens[place + 1].text != "`"
        }
        return false
    }

    /// Whether the declaration that begins at `index` fulfils a well-known requirement of the standard library.
    func declaresWitness(_ index: Int) -> Bool {
        let head = (index + 1..<min(index + 6, tokens.count)).map { tokens[$0].text }
        let witnesses = [
            ["let", "rawValue"], ["var", "rawValue"], ["init", "(", "rawValue"], ["init", "?", "(", "rawValue"],
            ["var", "description"], ["var", "debugDescription"], ["func", "hash", "(", "into"],
        ]
        return witnesses.contains { head.starts(with: $0) }
    }

    /// The brace that opens the body of the function declared at `index`; `nil` for a requirement without a body.
    func bodyStart(_ index: Int) -> Int? {
        let ends: Set = ["}", "func", "var", "let", "case", "struct", "enum", "class", "extension", "associatedtype"]
        var depth = 0
        for place in (index + 1)..<max(index + 1, tokens.count) {
            let text = tokens[place].text
            if text == "(" || text == "[" { depth += 1 }
            if text == ")" || text == "]" { depth -= 1 }
            guard depth == 0 else { continue }
            if text == "{" { return place }
            if place > index + 1, ends.contains(text) { return nil }
            if ["init", "subscript"].contains(text), place > index + 1, tokens[place].followsSpace { return nil }
        }
        return nil
    }
}
