/// Rules for every text file, whatever language it is in.
enum TextRules {
    // Put together from pieces, so that this file does not find itself.
    private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    private static let foreign = ["/wo" + "rk/", "/fa" + "rm", "/tmp/mi" + "ni-"]

    /// Unfinished business, and places that exist only on somebody's machine.
    static func words(path: String, text: String) -> [Finding] {
        var findings: [Finding] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for word in unfinished where contains(word, in: line) {
                let message = "\(word): finish it, or open an issue"
                findings.append(Finding(rule: "unfinished", path: path, line: index + 1, message: message))
            }
            for place in foreign where line.contains(place) {
                let message = "\(place) is a place on somebody's machine"
                findings.append(Finding(rule: "foreign-path", path: path, line: index + 1, message: message))
            }
        }
        return findings
    }

    /// Whether `word` stands in `line` as a word of its own.
    private static func contains(_ word: String, in line: Substring) -> Bool {
        line.split { !($0.isLetter || $0.isNumber) }.contains { $0 == word }
    }
}
