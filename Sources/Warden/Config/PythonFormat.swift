/// What a name of an expansion stands for.
enum ExpansionValue: Hashable {
    case text(String)
    case number(Int)
}

/// Python's `%` formatting with names, as supervisord expands its options.
///
/// Unlike Python, a conversion without a name is refused: there `%s` inserts the whole table of names, the daemon's
/// environment included.
struct PythonFormat {
    enum Failure: Error, Hashable {
        case unknownName(String)
        case malformed(String)
    }

    private let text: [Unicode.Scalar]
    private var index = 0
    private var output = String.UnicodeScalarView()
    private let lookUp: (String) -> ExpansionValue?

    /// - Throws: when a name is not known or a conversion makes no sense.
    static func expand(_ text: String, _ lookUp: (String) -> ExpansionValue?) throws(Failure) -> String {
        guard text.unicodeScalars.contains("%") else { return text }
        return try withoutActuallyEscaping(lookUp) { (lookUp) throws(Failure) -> String in
            var format = PythonFormat(text: Array(text.unicodeScalars), lookUp: lookUp)
            return try format.run()
        }
    }

    private init(text: [Unicode.Scalar], lookUp: @escaping (String) -> ExpansionValue?) {
        self.text = text
        self.lookUp = lookUp
    }

    private mutating func run() throws(Failure) -> String {
        while index < text.count {
            let scalar = text[index]
            index += 1
            if scalar != "%" {
                output.append(scalar)
            } else {
                let piece = try conversion()
                guard output.count + piece.unicodeScalars.count <= ConfigLimits.expandedBytes else {
                    throw .malformed("the result has more than \(ConfigLimits.expandedBytes) characters")
                }
                output.append(contentsOf: piece.unicodeScalars)
            }
        }
        return String(output)
    }

    /// One conversion, after its `%`.
    private mutating func conversion() throws(Failure) -> String {
        let start = index - 1
        var value: ExpansionValue?
        if peek == "(" {
            let name = try key()
            guard let found = lookUp(name) else { throw .unknownName(name) }
            value = found
        }
        let spec = try specification()
        guard let letter = peek else { throw .malformed("incomplete format at index \(start)") }
        index += 1
        if letter == "%" { return "%" }
        guard "diuoxXeEfFgGcrsa".unicodeScalars.contains(letter) else {
            throw .malformed("unsupported format character \(quoted(String(letter))) at index \(index - 1)")
        }
        guard let value else {
            let conversion = text[start..<index].string
            throw .malformed("\(quoted(conversion)) at index \(start) has no (name); write %% for a plain %")
        }
        return try spec.render(value, letter)
    }

    private var peek: Unicode.Scalar? { index < text.count ? text[index] : nil }

    private mutating func key() throws(Failure) -> String {
        let start = index + 1
        var depth = 0
        while let scalar = peek {
            index += 1
            if scalar == "(" { depth += 1 }
            if scalar == ")" { depth -= 1 }
            if depth == 0 { return text[start..<(index - 1)].string }
        }
        throw .malformed("incomplete format key at index \(start - 2)")
    }

    private mutating func specification() throws(Failure) -> FormatSpecification {
        var spec = FormatSpecification()
        while let scalar = peek, "#0- +".unicodeScalars.contains(scalar) {
            switch scalar {
            case "#": spec.isAlternate = true
            case "0": spec.isZeroPadded = true
            case "-": spec.isLeftAligned = true
            case " ": spec.hasSpace = true
            default: spec.hasPlus = true
            }
            index += 1
        }
        spec.width = try number() ?? 0
        if peek == "." {
            index += 1
            spec.precision = try number() ?? 0
        }
        // C's length modifiers are allowed and mean nothing.
        if let scalar = peek, "hlL".unicodeScalars.contains(scalar) { index += 1 }
        return spec
    }

    private mutating func number() throws(Failure) -> Int? {
        var result: Int?
        while let scalar = peek, ("0"..."9").contains(scalar) {
            let number = (result ?? 0) * 10 + Int(scalar.value - 0x30)
            guard number <= ConfigLimits.formatWidth else { throw .malformed("width too big at index \(index)") }
            result = number
            index += 1
        }
        return result
    }
}
