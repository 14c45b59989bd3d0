extension Unicode.Scalar {
    /// What Python's `str.isspace` calls whitespace; the dialect's trimming and comments depend on it.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
            true
        default: false
        }
    }
}

extension ArraySlice<Unicode.Scalar> {
    var trimmedAtEnd: ArraySlice<Unicode.Scalar> {
        self[..<(lastIndex { !$0.isPythonSpace }.map { $0 + 1 } ?? startIndex)]
    }

    var trimmed: ArraySlice<Unicode.Scalar> {
        trimmedAtEnd.drop { $0.isPythonSpace }
    }

    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: self)
        return String(view)
    }
}

extension String {
    /// Without whitespace at both ends.
    var trimmed: String { Array(unicodeScalars)[...].trimmed.string }

    /// The parts between the separators, each trimmed, empty ones included.
    func split(at separator: Unicode.Scalar) -> [String] {
        Array(unicodeScalars).split(separator: separator, omittingEmptySubsequences: false).map(\.trimmed.string)
    }

    /// The words between whitespace.
    var words: [String] {
        Array(unicodeScalars).split { $0.isPythonSpace }.map(\.string)
    }

    /// The halves around the first separator, each trimmed; `nil` without one.
    func halves(around separator: String) -> (String, String)? {
        let text = Array(unicodeScalars)
        let mark = Array(separator.unicodeScalars)
        guard !mark.isEmpty, text.count >= mark.count else { return nil }
        for start in 0...(text.count - mark.count) where text[start...].starts(with: mark) {
            return (text[..<start].trimmed.string, text[(start + mark.count)...].trimmed.string)
        }
        return nil
    }
}

/// `text` in quotes for a message: one line, no control characters, not too long.
func quoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars.prefix(ConfigLimits.quotedScalars) {
        switch scalar {
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
            result += "\\x\(String(scalar.value, radix: 16))"
        default: result.unicodeScalars.append(scalar)
        }
    }
    if text.unicodeScalars.count > ConfigLimits.quotedScalars { result += "…" }
    return result + "'"
}
