/// Reads one file in the dialect of supervisord 4.3.0: Python's RawConfigParser, not strict, with inline comments.
///
/// What surprises people, and is kept: an inline comment is cut even inside quotes; an indented line continues the
/// value above it; a header without its `]` is an ordinary key of the section above it.
struct DocumentParser {
    private let file: String
    private let here: String
    private var document: Document
    private var diagnostics: DiagnosticList
    private var sectionName: String?
    private var open: OpenEntry?
    private var indent = 0
    private var isHalted = false

    /// The value that continuation lines would still join.
    private struct OpenEntry {
        var key: String
        var lines: [String]
        var place: Place
    }

    /// Adds a file to `document`.
    static func read(
        _ bytes: [UInt8], file: String, here: String, into document: inout Document,
        _ diagnostics: inout DiagnosticList
    ) {
        var parser = DocumentParser(file: file, here: here, document: document, diagnostics: diagnostics)
        parser.read(bytes)
        document = parser.document
        diagnostics = parser.diagnostics
    }

    private init(file: String, here: String, document: Document, diagnostics: DiagnosticList) {
        self.file = file
        self.here = here
        self.document = document
        self.diagnostics = diagnostics
    }

    private mutating func read(_ bytes: [UInt8]) {
        guard bytes.count <= ConfigLimits.fileBytes else {
            diagnostics.error(
                Place(file: file, line: 0), "the file has more than \(ConfigLimits.fileBytes) bytes; it is not read")
            return
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var rest = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        var number = 0
        while !rest.isEmpty, !isHalted {
            number += 1
            let end = rest.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? rest.endIndex
            take(rest[..<end], Place(file: file, line: number))
            rest = rest[end...]
            // Python opens files with universal newlines: LF, CRLF and a lone CR each end a line.
            rest = rest.starts(with: [0x0D, 0x0A]) ? rest.dropFirst(2) : rest.dropFirst()
        }
        commit()
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>, _ place: Place) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            diagnostics.error(place, "this line is not UTF-8; save the file as UTF-8")
            return
        }
        guard !bytes.contains(0) else {
            diagnostics.error(place, "this line has a NUL byte")
            return
        }
        take(Array(text.unicodeScalars), place)
    }

    private mutating func take(_ line: [Unicode.Scalar], _ place: Place) {
        let comment = Self.commentStart(line)
        let value = line[..<(comment ?? line.count)].trimmed
        guard !value.isEmpty else {
            // A blank line inside a value stays in it; a comment line leaves no trace.
            if comment == nil { open?.lines.append("") }
            return
        }
        let lineIndent = line.firstIndex { !$0.isPythonSpace } ?? 0
        if open != nil, lineIndent > indent {
            open?.lines.append(value.string)
            return
        }
        indent = lineIndent
        if let name = Self.headerName(value) {
            commit()
            sectionName = name
            document.open(name, at: place)
        } else {
            takeKey(value, place)
        }
    }

    private mutating func takeKey(_ line: ArraySlice<Unicode.Scalar>, _ place: Place) {
        guard sectionName != nil else {
            diagnostics.error(
                place, "\(quoted(line.string)) stands before the first section header; write [supervisord] above it")
            isHalted = true
            return
        }
        guard let delimiter = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
            diagnostics.error(place, "\(quoted(line.string)) is neither a section header nor KEY=VALUE")
            return
        }
        let key = line[..<delimiter].trimmed.string.lowercased()
        guard !key.isEmpty else {
            diagnostics.error(place, "\(quoted(line.string)) has no key before its \(quoted(String(line[delimiter])))")
            return
        }
        commit()
        open = OpenEntry(key: key, lines: [line[(delimiter + 1)...].trimmed.string], place: place)
    }

    private mutating func commit() {
        defer { open = nil }
        guard let sectionName, let open else { return }
        let value = Array(open.lines.joined(separator: "\n").unicodeScalars)[...].trimmedAtEnd.string
        document.set(sectionName, open.key, Entry(value: value, place: open.place, here: here))
    }

    /// A comment starts at a `;` or `#` at the start of the line or after whitespace.
    private static func commentStart(_ line: [Unicode.Scalar]) -> Int? {
        line.indices.first { index in
            (line[index] == ";" || line[index] == "#") && (index == 0 || line[index - 1].isPythonSpace)
        }
    }

    /// Everything up to the last `]` is the name; what follows it is ignored.
    private static func headerName(_ line: ArraySlice<Unicode.Scalar>) -> String? {
        guard line.first == "[", let end = line.lastIndex(of: "]"), end > line.startIndex + 1 else { return nil }
        return line[(line.startIndex + 1)..<end].string
    }
}
