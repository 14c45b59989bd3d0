/// A value as it is written, not expanded yet.
struct Entry {
    /// Continuation lines are joined with newlines.
    var value: String
    /// The line with the key.
    var place: Place
    /// The directory of the file: what `%(here)s` stands for in this value.
    var here: String
}

/// A section: the merger of all sections of one name in all files.
struct Section {
    var name: String
    /// The first header of that name.
    var place: Place
    private(set) var entries: [String: Entry] = [:]

    /// The part after the first colon; `nil` without a colon.
    var argument: String? {
        name.unicodeScalars.firstIndex(of: ":").map { String(name.unicodeScalars[$0...].dropFirst()) }
    }

    init(name: String, place: Place) {
        self.name = name
        self.place = place
    }

    mutating func set(_ key: String, _ entry: Entry) {
        entries[key] = entry
    }
}

/// Every section of a configuration, in the order of their first headers.
struct Document {
    private(set) var sections: [Section] = []
    /// `[DEFAULT]`, whose keys hold in every section of supervisord's.
    private(set) var defaults = Section(name: "DEFAULT", place: Place(file: "", line: 0))
    private var indices: [String: Int] = [:]

    func section(_ name: String) -> Section? {
        indices[name].map { sections[$0] }
    }

    func sections(_ prefix: String) -> [Section] {
        sections.filter { $0.name.hasPrefix(prefix) }
    }

    mutating func open(_ name: String, at place: Place) {
        guard name != defaults.name, indices[name] == nil else { return }
        indices[name] = sections.count
        sections.append(Section(name: name, place: place))
    }

    mutating func set(_ section: String, _ key: String, _ entry: Entry) {
        if let index = indices[section] {
            sections[index].set(key, entry)
        } else if section == defaults.name {
            defaults.set(key, entry)
        }
    }
}
