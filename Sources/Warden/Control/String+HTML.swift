import WardenWire

extension String {
    /// Made safe for the text and for a quoted attribute of a page.
    ///
    /// Scalar by scalar: a quotation mark with an accent behind it is one character to Swift and two to a browser,
    /// which would end the attribute there. Control characters and those that reorder text are written out, as they
    /// are for a terminal.
    var escapedForHTML: String {
        let text = escapedForTerminal
        guard text.utf8.contains(where: { [0x22, 0x26, 0x27, 0x3C, 0x3E].contains($0) }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// For a part of an address: everything but letters, digits and `-._~` as `%41`.
    var percentEncoded: String {
        var encoded = ""
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += (byte < 0x10 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    /// Without the sequences that colour a terminal's text and move its cursor: `ESC [` up to their final letter.
    var withoutTerminalSequences: String {
        guard utf8.contains(0x1B) else { return self }
        var kept = ""
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar.value == 0x1B, rest.first == "[" else {
                kept.unicodeScalars.append(scalar)
                continue
            }
            let parameters = rest.dropFirst().prefix { (0x20...0x3F).contains($0.value) }
            rest = rest[parameters.endIndex...].dropFirst()
        }
        return kept
    }
}

extension Collection<UInt8> {
    /// A log's bytes as the text of a page: lines that end with `\n`, what is not UTF-8 replaced, no colours.
    var logHTML: String {
        split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            let bytes = line.last == 0x0D ? line.dropLast() : line
            return String(decoding: bytes, as: UTF8.self).withoutTerminalSequences.escapedForHTML
        }.joined(separator: "\n")
    }
}
