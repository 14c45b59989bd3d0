/// A section as its reader sees it: its keys, those that leak in from `[DEFAULT]`, and the names that expand.
struct SectionView {
    /// How values are expanded.
    enum Dialect {
        /// Python's formatting; `[DEFAULT]` leaks in.
        case supervisor
        /// Only `%(ENV_X)s` and `%(here)s` are replaced; nothing leaks in.
        case warden
    }

    var section: Section
    var defaults: Section
    var dialect: Dialect
    var scope: [String: ExpansionValue]

    var name: String { section.name }
    var place: Place { section.place }

    func entry(_ key: String) -> Entry? {
        if let entry = section.entries[key] { return entry }
        return dialect == .supervisor ? defaults.entries[key] : nil
    }
}

/// Looking up, expanding and converting values, with a diagnostic for whatever is wrong.
extension Loading {
    func view(of section: Section, _ dialect: SectionView.Dialect = .supervisor) -> SectionView {
        SectionView(section: section, defaults: document.defaults, dialect: dialect, scope: environmentScope)
    }

    mutating func read<Value>(
        _ key: String, _ view: SectionView, default fallback: Value,
        _ convert: (String) throws(ValueError) -> Value
    ) -> Value {
        readOptional(key, view, convert) ?? fallback
    }

    /// - Returns: `nil` when the key is not there, or when its value is wrong, which has then been reported.
    mutating func readOptional<Value>(
        _ key: String, _ view: SectionView, _ convert: (String) throws(ValueError) -> Value
    ) -> Value? {
        guard let entry = view.entry(key) else { return nil }
        do {
            return try convert(Self.expanded(entry.value, key, entry, view))
        } catch {
            diagnostics.error(entry.place, "[\(view.name)] \(key): \(error.message)")
            return nil
        }
    }

    /// As above, for what depends on the host.
    mutating func read<Value>(
        _ key: String, _ view: SectionView, default fallback: Value,
        _ convert: (String, ConfigurationHost) throws(ValueError) -> Value
    ) -> Value {
        readOptional(key, view, convert) ?? fallback
    }

    /// As above, for what depends on the host.
    mutating func readOptional<Value>(
        _ key: String, _ view: SectionView, _ convert: (String, ConfigurationHost) throws(ValueError) -> Value
    ) -> Value? {
        let host = host
        return readOptional(key, view) { (text) throws(ValueError) in try convert(text, host) }
    }

    /// As `readOptional`, and an error when the key is not there.
    mutating func readRequired<Value>(
        _ key: String, _ view: SectionView, _ convert: (String) throws(ValueError) -> Value
    ) -> Value? {
        if view.entry(key) == nil { diagnostics.error(view.place, "[\(view.name)] has no \(key); add \(key)=…") }
        return readOptional(key, view, convert)
    }

    /// As above, for what depends on the host.
    mutating func readRequired<Value>(
        _ key: String, _ view: SectionView, _ convert: (String, ConfigurationHost) throws(ValueError) -> Value
    ) -> Value? {
        let host = host
        return readRequired(key, view) { (text) throws(ValueError) in try convert(text, host) }
    }

    mutating func warn(_ key: String, _ view: SectionView, _ message: String) {
        diagnostics.warn(view.entry(key)?.place ?? view.place, "[\(view.name)] \(key): \(message)")
    }

    mutating func error(_ key: String, _ view: SectionView, _ message: String) {
        diagnostics.error(view.entry(key)?.place ?? view.place, "[\(view.name)] \(key): \(message)")
    }

    static func expanded(
        _ text: String, _ key: String, _ entry: Entry, _ view: SectionView
    ) throws(ValueError) -> String {
        switch view.dialect {
        case .warden: return try expandedLiterally(text, entry, view)
        case .supervisor: break
        }
        do {
            return try PythonFormat.expand(text) { $0 == "here" ? .text(entry.here) : view.scope[$0] }
        } catch {
            throw ValueError(explanation(error, secrets.contains(key) ? nil : text, view.scope))
        }
    }

    /// Keys whose values must not get into a log.
    private static let secrets: Set<String> = ["environment", "password", "username"]

    private static func explanation(
        _ failure: PythonFormat.Failure, _ text: String?, _ scope: [String: ExpansionValue]
    ) -> String {
        let format = text.map { "format string " + quoted($0) } ?? "the value"
        switch failure {
        case .malformed(let reason):
            return "\(format) is badly formatted: \(reason); write %% for a plain %"
        case .unknownName(let name):
            return "\(format) contains the name \(quoted(name)), which cannot be expanded"
                + unknownNameHint(name, scope)
        }
    }

    /// The environment's names are many and not for every eye: only a near one is told.
    private static func unknownNameHint(_ name: String, _ scope: [String: ExpansionValue]) -> String {
        let names = scope.keys.sorted()
        let near = Spelling.suggestion(for: name, among: names + ["here"])
        if name.hasPrefix("ENV_") {
            return near.isEmpty
                ? "; the daemon's environment has no variable \(quoted(String(name.dropFirst(4))))" : near
        }
        let known = (names.filter { !$0.hasPrefix("ENV_") } + ["here", "ENV_…"]).joined(separator: ", ")
        return near.isEmpty ? "; the names here are \(known)" : near
    }

    /// Any other `%` is literal, so that a pattern or a URL needs no doubling.
    private static func expandedLiterally(
        _ text: String, _ entry: Entry, _ view: SectionView
    ) throws(ValueError) -> String {
        var output = String.UnicodeScalarView()
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.first {
            guard scalar == "%", let name = conversionName(rest) else {
                output.append(scalar)
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(name.unicodeScalars.count + 4)
            let value: ExpansionValue? = name == "here" ? .text(entry.here) : view.scope[name]
            guard let value else {
                throw ValueError("cannot expand %(\(name))s\(unknownNameHint(name, view.scope))")
            }
            output.append(contentsOf: value.shown(as: "s").unicodeScalars)
        }
        return String(output)
    }

    /// The NAME of a `%(NAME)s` at the start that Warden's sections replace.
    private static func conversionName(_ text: ArraySlice<Unicode.Scalar>) -> String? {
        guard text.dropFirst().first == "(", let end = text.firstIndex(of: ")") else { return nil }
        let name = text[(text.startIndex + 2)..<end].string
        guard text[(end + 1)...].first == "s", name == "here" || name.hasPrefix("ENV_") else { return nil }
        return name
    }
}
