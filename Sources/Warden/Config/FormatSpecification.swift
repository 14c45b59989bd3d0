/// Flags, width and precision of one conversion.
struct FormatSpecification {
    var isAlternate = false
    var isZeroPadded = false
    var isLeftAligned = false
    var hasSpace = false
    var hasPlus = false
    var width = 0
    var precision: Int?

    func render(_ value: ExpansionValue, _ letter: Unicode.Scalar) throws(PythonFormat.Failure) -> String {
        switch letter {
        case "s", "r", "a": return aligned(cut(value.shown(as: letter)))
        case "c": return aligned(try character(value))
        default: break
        }
        guard case .number(let number) = value else {
            throw .malformed("%\(letter) needs a number, not text")
        }
        let digits: (prefix: String, text: String) =
            switch letter {
            case "x": prefixed("0x", String(number.magnitude, radix: 16))
            case "X": prefixed("0X", String(number.magnitude, radix: 16, uppercase: true))
            case "o": prefixed("0o", String(number.magnitude, radix: 8))
            case "e", "E": exponential(number.magnitude, letter, precision ?? 6, keepsZeros: true)
            case "f", "F": fixed(number.magnitude, precision ?? 6)
            case "g", "G": general(number.magnitude, letter == "g" ? "e" : "E")
            default: ("", atLeast(precision ?? 0, String(number.magnitude)))
            }
        let sign = number < 0 ? "-" : hasPlus ? "+" : hasSpace ? " " : ""
        return padded(sign: sign + digits.prefix, digits.text)
    }

    private func character(_ value: ExpansionValue) throws(PythonFormat.Failure) -> String {
        switch value {
        case .number(let number):
            guard let code = UInt32(exactly: number), let scalar = Unicode.Scalar(code), code != 0 else {
                throw .malformed("%c cannot show the number \(number)")
            }
            return String(scalar)
        case .text(let text):
            guard text.unicodeScalars.count == 1 else { throw .malformed("%c needs a number or one character") }
            return text
        }
    }

    private func cut(_ text: String) -> String {
        guard let precision else { return text }
        return Array(text.unicodeScalars).prefix(precision).string
    }

    private func aligned(_ text: String) -> String {
        let fill = String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
        return isLeftAligned ? text + fill : fill + text
    }

    private func padded(sign: String, _ digits: String) -> String {
        guard isZeroPadded, !isLeftAligned else { return aligned(sign + digits) }
        return sign + String(repeating: "0", count: max(0, width - sign.count - digits.count)) + digits
    }

    private func atLeast(_ count: Int, _ digits: String) -> String {
        String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    private func prefixed(_ prefix: String, _ digits: String) -> (prefix: String, text: String) {
        (isAlternate ? prefix : "", atLeast(precision ?? 0, digits))
    }

    private func fixed(_ magnitude: UInt, _ decimals: Int) -> (prefix: String, text: String) {
        let point = decimals > 0 || isAlternate ? "." : ""
        return ("", String(magnitude) + point + String(repeating: "0", count: decimals))
    }

    /// Only whole numbers are shown, so rounding to even on their decimal digits is exact.
    private func exponential(
        _ magnitude: UInt, _ letter: Unicode.Scalar, _ decimals: Int, keepsZeros: Bool
    ) -> (prefix: String, text: String) {
        var digits = String(magnitude).utf8.map { Int($0) - 0x30 }
        var exponent = digits.count - 1
        if digits.count > decimals + 1 {
            let rest = digits[(decimals + 1)...]
            let isTie = rest.first == 5 && rest.dropFirst().allSatisfy { $0 == 0 }
            let roundsUp = isTie ? !digits[decimals].isMultiple(of: 2) : (rest.first ?? 0) >= 5
            digits = Array(digits[...decimals])
            var index = decimals
            if roundsUp {
                while index >= 0, digits[index] == 9 {
                    digits[index] = 0
                    index -= 1
                }
                if index >= 0 {
                    digits[index] += 1
                } else {
                    digits = [1] + digits.dropLast()
                    exponent += 1
                }
            }
        }
        digits += Array(repeating: 0, count: max(0, decimals + 1 - digits.count))
        if !keepsZeros { while digits.count > 1, digits.last == 0 { digits.removeLast() } }
        let text = digits.map(String.init).joined()
        let point = digits.count > 1 || isAlternate ? "." : ""
        return ("", "\(text.prefix(1))\(point)\(text.dropFirst())\(letter)+\(atLeast(2, String(exponent)))")
    }

    private func general(_ magnitude: UInt, _ letter: Unicode.Scalar) -> (prefix: String, text: String) {
        let significant = max(1, precision ?? 6)
        let digits = String(magnitude)
        let rounded = exponential(magnitude, letter, significant - 1, keepsZeros: isAlternate)
        guard digits.count <= significant else { return rounded }
        let decimals = isAlternate ? significant - digits.count : 0
        return fixed(magnitude, decimals)
    }
}

extension ExpansionValue {
    /// As `%s`, `%r` or `%a` shows it.
    func shown(as letter: Unicode.Scalar) -> String {
        switch self {
        case .number(let number): return String(number)
        case .text(let text):
            if letter == "s" { return text }
            let quote: Unicode.Scalar = text.contains("'") && !text.contains("\"") ? "\"" : "'"
            let inner = text.unicodeScalars.map { Self.escaped($0, quote, isASCII: letter == "a") }.joined()
            return "\(quote)\(inner)\(quote)"
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar, _ quote: Unicode.Scalar, isASCII: Bool) -> String {
        func hexadecimal(_ letter: String, _ count: Int) -> String {
            let digits = String(scalar.value, radix: 16)
            return "\\" + letter + String(repeating: "0", count: max(0, count - digits.count)) + digits
        }
        switch scalar {
        case "\\": return "\\\\"
        case quote: return "\\\(quote)"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case _ where scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value): return hexadecimal("x", 2)
        case _ where isASCII && scalar.value > 0xFFFF: return hexadecimal("U", 8)
        case _ where isASCII && scalar.value > 0xFF: return hexadecimal("u", 4)
        case _ where isASCII && scalar.value > 0x7F: return hexadecimal("x", 2)
        default: return String(scalar)
        }
    }
}
