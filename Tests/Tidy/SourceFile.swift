/// A Swift file of the repository, read and cut into tokens.
struct SourceFile {
    /// From the repository's root: `Sources/Warden/Core/Time.swift`.
    let path: String
    /// Its lines as they stand.
    let lines: [Substring]
    /// Its source without comments and text in quotes.
    let tokens: [Token]

    /// - Parameters:
    ///   - path: from the repository's root.
    ///   - text: the whole file.
    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        tokens = Tokenizer(text).tokens
    }

    /// The room of the daemon it belongs to, `Main` for the executable, `WardenCtl` for the client; `nil` elsewhere.
    var room: String? {
        let parts = path.split(separator: "/")
        guard parts.first == "Sources", parts.count > 2 else { return nil }
        return parts[1] == "Warden" ? String(parts[2]) : String(parts[1])
    }

    /// True below `Tests`.
    var isTest: Bool { path.hasPrefix("Tests/") }

    /// The text of the token `offset` places from `index`; empty beyond the ends.
    func text(at index: Int) -> String {
        tokens.indices.contains(index) ? tokens[index].text : ""
    }

    /// The line `number`, counted from 1, without white space at its ends; empty beyond the ends.
    func trimmedLine(_ number: Int) -> Substring {
        guard lines.indices.contains(number - 1) else { return "" }
        return lines[number - 1].drop { $0 == " " || $0 == "\t" }
    }

    /// The token that closes what the token at `open` opens; `nil` when nothing does.
    func closing(_ open: Int) -> Int? {
        let pairs = ["{": "}", "(": ")", "[": "]"]
        guard let close = pairs[text(at: open)] else { return nil }
        var depth = 0
        for index in open..<tokens.count {
            if tokens[index].text == tokens[open].text { depth += 1 }
            if tokens[index].text == close {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }
}

/// Something that is not as the house wants it.
struct Finding: Hashable, CustomStringConvertible {
    /// The rule's name, as in the list of exceptions.
    let rule: String
    /// From the repository's root.
    let path: String
    /// Counted from 1.
    let line: Int
    /// What is wrong and what to do instead.
    let message: String

    var description: String { "\(path):\(line): \(message) [\(rule)]" }
}
