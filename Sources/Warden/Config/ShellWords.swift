/// Python's shlex in the two modes that supervisord uses.
enum ShellWords {
    /// Says nothing of the text, which may be a secret; the usual cause is not a forgotten mark.
    private static let unclosedQuotation = ValueError(
        "no closing quotation mark; a ; or # after a space starts a comment, even between quotes")

    /// `shlex.split(text)`, for `command`: POSIX rules, comments not recognised.
    static func split(_ text: String) throws(ValueError) -> [String] {
        var splitter = Splitter()
        for scalar in text.unicodeScalars { splitter.take(scalar) }
        return try splitter.finish()
    }

    private struct Splitter {
        private enum State {
            case between, word, singleQuoted, doubleQuoted, escaped, escapedInQuotes
        }

        private var state = State.between
        private var word = String.UnicodeScalarView()
        private var words: [String] = []

        mutating func take(_ scalar: Unicode.Scalar) {
            switch state {
            case .between, .word: takePlain(scalar)
            case .singleQuoted:
                if scalar == "'" { state = .word } else { word.append(scalar) }
            case .doubleQuoted:
                switch scalar {
                case "\"": state = .word
                case "\\": state = .escapedInQuotes
                default: word.append(scalar)
                }
            case .escaped:
                word.append(scalar)
                state = .word
            case .escapedInQuotes:
                // Between double quotes a backslash escapes only a double quote and itself.
                if scalar != "\"", scalar != "\\" { word.append("\\") }
                word.append(scalar)
                state = .doubleQuoted
            }
        }

        private mutating func takePlain(_ scalar: Unicode.Scalar) {
            switch scalar {
            case " ", "\t", "\r", "\n":
                if state == .word { words.append(String(word)) }
                word = String.UnicodeScalarView()
                state = .between
            case "'": state = .singleQuoted
            case "\"": state = .doubleQuoted
            case "\\": state = .escaped
            default:
                word.append(scalar)
                state = .word
            }
        }

        mutating func finish() throws(ValueError) -> [String] {
            switch state {
            case .between: break
            case .word: words.append(String(word))
            case .singleQuoted, .doubleQuoted:
                throw unclosedQuotation
            case .escaped, .escapedInQuotes: throw ValueError("no character after the backslash at its end")
            }
            return words
        }
    }

    /// `shlex.shlex(text)` with supervisord's word characters, for `environment`: no escapes, quotes kept.
    static func tokens(_ text: String) throws(ValueError) -> [String] {
        var lexer = LegacyLexer(text)
        var tokens: [String] = []
        while let token = try lexer.next() { tokens.append(token) }
        return tokens
    }

    private struct LegacyLexer {
        private let text: [Unicode.Scalar]
        private var index = 0

        init(_ text: String) {
            self.text = Array(text.unicodeScalars)
        }

        private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "/", ".", "+", "-", "(", ")", ":": true
            default: false
            }
        }

        mutating func next() throws(ValueError) -> String? {
            while index < text.count {
                let scalar = text[index]
                index += 1
                switch scalar {
                case " ", "\t", "\r", "\n": continue
                case "#": skipLine()
                case "'", "\"": return try quotation(scalar)
                case _ where Self.isWord(scalar): return word(scalar)
                default: return String(scalar)
                }
            }
            return nil
        }

        private mutating func skipLine() {
            while index < text.count, text[index] != "\n" { index += 1 }
            index += 1
        }

        private mutating func quotation(_ quote: Unicode.Scalar) throws(ValueError) -> String {
            let start = index - 1
            while index < text.count {
                index += 1
                if text[index - 1] == quote { return text[start..<index].string }
            }
            throw unclosedQuotation
        }

        /// A quote inside a word is part of the word, and a comment inside a word does not end it.
        private mutating func word(_ first: Unicode.Scalar) -> String {
            var word = String.UnicodeScalarView([first])
            while index < text.count {
                let scalar = text[index]
                if scalar == "#" {
                    index += 1
                    skipLine()
                } else if Self.isWord(scalar) || scalar == "'" || scalar == "\"" {
                    word.append(scalar)
                    index += 1
                } else {
                    break
                }
            }
            return String(word)
        }
    }
}
